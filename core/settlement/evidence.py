"""The evidence bundle: one sealed archive from which a clearing can be computed again without this program.

It holds the sheets, the rule with its parents, the coefficient set, every input of the steps, the digests of the files that
came in, the ledger, and the checker (`resources/checker`). The same clearing gives the same bytes: nothing is compressed,
no clock stands in it. The archive's comment is the seal, the SHA-256 of every byte before it. Nobody signs: the run's hash and
that of the ledger's line that confirmed it are printed on paper, so that paper and file hold each other. The run's hash is a
tree (`core.settlement.digest`): in one institution's bundle the rows of the others are there by their hashes alone. Its ledger
ends with the line that confirmed the clearing, of a draft with that of the run; lines before it may be there by hash alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.export import confirmation_book, workbook
from core.export.target import whole_file
from core.faults import Refused
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.cases import FUNDS
from core.settings import RESOURCES
from core.settlement import annual, coefficients, confirmed, digest
from core.settlement.runs import Recomputed, recomputed
from core.settlement.staleness import run_subject

if TYPE_CHECKING:
    import sqlite3

    from core.rules.sheet import FundSheet
    from core.storage.workspace import Workspace

CHECKER = RESOURCES / "checker" / "dianzhi_check.py"
READMES = tuple(RESOURCES / "checker" / f"README_{lang}.txt" for lang in ("zh", "en"))
_SEAL = b"DIANZHI-SEAL-1 sha256="
_DAY = (1980, 1, 1, 0, 0, 0)  # the archive format's first


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written. seal: hex; files: their number; runs: hashes; head: hash of the ledger's last line. betrayed: the funds
    that the institution shares with one other alone, whose figures are then what is left of the region's."""

    seal: str
    files: int
    runs: tuple[str, ...]
    head: str
    betrayed: tuple[str, ...] = ()


def bundle(
    workspace: Workspace,
    year: int,
    path: Path | str,
    *,
    institution: str = "",
    run: str = "",
    lang: str = "zh",
    progress: Progress = SILENT,
) -> Bundle:
    """Write the evidence of the year's clearing: of its confirmed runs, else of the newest that stand, or of `run` (how its
    hash begins). institution: only that one's figures and cases, the region's as given figures, nothing of the others.

    Refused: bundle_no_run, bundle_differs (a run comes out otherwise now), bundle_institution, run_stale. WorldFault: the disk.
    """
    connection = workspace.reader()
    held = confirmed.confirmed(connection).get(year)
    found = [_again(workspace, hash_, progress) for hash_ in _chosen(workspace, year, run)]
    if institution and not any(_place(sheet, institution) >= 0 for one in found for sheet in one.clearing.funds):
        raise Refused("bundle_institution", year=year, institution=institution)
    files: dict[str, bytes] = {}
    folders: list[str] = []
    for number, one in enumerate(found, start=1):
        if institution and all(_place(sheet, institution) < 0 for sheet in one.clearing.funds):
            continue
        step(progress, "evidence", number - 1, len(found))
        folders.append(f"run{number}")
        for name, content in _folder(workspace, one, institution, lang, progress).items():
            files[f"run{number}/{name}"] = content
    # To a hospital a run goes out as confirmed or as a draft; that another run of the year is the confirmed one is not said.
    if institution and held is not None and any(one.row["hash"] not in held.runs for one in found):
        held = None
    line = "" if held is None else held.line
    lines = _ledger(connection, found, line) if institution else _lines(connection)
    files["ledger.json"] = _json(lines)
    if not institution:
        files["data.json"] = _json(_data(lines, found))
    for readme in (*READMES, CHECKER):
        files[readme.name] = readme.read_bytes()
    files["manifest.json"] = _json({
        "format": 2,
        "year": year,
        "institution": institution,
        "region": workspace.region,
        "workspace": workspace.name,
        "synthetic": workspace.synthetic,
        "runs": folders,
        "confirmed": line,
        "ledger_head": lines[-1]["hash"],
        "files": {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())},
    })  # fmt: skip
    data, seal = _sealed(files)
    with whole_file(path) as beside:
        beside.write_bytes(data)
    betrayed = {
        sheet.fund for one in found for sheet in one.clearing.funds
        if institution and len(sheet.institutions) == 2 and _place(sheet, institution) >= 0
    }  # fmt: skip
    return Bundle(seal, len(files), tuple(one.row["hash"] for one in found), lines[-1]["hash"], tuple(sorted(betrayed)))


def seal_of(path: Path | str) -> str:
    """The seal that a bundle carries, as it is printed beside it."""
    return Path(path).read_bytes()[-64:].decode("ascii", "replace")


