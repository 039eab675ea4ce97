"""What is to be said of derived scores and of the groups they are for; and the method, by which they are derived again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from core.catalogue.entries import Entries, Entry
from core.catalogue.history import History
from core.catalogue.score_figures import Counts
from core.catalogue.score_groups import (
    DROPPED_ABSENT,
    DROPPED_THIN,
    KEPT_ABSENT,
    KEPT_THIN,
    SCORED,
    ZERO,
    Total,
)
from core.findings import Finding
from core.money import plain
from core.rules.cases import Ints
from core.rules.scoring import ScoreRule

_NAMED = 12  # codes that a finding lists


def about_history(past: History) -> list[Finding]:
    said = [
        Finding("score_year_missing", "warning", value=str(year))
        for y, (year, rows) in enumerate(zip(past.years, past.rows, strict=True))
        if not rows or not bool((past.year == y).any())
    ]
    for name, by_year in past.out.items():
        cases, fee = sum(n for n, _ in by_year), sum(amount for _, amount in by_year)
        if cases:
            severity = "warning" if name in ("no_cost", "beyond_cost") else "note"
            said.append(
                Finding(
                    f"score_left_{name}",
                    severity,
                    value=str(cases),
                    values={"amount": plain(Fraction(fee, 100), 2)},
                )
            )
    return said


def about_cases(tally: Counts, past: History, base: Entries | None, place: Ints) -> list[Finding]:
    said: list[Finding] = []
    for name, (cases, fee) in tally.dropped.items():
        values = {
            "amount": plain(Fraction(fee, 100), 2),
            "share": plain(Fraction(100 * cases, tally.cases[0]), 2),
        }
        value = str(cases)
        if name == "unknown_group":
            unknown = np.unique(past.group[place == -2])
            values["groups"] = str(len(unknown))
            values["codes"] = _some(past.groups[g] for g in unknown.tolist())
        said.append(Finding(f"score_dropped_{name}", "warning", value=value, values=values))
    if tally.trimmed[0]:
        values = {"amount": plain(Fraction(tally.trimmed[1], 100), 2)}
        said.append(Finding("score_trimmed", "note", value=str(tally.trimmed[0]), values=values))
    return said


def about_total(total: Total, rule: ScoreRule, past: History) -> Finding:
    """What was scaled, by how much, and what rounding left of it."""
    values = {
        "groups": str(total.groups),
        "cases": str(total.cases),
        "years": str(past.years[-1]) if rule.total_years == "last" else f"{past.years[0]}-{past.years[-1]}",
        "old": plain(total.old, rule.places),
        "new": plain(total.new, rule.places),
        "residual": plain(total.residual, rule.places),
    }
    return Finding("score_total_kept", "note", value=plain(total.factor, 10), values=values)


def about_groups(rule: ScoreRule, decisions: Mapping[str, str], rows: Sequence[Entry]) -> list[Finding]:
    said: list[Finding] = []
    for what in (KEPT_ABSENT, KEPT_THIN, DROPPED_ABSENT, DROPPED_THIN, ZERO):
        codes = sorted(code for code, one in decisions.items() if one == what)
        if codes:
            severity = "warning" if what in (ZERO, DROPPED_ABSENT, DROPPED_THIN) else "note"
            values = {"codes": _some(codes), "least": str(rule.least)}
            said.append(Finding(f"score_group_{what}", severity, value=str(len(codes)), values=values))
    thin = sorted(
        entry.dip_code
        for entry in rows
        if decisions[entry.dip_code] == SCORED and (entry.cases or 0) < rule.least and not entry.equal_to
    )
    if thin:
        values = {"codes": _some(thin), "least": str(rule.least)}
        said.append(Finding("score_group_thin", "warning", value=str(len(thin)), values=values))
    if rule.parts and rows and all(entry.drug_score is None for entry in rows):
        said.append(Finding("score_parts_missing", "note"))
    return said


def _some(codes: Iterable[str]) -> str:
    listed = sorted(codes)
    return ", ".join(listed[:_NAMED]) + (" …" if len(listed) > _NAMED else "")


def method_of(
    rule: ScoreRule,
    past: History,
    base: Entries | None,
    year: int,
    tally: Counts,
    total: Total | None,
    divisor: Fraction,
) -> Mapping[str, object]:
    """How this was made, as plain JSON: no clock, no float."""
    told: dict[str, object] = {
        "by": f"scores:{rule.method}",
        "rule": rule.as_texts(),
        "years": list(past.years),
        "year": year,
        "base": base.version if base is not None else "",
        "grouping": past.grouping,
        "cases": {
            "read": list(past.rows),
            "history": list(tally.cases),
            "used": list(tally.used),
            "trimmed": list(tally.trimmed),
            "dropped": {name: list(one) for name, one in sorted(tally.dropped.items())},
            "out": {name: list(one) for name, one in sorted(tally.out.items())},
        },
        "divisor": f"{divisor.numerator}/{divisor.denominator}",
    }
    if total is not None:
        told["total"] = {
            "groups": total.groups,
            "cases": total.cases,
            "factor": f"{total.factor.numerator}/{total.factor.denominator}",
            "old": plain(total.old),
            "new": plain(total.new),
            "residual": plain(total.residual),
        }
    return json.loads(json.dumps(told))
