"""What an importer must survive, item by item (interfaces, what can be imported)."""

from __future__ import annotations

from pathlib import Path

import pytest
from arriving import HEADINGS, case, csv_text, rows_of, table, write_csv, write_xlsx

from core.faults import Refused, Usage, WorldFault
from core.intake.load import import_file, propose
from core.storage.workspace import Workspace

CHINESE = {
    "setl_id": "结算ID",
    "psn_no": "人员编号",
    "insutype": "险种类型",
    "hi_paymtd": "医保支付方式",
    "med_type": "医疗类别",
    "fixmedins_code": "定点医药机构编号",
    "adm_time": "入院时间",
    "dscg_time": "出院时间",
    "setl_time": "结算时间",
    "diag_code": "主要诊断代码",
    "oprn_code": "主要手术操作代码",
    "medfee_sumamt": "医疗费总额",
    "fund_pay_sumamt": "基金支付总额",
    "hifp_pay": "基本医疗保险统筹基金支出",
    "psn_part_amt": "个人负担总金额",
    "dip_dise_grp_code": "DIP病种编码",
}


def one(workspace: Workspace, tmp_path: Path, columns: str, **values: str) -> tuple[object, ...]:
    """Import a single case with these cells and read back columns of it."""
    path = write_csv(tmp_path / "one.csv", table([case(**values)]))
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted) == (1, 1), receipt.findings
    return rows_of(workspace, "cases", columns)[0]


def refused(workspace: Workspace, tmp_path: Path, **values: str) -> str:
    """Import a single case that has to be refused; the code of the finding."""
    path = write_csv(tmp_path / "one.csv", table([case(**values)]))
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted, receipt.refused) == (1, 0, 1)
    (finding,) = [f for f in receipt.findings if f.severity == "refused"]
    assert finding.row == 2 and finding.file == "one.csv"
    return finding.code


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_every_encoding_and_separator(
    workspace: Workspace, tmp_path: Path, encoding: str, separator: str
) -> None:
    # 骸 ends in 0x7C, a bar, in GBK: the second byte of a character is no separator.
    rows = [case(f"S{n}", diag_name="形骸之病；急性阑尾炎伴腹膜炎", dept="外科") for n in range(30)]
    grid = table(rows)
    grid[0] = [
        CHINESE.get(name, {"diag_name": "主要诊断名称", "dept": "出院科室"}.get(name, "")) for name in grid[0]
    ]
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "a.csv", grid, encoding, separator))
    assert (receipt.accepted, receipt.refused, receipt.warnings) == (30, 0, 0)
    assert rows_of(workspace, "cases", "DISTINCT diag_name, dept") == [
        ("形骸之病；急性阑尾炎伴腹膜炎", "外科")
    ]


def test_lost_leading_zero_and_letter_o(workspace: Workspace, tmp_path: Path) -> None:
    assert one(workspace, tmp_path, "oprn_code, diag_code", oprn_code="3.3101", diag_code="O80.O00") == (
        "03.3101",
        "O80.000",
    )
    found = {(f.code, f.column): (f.value, f.values["after"]) for f in import_again(workspace, tmp_path)}
    assert found == {}
    stored = (
        workspace.reader()
        .execute("SELECT code, column_name, value, details FROM finding ORDER BY id")
        .fetchall()
    )
    assert [(code, column, value) for code, column, value, _ in stored if code == "repaired"] == [
        ("repaired", "diag_code", "O80.O00"),
        ("repaired", "oprn_code", "3.3101"),
    ]


