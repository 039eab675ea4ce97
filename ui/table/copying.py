"""The selection for the clipboard, so that Excel takes it whole: codes stay text, no text becomes a formula."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from core.progress import SILENT, Progress, step
from core.worksheet import Column
from ui.table.model import SheetModel, copied
from ui.table.rows import is_number

if TYPE_CHECKING:
    from ui.table.widget import Table

AT_ONCE = 20_000  # cells that are written on the spot; more go to a job
EXCEL_ROWS = 1_048_576
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def copy_selection(table: Table, headings: bool, place: str) -> None:
    """As text and as a table. Several pieces are joined to their rows and columns, as Excel asks. place: of the job."""
    rows, places = set[int](), set[int]()
    spans, desk, texts = table.selection.spans(), table.desk, table.texts
    if not spans:
        return
    for span in spans:
        places.update(p for p in range(span.left(), span.right() + 1) if not table.grid.isColumnHidden(p))
    pieces = sorted({(span.top(), span.bottom()) for span in spans})
    many = sum(bottom - top + 1 for top, bottom in pieces)
    if many > EXCEL_ROWS - 1:
        table.foot.complain(texts("table.too_much_to_copy", rows=f"{many:,}"))
        return
    for top, bottom in pieces:
        rows.update(range(top, bottom + 1))
    lines, columns = sorted(rows), sorted(places)
    model = table.model
    titles = [table.grid.heading.full(model.column(place)) for place in columns] if headings else []
    sheet, order = model.sheet, model.order

    def work(progress: Progress) -> tuple[str, str]:
        still = SheetModel()  # what was on screen when the keys were pressed
        still.wan, still.language = model.wan, model.language
        still.show_sheet(sheet, order)
        return (
            as_tabs(still, lines, columns, titles, progress),
            as_html(still, lines, columns, titles, progress),
        )

    def have(both: tuple[str, str]) -> None:
        data = QMimeData()
        data.setText(both[0])
        data.setHtml(both[1])
        QGuiApplication.clipboard().setMimeData(data)
        desk.say(texts("table.copied", rows=f"{len(lines):,}", columns=len(columns)))

    if len(lines) * len(columns) <= AT_ONCE:
        have(work(SILENT))
    else:
        desk.ask(lambda _, progress: work(progress), have, place=place, title=texts("table.copying"))


def as_tabs(
    model: SheetModel,
    rows: Sequence[int],
    places: Sequence[int],
    headings: Sequence[str] = (),
    progress: Progress = SILENT,
) -> str:
    """Tab-separated lines. `rows` as shown. A text that a sheet would take for a formula is led by an apostrophe."""
    lines = ["\t".join(headings)] if headings else []
    for done, row in enumerate(rows):
        if done % 5000 == 0:
            step(progress, "table", done, len(rows))
        cells: list[str] = []
        for place in places:
            column = model.column(place)
            text = copied(column, model.cell(row, place), model.wan)
            if not is_number(column):
                text = text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
                if text.startswith(FORMULA_SIGNS):
                    text = "'" + text
            cells.append(text)
        lines.append("\t".join(cells))
    return "\r\n".join(lines) + ("\r\n" if len(lines) > 1 else "")


def as_html(
    model: SheetModel,
    rows: Sequence[int],
    places: Sequence[int],
    headings: Sequence[str] = (),
    progress: Progress = SILENT,
) -> str:
    """The same as a table whose text cells are marked as text: what Excel and LibreOffice read first."""
    columns: list[Column] = [model.column(place) for place in places]
    text_cell = "<td style='mso-number-format:\"\\@\"'>"
    parts = ["<html><head><meta charset='utf-8'></head><body><!--StartFragment--><table>"]
    if headings:
        parts.append(
            "<tr>" + "".join(f"{text_cell}{html.escape(title)}</td>" for title in headings) + "</tr>"
        )
    for done, row in enumerate(rows):
        if done % 5000 == 0:
            step(progress, "table", done, len(rows))
        parts.append("<tr>")
        for column, place in zip(columns, places, strict=True):
            text = copied(column, model.cell(row, place), model.wan)
            if is_number(column):
                decimals = len(text.partition(".")[2])
                form = "0" + ("\\." + "0" * decimals if decimals else "")
                parts.append(f"<td style='mso-number-format:\"{form}\"'>{text}</td>")
            else:
                parts.append(f"{text_cell}{html.escape(text)}</td>")
        parts.append("</tr>")
    parts.append("</table><!--EndFragment--></body></html>")
    return "".join(parts)
