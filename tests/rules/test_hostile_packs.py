"""Packs made to do harm: each is refused with its word and its line, and opens no file that it names."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from test_packs import HEAD, POINT_VALUE, blocked, table, written
from test_steps import facts, region

from core.faults import Refused
from core.rules import evaluation, packs, parsing, steps
from core.rules import formula as language
from core.rules.source import immoderate, places_of
from core.texts import Texts

WHOLE = HEAD + POINT_VALUE
SUM = "sum(score)"
PARAMETER = '[[parameter]]\nid = "many"\ndefault = {}\ntitle = {{ zh = "a", en = "a" }}\ncite = "L1"\n'
HOSTILE = {
    "brackets five hundred deep": ("formula_too_deep", WHOLE.replace(SUM, "(" * 500 + SUM + ")" * 500)),
    "signs three hundred deep": ("formula_too_deep", WHOLE.replace(SUM, "-" * 300 + SUM)),
    "a formula of thousands of terms": ("formula_too_long", WHOLE.replace(SUM, SUM + " + 1" * 2000)),
    "a number of 400 digits": ("formula_number_long", WHOLE.replace(SUM, SUM + " * " + "9" * 400)),
    "an exponent of a thousand million": ("formula_unexpected", WHOLE.replace(SUM, SUM + " * 1e999999999")),
    "rounding to a thousand million places": ("formula_places", WHOLE.replace(SUM, f"round({SUM}, 1000000000)")),
    "a step of a thousand million places": ("pack_places", WHOLE.replace("places = 4", "places = 1000000000")),
    "a step of fewer than none": ("pack_places", WHOLE.replace("places = 4", "places = -5")),
    "an edge with an exponent": ("pack_number", WHOLE + table("to = 1e999999999\nvalue = 1", "from = 1e999999999\nvalue = 1")),
    "an edge as small as that": ("pack_number", WHOLE + table("to = 1e-999999999\nvalue = 1", "from = 1e-999999999\nvalue = 1")),
    "an edge of 5000 digits": ("pack_digits", WHOLE + table("to = " + "9" * 5000 + "\nvalue = 1")),
    "a parameter with an exponent": ("pack_number", WHOLE + PARAMETER.format("1e999999999")),
    "a table of 3000 rows": ("pack_type", WHOLE + table(*[f"from = {i}\nto = {i + 1}\nvalue = 1" for i in range(3000)])),
    "1500 steps": ("pack_type", WHOLE + "".join(POINT_VALUE.replace("point_value", f"p{i}") for i in range(1500))),
    "itself as its parent": ("pack_circle", WHOLE.replace('"common"', '"mine"')),
    "a parent in another folder": ("pack_parent", WHOLE.replace('"common"', '"../../../../etc/passwd"')),
    "a parent with a whole path": ("pack_parent", WHOLE.replace('"common"', '"/etc/passwd"')),
    "a parent of another kind": ("pack_parent", WHOLE.replace('"common"', '"common.toml"')),
    "a step twice": ("pack_twice", WHOLE + POINT_VALUE),
    "a key twice": ("pack_toml", WHOLE.replace('id = "mine"', 'id = "mine"\nid = "other"')),
    "brackets of TOML": ("pack_nested", "a = " + "[" * 50_000),
    "a number below zero of 100 digits": ("pack_digits", WHOLE + "\nx = [ 1, -" + "9" * 100 + " ]"),
    "a key of 50,000 parts": ("pack_parts", WHOLE + "\n" + "a." * 50_000 + "a = 1"),
    "a table's name of 9,000 parts": ("pack_parts", WHOLE + "\n[" + '"a" . ' * 3_000 + "a]"),
    "inline tables 400 deep": ("pack_nested", WHOLE + "\nx = " + "{a=" * 400 + "1" + "}" * 400),
    "a line of 100,000 signs": ("pack_line", WHOLE + '\nx = "' + "a" * 100_000 + '"'),
    "no fund at all": ("pack_missing", WHOLE.replace('id = "mine"', 'id = "mine"\nfunds = []')),
    "more than a megabyte": ("pack_size", WHOLE + "#" * 1_100_000),
    "a zero in a title": ("pack_hidden", WHOLE.replace("我的", "我的\\u0000")),
    "a title that turns the writing around": ("pack_hidden", WHOLE.replace("我的", "我\u202e的")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pack_has_its_word(tmp_path: Path, name: str) -> None:
    code, text = HOSTILE[name]
    assert text != WHOLE
    path = written(tmp_path, text)
    found = blocked(path)
    assert code in [one for one, _ in found]
    with pytest.raises(Refused) as refused:
        packs.load(path)
    for lang in ("zh", "en"):
        for one in refused.value.findings:
            assert Texts(lang).finding(one)


def test_two_files_that_extend_each_other(tmp_path: Path) -> None:
    for one, other in (("mine", "yours"), ("yours", "mine")):
        (tmp_path / f"{one}.toml").write_text(WHOLE.replace('"mine"', f'"{one}"').replace('"common"', f'"{other}"'), "utf-8")
    assert "pack_circle" in [code for code, _ in blocked(tmp_path / "mine.toml")]


def test_what_is_hidden_is_found_on_its_line(tmp_path: Path) -> None:
    text = WHOLE.replace("结算点值", "结算\u2067点值")
    assert ("pack_hidden", text.splitlines().index('title = { zh = "结算\u2067点值", en = "Point value" }') + 1) in blocked(
        written(tmp_path, text)
    )


def test_what_only_looks_immoderate_is_read() -> None:
    """Dots, digits and brackets in texts and remarks are none of TOML's; a pack of the largest size is looked at at once."""
    many = ".".join("abcdefghijklmnopqrstuvwxyz") + " " + "9" * 60 + " " + "[" * 40
    for quotes in ('"', "'", '"""', "'''"):
        assert immoderate(f"a = {quotes}{many}{quotes}\n# {many}") is None
    assert immoderate(f'a = """\n{many}\n"""\nb = "\\"{many}"\n' + "c." * 20 + "c = 1") == ("pack_parts", 5, 16)
    for text in ('"\\', "'''\n", '"""\n', "[ \n", "a.\n", " " * 19_000 + "\n", "[" + " " * 19_000 + "\n", "1_\n", '"\\"' * 6_000 + "\n"):
        places_of(text * (500_000 // len(text)))
        immoderate(text * (500_000 // len(text)))


@pytest.mark.parametrize("scope", ["region", "institution"])
@pytest.mark.parametrize("sign", ["*", "/"])
def test_figures_that_square_themselves_step_by_step_are_stopped(tmp_path: Path, scope: str, sign: str) -> None:
    """The pack is sound, its figures are not: 2 to the power of 2**40 is never written out."""
    first = "fund_available" if scope == "region" else "own_pay"
    chain = [f"s{i}" for i in range(41)]
    inverse = {"*": "{0} * {0}", "/": "{0} / (1 / {0})"}[sign]
    formulas = [first, *(inverse.format(one) for one in chain)]
    text = WHOLE + "".join(
        f'\n[[{scope}]]\nid = "{id}"\ntitle = {{ zh = "a", en = "a" }}\nformula = "{formula}"\ncite = "L1"\n'
        for id, formula in zip(chain, formulas, strict=False)
    )
    pack = packs.load(written(tmp_path, text))
    with pytest.raises(Refused) as refused:
        steps.run(pack, region(3), facts(2, own_pay=[1, 3], score=[1, 1], total_cost=[9, 9]), ["H1", "H2"])
    assert refused.value.code == "rule_failed"
    (found,) = refused.value.findings
    # 3 has two bits: 3 ** 8192 is the last of 13,000 bits.
    assert (found.code, found.column, found.subject) == ("rule_too_large", "s14", "s14" if scope == "region" else "H2")
    assert "s14" in Texts("zh").finding(found)


def test_a_formula_that_is_one_long_product_is_stopped() -> None:
    long = parsing.parse(" * ".join(["x"] * 50))
    with pytest.raises(language.RuleFault, match="too_large"):
        evaluation.number(long, evaluation.Env({"x": Fraction(10) ** 300}))
