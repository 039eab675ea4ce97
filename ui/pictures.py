"""Pictures of what a command found, drawn as the window draws them and saved in the colours of print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QApplication

from core.faults import Usage, WorldFault
from core.money import plain
from core.texts import Texts
from ui.chart import Chart, Panel, Series, prepare
from ui.desk import Desk
from ui.look import grouped

if TYPE_CHECKING:
    from core.analysis.attribution import Attribution, Growths
    from core.analysis.comparison import Comparison
    from core.worksheet import Worksheet

MOST = 60  # drawings in one picture
WIDE = 1200  # pixels; in print twice as many


def save(command: str, found: Any, path: Path, texts: Texts) -> None:
    """PNG or SVG by the name's ending. Usage: picture_many. WorldFault: no_picture."""
    panels, columns, high = {"trend": _trend, "compare": _compare, "attribute": _attribute}[command](found, texts)
    if len(panels) > MOST:
        raise Usage("picture_many", count=len(panels), most=MOST)
    application = QApplication.instance() or QApplication(["dianzhi"])
    prepare()
    desk = Desk(texts.lang)
    chart = Chart(desk)
    chart.resize(WIDE, high * -(-len(panels) // columns))
    chart.show_panels(panels, columns)
    try:
        chart.save(path)
    except OSError as error:
        raise WorldFault("no_picture", reason=error.strerror or str(error)) from error
    finally:
        chart.deleteLater()
        desk.close()
        application.processEvents()


def _trend(found: tuple[Worksheet, Sequence[int]], texts: Texts) -> tuple[list[Panel], int, int]:
    """A drawing for each body and indicator that has a figure, a line for each fund. cases: of each row."""
    sheet, cases = found
    rows: dict[str, dict[str, list[int]]] = {}
    for row in range(sheet.rows):
        of = rows.setdefault(str(sheet.cells["code"][row]), {})
        of.setdefault(str(sheet.cells["fund"][row]), []).append(row)
    panels: list[Panel] = []
    for funds in rows.values():
        first = next(iter(funds.values()))  # both together where they are told, and where not the fund in question
        periods = [str(sheet.cells["period"][row]) for row in first]
        years = [period[:4] for period in periods]
        named = f"{sheet.cells['name'][first[0]]} · " if len(rows) > 1 else ""
        for column in sheet.columns[4:-1]:
            values = {fund: [sheet.cells[column.id][row] for row in own] for fund, own in funds.items()}
            series = [
                Series(
                    fund, [None if value is None else float(value) for value in values[fund]],
                    cases=[cases[row] for row in own],
                    texts=["" if value is None else grouped(plain(value, column.places or 0)) for value in values[fund]],
                )
                for fund, own in funds.items()
            ]  # fmt: skip
            if any(value is not None for own in values.values() for value in own):
                panels.append(
                    Panel(
                        named + column.title[texts.lang], texts(f"unit.{column.unit}") if column.unit else "",
                        periods[0] if len(periods) == 1 else f"{periods[0]} – {periods[-1]}", sum(cases[row] for row in first),
                        series, x=periods, places=column.places or 0,
                        beneath={at: year for at, year in enumerate(years) if years.index(year) == at},
                    )
                )  # fmt: skip
    return panels, 3, 230


def _compare(found: Comparison, texts: Texts) -> tuple[list[Panel], int, int]:
    """A drawing for each indicator that anybody has, a bar for each institution, level and the region."""
    from ui.pages.comparison.charts import AROUND, LINE, panels_of

    told = [id for id in found.ids if any(found.value(id, code) is not None for code in found.codes)]
    return panels_of(found, told, texts, wan=False), 3, AROUND + LINE * (len(found.codes) + len(found.beyond))


def _attribute(found: tuple[list[Attribution], Growths, str], texts: Texts) -> tuple[list[Panel], int, int]:
    """The waterfall of each fund's point value; with a code, below them that institution's score in each fund."""
    from ui.pages.institutions.why_told import panel, point_value_story, score_story

    moved, growths, code = found
    stories = [point_value_story(one, texts) for one in moved]
    own = [one for one in growths.items if code and one.code == code]
    stories += [score_story(growths, code, one.institution.name, one.fund, texts) for one in own]
    return [panel(story, texts) for story in stories], 2 if len(stories) > 1 else 1, 460
