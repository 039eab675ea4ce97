"""The manual says what the program does: same in both languages, no name that does not exist, examples that run."""

from __future__ import annotations

import ast
import re
import shlex
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from functools import cache
from pathlib import Path

import manual_tables
import pytest

import main as front_door
from core import cli, demo
from core.cli.parsing import parser
from core.intake.kinds import KINDS
from core.money import decimal, plain
from core.rules import builder, circular, deriving, grouping, packs, parsing, scoring, steps
from core.rules.cases import FUNDS
from core.settings import RESOURCES, ROOT, Settings
from core.settlement.clearing import clear
from core.texts import LANGUAGES, Texts, catalogue
from ui.actions import ACTIONS
from ui.manual import CHAPTERS, anchor, headings, places
from ui.pages import PAGES

MANUAL = RESOURCES / "manual"
ALL = [(lang, key) for lang in LANGUAGES for key in CHAPTERS]
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def text(lang: str, key: str) -> str:
    return (MANUAL / lang / f"{key}.md").read_text("utf-8")


def prose(lang: str, key: str) -> str:
    """A chapter without generated tables and code blocks."""
    return FENCE.sub("", manual_tables.BLOCK.sub("", text(lang, key)))


def spans(lang: str, key: str) -> list[str]:
    return re.findall(r"`([^`]+)`", prose(lang, key))


def rows(written: str) -> list[list[str]]:
    """Cells of every row of every table, rules aside."""
    lines = [line for line in written.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_both_languages_have_the_chapters_that_the_window_shows() -> None:
    for lang in LANGUAGES:
        assert {path.name for path in (MANUAL / lang).iterdir()} == {*(f"{key}.md" for key in CHAPTERS), "pictures"}


@pytest.mark.parametrize("key", CHAPTERS)
def test_both_languages_say_the_same_things(key: str) -> None:
    zh, en = text("zh", key), text("en", key)
    assert [level for level, _ in headings(zh)] == [level for level, _ in headings(en)]
    assert [at for at, (level, _) in enumerate(headings(zh)) if level == 1] == [0]
    assert len(rows(zh)) == len(rows(en))
    assert [len(row) for row in rows(zh)] == [len(row) for row in rows(en)]
    assert len(re.findall(r"^(?:-|\d+\.) ", zh, re.MULTILINE)) == len(re.findall(r"^(?:-|\d+\.) ", en, re.MULTILINE))
    named = [{span for span in spans(lang, key) if NAME.fullmatch(span)} for lang in LANGUAGES]
    assert named[0] == named[1]
    assert [kind for kind, _ in FENCE.findall(zh)] == [kind for kind, _ in FENCE.findall(en)]


@pytest.mark.parametrize(("lang", "key"), ALL)
def test_tables_are_as_the_program_has_them(lang: str, key: str) -> None:
    again = manual_tables.written(text(lang, key), key, lang)
    assert again == text(lang, key), "run python tests/house/manual_tables.py"


def test_every_generated_table_is_there_once() -> None:
    for lang in LANGUAGES:
        found = [name for key in CHAPTERS for name in manual_tables.BLOCK.findall(text(lang, key))]
        assert sorted(name for name, _ in found) == sorted(manual_tables.TABLES)


@cache
def vocabulary() -> set[str]:
    """Every lower-case name that the program knows."""
    known = {*KINDS, *cli.COMMANDS, *parsing.RESERVED, *circular.CASE_NAMES, *circular.MEASURE_NAMES}
    for kind in KINDS.values():
        known |= {*kind.key, *(column.name for column in kind.columns)}
        for column in kind.columns:
            known |= {str(value).rstrip(":") for value in column.words.values()}
    for head in packs.available():
        known.add(head.id)
        pack = packs.load(head.id)
        known |= {*pack.parameters, *pack.tables, *(step.id for step in manual_tables.every_step(head.id))}
        known |= {option for one in pack.parameters.values() for option in one.options}
        known |= {step.id for steps in pack.chapters.values() for step in steps}
    known |= circular.SETTINGS | builder.CASE_KEYS | builder.PACK_KEYS | builder.DOCUMENT_KEYS | builder.TABLE_KEYS
    known |= builder.ROW_KEYS | builder.PARAMETER_KEYS | builder.STEP_KEYS | builder.BRANCH_KEYS | builder.MEASURE_KEYS
    known |= {*circular.REFERENCES, *(unit for unit in builder.UNITS if unit), "true", "none"}
    known |= {option for options in circular.CHOICES.values() for option in options} | set().union(*circular.INPUTS.values())
    known |= {key.split(".")[1] for key in catalogue("en") if key.startswith(("finding.", "fault."))}
    known |= {*scoring.BY_KEY, *(option for one in scoring.CHOICES for option in one.options), *grouping.SEARCH_KEYS}
    known |= grouping.KEYS | grouping.CHOICE_KEYS | {*grouping.TIES, *grouping.CONDITION_NAMES, *cli.catalogue.VERBS}
    known |= deriving.KEYS | deriving.ROW_KEYS | deriving.STEP_KEYS | deriving.LIMIT_KEYS | {*deriving.METHODS, *deriving.MEASURES}
    known |= {option for one in deriving.CHOICES for option in one.options} | {"refuse", "mark", *cli.coefficients.VERBS}
    known |= {"imported", "rows", "dianzhi", "path", *FUNDS, *(field.name for field in fields(Settings))}
    return known


@pytest.mark.parametrize(("lang", "key"), ALL)
def test_every_name_exists(lang: str, key: str) -> None:
    known = vocabulary()
    named = {span for span in spans(lang, key) if NAME.fullmatch(span)}
    assert sorted(named - known) == []
    for span in spans(lang, key):
        if given := re.fullmatch(r"(\w+)=(\w+)", span):
            assert {given[1], given[2]} <= known, span


def parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for one in action.choices.values():
                yield from parsers(one)


@pytest.mark.parametrize(("lang", "key"), ALL)
def test_every_command_and_option_exists(lang: str, key: str) -> None:
    root = parser(Texts(lang))
    options = {name for one in parsers(root) for action in one._actions for name in action.option_strings}
    options |= {"--demo", "--self-test", "--version"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text(lang, key))) <= options
    for kind, code in FENCE.findall(text(lang, key)):
        for line in code.splitlines() if kind == "text" else ():
            words = shlex.split(line)
            assert words[:2] == ["python", "main.py"], line
            parsed = root.parse_args(words[2 : words.index(">") if ">" in words else None])
            assert parsed.command in cli.COMMANDS
            assert getattr(parsed, "kind", "cases") in KINDS
            assert front_door.asked(words[2:])[0] == "command"


