"""A version of the catalogue as a clearing needs it: its groups with their scores, and its auxiliary bands."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from core.catalogue import library
from core.catalogue.entries import Entries, Entry
from core.faults import Refused
from core.findings import Finding
from core.money import plain
from core.settlement.auxiliary import Band


@dataclass(frozen=True)
class Version:
    """name: "" where there is none to clear by; `findings` then say why. groups: by dip_code, as `scored` has them."""

    name: str
    entries: Entries
    groups: Mapping[str, Entry]
    bands: tuple[Band, ...]
    findings: tuple[Finding, ...]

    @property
    def bed_days(self) -> bool:
        """Whether any group's score is one a day."""
        return any(one.kind == "bed_day" for one in self.groups.values())


def score_of(group: Entry | None) -> Fraction | None:
    """What a case of the group scores; a score of 0 in the catalogue is none."""
    return group.score or None if group is not None else None


def choose(connection: sqlite3.Connection, year: int, wanted: str | None) -> tuple[str, list[Finding]]:
    """The version to clear the year by, "" with what blocks where there is none."""
    try:
        name = library.choose(connection, year, wanted)
    except Refused as refused:
        return "", list(refused.findings)
    if wanted is not None and library.version_of(connection, name).year != year:
        return name, [Finding("catalogue_other_year", "warning", value=name, values={"year": str(year)})]
    return name, []


def read(connection: sqlite3.Connection, year: int, wanted: str | None) -> Version:
    """The version of the year, or the one that is wanted."""
    name, findings = choose(connection, year, wanted)
    if not name:
        return Version("", Entries("", year, ()), {}, (), tuple(findings))
    entries = library.entries(connection, name)
    bands: list[Band] = []
    try:
        found = library.bands(connection, name, year)
        bands = [Band(one.dip_code, one.type, one.band, one.factor) for one in found]
    except Refused as refused:
        findings += refused.findings
    groups = _scored(entries, findings)
    return Version(name, entries, groups, tuple(bands), tuple(findings))


def with_scores(version: Version, scores: Mapping[str, Fraction]) -> Version:
    """The version as if these groups had these scores. Refused("changes_refused") for a group it lacks, a score that is none."""
    faults = [
        Finding(
            "change_group_unknown" if version.entries.get(code) is None else "change_score_not_positive",
            "refused",
            subject=code,
            value=plain(score),
            values={"catalogue": version.name},
        )
        for code, score in sorted(scores.items())
        if version.entries.get(code) is None or score <= 0
    ]
    if faults:
        raise Refused("changes_refused", faults, count=len(faults))
    rows = tuple(
        replace(one, score=scores[one.dip_code]) if one.dip_code in scores else one for one in version.entries.rows
    )
    entries = replace(version.entries, rows=rows)
    findings = [one for one in version.findings if one.code != "equal_score_differs"]
    groups = _scored(entries, findings)
    return replace(version, entries=entries, groups=groups, findings=tuple(findings))


def _scored(entries: Entries, findings: list[Finding]) -> dict[str, Entry]:
    """By code; a group that is declared equal in score to another has that one's, and where its own differs that is said."""
    by_code = {one.dip_code: one for one in entries.rows}
    for one in entries.rows:
        score = entries.score_for(one)
        if score is None or score == one.score:
            continue
        by_code[one.dip_code] = replace(one, score=score)
        if one.score:
            findings.append(
                Finding(
                    "equal_score_differs",
                    "warning",
                    subject=one.dip_code,
                    value=plain(one.score),
                    values={"equal": one.equal_to, "score": plain(score), "catalogue": entries.version},
                )
            )
    return by_code
