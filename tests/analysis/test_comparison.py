"""Institutions side by side: arithmetic written out, then groups, ranks and splits a second way by plain SQL and loops."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from grouped_cases import Grouped

from core.analysis import comparison
from core.analysis.comparison import Comparison, compare
from core.analysis.indicators import INDICATORS
from core.analysis.sides import REGION, level_key
from core.faults import Cancelled, Refused, Usage
from core.storage.ledger import Change, Edit
from core.texts import LANGUAGES, Texts


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Grouped]:
    """H1 of level 3, H2 and H4 of level 2, H3 of level 1, H5 of none."""
    comparison.forget()
    made = Grouped(tmp_path / "region.dz")
    made.put("institutions", "institution", [
        {"fixmedins_code": "H4", "fixmedins_name": "中医院", "hosp_lv": 5},
        {"fixmedins_code": "H5", "fixmedins_name": "护理院", "hosp_lv": 99},
    ])  # fmt: skip
    made.version("2024", 2024, *({"dip_code": code, "dip_name": f"病种{code}"} for code in "ABC"))
    yield made
    made.workspace.close()


def rows(institution: str, group: str | None, *fees: int, **more: object) -> list[dict[str, object]]:
    return [
        {"setl_id": f"{institution}{group}{number}{more.get('day', '')}", "group": group, "fee": fee, "fixmedins_code": institution, **more}
        for number, fee in enumerate(fees)
    ]


def test_by_hand(region: Grouped) -> None:
    """H2: A 100, 300, B 500: mean 300. H4: A 200: mean 200. Level 2 together: 1100 / 4 = 275, of H2 25 more; 4 cases of two
    hospitals: 2 a hospital. H1: B 900. Region: 2000 / 5 = 400."""
    region.cases(
        *rows("H2", "A", 100, 300, act_ipt_days=4), *rows("H2", "B", 500), *rows("H4", "A", 200, act_ipt_days=3),
        *rows("H1", "B", 900, act_ipt_days=9),
    )  # fmt: skip
    found = compare(region.workspace, ("H2", "H4", "H1"), 2024)
    assert [(one.code, one.name, one.level, one.cases) for one in found.institutions] == [
        ("H2", "县医院", 2, 3), ("H4", "中医院", 2, 1), ("H1", "第一医院", 3, 1),
    ]  # fmt: skip
    assert (found.levels, found.beyond, found.findings) == ((3, 2), ("level.3", "level.2", REGION), ())
    assert [found.value("mean_cost", key) for key in ("H2", "H4", "H1", "level.2", "level.3", REGION)] == [300, 200, 900, 275, 900, 400]
    assert [found.beside("mean_cost", code) for code in found.codes] == [25, -75, 0]
    assert [found.value("cases", key) for key in ("H2", "level.2", REGION)] == [3, 2, Fraction(5, 3)]
    assert [found.rank("mean_cost", code) for code in found.codes] == [(2, 3), (3, 3), (1, 3)]
    assert [found.place("mean_cost", code) for code in found.codes] == [(1, 2), (2, 2), (1, 1)]
    assert found.value("mean_stay", "H2") == 4  # of the two cases that state one
    one = found.split("H2", "H4")  # A at 200 on both sides, B is of H2 alone: mix 1/3 * 500 - 1/3 * 200
    assert (one.whole, one.mix, one.intensity, one.interaction) == (100_00, 100_00, 0, 0)
    assert found.split("H2", "level").whole == 25_00
    side = found.side("H2")
    a = side.codes.index("A")
    assert (side.mean(a), side.stay(a), side.cv(a), {p: int(at[a]) for p, at in side.quartiles.items()}) == (
        200, 4, Fraction(1, 2), {25: 150_00, 50: 200_00, 75: 250_00},
    )  # fmt: skip


def test_equal_figures_share_a_rank(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20), *rows("H3", "A", 20), *rows("H4", "B", 5))
    found = compare(region.workspace, ("H1", "H2", "H3", "H4"), 2024)
    assert [found.rank("mean_cost", code) for code in found.codes] == [(3, 4), (1, 4), (1, 4), (4, 4)]
    assert [found.place("mean_cost", code) for code in found.codes] == [(1, 1), (1, 2), (1, 1), (2, 2)]


def test_an_institution_without_cases_is_shown_as_such(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20, fund=2))
    for fund, empty in (("", "H3"), ("employee", "H2"), ("resident", "H1")):
        found = compare(region.workspace, ("H1", "H2", "H3"), 2024, fund=fund)
        assert [one.cases for one in found.institutions].count(0) == (1 if not fund else 2)
        assert {one.subject.partition(" ")[0] for one in found.findings} >= {empty}
        assert found.value("cases", empty) == 0
        assert found.value("mean_cost", empty) is None
        assert (found.rank("cases", empty), found.place("mean_cost", empty), found.beside("mean_cost", empty)) == (None, None, None)
        with pytest.raises(Refused) as refused:
            found.split("H1" if empty != "H1" else "H2", empty)
        assert refused.value.code == "compare_no_cases"
        sheet = found.indicators(Texts("zh"))
        title = next(column.title["zh"] for column in sheet.columns if column.id == f"value_{empty}")
        assert "无病例" in title
        assert [one.id for one in found.worksheets(Texts("en"))] == ["compare_indicators", "compare_groups", "compare_splits"]
        splits = found.splits(Texts("zh"))
        told = dict(zip(splits.keys.tolist(), splits.cells["whole"].tolist(), strict=True))  # type: ignore[union-attr]
        assert told[f"{empty}|region"] is None
        assert len(told) == 3 + 3 * 2


def test_an_institution_of_no_level_has_no_level_beside_it(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H5", "A", 30))
    found = compare(region.workspace, ("H1", "H5"), 2024)
    assert found.levels == (3,)
    assert (found.beside("mean_cost", "H5"), found.place("mean_cost", "H5")) == (None, None)
    assert found.rank("mean_cost", "H5") == (1, 2)
    with pytest.raises(Refused) as refused:
        found.split("H5", "level")
    assert refused.value.code == "compare_no_level"
    assert found.split("H5", REGION).whole == 10_00
    assert [str(key) for key in found.splits(Texts("zh")).keys] == ["H1|H5", "H1|level", "H1|region", "H5|region"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("codes", "year", "fault", "code"),
    [
        (("H1",), 2024, Usage, "compare_count"),
        ((), 2024, Usage, "compare_count"),
        (("H1", "H2", "H3", "H4", "H5", "H6", "H7"), 2024, Usage, "compare_count"),
        (("H1", "H2", "H1"), 2024, Usage, "compare_twice"),
        (("H1", "H9"), 2024, Usage, "compare_unknown"),
        (("H1", "level"), 2024, Usage, "compare_unknown"),
        (("H1", "H2"), 2019, Refused, "compare_no_cases_in_year"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    region: Grouped, codes: tuple[str, ...], year: int, fault: type[Usage | Refused], code: str
) -> None:
    region.cases(*rows("H1", "A", 10))
    with pytest.raises(fault) as refused:
        compare(region.workspace, codes, year)
    assert refused.value.code == code
    for lang in LANGUAGES:
        assert "{" not in Texts(lang).fault(refused.value)


def test_what_needs_a_pack_is_empty_without_one_and_says_why(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20))
    found = compare(region.workspace, ("H1", "H2"), 2024)
    scored = [id for id in found.ids if INDICATORS[id].needs != "rows"]
    assert scored
    for id in scored:
        assert found.value(id, "H1") is None
        assert id in found.why
    sheet = found.indicators(Texts("zh"))
    notes = dict(zip(sheet.keys.tolist(), sheet.cells["note"].tolist(), strict=True))  # type: ignore[union-attr]
    assert all(notes[id] for id in scored)
    assert not notes["mean_cost"]


def test_it_can_be_stopped(region: Grouped) -> None:
    class Stop:
        cancelled = True

        def report(self, code: str, done: int, total: int | None = None) -> None: ...

    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20))
    with pytest.raises(Cancelled):
        compare(region.workspace, ("H1", "H2"), 2024, progress=Stop())


def test_what_is_kept_ends_with_the_ledger_line(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20))
    first = compare(region.workspace, ("H1", "H2"), 2024)
    region.cases(*rows("H1", "A", 30, day="2024-08-08"))
    second = compare(region.workspace, ("H1", "H2"), 2024)
    assert [one.value("mean_cost", "H1") for one in (first, second)] == [10, 20]
    assert [one.split("H1", "H2").whole for one in (first, second)] == [-10_00, 0]
    key = {"version": "2024", "dip_code": "A"}
    region.workspace.ledger.commit(Edit("edit", "A", (Change("catalogue", key, {"dip_name": "病种A"}, {"dip_name": "新名"}),)))
    assert compare(region.workspace, ("H1", "H2"), 2024).group_names["A"] == "新名"


# -- a second way


def many(region: Grouped, seed: int, order: int = 1) -> None:
    chance = random.Random(seed)
    groups = ["A", "B", "C", "D", None, ""]
    made = [
        {
            "setl_id": f"S{number:05d}", "fee": chance.choice([0, 7, chance.randrange(1, 90_000)]),
            "group": chance.choice(groups), "fixmedins_code": chance.choice(["H1", "H2", "H2", "H3", "H4", "H9"]),
            "insu_admdvs": chance.choice(["350902", "350981", "", None, "351002", "110101"]),
            "scope": chance.choice([0, 0, 0, 1]), "netting": chance.choice([0, 0, 0, 0, 1]),
            "fund": chance.choice([1, 2]), "act_ipt_days": chance.choice([None, 0, 4, 30]),
            "day": chance.choice(["2024-02-29", "2024-12-31", "2023-12-31"]),
        }
        for number in range(900)
    ]  # fmt: skip
    region.cases(*made[::order])
    region.put("groups", "case_group", [
        {"setl_id": f"S{number:05d}", "grp_stas": chance.choice([0, 1, None]), "dip_dise_grp_code": chance.choice(["A", "E", ""])}
        for number in range(0, 900, 3)
    ])  # fmt: skip


def told_by_sql(region: Grouped, fund: str) -> dict[str, dict[str, list[tuple[int, int | None]]]]:
    """Side -> group -> (fee, days) of the cases that count, one row at a time."""
    reader = region.workspace.reader()
    levels = {"H1": 3, "H2": 2, "H3": 1, "H4": 2}
    found: dict[str, dict[str, list[tuple[int, int | None]]]] = defaultdict(lambda: defaultdict(list))
    for code, group, fee, days, number in reader.execute(
        """
        SELECT c.fixmedins_code, coalesce(nullif(c.dip_dise_grp_code, ''), nullif(g.dip_dise_grp_code, ''), ''), c.fee,
            c.act_ipt_days, c.fund
        FROM cases AS c
        LEFT JOIN case_group AS g ON g.setl_id = c.setl_id AND (g.grp_stas IS NULL OR g.grp_stas <> 0)
        WHERE c.year = 2024 AND c.netting = 0 AND c.scope = 0 AND c.fixmedins_code <> 'H9'
            AND (c.insu_admdvs IS NULL OR c.insu_admdvs = '' OR c.insu_admdvs LIKE '3509%')
        """
    ):
        if fund in ("", ("employee", "resident")[number - 1]):
            for side in (code, level_key(levels[code]), REGION):
                found[side][group].append((fee, days))
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fund", ["", "employee", "resident"])
def test_groups_and_splits_a_second_way(region: Grouped, seed: int, fund: str) -> None:
    many(region, seed)
    found = compare(region.workspace, ("H4", "H1", "H2", "H3"), 2024, fund=fund)
    expected = told_by_sql(region, fund)
    for key in (*found.codes, *found.beyond):
        side = found.side(key)
        assert {side.codes[g] for g in np.flatnonzero(side.cases)} == set(expected[key])
        for group, told in expected[key].items():
            g = side.codes.index(group)
            fees, days = [fee for fee, _ in told], [day for _, day in told if day is not None]
            assert (side.cases[g], side.cost[g]) == (len(fees), sum(fees))
            assert side.mean(g) == Fraction(sum(fees), 100 * len(fees))
            assert side.stay(g) == (Fraction(sum(days), len(days)) if days else None)
            if len(fees) > 1 and sum(fees):
                assert float(side.cv(g) or 0) == pytest.approx(statistics.pstdev(fees) / statistics.fmean(fees), abs=5.1e-5)
                cuts = statistics.quantiles(fees, n=4, method="inclusive")
                for at, share in enumerate((25, 50, 75)):
                    assert abs(int(side.quartiles[share][g]) - cuts[at]) <= 0.5 + 1e-6
            elif len(fees) == 1:
                assert side.cv(g) is None
        fees = [fee for told in expected[key].values() for fee, _ in told]
        assert found.value("mean_cost", key) == Fraction(sum(fees), 100 * len(fees))
    for code, other in permutations(found.codes, 2):
        one = found.split(code, other)
        assert one.whole == ((found.value("mean_cost", code) or 0) - (found.value("mean_cost", other) or 0)) * 100
        assert one.mix + one.intensity + one.interaction == one.whole
        own, beside = expected[code], expected[other]
        n, m = sum(map(len, own.values())), sum(map(len, beside.values()))
        intensity = sum(
            Fraction(len(beside[g]), m)
            * (Fraction(sum(fee for fee, _ in own[g]), len(own[g])) - Fraction(sum(fee for fee, _ in beside[g]), len(beside[g])))
            for g in set(own) & set(beside)
        )
        assert one.intensity == intensity
        assert one.unmatched == Fraction(sum(len(told) for g, told in own.items() if g not in beside), n)


def test_the_order_of_import_and_of_choice_does_not_matter(tmp_path: Path) -> None:
    told: list[Comparison] = []
    for name, order in (("a", 1), ("b", -1)):
        comparison.forget()
        made = Grouped(tmp_path / f"{name}.dz")
        made.version("2024", 2024, {"dip_code": "A"}, {"dip_code": "B"})
        many(made, 7, order)
        told.append(compare(made.workspace, ("H1", "H2", "H3")[::order], 2024))
        made.workspace.close()
    one, other = told
    assert one.codes == other.codes[::-1]
    for id in one.ids:
        assert [one.value(id, key) for key in (*one.codes, *one.beyond)] == [other.value(id, key) for key in (*one.codes, *one.beyond)]
        assert [one.rank(id, code) for code in one.codes] == [other.rank(id, code) for code in one.codes]
    assert one.split("H1", "level").groups == other.split("H1", "level").groups


# -- worksheets


def test_worksheets_in_both_languages(region: Grouped) -> None:
    many(region, 1)
    found = compare(region.workspace, ("H1", "H2"), 2024)
    for lang in LANGUAGES:
        sheets = found.worksheets(Texts(lang))
        assert [one.id for one in sheets] == ["compare_indicators", "compare_groups", "compare_splits", "compare_parts"]
        for sheet in sheets:
            assert "compare." not in sheet.title[lang]
            titles = [column.title[lang] for column in sheet.columns]
            assert not [title for title in titles if "compare." in title or "{" in title]
            assert len({column.id for column in sheet.columns}) == len(sheet.columns)
            if sheet.id != "compare_parts":
                assert len(set(titles)) == len(titles)
    indicators, groups, splits, parts = found.worksheets(Texts("zh"))
    assert indicators.keys is not None and indicators.keys.tolist() == list(found.ids)
    assert set(groups.cells["dip_code"].tolist()) <= {"A", "B", "C", "D", "E"}
    assert groups.cells["dip_name"][groups.cells["dip_code"].tolist().index("A")] == "病种A"
    assert groups.totals["cases_H1"] == sum(int(found.side("H1").cases[found.side("H1").codes.index(code)]) for code in groups.cells["dip_code"])
    for key in (*found.codes, *found.beyond):
        side, at = found.side(key), key.replace(".", "")
        for row, code in enumerate(groups.cells["dip_code"].tolist()):
            g = side.codes.index(code)
            told = [groups.cells[f"{name}_{at}"][row] for name in ("cases", "mean", "stay", "cv")]
            assert told == [side.cases[g], side.mean(g), side.stay(g), side.cv(g)]
            if key in found.codes:
                median = groups.cells[f"p50_{at}"][row]
                assert median == (Fraction(int(side.quartiles[50][g]), 100) if side.cases[g] else None)
    for name in ("mix", "intensity", "interaction", "whole"):
        assert abs(sum(parts.cells[name].tolist()) - parts.totals[name]) < Fraction(1, 100)
        assert parts.totals[name] == splits.cells[name][0]
    for row in range(indicators.rows):
        shown = {column.id: indicators.cells[column.id][row] for column in indicators.columns}
        if shown["against_H2_H1"] is not None:
            assert shown["against_H2_H1"] == shown["value_H2"] - shown["value_H1"], "a difference of what stands there"
    assert splits.cells["whole"][0] == splits.cells["own_mean"][0] - splits.cells["other_mean"][0]
    assert "未入组" in parts.cells["dip_name"].tolist()
    assert parts.totals["own_cases_H1"] == found.value("cases", "H1")
    every = found.groups(Texts("zh"), least=1)
    assert every.rows >= groups.rows


def test_two_institutions_of_one_name_are_told_apart(region: Grouped) -> None:
    region.put("institutions", "institution", [{"fixmedins_code": "H6", "fixmedins_name": "县医院", "hosp_lv": 6}])
    region.cases(*rows("H2", "A", 10), *rows("H6", "A", 20))
    titles = [column.title["zh"] for column in compare(region.workspace, ("H2", "H6"), 2024).indicators(Texts("zh")).columns]
    assert {"县医院 H2", "县医院 H6"} <= set(titles)


def test_a_pack_without_a_clearing_says_so_in_words(region: Grouped) -> None:
    region.cases(*rows("H1", "A", 10), *rows("H2", "A", 20))
    found = compare(region.workspace, ("H1", "H2"), 2024, pack="taian-2023")
    for lang in LANGUAGES:
        notes = found.indicators(Texts(lang)).cells["note"].tolist()
        assert any(notes)
        assert not [note for note in notes if "finding." in note or "{" in note]
