"""The annual clearing as a command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import TerminalProgress, check_outs, parameters, sentence, writable
from core.faults import Refused, Usage
from core.findings import ALOUD
from core.texts import Texts

if TYPE_CHECKING:
    from core.rules.sheet import Clearing, FundSheet

CLEAR_ENDINGS = (".xlsx", ".csv", ".json", ".pdf")


def annual(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.rules import packs
    from core.rules.cases import FUNDS

    outs: list[Path] = arguments.out
    check_outs(outs, CLEAR_ENDINGS)
    if any(out.suffix.lower() == ".pdf" for out in outs):
        raise Usage("not_built", what="pdf")
    pack = packs.load(arguments.pack, parameters=parameters(arguments.param))
    with writable(arguments.workspace, texts) as workspace:
        from core.settlement import coefficients, scenarios
        from core.settlement.clearing import clear

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
        for out in outs:
            write_clearing(clearing, out, texts, progress)
    progress.done()
    for line in summary(clearing, texts):
        print(line)
    for out in outs:
        print(texts("cli.wrote", path=out))
    return 0


def write_clearing(clearing: Clearing, path: Path, texts: Texts, progress: TerminalProgress) -> None:
    """Write a clearing in the form that the file's ending picks."""
    from core.export import tables, workbook

    ending = path.suffix.lower()
    if ending == ".json":
        tables.write_json(clearing, path)
    elif ending == ".csv":
        tables.write_csv(clearing, path, texts)
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
    lines += [""] * bool(loud) + [sentence(finding, texts) for finding in loud]
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


def region_lines(clearing: Clearing, sheet: FundSheet, texts: Texts) -> list[str]:
    """The region's figures of a fund, and the sums that matter."""
    from fractions import Fraction

    from core.money import plain

    lines: list[str] = []
    for step in clearing.pack.scope("region"):
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