def import_again(workspace: Workspace, tmp_path: Path) -> list[object]:
    """A clean file has no repairs."""
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "clean.csv", table([case("CLEAN")])))
    return [f for f in receipt.findings if f.severity == "warning"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("47.0100", "47.0100"),
        ("O3.31O1", "03.3101"),
        ("３.３１０１", "03.3101"),
        ("33.6X00", "33.6x00"),
        (" 47.01\n00 ", "47.0100"),
        ("47.01", "47.01"),
        ("'47.0100", "47.0100"),
        ('="47.0100"', "47.0100"),
        (".", None),
        ("00.66O7x001", "00.6607x001"),
    ],
)
def test_operation_codes(workspace: Workspace, tmp_path: Path, given: str, stored: str | None) -> None:
    assert one(workspace, tmp_path, "oprn_code", oprn_code=given) == (stored,)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("k35.300", "K35.300"),
        ("Ｋ３５.３００", "K35.300"),
        ("K35.\r\n300", "K35.300"),
        ("O80.0O0", "O80.000"),
        ("J18.9OO", "J18.900"),
        ("A17.000+G01*", "A17.000+G01*"),
        ("I10.X00", "I10.x00"),
        ("X59.900", "X59.900"),
    ],
)
def test_diagnosis_codes(workspace: Workspace, tmp_path: Path, given: str, stored: str) -> None:
    assert one(workspace, tmp_path, "diag_code", diag_code=given) == (stored,)


@pytest.mark.parametrize("given", ["080.000", "47.0100", "?", "阑尾炎", "3"])
def test_what_is_no_diagnosis_refuses_the_row(workspace: Workspace, tmp_path: Path, given: str) -> None:
    # A zero in the first place may have been an O: never guessed.
    assert refused(workspace, tmp_path, diag_code=given) == "diagnosis_unreadable"


