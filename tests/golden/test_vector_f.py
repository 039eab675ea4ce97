"""Vector F of the specification through files, importer and derivation: Xiamen 2024, a level-3 hospital, 1.06.

The hospital 甲 (3A, 100 cases of 2023) beside two grade-B hospitals of its level (100 cases):

    CMI        1.274   against 1        +27.4 %   floor(27.4 / 5)  = 5       5 x 0.01          = 0.05   cap 0.13
    <= 6       33 %    against 25 %     +32 %     floor(32 / 10)   = 3       3 x 0.01          = 0.03   cap 0.06
    >= 70      29 %    against 20 %     +45 %     floor(45 / 20)   = 2       0.01 + 2 x 0.01   = 0.03   cap 0.03
    TCM fees   10.71 % against 10 %     +7.1 %    floor(7.1 / 3)   = 2       2 x 0.01          = 0.02   cap 0.05

    R1 = 0.93 + 0.05 + 0.03 + 0.03 + 0.02 = 1.06
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from core.intake.load import import_file
from core.rules import packs
from core.rules.deriving import rule_of
from core.settlement import coefficients
from core.settlement.derive_working import sheet, words
from core.settlement.deriving import Derived, derive, store
from core.storage.workspace import Workspace
from core.texts import Texts

A, B, C, D = "H35020000001", "H35020000002", "H35020000003", "H35020000004"
HOSPITALS = [(A, "甲医院", 2), (B, "乙医院", 3), (C, "丙医院", 3), (D, "丁卫生院", 9)]


def ages(young: int, old: int, cases: int) -> list[int]:
    return [5] * young + [75] * old + [40] * (cases - young - old)


def written(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    head: list[object] = [
        "setl_id", "insutype", "fixmedins_code", "dscg_time", "diag_code", "medfee_sumamt", "fund_pay_sumamt", "hifp_pay",
        "psn_part_amt", "tcm_fee", "age", "dip_dise_grp_code",
    ]  # fmt: skip
    cases: list[list[object]] = [head]
    for code, group, tcm, years in (
        (A, "K35.3:a", "107.10", ages(33, 29, 100)),
        (B, "K35.3:b", "100.00", ages(20, 5, 60)),  # 25 and 20 of a hundred only together with the next
        (C, "K35.3:b", "100.00", ages(5, 15, 40)),
        (D, "K35.3:b", "0.00", ages(0, 0, 10)),
    ):
        for i, age in enumerate(years):
            cases.append([
                f"{code}-{i}", 310, code, "2023-05-06", "K35.300", "1000.00", "600.00", "600.00", "400.00", tcm, age, group
            ])  # fmt: skip
    with Workspace.create(tmp_path / "xm.dz", region="350200") as made:
        for kind, rows in (
            ("institutions", [["fixmedins_code", "fixmedins_name", "hosp_lv"], *map(list, HOSPITALS)]),
            ("catalogue", [
                ["version", "year", "dip_code", "dip_name", "kind", "score"],
                ["2023", 2023, "K35.3:a", "甲组", "core", "1.274"], ["2023", 2023, "K35.3:b", "乙组", "core", "1"],
            ]),
            ("cases", cases),
        ):  # fmt: skip
            assert import_file(made, kind, written(tmp_path / f"{kind}.csv", rows), year=2023).refused == 0
        yield made


@pytest.fixture
def derived(workspace: Workspace) -> Derived:
    return derive(workspace, packs.load("xiamen-2024"), 2024)


def test_the_parts_and_the_whole(derived: Derived) -> None:
    one = derived.working[A, "all"]
    assert [(piece.part, piece.taken, piece.value) for piece in one.pieces] == [
        ("base", 0, Fraction("0.93")),
        ("bonus:CMI", 5, Fraction("0.05")),
        ("bonus:6岁及以下占比", 3, Fraction("0.03")),
        ("bonus:70岁及以上占比", 2, Fraction("0.03")),
        ("bonus:中医费用占比", 2, Fraction("0.02")),
    ]
    assert [piece.excess for piece in one.pieces[1:]] == [
        Fraction("0.274"), Fraction("0.32"), Fraction("0.45"), Fraction("0.071"),
    ]  # fmt: skip
    assert one.total == Fraction("1.06")
    assert derived.working[D, "all"].total == Fraction("0.55"), "level 1 has its base alone"


def test_the_working_is_written_out_in_both_languages(derived: Derived) -> None:
    zh, en = (words(derived, (A, "all"), Texts(lang)) for lang in ("zh", "en"))
    for line in (
        "    2023 年（权重 1）：127.4 分 / 100 例 = 1.2740",
        "    超出均值 1.2740 / 1.0000 - 1 = 27.4000%",
        "    27.4000% / 5% = 5.4800，不足一档舍去，5 档",
        "    5 × 0.01 = 0.05，上限 0.13，取 0.05",
        "    2023 年（权重 1）：33 例 / 100 例 = 33.0000%",
        "    0.01 + 2 × 0.01 = 0.03，上限 0.03，取 0.03",
        "    2023 年（权重 1）：10710.00 元 / 100000.00 元 = 10.7100%",
        "    依据 S5, 第一部分 [V]",
        "机构系数 = 0.93 + 0.05 + 0.03 + 0.03 + 0.02 = 1.06",
    ):
        assert line in zh
    assert "    45.0000% / 20% = 2.2500, whole steps only: 2" in en
    assert "Coefficient = 0.93 + 0.05 + 0.03 + 0.03 + 0.02 = 1.06" in en
    shown = sheet(derived, Texts("zh"))
    column = next(one for one in shown.columns if one.id == "k")
    assert [shown.text(row, column) for row in range(4)] == ["1.06", "0.96", "0.96", "0.55"]


def test_peers_beside_their_own_mean(derived: Derived) -> None:
    """乙: 20/60 young is +33.3 % (0.03) and 5/60 old below; 丙: 5/40 young below, 15/40 old +87.5 %: 0.05, capped at 0.03."""
    values = {
        code: [piece.value for piece in derived.working[code, "all"].pieces[1:]] for code in (B, C)
    }
    assert values[B] == [0, Fraction("0.03"), 0, 0]
    assert values[C] == [0, 0, Fraction("0.03"), 0]
    assert derived.working[B, "all"].total == Fraction("0.96")
    assert derived.working[C, "all"].total == Fraction("0.96")


def test_into_a_draft_with_its_basis(workspace: Workspace, derived: Derived) -> None:
    line = store(workspace, derived, "厦门试算", "年度调整")
    assert "xiamen-2024" in line.why
    assert "年度调整" in line.why
    content = coefficients.parts(workspace.reader(), "厦门试算")
    assert coefficients.timelines(content, "employee")[A].at(20241231) == Fraction("1.06")
    assert coefficients.timelines(content, "employee")[A].at(20231231) is None
    basis = {part.name: part.basis for part in content if part.code == A}
    assert basis["bonus:70岁及以上占比"] == "xiamen-2024 [V] S5, 第一部分: min(0.01 + 2 × 0.01, 0.03) = 0.03"


def test_rounding_and_points_are_choices(workspace: Workspace) -> None:
    """To the nearest step nothing changes here; in percentage points +7.1 % is 0.71 points: no step, and 8, 9 points none of 10, 20."""
    pack = packs.load("xiamen-2024")
    nearest = derive(workspace, pack, 2024, rule=rule_of(pack, {"rounding": "round"}))
    assert nearest.working[A, "all"].total == Fraction("1.06")
    points = derive(workspace, pack, 2024, rule=rule_of(pack, {"excess": "points"})).working[A, "all"]
    assert [piece.value for piece in points.pieces[1:]] == [Fraction("0.05"), 0, Fraction("0.01"), 0]
