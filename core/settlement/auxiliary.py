"""The auxiliary factor of each case: the largest of its group's bands that fit it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.findings import Finding
from core.rules.cases import Ints
from core.settlement.arrivals import Arrivals

AGE = ("0-28d", "29d-1y", "1-6", "7-17", "66+")
ICU = ("2-7", "8-14", "15-30", "31+")
DETAIL = ("severity", "tumour", "cci")
# `type:band`, several of them separated by whatever the platform of the city uses.
_DETAIL = re.compile(r"(severity|tumour|cci)\s*[:：]\s*([^|,;，；、/\s]+)", re.IGNORECASE)
NONE, UNKNOWN = -1, -2


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
        band = age_bands(arrivals, rows)
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
        days = _of(arrivals.icu_days)[rows]
        band = np.select([days < 2, days <= 7, days <= 14, days <= 30], [NONE, 0, 1, 2], 3)
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


def said_in(detail: str) -> tuple[tuple[str, str], ...]:
    """Type and band of everything that a case's auxiliary detail names."""
    return tuple((name.lower(), text) for name, text in _DETAIL.findall(detail))


def age_bands(arrivals: Arrivals, rows: Ints) -> Ints:
    """`bands_of_ages` of some cases of a year."""
    return bands_of_ages(
        arrivals.dates,
        _of(arrivals.born)[rows],
        _of(arrivals.admitted)[rows],
        _of(arrivals.age)[rows],
        _of(arrivals.nwb_age)[rows],
    )


def bands_of_ages(
    dates: Sequence[str], born: NDArray[Any], admitted: NDArray[Any], age: NDArray[Any], nwb_age: NDArray[Any]
) -> Ints:
    """Index into AGE, -1 where no band holds the age, -2 where it cannot be told. born, admitted: indices into `dates`.

    Years by date of birth at admission, else by age. Days by nwb_age, else by date of birth; platforms write
    nwb_age 0 for anybody, so that it speaks only where neither birth nor age says a year or more, and 0 of it only
    where there is no date of birth.
    """
    parts = np.array([_parts(text) for text in dates] or [(0, 0, 0, 0)], np.int64)
    b, a = parts[born], parts[admitted]
    dated = (b[:, 3] > 0) & (a[:, 3] > 0) & (a[:, 3] >= b[:, 3])
    years = a[:, 0] - b[:, 0] - ((a[:, 1] * 100 + a[:, 2]) < (b[:, 1] * 100 + b[:, 2]))
    years = np.where(dated, years, age)
    days = np.where(dated & (nwb_age <= 0), a[:, 3] - b[:, 3], nwb_age)
    young = years < 1
    return np.select(
        [
            young & (days >= 0) & (days <= 28),
            young & (days > 28),
            years < 0,
            young,
            years <= 6,
            years <= 17,
            years < 66,
        ],
        [0, 1, UNKNOWN, UNKNOWN, 2, 3, NONE],
        4,
    )


def _parts(text: str) -> tuple[int, int, int, int]:
    """Year, month, day, and a day count; zeros where the text is no date."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return 0, 0, 0, 0
    return day.year, day.month, day.day, day.toordinal()


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
