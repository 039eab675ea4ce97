"""Coefficients derived by a pack from a city's own cases; each value with its working, ready for a draft.

    level_mean   weighted mean cost of the hospitals alike / weighted mean cost of all
    mean_score   weighted mean score of a case at the hospitals alike / that of all
    steps        the value of the hospital's row, and a bonus for each step that it has climbed above the mean, up to the cap
    table        the value of the hospital's row

Exact until a mean's ratio is rounded to the pack's places; steps and tables are never rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import plain, round_ratio, rounded
from core.progress import SILENT, Progress
from core.rules.deriving import MEANS, DeriveRule, Row, Sourced, Step, rule_of
from core.settlement import coefficients
from core.settlement.coefficients import Cell
from core.settlement.derive_figures import Figures, Hospital, hospitals, read

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.ledger import LedgerLine
    from core.storage.workspace import Workspace

GRADE_B = (3, 6, 9)


@dataclass(frozen=True, slots=True)
class YearLine:
    """A year of a series: what stands above the line (fen, points, cases) and below it (cases, fen)."""

    year: int
    weight: Fraction
    above: Fraction
    below: int

    @property
    def value(self) -> Fraction | None:
        return self.above / self.below if self.below else None


@dataclass(frozen=True, slots=True)
class Series:
    """A measure of some hospitals over the years and its weighted value, None without cases. among: how many hospitals."""

    measure: str  # fee, cmi, age_share, tcm_share
    among: int
    lines: tuple[YearLine, ...]
    value: Fraction | None


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a derived coefficient.

    A mean: own and mean are the series of the hospitals alike and of all, exact their ratio. A row: row. A step: own, mean,
    how far above (excess), steps taken, `exact` what they come to, cap. value: what the part is; None: it cannot be derived,
    why says which way (no_own, no_mean).
    """

    part: str
    value: Fraction | None
    source: Sourced
    row: Row | None = None
    step: Step | None = None
    own: Series | None = None
    mean: Series | None = None
    excess: Fraction | None = None
    taken: int = 0
    exact: Fraction | None = None
    cap: Fraction | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """How one hospital's coefficient came about. fund: `all` or a fund. total: the sum of the parts, None where one lacks."""

    hospital: Hospital
    fund: str
    pieces: tuple[Piece, ...]
    total: Fraction | None


@dataclass(frozen=True)
class Derived:
    """working by (institution, fund), in the order of codes. cells: what goes into a draft, valid from 1 January of `year`."""

    pack: Pack
    rule: DeriveRule
    year: int
    cells: tuple[Cell, ...]
    working: Mapping[tuple[str, str], Working]
    figures: Figures | None
    findings: tuple[Finding, ...] = field(default=())


def derive(
    workspace: Workspace,
    pack: Pack,
    year: int,
    progress: Progress = SILENT,
    *,
    rule: DeriveRule | None = None,
    catalogue: str | None = None,
) -> Derived:
    """Every registered hospital's coefficient for `year` by the pack, from the years before it; nothing is stored.

    rule: the pack's with other choices (`core.rules.deriving.chosen`). catalogue: whose scores count, else each year's own.
    Refused: coefficients_missing, derive_no_institutions, derive_no_cases, catalogue_missing and such where scores are
    needed. A hospital that has no value is a finding.
    """
    rule = rule or rule_of(pack)
    connection = workspace.reader()
    if not (own := hospitals(connection, rule)):
        raise Refused("derive_no_institutions")
    if rule.method == "table":
        figures, funds = None, ("all",)
    else:
        years = range(year - len(rule.weights), year)
        figures = read(workspace, rule, years, catalogue, progress)
        funds = figures.funds
        if not figures.used:
            raise Refused("derive_no_cases", years=f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0]))
    deriving = _Deriving(rule, own, figures)
    working = {(one.code, fund): deriving.working(one, fund) for one in own for fund in funds}
    cells = tuple(
        Cell(one.hospital.code, fund, piece.part, plain(piece.value), f"{year}-01-01", _basis(pack, rule, piece))
        for (_, fund), one in working.items()
        for piece in one.pieces
        if piece.value is not None
    )
    findings = [*_said(pack, rule, working), *(figures.findings if figures is not None else ())]
    findings += coefficients.outside(cells, rule.limits)
    return Derived(pack, rule, year, cells, working, figures, tuple(findings))


