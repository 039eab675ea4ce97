"""The auxiliary factor of each case: the largest of its group's bands that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding
from core.rules.bands import AGE, DETAIL, ICU, NONE, UNKNOWN, age_bands, ages, dates, icu_bands, said_in
from core.rules.cases import Ints
from core.settlement.arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class Band:
    """One row of the auxiliary catalogue."""

    group: str
    type: str
    band: str
    factor: Fraction


def factors(
    arrivals: Arrivals, group: Ints, bands: Sequence[Band], places: int
) -> tuple[Ints, list[Finding]]:
    """Factor times 10**places of every case, 10**places where no band fits.

    group: index of the case's group into arrivals.groups where auxiliary bands may apply to it, else -1.
    """
    one = 10**places
    result = np.full(len(arrivals), one, np.int64)
    findings: list[Finding] = []
    index = {code: i for i, code in enumerate(arrivals.groups)}
    tables: dict[str, dict[tuple[int, str], int]] = {}
    for band in bands:
        known = {"age": AGE, "icu_days": ICU}.get(band.type)
        if (known is not None and band.band not in known) or (known is None and band.type not in DETAIL):
            findings.append(
                Finding(
                    "auxiliary_band_unknown", "warning", subject=band.group, value=f"{band.type}:{band.band}"
                )
            )
        elif band.group in index:
            scaled = band.factor * one
            tables.setdefault(band.type, {})[index[band.group], band.band] = int(scaled)
    has_bands = np.zeros(len(arrivals.groups) + 1, bool)
    for table in tables.values():
        for i, _ in table:
            has_bands[i] = True
    rows = np.flatnonzero(has_bands[group])
    if not len(rows):
        return result, findings
    own = group[rows]
    best = np.full(len(rows), NONE, np.int64)
    if "age" in tables:
        band = bands_of_age(arrivals, rows)
        relevant = np.zeros(len(arrivals.groups), bool)
        for i, _ in tables["age"]:
            relevant[i] = True
        doubtful = (band == UNKNOWN) & relevant[own]
        if bool(doubtful.any()):
            findings.append(
                Finding(
                    "age_unknown",
                    "warning",
                    value=str(int(doubtful.sum())),
                    subject=str(min(arrivals.setl_id[rows[doubtful]])),
                )
            )
        best = np.maximum(best, _looked_up(tables["age"], AGE, len(arrivals.groups), own, band))
    if "icu_days" in tables:
        band = icu_bands(_of(arrivals.icu_days)[rows])
        best = np.maximum(best, _looked_up(tables["icu_days"], ICU, len(arrivals.groups), own, band))
    if arrivals.detail is not None and any(name in tables for name in DETAIL):
        width = max(1, len(arrivals.details))
        pairs, where = np.unique(own.astype(np.int64) * width + arrivals.detail[rows], return_inverse=True)
        said = [said_in(detail) for detail in arrivals.details]
        fitting = [
            max(
                (
                    tables.get(name, {}).get((int(pair) // width, text), NONE)
                    for name, text in said[int(pair) % width]
                ),
                default=NONE,
            )
            for pair in pairs
        ]
        best = np.maximum(best, np.array(fitting, np.int64)[where])
    result[rows] = np.where(best >= 0, best, one)
    return result, findings


def bands_of_age(arrivals: Arrivals, rows: Ints) -> Ints:
    """Index into AGE of some cases of a year, NONE or UNKNOWN."""
    when = dates(arrivals.dates)
    born, admitted = when[_of(arrivals.born)[rows]], when[_of(arrivals.admitted)[rows]]
    return age_bands(*ages(born, admitted, _of(arrivals.age)[rows], _of(arrivals.nwb_age)[rows]))


def _looked_up(
    table: dict[tuple[int, str], int], bands: Sequence[str], groups: int, own: Ints, band: Ints
) -> Ints:
    grid = np.full((groups, len(bands) + 1), NONE, np.int64)
    for (i, name), factor in table.items():
        grid[i, bands.index(name)] = factor
    return grid[own, np.where(band < 0, len(bands), band)]


def _of(values: NDArray[Any] | None) -> NDArray[Any]:
    """A column that `Reading.persons` asked for."""
    if values is None:
        raise AssertionError("read without persons")
    return values
