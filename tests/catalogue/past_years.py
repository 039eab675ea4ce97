"""Histories for tests: rows of cases in a workspace, or arrays made at once, and the plain second way to score them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from core.catalogue.entries import Entries, Entry
from core.catalogue.history import Clinical, Detail, History
from core.rules.scoring import ScoreRule
from core.storage import batches
from core.storage.workspace import Workspace


@dataclass(frozen=True)
class Case:
    """One case of a history. Amounts in fen; -1: not stated."""

    year: int
    group: str
    fee: int
    days: int = -1
    drug: int = -1
    consumable: int = -1
    age: int = -1
    icu: int = 0
    listed: str = ""
    diagnosis: str = ""
    operations: str = ""
    died: int = 0
    first: int = 0


def arrays(cases: Sequence[Case], years: Sequence[int] | None = None) -> History:
    """A history as `history` would give it, without a workspace."""
    ordered = tuple(sorted(years or {case.year for case in cases}))

    def texts(of: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
        names = tuple(sorted(set(of)))
        return names, np.array([names.index(one) for one in of] or [], np.int32)

    groups = tuple(sorted({case.group for case in cases} - {""}))
    lists, listed = texts([case.listed for case in cases])
    diagnoses, diagnosis = texts([case.diagnosis for case in cases])
    operation_lists, operated = texts([case.operations for case in cases])
    return History(
        years=ordered, scope="all", grouping="official",
        year=np.array([ordered.index(case.year) for case in cases], np.int8),
        group=np.array([groups.index(case.group) if case.group else -1 for case in cases], np.int32), groups=groups,
        fee=np.array([case.fee for case in cases], np.int64), days=np.array([case.days for case in cases], np.int64),
        drug=np.array([case.drug for case in cases], np.int64),
        consumable=np.array([case.consumable for case in cases], np.int64),
        detail=Detail(
            np.array([case.age for case in cases], np.int8), np.array([case.icu for case in cases], np.int32), listed, lists,
            np.array([case.died for case in cases], np.int8), np.array([case.first for case in cases], np.int8),
        ),
        clinical=Clinical(diagnosis, diagnoses, operated, operation_lists, {}), setl_id=None,
        rows=tuple(sum(case.year == year for case in cases) for year in ordered), out={},
    )  # fmt: skip


def catalogue(*rows: Entry, version: str = "old", year: int = 2024) -> Entries:
    return Entries(version, year, tuple(sorted(rows, key=lambda entry: entry.dip_code)))


def group(code: str, score: str | None = None, kind: str = "core", **given: Any) -> Entry:
    return Entry(code, f"{code} 名", kind, score=None if score is None else Fraction(score), **given)


def workspace_with(path: Path, cases: Iterable[Mapping[str, Any]], entries: Sequence[Entry] = (), version: str = "old") -> Workspace:
    """A workspace with these case rows (columns of the table; the rest is filled in) and one catalogue version of 2024."""
    workspace = Workspace.create(path, region="350900")
    with workspace.transaction("import", "past") as out:
        batch = batches.begin(out, "cases", "cases.csv", "", "sha", None, {}, "utf-8")
        out.execute(
            "INSERT INTO institution (fixmedins_code, fixmedins_name, hosp_lv, batch_id, row) VALUES ('H35090000001', '一', 2, ?, 2)",
            (batch,),
        )
        rows = 0
        for rows, given in enumerate(cases, start=1):
            year = given.get("year", 2023)
            case = {
                "setl_id": f"S{rows}", "sign": 1, "insutype": 310, "fixmedins_code": "H35090000001", "dscg_time": f"{year}-03-01",
                "diag_code": "K35.300", "hifp_pay": 0, "fund": 1, "year": year, "day": year * 10000 + 301, "own_pay": 0,
                "other_pay": 0, "scope": 0, "batch_id": batch, "row": rows + 1,
            } | given  # fmt: skip
            case.setdefault("fee", 100_00)
            case.setdefault("medfee_sumamt", case["fee"])
            out.execute(
                f"INSERT INTO cases ({', '.join(case)}) VALUES ({', '.join('?' * len(case))})", tuple(case.values())
            )
        batches.finish(out, batch, rows, rows, 0)
        batches.net_refunds(out)
        other = batches.begin(out, "catalogue", f"{version}.csv", "", "sha-c", None, {}, "utf-8")
        for place, entry in enumerate(entries, start=2):
            out.execute(
                "INSERT INTO catalogue (version, year, dip_code, dip_name, kind, score, mean_fee, equal_to, batch_id, row)"
                " VALUES (?, 2024, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    version, entry.dip_code, entry.dip_name, entry.kind, str(float(entry.score or 1)), entry.mean_fee,
                    entry.equal_to or None, other, place,
                ),
            )  # fmt: skip
        batches.finish(out, other, len(entries), len(entries), 0)
        workspace.ledger.record(out, "import", "past")
    return workspace


# -- the second way: one case at a time, straight from the rule's text ----------------------------------------


def percentile(fees: list[int], share: Fraction, how: str) -> Fraction:
    """Of fees in ascending order."""
    n = len(fees)
    place = (n + 1) * share - 1 if how == "exclusive" else (n - 1) * share
    place = min(max(place, Fraction(0)), Fraction(n - 1))
    below = place.numerator // place.denominator
    rest = place - below
    low, high = fees[below], fees[min(below + 1, n - 1)]
    if how == "lower" or rest == 0:
        return Fraction(low)
    if how == "higher":
        return Fraction(high)
    if how == "midpoint":
        return Fraction(low + high, 2)
    if how == "nearest":
        return Fraction(high if rest >= Fraction(1, 2) else low)
    return low + rest * (high - low)


def slow_scores(rule: ScoreRule, cases: Sequence[Case], codes: Sequence[str], years: Sequence[int]) -> dict[str, Fraction]:
    """Exact, unrounded scores of the groups that have a mean, by plain loops."""
    kept: dict[str, dict[int, list[int]]] = {code: {year: [] for year in years} for code in codes}
    for case in cases:
        if case.group in kept:
            kept[case.group][case.year].append(case.fee)
    if rule.trimming != "none":
        for by_year in kept.values():
            pooled = sorted(fee for fees in by_year.values() for fee in fees)
            for year, fees in by_year.items():
                basis = sorted(fees) if rule.trim_by == "year" else pooled
                if len(basis) < rule.trim_least:
                    continue
                if rule.trimming == "percentile":
                    low, high = (percentile(basis, share, rule.interpolation) for share in rule.percentiles)
                else:
                    first, third = (percentile(basis, Fraction(q, 4), rule.interpolation) for q in (1, 3))
                    low, high = first - rule.fence * (third - first), third + rule.fence * (third - first)
                by_year[year] = [fee for fee in fees if low <= fee <= high]

    def weighed(by_year: Mapping[int, list[int]]) -> Fraction | None:
        there = [(w, by_year[year]) for w, year in zip(rule.weights, years, strict=True) if w and by_year[year]]
        if not there or (rule.zero_years == "drop" and len(there) < sum(1 for w in rule.weights if w)):
            return None
        if rule.weighting == "means":
            means = sum(w * Fraction(sum(fees), len(fees)) for w, fees in there)
            return Fraction(means) / sum(w for w, _ in there)
        return Fraction(sum(w * sum(fees) for w, fees in there)) / sum(w * len(fees) for w, fees in there)

    everything = {
        year: [case.fee for case in cases if case.year == year]
        if rule.overall == "all"
        else [fee for by_year in kept.values() for fee in by_year[year]]
        for year in years
    }
    if rule.method == "quota":
        divisor: Fraction | None = Fraction(rule.quota)
    else:
        divisor = weighed(kept[rule.benchmark] if rule.method == "benchmark" else everything)
    means = {code: weighed(by_year) for code, by_year in kept.items()}
    if divisor is None:
        return {}
    return {code: mean / divisor * rule.scale for code, mean in means.items() if mean is not None}
