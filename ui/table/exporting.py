"""All rows that passed the filters and all columns that show, to a file, with row count and control totals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMenu

from core.progress import Progress
from ui.table.rows import picked

if TYPE_CHECKING:
    from ui.table.widget import Table

FORMS = ("xlsx", "csv", "pdf")
PRINTED = 5_000  # rows, beyond which nobody prints a table
FORBIDDEN = '\\/:*?"<>|'  # in names of files


def fill_menu(menu: QMenu, table: Table) -> None:
    for form in FORMS:
        entry = menu.addAction(
            table.texts(f"table.export_{form}", rows=f"{table.model.rowCount():,}"),
            lambda form=form: _ask_path(table, form),
        )
        entry.setEnabled(form != "pdf" or table.model.rowCount() <= PRINTED)


def _ask_path(table: Table, form: str) -> None:
    sheet, texts = table.model.sheet, table.texts
    name = sheet.title.get(table.model.language) or sheet.id
    name = "".join("_" if sign in FORBIDDEN else sign for sign in name)
    path, _ = QFileDialog.getSaveFileName(
        table,
        texts("table.export"),
        str(Path.home() / f"{name}.{form}"),
        texts(f"table.files_{form}"),
    )
    if path:
        table.export_to(path if Path(path).suffix.lower() == f".{form}" else f"{path}.{form}")


def export_rows(table: Table, path: Path, place: str, done: Callable[[Path], None] | None) -> None:
    """.xlsx, .pdf or .csv by the name's ending, in a job. place: of the job."""
    desk, texts, language = table.desk, table.texts, table.model.language
    sheet, columns, order = table.model.sheet, table.visible_columns(), table.model.order
    synthetic = bool(getattr(desk.workspace, "synthetic", False))

    def work(_: object, progress: Progress) -> Path:
        from core.export import tables

        chosen = picked(sheet, columns, order)
        if path.suffix.lower() == ".xlsx":
            tables.worksheet_xlsx(chosen, path, language, progress, synthetic)
        elif path.suffix.lower() == ".pdf":
            from core.export.document import worksheets_pdf

            worksheets_pdf([chosen], path, language, progress, synthetic)
        else:
            tables.worksheet_csv(chosen, path, language, progress, synthetic)
        return path

    def have(written_to: Path) -> None:
        count = sheet.rows if order is None else len(order)
        desk.say(texts("table.exported", rows=f"{count:,}", path=str(written_to)))
        if done is not None:
            done(written_to)

    desk.ask(work, have, place=place, title=texts("table.exporting", name=path.name))
