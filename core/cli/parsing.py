"""The commands as they are written: names, options, and one line for whoever wrote them wrongly."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from core.faults import Usage
from core.settings import PROGRAM
from core.texts import LANGUAGES, Texts

# Commands that calculate: what they doubt or refuse can be too much for a terminal.
DOUBTFUL = ("clear", "month", "group", "score", "compare", "attribute", "trend", "reconcile")


class Words(argparse.HelpFormatter):
    """argparse's own word for usage, in the user's language."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, Parser.texts("cli.help.usage") if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """argparse that answers wrong usage with one line, in the user's language."""

    # What argparse says -> our sentence; the group is what it names.
    SAYINGS = (
        (re.compile(r"the following arguments are required: (.+)"), "cli.missing_arguments"),
        (re.compile(r"unrecognized arguments: (.+)"), "cli.unknown_arguments"),
        (re.compile(r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)"), "cli.bad_choice"),
        (re.compile(r"argument (.+?): expected .+"), "cli.missing_value"),
        (re.compile(r"argument (.+?): .*invalid .+"), "cli.bad_value"),
    )
    texts = Texts()

    def __init__(self, **given: Any) -> None:
        super().__init__(formatter_class=Words, **given)

    def error(self, message: str) -> NoReturn:
        for pattern, key in self.SAYINGS:
            if found := pattern.search(message):
                what, *rest = found.groups()
                if rest:
                    given, choices = (words.replace("'", "") for words in rest)
                    if what == "COMMAND" or "|" in what:
                        key = "cli.bad_verb"
                    said = self.texts(key, what=what, given=given, known=self.texts.listed(choices.split(", ")))
                else:
                    said = self.texts(key, what=self.texts.listed(what.split(", ")))
                raise Usage("usage", problem=said, command=self.prog)
        raise Usage("usage", problem=message, command=self.prog)


def _year(text: str) -> int:
    """Four digits; ValueError for anything else, 24 included."""
    if not re.fullmatch(r"(19|20)[0-9]{2}", text):
        raise ValueError(text)
    return int(text)


def parser(texts: Texts) -> Parser:
    Parser.texts = texts
    common = Parser(add_help=False)
    common.add_argument("--lang", choices=LANGUAGES, help=texts("cli.help.lang"))
    root = Parser(prog=PROGRAM, description=texts("cli.help.program"), parents=[common])
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser, metavar="COMMAND")

    doubtful = Parser(add_help=False, parents=[common])
    doubtful.add_argument("--findings", type=Path, metavar="FILE.csv", help=texts("cli.help.findings_whole"))

    def command(name: str, *, workspace: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=texts(f"cli.help.{name}"), description=texts(f"cli.help.{name}"),
            parents=[doubtful if name in DOUBTFUL else common],
        )  # fmt: skip
        if workspace:
            sub.add_argument("workspace", metavar="WORKSPACE", type=Path)
        return sub

    new = command("new")
    new.add_argument("--region", default="", metavar="CODE")
    new.add_argument("--protect", action="store_true", help=texts("cli.help.new_protect"))

    protect = command("protect")
    either = protect.add_mutually_exclusive_group()
    either.add_argument("--change", action="store_true", help=texts("cli.help.protect_change"))
    either.add_argument("--remove", action="store_true", help=texts("cli.help.protect_remove"))
    protect.add_argument("--drop-backups", action="store_true", help=texts("cli.help.protect_drop"))

    demo = command("demo")
    demo.add_argument("--scale", type=int, default=10, metavar="N")
    demo.add_argument("--seed", type=int, default=None, metavar="S")

    take = command("import")
    take.add_argument("kind", metavar="KIND")
    take.add_argument("file", metavar="FILE", type=Path)
    take.add_argument("--year", type=_year, metavar="Y")
    take.add_argument("--sheet", metavar="NAME")
    take.add_argument("--map", type=Path, metavar="FILE")
    take.add_argument("--dry-run", action="store_true")

    findings = command("findings")
    findings.add_argument("--out", type=Path, metavar="FILE")

    clear = command("clear")
    clear.add_argument("--year", type=_year, required=True, metavar="Y")
    clear.add_argument("--pack", required=True, metavar="ID|FILE")
    clear.add_argument("--fund", choices=("employee", "resident", "all"), default="all")
    clear.add_argument("--set", dest="set_name", metavar="NAME")
    clear.add_argument("--catalogue", metavar="VERSION")
    clear.add_argument("--grouping", choices=("official", "own"))
    clear.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    clear.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")
    clear.add_argument("--confirmations", type=Path, metavar="FILE|FOLDER", help=texts("cli.help.confirmations"))
    clear.add_argument("--case-list", type=Path, metavar="FILE", help=texts("cli.help.case_list"))
    said = texts("cli.help.sheets_of")
    clear.add_argument("--institution", action="extend", nargs="+", default=[], metavar="CODE", help=said)

    year = command("year")
    year.add_argument("verb", metavar="confirm|reopen|list", choices=("confirm", "reopen", "list"))
    year.add_argument("--year", type=_year, metavar="Y")
    year.add_argument("--run", default="", metavar="HASH", help=texts("cli.help.year_run"))
    year.add_argument("--why", default="", metavar="TEXT", help=texts("cli.help.year_why"))

    bundle = command("bundle")
    bundle.add_argument("--year", type=_year, required=True, metavar="Y")
    bundle.add_argument("--institution", default="", metavar="CODE", help=texts("cli.help.bundle_institution"))
    bundle.add_argument("--run", default="", metavar="HASH", help=texts("cli.help.bundle_run"))
    bundle.add_argument("--out", type=Path, required=True, metavar="FILE.zip")

    month = command("month")
    month.add_argument("--month", required=True, metavar="YYYY-MM|YYYY", help=texts("cli.help.month_month"))
    month.add_argument("--pack", required=True, metavar="ID|FILE")
    month.add_argument("--fund", choices=("employee", "resident", "all"), default="all")
    month.add_argument("--set", dest="set_name", metavar="NAME")
    month.add_argument("--catalogue", metavar="VERSION")
    month.add_argument("--advance", action="store_true", help=texts("cli.help.month_advance"))
    month.add_argument("--book", action="store_true", help=texts("cli.help.month_book"))
    month.add_argument("--again", action="store_true", help=texts("cli.help.month_again"))
    month.add_argument("--why", default="", metavar="TEXT", help=texts("cli.help.month_why"))
    month.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    month.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    attribute = command("attribute")
    attribute.add_argument("--from", dest="before", type=_year, required=True, metavar="Y1")
    attribute.add_argument("--to", dest="after", type=_year, required=True, metavar="Y2")
    attribute.add_argument("--fund", choices=("employee", "resident", "all"), default="all")
    attribute.add_argument("--code", metavar="CODE", help=texts("cli.help.attribute_code"))
    attribute.add_argument("--pack", metavar="ID|FILE", help=texts("cli.help.usual_pack"))
    attribute.add_argument("--set", dest="set_name", metavar="NAME")
    attribute.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    attribute.add_argument("--out", type=Path, metavar="FILE")

    pack = command("pack", workspace=False)
    verbs = pack.add_subparsers(
        dest="verb", required=True, parser_class=Parser, metavar="list|show|check|keep|copy|drop|beside"
    )

    def pack_verb(name: str, *, needs: bool) -> Parser:
        made = _verb(verbs, name, texts(f"cli.help.pack_{name}"), common)
        made.add_argument("--workspace", type=Path, required=needs, metavar="WORKSPACE", help=texts("cli.help.pack_workspace"))
        if name in ("keep", "copy", "drop"):
            made.add_argument("--why", default="", metavar="TEXT")
        return made

    pack_verb("list", needs=False)
    show = pack_verb("show", needs=False)
    show.add_argument("pack", metavar="ID|FILE")
    show.add_argument("--toml", action="store_true", help=texts("cli.help.pack_toml"))
    pack_verb("check", needs=False).add_argument("file", metavar="FILE", type=Path)
    pack_verb("keep", needs=True).add_argument("file", metavar="FILE", type=Path)
    copy = pack_verb("copy", needs=True)
    copy.add_argument("pack", metavar="ID|FILE")
    copy.add_argument("new_id", metavar="NEW_ID")
    pack_verb("drop", needs=True).add_argument("pack", metavar="ID")
    beside = pack_verb("beside", needs=True)
    beside.add_argument("packs", nargs="+", metavar="ID|FILE")
    beside.add_argument("--year", type=_year, required=True, metavar="Y")
    beside.add_argument("--set", dest="set_name", metavar="NAME")
    beside.add_argument("--catalogue", metavar="VERSION")
    beside.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    group = command("group")
    group.add_argument("--year", type=_year, required=True, metavar="Y")
    group.add_argument("--pack", required=True, metavar="ID|FILE")
    group.add_argument("--catalogue", metavar="VERSION")
    group.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    group.add_argument("--out", type=Path, metavar="FILE")

    score = command("score")
    score.add_argument("--years", type=_year, nargs="+", required=True, metavar="Y")
    score.add_argument("--method", choices=("mean", "benchmark", "quota"), required=True)
    score.add_argument("--pack", metavar="ID|FILE")
    score.add_argument("--catalogue", metavar="VERSION", help=texts("cli.help.score_catalogue"))
    score.add_argument("--build", action="store_true", help=texts("cli.help.score_build"))
    score.add_argument("--grouping", choices=("official", "own"), default="official")
    score.add_argument("--year", type=_year, metavar="Y", help=texts("cli.help.score_year"))
    score.add_argument("--name", metavar="VERSION", help=texts("cli.help.score_name"))
    score.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    score.add_argument("--out", type=Path, metavar="FILE")

    catalogue = command("catalogue")
    verbs = catalogue.add_subparsers(
        dest="verb", required=True, parser_class=Parser, metavar="list|diff|lint|publish"
    )
    _verb(verbs, "list", texts("cli.help.catalogue_list"), common)
    diff = _verb(verbs, "diff", texts("cli.help.catalogue_diff"), doubtful)
    diff.add_argument("old", metavar="OLD")
    diff.add_argument("new", metavar="NEW")
    diff.add_argument("--year", type=_year, metavar="Y")
    diff.add_argument("--pack", metavar="ID|FILE")
    diff.add_argument("--set", dest="set_name", metavar="NAME")
    diff.add_argument("--grouping", choices=("official", "own"), default="official")
    diff.add_argument("--out", type=Path, metavar="FILE")
    lint = _verb(verbs, "lint", texts("cli.help.catalogue_lint"), common)
    lint.add_argument("version", nargs="?", metavar="VERSION")
    lint.add_argument("--printed", metavar="EDITION", help=texts("cli.help.catalogue_printed"))
    lint.add_argument("--out", type=Path, metavar="FILE")
    publish = _verb(verbs, "publish", texts("cli.help.catalogue_publish"), common)
    publish.add_argument("version", metavar="VERSION")
    publish.add_argument("--why", default="", metavar="TEXT")

    sets = command("coefficients")
    verbs = sets.add_subparsers(dest="verb", required=True, parser_class=Parser, metavar="list|derive|diff|publish")
    _verb(verbs, "list", texts("cli.help.coefficients_list"), common)
    derive = _verb(verbs, "derive", texts("cli.help.coefficients_derive"), doubtful)
    derive.add_argument("--year", type=_year, required=True, metavar="Y", help=texts("cli.help.derive_year"))
    derive.add_argument("--pack", required=True, metavar="ID|FILE")
    derive.add_argument("--name", metavar="DRAFT", help=texts("cli.help.derive_name"))
    derive.add_argument("--from", dest="based_on", metavar="SET", help=texts("cli.help.derive_from"))
    derive.add_argument("--catalogue", metavar="VERSION", help=texts("cli.help.derive_catalogue"))
    derive.add_argument("--show", metavar="CODE", help=texts("cli.help.derive_show"))
    derive.add_argument("--why", default="", metavar="TEXT")
    derive.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    derive.add_argument("--out", type=Path, metavar="FILE")
    diff = _verb(verbs, "diff", texts("cli.help.coefficients_diff"), common)
    diff.add_argument("one", metavar="SET")
    diff.add_argument("other", metavar="SET")
    diff.add_argument("--out", type=Path, metavar="FILE")
    publish = _verb(verbs, "publish", texts("cli.help.coefficients_publish"), common)
    publish.add_argument("source", metavar="SOURCE")
    publish.add_argument("name", metavar="NAME")
    publish.add_argument("--why", default="", metavar="TEXT")

    compare = command("compare")
    compare.add_argument("codes", nargs="+", metavar="CODE", help=texts("cli.help.compare_codes"))
    compare.add_argument("--year", type=_year, required=True, metavar="Y")
    compare.add_argument("--fund", choices=("employee", "resident", "all"), default="all")
    compare.add_argument("--pack", metavar="ID|FILE", help=texts("cli.help.usual_pack"))
    compare.add_argument("--set", dest="set_name", metavar="NAME")
    compare.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    compare.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    trend = command("trend")
    trend.add_argument("--institution", action="extend", nargs="+", default=[], metavar="CODE")
    said = texts("cli.help.trend_indicator")
    trend.add_argument("--indicator", action="extend", nargs="+", default=[], metavar="ID", help=said)
    trend.add_argument("--years", type=_year, nargs="+", metavar="Y", help=texts("cli.help.trend_years"))
    trend.add_argument("--by", choices=("month", "quarter", "year"), default="year")
    trend.add_argument("--scope", choices=("institution", "level", "county", "region"), help=texts("cli.help.trend_scope"))
    trend.add_argument("--fund", choices=("employee", "resident", "all"), help=texts("cli.help.trend_fund"))
    trend.add_argument("--pack", metavar="ID|FILE", help=texts("cli.help.usual_pack"))
    trend.add_argument("--set", dest="set_name", metavar="NAME")
    trend.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    trend.add_argument("--cases", default="", metavar="PERIOD", help=texts("cli.help.trend_cases"))
    trend.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    reconcile = command("reconcile")
    reconcile.add_argument("--year", type=_year, required=True, metavar="Y")
    reconcile.add_argument("--pack", required=True, metavar="ID|FILE")
    reconcile.add_argument("--set", dest="set_name", metavar="NAME")
    reconcile.add_argument("--catalogue", metavar="VERSION")
    reconcile.add_argument("--grouping", choices=("official", "own"))
    said = texts("cli.help.reconcile_tolerance")
    reconcile.add_argument("--tolerance", action="extend", nargs="+", default=[], metavar="STEP=AMOUNT", help=said)
    reconcile.add_argument("--param", action="extend", nargs="+", default=[], metavar="NAME=VALUE")
    reconcile.add_argument("--out", action="extend", nargs="+", default=[], type=Path, metavar="FILE")

    backup = command("backup")
    verbs = backup.add_subparsers(dest="verb", required=True, parser_class=Parser, metavar="make|list|restore")
    _verb(verbs, "make", texts("cli.help.backup_make"), common)
    _verb(verbs, "list", texts("cli.help.backup_list"), common)
    restore = _verb(verbs, "restore", texts("cli.help.backup_restore"), common)
    restore.add_argument("backup", metavar="BACKUP", help=texts("cli.help.backup_which"))
    restore.add_argument("--why", default="", metavar="TEXT", help=texts("cli.help.backup_why"))

    command("verify")
    _explain(root, texts)
    return root


def _verb(verbs: Any, name: str, help: str, *parents: Parser) -> Parser:
    """A verb of a command; its own help begins with what the command's says of it."""
    return verbs.add_parser(name, parents=parents, help=help, description=help)


def _explain(parser: argparse.ArgumentParser, texts: Texts) -> None:
    """Arguments that mean the same in every command are explained in one place."""
    parser._positionals.title, parser._optionals.title = texts("cli.help.arguments"), texts("cli.help.options")
    for action in parser._actions:
        if isinstance(action.choices, Mapping):  # commands under this one
            for one in action.choices.values():
                _explain(one, texts)
        elif action.dest == "help":
            action.help = texts("cli.help.help")
        elif not action.help:
            action.help = texts(f"cli.argument.{action.dest}")
