"""What coefficients are derived from: each hospital's cases, costs, scores, ages and TCM fees by year and fund, read once.

Net of refunds and in scope by the same rules as disease scores (`core.catalogue.history`): `all` is every inpatient case
whoever pays, `settled` what DIP settles. Every sum is exact and depends on no order of rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue import library
from core.catalogue.history import BEYOND, INPATIENT, NETTING, away, stated
from core.findings import Finding, Severity
from core.money import yuan
from core.progress import Progress, step
from core.rules import bands
from core.rules.cases import FUNDS, Ints
from core.rules.deriving import LEVELS, DeriveRule, Step
from core.settlement.exact import places_of, scaled, sums
from core.settlement.groups import score_of
from core.settlement.year import LEVEL
from core.storage.workspace import Workspace

_CHUNK = 512  # rows that stay in the processor's cache while they are turned into columns
OUT = (*NETTING, "med_type", "unregistered", "insutype", "hi_paymtd", "area", "no_cost", "beyond_cost")
UNDETERMINED = 11  # from this hosp_lv on a grade is not determined
_GRADE_B = {3: 3, 2: 6, 1: 9}  # hosp_lv of grade B by level


@dataclass(frozen=True, slots=True)
class Hospital:
    """A registered institution. level: 1..3, 0 unknown; grade: hosp_lv; counted: the grade as which it counts."""

    code: str
    name: str
    level: int
    grade: int
    counted: int
    described: str  # category and name


@dataclass(frozen=True)
class Figures:
    """Sums by measure, year and hospital: `above[measure][year][hospital]` over `below`, per kind of fund (`all` or a fund).

    measures: fee (fen, cases), cmi (scores, cases with a score), tcm_share (fen, fen), and each age step's id (cases, cases).
    read: rows of these years; used: cases that counted.
    """

    years: tuple[int, ...]
    hospitals: tuple[Hospital, ...]
    funds: tuple[str, ...]
    above: Mapping[tuple[str, str], tuple[tuple[Fraction, ...], ...]]  # (measure, fund) -> year -> hospital
    below: Mapping[tuple[str, str], tuple[tuple[int, ...], ...]]
    catalogues: Mapping[int, str]
    read: int
    used: int
    findings: tuple[Finding, ...]


def hospitals(connection: sqlite3.Connection, rule: DeriveRule) -> tuple[Hospital, ...]:
    """The register, by code. An undetermined grade counts as grade B of the level where the rule says so."""
    rows: list[tuple[str, str, int, int | None, str]] = connection.execute(
        "SELECT fixmedins_code, fixmedins_name, hosp_lv, hi_setl_lv, coalesce(category, '') FROM institution ORDER BY 1"
    ).fetchall()
    found: list[Hospital] = []
    for code, name, grade, settled, category in rows:
        level = settled if settled in LEVELS else LEVEL.get(grade, 0)
        counted = _GRADE_B.get(level, grade) if rule.undetermined == "grade_b" and grade >= UNDETERMINED else grade
        found.append(Hospital(code, name, level, grade, counted, f"{category} {name}"))
    return tuple(found)


def read(
    workspace: Workspace, rule: DeriveRule, years: Sequence[int], catalogue: str | None, progress: Progress
) -> Figures:
    """The figures that the rule asks for, of `years` (ascending). Refused as `library.choose` where scores are needed."""
    connection = workspace.reader()
    own = hospitals(connection, rule)
    wants = _wanted(rule)
    funds = ("all",) if rule.funds == "all" else FUNDS
    findings: list[Finding] = []
    catalogues: dict[int, str] = {}
    above: dict[tuple[str, str], list[tuple[Fraction, ...]]] = {}
    below: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    rows = used = 0
    marks = ", ".join("?" * len(years))
    total = connection.execute(f"SELECT count(*) FROM cases WHERE year IN ({marks})", tuple(years)).fetchone()[0]
    out: dict[str, list[int]] = {}
    for year in years:
        columns, codes = _read_year(connection, workspace.region, rule, wants, year, own, (rows, total), progress)
        rows += len(columns["fee"])
        keep = columns["reason"] == 0
        for number in np.unique(columns["reason"][~keep]).tolist():
            left = columns["reason"] == number
            counted = out.setdefault(OUT[number - 1], [0, 0])
            counted[0] += int(left.sum())
            counted[1] += sum(columns["fee"][left].tolist())
        kept = {name: values[keep] for name, values in columns.items()}
        used += int(keep.sum())
        if "cmi" in wants or "age" in wants:
            catalogues[year] = library.choose(connection, year, catalogue)
        pairs = _pairs(connection, rule, wants, year, catalogues.get(year, ""), kept, codes, findings)
        place = kept["institution"].astype(np.int64)
        for fund in funds:
            at = slice(None) if fund == "all" else kept["fund"] == FUNDS.index(fund) + 1
            for measure, (top, bottom, scale) in pairs.items():
                sum_above, sum_below = (sums(values[at], place[at], len(own)) for values in (top, bottom))
                above.setdefault((measure, fund), []).append(tuple(Fraction(one, scale) for one in sum_above))
                below.setdefault((measure, fund), []).append(tuple(sum_below))
    for reason, (count, fee) in out.items():
        if reason != "refund_pair":
            findings.append(Finding(
                "institutions_unregistered" if reason == "unregistered" else f"out_{reason}", "note", value=str(count),
                values={"amount": yuan(fee)},
            ))  # fmt: skip
    return Figures(
        tuple(years), own, funds, {key: tuple(lines) for key, lines in above.items()},
        {key: tuple(lines) for key, lines in below.items()}, catalogues, rows, used, tuple(findings),
    )  # fmt: skip


def _wanted(rule: DeriveRule) -> set[str]:
    """Of fee, cmi, tcm, age."""
    if rule.method == "level_mean":
        return {"fee"}
    if rule.method == "mean_score":
        return {"cmi"}
    of_measure = {"cmi": "cmi", "age_share": "age", "tcm_share": "tcm"}
    return {of_measure[one.measure] for one in rule.steps}


# -- the rows of a year ----------------------------------------------------------------------------------------

_TEXTS = ("institution", "group", "born", "admitted")


def _selection(connection: sqlite3.Connection, region: str, rule: DeriveRule, wants: set[str]) -> dict[str, str]:
    number = {name: i for i, name in enumerate(OUT, start=1)}
    reasons = [
        "CASE WHEN netting <> 0 THEN netting",
        f"WHEN NOT coalesce(med_type IN ({INPATIENT}), 1) THEN {number['med_type']}",
    ]
    if rule.scope == "settled":
        reasons += [
            f"WHEN scope = 1 THEN {number['insutype']} WHEN scope = 2 THEN {number['hi_paymtd']}",
            f"WHEN {away(region)} THEN {number['area']}",
        ]
    reasons += [
        f"WHEN fee <= 0 THEN {number['no_cost']} WHEN fee >= {BEYOND} THEN {number['beyond_cost']} ELSE 0 END"
    ]
    # Small numbers of a row in one: a value that Python never makes is half the cost of a row less.
    select = {"institution": "fixmedins_code", "fee": "fee", "packed": f"({' '.join(reasons)}) * 4 + fund"}
    if "tcm" in wants:
        select["tcm"] = "coalesce(tcm_fee, -1)"
    if wants & {"cmi", "age"}:
        joined = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM case_group)").fetchone()[0])
        select["group"] = stated("dip_dise_grp_code", joined)
    if "cmi" in wants:
        select["days"] = "coalesce(act_ipt_days, 0)"
    if "age" in wants:
        select |= {
            "born": "coalesce(substr(brdy, 1, 10), '')",
            "admitted": "coalesce(substr(adm_time, 1, 10), '')",
            "age": f"coalesce(age, {bands.UNSAID})",
            "nwb_age": f"coalesce(nwb_age, {bands.UNSAID})",
        }
    return select


def _read_year(
    connection: sqlite3.Connection,
    region: str,
    rule: DeriveRule,
    wants: set[str],
    year: int,
    own: Sequence[Hospital],
    done: tuple[int, int],
    progress: Progress,
) -> tuple[dict[str, NDArray[Any]], tuple[str, ...]]:
    """The year's rows as columns: institution (index, of registered ones), reason (0 counts), fund, fee and what is wanted;
    and the codes into which `group` points."""
    select = _selection(connection, region, rule, wants)
    indices: dict[str, dict[str, int]] = {name: {} for name in _TEXTS if name in select}
    for i, one in enumerate(own):
        indices["institution"][one.code] = i
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in select}
    cursor = connection.execute(f"SELECT {', '.join(select.values())} FROM cases WHERE year = ?", (year,))
    read, total = done
    while chunk := cursor.fetchmany(_CHUNK):
        for name, values in zip(select, zip(*chunk, strict=True), strict=True):
            if name in indices:
                index = indices[name]
                for new in set(values) - index.keys():
                    index[new] = len(index)
                pieces[name].append(np.fromiter(map(index.__getitem__, values), np.int64, len(chunk)))
            else:
                pieces[name].append(np.fromiter(values, np.int64, len(chunk)))
        read += len(chunk)
        step(progress, "read_figures", read, total)
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate(pieces[name] or [np.empty(0, np.int64)]) for name in select
    }
    packed = columns.pop("packed")
    columns["fund"], columns["reason"] = packed & 3, packed >> 2
    stray = (columns["institution"] >= len(own)) & (columns["reason"] == 0)
    columns["reason"][stray] = OUT.index("unregistered") + 1
    if "age" in wants:
        born, admitted = (bands.dates(indices[name])[columns.pop(name)] for name in ("born", "admitted"))
        years, days = bands.ages(born, admitted, columns.pop("age"), columns.pop("nwb_age"))
        columns["band"] = bands.age_bands(years, days)
        columns["years"] = np.where((years < 0) & (days > 0), 0, years)  # known by its days alone
    return columns, tuple(indices.get("group", ()))


# -- from rows to pairs of sums --------------------------------------------------------------------------------


def _pairs(
    connection: sqlite3.Connection,
    rule: DeriveRule,
    wants: set[str],
    year: int,
    version: str,
    kept: Mapping[str, NDArray[Any]],
    codes: Sequence[str],
    findings: list[Finding],
) -> dict[str, tuple[Ints, Ints, int]]:
    """Of each measure: what is summed above and below the line by case, and the scale of what is above."""
    one = np.ones(len(kept["fee"]), np.int64)
    pairs: dict[str, tuple[Ints, Ints, int]] = {}
    if "fee" in wants:
        pairs["fee"] = (kept["fee"], one, 1)
    if "tcm" in wants:
        known = kept["tcm"] >= 0
        _say(findings, "derive_tcm_missing", year, ~known)
        pairs["tcm_share"] = (np.where(known, kept["tcm"], 0), np.where(known, kept["fee"], 0), 1)
    if not wants & {"cmi", "age"}:
        return pairs
    group = kept["group"]
    entries = library.entries(connection, version)
    if "cmi" in wants:
        known_entries = [entries.get(code) for code in codes]
        scores = [score_of(entry) for entry in known_entries]
        places = places_of([score for score in scores if score is not None])
        table = scaled([score or Fraction(0) for score in scores] or [Fraction(0)], places)
        bed = np.array([entry is not None and entry.kind == "bed_day" for entry in known_entries] or [False])[group]
        there = np.array([score is not None for score in scores] or [False])[group] & (~bed | (kept["days"] > 0))
        _say(findings, "derive_score_missing", year, ~there, catalogue=version)
        rw = table.values[group] * np.where(bed, kept["days"], 1)
        pairs["cmi"] = (np.where(there, rw, 0), there.astype(np.int64), 10**places)
    if "age" in wants:
        years = kept["years"]
        known = years >= 0
        _say(findings, "derive_age_missing", year, ~known)
        counted = known
        if rule.age_auxiliary == "excluded":
            using = _with_age_band(connection, version, year, codes, group, kept["band"])
            _say(findings, "derive_age_auxiliary", year, using & known, "note")
            counted = known & ~using
        for own in rule.steps:
            if own.measure == "age_share":
                pairs[own.id] = (_within(own, years, counted), counted.astype(np.int64), 1)
    return pairs


def _within(own: Step, years: Ints, counted: NDArray[np.bool_]) -> Ints:
    return (counted & (years >= own.ages[0]) & (years <= own.ages[1])).astype(np.int64)


def _with_age_band(
    connection: sqlite3.Connection, version: str, year: int, codes: Sequence[str], group: Ints, band: Ints
) -> NDArray[np.bool_]:
    """Cases whose group has an age band in the auxiliary catalogue that fits them."""
    place = {code: i for i, code in enumerate(codes)}
    table = np.zeros((len(codes) + 1, len(bands.AGE) + 1), bool)  # its last column: no band
    for one in library.bands(connection, version, year):
        if one.type == "age" and one.band in bands.AGE and one.dip_code in place:
            table[place[one.dip_code], bands.AGE.index(one.band)] = True
    return table[group, np.where(band >= 0, band, len(bands.AGE))]


def _say(
    findings: list[Finding], code: str, year: int, where: NDArray[np.bool_], severity: Severity = "warning", **values: str
) -> None:
    count = int(where.sum())
    if count:
        findings.append(Finding(code, severity, value=str(count), values={"year": str(year), **values}))