@pytest.mark.parametrize(
    ("given", "fen"),
    [
        ("1,234.50", 123450),
        ("1234.5", 123450),
        ("１２３４．５０", 123450),
        (" 1234.50\t", 123450),
        ("¥1,234.50", 123450),
        ("1234", 123400),
        (".5", 50),
        ("1234.500", 123450),
        ("+1234.50", 123450),
        ("1,234,567.00", 123456700),
        ("1234.50元", 123450),
        ("\x001234.50", 123450),
    ],
)
def test_amounts(workspace: Workspace, tmp_path: Path, given: str, fen: int) -> None:
    assert one(
        workspace, tmp_path, "medfee_sumamt", medfee_sumamt=given, fund_pay_sumamt="", psn_part_amt=""
    ) == (fen,)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("1234.505", "amount_decimals"),
        ("12,34.50", "amount_unreadable"),
        ("1.2E+05", "amount_unreadable"),
        ("一千", "amount_unreadable"),
        ("", "value_missing"),
        ("-", "amount_unreadable"),
        ("1.2.3", "amount_unreadable"),
        ("1O0.00", "amount_unreadable"),
        ("#REF!", "amount_unreadable"),
        ("NULL", "value_missing"),
        ("  ", "value_missing"),
    ],
)
def test_amounts_that_refuse_the_row(workspace: Workspace, tmp_path: Path, given: str, code: str) -> None:
    assert refused(workspace, tmp_path, medfee_sumamt=given) == code


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2024/1/31 08:00", "2024-01-31 08:00:00"),
        ("20240131", "2024-01-31"),
        ("2024-01-31", "2024-01-31"),
        ("45322", "2024-01-31"),
        ("45322.5", "2024-01-31 12:00:00"),
        ("2024年1月31日", "2024-01-31"),
        ("2024-01-31T08:00:05", "2024-01-31 08:00:05"),
        ("20240131080005", "2024-01-31 08:00:05"),
        ("2024.1.31", "2024-01-31"),
        ("2024-1-31 8:05", "2024-01-31 08:05:00"),
        ("2024-01-31 00:00:00", "2024-01-31"),
        ("2024/02/29", "2024-02-29"),
        ("２０２４－０１－３１", "2024-01-31"),
        ("2024-01-31 08:00:05.123", "2024-01-31 08:00:05"),
        ("20240131.0", "2024-01-31"),
    ],
)
def test_dates(workspace: Workspace, tmp_path: Path, given: str, stored: str) -> None:
    day = int(stored[:10].replace("-", ""))
    found = one(workspace, tmp_path, "dscg_time, year, day", dscg_time=given, setl_time="", adm_time="")
    assert found == (stored, day // 10000, day)


@pytest.mark.parametrize(
    "given",
    [
        "2024-02-30",
        "2023-02-29",
        "31/01/2024",
        "2024-13-01",
        "2024-01-31 25:00",
        "20241301",
        "明天",
        "3024-01-01",
        "12",
    ],
)
def test_dates_that_refuse_the_row(workspace: Workspace, tmp_path: Path, given: str) -> None:
    assert refused(workspace, tmp_path, dscg_time=given) == "date_unreadable"


def test_unreadable_elsewhere_stays_empty_with_a_warning(workspace: Workspace, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv", table([case(age="很老", adm_time="昨天", oprn_code="abc", drug_fee="1.234")])
    )
    receipt = import_file(workspace, "cases", path)
    assert (receipt.accepted, receipt.refused, receipt.warnings) == (1, 0, 4)
    assert rows_of(workspace, "cases", "age, adm_time, oprn_code, drug_fee") == [(None, None, None, None)]
    assert {f.column for f in receipt.findings} == {"age", "adm_time", "oprn_code", "drug_fee"}


@pytest.mark.parametrize(
    "column",
    ["setl_time", "fund_pay_sumamt", "psn_part_amt", "refd_setl_flag", "vali_flag", "hi_paymtd", "med_type"],
)
def test_unreadable_in_the_columns_that_decide_refuses(
    workspace: Workspace, tmp_path: Path, column: str
) -> None:
    refused(workspace, tmp_path, **{column: "？？"})


@pytest.mark.parametrize(
    ("column", "given", "stored"),
    [
        ("insutype", "职工基本医疗保险", 310),
        ("insutype", "职工", 310),
        ("insutype", "居民", 390),
        ("insutype", "城乡居民基本医疗保险", 390),
        ("insutype", "310.0", 310),
        ("insutype", "０３１０", 310),
        ("insutype", "390-城乡居民基本医疗保险", 390),
        ("insutype", "999", 999),
        ("med_type", "普通住院", 21),
        ("hi_paymtd", "按病种分值付费", 3),
        ("gend", "女", 2),
        ("dscg_way", "死亡", 5),
        ("vali_flag", "有效", 1),
        ("refd_setl_flag", "否", 0),
        ("clr_type", "住院", 21),
    ],
)
def test_coded_values_as_codes_or_words(
    workspace: Workspace, tmp_path: Path, column: str, given: str, stored: int
) -> None:
    assert one(workspace, tmp_path, column, **{column: given}) == (stored,)


def test_a_code_with_another_codes_word_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    assert refused(workspace, tmp_path, insutype="310-居民") == "code_unknown"


@pytest.mark.parametrize("given", ["3.5090012E+17", "1E17"])
def test_a_code_that_lost_its_digits_is_refused(workspace: Workspace, tmp_path: Path, given: str) -> None:
    assert refused(workspace, tmp_path, setl_id=given) == "digits_lost"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("I10.x00|E11.900", "I10.x00|E11.900"),
        ("I10.x00,E11.900", "I10.x00|E11.900"),
        ("I10.x00，E11.900；J18.900", "I10.x00|E11.900|J18.900"),
        ("I10.x00、E11.900", "I10.x00|E11.900"),
        ("I10.x00+E11.900", "I10.x00|E11.900"),
        ("I10.x00;", "I10.x00"),
        ("I10.x00/E11.900", "I10.x00|E11.900"),
        ("A17.000+G01*|I10.x00", "A17.000+G01*|I10.x00"),
        (".", None),
    ],
)
def test_lists_of_codes(workspace: Workspace, tmp_path: Path, given: str, stored: str | None) -> None:
    assert one(workspace, tmp_path, "oth_diag_codes", oth_diag_codes=given) == (stored,)


