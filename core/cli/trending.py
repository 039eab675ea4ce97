"""Trends as a command: series of indicators printed or written, and the cases behind one figure."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    endings,
    parameters,
    pictured,
    readable,
    write_pictures,
    write_worksheets,
)
from core.faults import Usage
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.indicators import Indicator
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

SHOWN = 12  # bodies printed on a terminal; the file of --out holds them all


def trend(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Print or write series; with --cases the cases of one figure instead; `--indicator list` says what there is."""
    from core.analysis.indicators import INDICATORS
    from core.analysis.trend import BOTH
    from core.analysis.trend import trend as made

    outs: list[Path] = arguments.out
    check_outs(outs, endings(arguments.draw))
    if arguments.cases and pictured(outs):
        raise Usage("trend_cases_drawn")
    if arguments.indicator == ["list"]:
        for one in INDICATORS.values():
            print(_said(one, texts))
        return 0
    funds = BOTH if arguments.fund is None else ("" if arguments.fund == "all" else arguments.fund,)
    if arguments.scope not in (None, "institution") and arguments.institution:
        raise Usage("trend_scope_of")
    cases: list[int] = []
    with readable(arguments.workspace, texts) as workspace:
        pack = _pack(workspace, arguments)
        if arguments.cases:
            sheet = _cases(workspace, arguments, funds, pack, progress)
        else:
            asked = partial(
                made, workspace, texts, years=arguments.years, codes=arguments.institution, by=arguments.by,
                scope=arguments.scope, funds=funds, pack=pack, set_name=arguments.set_name, progress=progress,
            )  # fmt: skip
            sheet = asked(ids=arguments.indicator)
            if pictured(outs):  # every drawing says how many cases are behind it
                counted = sheet if "cases" in sheet.cells else asked(ids=["cases"])
                cases = [int(one) for one in counted.cells["cases"]]
        synthetic = workspace.synthetic
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    if pack:
        print(texts("cli.trend_pack", pack=pack.title[texts.lang]))
    if not outs:
        for line in _case_lines(sheet, texts) if arguments.cases else _lines(sheet, texts):
            print(line)
    write_pictures(arguments.draw, "trend", (sheet, cases), outs, texts)
    for out in (out for out in outs if out not in pictured(outs)):
        write_worksheets([sheet], out, texts, progress, synthetic=synthetic)
    return 0


def _pack(workspace: Workspace, arguments: argparse.Namespace) -> Pack | None:
    """The pack that is named, else the one that one means in the last of the years; None where there is none."""
    from core.analysis.measures import years_with_cases
    from core.settlement import own_packs
    from core.settlement.usual_pack import usual

    named = arguments.pack
    if not named:
        period = [int(arguments.cases[:4])] if arguments.cases[:4].isdigit() else []
        years = period or arguments.years or years_with_cases(workspace.reader())
        named = usual(workspace, max(years)) if years else ""
    given = parameters(arguments.param)
    if given and not named:
        raise Usage("pack_needed")
    return own_packs.load(workspace, named, parameters=given) if named else None


def _said(one: Indicator, texts: Texts) -> str:
    title, formula, source = (texts(f"indicators.{one.id}.{part}") for part in ("title", "formula", "source"))
    return texts("cli.indicator", id=one.id, title=title, formula=formula, tag=one.tag, source=source)


def _cases(
    workspace: Workspace,
    arguments: argparse.Namespace,
    funds: tuple[str, ...],
    pack: Pack | None,
    progress: TerminalProgress,
) -> Worksheet:
    from core.analysis.cases_behind import cases_behind

    period = _period(arguments.cases)
    one_body = len(arguments.institution) == 1 or (not arguments.institution and arguments.scope in (None, "region"))
    if len(arguments.indicator) != 1 or period is None or not one_body:
        raise Usage("trend_cases_of")
    code = arguments.institution[0] if arguments.institution else ""
    asked = "SELECT 1 FROM institution WHERE fixmedins_code = ?"
    if code and workspace.reader().execute(asked, (code,)).fetchone() is None:
        raise Usage("institution_unlisted", institution=code)
    return cases_behind(
        workspace, arguments.indicator[0], code=code, scope="institution" if code else "region",
        fund=funds[0] if len(funds) == 1 else "", period=period, pack=pack, set_name=arguments.set_name,
        progress=progress,
    )  # fmt: skip


def _period(text: str) -> int | None:
    """2024, 2024Q1 or 2024-01 as periods are numbered."""
    if found := re.fullmatch(r"(\d{4})", text):
        return int(found[1])
    if found := re.fullmatch(r"(\d{4})[Qq]([1-4])", text):
        return int(found[1]) * 10 + int(found[2])
    if found := re.fullmatch(r"(\d{4})-?(0[1-9]|1[0-2])", text):
        return int(found[1]) * 100 + int(found[2])
    return None


def _lines(sheet: Worksheet, texts: Texts) -> list[str]:
    """A block for each body and fund: periods across, indicators down, empty cells as a dash, then why they are empty."""
    blocks: dict[tuple[str, str], list[int]] = {}
    for row in range(sheet.rows):
        blocks.setdefault((str(sheet.cells["code"][row]), str(sheet.cells["fund"][row])), []).append(row)
    lines: list[str] = []
    for number, ((_, fund), rows) in enumerate(blocks.items()):
        if number == SHOWN:
            lines += ["", texts("cli.trend_more", count=len(blocks) - SHOWN)]
            break
        lines += ["", f"{sheet.cells['name'][rows[0]]} · {fund}"]
        lines.append("\t".join(["", *(str(sheet.cells["period"][row]) for row in rows)]))
        for column in sheet.columns[4:-1]:
            told = [sheet.text(row, column) or "-" for row in rows]
            unit = texts(f"unit.{column.unit}")
            title = column.title[texts.lang] + (f" ({unit})" if unit else "")
            lines.append("\t".join([title, *told]))
        notes = dict.fromkeys(str(sheet.cells["note"][row]) for row in rows if sheet.cells["note"][row])
        lines += [f"  {note}" for note in notes]
    return lines


def _case_lines(sheet: Worksheet, texts: Texts) -> list[str]:
    lines = [f"{sheet.title[texts.lang]} · {texts('cli.trend_cases', count=sheet.rows)}"]
    for row in range(min(SHOWN, sheet.rows)):
        lines.append("\t".join(sheet.text(row, column) for column in sheet.columns))
    if sheet.rows > SHOWN:
        lines.append(texts("cli.trend_more", count=sheet.rows - SHOWN))
    return lines
