"""The step language: what parses and what does not, exact values, sentences, spreadsheet formulas."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.rules import evaluation, parsing, spelling
from core.rules import formula as f
from core.rules.packs import phrases_of

ZH, EN = phrases_of("zh"), phrases_of("en")


def value(text: str, **names: object) -> f.Value:
    given = {name: Fraction(str(one)) for name, one in names.items()}
    return evaluation.evaluate(parsing.parse(text), evaluation.Env(given))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 2", "5"),
        ("-2 * -3", "6"),
        ("--2", "2"),
        ("2 - -2", "4"),
        ("0.1 + 0.2", "0.3"),
        ("1 / 3 * 3", "1"),
        (".5", "0.5"),
        ("min(3, 1, 2) + max(1, 5)", "6"),
        ("abs(-2.5)", "2.5"),
        ("floor(-1.5)", "-2"),
        ("ceil(-1.5)", "-1"),
        ("floor(1.5) + ceil(1.2)", "3"),
        ("round(2.345, 2)", "2.35"),
        ("round(-2.345, 2)", "-2.35"),
        ("round(2.344999, 2)", "2.34"),
        ("round(15, -1)", "20"),
        ("1 if 2 < 3 else 0", "1"),
        ("1 if 2 > 3 else 2 if 3 >= 3 else 4", "2"),
        ("1 if not (1 == 1 and 2 != 2) or 1 > 2 else 0", "1"),
        ("1 if not 1 > 2 and 2 <= 2 else 0", "1"),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert value(text) == Fraction(expected)


def test_the_untaken_side_is_not_computed() -> None:
    assert value("a / b if b > 0 else 0", a=1, b=0) == 0
    assert value("1 if b > 0 and a / b > 1 else 2", a=1, b=0) == 2
    assert value("1 if b == 0 or a / b > 1 else 2", a=1, b=0) == 1


def test_division_by_zero_is_a_fault_with_its_place() -> None:
    with pytest.raises(f.RuleFault) as fault:
        value("1 + a / (b - b)", a=1, b=2)
    assert (fault.value.code, fault.value.at) == ("division", 6)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "empty", 0),
        ("   ", "empty", 0),
        ("1 +", "unfinished", 3),
        ("(1", "unfinished", 2),
        ("1 2", "unexpected", 2),
        ("1 + * 2", "unexpected", 4),
        ("a ** b", "unexpected", 3),
        ("a.b", "character", 1),
        ("a[0]", "character", 1),
        ("a ^ b", "character", 2),
        ("a % b", "character", 2),
        ("a = b", "character", 2),
        ("'a'", "character", 0),
        ("a；b", "character", 1),
        ("分值 * 2", "character", 0),
        ("1٣", "character", 1),
        ("1e5", "unexpected", 1),
        ("1.", "character", 1),
        ("f(1)", "function", 0),
        ("__import__(a)", "function", 0),
        ("min", "function_name", 0),
        ("min(1)", "arguments", 0),
        ("abs(1, 2)", "arguments", 0),
        ("min()", "arguments", 0),
        ("sum(a + b)", "plain_name", 6),
        ("tiers(x, 3)", "plain_name", 9),
        ("share(x, a * 2)", "plain_name", 11),
        ("round(x, y)", "places", 9),
        ("round(x, 1.5)", "places", 9),
        ("round(x, 99)", "places", 9),
        ("1 < 2 < 3", "chained", 6),
        ("a if b", "unfinished", 6),
        ("a if b : c", "character", 7),
        ("if a else b", "unexpected", 0),
        ("a, b", "unexpected", 1),
        ("1234567890123456789012345678901", "number_long", 0),
        ("lambda x", "unexpected", 7),
    ],
)
def test_what_does_not_parse(text: str, code: str, at: int) -> None:
    with pytest.raises(f.FormulaError) as error:
        parsing.parse(text)
    assert (error.value.code, error.value.at) == (code, at)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000 + "1" + ")" * 1000,
        "-" * 1999 + "1",
        "not " * 400 + "a",
        "1" + "+1" * 900,
        "a if b else " * 160 + "c",
        "abs(" * 490 + "1" + ")" * 9,
        "1" * 5000,
        "min(" + "1," * 900 + "1)",
    ],
)
def test_a_hostile_formula_is_refused_at_once(text: str) -> None:
    with pytest.raises(f.FormulaError) as error:
        parsing.parse(text)
    assert error.value.code in ("too_deep", "too_long", "number_long", "arguments")


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab1.+-*/<>=!(), ifelsandortmxu\n", max_size=60))
@example("(" * 60)
def test_any_text_parses_or_says_where_not(text: str) -> None:
    try:
        tree = parsing.parse(text)
    except f.FormulaError as error:
        assert 0 <= error.at <= len(text)
        return
    assert parsing.parse(text) == tree


def test_kinds_must_fit() -> None:
    sorts: Mapping[str, f.Sort] = {"mode": "symbol", "pooled": "symbol"}
    assert f.sort_of(parsing.parse("1 if mode == pooled else 2"), sorts) == "number"
    for text in ("1 + (2 < 3)", "1 if 2 else 3", "not 1", "mode + 1", "mode < pooled", "mode == 1", "1 and 2",
                 "(1 < 2) if 1 < 2 else 3", "min(1 < 2, 1)", "(1 < 2) == (2 < 3)"):  # fmt: skip
        with pytest.raises(f.FormulaError) as error:
            f.sort_of(parsing.parse(text), sorts)
        assert error.value.code == "sort"


def test_what_a_formula_uses() -> None:
    used = f.uses(parsing.parse("a + sum(b) * tiers(c, T) - share(d, e) + a"))
    assert used == f.Uses(("a", "c", "d"), ("b", "e"), ("T",))


# --- tables ---


def row(start: str, end: str, closed: bool, text: str) -> f.Row:
    def edge(one: str) -> Fraction | None:
        return Fraction(one) if one else None

    return f.Row(edge(start), edge(end), closed, parsing.parse(text), text)


TITLE = {"zh": "分担表", "en": "sharing"}
SHARING = f.Table("sharing", TITLE, (
    row("", "0.8", False, "booked"), row("0.8", "1", True, "due"), row("1", "", False, "due + 0.6 * (booked - due)"),
), None)  # fmt: skip


@pytest.mark.parametrize(
    ("booked", "expected"),
    # due 100: below 0.8 what was booked; 0.8 itself and 1 itself are due; above, 60 % of the excess.
    [("79.99", "79.99"), ("80", "100"), ("100", "100"), ("100.01", "100.006"), ("200", "160"), ("-5", "-5")],
)
def test_edges_of_tiers(booked: str, expected: str) -> None:
    env = evaluation.Env({"booked": Fraction(booked), "due": Fraction(100)}, {}, {"sharing": SHARING})
    assert evaluation.evaluate(parsing.parse("tiers(booked / due, sharing)"), env) == Fraction(expected)


def test_outside_a_table_is_a_fault() -> None:
    table = f.Table("t", TITLE, (row("0", "60", False, "0"), row("60", "100", True, "1")), None)
    tree = parsing.parse("tiers(x, t)")
    for x, inside in (("-0.01", False), ("0", True), ("100", True), ("100.01", False)):
        env = evaluation.Env({"x": Fraction(x)}, {}, {"t": table})
        if inside:
            evaluation.evaluate(tree, env)
        else:
            with pytest.raises(f.RuleFault) as fault:
                evaluation.evaluate(tree, env)
            assert (fault.value.code, fault.value.values) == ("no_tier", {"table": "t", "value": x})


def test_an_empty_table_gives_what_it_says_otherwise() -> None:
    empty = f.Table("t", TITLE, (), parsing.parse("due"))
    env = evaluation.Env({"due": Fraction(7)}, {}, {"t": empty})
    assert evaluation.evaluate(parsing.parse("tiers(1 / 0, t)"), env) == 7  # the argument is not looked at


def test_settling_leaves_only_what_was_chosen() -> None:
    empty = {"t": f.Table("t", TITLE, (), parsing.parse("due"))}
    symbols = {"mode": "own", "own": "own", "pooled": "pooled"}
    tree = parsing.parse("a if mode == pooled else b if mode != own or mode == pooled else tiers(x, t) if due > 0 else due")
    assert evaluation.settle(tree, symbols, empty) == parsing.parse("due")
    assert evaluation.settle(parsing.parse("a if not mode == pooled and c > 1 else b"), symbols) == parsing.parse(
        "a if not mode == pooled and c > 1 else b"
    )


# --- words ---

WORDS = {"fund_available": "可分配基金", "own_pay": "个人支付", "other_pay": "其他基金支付", "score": "分值"}


def zh(text: str) -> str:
    return spelling.words(parsing.parse(text), lambda name: WORDS.get(name, name), ZH)


def en(text: str) -> str:
    return spelling.words(parsing.parse(text), lambda name: name, EN, "en")


def test_words() -> None:
    point_value = "(fund_available + sum(own_pay) + sum(other_pay)) / sum(score)"
    assert zh(point_value) == "(可分配基金 + Σ个人支付 + Σ其他基金支付) ÷ Σ分值"
    assert en(point_value) == "(fund_available + Σ own_pay + Σ other_pay) ÷ Σ score"
    assert zh("a if x > 2 else b") == "若 x > 2，则 a；否则 b"
    assert en("a if not (x > 2 or x < 1) else b") == "if not (x > 2 or x < 1) then a, else b"
    assert zh("min(a, 0.5 * b)") == "取小（a，0.5 × b）"
    assert zh("round(a / b, 2)") == "四舍五入（a ÷ b，2 位小数）"


@pytest.mark.parametrize(
    ("text", "plainly"),
    [
        ("a - (b - c)", "a − (b − c)"),
        ("a - (b + c)", "a − (b + c)"),
        ("(a - b) - c", "a − b − c"),
        ("a + (b + c)", "a + b + c"),
        ("(a * b) / c", "a × b ÷ c"),
        ("a / (b * c)", "a ÷ (b × c)"),
        ("(a + b) * c", "(a + b) × c"),
        ("a * -b", "a × (−b)"),
        ("-(a + b)", "−(a + b)"),
        ("-a + b", "−a + b"),
        ("(a if x > 1 else b) * c", "(若 x > 1，则 a；否则 b) × c"),
        ("1 if (a > 1 or b > 1) and c > 1 else 0", "若 (a > 1 或 b > 1) 且 c > 1，则 1；否则 0"),
    ],
)
def test_no_more_brackets_than_needed(text: str, plainly: str) -> None:
    assert zh(text) == plainly


def test_filled_shows_what_counted() -> None:
    env = evaluation.Env({"booked": Fraction(150), "due": Fraction(100)}, {}, {"sharing": SHARING})
    tree = evaluation.reduce(parsing.parse("tiers(booked / due, sharing) if due > 0 else due"), env)
    said = spelling.filled(tree, lambda name: str(env.values[name]), str, ZH, column=str)
    assert said == "100 + 0.6 × (150 − 100)"
    negative = spelling.filled(parsing.parse("a - b * c"), lambda name: "−5", str, ZH, column=str)
    assert negative == "−5 − −5 × (−5)"


# --- spreadsheet ---


class Cells:
    """Names in row 1, the column `col` in A2:C2."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._at = {name: f"{chr(ord('A') + i)}1" for i, name in enumerate(names)}
        self.tables = {"sharing": SHARING}

    def cell(self, name: str) -> str:
        return self._at[name]

    def column(self, name: str) -> str:
        assert name == "col"
        return "A2:C2"

    def share(self, node: f.Share) -> str:
        return "Z9"


