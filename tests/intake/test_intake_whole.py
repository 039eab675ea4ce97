"""Whole imports: nothing lost, nothing kept of a refused file, the same content whatever the form, the chunk or the order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from arriving import HEADINGS, case, content, csv_text, rows_of, table, write_csv, write_sqlite, write_xlsx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.faults import Cancelled, Refused, Usage
from core.intake import cells, load
from core.intake.kinds import KINDS, claim
from core.intake.load import import_file, read_mapping
from core.intake.one_cell import read_cell
from core.money import fen
from core.storage import batches
from core.storage.workspace import Workspace
from core.texts import Texts

ROOT = Path(__file__).parents[2]


def many(count: int, seed: int = 1) -> list[dict[str, str]]:
    """Cases with a few of every damage."""
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        fund = draw.randint(0, 90000)
        row = case(
            f"S{n:06d}",
            psn_no=f"3509{n % 37:06d}",
            insutype=draw.choice(["310", "390", "职工", "居民"]),
            dscg_time=draw.choice(["2024-03-08", "20240308", "2024/3/8 08:00", "45359"]),
            diag_code=draw.choice(["K35.300", "O80.000", "J18.9OO", "Ｋ３５.３００"]),
            oprn_code=draw.choice(["47.0100", "3.3101", "", "O3.3101"]),
            medfee_sumamt=f"{fund + 1000}.50",
            fund_pay_sumamt=f"{fund}.25",
            hifp_pay=f"{fund}",
            psn_part_amt="1000.25",
        )
        damage = draw.random()
        if damage < 0.03:
            row["medfee_sumamt"] = "坏"
        elif damage < 0.05:
            row["setl_id"] = f"S{draw.randint(0, n):06d}"
        elif damage < 0.07:
            row["diag_name"] = 'a "quoted", thing\nwith lines'
        rows.append({"diag_name": "阑尾炎"} | row)
    return rows


@pytest.fixture
def fresh(empty, tmp_path: Path):
    opened: list[Workspace] = []

    def make() -> Workspace:
        opened.append(empty(tmp_path / f"fresh{len(opened)}.dz"))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()


def found(workspace: Workspace) -> list[tuple[object, ...]]:
    return sorted(rows_of(workspace, "finding", "severity, code, row, column_name, value, details"), key=repr)


def test_chunk_size_and_process_change_nothing(
    fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "a.csv", table(many(3000)), "gb18030")
    seen = []
    for chunk, alone in ((1 << 22, 1 << 30), (700, 1 << 30), (20000, 1 << 30), (50000, 0)):
        monkeypatch.setattr(load, "ALONE", alone)
        workspace = fresh()
        receipt = import_file(workspace, "cases", path, chunk=chunk)
        assert receipt.rows_read == 3000 == receipt.accepted + receipt.refused
        seen.append(
            (
                receipt.accepted,
                receipt.warnings,
                content(workspace),
                found(workspace),
                rows_of(workspace, "cases", "setl_id, row", "setl_id"),
            )
        )
    assert seen[0][0] > 2700 and seen[0][1] > 100
    for other in seen[1:]:
        assert other == seen[0]


def test_row_order_changes_nothing(fresh, tmp_path: Path) -> None:
    rows = [row for row in many(400) if row["medfee_sumamt"] != "坏"]
    rows = list({row["setl_id"]: row for row in rows}.values())
    one, two = fresh(), fresh()
    import_file(one, "cases", write_csv(tmp_path / "a.csv", table(rows)))
    random.Random(2).shuffle(rows)
    import_file(two, "cases", write_csv(tmp_path / "a2.csv", table(rows)))
    assert content(one) == content(two)


def test_csv_xlsx_and_sqlite_say_the_same(fresh, tmp_path: Path) -> None:
    grid = table(many(300))
    sources = [
        write_csv(tmp_path / "a.csv", grid, "utf-16"),
        write_csv(tmp_path / "a.tsv", grid, "gb18030", "\t"),
        write_xlsx(tmp_path / "a.xlsx", grid),
        write_sqlite(tmp_path / "a.db", grid),
    ]
    seen = []
    for path in sources:
        workspace = fresh()
        receipt = import_file(workspace, "cases", path)
        seen.append(
            (
                receipt.rows_read,
                receipt.accepted,
                receipt.warnings,
                content(workspace),
                rows_of(workspace, "cases", "setl_id, row", "setl_id"),
            )
        )
    for other in seen[1:]:
        assert other == seen[0]


def test_typed_cells_of_a_workbook(fresh, tmp_path: Path) -> None:
    head = [
        "setl_id",
        "insutype",
        "fixmedins_code",
        "dscg_time",
        "diag_code",
        "oprn_code",
        "medfee_sumamt",
        "hifp_pay",
        "age",
        "brdy",
    ]
    grid: list[list[object]] = [
        head,
        ["S1", 310, "H1", "2024-03-08 10:00", "K35.300", 47.01, 1234.56, 0.1 + 0.2, 33.0, 20240131],
        [],
        [350900123456789012345.0, 310, "H1", "2024-03-08", "K35.300", "47.0100", 1, 1, "", ""],
    ]
    workspace = fresh()
    path = tmp_path / "a.xlsx"
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("数据")
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for i, row in enumerate(grid):
            for j, value in enumerate(row):
                page.write(i, j, value)
        page.write_datetime(1, 3, datetime(2024, 3, 8, 10, 0), day)
    receipt = import_file(workspace, "cases", path)
    assert rows_of(workspace, "cases", "row, dscg_time, oprn_code, medfee_sumamt, hifp_pay, age, brdy") == [
        (2, "2024-03-08 10:00:00", "47.01", 123456, 30, 33, "2024-01-31")
    ]
    assert {(f.severity, f.code, f.row) for f in receipt.findings if f.row and f.row > 1} == {
        ("warning", "code_shortened", 2),
        ("refused", "digits_lost", 4),
    }


def test_legacy_xls(fresh, tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", table([case()]))
    done = (
        subprocess.run(
            [
                "soffice",
                f"-env:UserInstallation=file://{tmp_path}/lo",
                "--headless",
                "--convert-to",
                "xls",
                "--outdir",
                str(tmp_path),
                str(tmp_path / "a.xlsx"),
            ],
            capture_output=True,
            timeout=200,
            check=False,
        )
        if _which("soffice")
        else None
    )
    if done is None or not (tmp_path / "a.xls").exists():
        pytest.skip("no LibreOffice here to write an xls")
    assert import_file(fresh(), "cases", tmp_path / "a.xls").accepted == 1


def _which(name: str) -> str | None:
    import shutil

    return shutil.which(name)


def test_import_and_undo_leave_the_content(fresh, tmp_path: Path) -> None:
    workspace = fresh()
    import_file(workspace, "cases", write_csv(tmp_path / "a.csv", table(many(200))))
    before = content(workspace)
    receipt = import_file(workspace, "cases", write_csv(tmp_path / "b.csv", table([case("X1"), case("X2")])))
    assert receipt.accepted == 2 and content(workspace) != before
    workspace.ledger.undo()
    assert content(workspace) == before
    again = import_file(workspace, "cases", tmp_path / "b.csv")
    assert again.accepted == 2


def test_the_same_file_and_the_same_keys_are_refused(fresh, tmp_path: Path) -> None:
    workspace = fresh()
    path = write_csv(tmp_path / "a.csv", table([case("S1"), case("S2"), case("S1", dept="again")]))
    receipt = import_file(workspace, "cases", path)
    assert [(f.code, f.row, f.values["first_row"]) for f in receipt.findings if f.severity == "refused"] == [
        ("key_repeated", 4, "2")
    ]
    with pytest.raises(Refused) as told:
        import_file(workspace, "cases", path)
    assert told.value.code == "file_known"
    receipt = import_file(
        workspace,
        "cases",
        write_csv(
            tmp_path / "b.csv",
            table(
                [
                    case("S2"),
                    case("S3"),
                    case(
                        "S2",
                        medfee_sumamt="-1000.00",
                        fund_pay_sumamt="-700.50",
                        hifp_pay="-600.00",
                        psn_part_amt="-299.50",
                    ),
                ]
            ),
        ),
    )
    assert (receipt.accepted, receipt.refused) == (2, 1)
    assert [(f.code, f.row, f.values["first_file"]) for f in receipt.findings if f.severity == "refused"] == [
        ("key_taken", 2, "a.csv")
    ]


def test_repeated_keys_are_found_when_indexes_are_built_last(
    fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(500)
    path = write_csv(tmp_path / "a.csv", table(rows))
    usual, late = fresh(), fresh()
    first = import_file(usual, "cases", path)
    monkeypatch.setattr(load, "ALONE", 0)
    second = import_file(late, "cases", path)
    assert content(usual) == content(late) and found(usual) == found(late)
    assert (first.accepted, first.refused) == (second.accepted, second.refused)
    indexes = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'cases' ORDER BY name"
    assert usual.reader().execute(indexes).fetchall() == late.reader().execute(indexes).fetchall()


def test_persons_are_nowhere_in_the_workspace(fresh, tmp_path: Path) -> None:
    workspace = fresh()
    rows = [
        case(f"S{n}", psn_no=f"77700{n:08d}")
        | {"psn_name": f"欧阳娜娜{n}", "certno": f"3509811990010{n:05d}"}
        for n in range(50)
    ]
    rows[3]["medfee_sumamt"] = "坏"
    rows[4]["psn_no"] = "7.7700000000004E+12"
    lines = csv_text(table(rows)).splitlines()
    lines[6] += ",多一格"
    lines[7] = lines[7][:-30]
    lines[8] = lines[8].replace("欧阳", '"欧阳')
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), "utf-8")
    receipt = import_file(workspace, "cases", path)
    assert receipt.refused == 4
    workspace.close()
    for file in tmp_path.glob("fresh0.dz*"):
        data = file.read_bytes()
        for secret in ("欧阳娜娜", "777000", "350981199", "7.77000"):
            assert secret.encode() not in data, (file, secret)
    assert not any("欧阳" in str(f) or "77700" in str(f) or "3509811990" in str(f) for f in receipt.findings)


def test_persons_with_the_same_number_have_the_same_hash_in_one_workspace_only(fresh, tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv", table([case("S1"), case("S2"), case("S3", psn_no="1"), case("S4", psn_no="")])
    )
    one, other = fresh(), Workspace.create(tmp_path / "other.dz")
    with other:
        import_file(one, "cases", path)
        import_file(other, "cases", path)
        a, b, c, d = (row[0] for row in rows_of(one, "cases", "person", "setl_id"))
        assert a == b != c and d is None and len(str(a)) == 32
        assert rows_of(other, "cases", "person", "setl_id")[0][0] != a


def test_dry_run_writes_nothing(fresh, tmp_path: Path) -> None:
    workspace = fresh()
    path = write_csv(tmp_path / "a.csv", table(many(300)))
    dry = import_file(workspace, "cases", path, dry_run=True)
    assert (
        dry.batch_id is None
        and rows_of(workspace, "cases") == rows_of(workspace, "batch") == rows_of(workspace, "finding") == []
    )
    real = import_file(workspace, "cases", path)
    assert (dry.rows_read, dry.accepted, dry.refused, dry.warnings, dry.findings) == (
        real.rows_read,
        real.accepted,
        real.refused,
        real.warnings,
        real.findings,
    )


class Stopping:
    """Esc after some reports."""

    def __init__(self, after: int) -> None:
        self.left = after

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.left -= 1

    @property
    def cancelled(self) -> bool:
        return self.left <= 0


@pytest.mark.parametrize("alone", [0, 1 << 30])
def test_cancelling_changes_nothing(
    fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: int
) -> None:
    monkeypatch.setattr(load, "ALONE", alone)
    workspace = fresh()
    path = write_csv(tmp_path / "a.csv", table(many(500)))
    with pytest.raises(Cancelled):
        import_file(workspace, "cases", path, chunk=5000, progress=Stopping(4))
    assert rows_of(workspace, "cases") == rows_of(workspace, "batch") == rows_of(workspace, "finding") == []
    assert import_file(workspace, "cases", path).rows_read == 500


KILLED = """
import sys
from pathlib import Path
from core.intake.load import import_file
from core.storage.workspace import Workspace
from core.texts import Texts
if __name__ == "__main__":
    workspace = Workspace.open(Path(sys.argv[1]))
    class Told:
        cancelled = False
        def report(self, code, done, total=None):
            print(code, done, flush=True)
    import_file(workspace, "cases", Path(sys.argv[2]), progress=Told(), chunk=200000)
