"""The annual clearing as a command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import TerminalProgress, check_outs, listed, parameters, writable, write_whole
from core.faults import Refused, Usage, WorldFault
from core.findings import ALOUD
from core.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.export.case_list import Control
    from core.rules.sheet import Clearing, FundSheet

SHEET_ENDINGS = (".pdf", ".xlsx")
CLEAR_ENDINGS = (".xlsx", ".csv", ".json", ".pdf")
PART_ENDINGS = (".csv", ".json")  # what can be of some institutions: a workbook's formulas go over all


def annual(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.rules.cases import FUNDS

    outs: list[Path] = arguments.out
    check_outs(outs, CLEAR_ENDINGS)
    if arguments.institution and any(out.suffix.lower() not in PART_ENDINGS for out in outs):
        raise Usage("out_is_of_all", endings=" ".join(PART_ENDINGS))
    sheets: Path | None = arguments.confirmations
    folder = sheets is not None and (sheets.is_dir() or not (sheets.suffix or sheets.exists()))
    if folder and sheets is not None and not sheets.absolute().parent.is_dir():
        raise WorldFault("no_folder", path=sheets.absolute().parent)
    if sheets is not None and not folder:
        check_outs([sheets], SHEET_ENDINGS)
    if arguments.case_list is not None:
        check_outs([arguments.case_list], (".xlsx",))
        if len(arguments.institution) > 1:
            raise Usage("case_list_of_several")
    with writable(arguments.workspace, texts) as workspace:
        from core.settlement import coefficients, confirmed, own_packs, scenarios
        from core.settlement.clearing import clear

        pack = own_packs.load(workspace, arguments.pack, parameters(arguments.param))
        funds = FUNDS if arguments.fund == "all" else (arguments.fund,)
        connection = workspace.reader()
        scenario = scenarios.find(connection, arguments.set_name) if arguments.set_name else None
        if scenario is not None and coefficients.state_of(connection, scenario.name) is not None:
            raise Refused("scenario_or_set", name=scenario.name)
        if scenario is not None:
            grouping = arguments.grouping or scenario.grouping
            if (arguments.catalogue or scenario.catalogue, grouping) != (scenario.catalogue, scenario.grouping):
                raise Usage("scenario_has_own", name=scenario.name)
            clearing = scenarios.clear(
                workspace, scenario.name, year=arguments.year, pack=pack, funds=funds, progress=progress
            )
        else:
            clearing = clear(
                workspace, arguments.year, pack, funds=funds, set_name=arguments.set_name, catalogue=arguments.catalogue,
                grouping=arguments.grouping or "official", progress=progress,
            )  # fmt: skip
        clearing = confirmed.marked(workspace, clearing)
        for out in outs:
            write_clearing(clearing, out, texts, progress, arguments.institution)
        written = write_sheets(clearing, sheets, arguments.institution, texts, progress) if sheets is not None else 0
        controls: list[Control] = []
        if arguments.case_list is not None:
            from core.settlement import case_lines

            code = next(iter(arguments.institution), "")
            controls = case_lines.write(workspace, clearing, arguments.case_list, code, texts.lang, progress)
    progress.done()
    for line in summary(clearing, texts):
        print(line)
    write_whole(clearing.findings, arguments.findings, texts)
    for out in outs:
        print(texts("cli.wrote", path=out))
    if sheets is not None:
        print(texts("clearing.confirmed", count=written, path=sheets))
    return _told(controls, Path(str(arguments.case_list)), texts) if controls else 0


def write_sheets(clearing: Clearing, path: Path, codes: Sequence[str], texts: Texts, progress: TerminalProgress) -> int:
    """Confirmation sheets of these institutions, or of all, in the form that the path picks: a name without an ending is a
    folder, made if need be. Returns how many."""
    from core.export import confirmation, confirmation_book

    if path.is_dir() or not path.suffix:
        path.mkdir(exist_ok=True)
        return len(confirmation.write_each(clearing, path, codes, texts.lang, progress))
    if path.suffix.lower() == ".xlsx":
        return confirmation_book.write(clearing, path, codes, texts.lang, progress)
    return confirmation.write(clearing, path, codes, texts.lang, progress)


def _told(controls: Sequence[Control], path: Path, texts: Texts) -> int:
    """The case list's control totals; exit status 1 where one is not the clearing's."""
    from core.export import case_list

    wrong = [one for one in controls if one.written != one.expected]
    rows = sum(int(one.written) for one in controls if one.column is None)
    print(texts("clearing.listed_wrong" if wrong else "clearing.listed", rows=f"{rows:,}", path=path))
    for one in controls:
        print("  " + case_list.said(one, texts))
    return 1 if wrong else 0


def write_clearing(
    clearing: Clearing, path: Path, texts: Texts, progress: TerminalProgress, codes: Sequence[str] = ()
) -> None:
    """Write a clearing in the form that the file's ending picks; of these institutions alone, where it is csv or json."""
    from core.export import tables, workbook

    ending = path.suffix.lower()
    if ending == ".pdf":
        from core.export import clearing_table

        clearing_table.write(clearing, path, texts.lang, progress)
        return
    if ending == ".json":
        tables.write_json(clearing, path, codes)
    elif ending == ".csv":
        tables.write_csv(clearing, path, texts, codes)
    else:
        workbook.write(clearing, path, texts.lang, progress)


