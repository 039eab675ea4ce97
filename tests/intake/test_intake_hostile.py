"""Files made to do harm: bombs, far cells, entities, endless lines, schemas with teeth. Each a word, none a crash."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import re
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
import xlsxwriter
from arriving import case, table, write_csv, write_xlsx

from core.faults import Fault, Refused, WorldFault
from core.intake import bounds, databases, load, memory, old_workbook
from core.intake.load import import_file, propose
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts


def book() -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as out:
        page = out.add_worksheet()
        for at, row in enumerate(table([case()])):
            page.write_row(at, 0, row)
    return made.getvalue()


def with_part(path: Path, name: str, fill: Callable[[IO[bytes], bytes], None]) -> Path:
    """The sound workbook with one part written anew."""
    source = zipfile.ZipFile(io.BytesIO(book()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.namelist():
            if part == name:
                with archive.open(part, "w") as out:
                    fill(out, source.read(part))
            else:
                archive.writestr(part, source.read(part))
    return path


def refused(path: Path, workspace: Workspace) -> str:
    lines = len(workspace.ledger.lines())
    with pytest.raises(Fault) as caught:
        import_file(workspace, "cases", path)
    with pytest.raises(Fault):
        propose(workspace, path)
    assert len(workspace.ledger.lines()) == lines
    return caught.value.code


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def test_a_workbook_that_expands_beyond_bounds(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bounds.BOMB == (256 << 20, 200)
    monkeypatch.setattr(bounds, "BOMB", (16 << 20, 200))

    def grow(out: IO[bytes], old: bytes) -> None:
        out.write(old[: old.index(b"<si>")] + b"<si><t>")
        for _ in range(20):
            out.write(b"A" * (1 << 20))
        out.write(b"</t></si></sst>")

    assert refused(with_part(tmp_path / "bomb.xlsx", STRINGS, grow), workspace) == "file_bomb"


def test_a_directory_that_lies_about_the_size(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "BOMB", (1 << 20, 200))
    path = with_part(tmp_path / "lie.xlsx", STRINGS, lambda out, old: [out.write(b" " * (1 << 20)) for _ in range(4)] and None)
    data = bytearray(path.read_bytes())
    real = (4 << 20).to_bytes(4, "little")
    at = data.rindex(real)  # in the directory at the end
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    assert refused(path, workspace) == "file_bomb"


@pytest.mark.parametrize(
    "cell",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="2"><c r="ZZ1048576"><v>1</v></c></row>',
        b'<row r="2"><c r="A4294967295"><v>1</v></c></row>',
        b'<row r="1048576"><c r="xfd1048576"><v>1</v></c></row>',
        b"<row>" + b"<c><v>1</v></c>" * 16000 + b"</row>" + b"<row/>" * 20000,
    ],
)  # fmt: skip
def test_a_cell_so_far_out_that_the_sheet_fills_the_memory(
    workspace: Workspace, tmp_path: Path, cell: bytes
) -> None:
    path = with_part(tmp_path / "far.xlsx", SHEET, lambda out, old: out.write(old.replace(b"</sheetData>", cell + b"</sheetData>")) and None)
    assert refused(path, workspace) == "file_bomb"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system itself says how much there is")
def test_what_no_bound_sees_ends_the_reader_and_not_the_program(workspace: Workspace, tmp_path: Path) -> None:
    """A rectangle of 550 GB: the reader is refused the memory and dies, in a process of its own; the next file is read."""
    cell = b'<row r = "1048576"><c r = "XFD1048576"><v>1</v></c></row>'
    far = with_part(tmp_path / "far.xlsx", SHEET, lambda out, old: out.write(old.replace(b"</sheetData>", cell + b"</sheetData>")) and None)
    assert refused(far, workspace) == "reader_died"
    (tmp_path / "good.xlsx").write_bytes(book())
    assert propose(None, tmp_path / "good.xlsx").kind == "cases"


def test_a_fault_of_another_process_is_the_same_fault() -> None:
    told = Refused("file_kind", file="a.xlsx", found="password")
    again = pickle.loads(pickle.dumps(told))
    assert (type(again), str(again), again.values, again.findings) == (Refused, str(told), told.values, ())


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.dat", "xl/media/picture.png"])
def test_a_sheet_by_another_name(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """A book's own list says what is a sheet, whatever it is called, and with whatever prefix and quotes it is written."""
    source = zipfile.ZipFile(io.BytesIO(book()))
    path = tmp_path / "other.xlsx"
    far = b"<s:row r='1048576'><s:c r='XFD1048576'><s:v>1</s:v></s:c></s:row></sheetData>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in source.namelist():
            data = source.read(part)
            if part == SHEET:
                data = re.sub(rb"<(/?)(?=\w)", rb"<\1s:", data.replace(b"</sheetData>", far.replace(b"s:", b"")))
                data = data.replace(b"xmlns=", b"xmlns:s=")
            archive.writestr(name if part == SHEET else part, data.replace(SHEET[3:].encode(), name[3:].encode()))
    assert refused(path, workspace) == "file_bomb"