def test_spreadsheet_formulas() -> None:
    refs = Cells(dict.fromkeys("abc", 0))

    def excel(text: str, places: int | None = None) -> str:
        return spelling.excel(parsing.parse(text), refs, places, {"mode": "own", "own": "own"})

    assert excel("a - (b - c)") == "A1-(B1-C1)"
    assert excel("a * (b + c)", 2) == "ROUND(A1*(B1+C1),2)"
    assert excel("a if a > b and not c == 1 else mode == own") == 'IF(AND(A1>B1,NOT(C1=1)),A1,"mode"="own")'
    assert excel("(a + sum(col)) / 3") == "(A1+SUM(A2:C2))/3"
    assert excel("a - -b") == "A1-(-B1)"
    assert excel("share(a, col)") == "Z9"
    assert "FLOOR" not in excel("floor(a / b) + ceil(-a)")


CASES = [
    "a - (b - c) * 2 / (a + 7)", "-(a + b) - -c", "a - -b", "-a * -b", "abs(a - b) - min(a, b, c) + max(a, b)",
    "floor(a / 3)", "floor(-a / 3)", "ceil(a / 3)", "ceil(-a / 3)", "floor(0.3 / 0.1)", "ceil(0.7 / 0.1 - 7)",
    "round(a * 0.125, 2)", "round(-a * 0.125, 2)", "round(2.5, 0) + round(-2.5, 0)", "round(a, -1)",
    "1 if a > b and not (c == a or b != b) else 2", "1 if 0.1 + 0.2 == 0.3 else 2", "a if a >= b else b if c <= a else c",
    "sum(col) / 4", "(1 if a < b else 2) * 3", "a / b / c", "a / (b / c)", "2 - (3 - (4 - a))", "-a - b", "a * (b * c)",
]  # fmt: skip
GIVEN = [("7", "13", "2"), ("-3.5", "0.25", "100.01"), ("10", "-10", "3")]
TIERS = [("79.99", "100"), ("80", "100"), ("100", "100"), ("100.01", "100"), ("0.3", "0.3"), ("0.24", "0.3"), ("150", "100")]


