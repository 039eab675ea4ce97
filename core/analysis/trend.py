"""Series of indicators as one table: a row for each institution or wider body, fund and period.

Growth looks one year back, so the year before the first is read as well where it has cases; it is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.analysis.indicators import (
    BYS,
    INDICATORS,
    By,
    Figures,
    Scope,
    figures,
    names_of,
    period_words,
    year_of,
)
from core.analysis.measures import monthly, years_with_cases
from core.faults import Refused, Usage
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS
from core.settlement.usual_pack import usual
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

BOTH = ("", *FUNDS)


def fitting(by: By, scope: Scope) -> tuple[str, ...]:
    """The indicators that are figures of such periods and scope."""
    return tuple(
        id for id, one in INDICATORS.items() if scope in one.scopes and BYS.index(by) >= BYS.index(one.by)
    )


def trend(
    workspace: Workspace,
    texts: Texts,
    *,
    years: Sequence[int] | None = None,
    codes: Sequence[str] = (),
    ids: Sequence[str] = (),
    by: By = "year",
    scope: Scope | None = None,
    funds: Sequence[str] = BOTH,
    pack: Pack | str | None = None,
    set_name: str | None = None,
    progress: Progress = SILENT,
) -> Worksheet:
    """Columns code, name, fund, period, each indicator in its unit, and why cells are empty; keys: (key, fund, period).

    years: all that have cases. codes: only these institutions. scope: institution where there are codes, else the region. ids:
    all that fit. pack: `usual` of the newest year; without any, scores are empty unless one was asked for.
    Refused: trend_empty, trend_no_years. Usage: institution_unlisted, indicator_unknown, pack_needed.
    """
    there = years_with_cases(workspace.reader())
    if not there:
        raise Refused("trend_empty")
    wanted = tuple(sorted(set(years or there)))
    if lacking := [year for year in wanted if year not in there]:
        raise Refused("trend_no_years", years=lacking, known=list(there))
    scope = scope or ("institution" if codes else "region")
    chosen = tuple(dict.fromkeys(ids)) or fitting(by, scope)
    names = names_of(chosen)
    rule = pack or usual(workspace, wanted[-1])
    if not rule and any(INDICATORS[id].needs != "rows" for id in ids):
        raise Usage("pack_needed")
    back = [year for year in {year - 1 for year in wanted} if year in there and year not in wanted]
    reach = back if any(INDICATORS[id].way in ("growth", "balance") for id in chosen) else []
    read = monthly(workspace, [*wanted, *reach], names, progress, pack=rule or None, set_name=set_name)
    rows: list[list[object]] = []
    keys: list[tuple[str, str, int]] = []
    for fund in funds:
        told = figures(read, chosen, by=by, scope=scope, fund=fund)
        if stray := [code for code in codes if code not in told.keys]:
            raise Usage("institution_unlisted", institution=texts.listed(stray))
        said = dict(zip(told.keys, told.words(texts), strict=True))
        for number, key in enumerate(told.keys):
            step(progress, "trend_rows", number, len(told.keys))
            if codes and key not in codes:
                continue
            for period in told.periods:
                if year_of(period) not in wanted:
                    continue
                values = [told.exact(id, key, period) for id in chosen]
                note = _note(told, chosen, values, period, texts)
                rows.append([key, said[key], texts(f"fund.{fund or 'all'}"), period_words(period, texts), *values, note])
                keys.append((key, fund, period))
    return _sheet(chosen, rows, keys)


def _note(
    told: Figures, ids: Sequence[str], values: Sequence[Fraction | None], period: int, texts: Texts
) -> str:
    """Why cells of a row are empty, each reason once with the indicators that it empties."""
    by_reason: dict[str, list[str]] = {}
    for id, value in zip(ids, values, strict=True):
        if value is None:
            why = told.why[id].get(period, Finding("lacking_cases", "note"))
            by_reason.setdefault(texts.finding(why), []).append(texts(f"indicators.{id}.title"))
    return texts("indicators.behind.notes").join(
        texts("indicators.behind.note", indicators=texts.listed(titles), reason=reason)
        for reason, titles in by_reason.items()
    )


def _sheet(ids: Sequence[str], rows: Sequence[list[object]], keys: Sequence[tuple[str, str, int]]) -> Worksheet:
    both = {lang: Texts(lang) for lang in LANGUAGES}

    def titled(key: str) -> dict[str, str]:
        return {lang: one(key) for lang, one in both.items()}

    head: tuple[tuple[str, Kind], ...] = (("code", "code"), ("name", "text"), ("fund", "text"), ("period", "text"))
    columns = [Column(id, titled(f"indicators.column.{id}"), kind) for id, kind in head]
    for id in ids:
        one = INDICATORS[id]
        columns.append(Column(id, titled(f"indicators.{id}.title"), "exact", one.unit, one.places, one.tag))
    columns.append(Column("note", titled("indicators.column.note")))
    cells = {
        column.id: column_of([row[at] for row in rows], column.kind) for at, column in enumerate(columns)
    }
    return Worksheet("trend", titled("indicators.column.title"), columns, cells, len(rows), keys=column_of(keys, "text"))
