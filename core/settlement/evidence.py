"""The evidence bundle: one sealed archive from which a clearing can be computed again without this program.

It holds the sheets, the rule with its parents, the coefficient set, every input of the steps, the digests of the files that
came in, the ledger, and the checker (`resources/checker`). The same clearing gives the same bytes: nothing is compressed,
no clock stands in it. The archive's comment is the seal, the SHA-256 of every byte before it. Nobody signs: the run's hash and
that of the ledger's line that confirmed it are printed on paper, so that paper and file hold each other. The run's hash is a
tree (`core.settlement.digest`): in one institution's bundle the rows of the others are there by their hashes alone.
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

import numpy as np

from core.export import confirmation_book, workbook
from core.export.tables import clearing_json
from core.export.target import whole_file
from core.faults import Refused
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.cases import FUNDS
from core.settings import RESOURCES
from core.settlement import annual, coefficients, confirmed, digest
from core.settlement.annual import Scored
from core.settlement.digest import is_earlier
from core.storage import batches

if TYPE_CHECKING:
    import sqlite3

    from core.rules.sheet import Clearing, FundSheet
    from core.storage.workspace import Workspace

CHECKER = RESOURCES / "checker" / "dianzhi_check.py"
READMES = tuple(RESOURCES / "checker" / f"README_{lang}.txt" for lang in ("zh", "en"))
_SEAL = b"DIANZHI-SEAL-1 sha256="
_DAY = (1980, 1, 1, 0, 0, 0)  # the archive format's first


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written. seal: hex; files: their number; runs: hashes."""

    seal: str
    files: int
    runs: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    """A stored run, computed again: what a folder of the bundle is made of."""

    row: Mapping[str, Any]
    scored: Scored
    clearing: Clearing


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
    found = [_again(workspace, digest, progress) for digest in _chosen(workspace, year, run)]
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
    lines = _ledger(connection, year, institution)
    files["ledger.json"] = _json(lines)
    files["data.json"] = _json(_data(connection, found, institution))
    for readme in (*READMES, CHECKER):
        files[readme.name] = readme.read_bytes()
    files["manifest.json"] = _json({
        "format": 1,
        "year": year,
        "institution": institution,
        "region": workspace.region,
        "workspace": workspace.name,
        "synthetic": workspace.synthetic,
        "runs": folders,
        "confirmed": None if held is None else {
            "runs": json.dumps(list(held.runs)), "at": held.at, "who": held.who, "why": held.why,
        },
        "ledger_head": lines[-1]["hash"],
        "files": {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in sorted(files.items())},
    })  # fmt: skip
    data, seal = _sealed(files)
    with whole_file(path) as beside:
        beside.write_bytes(data)
    return Bundle(seal, len(files), tuple(one.row["hash"] for one in found))


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


def _again(workspace: Workspace, digest: str, progress: Progress) -> _Run:
    """A stored run computed again, with its cases."""
    connection = workspace.reader()
    names = (
        "year", "at", "who", "pack", "pack_hash", "pack_text", "set_name", "set_hash", "catalogue", "grouping", "funds",
        "parameters", "data_hash", "batches", "result", "result_hash", "hash",
    )  # fmt: skip
    found = connection.execute(
        f"SELECT {', '.join(names)} FROM run WHERE hash = ? AND kind = 'clear' ORDER BY id DESC LIMIT 1", (digest,)
    ).fetchone()
    if found is None:
        raise Refused("confirm_no_run", year="")
    row: dict[str, Any] = dict(zip(names, found, strict=True))
    pack = packs.restore(row["pack_text"], json.loads(row["parameters"]))
    scored = annual.score_cases(
        workspace, row["year"], pack, funds=tuple(row["funds"].split(",")), set_name=row["set_name"],
        catalogue=row["catalogue"], grouping=row["grouping"], progress=progress,
    )  # fmt: skip
    clearing = annual.sheets(pack, scored)
    if is_earlier(clearing, digest):
        raise Refused("run_earlier", year=row["year"], run=digest[:16])
    if clearing.stamps.run_hash != digest or clearing_json(clearing) != row["result"]:
        raise Refused("bundle_differs", year=row["year"], run=digest[:16])
    return _Run(row, scored, clearing)


# -- the files of a run -------------------------------------------------------------------------------------


def _folder(workspace: Workspace, one: _Run, code: str, lang: str, progress: Progress) -> dict[str, bytes]:
    row, clearing, stamps = one.row, one.clearing, one.clearing.stamps
    sheets = [sheet for sheet in clearing.funds if not code or _place(sheet, code) >= 0]
    record = {
        **{name: row[name] for name in row if name not in ("pack_text", "result", "batches", "parameters", "funds")},
        "funds": {
            sheet.fund: [digest.of_institution(sheet, i) for i in range(len(sheet.institutions))]
            if sheet in sheets else digest.of_fund(sheet)
            for sheet in clearing.funds
        },
        "synthetic": stamps.synthetic,
        "parameters": json.loads(row["parameters"]),
        "region": stamps.region,
        "references": dict(stamps.references),
        "counts": dict(stamps.counts),
        "cases_hash": one.scored.inputs.standing.hash,
    }
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


