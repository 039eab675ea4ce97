"""Packs of the workspace: filled, copied, edited, dropped, undone; hostile texts leave the workspace as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_whatif import made

from core import cli
from core.faults import Refused, Usage
from core.rules import pack_text, packs
from core.rules.pack_text import Fill
from core.settlement import annual, gather, own_packs
from core.settlement.clearing import clear, last_run, verify
from core.settlement.runs import runs
from core.settlement.usual_pack import usual
from core.storage.workspace import Workspace
from core.texts import Texts

GROSS = "(fund_available + sum(own_pay) + sum(other_pay)) / sum(score)"
LOCAL = "某医保〔2025〕1号"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    annual.forget()
    gather.forget()
    one = made(tmp_path / "w.dz", 60)
    yield one
    one.close()


def kept(workspace: Workspace) -> dict[str, str]:
    return own_packs.texts_of(workspace)


def state(workspace: Workspace) -> tuple[dict[str, str], int]:
    return kept(workspace), len(workspace.ledger.lines())


# --- filled ---


def test_open_fields_filled_are_the_packs_and_settled(workspace: Workspace) -> None:
    tiers = (("", "0.8", "booked"), ("0.8", "<=1", "due"), ("1", "", "due + 0.6 * (booked - due)"))
    own_packs.extend(workspace, "ningde-2024", "our-2025", [
        Fill("table", "sharing", rows=tiers, document=LOCAL, article="第十条"),
        Fill("parameter", "own_pay", "without_ownpay"),
        Fill("parameter", "reference_min_cases", "20", document=LOCAL, article="第三条"),
        Fill("parameter", "intra_province", "true", document=LOCAL),
        Fill("region", "point_value", GROSS, places="2", document=LOCAL),
    ], "按1号文", years=[2025])  # fmt: skip
    pack = own_packs.load(workspace, "our-2025")
    assert (pack.years, pack.region, pack.title["zh"]) == ((2025,), "350900", "our-2025 · 宁德市 2024 年度 DIP 清算")
    assert [(row.start, row.end, row.closed, row.text) for row in pack.tables["sharing"].rows][1][2:] == (True, "due")
    assert pack.tables["sharing"].cite.endswith("第十条")
    assert not pack.tables["sharing"].open
    assert (pack.case.own_pay, pack.case.reference_min_cases, pack.case.intra_province) == ("without_ownpay", 20, True)
    assert (pack.parameters["own_pay"].evidence, bool(pack.parameters["own_pay"].open)) == ("U", True), "no document: still open"
    assert (pack.parameters["reference_min_cases"].evidence, pack.parameters["reference_min_cases"].open) == ("V", {})
    assert pack.step("region", "point_value").places == 2
    assert [one.number for one in pack.documents].count(LOCAL) == 1
    # Everything else is the parent's.
    parent = packs.load("ningde-2024")
    assert [step.id for step in pack.steps] == [step.id for step in parent.steps]
    assert pack.case.branches == parent.case.branches


def test_filled_again_in_its_own_text(workspace: Workspace) -> None:
    first = Fill("table", "sharing", rows=(("", "", "due"),), document=LOCAL, article="第一条")
    own_packs.extend(workspace, "ningde-2024", "ours", [first, Fill("parameter", "own_pay", "without_ownpay")])
    noted = kept(workspace)["ours"] + "\n# 备注：已与经办核对\n"
    own_packs.keep(workspace, "ours", noted)
    own_packs.fill(workspace, "ours", [Fill("table", "sharing", rows=(("", "1", "booked"), ("1", "", "due")), document=LOCAL)])
    text = kept(workspace)["ours"]
    assert (text.count('id = "sharing"'), text.count('id = "own_pay"'), text.count("# 备注")) == (1, 1, 1)
    assert [row.text for row in own_packs.load(workspace, "ours").tables["sharing"].rows] == ["booked", "due"]


@pytest.mark.parametrize("id", ["xiamen-2024", "meizhou-2025", "jining-2023", "taian-2023", "hubei-2023"])
def test_a_city_without_a_point_value_clears_once_it_is_filled(workspace: Workspace, id: str) -> None:
    missing = [field.id for field in pack_text.open_fields(packs.load(id)) if field.missing]
    assert missing == ["point_value"]
    with pytest.raises(Refused) as refused:
        clear(workspace, 2024, own_packs.load(workspace, id), set_name="P")
    assert refused.value.code == "pack_abstract"
    own_packs.extend(workspace, id, "ours", [Fill("region", "point_value", GROSS, places="4", document=LOCAL)])
    found = clear(workspace, 2024, own_packs.load(workspace, "ours"), set_name="P")
    for sheet in found.funds:
        assert sheet.region["point_value"] > 0
        assert abs(sheet.region["residual"]) < 1
    assert verify(workspace) == []


def test_every_figure_that_may_be_filled_can_be(workspace: Workspace) -> None:
    """Filled with what stands there already, each pack comes to the same rule: no form damages what it does not change."""
    for head in packs.available():
        pack = packs.load(head.id)
        fields = [one for one in pack_text.open_fields(pack) if one.kind != "text" and not one.missing]
        fills = [Fill(one.kind, one.id, one.value, one.rows, document=LOCAL) for one in fields]
        text = pack_text.filled(pack, pack_text.extension(pack, "same"), fills)
        assert [one for one in packs.check_text(text, "same") if one.severity == "blocked"] == [], head.id
        again = packs.load("same", own={"same": text})
        assert again.values == pack.values
        assert [(step.id, step.formula, step.places) for step in again.steps] == [
            (step.id, step.formula, step.places) for step in pack.steps
        ]
        # A setting said by a parameter leaves the case rule as it was.
        assert (again.case.ungrouped, again.case.own_pay, again.case.reference) == (
            pack.case.ungrouped, pack.case.own_pay, pack.case.reference,
        )  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=40), number=st.text(max_size=30), article=st.text(max_size=20))
def test_whatever_is_typed_stays_text(title: str, number: str, article: str) -> None:
    """Quotes, controls and line breaks never become TOML of their own."""
    pack = packs.load("ningde-2024")
    words = {"zh": title or "x", "en": "y"}
    text = pack_text.extension(pack, "ours", title=words)
    text = pack_text.filled(pack, text, [Fill("parameter", "own_pay", "without_ownpay", document=number, article=article)])
    source = packs.check_text(text, "ours")
    assert not [one for one in source if one.code in ("pack_toml", "pack_key")]
    if title.strip() and not [one for one in source if one.severity == "blocked"]:
        assert packs.load("ours", own={"ours": text}).case.own_pay == "without_ownpay"


# --- kept, undone, dropped ---


def test_copied_undone_redone_dropped(workspace: Workspace) -> None:
    own_packs.copy(workspace, "ningde-2024", "ours", "试改")
    assert own_packs.stored(workspace.reader())["ours"].based_on == "ningde-2024"
    text = kept(workspace)["ours"]
    assert text.splitlines()[1:3] == ['id = "ours"', 'extends = "common"']
    shipped, copied = packs.load("ningde-2024"), own_packs.load(workspace, "ours")
    assert (copied.steps, copied.case, copied.tables) == (shipped.steps, shipped.case, shipped.tables)
    workspace.ledger.undo()
    assert kept(workspace) == {}
    workspace.ledger.redo()
    assert kept(workspace) == {"ours": text}
    own_packs.drop(workspace, "ours", "不用了")
    assert kept(workspace) == {}
    workspace.ledger.undo()
    assert kept(workspace) == {"ours": text}
    assert verify(workspace) == []


def test_edited_by_two_the_second_is_refused(workspace: Workspace) -> None:
    own_packs.copy(workspace, "ningde-2024", "ours")
    seen = kept(workspace)["ours"]
    own_packs.keep(workspace, "ours", seen.replace("places = 4", "places = 3"), seen=seen)
    before = state(workspace)
    with pytest.raises(Refused, match="pack_stale"):
        own_packs.keep(workspace, "ours", seen.replace("places = 4", "places = 2"), seen=seen)
    with pytest.raises(Refused, match="nothing_changed"):
        own_packs.keep(workspace, "ours", kept(workspace)["ours"])
    with pytest.raises(Refused, match="pack_there"):
        own_packs.copy(workspace, "common", "ours")
    with pytest.raises(Refused, match="pack_unkept"):
        own_packs.drop(workspace, "ningde-2024")
    assert state(workspace) == before


HEAD = '[pack]\nid = "ours"\ntitle = { zh = "甲", en = "A" }\n'
HOSTILE = {
    "itself": ('[pack]\nid = "ours"\nextends = "ours"\ntitle = { zh = "甲", en = "A" }\n', "pack_circle"),
    "no TOML": ("[pack\n", "pack_toml"),
    "empty": ("", "pack_missing"),
    "binary": ("\x00\x01", "pack_toml"),
    "another id": (HEAD.replace("ours", "theirs") + 'extends = "ningde-2024"\n', "pack_other_id"),
    "no parent": (HEAD + 'extends = "nobody"\n', "pack_parent"),
    "a path as parent": (HEAD + 'extends = "../../etc/passwd"\n', "pack_parent"),
    "parent is a list": (HEAD + 'extends = ["common"]\n', "pack_parent"),
    "code": (HEAD + 'extends = "ningde-2024"\n[[region]]\nid = "point_value"\ntitle = { zh = "甲", en = "A" }\n'
             'formula = "__import__(\\"os\\")"\ncite = "N116"\n', "formula_character"),
    "unknown name": (HEAD + 'extends = "ningde-2024"\n[[region]]\nid = "point_value"\ntitle = { zh = "甲", en = "A" }\n'
                     'formula = "nothing / 2"\ncite = "N116"\n', "formula_name"),
    "circle of steps": (HEAD + 'extends = "ningde-2024"\n[[region]]\nid = "fund_available"\ntitle = { zh = "甲", en = "A" }\n'
                        'formula = "residual"\ncite = "N116"\n', "pack_cycle"),
    "deep": (HEAD + "x = " + "[" * 5000 + "]" * 5000, "pack_nested"),
    "huge": (HEAD + "#" * 1_100_000, "pack_size"),
    "float": (HEAD + 'extends = "ningde-2024"\n[[table]]\nid = "sharing"\ntitle = { zh = "甲", en = "A" }\ncite = "N116"\n'
              '[[table.row]]\nto = inf\nvalue = "due"\n', "pack_number"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_with_its_place(workspace: Workspace, text: str, code: str) -> None:
    before = state(workspace)
    with pytest.raises(Refused) as refused:
        own_packs.keep(workspace, "ours", text)
    assert refused.value.code == "pack_invalid"
    assert code in {one.code for one in refused.value.findings}
    assert all(one.file and one.row for one in refused.value.findings if one.code != "pack_size")
    assert state(workspace) == before


@pytest.mark.parametrize("id", ["ningde-2024", "common", "OURS", "a b", "../x", "", "x" * 61])
def test_ids_that_may_not_be(workspace: Workspace, id: str) -> None:
    text = f'[pack]\nid = {pack_text.quoted(id)}\nextends = "ningde-2024"\ntitle = {{ zh = "甲", en = "A" }}\n'
    with pytest.raises(Refused):
        own_packs.keep(workspace, id, text)
    assert kept(workspace) == {}


def test_a_circle_over_two_is_refused(workspace: Workspace) -> None:
    own_packs.extend(workspace, "ningde-2024", "one")
    own_packs.extend(workspace, "one", "two")
    assert own_packs.load(workspace, "two").id == "two"
    with pytest.raises(Refused) as refused:
        own_packs.keep(workspace, "one", kept(workspace)["one"].replace('"ningde-2024"', '"two"', 1))
    assert "pack_circle" in {one.code for one in refused.value.findings}


def test_what_others_stand_on_is_neither_broken_nor_dropped(workspace: Workspace) -> None:
    own_packs.extend(workspace, "xiamen-2024", "one", [Fill("region", "point_value", GROSS, document=LOCAL)])
    own_packs.extend(workspace, "one", "two")
    with pytest.raises(Refused, match="pack_extended"):
        own_packs.drop(workspace, "one")
    extra = '\n[[region]]\nid = "extra"\ntitle = { zh = "甲", en = "A" }\nformula = "budget"\ncite = "S1"\nnote = { zh = "甲", en = "A" }\n'
    own_packs.keep(workspace, "one", kept(workspace)["one"] + extra)
    own_packs.keep(workspace, "two", kept(workspace)["two"] + extra.replace('"extra"', '"more"').replace('"budget"', '"extra"'))
    with pytest.raises(Refused) as refused:
        own_packs.keep(workspace, "one", kept(workspace)["one"].replace(extra, ""))
    assert [(one.code, one.subject) for one in refused.value.findings] == [("pack_breaks", "two")]
    own_packs.drop(workspace, "two")
    own_packs.drop(workspace, "one")
    assert kept(workspace) == {}


def test_an_unsound_one_is_listed_as_such_and_mended(workspace: Workspace) -> None:
    """A parent that was undone leaves a pack that nobody can use, and nobody loses."""
    line = own_packs.copy(workspace, "ningde-2024", "one")
    own_packs.extend(workspace, "one", "two")
    workspace.ledger.undo(line.id)
    assert [head.id for head in own_packs.available(workspace) if head.own] == []
    assert list(own_packs.stored(workspace.reader())) == ["two"]
    with pytest.raises(Refused, match="pack_invalid"):
        own_packs.load(workspace, "two")
    own_packs.keep(workspace, "two", kept(workspace)["two"].replace('"one"', '"ningde-2024"', 1))
    assert own_packs.load(workspace, "two").id == "two"


# --- everywhere ---


def test_a_run_keeps_its_text_and_goes_stale_when_its_pack_changes(workspace: Workspace) -> None:
    own_packs.copy(workspace, "ningde-2024", "parent")
    own_packs.extend(workspace, "parent", "ours")
    cleared = clear(workspace, 2024, own_packs.load(workspace, "ours"), set_name="P")
    assert usual(workspace, 2024) == "ours"
    assert [run.stale for run in runs(workspace)] == [""]
    line = own_packs.keep(workspace, "parent", kept(workspace)["parent"].replace("places = 4", "places = 3"))
    assert [run.stale for run in runs(workspace)] == ["pack_changed"]
    assert usual(workspace, 2024) == "ours"
    stored = last_run(workspace, 2024, "ours")
    assert stored is not None
    assert stored.pack.hash == cleared.pack.hash
    workspace.ledger.undo(line.id)
    assert [run.stale for run in runs(workspace)] == [""]
    assert verify(workspace) == []


def test_the_workspaces_pack_of_the_city_is_the_usual_one(workspace: Workspace) -> None:
    assert usual(workspace, 2024) == "ningde-2024"
    own_packs.extend(workspace, "ningde-2024", "ours")
    assert usual(workspace, 2024) == "ours"


def test_commands_know_them(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = str(workspace.path)
    workspace.close()
    file = tmp_path / "ours.toml"
    file.write_text('[pack]\nid = "ours"\nextends = "ningde-2024"\ntitle = { zh = "甲市", en = "City A" }\nyears = [2024]\n', "utf-8")
    assert cli.main(["pack", "keep", str(file), "--workspace", at, "--why", "试", "--lang", "zh"]) == 0
    assert cli.main(["pack", "copy", "ours", "second", "--workspace", at, "--lang", "zh"]) == 0
    capsys.readouterr()
    assert cli.main(["pack", "list", "--workspace", at, "--lang", "zh"]) == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()][-2:] == ["ours", "second"]
    assert cli.main(["pack", "show", "ours", "--workspace", at, "--lang", "en"]) == 0
    assert "City A" in capsys.readouterr().out
    assert cli.main(["pack", "show", "ours", "--lang", "zh"]) == 2, "without the workspace nobody knows it"
    child = tmp_path / "child.toml"
    child.write_text('[pack]\nid = "child"\nextends = "second"\ntitle = { zh = "乙", en = "B" }\n', "utf-8")
    assert cli.main(["pack", "check", str(child), "--lang", "zh"]) == 1
    assert cli.main(["pack", "check", str(child), "--workspace", at, "--lang", "zh"]) == 0
    out = tmp_path / "out.json"
    assert cli.main(["clear", at, "--year", "2024", "--pack", "ours", "--set", "P", "--out", str(out), "--lang", "zh"]) == 0
    assert '"pack": "ours"' in out.read_text("utf-8")
    assert cli.main(["pack", "drop", "second", "--workspace", at, "--lang", "zh"]) == 0
    assert cli.main(["pack", "drop", "second", "--workspace", at, "--lang", "zh"]) == 1


def test_without_a_workspace_the_shipped_ones_are_there() -> None:
    assert own_packs.available(None) == packs.available()
    with pytest.raises(Usage, match="pack_unknown"):
        own_packs.load(None, "ours")


def test_an_id_that_cannot_be_is_said_once_and_with_what_may_stand_in_it() -> None:
    text = own_packs.text_of(None, "ningde-2024")
    found = own_packs.check(None, "Our 包", text.replace('id = "ningde-2024"', 'id = "Our 包"', 1))
    assert [one.code for one in found if one.value == "Our 包"] == ["pack_name"]
    assert "连字符" in Texts("zh").finding(next(one for one in found if one.code == "pack_name"))


def test_a_table_kept_without_a_document_says_so_and_no_longer_that_it_is_empty() -> None:
    pack = packs.load("ningde-2024")
    text = pack_text.filled(pack, pack_text.extension(pack, "mine"), [Fill("table", "sharing", rows=(("", "", "due"),))])
    assert "未给出文件依据" in text and "空表" not in text
