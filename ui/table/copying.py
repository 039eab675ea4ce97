"""Cells for the clipboard, so that Excel takes them whole: codes stay text, no text becomes a formula."""

from __future__ import annotations

import html
from collections.abc import Sequence

from core.progress import SILENT, Progress, step
from core.worksheet import Column
from ui.table.model import SheetModel, copied
from ui.table.rows import is_number

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


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
