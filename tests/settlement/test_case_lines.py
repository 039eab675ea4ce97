"""The list of cases is complete: read back from the file it is the clearing's sums, and the rows' own by plain SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from core.export import case_list
from core.faults import Cancelled, Usage
from core.rules import packs
from core.rules.sheet import Clearing, Stamps
from core.settlement import annual, case_lines, gather
from core.settlement.clearing import clear
from core.storage.workspace import Workspace
from core.texts import Texts
from core.worksheet import Column

Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def built(
    demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, Clearing]]:
    annual.forget()
    gather.forget()
    with Workspace.open(demonstration_copy(100, tmp_path_factory.mktemp("lines"))) as workspace:
        yield workspace, clear(workspace, 2024, packs.load("ningde-2024"), store=False)


def read(path: Path) -> dict[str, Rows]:
    book = openpyxl.load_workbook(path, read_only=True)
    found = {page.title: [tuple(row) for row in page.iter_rows(values_only=True)] for page in book}
    book.close()
    return found


def test_every_case_once_with_the_clearings_sums(built: tuple[Workspace, Clearing], tmp_path: Path) -> None:
    workspace, made = built
    path = tmp_path / "cases.xlsx"
    controls = case_lines.write(workspace, made, path, lang="zh")
    assert controls and all(one.written == one.expected for one in controls)
    pages = read(path)
    texts = Texts("zh")
    assert next(iter(pages)) == "控制总数"
    ids: list[object] = []
    for sheet in made.funds:
        _, heads, *rows, closing = pages[texts(f"fund.{sheet.fund}")]
        at = {name: heads.index(name) for name in ("结算流水号", "实际发生总费用 (元)", "最终分值 (分)", "机构编码", "结算日期", "结算点值 (元/分)")}
        assert len(rows) == sum(sheet.values["cases"])
        ids += [row[at["结算流水号"]] for row in rows]
        fees = sum((Fraction(Decimal(str(row[at["实际发生总费用 (元)"]]))) for row in rows), Fraction(0))
        assert fees == sum(sheet.values["total_cost"])
        scores = sum((Fraction(Decimal(str(row[at["最终分值 (分)"]]))) for row in rows), Fraction(0))
        assert scores == sum(sheet.values["score"])
        assert Fraction(Decimal(str(closing[at["实际发生总费用 (元)"]]))) == fees
        assert [(row[at["机构编码"]], row[at["结算流水号"]]) for row in rows] == sorted(
            (row[at["机构编码"]], row[at["结算流水号"]]) for row in rows
        )
        assert {Fraction(Decimal(str(row[at["结算点值 (元/分)"]]))) for row in rows} == {sheet.region["point_value"]}  # a number
    assert len(ids) == len(set(ids))
    left = pages.get("按项目支付", [])
    connection = workspace.reader()
    # By plain SQL: what counts by the row's own reading, with the by-item cases that left the scores.
    counted = connection.execute(
        "SELECT count(*) FROM cases JOIN institution USING (fixmedins_code) WHERE year = 2024 AND netting = 0 AND scope = 0"
        " AND NOT coalesce(insu_admdvs <> '' AND substr(insu_admdvs, 1, 4) <> ?, 0)", (workspace.region[:4],)
    ).fetchone()[0]
    assert len(ids) + max(0, len(left) - 3) == counted


def test_cells_are_the_rows_own(built: tuple[Workspace, Clearing], tmp_path: Path) -> None:
    workspace, made = built
    code = made.funds[0].institutions[3].code
    path = tmp_path / "one.xlsx"
    case_lines.write(workspace, made, path, code, "en")
    pages = read(path)
    _, heads, *rows, _ = pages["Employee fund"]
    told = [dict(zip(heads, row, strict=True)) for row in rows]
    assert told and {one["Institution"] for one in told} == {code}
    connection = workspace.reader()
    for one in told:
        fee, booked, dept, days, way, diagnosis, operation = connection.execute(
            "SELECT fee, hifp_pay, dept, act_ipt_days, dscg_way, diag_code, oprn_code FROM cases WHERE setl_id = ? AND sign = 1",
            (one["Settlement"],),
        ).fetchone()
        assert round(float(str(one["Fee (yuan)"])) * 100) == fee
        assert round(float(str(one["Booked (yuan)"])) * 100) == booked
        assert (one["Department"] or "") == (dept or "") and one["Days (days)"] == days
        assert one["Died"] == ("yes" if way == 5 else "no")
        assert one["Diagnosis code"] == diagnosis and (one["Main operation"] or "") == (operation or "")
        assert abs(float(str(one["Booked share, case"])) - booked / fee) < 1e-6
    sheet = made.funds[0]
    shares = {one["Booked share, institution"] for one in told}
    at = [one.code for one in sheet.institutions].index(code)
    assert len(shares) == 1 and abs(float(str(shares.pop())) - float(sheet.values["booked"][at] / sheet.values["total_cost"][at])) < 1e-6


@pytest.mark.parametrize("source", ["national-draft-3"])
def test_other_packs_close_too(built: tuple[Workspace, Clearing], tmp_path: Path, source: str) -> None:
    workspace, _ = built
    made = clear(workspace, 2024, packs.load(source), store=False)
    controls = case_lines.write(workspace, made, tmp_path / "c.xlsx", lang="zh")
    assert [case_list.said(one, Texts("zh")) for one in controls if one.written != one.expected] == []


def test_a_list_goes_on_in_a_further_sheet(
    built: tuple[Workspace, Clearing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, made = built
    monkeypatch.setattr(case_list, "EXCEL_ROWS", 33)
    monkeypatch.setattr(case_lines, "STRETCH", 17)
    path = tmp_path / "c.xlsx"
    sheet = made.fund("employee")
    count, code = max((int(value), one.code) for value, one in zip(sheet.values["cases"], sheet.institutions, strict=True))
    assert all(one.written == one.expected for one in case_lines.write(workspace, made, path, code, "zh"))
    pages = {name: rows for name, rows in read(path).items() if name.startswith("职工医保")}
    assert len(pages) == -(-count // 30) > 2
    sizes = [len(rows) for rows in pages.values()]
    assert sizes[:-1] == [32] * (len(sizes) - 1) and sum(size - 2 for size in sizes) - 1 == count
    assert all(rows[1] == next(iter(pages.values()))[1] for rows in pages.values())


def test_a_difference_is_said_on_the_sheet(built: tuple[Workspace, Clearing], tmp_path: Path) -> None:
    """A part whose rows are not what the clearing says: the control page says so."""
    from dataclasses import replace

    workspace, made = built
    parts = case_lines.parts(workspace, made, made.funds[0].institutions[3].code, lang="zh")
    wrong = [replace(parts[0], expected={**parts[0].expected, "": parts[0].rows + 1}), *parts[1:]]
    controls = case_list.write(wrong, tmp_path / "c.xlsx", "t", made.stamps, "zh")
    assert [one.written - one.expected for one in controls if one.written != one.expected] == [-1]
    said = " ".join(str(cell) for row in read(tmp_path / "c.xlsx")["控制总数"] for cell in row if cell is not None)
    assert "不一致" in said


@pytest.mark.parametrize(("kind", "places"), [("int", None), ("fixed", 2), ("exact", 2)])
def test_a_sum_says_where_values_are_missing(tmp_path: Path, kind: str, places: int | None) -> None:
    """Three rows of which two have a value: they are summed, and both the list and the controls say that one is missing."""
    one = Column("days", {"zh": "住院天数", "en": "Days"}, kind, "", places, total=True)  # type: ignore[arg-type]
    name = Column("id", {"zh": "号", "en": "Id"}, "code")
    cells = {"id": np.array(["a", "b", "c"], object), "days": np.array([5, None, 7], object)}
    part = case_list.Part({"zh": "试", "en": "t"}, [name, one], 3, lambda: iter([cells]), {"": 3, "days": 12})
    stamps = Stamps("350900", "w", True, "p", "h", "s", "h", "draft", "c", "official", "d", {}, {}, {}, "r")
    controls = case_list.write([part], tmp_path / "c.xlsx", "t", stamps, "zh")
    assert [(control.written, control.missing) for control in controls] == [(3, 0), (12, 1)]
    assert "住院天数缺 1 行" in case_list.said(controls[1], Texts("zh"))
    pages = read(tmp_path / "c.xlsx")
    for page in ("控制总数", "试"):
        assert any("住院天数缺 1 行" in str(cell) for row in pages[page] for cell in row), page


class Stopped:
    """Cancelled from the first look on."""

    cancelled = True

    def report(self, code: str, done: int, total: int | None = None) -> None:
        raise AssertionError(code)


def test_cancelled_and_unknown(built: tuple[Workspace, Clearing], tmp_path: Path) -> None:
    workspace, made = built
    path = tmp_path / "c.xlsx"
    path.write_bytes(b"older")
    with pytest.raises(Cancelled):
        case_lines.write(workspace, made, path, progress=Stopped())
    assert path.read_bytes() == b"older" and [one.name for one in tmp_path.iterdir()] == ["c.xlsx"]
    with pytest.raises(Usage):
        case_lines.write(workspace, made, path, "nobody")