def _chosen(workspace: Workspace, year: int, run: str) -> list[str]:
    held = confirmed.confirmed(workspace.reader()).get(year)
    if held is not None and (not run or any(digest.startswith(run) for digest in held.runs)):
        return [digest for digest in held.runs if digest.startswith(run)]
    try:
        return list(confirmed.standing(workspace, year, run).values())
    except Refused as refused:
        raise Refused("bundle_no_run", year=year) from refused


def _again(workspace: Workspace, run_hash: str, progress: Progress) -> Recomputed:
    """A stored run computed again, with its cases."""
    (number,) = workspace.reader().execute(
        "SELECT max(id) FROM run WHERE hash = ? AND kind = 'clear'", (run_hash,)
    ).fetchone()  # fmt: skip
    if number is None:
        raise Refused("confirm_no_run", year="")
    found = recomputed(workspace, number, progress)
    if not found.same:
        raise Refused("bundle_differs", year=found.row["year"], run=run_hash[:16])
    return found


# -- the files of a run -------------------------------------------------------------------------------------


# The columns of a run that are said in other files, or are the workspace's own affair.
_ELSEWHERE = ("id", "pack_text", "result", "batches", "parameters", "funds", "kind", "period")


def _folder(workspace: Workspace, one: Recomputed, code: str, lang: str, progress: Progress) -> dict[str, bytes]:
    row, clearing, stamps = one.row, one.clearing, one.clearing.stamps
    under = annual.beneath(_scored(one))
    sheets = [sheet for sheet in clearing.funds if not code or _place(sheet, code) >= 0]
    record = {
        **{name: row[name] for name in row if name not in _ELSEWHERE},
        "funds": {
            sheet.fund: [digest.of_institution(sheet, i, under) for i in range(len(sheet.institutions))]
            if sheet in sheets else digest.of_fund(sheet, under)
            for sheet in clearing.funds
        },
        "synthetic": stamps.synthetic,
        "parameters": json.loads(row["parameters"]),
        "region": stamps.region,
        "references": dict(stamps.references),
        "counts": dict(stamps.counts),
        # Single cases are not in the whole bundle: what hangs on their hashes does so in the rows'.
        "cases": {
            fund: {place: [below.cases, below.scores] for place, below in own.items()} for fund, own in under.items()
        },
        "cases_hash": _scored(one).inputs.standing.hash,
    }
    if code:  # of everybody's cases, of the whole sheet: nothing here that they could be held against
        for name in ("cases", "cases_hash", "result_hash"):
            del record[name]
    content = coefficients.parts(workspace.reader(), row["set_name"])
    parts = [[p.code, p.fund, p.name, p.day, plain(p.value)] for p in content if code in ("", p.code)]
    files = {
        "run.json": _json(record),
        "pack.toml": row["pack_text"].encode(),
        "rule.json": packs.canonical(row["pack_text"]).encode(),
        "set.json": _json(parts),
        "inputs.json": _json({"funds": {sheet.fund: _inputs(one, sheet, code) for sheet in sheets}}),
        "sheet.json": _cut(row["result"], code, [sheet.fund for sheet in sheets]),
    }
    if code:
        files["cases.json"] = _json(_cases(one, code))
    book = io.BytesIO()  # in memory: nothing of a protected workspace goes to the system's folder of temporary files
    shown = confirmed.marked(workspace, clearing)
    if code:
        confirmation_book.write(shown, book, [code], lang, progress, funds=[sheet.fund for sheet in sheets])
    else:
        workbook.write(shown, book, lang, progress)
    return {**files, "sheet.xlsx": book.getvalue()}


def _inputs(one: Recomputed, sheet: FundSheet, code: str) -> dict[str, object]:
    """What a fund's steps were given, exact: facts of the region and of institutions, and what the cases add up to."""
    scored, pack = _scored(one), one.clearing.pack
    inputs = scored.inputs
    at = _place(sheet, code)

    def own(column: Sequence[Fraction]) -> list[str]:
        return [str(value) for i, value in enumerate(column) if not code or i == at]

    totals = annual.totals_of_fund(
        inputs.standing, annual.totals_of(inputs.standing, scored.scores), sheet.fund, sheet.institutions
    )
    return {
        "region": {name: str(value) for name, value in inputs.region[sheet.fund].items()},
        "institutions": [
            {"code": place.code, "name": place.name, "level": place.level}
            for place in sheet.institutions
            if code in ("", place.code)
        ],
        "facts": {name: own(column) for name, column in inputs.institution[sheet.fund].items()},
        "scores": {name: own(column) for name, column in totals.items() if name in pack.inputs("institution")},
        # Of one institution sums over all cannot be computed again: what the sheet has is given exactly.
        "given": {
            "region": {name: str(value) for name, value in sheet.region.items()} if code else {},
            "institution": {name: str(values[at]) for name, values in sheet.values.items()} if code else {},
        },
        "budget_lines": [[line.item, line.amount, line.date, line.document] for line in sheet.budget_lines],
    }


