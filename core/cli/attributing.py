"""Attribution as a command: why the point value and the institutions' scores moved between two years."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    endings,
    parameters,
    pictured,
    print_findings,
    readable,
    write_pictures,
    write_whole,
    write_worksheets,
)
from core.faults import Usage
from core.money import plain
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.attribution import Growths
    from core.worksheet import Worksheet

SHOWN = 20
# What is printed of a group behind a shift.
DRIVEN = ("cases_before", "cases_after", "within_before", "within_after", "peers_before", "peers_after", "points")


def attribute(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """The waterfall of each fund, then the institutions that gained or lost most; of one institution with --code."""
    from core.analysis import attribution, attribution_sheets
    from core.rules.cases import FUNDS
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual

    out: Path | None = arguments.out
    if out:
        check_outs([out], endings(arguments.draw))
    before, after, code = arguments.before, arguments.after, arguments.code
    lang = texts.lang
    with readable(arguments.workspace, texts) as workspace:
        named = arguments.pack or usual(workspace, after)
        if not named:
            raise Usage("pack_needed")
        pack = own_packs.load(workspace, named, parameters=parameters(arguments.param))
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
            sheets += [sheet for both in _of_one(growths, code, lang) for sheet in both]
        elif out and out.suffix.lower() != ".csv":  # two dozen files would help nobody
            sheets += [one.beneath(bar.factor, lang) for one in found for bar in one.bars]
        if out and pictured([out]):
            write_pictures(arguments.draw, "attribute", (found, growths, code), [out], texts)
        elif out:
            write_worksheets(sheets, out, texts, progress, synthetic=workspace.synthetic)
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.attributed", before=before, after=after, pack=pack.title[lang]))
    doubts = next(iter(growths.pairs.values())).findings
    print_findings(doubts, texts)
    write_whole(doubts, arguments.findings, texts)
    for one in found:
        print()
        _print_waterfall(attribution_sheets.point_value(one, lang), lang)
    for fund in growths.funds:
        print()
        if code:
            for waterfall, drivers in _of_one(growths, code, lang, fund):
                _print_waterfall(waterfall, lang)
                _print_drivers(drivers, lang)
        else:
            _print_institutions(growths, fund, texts)
    return 0


def _of_one(growths: Growths, code: str, lang: str, fund: str = "") -> list[tuple[Worksheet, Worksheet]]:
    """An institution's waterfall and the groups behind its shift, in each fund that it has."""
    from core.analysis import attribution_sheets

    own = [one.fund for one in growths.items if one.code == code and fund in ("", one.fund)]
    return [(attribution_sheets.growth(growths, code, each, lang), growths.drivers(code, each, lang)) for each in own]


def _print_waterfall(sheet: Worksheet, lang: str) -> None:
    """Its title, then a line a bar: what it adds, and how much that is against the year before; peers in brackets."""
    texts = Texts(lang)
    print(sheet.title[lang])
    assert sheet.keys is not None
    for row, key in enumerate(sheet.keys):
        sign = "" if key in ("before", "after") else "+" if sheet.cells["amount"][row] > 0 else ""
        said = [f"{sheet.cells['factor'][row]}  {sign}{_cell(sheet, row, 'amount', texts)}"]
        if key != "before":
            said.append(_cell(sheet, row, "of_before", texts))
            if "peers_of_before" in sheet.cells:
                title = next(column.title[lang] for column in sheet.columns if column.id == "peers_of_before")
                said.append(f"({title} {_cell(sheet, row, 'peers_of_before', texts)})")
        print("  " + "  ".join(filter(None, said)))


def _print_drivers(sheet: Worksheet, lang: str) -> None:
    """The groups that weigh most, with cases and shares of both years."""
    texts = Texts(lang)
    print(sheet.title[lang])
    for row in range(min(sheet.rows, SHOWN)):
        said = [str(sheet.cells[id][row]) for id in ("dip_code", "dip_name")]
        for column in sheet.columns:
            if column.id in DRIVEN:
                said.append(f"{column.title[lang]} {_cell(sheet, row, column.id, texts) or '-'}")
        print("  " + "  ".join(said))


def _cell(sheet: Worksheet, row: int, id: str, texts: Texts) -> str:
    """A figure with its unit; "" where there is none."""
    column = next(one for one in sheet.columns if one.id == id)
    text = sheet.text(row, column)
    unit = texts(f"unit.{column.unit}") if column.unit else ""
    return f"{text}{'' if unit == '%' or texts.lang == 'zh' else ' '}{unit}".strip() if text else ""


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
