"""A version of the catalogue as a clearing needs it: its groups with their scores, and its auxiliary bands."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.findings import Finding
from core.money import decimal
from core.settlement.auxiliary import Band


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the catalogue. score None: it has none. coefficients: of levels 1, 2, 3."""

    code: str
    name: str
    kind: str
    score: Fraction | None
    mean_fee: int
    primary_care: bool
    coefficients: tuple[Fraction | None, Fraction | None, Fraction | None]


@dataclass(frozen=True)
class Version:
    """name: "" where there is none to clear by; `findings` then say why."""

    name: str
    groups: Mapping[str, Group]
    bands: tuple[Band, ...]
    findings: tuple[Finding, ...]

    @property
    def bed_days(self) -> bool:
        """Whether any group's score is one a day."""
        return any(one.kind == "bed_day" for one in self.groups.values())


def choose(connection: sqlite3.Connection, year: int, wanted: str | None) -> tuple[str, list[Finding]]:
    """The version to clear the year by, "" with what blocks where there is none."""
    versions = connection.execute(
        "SELECT version, min(year) FROM catalogue GROUP BY version ORDER BY 1"
    ).fetchall()
    of_year = [version for version, its in versions if its == year]
    said = {"year": str(year)}
    if wanted is None:
        if len(of_year) == 1:
            return of_year[0], []
        return "", [
            Finding(
                "catalogue_several" if of_year else "catalogue_missing",
                "blocked",
                value=", ".join(of_year),
                values=said,
            )
        ]
    if wanted not in dict(versions):
        known = {"known": ", ".join(v for v, _ in versions)}
        return "", [Finding("catalogue_unknown", "blocked", value=wanted, values=known)]
    if wanted not in of_year:
        return wanted, [Finding("catalogue_other_year", "warning", value=wanted, values=said)]
    return wanted, []


def read(connection: sqlite3.Connection, year: int, wanted: str | None) -> Version:
    """The version of the year, or the one that is wanted."""
    name, findings = choose(connection, year, wanted)
    groups: dict[str, Group] = {}
    for code, title, kind, score, mean_fee, flag, *coefs in connection.execute(
        "SELECT dip_code, dip_name, kind, score, mean_fee, primary_care, coef_1, coef_2, coef_3 FROM catalogue"
        " WHERE version = ? ORDER BY 1",
        (name,),
    ):
        value = decimal(score) if score else None
        one, two, three = (decimal(coef) if coef else None for coef in coefs)
        groups[code] = Group(
            code,
            title,
            kind,
            value or None,
            mean_fee or 0,
            kind == "primary_care" or flag == 1,
            (one, two, three),
        )
    return Version(name, groups, tuple(_bands(connection, year, name, findings)), tuple(findings))


def _bands(
    connection: sqlite3.Connection, year: int, version: str, findings: list[Finding]
) -> list[Band]:
    """The auxiliary catalogue under the catalogue's own version, else the only one of the year."""
    of_year = [
        name
        for (name,) in connection.execute(
            "SELECT DISTINCT version FROM auxiliary WHERE year = ? OR version = ? ORDER BY 1", (year, version)
        )
    ]
    if version not in of_year and len(of_year) > 1:
        findings.append(
            Finding("auxiliary_several", "blocked", value=", ".join(of_year), values={"catalogue": version})
        )
    if not of_year:
        return []
    return [
        Band(code, kind, band, decimal(factor))
        for code, kind, band, factor in connection.execute(
            "SELECT dip_code, type, band, factor FROM auxiliary WHERE version = ? ORDER BY 1, 2, 3",
            (version if version in of_year else of_year[0],),
        )
    ]
