"""The coefficient that applies to each case: the institution's on its day, the group's own, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from core.findings import Finding
from core.money import plain
from core.rules.cases import FUNDS, REFERENCE_CATALOGUE, CaseTable, Scaled
from core.settlement import arrivals, coefficients, references
from core.settlement.arrivals import frozen
from core.settlement.exact import fits, places_of
from core.settlement.standing import Standing, table, too_long

_ABSENT = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Applied:
    """The cases with their coefficients. own: every institution's own k on 31 December by fund; findings: who has none."""

    cases: CaseTable
    own: Mapping[str, Mapping[str, Fraction]]
    findings: tuple[Finding, ...]


def apply(
    standing: Standing, content: Sequence[coefficients.Part], funds: Sequence[str], year: int, set_name: str
) -> Applied:
    """The coefficients of a set on the cases; a reference mean from the catalogue counts times k."""
    k, own, faults = _coefficients(standing, content, funds, year, set_name)
    reference = standing.reference
    late = standing.source == REFERENCE_CATALOGUE
    if bool(late.any()):
        where = np.flatnonzero(late)
        reference = reference.copy()
        reference[where] = references.times_coefficient(reference[where], k.values[where], k.places)
        frozen(reference)
    return Applied(table(standing, k, reference), own, tuple(faults))


def _coefficients(
    standing: Standing, content: Sequence[coefficients.Part], funds: Sequence[str], year: int, set_name: str
) -> tuple[Scaled, dict[str, dict[str, Fraction]], list[Finding]]:
    """k of every case; every institution's own k on 31 December by fund; who has none."""
    rows = standing.rows
    codes = rows.institutions
    lines = {fund: coefficients.timelines(content, fund) for fund in FUNDS}
    cuts = sorted(
        {
            0,
            *(
                day
                for fund in FUNDS
                for code in codes
                if code in lines[fund]
                for day in lines[fund][code].days
            ),
        }
    )
    faults: list[Finding] = []
    values = {
        value for fund in FUNDS for code in codes if code in lines[fund] for value in lines[fund][code].values
    }
    places = max(standing.own_k_places, places_of([value for value in values if value is not None]))
    if not fits([Fraction(1), *(value for value in values if value is not None)], places):
        faults.append(too_long([value for value in values if value is not None]))
        lines, places = {fund: {} for fund in FUNDS}, standing.own_k_places
    scale = 10**places
    grid = np.full((len(FUNDS), max(1, len(codes)), len(cuts)), _ABSENT, np.int64)
    for f, fund in enumerate(FUNDS):
        for i, code in enumerate(codes):
            line = lines[fund].get(code)
            for day, value in zip(line.days, line.values, strict=True) if line is not None else ():
                grid[f, i, cuts.index(day) :] = _ABSENT if value is None else int(value * scale)
    flat = grid.reshape(-1, len(cuts))
    if len(cuts) == 1:
        k = flat[standing.place, 0]
    else:
        k = flat[standing.place, np.searchsorted(np.array(cuts), rows.day, side="right") - 1]
    absent = k == _ABSENT
    if bool(absent.any()):
        for place in np.unique(standing.place[absent]).tolist():
            fund, code = FUNDS[place // len(codes)], codes[place % len(codes)]
            if fund in funds:
                days = rows.day[absent & (standing.place == place)]
                faults.append(
                    Finding(
                        "coefficient_missing",
                        "blocked",
                        subject=code,
                        value=str(len(days)),
                        values={
                            "fund": fund,
                            "set": set_name,
                            "from": arrivals.iso_day(int(days.min())),
                            "to": arrivals.iso_day(int(days.max())),
                        },
                    )
                )
        k = np.where(absent, 0, k)
    if standing.own_k_places or bool((standing.own_k >= 0).any()):
        k = np.where(standing.own_k >= 0, standing.own_k * 10 ** (places - standing.own_k_places), k)
    k = np.where(standing.neutral, scale, k)
    for place in np.unique(standing.place[k < 0]).tolist():
        fund, code = FUNDS[place // len(codes)], codes[place % len(codes)]
        if fund in funds:
            lowest = Fraction(int(k[standing.place == place].min()), scale)
            faults.append(
                Finding(
                    "coefficient_negative",
                    "blocked",
                    subject=code,
                    value=plain(lowest),
                    values={"fund": fund, "set": set_name},
                )
            )
    end = year * 10000 + 1231
    own: dict[str, dict[str, Fraction]] = {
        fund: {code: value for code, line in lines[fund].items() if (value := line.at(end)) is not None}
        for fund in FUNDS
    }
    return Scaled(frozen(k), places), own, faults
