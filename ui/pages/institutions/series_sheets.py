"""One institution's drawings as worksheets, to be handed over: series, months that stand out, changes, formulas."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.worksheet import Column, Worksheet, column_of
from ui.pages.institutions.series import Read, adds_up, judge, told

if TYPE_CHECKING:
    from core.texts import Texts


def worksheets(read: Read, code: str, name: str, texts: Texts) -> list[Worksheet]:
    found = [_series(read, code, name, texts), _standouts(read, code, texts), _changes(read, texts), _formulas(read, texts)]
    return [one for one in found if one.rows]


def _series(read: Read, code: str, name: str, texts: Texts) -> Worksheet:
    """A row for each period; of each indicator the institution's figure, its level's and the region's, exact."""
    from core.analysis.indicators import INDICATORS, period_words

    lang, level = texts.lang, str(read.level_of(code))
    periods = read.own.periods
    columns = [Column("period", {lang: texts("institutions.sheet.period")}), Column(
        "cases", {lang: texts("institutions.sheet.cases", name=name)}, "int", "cases")]  # fmt: skip
    cells = {
        "period": column_of([period_words(period, texts) for period in periods], "text"),
        "cases": column_of(read.own.cases[read.row(code)].tolist(), "int"),
    }
    sides = (
        ("own", name, read.own, code),
        ("level", texts("institutions.series.level", level=texts(f"indicators.level.{level}")), read.level, level),
        ("region", texts("institutions.series.region"), read.region, "region"),
    )
    for id in read.ids:
        own = INDICATORS[id]
        title = texts(f"indicators.{id}.title")
        if id in read.rebased:
            title = texts("institutions.sheet.on_version", title=title, version=read.version)
        for side, words, figures, key in sides:
            column = f"{id}_{side}"
            of = [1] * len(periods)
            if adds_up(own) and side != "own":
                members = read.of_level(level) if side == "level" else slice(None)
                of = (read.own.cases[members] > 0).sum(axis=0).tolist()
            values: list[Fraction | None] = []
            for period, many in zip(periods, of, strict=True):
                value = figures.exact(id, key, period)
                values.append(None if value is None or not many else value / many)
            columns.append(Column(column, {lang: f"{title} {words}"}, "exact", own.unit, own.places, own.tag))
            cells[column] = column_of(values, "exact")
    title = texts("institutions.sheet.series", name=name)
    return Worksheet("institution_series", {lang: title}, columns, cells, len(periods))


def _standouts(read: Read, code: str, texts: Texts) -> Worksheet:
    from core.analysis.indicators import INDICATORS

    rows = [
        (texts(f"indicators.{id}.title"), told(one, texts, INDICATORS[id].places, False))
        for id in read.ids
        if (code, id) in read.judged
        for one in read.judged[code, id].standouts
    ]
    if rows:
        rows.append((texts("institutions.sheet.rule"), texts("standouts.rule.text")))
    return _words("standouts", ("indicator", "said"), rows, texts)


def _changes(read: Read, texts: Texts) -> Worksheet:
    from core.analysis.indicators import period_words

    rows = [(period_words(one.month, texts), one.words(texts)) for one in read.changes]
    return _words("changes", ("since", "change"), rows, texts)


def _formulas(read: Read, texts: Texts) -> Worksheet:
    from core.analysis.indicators import INDICATORS

    rows = [
        (texts(f"indicators.{id}.title"), texts(f"indicators.{id}.formula"), texts(f"indicators.{id}.source"), INDICATORS[id].tag)
        for id in read.ids
    ]
    return _words("formulas", ("indicator", "formula", "source", "tag"), rows, texts)


def _words(name: str, heads: tuple[str, ...], rows: list[tuple[str, ...]], texts: Texts) -> Worksheet:
    columns = [Column(key, {texts.lang: texts(f"institutions.sheet.{key}")}) for key in heads]
    cells = {key: column_of([row[at] for row in rows], "text") for at, key in enumerate(heads)}
    title = {texts.lang: texts(f"institutions.sheet.{name}")}
    return Worksheet(f"institution_{name}", title, columns, cells, len(rows))


def write(read: Read, code: str, name: str, path: Path, texts: Texts, synthetic: bool, job: Any) -> None:
    """All of it as one workbook; what stands out is judged where it was not yet."""
    from core.export import tables

    if read.by == "month" and read.row(code) >= 0:
        read.judged.update(judge(read, code))
    tables.worksheets_xlsx(worksheets(read, code, name, texts), path, texts.lang, job, synthetic)


def formula(id: str, texts: Texts) -> str:
    """How an indicator is made and what that rests on."""
    from core.analysis.indicators import INDICATORS

    own = INDICATORS[id]
    return texts(
        "institutions.series.formula", formula=texts(f"indicators.{id}.formula"),
        source=texts(f"indicators.{id}.source"), tag=own.tag,
    )  # fmt: skip
