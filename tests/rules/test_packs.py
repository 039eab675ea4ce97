"""Packs: what is shipped is sound; what is wrong is found with its line; parameters; hash; the way back from the text."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.faults import Refused, Usage, WorldFault
from core.rules import circular, description, packs
from core.rules.formula import names
from core.settings import ROOT
from core.texts import LANGUAGES, Texts, catalogue

HEAD = """[pack]
id = "mine"
extends = "common"
title = { zh = "我的", en = "mine" }

[[document]]
key = "L1"
number = "地方文件 1 号"
evidence = "V"

"""
POINT_VALUE = """[[region]]
id = "point_value"
title = { zh = "结算点值", en = "Point value" }
unit = "yuan/point"
formula = "(fund_available + sum(own_pay) + sum(other_pay)) / sum(score)"
places = 4
cite = "L1"

"""
# A pack as a person writes one: branches without title, a plain text for what is open.
EXAMPLE = """[pack]
id = "ningde-2024"
extends = "common"  # steps here replace steps of the same id
title = { zh = "宁德市 2024 年度 DIP 清算", en = "Ningde, annual DIP clearing 2024" }
region = "350900"
years = [2024]

[[document]]
key = "N116"
number = "宁医保函〔2025〕116号"
evidence = "V"

[case]
places = 4
primary_care_coefficient = false
[[case.branch]]
name = "low"
when = "x < 0.5"                      # x = fee / reference mean
score = "rw * x * k * u"
cite = "domain 3, national 1.0"
[[case.branch]]
name = "normal"
score = "rw * k * u"

[[region]]
id = "point_value"
title = { zh = "结算点值", en = "Point value" }
unit = "yuan/point"
formula = "(fund_available + sum(own_pay) + sum(other_pay)) / sum(score)"
places = 4
cite = "N116, two(1)"
open = "places: the document is silent"

[[institution]]
id = "due"
title = { zh = "统筹应支付", en = "Fund due" }
unit = "yuan"
formula = "gross - own_pay - other_pay"
places = 2
cite = "N116"
"""


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def blocked(path: Path) -> list[tuple[str, int | None]]:
    return [(one.code, one.row) for one in packs.check(path) if one.severity == "blocked"]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


# --- what is shipped ---


@pytest.mark.parametrize("path", sorted(packs.PACKS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_packs_are_sound(path: Path) -> None:
    assert packs.check(path) == []
    assert packs.load(path.stem).id == path.stem


@pytest.mark.parametrize("id", [head.id for head in packs.available()])
def test_every_figure_has_words_citation_evidence_and_note(id: str) -> None:
    pack = packs.load(id)
    known = {document.key for document in pack.documents}
    for one in (*pack.steps, *pack.case.branches, *pack.case.measures, *pack.parameters.values(), *pack.tables.values()):
        assert all(one.title[lang] for lang in LANGUAGES), one.id
        assert one.evidence in circular.EVIDENCE, one.id
        assert one.cite, one.id
        assert {part.partition(",")[0].strip() for part in one.cite.split(";")} <= known, one.id
        if isinstance(one, circular.Step | circular.Branch | circular.Measure):
            assert all(one.note.get(lang) for lang in LANGUAGES), one.id
        assert set(one.open) in (set(), set(LANGUAGES)), one.id


CHAIN = {
    "region": ["budget", "outside_card", "outside_manual", "by_item", "fund_available", "score_total", "point_value",
               "residual"],
    "institution": ["cases", "base_score", "score", "coefficient", "total_cost", "booked", "own_pay", "other_pay",
                    "by_item", "gross", "due", "surplus", "after_share", "assessment", "after_assessment",
                    "audit_deduction", "violation", "retention", "retention_return", "monthly_paid", "advance", "final"],
}  # fmt: skip


@pytest.mark.parametrize("id", [head.id for head in packs.available()])
def test_the_chain_keeps_its_ids_and_order(id: str) -> None:
    pack = packs.load(id)
    for scope in circular.SCOPES:
        own = [step.id for step in pack.scope(scope)]
        assert [step for step in own if step in CHAIN[scope]] == CHAIN[scope]


def test_common_is_abstract_and_says_what_it_lacks() -> None:
    pack = packs.load("common")
    assert pack.abstract
    assert [step.id for step in pack.steps if step.expr is None and not step.input] == ["point_value"]
    clears = {head.id for head in packs.available() if not head.abstract}
    assert clears == {"national-draft-3", "ningde-2024", "zibo-2025"}


def test_each_step_comes_after_what_it_needs() -> None:
    for id in ("ningde-2024", "national-draft-3"):
        pack = packs.load(id)
        seen: set[str] = set(pack.values)
        for step in pack.order:
            if step.expr is not None:
                assert set(names(step.expr)) <= seen, step.id
            seen.add(step.id)


# --- extends ---


def test_a_pack_replaces_and_inserts_steps(tmp_path: Path) -> None:
    added = """[[institution]]
