"""Files of a size that nobody sends twice, once at their full size: a workbook of 200 MB and a list of 1 GB.

`pytest -m soak tests/intake/test_intake_size.py -s` tells time and peak memory; the short ones see that all of it arrives.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from arriving import HEADINGS, case

from core.storage.workspace import Workspace

MAIN = Path(__file__).parents[2] / "main.py"
MB = 1_000_000
WIDE = 12  # columns more, so that a full sheet has 200 MB


def rows_until(size: int, written: list[int], start: str, between: str, end: str, more: int = 0) -> Iterator[str]:
    """Cases of one year as text until so many bytes are written; numbers that do not compress, as real ones do not.
    more: columns that nobody needs, behind the others."""
    dice = random.Random(7)
    varied = {name: f"%({name})s" for name in ("setl_id", "psn_no", "fixmedins_code", "setl_time", "medfee_sumamt", "psn_part_amt")}
    one = case(**varied, adm_time="2024-01-01", dscg_time="2024-01-01", fund_pay_sumamt="700.50", hifp_pay="700.50")
    line = start + between.join([*(one[name] for name in HEADINGS), *(f"%(more{n})s" for n in range(more))]) + end
    number = 0
    while written[0] < size:
        number += 1
        cents = dice.randrange(100_000, 9_000_000)
        own = 0 if number % 50 == 0 else cents - 70_050  # one in fifty is remarked on
        yield line % {
            "setl_id": f"S{dice.randbytes(10).hex()}{number:08}",
            "psn_no": dice.randbytes(12).hex(),
            "fixmedins_code": f"H3509020{number % 155:04}",
            "setl_time": f"2024-{number % 12 + 1:02}-{number % 28 + 1:02} 10:11:12",
            "medfee_sumamt": f"{cents // 100}.{cents % 100:02}",
            **{f"more{n}": dice.randbytes(11).hex() for n in range(more)},
            "psn_part_amt": f"{own // 100}.{own % 100:02}",
        }


def write_list(path: Path, size: int) -> int:
    """A CSV of so many bytes; returns its rows."""
    written, count = [0], 0
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(HEADINGS) + "\n")
        for row in rows_until(size, written, "", ",", "\n"):
            count += 1
            written[0] += out.write(row)
    return count


def write_book(path: Path, size: int) -> int:
    """An xlsx of so many bytes, texts in their cells, at most a full sheet; returns its rows."""
    written, count = [0], 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        office = "http://schemas.openxmlformats.org"
        book.writestr("[Content_Types].xml", f'<Types xmlns="{office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>')
        book.writestr("_rels/.rels", f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" Type="{office}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{office}/spreadsheetml/2006/main" xmlns:r="{office}/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" Type="{office}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            start, between, end = "<row><c t=\"inlineStr\"><is><t>", "</t></is></c><c t=\"inlineStr\"><is><t>", "</t></is></c></row>"
            part.write(f'<worksheet xmlns="{office}/spreadsheetml/2006/main"><sheetData>'.encode())
            part.write((start + between.join([*HEADINGS, *(f"nobody{n}" for n in range(WIDE))]) + end).encode())
            for row in rows_until(size, written, start, between, end, WIDE):
                part.write(row.encode())
                count += 1
                if count % 1000 == 0:
                    written[0] = path.stat().st_size
                if count == 1_048_575:
                    break
            part.write(b"</sheetData></worksheet>")
    return count


def arrives(path: Path, rows: int, folder: Path) -> None:
    """Imported by a process of its own, whose memory is its own too."""
    workspace = folder / "w.dianzhi"
    Workspace.create(workspace, region="350900").close()
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, str(MAIN), "import", str(workspace), "cases", str(path), "--year", "2024", "--lang", "en"]
    watched = [sys.executable, "-c", "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print('PEAK', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)", *command]  # fmt: skip
    done = subprocess.run(watched, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = int(done.stdout.rpartition("PEAK")[2]) // 1024
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"\n{path.name}: {path.stat().st_size / MB:.0f} MB, {rows:,} rows, {time.monotonic() - started:.0f} s, CPU {cpu:.0f} s, largest process {peak} MB")
    with Workspace.open(workspace, write=False) as opened:
        assert opened.reader().execute("SELECT count(*), count(DISTINCT setl_id) FROM cases").fetchone() == (rows, rows)


def test_a_list(tmp_path: Path) -> None:
    arrives(tmp_path / "a.csv", write_list(tmp_path / "a.csv", 2 * MB), tmp_path)


def test_a_workbook(tmp_path: Path) -> None:
    arrives(tmp_path / "a.xlsx", write_book(tmp_path / "a.xlsx", MB // 4), tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_list_of_a_gigabyte(tmp_path: Path) -> None:
    arrives(tmp_path / "a.csv", write_list(tmp_path / "a.csv", 1000 * MB), tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_workbook_of_two_hundred_megabytes(tmp_path: Path) -> None:
    arrives(tmp_path / "a.xlsx", write_book(tmp_path / "a.xlsx", 200 * MB), tmp_path)
