"""A comparison as worksheets: indicators, shared groups, splits of the mean cost, and one split group by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from core.analysis.indicators import INDICATORS
from core.analysis.sides import QUARTILES, REGION, Side, level_key
from core.money import rounded
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.analysis.comparison import Comparison


class _Words:
    """Titles in both languages, with the names of the sides in them."""

    def __init__(self, found: Comparison, texts: Texts) -> None:
        self.found = found
        self.texts = texts

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        names = [one.name for one in self.found.institutions]
        own = {
            one.code: one.name if one.name and names.count(one.name) == 1 else f"{one.name} {one.code}".strip()
            for one in self.found.institutions
        }
        return dict.fromkeys(LANGUAGES, own)

    def side(self, key: str, lang: str = "", kind: str = "side") -> str:
        """kind: `side`, all of its cases together, or `mean`, the mean of its hospitals or cases."""
        lang = lang or self.texts.lang
        if key in self._names[lang]:
            return self._names[lang][key]
        if key == REGION:
            return Texts(lang)(f"compare.{kind}.region")
        level = Texts(lang)(f"clearing.level.{key.removeprefix('level.')}")
        return Texts(lang)(f"compare.{kind}.level", level=level)

    def title(self, name: str, key: str = "", other: str = "", kind: str = "side", **values: object) -> dict[str, str]:
        def named(one: str, lang: str) -> str:
            return self.side(one, lang, kind) if one else ""

        return {
            lang: Texts(lang)(f"compare.{name}", side=named(key, lang), other=named(other, lang), **values)
            for lang in LANGUAGES
        }

    def sheet_title(self, name: str, key: str = "", other: str = "") -> dict[str, str]:
        funds = {lang: Texts(lang)(f"fund.{self.found.fund or 'all'}") for lang in LANGUAGES}
        return {
            lang: self.title(f"sheet.{name}", key, other, year=self.found.year, fund=funds[lang])[lang]
            for lang in LANGUAGES
        }

    def column(
        self, name: str, kind: Kind, unit: str = "", places: int | None = None, key: str = "", other: str = "",
        *, of: str = "side", total: bool = False,
    ) -> Column:  # fmt: skip
        id = "_".join(filter(None, (name, key.replace(".", ""), other.replace(".", ""))))
        return Column(id, self.title(f"column.{name}", key, other, of), kind, unit, places, total=total)


def indicators(found: Comparison, texts: Texts) -> Worksheet:
    """A row an indicator; keys: its id. Of each institution its figure, the difference from the first one and from the
    mean of its level, its rank among them and within its level; the levels' and the region's figures between them.

    Figures are rounded to the indicator's places, and differences are of the figures that stand there. Ranks are of the exact
    ones, 1 the highest.
    """
    words = _Words(found, texts)
    made: list[tuple[Column, list[object]]] = []
    ids = found.ids

    def add(column: Column, cells: Sequence[object]) -> None:
        made.append((column, list(cells)))

    def written(key: str) -> list[Fraction | None]:
        # The mean of counts over hospitals is no count.
        mean = key in found.beyond
        places = [INDICATORS[id].places + (mean and id in found.plain and not INDICATORS[id].places) for id in ids]
        values = [found.value(id, key) for id in ids]
        return [None if value is None else rounded(value, at) for value, at in zip(values, places, strict=True)]

    def less(key: str, other: str) -> list[Fraction | None]:
        return [_less(one, beside) for one, beside in zip(written(key), written(other), strict=True)]

    add(words.column("indicator", "text"), [texts(f"indicators.{id}.title") for id in ids])
    add(words.column("unit", "text"), [_unit(INDICATORS[id].unit, texts) for id in ids])
    for code in found.codes:
        empty = found.institution(code).cases == 0
        column = words.column("value_none" if empty else "value", "exact", key=code)
        add(Column(f"value_{code}", column.title, "exact"), written(code))
    for key in found.beyond:
        add(words.column("value", "exact", key=key, of="mean"), written(key))
    first = found.codes[0]
    for code in found.codes[1:]:
        add(words.column("against", "exact", key=code, other=first), less(code, first))
    for code in found.codes:
        if level := found.institution(code).level:
            column = words.column("beside", "exact", key=code, other=level_key(level), of="mean")
            add(column, less(code, level_key(level)))
    for code in found.codes:
        ranks = [found.rank(id, code) for id in ids]
        add(words.column("rank", "exact", places=0, key=code), [None if at is None else Fraction(at[0]) for at in ranks])
    for code in found.codes:
        spots = [found.place(id, code) for id in ids]
        add(words.column("place", "text", key=code), ["" if at is None else f"{at[0]} / {at[1]}" for at in spots])
    add(words.column("note", "text"), [texts.finding(found.why[id]) if id in found.why else "" for id in ids])
    add(words.column("evidence", "text"), [INDICATORS[id].tag for id in ids])
    return _sheet("compare_indicators", words.sheet_title("indicators"), made, list(ids))


def groups(found: Comparison, texts: Texts, least: int = 2) -> Worksheet:
    """A row a disease group that at least `least` of the institutions treat, most cases first; keys: its code.

    Of each institution cases, mean cost, mean stay and spread (CV of two cases or more, quartiles); of each level and of
    the region the same without quartiles.
    """
    words = _Words(found, texts)
    chosen = [found.side(code) for code in found.codes]
    count = np.array([side.cases for side in chosen])
    shared_by = (count > 0).sum(axis=0)
    named = np.array([bool(code) for code in chosen[0].codes], bool)
    there = np.flatnonzero((shared_by >= least) & named)
    there = there[np.argsort(-count.sum(axis=0)[there], kind="stable")]
    codes = [chosen[0].codes[g] for g in there.tolist()]
    made: list[tuple[Column, Cells | Sequence[object]]] = [
        (words.column("dip_code", "code"), codes),
        (words.column("dip_name", "text"), [found.group_names.get(code, "") for code in codes]),
        (words.column("shared_by", "int"), shared_by[there]),
    ]
    for key in (*found.codes, *found.beyond):
        made += _of_side(words, found.side(key), key, there, quartiles=key in found.codes)
    return _sheet("compare_groups", words.sheet_title("groups"), made, codes)


def _of_side(
    words: _Words, side: Side, key: str, there: np.ndarray[tuple[int], np.dtype[np.intp]], *, quartiles: bool
) -> Iterator[tuple[Column, Cells]]:
    yield words.column("cases", "int", "cases", key=key, total=True), side.cases[there]
    yield words.column("mean", "exact", "yuan", 2, key), side.column("mean")[there]
    yield words.column("stay", "exact", "days", 2, key), side.column("stay")[there]
    yield words.column("cv", "exact", "", 4, key), side.column("cv")[there]
    for share in QUARTILES if quartiles else ():
        yield words.column(f"p{share}", "exact", "yuan", 2, key), side.column(f"p{share}")[there]


def splits(found: Comparison, texts: Texts) -> Worksheet:
    """A row a pair: each two of the institutions, then each with its level and with the region. keys: OWN|OTHER.

    A pair of which one side has no case keeps its row, empty.
    """
    words = _Words(found, texts)
    pairs = [*combinations(found.codes, 2)]
    for code in found.codes:
        if found.institution(code).level:
            pairs.append((code, "level"))
        pairs.append((code, REGION))
    rows: list[list[object]] = []
    for code, other in pairs:
        named = [words.side(code), words.side(found.key_of(code, other))]
        if not found.has_cases(code) or not found.has_cases(found.key_of(code, other)):
            rows.append([*named, *[None] * 10])
            continue
        one = found.split(code, other)
        fen = one.fen
        yuan = (fen.mean, fen.other_mean, fen.whole, fen.mix, fen.intensity, fen.interaction, fen.even_mix, fen.even_intensity)
        shares = (one.unmatched, one.other_unmatched)
        rows.append([*named, *(part / 100 for part in yuan), *(part * 100 for part in shares)])
    columns = [
        words.column("own", "text"),
        words.column("other", "text"),
        *(words.column(name, "exact", "yuan", 2) for name in (
            "own_mean", "other_mean", "whole", "mix", "intensity", "interaction", "even_mix", "even_intensity",
        )),
        *(words.column(name, "exact", "percent", 2) for name in ("unmatched", "other_unmatched")),
    ]  # fmt: skip
    made = [(column, [row[at] for row in rows]) for at, column in enumerate(columns)]
    return _sheet("compare_splits", words.sheet_title("splits"), made, [f"{code}|{other}" for code, other in pairs])


def parts(found: Comparison, code: str, other: str, texts: Texts) -> Worksheet:
    """What each group does to the difference of two mean costs, who moves it most first; keys: the group, "" for none.

    Refused: compare_no_cases.
    """
    words = _Words(found, texts)
    split = found.split(code, other)
    key = found.key_of(code, other)
    lines = split.groups
    hundred = Fraction(100)
    made: list[tuple[Column, Sequence[object]]] = [
        (words.column("dip_code", "code"), [one.code for one in lines]),
        (words.column("dip_name", "text"), [
            found.group_names.get(one.code, "") if one.code else texts("compare.ungrouped") for one in lines
        ]),
        (words.column("own_cases", "int", "cases", key=code, total=True), [one.cases for one in lines]),
        (words.column("other_cases", "int", "cases", key=key, total=True), [one.other_cases for one in lines]),
        (words.column("own_share", "exact", "percent", 2, code, total=True), [
            Fraction(100 * one.cases, split.cases) for one in lines
        ]),
        (words.column("other_share", "exact", "percent", 2, key, total=True), [
            Fraction(100 * one.other_cases, split.other_cases) for one in lines
        ]),
        (words.column("group_mean", "exact", "yuan", 2, code), [
            None if one.mean is None else one.mean / hundred for one in lines
        ]),
        (words.column("group_other_mean", "exact", "yuan", 2, key), [
            None if one.other_mean is None else one.other_mean / hundred for one in lines
        ]),
    ]  # fmt: skip
    totals: dict[str, object] = {}
    for name in ("mix", "intensity", "interaction", "whole"):
        column = words.column(name, "exact", "yuan", 2, total=True)
        made.append((column, [getattr(one, name) / hundred for one in lines]))
        totals[name] = getattr(split.fen, name) / hundred  # what they sum to, as the splits have it
    for column, cells in made[4:6]:
        totals[column.id] = hundred if cells else Fraction(0)
    title = words.sheet_title("parts", code, key)
    return _sheet("compare_parts", title, made, [one.code for one in lines], totals)


def all_of(found: Comparison, texts: Texts, pair: tuple[str, str] | None = None) -> list[Worksheet]:
    """All, as they are exported; the split group by group is of the pair, or of the two where there are but two."""
    sheets = [indicators(found, texts), groups(found, texts), splits(found, texts)]
    if pair is None and len(found.codes) == 2:
        pair = found.codes[0], found.codes[1]
    if pair is not None and all(map(found.has_cases, (pair[0], found.key_of(*pair)))):
        sheets.append(parts(found, *pair, texts))
    return sheets


def _unit(unit: str, texts: Texts) -> str:
    return texts(f"unit.{unit}") if unit else ""


def _less(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one - other


def _sheet(
    id: str, title: dict[str, str], made: Sequence[tuple[Column, Cells | Sequence[object]]], keys: Sequence[str],
    totals: dict[str, object] | None = None,
) -> Worksheet:  # fmt: skip
    cells = {
        column.id: cells if isinstance(cells, np.ndarray) else column_of(cells, column.kind) for column, cells in made
    }
    sums = {
        column.id: int(cells[column.id].sum()) for column, _ in made if column.total and column.kind == "int"
    }
    return Worksheet(
        id, title, [column for column, _ in made], cells, len(keys), sums | (totals or {}), keys=column_of(keys, "code")
    )