def test_every_command_is_told() -> None:
    for lang in LANGUAGES:
        told = [words for level, words in headings(text(lang, "commands")) if level == 2]
        assert sorted(told) == sorted(cli.COMMANDS)


def test_every_page_has_its_heading() -> None:
    for lang in LANGUAGES:
        said = " ".join(words for _, words in headings(text(lang, "pages")))
        assert all(Texts(lang)(f"pages.{key}.title") in said for key, _, _ in PAGES)


def test_f1_knows_the_same_places_in_both_languages() -> None:
    assert places("zh") == places("en")
    assert {key for key, _, _ in PAGES} <= set(places("zh"))
    for lang in LANGUAGES:
        said = [word for key in CHAPTERS for found in re.findall(r"<!-- f1: (.+?) -->", text(lang, key)) for word in found.split()]
        assert len(said) == len(set(said)) == len(places(lang))


SAID = (
    ("first", ("start.button.demo", "clearing.clear", "ui.synthetic", "clearing.export")),
    ("pages", ("data.tab.overview", "data.tab.files", "data.tab.batches", "data.tab.findings", "data.tab.control",
               "ui.menu.view")),
    ("workspace", ("ui.menu.help",)),
)  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_of_the_window_are_those_on_screen(lang: str) -> None:
    for key, words in SAID:
        for word in words:
            said = re.sub(r"\(&\w\)|&|…", "", Texts(lang)(word))
            assert said.lower() in text(lang, key).lower(), (key, word, said)


@pytest.mark.parametrize(("lang", "key"), ALL)
def test_links_resolve(lang: str, key: str) -> None:
    for target in LINK.findall(text(lang, key)):
        path, _, fragment = target.partition("#")
        there = (MANUAL / lang / path).resolve() if path else MANUAL / lang / f"{key}.md"
        assert there.exists(), target
        if fragment:
            assert fragment in [anchor(words) for _, words in headings(there.read_text("utf-8"))], target


def test_shortcuts_are_those_of_the_window() -> None:
    keys = {name for action in ACTIONS for name in action.keys} | {"Ctrl+1", "Ctrl+0", "Ctrl+-", "Ctrl+F", "Ctrl+D"}
    for lang, key in ALL:
        assert set(re.findall(r"Ctrl\+(?:Shift\+)?(?:[A-Za-z0-9]+|-)", text(lang, key))) <= keys


