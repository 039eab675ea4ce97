"""Catalogue files as cities send them: each kind of damage planted in CSV and in XLSX, and a clean file that yields nothing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter

from core.catalogue import library, lint
from core.intake.load import Receipt, import_file
from core.storage.workspace import Workspace

HEADINGS = ["年度", "病种编码", "病种名称", "病种类型", "主要诊断代码", "主要操作代码", "治疗属性", "分值"]
CLEAN = [
    ["2024", "A09.9:45.1302", "肠炎:内镜检查", "核心", "A09.9", "45.1302", "诊断", "0.8"],
    ["2024", "A02.0C", "沙门菌肠炎", "核心", "A02.0", "", "保守", "0.7"],
    ["2024", "K35.8_47.0901_01_00", "急性阑尾炎:阑尾切除术", "核心", "K35.8", "47.0901", "手术", "1.1"],
    ["2024", "K35.8:47.0100", "急性阑尾炎:腹腔镜阑尾切除术", "核心", "K35.8", "47.0100", "手术", "1.3"],
    ["2024", "K35:内科诊疗组", "急性阑尾炎:内科诊疗组", "综合", "K35", "", "保守", "0.5"],
    ["2024", "K35:相关手术组", "急性阑尾炎:相关手术组", "综合", "K35", "", "手术", "1.2"],
    ["2024", "DIP0001", "肺炎:呼吸机治疗", "核心", "J18.9", "96.7101", "治疗", "1.9"],
    ["2024", "DIP0002", "肺炎:保守治疗", "核心", "J18.9", "", "保守", "0.6"],
]


def written(path: Path, rows: Sequence[Sequence[str]], above: Sequence[str] = ()) -> Path:
    grid = [[text] for text in above] + [list(HEADINGS)] + [list(row) for row in rows]
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path) as book:
            page = book.add_worksheet()
            for i, row in enumerate(grid):
                for j, text in enumerate(row):
                    page.write_string(i, j, text)
    else:
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows(grid)
    return path


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.create(tmp_path / "w", region="350900") as opened:
        yield opened


@pytest.fixture(params=["目录2024.csv", "目录2024.xlsx"])
def file(request, tmp_path: Path) -> Path:
    return tmp_path / request.param


def told(receipt: Receipt) -> list[tuple[str, int | None, str]]:
    return sorted((f.code, f.row, f.value) for f in receipt.findings if f.code != "more_of_the_same")


def entry(workspace: Workspace, code: str):
    found = library.entries(workspace.reader(), "目录2024").get(code)
    assert found is not None
    return found


def test_a_clean_file_yields_nothing_and_keys_of_every_shape_stand_side_by_side(
    workspace: Workspace, file: Path
) -> None:
    receipt = import_file(workspace, "catalogue", written(file, CLEAN))
    assert (receipt.accepted, receipt.refused, receipt.findings) == (8, 0, [])
    entries = library.entries(workspace.reader(), "目录2024")
    assert {"A09.9:45.1302", "A02.0C", "K35.8_47.0901_01_00"} <= set(entries.by_code)
    assert lint.lint(entries, (), {"45.1302": "diagnostic", "47.0901": "surgery", "47.0100": "surgery", "96.7101": "therapeutic"}) == []


def planted(row: int, **changes: str) -> list[list[str]]:
    """The clean rows with cells of one changed, by heading."""
    rows = [list(one) for one in CLEAN]
    for heading, text in changes.items():
        rows[row][HEADINGS.index(heading)] = text
    return rows


# what is planted: row, cells; what is said: code, column's value; what the entry has then: its key, column, text
REPAIRED = {
    "a lost leading zero": (0, {"主要操作代码": "3.3101", "病种编码": "A09.9:03.3101"}, "zero_restored", "A09.9:03.3101", "oprn_code", "03.3101"),
    "one in the key too": (0, {"主要操作代码": "3.3101", "病种编码": "A09.9:3.3101"}, "zero_restored", "A09.9:03.3101", "oprn_code", "03.3101"),
    "letter O": (3, {"主要操作代码": "47.O1OO"}, "letter_o", "K35.8:47.0100", "oprn_code", "47.0100"),
    "letter O in the diagnosis": (1, {"主要诊断代码": "AO2.0"}, "letter_o", "A02.0C", "diag_code", "A02.0"),
    "a code broken over lines": (3, {"主要操作代码": "47.\n0100"}, "code_rejoined", "K35.8:47.0100", "oprn_code", "47.0100"),
    "broken within its digits": (3, {"主要操作代码": "47.01\n00"}, "code_rejoined", "K35.8:47.0100", "oprn_code", "47.0100"),
    "a broken key": (3, {"病种编码": "K35.8:\n47.0100"}, "code_rejoined", "K35.8:47.0100", "oprn_code", "47.0100"),
    "a broken expression": (2, {"主要操作代码": "47.0901+\n54.2100"}, "code_rejoined", "K35.8_47.0901_01_00", "oprn_code", "47.0901+54.2100"),
    "a diagnosis filled down": (1, {"主要诊断代码": "A09.9"}, "filled_down", "A02.0C", "diag_code", "A02.0"),
    "an operation filled down": (1, {"主要操作代码": "45.1302", "病种编码": "A02.0:保守治疗"}, "filled_down", "A02.0:保守治疗", "oprn_code", ""),
}  # fmt: skip


@pytest.mark.parametrize("damage", REPAIRED)
def test_what_is_certain_is_repaired_and_said(workspace: Workspace, file: Path, damage: str) -> None:
    row, cells, code, key, column, text = REPAIRED[damage]
    rows = planted(row, **cells)
    if damage == "a diagnosis filled down":
        rows[row][HEADINGS.index("病种名称")] = "沙门菌感染"
    receipt = import_file(workspace, "catalogue", written(file, rows))
    said = [f for f in receipt.findings if f.code == code]
    assert said, told(receipt)
    assert all((f.row, f.file, f.severity) == (row + 2, file.name, "warning") for f in said)
    assert (receipt.accepted, receipt.refused) == (8, 0)
    assert {f.code for f in receipt.findings} == {code}
    assert getattr(entry(workspace, key), column) == text


FOUND = {
    "two codes and no sign": (3, {"病种编码": "K35.8:47.0100", "主要操作代码": "47.0100\n54.2100"}, "codes_without_sign", "warning"),
    "mixed signs": (3, {"主要操作代码": "47.0100/47.0901+54.2100/54.1900"}, "precedence_read", "warning"),
    "a sign that says nothing": (3, {"主要操作代码": "47.0100、54.2100"}, "sign_unclear", "warning"),
    "an empty score": (4, {"分值": ""}, "score_empty", "refused"),
    "a negative score": (4, {"分值": "-0.5"}, "score_negative", "refused"),
    "a score of nothing": (4, {"分值": "0.00"}, "score_zero", "warning"),
    "the same key": (5, {"病种编码": "K35:内科诊疗组"}, "key_repeated", "refused"),
    "the same key in wide letters": (5, {"病种编码": "K35：内科诊疗组"}, "key_repeated", "refused"),
    "the same key in other letters": (7, {"病种编码": "dip0001"}, "key_alike", "warning"),
    "a key of other codes": (2, {"主要诊断代码": "K40.9"}, "key_disagrees", "warning"),
    "filled down under a key without codes": (7, {"病种名称": "股骨颈骨折:保守治疗"}, "filled_down_doubt", "warning"),
    "a row that is the rest of the one above": (5, dict.fromkeys(("年度", "病种名称", "病种类型", "治疗属性", "分值"), ""), "row_continues", "refused"),
}  # fmt: skip


@pytest.mark.parametrize("damage", FOUND)
def test_what_is_not_certain_is_named_and_left(workspace: Workspace, file: Path, damage: str) -> None:
    row, cells, code, severity = FOUND[damage]
    receipt = import_file(workspace, "catalogue", written(file, planted(row, **cells)), year=2024)
    said = [f for f in receipt.findings if f.code == code]
    assert [(f.row, f.file, f.severity) for f in said] == [(row + 2, file.name, severity)], told(receipt)
    assert receipt.rows_read == receipt.accepted + receipt.refused == 8
    assert receipt.refused == (severity == "refused")


def test_mixed_signs_are_read_with_plus_between_the_parts(workspace: Workspace, file: Path) -> None:
    receipt = import_file(workspace, "catalogue", written(file, planted(3, 主要操作代码="47.0100/47.0901+54.2100/54.1900")))
    (said,) = receipt.findings
    assert said.values["reading"] == "(47.0100 / 47.0901) + (54.2100 / 54.1900)"
    assert entry(workspace, "K35.8:47.0100").oprn_code == "47.0100/47.0901+54.2100/54.1900"
    (again,) = lint.lint(library.entries(workspace.reader(), "目录2024"), file=file.name)
    assert (again.code, again.row, again.file, again.values["reading"]) == (
        "precedence_read", 5, file.name, said.values["reading"],
    )  # fmt: skip


def test_printed_totals_that_do_not_foot(workspace: Workspace, file: Path) -> None:
    above = ["某市病种目录，共10个病种，其中核心病种7个、综合病种2个"]
    receipt = import_file(workspace, "catalogue", written(file, CLEAN, above))
    found = {f.code: f.values for f in receipt.findings}
    assert found["printed_parts_differ"] == {"stated": "10", "counted": "9", "difference": "-1", "what": "7 + 2"}
    assert found["printed_total_differs"] == {"stated": "10", "counted": "8", "difference": "-2", "what": ""}
    assert found["printed_part_differs"] == {"stated": "7", "counted": "6", "difference": "-1", "what": "核心"}
    assert len(found) == 3


def test_a_closing_row_counts_too(workspace: Workspace, file: Path) -> None:
    receipt = import_file(workspace, "catalogue", written(file, [*CLEAN, ["合计", "9个", "", "", "", "", "", ""]]))
    assert {(f.code, f.row) for f in receipt.findings} == {("total_row", 10), ("printed_total_differs", 10)}
    assert receipt.accepted == 8


def test_printed_totals_that_foot_are_not_mentioned(workspace: Workspace, file: Path) -> None:
    above = ["某市病种目录，共8个病种，其中核心病种6个、综合病种2个"]
    assert import_file(workspace, "catalogue", written(file, CLEAN, above)).findings == []


# What documents print about their own catalogues (domain A11, A12 and 1.4)


def test_a11_foots_and_a12_does_not() -> None:
    assert lint.foots(lint.printed("national-2")) == []
    assert len(lint.printed("national-2").sums) == 3
    (found,) = lint.foots(lint.printed("national-draft-3"))
    assert (found.value, found.values["sum"], found.values["difference"], found.values["tag"]) == ("5061", "5051", "10", "V")


def test_cities() -> None:
    found = {edition: lint.foots(told) for edition, told in lint.editions().items()}
    assert {edition: (one[0].value, one[0].values["sum"]) for edition, one in found.items() if one} == {
        "national-draft-3": ("5061", "5051"),
        "meizhou-2025": ("4477", "4476"),
        "lianyungang-2025": ("5588", "5591"),
    }
    assert all(
        figure.tag in "VSDCU" and figure.cite for told in lint.editions().values() for figure in told.figures.values()
    )


def test_a_version_beside_what_its_document_prints(workspace: Workspace, file: Path) -> None:
    import_file(workspace, "catalogue", written(file, CLEAN))
    entries = library.entries(workspace.reader(), "目录2024")
    found = lint.lint(entries, printed=lint.printed("xiamen-2025"))
    assert [(f.code, f.value, f.values["counted"]) for f in found] == [
        ("printed_count_differs", "total", "8"),
        ("printed_count_differs", "core", "6"),
        ("printed_count_differs", "composite", "2"),
    ]