def _cases(one: Recomputed, code: str) -> dict[str, object]:
    """An institution's cases, each with what it brings to the sheet's inputs, by the inputs' ids; in the order and by the columns
    of their hashes (`digest.ByPlace`)."""
    scored = _scored(one)
    standing = scored.inputs.standing
    columns = [
        *digest.ByPlace.columns(standing.rows, standing.rw, standing.own_pay), *digest.scored(scored.scores)
    ]  # fmt: skip
    codes = standing.rows.institutions

    def cells(fund: str) -> list[list[str]]:
        place = FUNDS.index(fund) * len(codes) + codes.index(code) if code in codes else -1
        start, end = standing.by_place.starts.get(place, (0, 0))
        order = standing.by_place.order[start:end]
        own = [
            values[order].tolist() if places is None else [plain(Fraction(v, 10**places), places) for v in values[order].tolist()]
            for _, places, values in columns
        ]
        return [list(row) for row in zip(*own, strict=True)]

    return {
        "columns": [name for name, _, _ in columns],
        "places": [places for _, places, _ in columns],
        "funds": {sheet.fund: cells(sheet.fund) for sheet in one.clearing.funds if _place(sheet, code) >= 0},
    }


def _scored(one: Recomputed) -> annual.Scored:
    assert one.scored is not None  # a year's clearing
    return one.scored


def _cut(result: str, code: str, funds: Sequence[str]) -> bytes:
    """The stored sheet as it is; of one institution only its rows, and the region's figures of its funds."""
    if not code:
        return result.encode()
    told = json.loads(result)
    told["funds"] = {
        fund: {
            "region": own["region"],
            "institutions": [one for one in own["institutions"] if one["fixmedins_code"] == code],
        }
        for fund, own in told["funds"].items()
        if fund in funds
    }
    return (json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _place(sheet: FundSheet, code: str) -> int:
    return next((i for i, one in enumerate(sheet.institutions) if one.code == code), -1)


# -- ledger and files that came in --------------------------------------------------------------------------


def _lines(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    names = ("id", "at", "who", "action", "subject", "changes", "why", "answers", "previous", "hash")
    rows = connection.execute(f"SELECT {', '.join(names)} FROM ledger ORDER BY id")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _ledger(connection: sqlite3.Connection, found: Sequence[Recomputed], confirming: str) -> list[dict[str, Any]]:
    """For one institution: the first line, those of the runs, and at the end the confirming one, without the words that somebody
    gave as its reason; of what lies between the links of the chain."""
    runs = {run_subject(one.row["year"], one.row["pack"], one.row["hash"]) for one in found}
    every = _lines(connection)
    shown = {line["id"] for line in every if line["action"] == "run" and line["subject"] in runs}
    last = next((line["id"] for line in every if line["hash"] == confirming), max(shown))
    lines: list[dict[str, Any]] = []
    for line in every[:last]:
        if line["hash"] == confirming:
            line["why_sha256"] = hashlib.sha256(line.pop("why").encode()).hexdigest()
        elif line["action"] != "new" and line["id"] not in shown:
            line = {name: line[name] for name in ("id", "previous", "hash")}
        lines.append(line)
    return lines


def _data(lines: Sequence[Mapping[str, Any]], found: Sequence[Recomputed]) -> list[dict[str, object]]:
    """The files that were in force when the runs were made, as the ledger's lines say them."""
    runs = {run_subject(one.row["year"], one.row["pack"], one.row["hash"]) for one in found}
    came: dict[int, dict[str, object]] = {}
    used: dict[int, dict[str, object]] = {}
    for line in lines:
        for change in json.loads(line["changes"]):
            if change["table"] == "batch":
                came.pop(change["key"]["id"], None)
                if not change["after"]["withdrawn"]:
                    came[change["key"]["id"]] = change["key"]
        if line["action"] == "run" and line["subject"] in runs:
            used |= came
    return [used[number] for number in sorted(used)]


# -- the archive ------------------------------------------------------------------------------------------------


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _sealed(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """The archive's bytes with their seal."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
        archive.comment = _SEAL + b"0" * 64
    before = held.getvalue()[: -len(_SEAL) - 64]
    seal = hashlib.sha256(before).hexdigest()
    return before + _SEAL + seal.encode(), seal
