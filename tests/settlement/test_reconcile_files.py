"""The bureau's files as they come: wide or long, rows in any order, a row twice, of the other fund only; list and sheet at odds."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import bureau
import pytest
from bureau import Result, changed, town
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from region import Region
from test_reconcile import claimed, closes, reconciled

from core.intake.load import import_file
from core.money import plain
from core.rules import packs
from core.settlement.reconcile import Reconciliation
from core.settlement.reconcile_sheets import worksheets
from core.texts import Texts

F = Fraction
TITLES = {step.id: step.title["zh"] for step in packs.load("ningde-2024").scope("institution")}


def figures(result: Result) -> list[tuple[str, str, str]]:
    """(institution, step, amount) of the institutions, as a sheet has them."""
    return [(code, step, plain(value)) for code, own in result.institutions.items() for step, value in own.items()]


def put(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def long(path: Path, result: Result, dice: random.Random, fund: str = "employee") -> Path:
    rows = [[code, fund, "2024", TITLES.get(step, step), amount] for code, step, amount in figures(result)]
    dice.shuffle(rows)
    return put(path, [["fixmedins_code", "fund", "year", "column", "amount"], *rows])


def wide(path: Path, result: Result, dice: random.Random, fund: str = "employee") -> Path:
    steps = list(next(iter(result.institutions.values())))
    dice.shuffle(steps)
    codes = list(result.institutions)
    dice.shuffle(codes)
    rows = [[code, fund, "2024", *(plain(result.institutions[code][step]) for step in steps)] for code in codes]
    return put(path, [["fixmedins_code", "fund", "year", *(TITLES[step] for step in steps)], *rows])


def said(found: Reconciliation) -> list[list[list[str]]]:
    sheets = worksheets(found, Texts("zh"))
    return [[[one.text(row, column) for column in one.columns] for row in range(one.rows)] for one in sheets]


def mistaken(dice: random.Random) -> tuple[Result, list[bureau.Told]]:
    """A bureau with another coefficient of one case, a case left out, and other money at one place."""
    one, other = dice.sample(town(), 2)
    told = [case for case in changed(town(), one.setl_id, k=F("0.71")) if case.setl_id != other.setl_id]
    result = bureau.clear(told)
    code = dice.choice(list(result.institutions))
    result.institutions[code]["final"] -= dice.randrange(1, 99_999)
    return result, told


@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.generate),
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(seed=st.integers(0, 10**6))
def test_wide_and_long_say_the_same(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    told: list[list[list[list[str]]]] = []
    for write in (long, wide):
        dice = random.Random(seed)
        folder = tmp_path_factory.mktemp("files")
        region = Region(folder / "town.dz")
        bureau.settle(region)
        result, cases = mistaken(dice)
        receipt = import_file(region.workspace, "official_clearing", write(folder / "sheet.csv", result, dice), year=2024)
        assert not receipt.refused and len(figures(result)) == region.workspace.reader().execute(
            "SELECT count(*) FROM official_clearing"
        ).fetchone()[0]
        bureau.publish(region, result, cases, sheet=False)
        found = reconciled(region)
        closes(found)
        assert {"coefficient", "missing"} <= claimed(found)
        told.append(said(found))
        region.workspace.close()
    assert told[0] == told[1]


def test_a_row_twice_is_refused_and_changes_nothing(region: Region, tmp_path: Path) -> None:
    """The same figure on two lines, and a settlement on two lines of the list: the second is refused and named."""
    bureau.settle(region)
    told = town()
    result = bureau.clear(told)
    path = long(tmp_path / "long.csv", result, random.Random(1))
    lines = path.read_text("utf-8-sig").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", "utf-8-sig")
    receipt = import_file(region.workspace, "official_clearing", path, year=2024)
    assert receipt.refused == 1 and receipt.findings[0].row == len(lines) + 1
    bureau.publish(region, result, told, sheet=False)
    assert reconciled(region).agrees
    one = told[3]
    head = ["结算流水号", "机构编码", "最终分值"]
    row = [one.setl_id, one.code, plain(result.scores[one.setl_id])]
    receipt = import_file(region.workspace, "official_cases", put(tmp_path / "again.csv", [head, row]), year=2024)
    assert (receipt.accepted, receipt.refused) == (0, 1)  # it is there from another file
    assert reconciled(region).agrees
    other = Region(tmp_path / "other.dz")
    bureau.settle(other)
    receipt = import_file(other.workspace, "official_cases", put(tmp_path / "list.csv", [head, row, [*row[:2], "9.9999"]]), year=2024)
    assert (receipt.accepted, receipt.refused) == (1, 1)
    stored = other.workspace.reader().execute("SELECT score FROM official_case").fetchall()
    assert stored == [(row[2],)]
    other.workspace.close()


def test_a_sheet_of_the_other_fund_only(region: Region, tmp_path: Path) -> None:
    """It has no case here: said, and nothing claimed of it nor of the fund that the bureau is silent about."""
    bureau.settle(region)
    path = long(tmp_path / "resident.csv", bureau.clear(town()), random.Random(2), "resident")
    import_file(region.workspace, "official_clearing", path, year=2024)
    found = reconciled(region)
    employee = next(one for one in found.bridges if one.fund == "employee")
    assert not employee.official and not employee.official_region
    assert not found.cases and found.compared == 0
    residents = [one for one in found.bridges if one.fund == "resident"]
    if residents:
        closes(found)
        assert claimed(found) <= {"extra", "unexplained", "payment", "deduction", "budget"}
    else:
        assert [one.code for one in found.findings] == ["official_fund_absent"]


def test_a_list_unlike_its_own_sheet_is_said(region: Region) -> None:
    """The sheet has 0.5 points more at H2 than the bureau's own cases sum to; the institution is named once."""
    bureau.settle(region)
    told = town()
    result = bureau.clear(told)
    summed = result.institutions["H2"]["score"]
    result.institutions["H2"]["score"] += F(1, 2)
    bureau.publish(region, result, told)
    (one,) = reconciled(region).findings
    assert (one.code, one.severity, one.subject) == ("official_list_unlike_sheet", "warning", "H2")
    assert one.values == {"sheet": plain(summed + F(1, 2)), "list": plain(summed), "fund": "employee"}
    for lang in ("zh", "en"):
        words = Texts(lang).finding(one)
        assert words.count("H2") == 1 and plain(summed) in words


def test_a_sheet_with_fewer_decimals_is_not_unlike(region: Region) -> None:
    bureau.settle(region)
    told = town()
    result = bureau.clear(told)
    result.institutions["H2"]["score"] = bureau.half_up(result.institutions["H2"]["score"], 2)
    bureau.publish(region, result, told)
    assert reconciled(region).findings == ()