def store(workspace: Workspace, derived: Derived, name: str, why: str = "", based_on: str | None = None) -> LedgerLine:
    """Put what was derived into a draft: one edit, one undo. A draft that is not there is made, with the content of
    `based_on`, else of the set that a clearing would take, else empty. Rows of the same parts from later days of the
    year go, and a fund that has rows of its own gets the derived value as one of them. Refused: set_exists where
    the draft is there and was made from another set than `based_on`, and as `coefficients.edit`."""
    beyond = [one for one in derived.findings if one.code == "coefficient_outside" and one.severity == "refused"]
    if beyond:  # before a draft is made for nothing
        raise Refused("cells_refused", beyond, count=len(beyond))
    connection = workspace.reader()
    there = coefficients.choose(connection, name)
    if there is not None and there.state == "draft" and based_on not in (None, there.based_on):
        raise Refused("set_exists", set=name)
    if there is None:
        used = coefficients.choose(connection)
        present = used.name if used is not None else ""
        coefficients.draft(workspace, name, present if based_on is None else based_on, why)
    first, last = derived.year * 10000 + 101, derived.year * 10000 + 1231
    new = {(cell.code, cell.part, cell.fund): cell for cell in derived.cells}
    cells = {(cell.code, cell.fund, cell.part, cell.valid_from): cell for cell in derived.cells}
    for part in coefficients.parts(connection, name):
        both, own = new.get((part.code, part.name, "all")), new.get((part.code, part.name, part.fund))
        if first < part.day <= last and (both or own):
            day = coefficients.iso(part.day)
            cells[part.code, part.fund, part.name, day] = Cell(part.code, part.fund, part.name, None, day)
        elif both and not own and part.day <= first:  # one fund's own row goes before a value for both
            cells[part.code, part.fund, part.name, both.valid_from] = replace(both, fund=part.fund)
    said = " · ".join(filter(None, (why, f"{derived.pack.id} {derived.rule.method} {derived.year}")))
    return coefficients.edit(workspace, name, tuple(cells.values()), said, limits=derived.rule.limits)


class _Deriving:
    """The working of each hospital; what hospitals share (their level's mean, the city's) is made once."""

    def __init__(self, rule: DeriveRule, own: Sequence[Hospital], figures: Figures | None) -> None:
        self.rule = rule
        self.own = own
        self.figures = figures
        self.place = {one.code: i for i, one in enumerate(own)}
        self._series: dict[tuple[str, str, tuple[int, ...]], Series] = {}

    def working(self, hospital: Hospital, fund: str) -> Working:
        rule = self.rule
        if rule.method in MEANS:
            pieces = (self._mean(hospital, fund),)
        else:
            pieces = (self._row(hospital), *(
                self._step(hospital, fund, step) for step in rule.steps
                if rule.method == "steps" and hospital.level in step.levels
            ))  # fmt: skip
        values = [piece.value for piece in pieces]
        total = None if None in values else sum((value for value in values if value is not None), Fraction(0))
        return Working(hospital, fund, tuple(pieces), total)

    def _mean(self, hospital: Hospital, fund: str) -> Piece:
        measure = "fee" if self.rule.method == "level_mean" else "cmi"
        if self.rule.by == "level":
            alike = [one for one in self.own if one.level == hospital.level]
        else:
            alike = [one for one in self.own if one.counted == hospital.counted]
        own, city = self._of(measure, measure, fund, alike), self._of(measure, measure, fund, self.own)
        if not hospital.level or own.value is None or not city.value:
            return Piece(self.rule.part, None, self.rule.source, own=own, mean=city, why="no_own")
        exact = own.value / city.value
        return Piece(self.rule.part, rounded(exact, self.rule.places), self.rule.source, own=own, mean=city, exact=exact)

    def _row(self, hospital: Hospital) -> Piece:
        for row in self.rule.rows:
            if row.fits(hospital.level, hospital.counted, hospital.described):
                return Piece(self.rule.part, row.value, row.source, row=row, exact=row.value)
        return Piece(self.rule.part, None, self.rule.source, why="no_row")

    def _step(self, hospital: Hospital, fund: str, step: Step) -> Piece:
        rule = self.rule
        key = step.id if step.measure == "age_share" else step.measure
        against = step.against or rule.against
        peers = [
            one for one in self.own
            if against == "city" or (one.level == hospital.level and (against == "level" or one.counted in GRADE_B))
        ]  # fmt: skip
        own = self._of(key, step.measure, fund, [hospital])
        mean = self._of(key, step.measure, fund, peers)
        cap = step.caps.get(hospital.level)
        if own.value is None or not mean.value:
            why = "no_own" if own.value is None else "no_mean"
            return Piece(step.part, None, step.source, step=step, own=own, mean=mean, cap=cap, why=why)
        ratio = (step.excess or rule.excess) == "ratio"
        excess = own.value / mean.value - 1 if ratio else own.value - mean.value
        taken, exact = climbed(step, excess, rule.rounding)
        value = exact if cap is None else min(exact, cap)
        return Piece(
            step.part, value, step.source, step=step, own=own, mean=mean, excess=excess, taken=taken, exact=exact, cap=cap
        )

    def _of(self, key: str, measure: str, fund: str, among: Sequence[Hospital]) -> Series:
        """The weighted measure of some hospitals together, cases counted alike."""
        places = tuple(self.place[one.code] for one in among)
        found = self._series.get((key, fund, places))
        if found is None:
            found = self._series[key, fund, places] = self._summed(key, measure, fund, places)
        return found

    def _summed(self, key: str, measure: str, fund: str, places: tuple[int, ...]) -> Series:
        assert self.figures is not None
        above, below = self.figures.above[key, fund], self.figures.below[key, fund]
        lines = tuple(
            YearLine(year, weight, sum((above[y][i] for i in places), Fraction(0)), sum(below[y][i] for i in places))
            for y, (year, weight) in enumerate(zip(self.figures.years, self.rule.weights, strict=True))
        )
        return Series(measure, len(places), lines, weighted(lines, self.rule))


