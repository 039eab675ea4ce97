"""Workbooks made to recalculate: what is registered is built once, and LibreOffice opens all of it in one start.

LibreOffice trusts stored values unless OOXMLRecalcMode is 0. So for every kind of workbook a wrong value and a wrong formula
are planted too: the first shows that it has really been recalculated, the second that a wrong formula would be seen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import openpyxl
import pytest
import python_calamine
from xlsxwriter.utility import xl_col_to_name

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
needs_office = pytest.mark.skipif(SOFFICE is None, reason="not recalculated: LibreOffice is missing (libreoffice-calc-nogui)")
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item>
</oor:items>
"""
# What a double may differ by where a step is not rounded, relative.
UNROUNDED = 1e-12
Cells = dict[tuple[str, str], object]
Builder = Callable[[Path, Path], object]  # (file to write, what it is made of)
BUILDERS: dict[str, tuple[Builder, str]] = {}
_FIGURE = re.compile(r'<c r="([A-Z]+\d+)"([^>]*)><f>([^<]*)</f><v>(-?[0-9.eE+-]+)</v></c>')


def workbook(name: str, of: str = "") -> Callable[[Builder], Builder]:
    """Registers what writes a workbook, while modules are collected: of another one, or of the demonstration region."""

    def keep(build: Builder) -> Builder:
        BUILDERS[name] = build, of
        return build

    return keep


@dataclass(frozen=True)
class Recalculated:
    path: Path
    out: Path

    @cached_property
    def formulas(self) -> Cells:
        return values(self.path, formulas=True)

    @cached_property
    def run(self) -> Cells:
        return values(self.path)

    @cached_property
    def again(self) -> Cells:
        return values(self.out)

    def wrong(self) -> list[str]:
        return differing(self.run, self.again, self.formulas)


def values(path: Path, formulas: bool = False) -> Cells:
    """What stands in every cell; `formulas`: of the formula cells alone, their formulas."""
    if not formulas:
        read = python_calamine.CalamineWorkbook.from_path(path)
        return {
            (name, f"{xl_col_to_name(column)}{row}"): value
            for name in read.sheet_names
            for row, cells in enumerate(read.get_sheet_by_name(name).to_python(skip_empty_area=False), 1)
            for column, value in enumerate(cells)
            if value != ""
        }
    return {
        (page.title, cell.coordinate): cell.value
        for page in openpyxl.load_workbook(path) for row in page.iter_rows() for cell in row
        if cell.data_type == "f"
    }  # fmt: skip


def differing(run: Cells, again: Cells, formulas: Cells) -> list[str]:
    """Formula cells whose recalculated value is not the stored one: words as they are, rounded figures to the last place."""
    wrong: list[str] = []
    for at, formula in formulas.items():
        expected, got = run.get(at, ""), again.get(at, "")
        said = f"{at} {formula}: {expected!r} became {got!r}"
        places = re.fullmatch(r"=ROUND\(.*,(\d+)\)", str(formula))
        if isinstance(expected, str) or isinstance(got, str):
            same = expected == got
        elif places:
            same = round(got * 10 ** int(places[1])) == round(expected * 10 ** int(places[1]))
        else:
            same = abs(got - expected) <= UNROUNDED * max(1.0, abs(expected), abs(got))
        wrong += [] if same else [said]
    return wrong


def tampered(path: Path, out: Path, change: Callable[[str], str], sheet: str = "xl/worksheets/sheet") -> None:
    """The workbook with the XML of its sheets changed, or of the one of that name."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.startswith(sheet):
                data = change(data.decode("utf-8")).encode("utf-8")
            new.writestr(item, data)


STORED, FORMULA = "+123456789", "+1"  # what is planted: as decimals beside a stored value, at the end of a formula


def planted(path: Path, out: Path) -> None:
    """One of the formulas that give a figure has another value stored, another one another formula."""
    with zipfile.ZipFile(path) as book:
        names = [one for one in book.namelist() if one.startswith("xl/worksheets/sheet")]
        found = [(name, one) for name in names for one in _FIGURE.finditer(book.read(name).decode())]
    for at, formula in ((len(found) // 3, False), (len(found) // 2, True)):
        name, chosen = found[at]
        cell, look, said, value = chosen.groups()
        said, value = (said + FORMULA, value) if formula else (said, str(float(value) + float(STORED)))
        changed = f'<c r="{cell}"{look}><f>{said}</f><v>{value}</v></c>'
        whole, path = path, out.with_suffix(f".{int(formula)}.xlsx")
        tampered(whole, path, lambda xml, was=chosen[0], now=changed: xml.replace(was, now, 1), name)
    path.rename(out)


def recalculate(files: list[Path], folder: Path) -> Path:
    """One start for all of them; the folder that the results lie in."""
    assert SOFFICE is not None
    profile, out = folder / "profile", folder / "out"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS, "utf-8")
    subprocess.run(
        [SOFFICE, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", "xlsx", "--outdir", str(out),
         *map(str, files)],
        check=True, capture_output=True, timeout=400,
    )  # fmt: skip
    return out