def test_titles_merged_headings_totals_and_blank_lines(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "宁德市住院结算明细表,,,,,,\n单位：元,,,,,,\n"
        "结算ID,险种,机构编码,出院日期,主要诊断,,费用,\n,,,,编码,名称,医疗费总额,统筹基金支出\n"
        "S1,310,H1,2024-01-02,J18.900,肺炎,100.00,60.00\n\n"
        "S2,390,H1,2024-01-03,J18.900,肺炎,200.00,90.00\n,,,,,,,\n合计,,,,,,300.00,150.00\n制表人：王五,,,,,,,\n",
        "utf-8",
    )
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted, receipt.refused) == (2, 2, 0)
    assert rows_of(workspace, "cases", "setl_id, row, diag_code, diag_name, medfee_sumamt, hifp_pay") == [
        ("S1", 5, "J18.900", "肺炎", 10000, 6000),
        ("S2", 7, "J18.900", "肺炎", 20000, 9000),
    ]
    assert {(f.code, f.row) for f in receipt.findings if f.severity == "note" and f.row and f.row > 8} == {
        ("total_row", 9),
        ("footer_row", 10),
    }


def test_wan_yuan_is_converted_exactly_and_noted(workspace: Workspace, tmp_path: Path) -> None:
    grid = table(
        [
            case(medfee_sumamt="12.345678", fund_pay_sumamt="", psn_part_amt=""),
            case("S2", medfee_sumamt="0.1234567", fund_pay_sumamt="", psn_part_amt=""),
        ]
    )
    grid[0][grid[0].index("medfee_sumamt")] = "医疗费总额（万元）"
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "a.csv", grid))
    assert (receipt.accepted, receipt.refused) == (1, 1)
    assert rows_of(workspace, "cases", "medfee_sumamt, hifp_pay") == [(12345678, 60000)]
    assert {f.code for f in receipt.findings} >= {"wan_converted", "amount_decimals"}


def test_wan_yuan_said_by_a_title_holds_for_every_amount(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(
        "2024年预算表\n单位：万元\n年度,险种,项目,金额\n2024,职工,DIP预算,109200.123456\n", "utf-8"
    )
    import_file(workspace, "budget", path)
    assert rows_of(workspace, "budget", "amount") == [(109200123456,)]


def test_duplicated_headings_and_unclaimed_columns_are_told(workspace: Workspace, tmp_path: Path) -> None:
    grid = table([case()])
    for name, cell in (("medfee_sumamt", "9.99"), ("医疗总费用", "8.88"), ("院内流水", "x"), ("", "y")):
        grid[0].append(name)
        grid[1].append(cell)
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "a.csv", grid))
    assert rows_of(workspace, "cases", "medfee_sumamt") == [(100000,)]
    told = {(f.code, f.column) for f in receipt.findings}
    assert told >= {
        ("heading_twice", "医疗总费用"),
        ("column_unclaimed", "院内流水"),
        ("column_unclaimed", "#20"),
    }
    assert "medfee_sumamt (2)" in {f.column for f in receipt.findings}


def test_a_cut_off_last_line_is_refused_with_its_text(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text(table([case("S1"), case("S2")]))[:-120], "utf-8")
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted) == (2, 1)
    assert [(f.code, f.row) for f in receipt.findings if f.severity == "refused"] == [("line_cut_off", 3)]


def test_a_quote_left_open_spoils_its_own_line_only(workspace: Workspace, tmp_path: Path) -> None:
    rows = [case(f"S{n}", diag_name="阑尾炎") for n in range(5)]
    rows[1]["diag_name"] = "QUOTE"
    rows[3]["diag_name"] = '他说"好"，\n然后走了'
    path = tmp_path / "a.csv"
    path.write_text(csv_text(table(rows)).replace("QUOTE", '"阑尾炎'), "utf-8")
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted) == (5, 4)
    assert [(f.code, f.row) for f in receipt.findings if f.severity == "refused"] == [("quote_open", 3)]
    assert rows_of(workspace, "cases", "setl_id, row, diag_name") == [
        ("S0", 2, "阑尾炎"),
        ("S2", 4, "阑尾炎"),
        ("S3", 5, '他说"好"， 然后走了'),
        ("S4", 6, "阑尾炎"),
    ]