def weighted(lines: Sequence[YearLine], rule: DeriveRule) -> Fraction | None:
    """The years' means by weight, or their totals by weight over their counts by weight; years of weight 0 do not count."""
    counted = [line for line in lines if line.weight > 0]
    there = [line for line in counted if line.below]
    if not there or (rule.zero_years == "drop" and len(there) < len(counted)):
        return None
    if rule.weighting == "totals":
        return sum((line.weight * line.above for line in there), Fraction(0)) / sum(line.weight * line.below for line in there)
    return sum((line.weight * line.above / line.below for line in there), Fraction(0)) / sum(line.weight for line in there)


def climbed(step: Step, excess: Fraction, rounding: str) -> tuple[int, Fraction]:
    """How many steps lie in the excess, and what they come to before the cap; nothing at or below the mean."""
    if excess <= 0:
        return 0, Fraction(0)
    steps = excess / step.every
    taken = round_ratio(steps.numerator, steps.denominator) if rounding == "round" else steps.numerator // steps.denominator
    return taken, step.first + taken * step.add


def _basis(pack: Pack, rule: DeriveRule, piece: Piece) -> str:
    """What stands beside the cell: pack, evidence, document, and the formula with its figures."""
    said = ""
    if piece.step is not None and piece.exact is not None and piece.value is not None:
        first = f"{plain(piece.step.first)} + " if piece.step.first and piece.excess and piece.excess > 0 else ""
        said = f"{first}{piece.taken} × {plain(piece.step.add)}"
        said = f"min({said}, {plain(piece.cap)})" if piece.cap is not None else said
        said = f"{said} = {plain(piece.value)}"
    elif piece.own is not None and piece.mean is not None and piece.own.value and piece.mean.value and piece.value is not None:
        scale = 100 if piece.own.measure == "fee" else 1
        digits = 2 if scale == 100 else 4
        own, mean = (plain(one / scale, digits) for one in (piece.own.value, piece.mean.value))
        said = f"{own} / {mean} = {plain(piece.value, rule.places)}"
    elif piece.row is not None:
        said = f"{piece.row.title['zh']} {plain(piece.row.value)}"
    source = piece.source
    return f"{pack.id} [{source.evidence}] {source.cite}: {said}"


def _said(pack: Pack, rule: DeriveRule, working: Mapping[tuple[str, str], Working]) -> list[Finding]:
    """Hospitals without a value, undetermined grades counted as B, and what the pack leaves open or has at second hand."""
    said: list[Finding] = []
    for (code, fund), one in working.items():
        for piece in one.pieces:
            if piece.value is None:
                said.append(Finding(f"derive_{piece.why}", "warning", subject=code, column=piece.part, values={"fund": fund}))
    used = rule.method == "table" or rule.method == "steps" or rule.by == "grade"
    counted = {one.hospital.code for one in working.values() if one.hospital.counted != one.hospital.grade}
    if used and counted:
        said.append(Finding("derive_undetermined", "note", value=str(len(counted)), subject=min(counted)))
    if rule.source.open:
        said.append(Finding("derive_open", "note", subject=pack.id))
    if rule.source.evidence not in ("V", "D"):
        source = {"cite": rule.source.cite}
        said.append(Finding("derive_evidence", "warning", subject=pack.id, value=rule.source.evidence, values=source))
    return said
