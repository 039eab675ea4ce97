"""Attribution as a command: why the point value and the institutions' scores moved between two years."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import TerminalProgress, check_outs, parameters, readable, sentence, write_worksheets
from core.faults import Usage
from core.money import plain
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.attribution import Growths
    from core.worksheet import Column, Worksheet

ENDINGS = (".csv", ".xlsx", ".json")
SHOWN = 20


def attribute(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """The waterfall of each fund, then the institutions that gained or lost most; of one institution with --code."""
    from core.analysis import attribution, attribution_sheets
    from core.rules import packs
    from core.rules.cases import FUNDS
    from core.settlement.usual_pack import usual

    out: Path | None = arguments.out
    if out:
        check_outs([out], ENDINGS)
    before, after, code = arguments.before, arguments.after, arguments.code
    lang = texts.lang
    with readable(arguments.workspace) as workspace:
        named = arguments.pack or usual(workspace, after)
        if not named:
            raise Usage("pack_needed", year=after)
        pack = packs.load(named, parameters=parameters(arguments.param))
        asked = FUNDS if arguments.fund == "all" else (arguments.fund,)
        growths = attribution.scores(
            workspace, before, after, pack=pack, set_name=arguments.set_name, funds=asked, progress=progress
        )
        if code and not any(one.code == code for one in growths.items):
            raise Usage("attribute_code_unknown", institution=code, before=before, after=after)
        found = [
            attribution.point_value(
                workspace, before, after, pack=pack, set_name=arguments.set_name, fund=fund, progress=progress
            )
            for fund in growths.funds
        ]
        sheets = [attribution_sheets.point_values(found, lang), attribution_sheets.institutions(growths, "", lang)]
        if code:
            sheets += _of_one(growths, code, lang)
        elif out and out.suffix.lower() != ".csv":  # two dozen files would help nobody
            sheets += [one.beneath(bar.factor, lang) for one in found for bar in one.bars]
        if out:
            write_worksheets(sheets, out, texts, progress, synthetic=workspace.synthetic)
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.attributed", before=before, after=after, pack=pack.title[lang]))
    for finding in next(iter(growths.pairs.values())).findings:
        print("  " + sentence(finding, texts))
    for one in found:
        print()
        _print(attribution_sheets.point_value(one, lang), lang)
    for fund in growths.funds:
        print()
        if code:
            for sheet in _of_one(growths, code, lang, fund):
                _print(sheet, lang, range(min(sheet.rows, SHOWN)))
        else:
            _print_institutions(growths, fund, texts)
    return 0


def _of_one(growths: Growths, code: str, lang: str, fund: str = "") -> list[Worksheet]:
    """An institution's waterfall and the groups behind its shift, in the funds that it has."""
    from core.analysis import attribution_sheets

    own = [one.fund for one in growths.items if one.code == code and fund in ("", one.fund)]
    return [
        sheet
        for each in own
        for sheet in (attribution_sheets.growth(growths, code, each, lang), growths.drivers(code, each, lang))
    ]


def _print(sheet: Worksheet, lang: str, rows: Sequence[int] = ()) -> None:
    """Its title, then a line a row, parted by two blanks, with the unit of each figure."""
    texts = Texts(lang)
    print(sheet.title[lang])
    for row in rows or range(sheet.rows):
        cells = [
            _cell(sheet, row, column, texts) for column in sheet.columns if sheet.cells[column.id][row] not in (None, "")
        ]
        print("  " + "  ".join(cells))


def _cell(sheet: Worksheet, row: int, column: Column, texts: Texts) -> str:
    text = sheet.text(row, column)
    if column.kind in ("text", "code"):
        return text
    unit = texts(f"unit.{column.unit}") if column.unit else ""
    gap = "" if unit == "%" else " "
    return f"{column.title[texts.lang]} {text}{gap if unit else ''}{unit}"


def _print_institutions(growths: Growths, fund: str, texts: Texts) -> None:
    """Who gained or lost most, and what did most of it."""
    own = sorted(
        (one for one in growths.items if one.fund == fund), key=lambda one: (-abs(one.after - one.before), one.code)
    )
    print(texts("cli.attributed_institutions", fund=texts(f"fund.{fund}"), count=len(own), shown=min(SHOWN, len(own))))
    for one in own[:SHOWN]:
        growth = "" if one.growth is None else f" ({plain(100 * one.growth, 2)}%)"
        parts = sorted((bar for bar in one.bars if bar.amount), key=lambda bar: -abs(bar.amount))
        told = texts.listed(f"{texts(f'attribution.factor.{bar.factor}')} {plain(bar.amount, 2)}" for bar in parts[:3])
        print(f"  {one.code} {one.institution.name}  {plain(one.before, 4)} → {plain(one.after, 4)}{growth}  {told}".rstrip())
