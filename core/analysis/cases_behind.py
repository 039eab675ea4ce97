"""The cases that a figure stands on, each with what it brings to the figure: their sums are the figure.

They come from the same reading, case by case, that the figure was added up from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.analysis import counted, measured_persons, measured_rows
from core.analysis.indicators import INDICATORS, REGIONAL, Indicator, Scope, period_of, year_of
from core.analysis.measured_rows import MONTHS, OF_ROWS, CaseMeasures
from core.analysis.measured_scores import by_case
from core.analysis.measures import FEN, PRIMARY, SOURCE_OF, monthly
from core.faults import Refused, Usage
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, Ints
from core.rules.sheet import Institution
from core.settlement import gather, own_packs
from core.settlement.arrivals import iso_day
from core.settlement.exact import places_of
from core.settlement.year import institutions
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

_CASES = Path(__file__).with_name("cases_behind.sql").read_text("utf-8")
Amounts = dict[int, Fraction]  # by case id


def has_cases(id: str) -> bool:
    """Whether an indicator stands on cases at all; the region's books have none."""
    return not ({*INDICATORS[id].over, *INDICATORS[id].under} & (REGIONAL - {"clearing_point_value"}))


def cases_behind(
    workspace: Workspace,
    id: str,
    *,
    code: str = "",
    scope: Scope = "institution",
    fund: str = "",
    period: int,
    pack: Pack | str | None = None,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> Worksheet:
    """The cases of one key (institution, level "3", county; none for the region), fund and period, by institution and
    settlement; keys are the settlements.

    over: what the case adds to the figure's numerator, in its unit; under: to its denominator (1 where cases are counted);
    empty where the case takes no part in it. A figure of a clearing stands on all cases of the key, without either.
    Usage: indicator_unknown, no_cases_behind. Refused("lacking") where the year has no such figure, with the reason.
    """
    if id not in INDICATORS:
        raise Usage("indicator_unknown", what=id, known=list(INDICATORS))
    if not has_cases(id):
        raise Usage("no_cases_behind", what=id)
    own = INDICATORS[id]
    rule = own_packs.load(workspace, pack) if isinstance(pack, str) and pack else (pack or None)
    assert not isinstance(rule, str)
    connection = workspace.reader()
    step(progress, "trend_cases", 0)
    with gather.snapshot(connection):
        registered = institutions(connection)
        found = _Found(workspace, registered, rule, set_name, code, scope, fund, period, progress)
        over, under = found.parts(own)
    chosen = sorted(over | under)
    rows = connection.execute(_CASES, {"ids": json.dumps(chosen)}).fetchall()
    return _sheet(own, rows, over, under)


class _Found:
    """Cases of one key, fund and period, from the sources that an indicator needs."""

    def __init__(
        self,
        workspace: Workspace,
        registered: Mapping[str, Institution],
        pack: Pack | None,
        set_name: str | None,
        code: str,
        scope: Scope,
        fund: str,
        period: int,
        progress: Progress,
    ) -> None:
        self._workspace = workspace
        self._registered = registered
        self._pack = pack
        self._set_name = set_name
        self._fund = fund
        self._period = period
        self._progress = progress
        self._year = year_of(period)
        self._where = counted.bounds(workspace.region, pack is not None and pack.case.intra_province)
        self._codes = {
            one.code
            for one in registered.values()
            if scope == "region" or code == {"institution": one.code, "level": str(one.level), "county": one.county}[scope]
        }

    def parts(self, own: Indicator) -> tuple[dict[int, Fraction | None], dict[int, Fraction | None]]:
        """over and under by case id."""
        if own.needs == "clearing":
            every = self._amounts(["cases"])
            return dict.fromkeys(every), {}
        if own.way == "persons":
            return dict(self._followed("persons")), {}
        over = self._amounts(own.over)
        # What a growth is over is the year before; a spread has no denominator.
        under = self._amounts(own.under) if own.way == "ratio" else {}
        return dict(over), dict(under)

    def _amounts(self, names: Sequence[str]) -> Amounts:
        found: Amounts = {}
        for name in names:
            sign = -1 if name.startswith("-") else 1
            for case, value in self._of(name.removeprefix("-")).items():
                found[case] = found.get(case, Fraction(0)) + sign * value
        return found

    def _of(self, name: str) -> Amounts:
        base = PRIMARY.get(name, name)
        source = SOURCE_OF[base]
        connection = self._workspace.reader()
        if source == "persons":
            return self._followed(name)
        if source in OF_ROWS:
            version = gather.version_of(self._workspace, connection, self._year, None)
            told, _ = measured_rows.of_cases(
                connection, self._year, self._where, self._registered, version, [source], ids=True
            )
        elif source == "operations":
            told = measured_rows.of_operations(connection, self._year, self._where, self._registered)
        elif source == "decisions":
            told = measured_rows.of_decisions(connection, self._year, self._where, self._registered)
        else:
            if self._pack is None:
                raise Refused("lacking", [Finding("lacking_pack", "note")])
            told = by_case(self._workspace, self._year, self._pack, self._set_name, self._progress)
        if base in told.lacking:
            raise Refused("lacking", [told.lacking[base]])
        found = self._picked(told, base)
        if name in PRIMARY:
            low = {code for code, one in self._registered.items() if one.level == 1}
            keep = np.array([code in low for code in told.codes] or [False])[told.place]
            mine = set(told.case_id[keep].tolist())
            found = {case: value for case, value in found.items() if case in mine}
        return found

    def _picked(self, told: CaseMeasures, name: str) -> Amounts:
        mask = self._mask(told.codes, told.place, told.spot)
        if name in told.has:
            mask &= told.has[name]
        ids = told.case_id[mask].tolist()
        if name not in told.values:
            return dict.fromkeys(ids, Fraction(1))
        scale = 10 ** (2 if name in FEN else told.places.get(name, 0))
        return {case: Fraction(value, scale) for case, value in zip(ids, told.values[name][mask].tolist(), strict=True)}

    def _followed(self, name: str) -> Amounts:
        table = monthly(self._workspace, [self._year], ["persons"], self._progress, pack=self._pack).tables["persons"][self._year]
        if name in table.lacking:
            raise Refused("lacking", [table.lacking[name]])
        told = table.detail
        assert isinstance(told, measured_persons.Followed)
        kind, _, window = name.partition("_")
        wanted = (
            told.persons.case_id if kind == "persons" else (told.open if kind == "followed" else told.back)[int(window)]
        )
        mask = self._mask(told.persons.institutions, told.persons.institution, told.persons.spot.astype(np.int64))
        mine = told.persons.case_id[mask]
        return dict.fromkeys(np.intersect1d(mine, wanted).tolist(), Fraction(1))

    def _mask(self, codes: Sequence[str], place: Any, spot: Ints) -> Any:
        by = "year" if self._period < 10_000 else "quarter" if self._period < 100_000 else "month"
        months = [period_of(self._year * 100 + month, by) == self._period for month in range(1, MONTHS + 1)]
        mask = np.array([code in self._codes for code in codes] or [False])[place]
        mask &= np.array(months * len(FUNDS))[spot]
        if self._fund:
            mask &= spot // MONTHS == FUNDS.index(self._fund)
        return mask


def _sheet(
    own: Indicator,
    rows: Sequence[tuple[Any, ...]],
    over: Mapping[int, Fraction | None],
    under: Mapping[int, Fraction | None],
) -> Worksheet:
    every: dict[str, tuple[Kind, str, int | None, list[object]]] = {
        "fixmedins_code": ("code", "", None, [row[1] for row in rows]),
        "fixmedins_name": ("text", "", None, [row[2] for row in rows]),
        "setl_id": ("code", "", None, [row[3] for row in rows]),
        "fund": ("code", "", None, [FUNDS[row[4]] for row in rows]),
        "day": ("code", "", None, [iso_day(row[5]) for row in rows]),
        "diag_code": ("code", "", None, [row[6] for row in rows]),
        "diag_name": ("text", "", None, [row[7] for row in rows]),
        "dip_code": ("code", "", None, [row[8] for row in rows]),
        "oprn_code": ("code", "", None, [row[9] for row in rows]),
        "fee": ("fixed", "yuan", 2, [row[10] for row in rows]),
        "days": ("exact", "days", 0, [None if row[11] is None else Fraction(row[11]) for row in rows]),
        "own_pay": ("fixed", "yuan", 2, [row[12] for row in rows]),
    }
    if own.needs != "clearing":
        every["over"] = _brought(own.over[0], [over.get(row[0]) for row in rows])
        if own.under and own.way == "ratio":
            every["under"] = _brought(own.under[0], [under.get(row[0]) for row in rows])
    every["file"] = ("text", "", None, [row[13] for row in rows])
    every["row"] = ("int", "", None, [row[14] for row in rows])
    texts = {lang: Texts(lang) for lang in LANGUAGES}
    columns = tuple(
        Column(id, {lang: one(f"indicators.behind.{id}") for lang, one in texts.items()}, kind, unit, places, total=id in _SUMMED)
        for id, (kind, unit, places, _) in every.items()
    )
    cells = {id: column_of(values, kind) for id, (kind, _, _, values) in every.items()}
    title = {
        lang: one("indicators.behind.title", indicator=one(f"indicators.{own.id}.title")) for lang, one in texts.items()
    }
    keys = column_of([row[3] for row in rows], "text")
    return Worksheet("cases_behind", title, columns, cells, len(rows), keys=keys)


_SUMMED = {"fee", "own_pay", "over", "under"}


def _brought(name: str, values: Sequence[Fraction | None]) -> tuple[Kind, str, int | None, list[object]]:
    """A column of what cases bring, with as many decimals as the longest of them needs, of money at least two."""
    unit = _unit_of(name)
    longest = places_of([one for one in values if one is not None])
    return "exact", unit, max(longest, 2) if unit == "yuan" else longest, list(values)


def _unit_of(name: str) -> str:
    name = name.removeprefix("-")
    if name in FEN or PRIMARY.get(name) in FEN:
        return "yuan"
    if name in ("score", "base_score", "weight"):
        return "points"
    return "days" if name == "days" else ""
