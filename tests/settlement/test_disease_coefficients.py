"""Coefficients by disease and level: shown of a version, edited in a draft of it, stale edits refused, and what they do."""

from __future__ import annotations

from fractions import Fraction

import pytest
from region import Region

from core.catalogue import library
from core.faults import Refused
from core.rules import packs
from core.settlement import disease_coefficients
from core.settlement.clearing import clear
from core.settlement.coefficients import Cell
from core.settlement.disease_coefficients import LEVELS, draft, edit, grid
from core.texts import LANGUAGES, Texts


@pytest.fixture
def two(region: Region) -> Region:
    region.groups(
        {"dip_code": "A", "dip_name": "阑尾炎", "score": "1", "coef_3": "1.1", "coef_1": "0.8"},
        {"dip_code": "B", "dip_name": "肺炎", "score": "1"},
    )
    return region


def values(region: Region, version: str) -> dict[str, tuple[Fraction | None, ...]]:
    return {one.dip_code: one.coefficients for one in library.entries(region.workspace.reader(), version).rows}


def test_every_group_with_its_levels(two: Region) -> None:
    shown = grid(two.workspace.reader(), "v2024")
    assert (shown.state, shown.unfilled, shown.changed) == ("imported", {"B"}, frozenset())
    lines = [[shown.sheet.text(row, column) for column in shown.sheet.columns] for row in range(2)]
    assert lines == [["阑尾炎", "A", "1.1", "", "0.8"], ["肺炎", "B", "", "", ""]]
    assert [column.id for column in shown.sheet.columns] == list(shown.order)
    assert [shown.sheet.columns[i].title["zh"] for i in (2, 3, 4)] == ["三级系数", "二级系数", "一级系数"]
    assert shown.find("fy").tolist() == [1]
    assert (shown.value("A", "coef_3"), shown.value("A", "coef_2")) == (Fraction("1.1"), None)
    assert shown.cell("A", "coef_3", None) == Cell("A", "", "coef_3", None, seen="1.1")


def test_edited_in_a_draft_as_one_edit_with_one_undo(two: Region) -> None:
    draft(two.workspace, "v2024", "稿", "试")
    shown = grid(two.workspace.reader(), "稿")
    assert (shown.state, shown.changed) == ("draft", frozenset())
    edit(two.workspace, "稿", [shown.cell("A", "coef_3", Fraction("1.25")), shown.cell("B", "coef_1", Fraction("0.7")),
                              shown.cell("A", "coef_1", None)], "按文件")  # fmt: skip
    assert values(two, "稿") == {"A": (None, None, Fraction("1.25")), "B": (Fraction("0.7"), None, None)}
    assert grid(two.workspace.reader(), "稿").changed == {("A", "coef_3"), ("A", "coef_1"), ("B", "coef_1")}
    two.workspace.ledger.undo()
    assert values(two, "稿") == values(two, "v2024")
    two.workspace.ledger.redo()
    assert values(two, "稿")["B"] == (Fraction("0.7"), None, None)
    assert values(two, "v2024")["B"] == (None, None, None)
    assert two.workspace.ledger.check() == []


def test_what_is_refused_changes_nothing(two: Region) -> None:
    draft(two.workspace, "v2024", "稿")
    seen = grid(two.workspace.reader(), "稿")
    mine = [seen.cell("A", "coef_3", Fraction("1.3")), seen.cell("B", "coef_2", Fraction("0.9"))]
    edit(two.workspace, "稿", [seen.cell("A", "coef_3", Fraction("1.2"))])
    before = values(two, "稿")
    for version, cells, code in (
        ("稿", mine, "stale_edit"),
        ("v2024", mine, "version_imported"),
        ("没有", mine, "catalogue_unknown"),
        ("稿", [Cell("A", "", "coef_3", "-1")], "cells_refused"),
        ("稿", [Cell("A", "", "coef_3", "1.1.1")], "cells_refused"),
        ("稿", [Cell("Z", "", "coef_3", "1")], "cells_refused"),
        ("稿", [Cell("A", "", "coef_3", "1.20")], "nothing_changed"),
    ):
        with pytest.raises(Refused) as refused:
            edit(two.workspace, version, cells)
        assert refused.value.code == code
        for lang in LANGUAGES:
            assert not Texts(lang).fault(refused.value).startswith("fault.")
            assert all(not Texts(lang).finding(one).startswith("finding.") for one in refused.value.findings)
        if code == "stale_edit":
            said = [Texts("zh").finding(one) for one in refused.value.findings]
            assert said == ["病种 A 的 3 级系数已被他人改动：填写时为 1.1，现为 1.2。请刷新后再填"]
    assert values(two, "稿") == before
    library.publish(two.workspace, "稿")
    with pytest.raises(Refused, match="version_published"):
        edit(two.workspace, "稿", [Cell("A", "", "coef_3", "1")])
    with pytest.raises(Refused, match="version_exists"):
        draft(two.workspace, "v2024", "稿")


def test_a_pack_that_takes_them_pays_by_them(region: Region) -> None:
    """Golden: 2 cases of A (score 10), k 1 of the institution; with coef_3 = 1.5 the points are 2 x 10 x 1.5."""
    region.institutions(("H1", "甲", 2))
    region.groups({"dip_code": "A", "score": "10"})
    region.cases(*({"setl_id": str(n), "institution": "H1", "group": "A", "fee": "100.00"} for n in range(2)))
    region.coefficients(("H1", "all", "base", "", "1"))
    region.funded("employee")
    draft(region.workspace, "v2024", "稿")
    edit(region.workspace, "稿", [grid(region.workspace.reader(), "稿").cell("A", "coef_3", Fraction("1.5"))])
    for taken, score in (("true", 30), ("false", 20)):
        pack = packs.load("ningde-2024", {"disease_level_coefficient": taken})
        found = clear(region.workspace, 2024, pack, funds=("employee",), catalogue="稿", store=False).fund("employee")
        assert found.region["score_total"] == score


def test_levels_are_those_of_the_catalogue() -> None:
    assert LEVELS == ("coef_3", "coef_2", "coef_1") == disease_coefficients.DiseaseGrid.parts