def summary(clearing: Clearing, texts: Texts) -> list[str]:
    """What a person wants to read at once: per fund the region's steps and the sums that matter."""
    stamps = clearing.stamps
    lines = [texts("cli.cleared", year=clearing.year, pack=clearing.pack.title[texts.lang])]
    if stamps.tried:
        lines.append(texts("export.scenario", name=stamps.scenario or texts("export.unnamed_scenario")))
    if stamps.synthetic:
        lines.append(texts("cli.synthetic"))
    lines.append(texts("cli.set_used", name=stamps.set_name, state=texts(f"state.{stamps.set_state}")))
    for sheet in clearing.funds:
        lines.append("")
        lines.append(texts(f"fund.{sheet.fund}") + texts("cli.institutions", count=len(sheet.institutions)))
        lines += region_lines(clearing, sheet, texts)
    loud = [f for f in clearing.findings if f.severity == "warning" and f.code.startswith(ALOUD)]
    lines += [""] * bool(loud) + listed(loud, texts)
    severities: dict[str, int] = {}
    for finding in clearing.findings:
        severities[finding.severity] = severities.get(finding.severity, 0) + 1
    if severities:
        said = texts.listed(
            f"{texts(f'severity.{severity}')} {count}" for severity, count in sorted(severities.items())
        )
        lines += ["", texts("cli.run_findings", counts=said)]
    lines.append(texts("cli.run_hash", hash=stamps.run_hash[:16]))
    return lines


# Of the parts beside the chain: what they come to, and what would be left over.
CLOSING = ("outside_paid", "fund_paid", "money_open", "rows_open")


def region_lines(clearing: Clearing, sheet: FundSheet, texts: Texts) -> list[str]:
    """The region's figures of a fund, and the sums that matter."""
    from fractions import Fraction

    from core.money import plain

    lines: list[str] = []
    for step in clearing.pack.scope("region"):
        if step.part and step.id not in CLOSING:
            continue
        value = sheet.region[step.id]
        places = step.places if step.places is not None else (2 if step.unit == "yuan" else None)
        unit = texts(f"unit.{step.unit}")
        lines.append(f"  {step.title[texts.lang]}  {plain(value, places)} {unit}".rstrip())
    for step in clearing.pack.scope("institution"):
        if step.id in ("due", "final"):
            total = sum(sheet.values[step.id], Fraction(0))
            title = texts("cli.sum_of", what=step.title[texts.lang])
            lines.append(f"  {title}  {plain(total, 2)} {texts('unit.yuan')}")
    return lines