def test_fields_too_few_and_too_many(workspace: Workspace, tmp_path: Path) -> None:
    lines = csv_text(table([case(f"S{n}") for n in range(4)])).splitlines()
    lines[1] += ",,,"
    lines[2] += ",x"
    lines[3] = lines[3].rsplit(",", 1)[0]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    receipt = import_file(workspace, "cases", path)
    assert (receipt.rows_read, receipt.accepted) == (4, 2)
    assert [(f.code, f.row) for f in receipt.findings if f.severity == "refused"] == [
        ("fields_extra", 3),
        ("fields_missing", 4),
    ]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.csv", b"", "file_empty"),
        ("a.csv", b"\xef\xbb\xbf\r\n\r\n", "file_empty"),
        ("a.csv", b"\x00" * 5000, "file_empty"),
        ("a.xls", b"<html><body><table><tr><td>\xb1\xe0</td></tr></table>", "file_kind"),
        ("a.csv", b"%PDF-1.7 \x00\x01", "file_kind"),
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "file_kind"),
        ("a.xlsx", b"PK\x03\x04 not a zip at all", "file_damaged"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "file_damaged"),
        ("a.db", b"SQLite format 3\x00" + b"\x01" * 400, "file_damaged"),
        ("a.csv", bytes(range(256)) * 20, "file_kind"),
        ("a.csv", b"hello\nworld\n", "heading_not_found"),
        ("a.xml", b"<?xml version='1.0'?><Workbook/>", "file_kind"),
    ],
)
def test_wrong_files(workspace: Workspace, tmp_path: Path, name: str, data: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(Refused) as told:
        import_file(workspace, "cases", path)
    assert told.value.code == code
    assert rows_of(workspace, "batch") == [] and rows_of(workspace, "ledger", "action") == [("new",)]


def test_a_zip_named_csv_and_a_csv_named_xls(workspace: Workspace, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "z.csv", "w") as archive:
        archive.writestr("x.txt", "x")
    with pytest.raises(Refused) as told:
        import_file(workspace, "cases", tmp_path / "z.csv")
    assert told.value.code == "file_kind"
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "t.xls", table([case()]), "gb18030", "\t"))
    assert receipt.accepted == 1
    receipt = import_file(workspace, "cases", write_xlsx(tmp_path / "x.csv", table([case("S2")])))
    assert receipt.accepted == 1


def test_missing_required_columns_are_named(workspace: Workspace, tmp_path: Path) -> None:
    names = [name for name in HEADINGS if name not in ("hifp_pay", "diag_code")]
    with pytest.raises(Refused) as told:
        import_file(workspace, "cases", write_csv(tmp_path / "a.csv", table([case()], names)))
    assert told.value.code == "columns_missing" and told.value.status == 1
    assert {f.column for f in told.value.findings} == {"hifp_pay", "diag_code"}
    assert rows_of(workspace, "batch") == []


