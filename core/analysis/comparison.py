"""Two to six institutions side by side: indicators, disease groups, and why their mean costs differ.

Every figure of an institution stands beside the mean of its level: of means and shares, over all cases of all hospitals
of that level, its own included (not a mean of hospitals' means), so that the level's mean cost is what a split against it
starts from, to the fen; of counts and sums, over the hospitals of the level that have any. The region's likewise. Ranks
count from the highest figure, equal ones share a rank; an institution without the figure has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from core.analysis import comparison_sheets, mix, sides
from core.analysis.indicators import INDICATORS, Scope, figures, names_of
from core.analysis.measures import monthly, years_with_cases
from core.analysis.sides import REGION, Side, Sides, level_key
from core.catalogue import library
from core.faults import Refused, Usage
from core.findings import Finding
from core.money import total
from core.progress import SILENT, Progress, step
from core.settlement import own_packs
from core.settlement.year import institutions
from core.texts import Texts
from core.worksheet import Worksheet

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

LEAST, MOST = 2, 6
LEVEL = "level"  # the other side of a split: whatever the institution's level is
LEVELS = (3, 2, 1)
IDS = tuple(id for id, one in INDICATORS.items() if "institution" in one.scopes)
# Counts and sums: a level's figure is their mean over its hospitals.
PLAIN = frozenset(id for id in IDS if INDICATORS[id].way in ("ratio", "spread") and not INDICATORS[id].under)


@dataclass(frozen=True, slots=True)
class Compared:
    """An institution of the comparison. level: 1..3, 0 where the register gives none. cases: of the year and fund."""

    code: str
    name: str
    level: int
    county: str
    cases: int


@dataclass(frozen=True)
class Comparison:
    """Sides are named by institution code, `level_key` of a level, or REGION. levels: of those compared, highest first.

    ids: indicators in order; plain: counts and sums among them. findings: which institutions have no cases. why: why an
    indicator is empty for everybody.
    """

    year: int
    fund: str
    institutions: tuple[Compared, ...]
    levels: tuple[int, ...]
    ids: tuple[str, ...]
    plain: frozenset[str]
    findings: tuple[Finding, ...]
    why: Mapping[str, Finding]
    group_names: Mapping[str, str]
    _sides: Sides
    _figures: _Figures

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.code for one in self.institutions)

    @cached_property
    def beyond(self) -> tuple[str, ...]:
        """The sides that the institutions stand beside: their levels, the region."""
        return (*map(level_key, self.levels), REGION)

    def institution(self, code: str) -> Compared:
        return self.institutions[self.codes.index(code)]

    def side(self, key: str) -> Side:
        return self._sides[key]

    def has_cases(self, key: str) -> bool:
        return bool(self._sides[key].cases.any())

    # -- indicators

    def value(self, id: str, key: str) -> Fraction | None:
        """The exact figure in the indicator's unit; None where there is none. Of no cases, only their number is a figure."""
        if id == "cases" and key in self.codes and not self.institution(key).cases:
            return Fraction(0)
        return self._figures.values[id].get(key)

    def beside(self, id: str, code: str) -> Fraction | None:
        """An institution's figure less that of its level."""
        of = self.institution(code).level
        own, level = self.value(id, code), self.value(id, level_key(of)) if of else None
        return None if own is None or level is None else own - level

    def rank(self, id: str, code: str) -> tuple[int, int] | None:
        """Place among those compared that have the figure, and how many these are."""
        return self._rank(id, code, self.codes)

    def place(self, id: str, code: str) -> tuple[int, int] | None:
        """Place among all institutions of its level that have the figure, and how many these are."""
        level = self.institution(code).level
        return self._rank(id, code, self._figures.peers[level]) if level else None

    def _rank(self, id: str, code: str, among: Sequence[str]) -> tuple[int, int] | None:
        values = self._figures.values[id]
        if code not in values:
            return None
        told = [values[one] for one in among if one in values]
        return 1 + sum(one > values[code] for one in told), len(told)

    # -- groups and costs

    def key_of(self, code: str, other: str) -> str:
        """The side that `other` means for an institution: a code, REGION, or LEVEL. Refused: compare_no_level."""
        if other != LEVEL:
            return other
        level = self.institution(code).level
        if not level:
            raise Refused("compare_no_level", institution=code)
        return level_key(level)

    def split(self, code: str, other: str) -> mix.Split:
        """Why the mean cost of one side differs from that of the other: an institution's code, LEVEL or REGION.

        Refused: compare_no_cases, compare_no_level.
        """
        key = self.key_of(code, other)
        for one in (code, key):
            if not self.has_cases(one):
                raise Refused("compare_no_cases", side=self._named(one), year=self.year)
        return mix.split(self._sides[code].by_group, self._sides[key].by_group)

    def _named(self, key: str) -> str:
        return f"{key} {self.institution(key).name}" if key in self.codes else key

    # -- worksheets

    def indicators(self, texts: Texts) -> Worksheet:
        return comparison_sheets.indicators(self, texts)

    def groups(self, texts: Texts, least: int = 2) -> Worksheet:
        return comparison_sheets.groups(self, texts, least)

    def splits(self, texts: Texts) -> Worksheet:
        return comparison_sheets.splits(self, texts)

    def parts(self, code: str, other: str, texts: Texts) -> Worksheet:
        return comparison_sheets.parts(self, code, other, texts)

    def worksheets(self, texts: Texts, pair: tuple[str, str] | None = None) -> list[Worksheet]:
        return comparison_sheets.all_of(self, texts, pair)