"""


def test_a_killed_import_leaves_the_workspace_whole(tmp_path: Path) -> None:
    path = tmp_path / "w.dz"
    with Workspace.create(path, region="350900") as workspace:
        import_file(workspace, "cases", write_csv(tmp_path / "a.csv", table([case("OLD")])))
    big = write_csv(tmp_path / "big.csv", table(many(60000)))
    script = tmp_path / "go.py"
    script.write_text(KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(path), str(big)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("import ") and int(line.split()[1]) > 1_000_000:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    while True:
        try:
            workspace = Workspace.open(path, strict=True)
            break
        except Exception:  # the killed writer's lock is let go by the system, in its own time
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with workspace:
        assert [entry["what"] for entry in workspace.interrupted] == ["import"]
        assert rows_of(workspace, "cases", "setl_id") == [("OLD",)] and workspace.ledger.check() == []
        assert len(rows_of(workspace, "sqlite_master", "name", "name")) > 0
        assert workspace.reader().execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'cases_key'"
        ).fetchone() == (1,)
        receipt = import_file(workspace, "cases", big)
        assert receipt.rows_read == 60000 == receipt.accepted + receipt.refused


def test_mappings_are_given_and_remembered(fresh, tmp_path: Path) -> None:
    grid = table([case()])
    grid[0] = [f"列{n}" for n in range(len(grid[0]))]
    path = write_csv(tmp_path / "a.csv", grid)
    (tmp_path / "map.json").write_text(
        "{"
        + ", ".join(f'"列{n}": "{name}"' for n, name in enumerate(HEADINGS) if name != "psn_no")
        + ', "列1": null}',
        "utf-8",
    )
    (tmp_path / "map.csv").write_text(
        "heading,column\n"
        + "".join(f"列{n},{name if name != 'psn_no' else ''}\n" for n, name in enumerate(HEADINGS)),
        "gb18030",
    )
    mapping = read_mapping(tmp_path / "map.json")
    assert mapping == read_mapping(tmp_path / "map.csv") and mapping["列1"] is None
    workspace = fresh()
    with pytest.raises(Refused):
        import_file(workspace, "cases", path)
    assert import_file(workspace, "cases", path, mapping=mapping).accepted == 1
    grid[1][0] = "S2"
    assert import_file(workspace, "cases", write_csv(tmp_path / "b.csv", grid)).accepted == 1
    assert rows_of(workspace, "cases", "person") == [(None,), (None,)]
    (tmp_path / "bad.json").write_text("{nonsense")
    with pytest.raises(Usage):
        read_mapping(tmp_path / "bad.json")


# --- damaged at random ---------------------------------------------------------------------------------

ODD = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "坏",
        "1,234.50",
        '"',
        "O",
        "0",
        "-1",
        "1e9",
        "45322",
        "合计",
        "\n",
        "，",
        "NULL",
        "�",
        "310",
        "９",
        "'",
        "=1+1",
    ]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 15), ODD), max_size=8), st.integers(300, 4000))
def test_damaged_cells_never_lose_a_row(empty, damages: list[tuple[int, int, str]], chunk: int) -> None:
    rows = [case(f"S{n}") for n in range(12)]
    for row, column, text in damages:
        rows[row][HEADINGS[column]] = text
    with tempfile.TemporaryDirectory() as folder, empty(Path(folder) / "w.dz") as workspace:
        receipt = import_file(workspace, "cases", write_csv(Path(folder) / "a.csv", table(rows)), chunk=chunk)
        aside = (
            workspace.reader()
            .execute("SELECT count(*) FROM finding WHERE code IN ('total_row', 'footer_row')")
            .fetchone()[0]
        )
        told = (
            workspace.reader()
            .execute("SELECT count(DISTINCT row) FROM finding WHERE severity = 'refused'")
            .fetchone()[0]
        )
        stored = workspace.reader().execute("SELECT count(*) FROM cases").fetchone()[0]
        assert receipt.rows_read + aside == 12
        assert receipt.rows_read == receipt.accepted + receipt.refused
        if not receipt.accepted:  # nothing is left of such a file; the receipt tells of every row
            told = len({finding.row for finding in receipt.findings if finding.severity == "refused"})
        assert (stored, told) == (receipt.accepted, receipt.refused)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3)), max_size=6),
    st.integers(200, 5000),
    st.sampled_from(["utf-8", "gb18030"]),
)
def test_damaged_bytes_never_crash(empty, damages: list[tuple[int, bytes]], chunk: int, encoding: str) -> None:
    data = bytearray(csv_text(table([case(f"S{n}", diag_name="阑尾炎") for n in range(12)])).encode(encoding))
    for place, junk in damages:
        at = place % len(data)
        data[at : at + 2] = junk
    with tempfile.TemporaryDirectory() as folder, empty(Path(folder) / "w.dz") as workspace:
        path = Path(folder) / "a.csv"
        path.write_bytes(bytes(data))
        try:
            receipt = import_file(workspace, "cases", path, chunk=chunk)
        except Refused:
            assert workspace.reader().execute("SELECT count(*) FROM batch").fetchone() == (0,)
            return
        stored = workspace.reader().execute("SELECT count(*) FROM cases").fetchone()[0]
        told = (
            workspace.reader()
            .execute("SELECT count(DISTINCT row) FROM finding WHERE severity = 'refused'")
            .fetchone()[0]
        )
        assert receipt.rows_read == receipt.accepted + receipt.refused
        if not receipt.accepted:  # nothing is left of such a file; the receipt tells of every row
            told = len({finding.row for finding in receipt.findings if finding.severity == "refused"})
        assert (stored, told) == (receipt.accepted, receipt.refused)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.from_regex(r"[+-]?[0-9]{0,17}(\.[0-9]{0,4})?", fullmatch=True),
            st.text("0123456789.,-+ ¥e", max_size=12),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_amounts_at_once_equal_money_fen(texts: list[str]) -> None:
    block = cells.block_of([[text] for text in texts], list(range(len(texts))), 1)
    numbers, good = cells.amounts(block, 0, 2)
    for text, number, clean in zip(texts, numbers.tolist(), good.tolist(), strict=True):
        if clean:
            assert number == fen(text)
        read = read_cell(KINDS["cases"].field("medfee_sumamt"), text)
        if clean:
            assert read.value == number
        elif read.value is not None:
            assert Fraction(read.value, 100) == Fraction(
                text.strip().replace(",", "").replace(" ", "").strip("¥").replace("¥", "") or "0"
            )


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.from_regex(
                r"(19|20|21)[0-9]{2}[-/][0-9]{1,2}[-/][0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?",
                fullmatch=True,
            ),
            st.from_regex(r"20[0-9]{6}", fullmatch=True),
            st.text("0123456789-/: T", max_size=20),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_times_at_once_equal_the_careful_way(texts: list[str]) -> None:
    block = cells.block_of([[text] for text in texts], list(range(len(texts))), 1)
    matrix, lengths, _ = cells.matrix(block, 0, 24)
    found_ = cells.times(matrix, lengths)
    for i, text in enumerate(texts):
        if found_.good[i]:
            shown = found_.text[i, : found_.lengths[i]].tobytes().decode()
            assert read_cell(KINDS["cases"].field("dscg_time"), text).value == shown
            assert int(shown[:10].replace("-", "")) == found_.day[i]
            datetime.fromisoformat(shown)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("AB1é漢", max_size=20), min_size=1, max_size=30))
def test_factors_are_exact(texts: list[str]) -> None:
    block = cells.block_of([[text] for text in texts], list(range(len(texts))), 1)
    matrix, lengths, _ = cells.matrix(block, 0)
    factors = cells.factors(matrix, lengths)
    assert [texts[factors.first[code]] for code in factors.codes.tolist()] == texts
    assert len(factors.first) == len(set(texts)) and isinstance(factors.first, np.ndarray)


# --- the other kinds -----------------------------------------------------------------------------------

SMALL = {
    "institutions": (
        "机构编码,机构名称,医院等级,县区,核定床位,信用等级\nH1,宁德一院,三级甲等,蕉城区,800,A级\nH2,乡卫生院,02,福鼎,20,b\n",
        "institution",
        "fixmedins_code, hosp_lv, county, beds_authorised, credit",
        [("H1", 2, "蕉城区", 800, "A"), ("H2", 2, "福鼎", 20, "B")],
    ),
    "catalogue": (
        'DIP病种编码,病种名称,病种类型,分值,年度,主要操作代码,是否基层病种,例均费用（元）\nK35.3:47.0100,阑尾炎,核心病种,0.85500,2024,47.0100+3.3101,否,"8,500.00"\n',
        "catalogue",
        "version, year, dip_code, kind, score, oprn_code, primary_care, mean_fee",
        [("f", 2024, "K35.3:47.0100", "core", "0.855", "47.0100+03.3101", 0, 850000)],
    ),
    "exclusions": (
        "年度,清单,编码,说明\n2024,主要诊断,Z37.OOO,结局\n2024,手术操作,3.9101,局部麻醉\n",
        "exclusion",
        "version, year, list, code, note",
        [("f", 2024, "diagnosis", "Z37.000", "结局"), ("f", 2024, "operation", "03.9101", "局部麻醉")],
    ),
    "code_maps": (
        "编码体系,原版本,原编码,新版本,新编码\n病种,2024,K35.9:47.0901,2025,K35.8:47.0901\n手术操作,,3.3101,,03.3102\n",
        "code_map",
        "system, from_edition, from_code, to_edition, to_code, note",
        [
            ("group", "2024", "K35.9:47.0901", "2025", "K35.8:47.0901", None),
            ("operation", "", "03.3101", "", "03.3102", None),
        ],
    ),
    "auxiliary": (
        "版本,年度,病种编码,辅助类型,分档,校正系数\nv1,2024,K35.3,年龄,66+,1.10\n",
        "auxiliary",
        "version, year, type, band, factor",
        [("v1", 2024, "age", "66+", "1.1")],
    ),
    "operations": (
        "手术操作代码,手术操作名称,属性,级别\n47.0100,腹腔镜阑尾切除术,手术,3\n88.5500,造影,介入治疗,\n",
        "operation",
        "oprn_code, attribute, level",
        [("47.0100", "surgery", "3"), ("88.5500", "intervention", None)],
    ),
    "reference_means": (
        "年度,病种编码,级别,例均费用\n2023,K35.3,三级,9000\n2023,K35.3,全部,8000.5\n",
        "reference_mean",
        "year, level, fund, mean_fee",
        [(2023, "3", "all", 900000), (2023, "all", "all", 800050)],
    ),
    "coefficients": (
        "机构编码,险种,系数项,系数,生效日期\nH1,职工,基本系数,1.050,2024\nH1,,加成系数：重点专科,0.02,\nH1,,扣减系数:违规,-0.1,\n",
        "coefficient",
        "set_name, fund, part, value, valid_from",
        [
            ("imported", "all", "bonus:重点专科", "0.02", ""),
            ("imported", "employee", "base", "1.05", "2024-01-01"),
        ],
    ),
    "budget": (
        "年度,基金,预算项目,金额(万元),日期,文号\n2024,职工,DIP预算,13000,2024-01-15,宁医保〔2024〕1号\n2024,居民,其他：救助,1.5,,\n2024,居民,收入:财政补助,2,,\n",
        "budget",
        "fund, item, amount, date, document",
        [
            ("employee", "dip_budget", 13_000_000_000, "2024-01-15", "宁医保〔2024〕1号"),
            ("resident", "income:财政补助", 2_000_000, "", ""),
            ("resident", "other:救助", 1_500_000, "", ""),
        ],
    ),
    "payments": (
        '机构编码,险种,月份,类型,金额\nH1,职工,2024-01,月结,"1,000.00"\nH1,职工,2024,预付金,3000\nH1,职工,2024年2月,质保金,50\n',
        "payment",
        "period, kind, amount",
        [("2024", "advance", 300000), ("202401", "monthly", 100000), ("202402", "retention", 5000)],
    ),
    "deductions": (
        "机构编码,险种,期间,类型,金额,备注\nH1,居民,202403,审核扣款,12.34,智能审核\nH1,居民,202403,自查退回,1,\n",
        "deduction",
        "fund, period, kind, amount, note",
        [("resident", "202403", "audit", 1234, "智能审核"), ("resident", "202403", "refund", 100, "")],
    ),
    "assessments": (
        "机构编码,年度,考核指标,满分,得分\nH1,2024年,质量,40,38.50\n",
        "assessment",
        "year, indicator, max_points, points",
        [(2024, "质量", "40", "38.5")],
    ),
    "special_cases": (
        "结算ID,评审结果,核定分值\nS1,按项目付费,\nS2,调整分值,1.2\nS3,调整,\n",
        "special_case",
        "setl_id, decision, score",
        [("S1", "by_item", None), ("S2", "adjusted", "1.2")],
    ),
    "official_clearing": (
        "机构编码,险种,年度,项目,金额\nH1,职工,2024,总分值,9000.1234\nREGION,职工,2024,点值,8605.0658\n全市,居民,2024,point_value,1\n",
        "official_clearing",
        "fixmedins_code, fund, column_id, amount",
        [
            ("H1", "employee", "score", "9000.1234"),
            ("REGION", "employee", "point_value", "8605.0658"),
            ("REGION", "resident", "point_value", "1"),
        ],
    ),
    "official_cases": (
        "结算ID,病种编码,病种分值,机构等级系数,辅助目录最终系数,偏差类型,最终分值,分值结算点值,DIP支付金额\n"
        "S1,K35.3:47.0100,0.9,1.05,1,正常,0.945,8605.0658,4321.09\n",
        "official_case",
        "setl_id, dip_code, rw, coefficient, factor, score, point_value, pay",
        [("S1", "K35.3:47.0100", "0.9", "1.05", "1", "0.945", "8605.0658", 432109)],
    ),
    "control_totals": (
        "结算期,记录数,医疗费总额\n202401,1000,123.45\n",
        "control_total",
        "period, fixmedins_code, fund, rows, medfee_sumamt",
        [("202401", "", "all", 1000, 12345)],
    ),
    "fund_months": (
        "险种,月份,收入,支出,累计结余\n职工,2024-01,1,2,-3\n",
        "fund_month",
        "fund, month, income, expenditure, balance",
        [("employee", "202401", 100, 200, -300)],
    ),
    "diagnoses": (
        "结算ID,诊断代码,诊断名称,主诊断标志\nS1,K35.300,阑尾炎,是\nS1,I10.x00,高血压,否\nS2,J18.9OO,肺炎,1\n",
        "diagnosis",
        "setl_id, ord, diag_code, maindiag_flag",
        [("S1", 1, "K35.300", 1), ("S1", 2, "I10.x00", 0), ("S2", 1, "J18.900", 1)],
    ),
    "operations_done": (
        "结算ID,手术操作类别,手术操作代码,手术日期\nS1,主要手术,47.0100,2024/3/2\n",
        "operation_done",
        "setl_id, ord, oprn_oprt_type, oprn_oprt_code, oprn_oprt_date",
        [("S1", 1, 1, "47.0100", "2024-03-02")],
    ),
    "groups": (
        'setl_id,grp_stas,dip_dise_grp_code,oprn_grp_code,grp_dise_sco,asst_list_detl\nS1,1,K35.3:47.0100,"47.0100,88.5500",0.9,severity:II\n',
        "case_group",
        "setl_id, grp_stas, dip_dise_grp_code, oprn_grp_code, grp_dise_sco, asst_list_detl",
        [("S1", 1, "K35.3:47.0100", "47.0100|88.5500", "0.9", "severity:II")],
    ),
}


def test_every_kind_is_covered_here() -> None:
    assert set(SMALL) | {"cases"} == set(KINDS)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_every_kind_by_its_chinese_headings(fresh, tmp_path: Path, kind: str, encoding: str) -> None:
    text, table_name, columns, expected = SMALL[kind]
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode(encoding))
    workspace = fresh()
    receipt = import_file(workspace, kind, path)
    order = ", ".join(str(n + 1) for n in range(columns.count(",") + 1))
    assert (
        rows_of(workspace, table_name, columns, order) == sorted(expected, key=repr)
        or rows_of(workspace, table_name, columns, order) == expected
    )
    assert receipt.rows_read == receipt.accepted + receipt.refused and receipt.refused == {
        "coefficients": 1,
        "special_cases": 1,
    }.get(kind, 0)
    assert [f for f in receipt.findings if f.severity == "warning"] == [] or kind in (
        "coefficients",
        "diagnoses",
        "catalogue",
        "exclusions",
        "code_maps",
    )
    workspace.ledger.undo()
    assert rows_of(workspace, table_name) == []


def test_a_wide_official_sheet(fresh, tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text(
        "机构编码,机构名称,险种,病例数,总分值,点值,医疗总费用（万元）,DIP应付（元）,结余/超支,清算应拨(+)/应退(-),说明\n"
        'H1,一院,职工,1200,9000.1234,8605.0658,8500.000001,"48,546,654.07",-1.5,-175141.22,x\nH2,二院,职工,坏,1,1,1,1,1,1,\nH1,一院,职工,1,1,1,1,1,1,1,\n',
        "utf-8",
    )
    workspace = fresh()
    receipt = import_file(workspace, "official_clearing", path, year=2024)
    assert (receipt.rows_read, receipt.accepted, receipt.refused) == (3, 1, 2)
    assert dict(rows_of(workspace, "official_clearing", "column_id, amount")) == {
        "cases": "1200",
        "score": "9000.1234",
        "point_value": "8605.0658",
        "total_cost": "85000000.01",
        "due": "48546654.07",
        "surplus": "-1.5",
        "final": "-175141.22",
    }
    with pytest.raises(Usage) as told:
        import_file(workspace, "official_clearing", path)
    assert told.value.code == "year_missing"


def test_a_wide_official_sheet_by_the_ids_of_steps(fresh, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("fixmedins_code,fund,assessment_score,item_paid,nosuch\nH1,职工,93.5,12.34,1\n", "utf-8")
    workspace = fresh()
    import_file(workspace, "official_clearing", path, year=2024)
    told = dict(rows_of(workspace, "official_clearing", "column_id, amount"))
    assert told == {"assessment_score": "93.5", "item_paid": "12.34"}


def test_a_budget_item_below_nothing_is_refused_as_in_the_window(fresh, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("year,fund,item,amount\n2024,职工,reserve,-5\n2024,职工,dip_topup,-5\n2024,职工,chronic,0\n", "utf-8")
    workspace = fresh()
    receipt = import_file(workspace, "budget", path)
    assert (receipt.accepted, receipt.refused) == (2, 1)
    assert [one.code for one in receipt.findings if one.severity == "refused"] == ["budget_item_negative"]
    assert set(rows_of(workspace, "budget", "item")) == {("dip_topup",), ("chronic",)}


def test_a_long_official_sheet_in_wan(fresh, tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("机构编码,险种,年度,项目,金额（万元）\nH1,职工,2024,DIP应付,4854.665407\nH1,职工,2024,总分值,9000.1234\n", "utf-8")
    workspace = fresh()
    import_file(workspace, "official_clearing", path)
    assert dict(rows_of(workspace, "official_clearing", "column_id, amount")) == {
        "due": "48546654.07",
        "score": "9000.1234",
    }


def test_a_step_that_nobody_knows_is_said_at_import(fresh, tmp_path: Path) -> None:
    """Kept, since an own pack may have it; a step of any pack that is shipped is nothing to say."""
    path = tmp_path / "s.csv"
    path.write_text(
        "机构编码,险种,年度,项目,金额\nH1,职工,2024,清算应拨,1\nH1,职工,2024,finall,2\nH1,职工,2024,point_value,3\nH1,职工,2024,share_rate,4\n",
        "utf-8",
    )
    workspace = fresh()
    receipt = import_file(workspace, "official_clearing", path)
    (said,) = (one for one in receipt.findings if one.severity == "warning")
    assert (said.code, said.row, said.value, receipt.accepted) == ("step_unknown", 3, "finall", 4)
    for lang in ("zh", "en"):
        told = Texts(lang).finding(said)
        assert "due" in told and "finall" in told and "{" not in told


def test_the_year_given_fills_what_is_empty_and_filters_nothing(fresh, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("year,fund,item,amount\n2023,职工,dip_budget,1\n,职工,dip_budget,2\n", "utf-8")
    workspace = fresh()
    import_file(workspace, "budget", path, year=2024)
    assert rows_of(workspace, "budget", "year, amount") == [(2023, 100), (2024, 200)]


def test_the_national_headings_are_claimed() -> None:
    given_ = {
        "人员姓名": "psn_name",
        "证件号码": "certno",
        "清算类别": "clr_type",
        "参保所属医保区划": "insu_admdvs",
        "实际住院天数": "act_ipt_days",
        "离院方式": "dscg_way",
        "主要诊断名称": "diag_name",
        "个人账户支出": "acct_pay",
        "个人现金支出": "psn_cash_pay",
        "医院负担金额": "hosp_part_amt",
        "全自费金额": "psn_ownpay",
        "退费结算标志": "refd_setl_flag",
        "有效标志": "vali_flag",
        "DIP病种名称": "dip_dise_grp_name",
        "病种分值": "grp_dise_sco",
        "定点医药机构名称": "fixmedins_name",
        " 医疗费总额 （元）": "medfee_sumamt",
        "ＤＩＰ病种编码": "dip_dise_grp_code",
        "结算\nID": "setl_id",
    }
    assert claim(KINDS["cases"], list(given_)).mapping == given_


def test_a_refused_row_is_kept_as_it_stood_without_naming_anybody(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "明细.csv"
    file.write_text(
        "setl_id,psn_no,psn_name,dept,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,hifp_pay\n"
        "S1,P77001,张三丰,李四科,310,H1,2024-02-31,K35.301,6000.00,4000.00\n",
        "utf-8",
    )
    (finding,) = [one for one in import_file(workspace, "cases", file).findings if one.severity == "refused"]
    whole = finding.values["text"]
    for part in ("setl_id=S1", "dscg_time=2024-02-31", "medfee_sumamt=6000.00", "psn_no=···", "dept=···"):
        assert part in whole
    assert not any(secret in whole for secret in ("P77001", "张三丰", "李四科"))


def test_points_above_the_maximum_are_said(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "考核.csv"
    file.write_text("fixmedins_code,year,indicator,max_points,points\nH1,2024,a,100,101\nH1,2024,b,100,100.0\n", "utf-8")
    receipt = import_file(workspace, "assessments", file)
    assert (receipt.accepted, receipt.warnings) == (2, 1)
    assert [(one.code, one.row) for one in receipt.findings] == [("points_above_max", 2)]


def test_large_files_one_after_the_other_on_one_connection(workspace: Workspace, tmp_path: Path) -> None:
    """The indexes of `cases` are dropped and built anew for each file that outweighs what is there."""
    for number, rows in ((1, 40), (2, 400), (3, 4_000)):
        file = tmp_path / f"{number}.csv"
        lines = [
            f"S{number}-{i},310,H1,2024-02-01,K35.301,{'6000.00' if i % 3 else '600.00'},400.00" for i in range(rows)
        ]
        heading = "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,hifp_pay"
        file.write_text("\n".join([heading, *lines, lines[0]]) + "\n", "utf-8")
        receipt = import_file(workspace, "cases", file)
        assert (receipt.accepted, receipt.refused) == (rows, 1)
        workspace.ledger.undo()
        workspace.ledger.redo()
    names = {name for (name,) in workspace.reader().execute("SELECT name FROM pragma_index_list('cases')")}
    assert names == {"cases_key", "cases_year", "cases_odd"}


@pytest.mark.parametrize(("own", "warned"), [("1200.00", False), ("100.00", True), ("", False)])
def test_without_the_funds_sum_its_parts_have_to_close(workspace: Workspace, tmp_path: Path, own: str, warned: bool) -> None:
    """3,000 = 1,800 of the pool and 1,200 of the patient; with 100 of the patient 1,100 nobody paid."""
    file = tmp_path / "明细.csv"
    heading = "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,hifp_pay,psn_part_amt"
    file.write_text(f"{heading}\nS1,310,H1,2024-02-01,K35.301,3000.00,1800.00,{own}\n", "utf-8")
    receipt = import_file(workspace, "cases", file)
    assert receipt.accepted == 1
    assert [one.code for one in receipt.findings] == (["fee_identity"] if warned else [])


def test_a_file_of_which_nothing_is_taken_leaves_no_batch(workspace: Workspace, tmp_path: Path) -> None:
    """Heading alone, or every row refused: all is as it was, and the file may come again."""
    bad = [["year", "fund", "item", "amount"], *[["2024", "职工", "outside_card", "-5"]] * 301]
    before = workspace.generation()
    for grid, refused in ((bad[:1], 0), (bad, 301)):
        for dry_run in (True, False):
            receipt = import_file(workspace, "budget", write_csv(tmp_path / "b.csv", grid), dry_run=dry_run)
            assert (receipt.batch_id, receipt.accepted, receipt.refused) == (None, 0, refused)
            assert workspace.generation() == before and rows_of(workspace, "batch", "id") == []
    assert receipt.found >= 301 > len(receipt.findings) == 200
    assert receipt.findings[0].value == "-5"  # as it stands in the file


def test_a_reversal_without_original_is_said_as_it_comes_in(workspace: Workspace, tmp_path: Path) -> None:
    money = {"medfee_sumamt": "-1000.00", "fund_pay_sumamt": "-700.50", "hifp_pay": "-600.00", "psn_part_amt": "-299.50"}
    path = write_csv(tmp_path / "r.csv", table([case("S1"), case("S1", **money), case("S9", **money)]))
    for dry_run in (True, False):
        receipt = import_file(workspace, "cases", path, dry_run=dry_run)
        lone = [one for one in receipt.findings if one.code == "reversal_without_original"]
        assert [(one.subject, one.row, one.severity) for one in lone] == [("S9", 4, "warning")]
        assert receipt.warnings >= 1 and receipt.found >= len(receipt.findings)
    kept = [one.code for one in batches.standing_findings(workspace.reader())]
    assert kept.count("reversal_without_original") == 1  # said again, not kept twice
