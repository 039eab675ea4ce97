"""The disease catalogue as commands: cases into groups, scores from history, versions listed, compared, checked, published."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import (
    TerminalProgress,
    check_outs,
    parameters,
    print_findings,
    readable,
    sentence,
    writable,
    write_whole,
    write_worksheets,
)
from core.faults import Usage
from core.findings import Finding
from core.progress import step
from core.settings import pasted
from core.texts import Texts

if TYPE_CHECKING:
    from core.analysis.agreement import Agreement
    from core.catalogue.lineage import Relation
    from core.storage.workspace import Workspace
    from core.worksheet import Worksheet

TABLE_ENDINGS = (".csv", ".xlsx")
SHOWN_REASONS = 12
GROUP_COLUMNS = ("setl_id", "dip_code", "kind", "path")


def group(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Ends 0 also when cases are ungrouped: the share is what was asked for."""
    from core.analysis import agreement
    from core.settlement import own_packs

    if arguments.out:
        check_outs([arguments.out], (".csv",))
    with readable(arguments.workspace, texts) as workspace:
        pack = own_packs.load(workspace, arguments.pack, parameters(arguments.param))
        found = agreement.agree(workspace, arguments.year, pack, catalogue=arguments.catalogue, progress=progress)
        synthetic = workspace.synthetic
        if arguments.out:
            _write_groups(found, arguments.out, texts, progress)
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.group_by", year=found.year, pack=pack.title[texts.lang], catalogue=found.catalogue))
    print(texts("cli.grouped", grouped=found.grouped, cases=len(found), share=_share(found.grouped, len(found))))
    if found.stated:
        print(texts("cli.agreed", same=found.same, stated=found.stated, share=_share(found.same, found.stated)))
        reasons = agreement.by(found, "reason", texts.lang)
        title, cases = reasons.columns[0], reasons.cells["cases"]
        for row in range(min(reasons.rows, SHOWN_REASONS)):
            print(f"  {reasons.text(row, title)}  {int(cases[row])}")
    else:
        print(texts("cli.no_official"))
    print_findings(found.findings, texts)
    write_whole(found.findings, arguments.findings, texts)
    if arguments.out:
        print(texts("cli.wrote", path=arguments.out))
    return 0


def _share(part: int, whole: int) -> str:
    """Per cent with two decimals; of nothing, nothing."""
    from fractions import Fraction

    from core.money import plain

    return f"{plain(Fraction(100 * part, whole), 2)}%" if whole else "-"


def _write_groups(found: Agreement, path: Path, texts: Texts, progress: TerminalProgress) -> None:
    """One row a case that counts, in the order of the settlement's id; nothing else, so that a script can read it."""
    from core.analysis.agreement import group_rows
    from core.export.tables import inert
    from core.export.target import whole_file

    with whole_file(path) as beside, beside.open("w", encoding="utf-8-sig", newline="") as out:
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(GROUP_COLUMNS)
        for done, row in enumerate(group_rows(found, texts.lang)):
            if done % 4096 == 0:
                step(progress, "export", done, len(found))
            rows.writerow([inert(cell) for cell in row])