def compare(
    workspace: Workspace,
    codes: Sequence[str],
    year: int,
    *,
    fund: str = "",
    pack: Pack | str | None = None,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> Comparison:
    """Institutions by their codes, in the order given. fund: "" both. pack: for scores and clearings; without one these
    indicators are empty and say why.

    Usage: compare_count, compare_twice, compare_unknown. Refused: compare_no_cases_in_year.
    """
    connection = workspace.reader()
    registered = institutions(connection)
    codes = tuple(codes)
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise Usage("compare_twice", codes=twice)
    if not LEAST <= len(codes) <= MOST:
        raise Usage("compare_count", least=LEAST, most=MOST, count=len(codes))
    if strange := [code for code in codes if code not in registered]:
        raise Usage("compare_unknown", codes=strange)
    there = years_with_cases(connection)
    if year not in there:
        raise Refused("compare_no_cases_in_year", year=year, years=list(there))
    rule = own_packs.load(workspace, pack) if isinstance(pack, str) and pack else None if isinstance(pack, str) else pack
    step(progress, "compare", 0, 2)
    found = _figures(workspace, year, fund, rule, set_name, progress)
    step(progress, "compare", 1, 2)
    held = sides.of(workspace, year, fund, progress, province=rule is not None and rule.case.intra_province)
    compared = tuple(
        Compared(code, one.name, one.level, one.county, int(held[code].cases.sum()))
        for code in codes
        for one in (registered[code],)
    )
    return Comparison(
        year,
        fund,
        compared,
        tuple(level for level in LEVELS if any(one.level == level for one in compared)),
        IDS,
        PLAIN,
        tuple(
            Finding("compared_no_cases", "note", subject=f"{one.code} {one.name}", values={"year": str(year)})
            for one in compared
            if not one.cases
        ),
        found.why,
        found.group_names,
        held,
        found,
    )


# -- what is the same whoever is compared, kept while the ledger stands at one line ------------------------


@dataclass(frozen=True)
class _Figures:
    """values: indicator -> side -> figure, of every institution with cases and every level. peers: those of a level."""

    values: Mapping[str, Mapping[str, Fraction]]
    why: Mapping[str, Finding]
    peers: Mapping[int, tuple[str, ...]]
    group_names: Mapping[str, str]


_kept: dict[tuple[object, ...], _Figures] = {}  # oldest first
KEPT = 6  # a year's two funds and both together, and another year's


def forget() -> None:
    """Drop what is kept."""
    _kept.clear()
    sides.forget()


def _figures(
    workspace: Workspace, year: int, fund: str, pack: Pack | None, set_name: str | None, progress: Progress
) -> _Figures:
    key = (
        str(workspace.path), workspace.created, workspace.generation(), year, fund, set_name,
        None if pack is None else (pack.hash, *sorted(pack.changed.items())),
    )  # fmt: skip
    found = _kept.pop(key, None) or _computed(workspace, year, fund, pack, set_name, progress)
    for old in list(_kept)[: 1 - KEPT]:
        _kept.pop(old, None)
    _kept[key] = found
    return found


def _computed(
    workspace: Workspace, year: int, fund: str, pack: Pack | None, set_name: str | None, progress: Progress
) -> _Figures:
    growing = [id for id in IDS if INDICATORS[id].way == "growth"]  # only these look at the year before
    values: dict[str, dict[str, Fraction]] = {id: {} for id in IDS}
    why: dict[str, Finding] = {}
    active: dict[str, int] = {}
    # Growth first: years read in their order find the fees of the year before in memory.
    for ids, years in ((growing, (year - 1, year)), ([id for id in IDS if id not in growing], (year,))):
        read = monthly(workspace, years, names_of(ids), progress, pack=pack, set_name=set_name)
        scopes: tuple[tuple[Scope, str], ...] = (("institution", ""), ("level", "level."), ("region", ""))
        for scope, before in scopes:
            asked = [id for id in ids if scope == "institution" or id not in PLAIN]
            told = figures(read, asked, by="year", scope=scope, fund=fund)
            if scope == "institution":
                at = told.periods.index(year)
                counts = dict(zip(told.keys, told.cases[:, at].tolist(), strict=True))
                active |= {one.code: one.level for one in read.institutions if counts[one.code]}
            for id in asked:
                if (reason := told.why[id].get(year)) is not None:
                    why.setdefault(id, reason)
                for key in told.keys:
                    if scope == "institution" and key not in active:
                        continue
                    if (value := told.exact(id, key, year)) is not None:
                        values[id][before + key] = value
    peers = {level: tuple(code for code in sorted(active) if active[code] == level) for level in LEVELS}
    for id in PLAIN:
        for key, among in (*((level_key(level), peers[level]) for level in LEVELS), (REGION, tuple(active))):
            if own := [values[id][code] for code in among if code in values[id]]:
                values[id][key] = total(own) / len(own)
    return _Figures(values, why, peers, _group_names(workspace, year))


def _group_names(workspace: Workspace, year: int) -> dict[str, str]:
    """Names of groups as the year's versions of the catalogue have them, drafts aside."""
    connection = workspace.reader()
    names: dict[str, str] = {}
    for version in library.versions(connection):
        if version.year == year and version.state != library.DRAFT:
            names |= {one.dip_code: one.dip_name for one in library.entries(connection, version.name).rows}
    return names
