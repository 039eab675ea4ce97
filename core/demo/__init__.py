"""A synthetic region that adds up to the published figures of Ningde for 2024: institutions, four years of cases, books.

Names and persons are invented; disease and operation codes are the public ones (`resources/demo/README.md` says from
where). Everything goes the way of real data: files are written as a bureau would send them and read by the importer,
so that findings, batches and the ledger are real.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from xlsxwriter import Workbook

from core.demo import books
from core.demo.books import Book
from core.demo.files import Sent, write_year
from core.demo.region import FUNDS, NAME, REGION, YEARS, Groups, Institutions
from core.demo.year import draw
from core.faults import Usage, WorldFault
from core.intake.load import import_file
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.settlement.clearing import clear
from core.storage import engine
from core.storage.workspace import Workspace

SEED = 20240801
PACK = "ningde-2024"
# Beyond it some institutions would be left without a case.
MOST_SCALE = 100


def build(path: Path | str, scale: int = 10, seed: int = SEED, progress: Progress = SILENT) -> Workspace:
    """The demonstration at 1:scale as a new workspace, open for writing. Whole or not at all.

    WorldFault: exists, folder_missing, demo_failed (the disk). Usage: demo_scale. Cancelled.
    """
    path = Path(path).resolve()
    if not 1 <= scale <= MOST_SCALE:
        raise Usage("demo_scale", scale=scale, most=MOST_SCALE)
    if path.exists():
        raise WorldFault("exists", path=path)
    if not path.parent.is_dir():
        raise WorldFault("folder_missing", path=path.parent)
    with _workshop(path) as folder:
        made = folder / "workspace"
        with Workspace.create(made, REGION, NAME, synthetic=True) as workspace:
            _fill(workspace, folder, scale, seed, progress)
        step(progress, "demo_finish", 0)
        if path.exists():
            raise WorldFault("exists", path=path)
        os.rename(made, path)
    return Workspace.open(path)


@contextmanager
def _workshop(path: Path) -> Generator[Path]:
    """A folder beside the workspace, on its disk, gone afterwards whatever happens."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, engine.OperationalError) as error:
        raise WorldFault("demo_failed", path=path, reason=str(error)) from error


def _fill(workspace: Workspace, folder: Path, scale: int, seed: int, progress: Progress) -> None:
    institutions, groups = Institutions(), Groups()
    revision = books.revision_of(groups)
    for book in (
        books.register(institutions), *(books.catalogue(groups, year) for year in YEARS), *books.revised(revision),
        books.auxiliary(groups, revision), books.exclusions(), books.operations(), books.reference_means(groups), books.coefficients(institutions), books.assessments(institutions),
    ):
        _import(workspace, folder, book, progress)
    sent: dict[int, Sent] = {}
    for year in YEARS:
        step(progress, "demo_draw", year - YEARS[0], len(YEARS))
        cases = draw(institutions, groups, year, scale, seed)
        sent[year] = write_year(folder, cases, institutions, groups, scale, seed, progress)
        import_file(workspace, "cases", sent[year].path, progress=progress)
        sent[year].path.unlink()
    for book in (
        books.special_cases(sent), books.budget(sent, scale), books.payments(sent, institutions),
        books.deductions(sent, institutions), books.control_totals(sent[2024]), books.fund_months(scale),
        *books.beside(sent[2024], groups),
    ):
        _import(workspace, folder, book, progress)
    clearing = clear(workspace, 2023, packs.load(PACK), store=False, progress=progress)
    found: list[tuple[str, str, str, Fraction]] = []
    for sheet in clearing.funds:
        found += [("REGION", sheet.fund, name, value) for name, value in sheet.region.items()]
        for name, values in sheet.values.items():
            found += [
                (institution.code, sheet.fund, name, value)
                for institution, value in zip(sheet.institutions, values, strict=True)
            ]
    _import(workspace, folder, books.official_clearing(2023, found), progress)


def _import(workspace: Workspace, folder: Path, book: Book, progress: Progress) -> None:
    path = folder / book.name
    if path.suffix == ".xlsx":
        _workbook(path, book)
    else:
        with path.open("w", encoding="gb18030", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(book.headings)
            writer.writerows(book.rows)
    import_file(workspace, book.kind, path, progress=progress)
    path.unlink()


def _workbook(path: Path, book: Book) -> None:
    with Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as workbook:
        workbook.set_properties({"created": datetime(2025, 1, 1)})  # no clock: the same seed gives the same file
        worksheet = workbook.add_worksheet()
        for place, cells in enumerate([list(book.headings), *book.rows]):
            for column, text in enumerate(cells):
                worksheet.write_string(place, column, text)


__all__ = ["FUNDS", "MOST_SCALE", "PACK", "SEED", "build"]