def test_everything_that_blocks_is_listed() -> None:
    """The codes of blocking findings, as the rooms that gather a clearing make them."""
    # Blocks by the pack's choice, its severity no constant; and what the catalogue library says itself.
    made = {"ungrouped", "catalogue_missing", "catalogue_several", "catalogue_unknown", "auxiliary_several"}
    for room in ("gather", "year", "groups", "standing", "applied", "funds", "facts", "control"):
        for node in ast.walk(ast.parse((ROOT / "core" / "settlement" / f"{room}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and len(node.args) > 1:
                said = node.args[1]
                if isinstance(said, ast.Constant) and said.value == "blocked":
                    made |= {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    for lang in LANGUAGES:
        cells = [row[0].strip("`") for row in rows(prose(lang, "clearing"))]
        assert {cell for cell in cells if f"finding.{cell}" in catalogue(lang)} == made
    assert {f"finding.{code}" for code in made} <= set(catalogue("zh"))


def test_keys_of_a_pack_are_all_told() -> None:
    keys = {
        "[pack]": builder.PACK_KEYS, "[[document]]": builder.DOCUMENT_KEYS, "[[parameter]]": builder.PARAMETER_KEYS,
        "[case]": builder.CASE_KEYS - {"branch", "measure"}, "[[case.branch]]": builder.BRANCH_KEYS,
        "[[case.measure]]": builder.MEASURE_KEYS, "[[table]]": (builder.TABLE_KEYS - {"row"}) | builder.ROW_KEYS,
        "[[region]]": builder.STEP_KEYS,
    }  # fmt: skip
    for lang in LANGUAGES:
        table = {re.findall(r"`([^`]+)`", row[0])[0]: row[1] for row in rows(text(lang, "packs")) if "`[" in row[0]}
        assert set(table) == set(keys)
        for part, cell in table.items():
            assert {name for name in re.findall(r"`([^`]+)`", cell) if NAME.fullmatch(name)} == keys[part], part
        for bound in (parsing.MAX_LENGTH, parsing.MAX_DEPTH):
            assert str(bound) in text(lang, "packs")


def examples(lang: str) -> list[str]:
    return [code for kind, code in FENCE.findall(text(lang, "packs")) if kind == "toml"]


def example(lang: str) -> str:
    """The complete one."""
    return examples(lang)[1]


def test_the_example_packs_are_sound(tmp_path: Path) -> None:
    assert examples("zh") == examples("en")
    for code in examples("zh"):
        path = tmp_path / "example.toml"
        path.write_text(code, "utf-8")
        assert packs.check(path) == []
        assert not packs.load(path).abstract


def test_the_first_pack_replaces_one_step_and_fills_one_table(tmp_path: Path) -> None:
    path = tmp_path / "mycity.toml"
    path.write_text(examples("zh")[0], "utf-8")
    own, common = packs.load(path), packs.load("common")
    before = {(step.scope, step.id): step.formula for step in common.steps}
    assert [step.id for step in own.steps if before[step.scope, step.id] != step.formula] == ["point_value"]
    assert [name for name, table in own.tables.items() if table != common.tables[name]] == ["assessment_factor"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_example_pack_gives_the_worked_table(lang: str, tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    path.write_text(example(lang), "utf-8")
    table = rows(text(lang, "packs").partition("<!-- worked: sharing -->")[2])[1:]
    assert [row[0] for row in table] == ["H1", "H2", "H3", "H4"]
    column = {i: [decimal(row[i]) for row in table] for i in range(1, 10)}
    pack = packs.load(path)
    zero = [Fraction(0)] * len(table)
    given = dict.fromkeys(pack.inputs("institution"), zero) | {
        "score": [Fraction(1000)] * 4, "booked": column[1], "audit_deduction": column[2], "assessment_score": column[3],
        "retention": [Fraction(20_000)] * 4, "monthly_paid": [Fraction(700_000)] * 4,
    }  # fmt: skip
    facts = {"budget": Fraction(4_000_000), "outside_card": Fraction(0), "outside_manual": Fraction(0)}
    values = steps.run(pack, facts, given, [row[0] for row in table])
    assert values.region["point_value"] == 1000
    due = values.institutions["due"]
    assert due == (Fraction(1_000_000),) * 4
    assert [(b - a) / d for b, a, d in zip(column[1], column[2], due, strict=True)] == column[4]
    heads = [name.strip("`") for name in rows(text(lang, "packs").partition("<!-- worked: sharing -->")[2])[0]]
    for i in range(5, 10):
        assert list(values.institutions[heads[i]]) == column[i], heads[i]


def test_the_figures_of_the_first_clearing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demonstration as everybody gets it, cleared, against the table of the first chapter. A year stands on the one
    before it alone, so the two first ones are left out."""
    monkeypatch.setattr(demo, "YEARS", demo.YEARS[-2:])
    with demo.build(tmp_path / "demo.dianzhi") as workspace:
        sheets = {sheet.fund: sheet for sheet in clear(workspace, 2024, packs.load("ningde-2024")).funds}
    for lang in LANGUAGES:
        table = rows(text(lang, "first"))[1:5]
        for row, (step, digits) in zip(
            table, (("fund_available", 2), ("score_total", None), ("point_value", 4), ("residual", 2)), strict=True
        ):
            told = [cell.replace(",", "") for cell in row[1:]]
            assert told == [plain(sheets[fund].region[step], digits) for fund in FUNDS], step