def score(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Scores from the years' cases; stored as a draft where it has a name, else only shown and written."""
    from core.catalogue import library, score_working, scores
    from core.rules import scoring
    from core.settlement import own_packs

    if arguments.out:
        check_outs([arguments.out], TABLE_ENDINGS)
    years = sorted(set(arguments.years))
    year = arguments.year or years[-1] + 1
    choices = {"method": arguments.method, **parameters(arguments.param)}
    if arguments.grouping == "own" and not arguments.pack:
        raise Usage("score_pack_missing")
    path: Path = arguments.workspace
    with writable(path, texts) if arguments.name else readable(path, texts) as workspace:
        pack = own_packs.load(workspace, arguments.pack) if arguments.pack else None
        rule = scoring.chosen(scoring.ScoreRule(), choices) if pack is None else scoring.rule_of(pack, choices)
        base = None if arguments.build else _base(workspace, arguments.catalogue, (year, *reversed(years)))
        found = scores.from_workspace(
            workspace, rule, years, base=base, year=year, own=pack if arguments.grouping == "own" else None,
            progress=progress,
        )  # fmt: skip
        if arguments.name:
            library.store_draft(
                workspace, arguments.name, found.year, found.rows, based_on=base or "", method=found.method,
                bands=found.bands,
            )  # fmt: skip
        synthetic = workspace.synthetic
        if arguments.out:
            sheet = score_working.worksheet(found, texts)
            write_worksheets([sheet], arguments.out, texts, progress, synthetic=synthetic)
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.derived", years=texts.listed(years), count=len(found.rows), year=found.year))
    print(texts("cli.scored_on", catalogue=base) if base else texts("cli.scored_built"))
    print_findings(found.findings, texts)
    write_whole(found.findings, arguments.findings, texts)
    if arguments.name:
        print(texts("cli.drafted", version=arguments.name, count=len(found.rows)))
        if base:
            named = {"base": pasted(base), "version": pasted(arguments.name)}
            print(texts("cli.drafted_next", workspace=pasted(path), **named))
    return 0


def _base(workspace: Workspace, wanted: str | None, years: Sequence[int]) -> str | None:
    """The version whose groups are scored: the one named, else that of the first of these years which has any."""
    from core.catalogue import library

    connection = workspace.reader()
    if wanted is not None:
        return library.choose(connection, years[0], wanted)
    there = {one.year for one in library.versions(connection) if one.state != library.DRAFT}
    year = next((year for year in years if year in there), None)
    return None if year is None else library.choose(connection, year)


def catalogue(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    return VERBS[arguments.verb](arguments, texts, progress)


def _list(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """A line a version, parted by tabs: name, year, state, entries, kinds, based on, file."""
    from core.catalogue import library

    with readable(arguments.workspace, texts) as workspace:
        found = library.versions(workspace.reader())
    if not found:
        print(texts("cli.no_versions"))
    for one in found:
        kinds = texts.listed(f"{texts(f'catalogue.kind.{kind}')} {count}" for kind, count in one.kinds.items())
        state = texts(f"catalogue.state.{one.state}")
        entries = texts("cli.entries", count=one.entries)
        print("\t".join([one.name, str(one.year), state, entries, kinds, one.based_on, one.file]).rstrip())
    return 0


def _diff(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """What became of every group; with a year and a pack also what that is worth on the year's cases."""
    from core.analysis import catalogue_sheets
    from core.catalogue import library
    from core.catalogue.lineage import CHANGES, relate

    out: Path | None = arguments.out
    if out:
        check_outs([out], TABLE_ENDINGS)
    if (arguments.year is None) != (arguments.pack is None):
        raise Usage("diff_needs_both")
    worth = None
    with readable(arguments.workspace, texts) as workspace:
        synthetic = workspace.synthetic
        if arguments.pack is None:
            connection = workspace.reader()
            old, new = (library.entries(connection, name) for name in (arguments.old, arguments.new))
            maps = [one for system in ("diagnosis", "operation", "group") for one in library.code_maps(connection, system)]
            relations: Sequence[Relation] = relate(old, new, maps=maps)
            sheets: Sequence[Worksheet] = [catalogue_sheets.relations(relations, old, new, texts)] if out else []
        else:
            from core.analysis.revision import worth as measure
            from core.settlement import own_packs

            worth = measure(
                workspace, arguments.year, own_packs.load(workspace, arguments.pack), arguments.old, arguments.new,
                grouping=arguments.grouping, set_name=arguments.set_name, progress=progress,
            )  # fmt: skip
            relations, sheets = worth.relations, worth.worksheets(texts.lang) if out else ()
        if out:
            write_worksheets(sheets, out, texts, progress, synthetic=synthetic)
    progress.done()
    if synthetic:
        print(texts("cli.synthetic"))
    print(texts("cli.compared", old=arguments.old, new=arguments.new))
    for change in CHANGES:
        count = sum(one.change == change for one in relations)
        if count:
            print(texts("cli.change_count", change=texts(f"catalogue.change.{change}"), count=count))
    if worth is not None:
        region = worth.region(texts.lang)
        for row in range(region.rows):
            print("  " + "  ".join(filter(None, (region.text(row, column) for column in region.columns))))
        print_findings(worth.findings, texts)
        write_whole(worth.findings, arguments.findings, texts)
    return 0


def _lint(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    """Status 1 where something must be mended; what is doubtful alone leaves it 0, as with imports and packs."""
    from core.catalogue import library, lint

    if arguments.out:
        check_outs([arguments.out], (".csv",))
    printed = lint.printed(arguments.printed) if arguments.printed else None
    found: list[Finding] = []
    with readable(arguments.workspace, texts) as workspace:
        connection = workspace.reader()
        if arguments.version:
            versions = [library.version_of(connection, arguments.version)]
        else:
            versions = library.versions(connection)
        attributes = library.attributes(connection)
        for number, one in enumerate(versions):
            step(progress, "lint", number, len(versions))
            bands = library.bands(connection, one.name, one.year)
            own = lint.lint(library.entries(connection, one.name), bands, attributes, printed, file=one.file)
            found += own
            progress.done()
            print(texts("cli.lint_found" if own else "cli.lint_clean", version=one.name, count=len(own)))
            print_findings(own, texts)
    if not versions:
        print(texts("cli.no_versions"))
        for finding in lint.foots(printed) if printed is not None else ():
            found.append(finding)
            print("  " + sentence(finding, texts))
    if arguments.out:
        from core.export.tables import write_findings

        write_findings(found, arguments.out, texts)
        print(texts("cli.wrote", path=arguments.out))
    wrong = [finding for finding in found if finding.severity in ("refused", "blocked")]
    if wrong:
        print(texts("cli.lint_bad", count=len(wrong)), file=sys.stderr)
        return 1
    return 0


def _publish(arguments: argparse.Namespace, texts: Texts, progress: TerminalProgress) -> int:
    from core.catalogue import library

    with writable(arguments.workspace, texts) as workspace:
        found = library.publish(workspace, arguments.version, arguments.why)
    print(texts("cli.published", version=found.name, hash=found.hash[:16]))
    return 0


VERBS = {"list": _list, "diff": _diff, "lint": _lint, "publish": _publish}