id = "rate"
title = { zh = "单价", en = "Rate" }
unit = "yuan"
formula = "point_value * coefficient"
cite = "L1"

[[institution]]
id = "gross"
title = { zh = "总额", en = "Gross" }
unit = "yuan"
formula = "score * rate"
cite = "L1"
"""
    pack = packs.load(written(tmp_path, HEAD + POINT_VALUE + added))
    own = [step.id for step in pack.scope("institution")]
    assert own.index("rate") == own.index("gross") - 1  # a new step stands before the first that uses it
    assert own.index("gross") == own.index("by_item") + 2  # a replaced one stands where it stood
    assert pack.step("institution", "gross").places is None
    order = [(step.scope, step.id) for step in pack.order]
    assert order.index(("region", "point_value")) < order.index(("institution", "rate"))


def test_a_pack_extends_a_file_beside_it(tmp_path: Path) -> None:
    written(tmp_path, HEAD + POINT_VALUE)
    child = HEAD.replace('"mine"', '"child"').replace('"common"', '"mine"').replace('"L1"', '"L2"')
    pack = packs.load(written(tmp_path, child, "child.toml"))
    assert (pack.id, pack.abstract) == ("child", False)
    assert {document.key for document in pack.documents} >= {"L1", "L2", "S1"}


def test_a_plainly_written_pack_loads(tmp_path: Path) -> None:
    found = packs.check(written(tmp_path, EXAMPLE))
    assert [(one.code, one.severity, one.value) for one in found] == [("pack_document", "warning", "domain 3")]
    pack = packs.load(tmp_path / "mine.toml")
    assert [branch.id for branch in pack.case.branches] == ["low", "normal"]
    assert pack.case.places == 4
    assert pack.step("region", "point_value").open["zh"] == "places: the document is silent"


# --- what is wrong is found, at its line ---


@pytest.mark.parametrize(
    ("code", "text", "at"),
    [
        ("pack_key", 'formulas = "1"', "formulas"),
        ("formula_name", 'formula = "booked + budgett"', "budgett"),
        ("formula_name", 'formula = "due / unknown"', "unknown"),
        ("formula_scope", 'formula = "sum(due)"', "sum(due)"),
        ("formula_unfinished", 'formula = "due +"', "due +"),
        ("formula_table", 'formula = "tiers(due, nowhere)"', "nowhere"),
        ("formula_sort", 'formula = "1 if due else 2"', "1 if due"),
        ("formula_sort", 'formula = "due > 1"', "due > 1"),
        ("formula_share_places", 'formula = "share(budget, score)"', "share"),
        ("formula_scope", 'formula = "share(due, score)"\nplaces = 2', "share"),
        ("pack_places", 'formula = "due"\nplaces = 2.5', "places"),
        ("pack_places", 'formula = "due"\nplaces = 99', "places"),
        ("pack_evidence", 'formula = "due"\nevidence = "X"', "evidence"),
        ("pack_option", 'formula = "due"\nunit = "euro"', "unit"),
        ("pack_number", "formula = 1e5", "1e5"),
        ("pack_number", "formula = inf", "inf"),
        ("pack_type", 'formula = "due"\nnote = { zh = "字", en = "w" }\nopen = 3\ncite = 7', "cite"),
        ("step_origin", 'formula = "due"\ninput = "rows"', "formula"),
        ("step_origin", "places = 2", "[[institution]]"),
        ("step_input", 'input = "rows"', 'id = "extra"'),
        ("formula_name", 'formula = "due"\nwhen = "somewhere == else_where"', "somewhere"),
    ],
)
def test_a_wrong_step(tmp_path: Path, code: str, text: str, at: str) -> None:
    step = '[[institution]]\nid = "extra"\ntitle = { zh = "项", en = "item" }\n'
    body = HEAD + POINT_VALUE + step + text + ("" if "cite" in text else '\ncite = "L1"') + "\n"
    found = [finding for finding in blocked(written(tmp_path, body)) if finding[0] == code]
    where = body.splitlines()
    assert found, packs.check(tmp_path / "mine.toml")
    assert at in where[(found[0][1] or 0) - 1]


def test_the_column_points_into_the_formula(tmp_path: Path) -> None:
    body = HEAD + POINT_VALUE.replace("sum(score)", "sum(scores)")
    (finding,) = [one for one in packs.check(written(tmp_path, body)) if one.severity == "blocked"]
    line = body.splitlines()[(finding.row or 0) - 1]
    assert line[int(finding.column) - 1 :].startswith("sum(scores)")
    assert (finding.subject, finding.file) == ("point_value", str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("code", "old", "new", "at"),
    [
        ("pack_language", 'title = { zh = "我的", en = "mine" }', 'title = { zh = "我的" }', "title"),
        ("pack_missing", 'title = { zh = "我的", en = "mine" }\n', "", "[pack]"),
        ("pack_missing", 'places = 4\ncite = "L1"', "places = 4", "[[region]]"),
        ("pack_missing", 'key = "L1"\n', "", "[[document]]"),
        ("pack_parent", '"common"', '"nowhere"', "extends"),
        ("pack_id", '"mine"', '"Mine!"', "id"),
        ("pack_evidence", 'evidence = "V"', 'evidence = "sure"', "evidence"),
        ("pack_toml", '[[document]]', "[[document]", "[[document]"),
    ],
)  # fmt: skip
def test_a_wrong_head(tmp_path: Path, code: str, old: str, new: str, at: str) -> None:
    body = (HEAD + POINT_VALUE).replace(old, new)
    found = blocked(written(tmp_path, body))
    assert code in [one for one, _ in found]
    line = next(row for one, row in found if one == code)
    assert at in body.splitlines()[(line or 0) - 1]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("pack_key", "[surprise]\na = 1\n"),
        ("pack_twice", '[[document]]\nkey = "L1"\nnumber = "x"\nevidence = "V"\n'),
        ("pack_twice", POINT_VALUE),
        ("name_taken", '[[parameter]]\nid = "due"\ndefault = 1\ntitle = { zh = "a", en = "a" }\ncite = "L1"\n'),
        ("name_taken", '[[parameter]]\nid = "m"\ndefault = "due"\noptions = ["due"]\n'
                       'title = { zh = "a", en = "a" }\ncite = "L1"\n'),
        ("pack_option", '[[parameter]]\nid = "m"\ndefault = "c"\noptions = ["a", "b"]\n'
                        'title = { zh = "a", en = "a" }\ncite = "L1"\n'),
        ("branch_normal", '[[case.branch]]\nname = "low"\nwhen = "x < 1"\nscore = "rw"\ncite = "L1"\n'),
        ("branch_normal", '[[case.branch]]\nname = "a"\nscore = "rw"\ncite = "L1"\n'
                          '[[case.branch]]\nname = "b"\nscore = "rw"\ncite = "L1"\n'),
        ("branch_reference", '[[case.branch]]\nname = "a"\nscore = "rw * x"\ncite = "L1"\n'),
        ("formula_name", '[[case.branch]]\nname = "a"\nscore = "rw * due"\ncite = "L1"\n'),
        ("formula_scope", '[[case.branch]]\nname = "a"\nscore = "sum(rw)"\ncite = "L1"\n'),
        ("pack_option", '[case]\nungrouped = "free"\n'),
        ("pack_option", '[case]\nreference = ["somewhere"]\n'),
        ("pack_option", "[case]\nprimary_care_coefficient = 3\n"),
    ],
)  # fmt: skip
def test_a_wrong_part(tmp_path: Path, code: str, text: str) -> None:
    assert code in [one for one, _ in blocked(written(tmp_path, HEAD + POINT_VALUE + text))]


def test_a_circle(tmp_path: Path) -> None:
    body = HEAD + POINT_VALUE.replace("sum(score)", "sum(due)")
    found = [one for one in packs.check(written(tmp_path, body)) if one.severity == "blocked"]
    assert [one.code for one in found] == ["pack_cycle"]
    assert set(found[0].value.split(" -> ")) == {"point_value", "gross", "due"}


def table(*rows: str, otherwise: str = "") -> str:
    head = '[[table]]\nid = "sharing"\ntitle = { zh = "表", en = "t" }\ncite = "L1"\n'
    return head + (f'otherwise = "{otherwise}"\n' if otherwise else "") + "".join(f"[[table.row]]\n{row}\n" for row in rows)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("table_gap", table("to = 0.8\nvalue = 1", "from = 0.9\nvalue = 2")),
        ("table_overlap", table("to = 0.8\nvalue = 1", "from = 0.7\nvalue = 2")),
        ("table_overlap", table("value = 1", "from = 0.7\nvalue = 2")),
        ("table_overlap", table("to = 0.7\nvalue = 1", "value = 2")),
        ("table_backwards", table("from = 1\nto = 0.7\nvalue = 1")),
        ("table_backwards", table("from = 1\nto = 1\nvalue = 1")),
        ("pack_missing", table()),
        ("pack_number", table("to = nan\nvalue = 1")),
        ("pack_key", table("to = 1\nvalue = 1\nvalues = 2")),
        ("formula_name", table('value = "nobody"')),
        ("formula_tiers_nested", table('value = "tiers(due, sharing)"')),
        ("formula_scope", table('value = "sum(due)"')),
    ],
)
def test_a_wrong_table(tmp_path: Path, code: str, text: str) -> None:
    assert code in [one for one, _ in blocked(written(tmp_path, HEAD + POINT_VALUE + text))]


def test_a_closed_single_value_is_a_row(tmp_path: Path) -> None:
    rows = table("to = 1\nvalue = 1", "from = 1\nto = 1\nclosed = true\nvalue = 2", "from = 1\nvalue = 3")
    pack = packs.load(written(tmp_path, HEAD + POINT_VALUE + rows))
    assert [[row.holds(Fraction(x)) for row in pack.tables["sharing"].rows].index(True) for x in ("0.9", "1", "1.1")] == [
        0, 1, 2,
    ]  # fmt: skip


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes("标题".encode("gb18030"))
    assert blocked(tmp_path / "mine.toml")[0][0] == "pack_encoding"
    (tmp_path / "mine.toml").write_bytes(b"#" * 2_000_000)
    assert blocked(tmp_path / "mine.toml")[0][0] == "pack_size"
    with pytest.raises(WorldFault):
        packs.load(tmp_path / "none.toml")


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 6000), length=st.integers(0, 40), instead=st.text(alphabet='[]="{}x,1. \n\'#', max_size=8))
def test_a_damaged_pack_never_crashes(tmp_path_factory: pytest.TempPathFactory, cut: int, length: int, instead: str) -> None:
    text = (packs.PACKS / "ningde-2024.toml").read_text("utf-8")
    path = tmp_path_factory.mktemp("packs") / "ningde-2024.toml"
    path.write_text(text[:cut] + instead + text[cut + length :], "utf-8")
    for finding in packs.check(path):
        assert finding.row is not None
        assert finding.row >= 1
        assert Texts("zh").has(f"finding.{finding.code}")


def test_nesting_of_toml_does_not_crash(tmp_path: Path) -> None:
    assert blocked(written(tmp_path, "a = " + "[" * 50_000))[0][0] == "pack_nested"


# --- parameters ---


def test_parameters() -> None:
    pack = packs.load("ningde-2024", {
        "point_value.places": "none", "case.places": "6", "own_pay": "without_ownpay", "reference_min_cases": "30",
        "ungrouped": "block", "primary_care_coefficient": "true", "reference": "catalogue, level_mean",
        "intra_province": "true",
    })  # fmt: skip
    assert pack.step("region", "point_value").places is None
    assert (pack.case.places, pack.case.own_pay, pack.case.reference_min_cases) == (6, "without_ownpay", 30)
    assert (pack.case.ungrouped, pack.case.primary_care_coefficient, pack.case.intra_province) == ("block", True, True)
    assert pack.case.reference == ("catalogue", "level_mean")
    assert pack.changed["case.places"] == "6"
    assert pack.hash == packs.load("ningde-2024").hash  # the rule is the same; the run names what was changed


def test_ningde_as_it_is_specified() -> None:
    pack = packs.load("ningde-2024")
    case = pack.case
    assert (case.places, case.ungrouped, case.own_pay, case.reference_min_cases) == (4, "zero", "all", 15)
    assert case.reference == ("reference_means", "level_mean", "catalogue")
    assert not case.primary_care_coefficient
    assert pack.parameters["own_pay"].evidence == "D"
    assert [branch.evidence for branch in case.branches] == ["S", "S", "V"]
    amounts = [step for step in pack.steps if step.unit == "yuan" and step.scope == "institution" and not step.input]
    assert {step.places for step in amounts} == {2}
    assert pack.step("region", "point_value").places == 4


def test_an_option_decides_which_steps_there_are() -> None:
    ids = {
        mode: {step.id for step in packs.load("national-draft-3", {"ratio_mode": mode}).scope("institution")}
        for mode in ("pooled", "hospital", "case")
    }
    assert ids["hospital"] - ids["pooled"] == {"fund_ratio"}
    assert ids["case"] - ids["pooled"] == {"ratio_score"}
    assert packs.load("national-draft-3").case.measures == ()
    assert packs.load("national-draft-3", {"ratio_score.places": "8", "ratio_mode": "case"}).case.measures[0].places == 8


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nothing", "1", "parameter_unknown"),
        ("budget.places", "2", "parameter_unknown"),
        ("own_pay", "some", "parameter_value"),
        ("point_value.places", "-1", "parameter_value"),
        ("point_value.places", "13", "parameter_value"),
        ("point_value.places", "２", "parameter_value"),
        ("case.places", "many", "parameter_value"),
        ("reference_min_cases", "1.5", "parameter_value"),
        ("reference", "here", "parameter_value"),
        ("disease_level_coefficient", "yes", "parameter_value"),
    ],
)
def test_wrong_parameters(name: str, value: str, code: str) -> None:
    with pytest.raises(Usage) as fault:
        packs.load("ningde-2024", {name: value})
    assert fault.value.code == code
    assert "own_pay" in str(fault.value.values["known"]) or code == "parameter_value"
    for lang in LANGUAGES:
        assert "{" not in Texts(lang)(f"fault.{code}", **fault.value.values)


def test_a_numeric_parameter(tmp_path: Path) -> None:
    body = HEAD + POINT_VALUE.replace("/ sum(score)", "* part / sum(score)") + (
        '[[parameter]]\nid = "part"\ndefault = 0.95\ntitle = { zh = "比例", en = "part" }\ncite = "L1"\n'
    )
    path = written(tmp_path, body)
    assert packs.load(path).values["part"] == Fraction("0.95")
    assert packs.load(path, {"part": "0.9"}).values["part"] == Fraction("0.9")
    with pytest.raises(Usage):
        packs.load(path, {"part": "1e3"})


PART = (
    '[[parameter]]\nid = "part"\ndefault = {}\nleast = 0\nmost = {}\n'
    'title = {{ zh = "比例", en = "part" }}\ncite = "L1"\n'
)


@pytest.mark.parametrize(("value", "fits"), [("0", True), ("1", True), ("1.0000001", False), ("-0.5", False), ("1.5", False)])
def test_a_number_within_its_bounds(tmp_path: Path, value: str, fits: bool) -> None:
    path = written(tmp_path, HEAD + POINT_VALUE + PART.format("0.95", "1"))
    if fits:
        assert packs.load(path, {"part": value}).values["part"] == Fraction(value)
        return
    with pytest.raises(Usage) as fault:
        packs.load(path, {"part": value})
    assert fault.value.values["known"] == "0 … 1"


@pytest.mark.parametrize(("default", "most", "code"), [("1.5", "1", "pack_bounds"), ("0", "-1", "pack_bounds_turned")])
def test_a_default_beyond_its_bounds_is_a_finding(tmp_path: Path, default: str, most: str, code: str) -> None:
    found = packs.check(written(tmp_path, HEAD + POINT_VALUE + PART.format(default, most)))
    assert code in [one.code for one in found]


@pytest.mark.parametrize(
    ("more", "bounds", "refused"),
    [('default = "0.8"', (0, 1), ""), ('default = "1.2"\nmost = 2', (0, 2), ""), ('default = "0.5"\nleast = "0.4"', ("0.4", 1), ""),
     ('default = "1.2"', (), "pack_bounds"), ('default = "0.5"\nleast = 3', (), "pack_bounds_turned")],
)  # fmt: skip
def test_a_parameter_declared_anew_keeps_the_bounds_it_says_nothing_of(tmp_path: Path, more: str, bounds, refused: str) -> None:
    """prepay_ratio of the common pack lies between 0 and 1."""
    head = '[pack]\nid = "own"\nextends = "{}"\ntitle = {{ zh = "自", en = "own" }}\n'
    declared = f'[[parameter]]\nid = "prepay_ratio"\n{more}\ntitle = {{ zh = "比例", en = "part" }}\ncite = "S1"\n'
    first = written(tmp_path, head.format("ningde-2024") + declared)
    own = {"grandparent": first.read_text("utf-8").replace('"own"', '"grandparent"', 1)}
    again = tmp_path / "again.toml"  # and so does one that stands on it in turn
    again.write_text(head.format("grandparent").replace('"own"', '"again"', 1), "utf-8")
    found = [one.code for one in packs.check(first)]
    assert refused in found if refused else found == []
    if not refused:
        one = packs.load(first).parameters["prepay_ratio"]
        assert (one.least, one.most) == tuple(map(Fraction, bounds))
        kept = packs.load(again, own=own).parameters["prepay_ratio"]
        assert (kept.least, kept.most) == (one.least, one.most)


@pytest.mark.parametrize("value", ["1.5", "-0.5", "100"])
def test_the_share_paid_monthly_is_a_share(value: str) -> None:
    for name in ("prepay_ratio", "retention_limit"):
        with pytest.raises(Usage):
            packs.load("ningde-2024", {name: value})


def test_an_unknown_pack_names_the_known() -> None:
    with pytest.raises(Usage) as fault:
        packs.load("atlantis")
    assert "ningde-2024" in str(fault.value.values["known"])
    with pytest.raises(Usage):
        packs.load("../packs/common")


def test_a_wrong_pack_is_refused_with_its_findings(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        packs.load(written(tmp_path, HEAD + POINT_VALUE.replace("budget", "x").replace("sum(score)", "0 +")))
    assert refused.value.code == "pack_invalid"
    assert refused.value.findings


# --- hash and text ---


def test_comments_and_layout_do_not_count(tmp_path: Path) -> None:
    one = packs.load(written(tmp_path, HEAD + POINT_VALUE))
    spaced = (HEAD + POINT_VALUE).replace("sum(own_pay) +", "sum(own_pay)   +").replace("places = 4", "# four\nplaces = 4")
    assert packs.load(written(tmp_path, "# a remark\r\n\r\n" + spaced.replace("\n", "\r\n"))).hash == one.hash
    for changed in (POINT_VALUE.replace("4", "3"), POINT_VALUE.replace("other_pay", "own_pay"), POINT_VALUE + table("value = 1")):
        assert packs.load(written(tmp_path, HEAD + changed)).hash != one.hash


@pytest.mark.parametrize("id", [head.id for head in packs.available()])
def test_a_pack_comes_back_from_its_text(id: str) -> None:
    pack = packs.load(id)
    again = packs.restore(pack.text)
    assert again == pack
    assert again.text == pack.text


def test_restored_with_parameters() -> None:
    changed = {"ratio_mode": "hospital", "point_value.places": "none"}
    pack = packs.load("national-draft-3", changed)
    assert packs.restore(pack.text, changed) == pack


# --- words ---


def test_every_code_has_words() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "core" / "rules").glob("*.py")))
    codes = set(re.findall(r'"((?:pack|table|step|branch|name)_[a-z_]+)"', source))
    codes = {code for code in codes if f"finding.{code}" in catalogue("en")} | {
        f"formula_{code}" for code in re.findall(r'FormulaError\(\s*"([a-z_]+)"', source)
    } | {f"rule_{code}" for code in re.findall(r'RuleFault\(\s*"([a-z_]+)"', source)}  # fmt: skip
    assert len(codes) > 40
    for lang in LANGUAGES:
        for code in codes:
            assert Texts(lang).has(f"finding.{code}"), (lang, code)
        own = {key for key in catalogue(lang) if key.startswith(("finding.pack_", "finding.formula_", "finding.rule_"))}
        assert own == {
            key for key in catalogue("zh") if key.startswith(("finding.pack_", "finding.formula_", "finding.rule_"))
        }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_pack_tells_itself(lang: str) -> None:
    lines = description.describe(packs.load("ningde-2024"), Texts(lang))
    assert any("point_value" in line for line in lines)
    assert any("宁医保函〔2025〕116号" in line for line in lines)
    assert not any("rules.describe" in line for line in lines)


def test_a_step_that_an_option_switches_off_is_missed(tmp_path: Path) -> None:
    body = HEAD.replace('"common"', '"national-draft-3"') + (
        '[[institution]]\nid = "surplus"\ntitle = { zh = "结余", en = "s" }\nunit = "yuan"\n'
        'formula = "due * fund_ratio"\ncite = "L1"\n'
    )
    path = written(tmp_path, body)
    assert blocked(path) == [("step_absent", line_of(body, "due * fund_ratio"))]
    with pytest.raises(Refused) as refused:
        packs.load(path)
    assert [(one.code, one.subject, one.value) for one in refused.value.findings] == [("step_absent", "surplus", "fund_ratio")]
    assert packs.load(path, {"ratio_mode": "hospital"}).step("institution", "surplus").expr is not None