def _inputs(one: _Run, sheet: FundSheet, code: str) -> dict[str, object]:
    """What a fund's steps were given, exact: facts of the region and of institutions, and what the cases add up to."""
    inputs = one.scored.inputs
    at = _place(sheet, code)

    def own(column: Sequence[Fraction]) -> list[str]:
        return [str(value) for i, value in enumerate(column) if not code or i == at]

    totals = annual.totals_of_fund(
        inputs.standing, annual.totals_of(inputs.standing, one.scored.scores), sheet.fund, sheet.institutions
    )
    return {
        "region": {name: str(value) for name, value in inputs.region[sheet.fund].items()},
        "institutions": [
            {"code": place.code, "name": place.name, "level": place.level}
            for place in sheet.institutions
            if code in ("", place.code)
        ],
        "facts": {name: own(column) for name, column in inputs.institution[sheet.fund].items()},
        "scores": {name: own(column) for name, column in totals.items()},
        # Of one institution sums over all cannot be computed again: what the sheet has is given exactly.
        "given": {
            "region": {name: str(value) for name, value in sheet.region.items()} if code else {},
            "institution": {name: str(values[at]) for name, values in sheet.values.items()} if code else {},
        },
        "budget_lines": [[line.item, line.amount, line.date, line.document] for line in sheet.budget_lines],
    }


def _cases(one: _Run, code: str) -> dict[str, object]:
    """An institution's cases: each with what it brings to the sheet's inputs, by the inputs' ids."""
    cases, scores = one.scored.inputs.cases, one.scored.scores
    at = cases.institutions.index(code) if code in cases.institutions else -1
    chosen = np.flatnonzero(cases.institution == at)
    order = sorted(chosen.tolist(), key=lambda i: str(cases.setl_id[i]))

    def score(i: int) -> Fraction:
        if scores.score is not None:
            return Fraction(int(scores.score.values[i]), 10**scores.score.places)
        return (scores.exact or ())[i]

    def cell(i: int) -> list[str]:
        amounts = (cases.fee, cases.booked, cases.own_pay, cases.other_pay)
        group = int(one.scored.inputs.standing.rows.group[i])
        return [
            str(cases.setl_id[i]),
            cases.groups[group] if group >= 0 else "",
            str(score(i)),
            plain(Fraction(int(cases.rw.values[i]), 10**cases.rw.places)),
            *(plain(Fraction(int(values[i]), 100), 2) for values in amounts),
            *(plain(Fraction(int(own.values[i]), 10**own.places)) for own in scores.measures.values()),
        ]

    columns = ["setl_id", "dip_code", "score", "base_score", "total_cost", "booked", "own_pay", "other_pay", *scores.measures]
    funds = [sheet.fund for sheet in one.clearing.funds if _place(sheet, code) >= 0]
    return {
        "columns": columns,
        "funds": {fund: [cell(i) for i in order if cases.fund[i] == FUNDS.index(fund)] for fund in funds},
    }


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


def _ledger(connection: sqlite3.Connection, year: int, code: str) -> list[dict[str, Any]]:
    """Every line. For one institution only what the year's clearing is: of other lines the links of the chain."""
    names = ("id", "at", "who", "action", "subject", "changes", "why", "answers", "previous", "hash")
    lines: list[dict[str, Any]] = []
    for row in connection.execute(f"SELECT {', '.join(names)} FROM ledger ORDER BY id"):
        line: dict[str, Any] = dict(zip(names, row, strict=True))
        of_year = line["action"] in ("run", "confirm", "reopen") and line["subject"].split(" ")[0] == str(year)
        shown = not code or of_year or line["action"] == "new"
        lines.append(line if shown else {name: line[name] for name in ("id", "previous", "hash")})
    return lines


def _data(connection: sqlite3.Connection, found: Sequence[_Run], code: str) -> list[dict[str, object]]:
    """The files that the runs stood on: digest and rows; their names only where no other institution is to be named."""
    used = {number for one in found for number in json.loads(one.row["batches"])}
    return [
        {
            "id": one.id, "kind": one.kind, "sha256": one.sha256, "rows_read": one.rows_read, "accepted": one.accepted,
            "refused": one.refused, "at": one.at, **({} if code else {"file": one.file, "sheet": one.sheet}),
        }
        for one in batches.batches(connection)
        if one.id in used
    ]  # fmt: skip


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