def test_libreoffice_agrees_with_the_exact_values(tmp_path: Path) -> None:
    """The formulas recomputed by LibreOffice: 12 significant digits, and edges on the exact side."""
    path = tmp_path / "formulas.xlsx"
    book = xlsxwriter.Workbook(str(path))
    wanted: list[list[Fraction]] = []
    for a, b, c in GIVEN:
        sheet = book.add_worksheet()
        for i, text in enumerate((a, b, c)):
            sheet.write_number(0, i, float(text))
            sheet.write_number(1, i, i + 1)
        env = evaluation.Env({"a": Fraction(a), "b": Fraction(b), "c": Fraction(c)}, {"col": [Fraction(i) for i in (1, 2, 3)]})
        results: list[Fraction] = []
        for i, text in enumerate(CASES):
            tree = parsing.parse(text)
            sheet.write_formula(5 + i, 0, "=" + spelling.excel(tree, Cells(env.values)), None, -987654321)
            results.append(evaluation.number(tree, env))
        wanted.append(results)
    for booked, due in TIERS:
        sheet = book.add_worksheet()
        env = evaluation.Env({"booked": Fraction(booked), "due": Fraction(due)}, {}, {"sharing": SHARING})
        tree = parsing.parse("tiers(booked / due, sharing)")
        sheet.write_row(0, 0, [float(booked), float(due)])
        sheet.write_formula(5, 0, "=" + spelling.excel(tree, Cells(env.values)), None, -987654321)
        wanted.append([evaluation.number(tree, env)])
    book.close()
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "ods", "--outdir", str(tmp_path), str(path)]
    _recalculate_always(tmp_path / "profile")
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    command[-4:] = ["xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "back"), str(tmp_path / "formulas.ods")]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    back = openpyxl.load_workbook(tmp_path / "back" / "formulas.xlsx", data_only=True)
    for sheet, results in zip(back.worksheets, wanted, strict=True):
        for i, exact in enumerate(results):
            cell = sheet.cell(6 + i, 1).value
            assert isinstance(cell, int | float), (sheet.title, i, cell)
            assert abs(cell - float(exact)) <= 1e-9 * max(1, abs(float(exact))), (sheet.title, CASES[i], cell, exact)


def _recalculate_always(profile: Path) -> None:
    """LibreOffice trusts stored values on load unless this is 0."""
    user = profile / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">\n'
        '<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">'
        "<value>0</value></prop></item></oor:items>\n",
        "utf-8",
    )