def test_asked_wrongly(workspace: Workspace, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", table([case()]))
    with pytest.raises(Usage):
        import_file(workspace, "nothing", path)
    with pytest.raises(WorldFault):
        import_file(workspace, "cases", tmp_path / "absent.csv")
    with pytest.raises(Usage):
        import_file(workspace, "cases", write_xlsx(tmp_path / "a.xlsx", table([case()])), sheet="没有")
    with pytest.raises(Usage) as told:
        import_file(workspace, "cases", path, mapping={"setl_id": "no_such_column"})
    assert told.value.code == "map_column_unknown"


def test_money_identities_warn_on_the_row(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        case("S1"),
        case("S2", psn_part_amt="299.49"),
        case("S3", hifp_pay="700.51"),
        case("S4", hosp_part_amt="0.01", psn_part_amt="299.49"),
        case(
            "S5",
            medfee_sumamt="-1000.00",
            fund_pay_sumamt="-700.50",
            hifp_pay="-600.00",
            psn_part_amt="-299.50",
            init_setl_id="S0",
        ),
    ]
    receipt = import_file(
        workspace,
        "cases",
        write_csv(tmp_path / "a.csv", table(rows, [*HEADINGS, "hosp_part_amt", "init_setl_id"])),
    )
    assert [(f.code, f.row, f.subject) for f in receipt.findings if f.severity == "warning"] == [
        ("reversal_without_original", 6, "S5"),
        ("fee_identity", 3, "S2"),
        ("fund_identity", 4, "S3"),
    ]
    assert receipt.findings[1].values["difference"] == "0.01"


def test_the_reading_of_a_case(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        case("S1", excluded_fee="100.00"),
        case("S2", psn_part_amt="", hosp_part_amt="9.50"),
        case("S3", fund_pay_sumamt="", psn_part_amt="", insutype="390", setl_time=""),
        case("S4", insutype="320", hi_paymtd="1"),
        case("S5", hi_paymtd="1", med_type="14"),
        case("S6", hi_paymtd="", med_type="14"),
        case(
            "S7",
            insutype="510",
            med_type="",
            medfee_sumamt="-5.00",
            hifp_pay="-5.00",
            fund_pay_sumamt="-5.00",
            psn_part_amt="0",
            dscg_time="2023-12-31",
            adm_time="",
            setl_time="2024-01-02",
        ),
    ]
    import_file(
        workspace,
        "cases",
        write_csv(tmp_path / "a.csv", table(rows, [*HEADINGS, "excluded_fee", "hosp_part_amt"])),
    )
    read = rows_of(
        workspace, "cases", "setl_id, sign, fund, year, day, fee, own_pay, other_pay, scope", "setl_id"
    )
    assert read == [
        ("S1", 1, 1, 2024, 20240308, 90000, 29950 - 10000, 10050, 0),
        ("S2", 1, 1, 2024, 20240308, 100000, 100000 - 70050 - 950, 10050, 0),
        ("S3", 1, 2, 2024, 20240308, 100000, 100000 - 60000, 0, 0),
        ("S4", 1, 0, 2024, 20240308, 100000, 29950, 10050, 1),
        ("S5", 1, 1, 2024, 20240308, 100000, 29950, 10050, 2),
        ("S6", 1, 1, 2024, 20240308, 100000, 29950, 10050, 3),
        ("S7", -1, 1, 2024, 20240102, -500, 0, 0, 0),
    ]


def test_a_proposal_guesses_the_kind_and_masks_persons(tmp_path: Path) -> None:
    grid = table([case() | {"psn_name": "张三"}])
    grid[0] = [CHINESE.get(name, "人员姓名") for name in grid[0]]
    proposal = propose(None, write_csv(tmp_path / "某院2024.csv", grid, "gb18030"))
    assert proposal.kind == "cases" and proposal.encoding == "gb18030" and proposal.heading_row == 1
    assert proposal.mapping["医疗费总额"] == "medfee_sumamt" and proposal.missing == ()
    assert (
        "张三" not in str(proposal.sample)
        and "3509000001" not in str(proposal.sample)
        and "S1" in str(proposal.sample)
    )


def test_real_codes_come_through_unchanged(workspace: Workspace, tmp_path: Path) -> None:
    """Every code of the national editions, as text and as the letter O would spoil it."""
    data = Path(__file__).parents[3] / "shared" / "data"
    if not (data / "icd9cm3_nhsa.csv").exists():
        pytest.skip("../shared/data is absent")
    import csv

    with (data / "icd9cm3_nhsa.csv").open(encoding="utf-8") as stream:
        operations = [row["code"] for row in csv.DictReader(stream)]
    with (data / "icd10_nhsa.csv").open(encoding="utf-8") as stream:
        diagnoses = [row["code"] for row in csv.DictReader(stream)]
    rows = [
        case(f"S{n}", diag_code=code, oprn_code=operations[n % len(operations)])
        for n, code in enumerate(diagnoses)
    ]
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "a.csv", table(rows)))
    assert (receipt.accepted, receipt.refused) == (len(diagnoses), 0), receipt.findings[:5]
    assert receipt.warnings == 0, receipt.findings[:5]
    found = rows_of(workspace, "cases", "diag_code, oprn_code", "row")
    assert found == [(code, operations[n % len(operations)]) for n, code in enumerate(diagnoses)]