@pytest.mark.parametrize(("part", "found"), [("xl/workbook.bin", "xlsb"), ("content.xml", "ods")])
def test_formats_without_bounds_are_not_read(workspace: Workspace, tmp_path: Path, part: str, found: str) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr(part, b"x" * 100)
    with pytest.raises(Refused) as caught:
        import_file(workspace, "cases", tmp_path / "a")
    assert (caught.value.code, caught.value.values["found"]) == ("file_format", found)
    assert "xlsx" in Texts("zh").fault(caught.value)


def test_wide_and_long_sheets_of_a_hospital_pass(tmp_path: Path) -> None:
    grid = table([case(f"S{n}") for n in range(500)])
    for row in grid:
        row += [""] * 200 + ["x"]
    bounds.check(write_xlsx(tmp_path / "wide.xlsx", grid))


@pytest.fixture
def little_memory() -> Iterator[Callable[[int], None]]:
    """So many bytes more than this process has, and no more."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)

    def leave(size: int) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + size, before[1]))

    yield leave
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the process")
def test_a_sheet_that_the_memory_does_not_hold_is_told_before_it_is_read(
    workspace: Workspace, tmp_path: Path, little_memory: Callable[[int], None]
) -> None:
    """Within all bounds: 64 columns, one cell in the last row. Reading it takes 2.4 GB, and a reader without them aborts."""
    cell = b'<row r="1048576"><c r="BL1048576"><v>1</v></c></row>'
    path = with_part(tmp_path / "far.xlsx", SHEET, lambda out, old: out.write(old.replace(b"</sheetData>", cell + b"</sheetData>")) and None)
    bounds.check(path)
    little_memory(1 << 30)
    with pytest.raises(Refused) as caught:
        import_file(workspace, "cases", path)
    assert caught.value.code == "file_memory"
    assert 900 < caught.value.values["free"] <= 1024 < 2300 < caught.value.values["need"] < 2700
    for lang in LANGUAGES:
        assert "CSV" in Texts(lang).fault(caught.value)
    write_xlsx(tmp_path / "small.xlsx", table([case()]))
    assert import_file(workspace, "cases", tmp_path / "small.xlsx").accepted == 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the process")
def test_a_long_text_named_often_is_counted_as_often(tmp_path: Path, little_memory: Callable[[int], None]) -> None:
    """Every cell gets its own copy of a shared text. Many short texts and one of 32 KB: it matters which is named."""
    texts = b"".join(b"<si><t>K%d</t></si>" % n for n in range(5000)) + b"<si><t>" + b"x" * 32000 + b"</t></si><si><t/></si>"

    def book_naming(name: bytes, number: int) -> Path:
        row = b'<row><c s="1" t="s"><v>' + str(number).encode() + b"</v></c></row>"
        half = with_part(tmp_path / "half.xlsx", STRINGS, lambda out, old: out.write(old[: old.index(b"<si>")] + texts + b"</sst>") and None)
        source = zipfile.ZipFile(half)
        made = tmp_path / name.decode()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in source.namelist():
                data = source.read(part)
                whole = data.replace(b"</sheetData>", row * 100_000 + b"</sheetData>") if part == SHEET else data
                archive.writestr(part.replace("sharedStrings", "SHAREDstrings"), whole)  # the reader takes it by any case
        return made

    short, long = book_naming(b"short.xlsx", 17), book_naming(b"long.xlsx", 5000)
    little_memory(1 << 30)
    bounds.check(short)
    with pytest.raises(Refused) as caught:
        bounds.check(long)
    assert caught.value.code == "file_memory"
    assert 3000 < caught.value.values["need"] < 4000  # 100,000 times 32,000 bytes and the margin


def test_the_memory_of_a_group_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's limit, as the kernel's files say it: what is cached and can go counts as free."""
    if sys.platform != "linux":
        pytest.skip("groups of Linux")
    free = memory.free()
    assert free is not None and free > 1 << 20
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    newer = [name for number, controllers, name in lines if number == "0" and not controllers]
    if not newer:
        pytest.skip("groups of the older kind")
    own = tmp_path / newer[0].strip("/")
    own.mkdir(parents=True, exist_ok=True)
    (own / "memory.max").write_text(str(500 << 20))
    (own / "memory.current").write_text(str(480 << 20))
    (own / "memory.stat").write_text(f"anon 1\ninactive_file {80 << 20}\n")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    assert memory.free() == 100 << 20
    (own / "memory.max").write_text("max")
    assert (memory.free() or 0) > 100 << 20


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_reader_that_the_system_ends_does_not_take_the_program_along(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended before its first word, as where memory runs out: what ended it is not tried here once more."""
    monkeypatch.setattr(load, "ALONE", 0)
    path = write_csv(tmp_path / "a.csv", table([case()]))

    start = load.beside.blocks

    def killed(*given: object, **more: object) -> object:
        blocks = start(*given, **more)
        for child in multiprocessing.active_children():
            child.kill()
        return blocks

    monkeypatch.setattr(load.beside, "blocks", killed)
    with pytest.raises(WorldFault, match="reader_died"):
        import_file(workspace, "cases", path)
    assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (0,)


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<!DOCTYPE s [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_are_told_and_never_resolved(workspace: Workspace, tmp_path: Path, head: bytes) -> None:
    def put(out: IO[bytes], old: bytes) -> None:
        text = old.replace(b"S1", b"&b;", 1)
        assert text != old
        out.write(text.replace(b"<sst", head + b"<sst", 1))

    assert refused(with_part(tmp_path / "xml.xlsx", STRINGS, put), workspace) == "file_entities"


def test_rows_within_rows_are_damage_and_no_empty_file(workspace: Workspace, tmp_path: Path) -> None:
    deep = b"<row>" * 200_000 + b"</row>" * 200_000
    path = with_part(tmp_path / "deep.xlsx", SHEET, lambda out, old: out.write(old[: old.index(b"<row")] + deep + b"</sheetData></worksheet>") and None)
    assert refused(path, workspace) == "file_damaged"
    nothing = with_part(tmp_path / "none.xlsx", SHEET, lambda out, old: out.write(old[: old.index(b"<row")] + b'<row r="1"/><row r="2"></row></sheetData></worksheet>') and None)
    assert refused(nothing, workspace) == "file_empty"


@pytest.mark.parametrize("name", [SHEET, STRINGS, "xl/workbook.xml", "[Content_Types].xml"])
def test_broken_xml(workspace: Workspace, tmp_path: Path, name: str) -> None:
    path = with_part(tmp_path / "broken.xlsx", name, lambda out, old: out.write(old[: len(old) // 2] + b"<<<\0") and None)
    try:
        receipt = import_file(workspace, "cases", path)
    except Refused:
        return
    assert receipt.rows_read == receipt.accepted + receipt.refused


@pytest.mark.parametrize("size", [0, 4, 600, 70_000])
def test_what_only_begins_like_an_old_workbook(workspace: Workspace, tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(n * 37 % 256 for n in range(size)))
    assert refused(path, workspace) in ("file_damaged", "file_empty", "file_kind")


def old_book(path: Path, sheets: int, *records: tuple[int, bytes]) -> Path:
    """An .xls of so many sheets, all the same: a compound file with one stream."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    begin = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    listed = [record(0x85, struct.pack("<IHBB", 0, 0, 2, 0) + b"S%d" % n) for n in range(sheets)]
    after = len(begin) + sum(map(len, listed)) + 4
    sheet = begin + b"".join(record(*one) for one in records) + record(0x0A, b"")
    for n in range(sheets):
        listed[n] = listed[n][:4] + struct.pack("<I", after + n * len(sheet)) + listed[n][8:]
    stream = begin + b"".join(listed) + record(0x0A, b"") + sheet * sheets
    stream = stream.ljust(max(-(-len(stream) // 512) * 512, 4096), b"\0")
    count = len(stream) // 512
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + count), 0xFFFFFFFE]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<I", 0) + b"\xff" * 432
    entries = b""
    for name, kind, start, size in (("Root Entry", 5, 0xFFFFFFFE, 0), ("Workbook", 2, 2, len(stream))):
        text = name.encode("utf-16-le") + b"\0\0"
        entries += text.ljust(64, b"\0") + struct.pack("<HBBIII36xIII", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, 1, start, size, 0)
    path.write_bytes(head + struct.pack("<128I", *table, *[0xFFFFFFFF] * (128 - len(table))) + entries.ljust(512, b"\0") + stream)
    return path


FAR = [(0x203, struct.pack("<HHHd", 0, 0, 0, 1.0)), (0x203, struct.pack("<HHHd", 65535, 255, 0, 1.0))]


@pytest.mark.parametrize(
    ("sheets", "records"),
    [
        (20, FAR),  # 10 GB in memory, from a few kilobytes
        (1, [(0x203, struct.pack("<HHHd", 0, 0, 0, 1.0)), (0x203, struct.pack("<HHHd", 65535, 65535, 0, 1.0))]),
        (1, [(0x200, struct.pack("<IIHHH", 0, 1 << 31, 0, 255, 0))]),  # the sheet says so, and has no cell
        (1, [FAR[0], (0xBE, struct.pack("<HHHHH", 65535, 0, 0, 0, 65535))]),  # several in a row
    ],
)
def test_an_old_workbook_of_far_cells(
    workspace: Workspace, tmp_path: Path, sheets: int, records: list[tuple[int, bytes]]
) -> None:
    assert refused(old_book(tmp_path / "far.xls", sheets, *records), workspace) == "file_bomb"
    near = old_book(tmp_path / "near.xls", sheets, FAR[0])
    assert old_workbook.places(near) == sheets
    assert refused(near, workspace) == "heading_not_found"


def test_a_line_without_end(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LONGEST", 1 << 20)
    path = write_csv(tmp_path / "long.csv", table([case("S1")]))
    with path.open("ab") as out:
        out.write(b"S2," + b"x" * (30 << 20))
    with pytest.raises(Refused, match="line_endless"):
        import_file(workspace, "cases", path)
    assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (0,)
    (tmp_path / "only.csv").write_bytes(b"x" * (4 << 20))
    assert refused(tmp_path / "only.csv", workspace) in ("heading_not_found", "line_endless")


def test_nul_bytes_everywhere(workspace: Workspace, tmp_path: Path) -> None:
    text = write_csv(tmp_path / "nul.csv", table([case("S1"), case("S2")])).read_bytes()
    (tmp_path / "nul.csv").write_bytes(text.replace(b",", b"\0,\0"))
    receipt = import_file(workspace, "cases", tmp_path / "nul.csv")
    assert (receipt.rows_read, receipt.accepted) == (2, 2)
    (tmp_path / "zeros.csv").write_bytes(bytes(1 << 20))
    assert refused(tmp_path / "zeros.csv", workspace) == "file_empty"


def hostile(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def test_databases_with_a_hostile_schema(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "STEPS", 3)
    endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    stuck = hostile(tmp_path / "stuck.db", f"CREATE VIEW cases AS {endless} SELECT max(x) AS setl_id FROM n")
    assert refused(stuck, workspace) == "file_damaged"
    circle = hostile(tmp_path / "circle.db", "CREATE VIEW a AS SELECT * FROM b", "CREATE VIEW b AS SELECT * FROM a")
    assert refused(circle, workspace) == "file_damaged"
    loads = hostile(tmp_path / "loads.db", "CREATE VIEW cases AS SELECT load_extension('/tmp/x.so') AS setl_id")
    assert refused(loads, workspace) == "file_damaged"
    monkeypatch.setattr(databases, "DATABASE_ROWS", 1000)
    names = ", ".join(f"'{value}' AS {name}" for name, value in case().items())
    rows = hostile(tmp_path / "rows.db", f"CREATE VIEW cases AS {endless} SELECT {names} FROM n")
    assert refused_import(rows, workspace) == "file_bomb"
    before = stuck.read_bytes()
    assert stuck.read_bytes() == before


def refused_import(path: Path, workspace: Workspace) -> str:
    with pytest.raises(Refused) as caught:
        import_file(workspace, "cases", path)
    assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (0,)
    return caught.value.code


def test_a_schema_whose_text_is_none(workspace: Workspace, tmp_path: Path) -> None:
    """Damaged within the text of the schema: the engine's own message cannot be read then."""
    path = hostile(tmp_path / "text.db", "CREATE TABLE cases_of_the_year (setl_id, medfee_sumamt)")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"TABLE cases_of_the_year", b"TAB\x9c\xb0 cases_of_the_year"))
    assert refused(path, workspace) == "file_damaged"


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX belong to the process")
def test_a_workspace_that_is_open_here_is_no_source(tmp_path: Path) -> None:
    """Its own file, another one, and what SQLite keeps beside: closing any of them would drop the locks on it."""
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM ledger').fetchone(); c.close()"
    mine, other = tmp_path / "mine.dianzhi", tmp_path / "other.dianzhi"
    with Workspace.create(mine) as workspace, Workspace.create(other):
        write_csv(tmp_path / "a.csv", table([case()]))
        import_file(workspace, "cases", tmp_path / "a.csv")
        for path in (mine, other, mine.with_name("mine.dianzhi-wal"), mine.with_name("mine.dianzhi-shm")):
            assert refused(path, workspace) == "file_workspace"
        subprocess.run([sys.executable, "-c", look, mine], check=True, timeout=60)
        assert mine.with_name("mine.dianzhi-wal").exists()


def test_a_line_of_a_case_without_its_number_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """Where the column is there, a number of our own could be another line's; without the column lines are counted."""
    path = tmp_path / "d.csv"
    path.write_text("setl_id,ord,diag_code\nS1,1,K35.300\nS1,,K35.301\n", "utf-8")
    receipt = import_file(workspace, "diagnoses", path)
    assert (receipt.accepted, receipt.refused) == (1, 1)
    assert [(one.code, one.row, one.column) for one in receipt.findings if one.severity == "refused"] == [("value_missing", 3, "ord")]
