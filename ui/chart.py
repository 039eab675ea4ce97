"""Charts: the one matplotlib canvas, styled once for light, dark and print. It takes series and never asks for data.

Every panel says its unit, its period and how many cases are behind it, on screen and in the saved picture. The pointer
or the arrow keys tell a value; the data copy as a table; the picture saves as PNG or SVG in the colours of print.
matplotlib is loaded with the first chart: `prepare` does it in a job, so that the window does not wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QGraphicsColorizeEffect,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.look import CHINESE, GAP, MINUS, Colours, colours, grouped
from ui.waterfall import reach, spans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from core.texts import Texts
    from ui.desk import Desk

# Five colours that stay apart for the three kinds of colour-blind eyes and, by their lightness, in grey: any two differ
# by at least 7 of CIE L*. tests/ui_catalogue/test_chart.py holds both.
LIGHT = ("#1f5f8b", "#d99a3d", "#4b1921", "#b8566b", "#7fd8c8")
DARK = ("#74b4e0", "#f0d48f", "#cf8460", "#8d5a86", "#dff7ee")
MARKERS = ("o", "s", "^", "D", "v")
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
UPRIGHT = (0, (2, 2))
PLAIN = "plain"  # axes of an upright frame, kept for the next drawing
WRITTEN, WRITTEN_LYING = 6, 12  # so few points have their values written beside them, so few lying bars at their ends
PRINT_DPI = 200
FORMS = ("png", "svg")
STRIPES = "////"  # of what falls
PIECES = re.compile(r"[!-\u02ff]+|\s+|[（《]?.[）》，、。]?")  # a Latin word stays whole, a Chinese one breaks anywhere
# A matplotlib older than 3.11 opens only the first face of a collection, whose name is Japan's.
FALLBACK = ("Noto Sans CJK JP", "DejaVu Sans")


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, a value for each position (or for each stretch between edges); None leaves a gap.

    cases: how many are behind each value. texts: the exact values, where the float is only for drawing. ringed: positions
    of a line that stand out, each with what is said of it. waterfall: the first and the last value are totals, each other
    is a change that begins where the last one ended; it is the only row of its panel.
    """

    name: str
    values: Sequence[float | None]
    form: str = "line"  # line, bar, waterfall
    cases: Sequence[int | None] = ()
    texts: Sequence[str] = ()
    ringed: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A named line across: upright at a value of the edges, level otherwise.

    upright: before a position, where something changes; the key and the pointer tell its text.
    """

    name: str
    value: float
    text: str
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing. unit and period are words; cases: how many are behind all of it, None where it counts no cases.

    x: names of the positions. edges: instead of x, the bounds of a histogram's bars, one more than values. lying: bars
    across, the first on top, their names to the left: for long names, and for a tornado. beneath: what stands under the
    axis instead of the positions' own names, by position (years under months).
    """

    title: str
    unit: str
    period: str
    cases: int | None
    series: Sequence[Series]
    x: Sequence[str] = ()
    edges: Sequence[float] = ()
    marks: Sequence[Mark] = ()
    x_title: str = ""
    places: int = 2
    note: str = ""
    lying: bool = False
    beneath: Mapping[int, str] = field(default_factory=dict)


def prepare() -> None:
    """Load matplotlib and its list of fonts: seconds on a machine's first day, so call it in a job."""
    import_module("ui.lettering")
    import_module("matplotlib.font_manager")


def small_multiples(panel: Panel, series: Sequence[tuple[str, Series]]) -> list[Panel]:
    """The same drawing once for each named series, so that shapes compare at a glance."""
    return [replace(panel, title=name, series=(one,)) for name, one in series]


class Chart(QWidget):
    """One or more panels side by side; `columns` of them in a row, 0 for as many as the width carries.

    Where all panels have the same rows of values, the names of these stand once, above them all.
    """

    pointed_at = Signal(int, int)  # panel, position under the pointer
    activated = Signal(int, int)  # double click or Enter there
    hint = ""  # what that does, said under the values

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._texts = desk, desk.texts
        self.panels: tuple[Panel, ...] = ()
        self._columns = 0
        self._per_row = 1
        self._canvas: Any = None
        self._axes: list[Axes] = []
        self._at: tuple[int, int] | None = None  # panel, position under the pointer
        self.name = "chart"  # of the file that is offered when saving
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(120)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda at: self.menu().popup(self.mapToGlobal(at)))
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._pointer = _Pointer(self)
        self.button = QToolButton(self)
        self.button.setIcon(desk.look.icon("export", "muted"))
        self.button.setToolTip(self._texts("chart.menu"))
        self.button.setAccessibleName(self._texts("chart.menu"))
        self.button.clicked.connect(
            lambda: self.menu().popup(self.button.mapToGlobal(QPoint(0, self.button.height())))
        )
        self.button.hide()
        desk.look.changed.connect(self._restyle)

    # What pages say and ask.

    def show_panels(self, panels: Sequence[Panel], columns: int = 0) -> None:
        """Draw these; an empty list leaves the place blank."""
        self.panels, self._columns, self._at = tuple(panels), columns, None
        self.setAccessibleName("; ".join(f"{one.title}, {self.about(one)}" for one in self.panels))
        self.button.setVisible(bool(panels))
        if self.panels and self._canvas is None:
            self._make_canvas()
        self._redraw()

    def about(self, panel: Panel) -> str:
        """Unit, period and number of cases: what stands under every title."""
        parts = [panel.unit, panel.period]
        if panel.cases is not None:
            parts.append(self._texts("chart.cases", cases=f"{panel.cases:,}"))
        return " · ".join(part for part in parts if part)

    def told(self, panel: int, position: int) -> list[str]:
        """What the pointer says there: position, then each series with its value and its cases."""
        one = self.panels[panel]
        lines = [_position(one, position)]
        for series in one.series:
            text = _text(one, series, position) or self._texts("chart.none")
            unit = f" {one.unit}" if one.unit and _text(one, series, position) else ""
            cases = series.cases[position] if series.cases else None
            behind = f"  ({self._texts('chart.cases', cases=f'{cases:,}')})" if cases is not None else ""
            lines.append(f"{series.name} {text}{unit}{behind}")
            if position in series.ringed:
                lines.append(series.ringed[position])
        lines += [f"{mark.name} {mark.text}" for mark in one.marks if mark.upright and mark.value == position]
        return lines

    def rows(self) -> list[list[str]]:
        """The data as rows of text: for each panel its title, a heading, its positions, and its marks."""
        lines: list[list[str]] = []
        for panel in self.panels:
            if lines:
                lines.append([])
            lines.append([part for part in (panel.title, self.about(panel), panel.note) if part])
            heading = [panel.x_title or self._texts("chart.position")]
            for series in panel.series:
                heading.append(f"{series.name} ({panel.unit})" if panel.unit else series.name)
                if series.cases:
                    heading.append(self._texts("chart.cases_of", name=series.name))
                if series.ringed:
                    heading.append(self._texts("chart.ringed_of", name=series.name))
            lines.append(heading)
            for at in range(_positions(panel)):
                row = [_position(panel, at)]
                for series in panel.series:
                    row.append(_text(panel, series, at).replace(",", ""))
                    if series.cases:
                        row.append("" if series.cases[at] is None else str(series.cases[at]))
                    if series.ringed:
                        row.append(series.ringed.get(at, ""))
                lines.append(row)
            lines += [[mark.name, mark.text.replace(",", "")] for mark in panel.marks]
        return lines

    def copy(self) -> None:
        """The data as a table; a name that a sheet would take for a formula is led by an apostrophe."""
        cells = [[f"'{cell}" if cell[:1] in ("=", "+", "@", "-") and not _number(cell) else cell for cell in row]
                 for row in self.rows()]  # fmt: skip
        QGuiApplication.clipboard().setText("\r\n".join("\t".join(row) for row in cells) + "\r\n")
        self._desk.say(self._texts("chart.copied"))

    def show_grey(self, on: bool) -> None:
        """As it comes out of a printer without colours; off: as ever."""
        effect = QGraphicsColorizeEffect(self) if on else None
        if effect is not None:
            effect.setColor(QColor("black"))
        self.setGraphicsEffect(effect)  # type: ignore[arg-type]
        self._redraw()

    def save(self, path: str | Path) -> None:
        """The picture in the colours of print, PNG or SVG by the name's ending. OSError where it cannot be written."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        path = Path(path)
        size = self._canvas.size() if self._canvas is not None else self.size()
        wide, high = max(320, size.width()), max(180, size.height())
        figure = Figure(figsize=(wide / 96, high / 96), dpi=96)
        FigureCanvasAgg(figure)
        self._draw(figure, colours(False), LIGHT, "#ffffff", (wide, high))
        with _styled():
            figure.savefig(path, dpi=PRINT_DPI, format=path.suffix[1:].lower(), facecolor="#ffffff")

    def menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self._texts("chart.copy"), QKeySequence("Ctrl+C"), self.copy)
        menu.addSeparator()
        for form in FORMS:
            menu.addAction(self._texts(f"chart.save_{form}"), lambda form=form: self._ask_path(form))
        return menu

    def _ask_path(self, form: str) -> None:
        name = "".join("_" if sign in '\\/:*?"<>|' else sign for sign in self.name)
        path, _ = QFileDialog.getSaveFileName(
            self, self._texts(f"chart.save_{form}"), str(Path.home() / f"{name}.{form}"),
            self._texts(f"chart.files_{form}"),
        )  # fmt: skip
        if not path:
            return
        path = path if path.lower().endswith(f".{form}") else f"{path}.{form}"
        try:
            self.save(path)
        except OSError as why:
            self._desk.say(self._texts("chart.not_saved", path=path, reason=why.strerror or str(why)))
        else:
            self._desk.say(self._texts("chart.saved", path=path))

    # Drawing.

    def _make_canvas(self) -> None:
        from matplotlib.figure import Figure

        from ui.lettering import Canvas

        self._canvas = Canvas(Figure(dpi=96))
        self._canvas.setParent(self)
        self._canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._canvas.setMouseTracking(True)
        self._canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._canvas.installEventFilter(self)
        self._box.addWidget(self._canvas)
        self._canvas.show()
        self._box.activate()  # the drawing that follows has its size
        self._pointer.raise_()
        self.button.raise_()

    def _restyle(self) -> None:
        self.button.setIcon(self._desk.look.icon("export", "muted"))
        self._redraw()

    def _redraw(self) -> None:
        if self._canvas is None:
            return
        look = colours(False) if self.graphicsEffect() is not None else self._desk.look.colours
        size = self._canvas.size()
        self._axes = self._draw(
            self._canvas.figure, look, DARK if look.dark else LIGHT, look.sheet, (size.width(), size.height())
        )
        self._canvas.draw_idle()
        self._pointer.update()

    def _draw(
        self, figure: Figure, look: Colours, palette: Sequence[str], ground: str, size: tuple[int, int]
    ) -> list[Axes]:
        """All panels anew. `size` in pixels; a hidden canvas tells its figure of it only when it is shown."""
        spare: list[Axes] = []
        for axes in figure.axes:  # to make one costs more than to draw it
            if axes.get_gid() == PLAIN:
                spare.append(axes)
            else:
                figure.delaxes(axes)
        for key in list(figure.legends):
            key.remove()
        figure.set_facecolor(ground)
        if not self.panels:
            for axes in spare:
                figure.delaxes(axes)
            return []
        wide, high = size
        many = len(self.panels)
        self._per_row = self._columns or max(1, min(many, int(wide // 230)))
        down = -(-many // self._per_row)
        with _styled():
            pen = _Pen(look, palette, ground, _font_pixels(), self._texts)
            keyed = _keyed(self.panels)
            top = pen.key(figure, self.panels, size) if keyed else 0.0
            drawn = [
                pen.panel(
                    figure, panel, self.about(panel),
                    (number % self._per_row * wide / self._per_row, top + number // self._per_row * (high - top) / down,
                     wide / self._per_row, (high - top) / down),
                    (wide, high), spare, len(panel.series) > 1 and not keyed,
                    pen.said(self.panels[number - number % self._per_row :][: self._per_row], self.about, wide / self._per_row),
                )
                for number, panel in enumerate(self.panels)
            ]  # fmt: skip
        for axes in spare:
            figure.delaxes(axes)
        return drawn

    # The pointer.

    def point(self, panel: int, position: int) -> None:
        """Put the pointer on a value, as the mouse and the arrow keys do."""
        self._at = (panel, position)
        self._pointer.update()
        self.pointed_at.emit(panel, position)

    def _unpoint(self) -> None:
        self._at = None
        self._pointer.update()

    def pointed(self) -> list[str]:
        """What the pointer says now; empty without one."""
        if self._at is None:
            return []
        return [*self.told(*self._at), *([self.hint] if self.hint else [])]

    def place_of(self, panel: int, position: int) -> QPointF:
        """Where a position stands, in this widget's pixels: the middle of the drawing upwards (across, of lying bars)."""
        axes, one = self._axes[panel], self.panels[panel]
        if one.lying:
            box, scale = axes.bbox, self._canvas.device_pixel_ratio
            up = axes.transData.transform((0, position))[1] / scale
            return QPointF((box.x0 + box.x1) / 2 / scale, self._canvas.height() - up)
        x = (one.edges[position] + one.edges[position + 1]) / 2 if one.edges else position
        box, scale = axes.bbox, self._canvas.device_pixel_ratio
        across = axes.transData.transform((x, 0))[0] / scale
        return QPointF(across, self._canvas.height() - (box.y0 + box.y1) / 2 / scale)

    def _at_mouse(self, at: QPointF) -> tuple[int, int] | None:
        scale = self._canvas.device_pixel_ratio
        x, y = at.x() * scale, (self._canvas.height() - at.y()) * scale
        for number, (axes, panel) in enumerate(zip(self._axes, self.panels, strict=True)):
            box = axes.bbox
            beside = box.x0 if panel.lying else 6  # the names belong to lying bars
            if box.x0 - beside <= x <= box.x1 + 6 and box.y0 - 30 <= y <= box.y1 + 6:
                value = axes.transData.inverted().transform((x, y))[1 if panel.lying else 0]
                return number, _nearest(panel, value)
        return None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._canvas:
            kind = event.type()
            if kind == QEvent.Type.Resize:
                self._redraw()
            elif kind == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
                at = self._at_mouse(event.position())
                if at != self._at:
                    if at is not None:
                        self.point(*at)
                    else:
                        self._unpoint()
            elif kind == QEvent.Type.MouseButtonDblClick and self._at is not None:
                self.activated.emit(*self._at)
            elif kind == QEvent.Type.Leave:
                self._unpoint()
            elif kind == QEvent.Type.MouseButtonPress:
                self.setFocus()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if any(panel.lying for panel in self.panels):
            steps |= {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if key in steps and self.panels:
            panel, position = self._at or (0, -1 if steps[key] > 0 else _positions(self.panels[0]))
            position += steps[key]
            if position >= _positions(self.panels[panel]):
                panel, position = (panel + 1) % len(self.panels), 0
            elif position < 0:
                panel = (panel - 1) % len(self.panels)
                position = _positions(self.panels[panel]) - 1
            self.point(panel, position)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at is not None:
            self.activated.emit(*self._at)
        elif key == Qt.Key.Key_Escape and self._at is not None:
            self._unpoint()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self._unpoint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._pointer.setGeometry(self.rect())
        size = self.button.sizeHint()
        self.button.setGeometry(self.width() - size.width(), 0, size.width(), size.height())


class _Pointer(QWidget):
    """Lies over the canvas: a line at the position and what stands there, without drawing the chart again."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._chart = chart
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        chart = self._chart
        look = chart._desk.look.colours
        painter = QPainter(self)
        if chart.hasFocus():
            painter.setPen(QPen(QColor(look.accent)))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if chart._at is None or not chart._axes:
            return
        at = chart.place_of(*chart._at)
        lying, bounds = chart.panels[chart._at[0]].lying, chart._axes[chart._at[0]].bbox
        half = (bounds.width if lying else bounds.height) / chart._canvas.device_pixel_ratio / 2
        painter.setPen(QPen(QColor(look.muted), 1, Qt.PenStyle.DotLine))
        if lying:
            painter.drawLine(QPointF(at.x() - half, at.y()), QPointF(at.x() + half, at.y()))
            half = 0
        else:
            painter.drawLine(QPointF(at.x(), at.y() - half), QPointF(at.x(), at.y() + half))
        lines = chart.pointed()
        font = QFont(self.font())
        painter.setFont(font)
        metrics = QFontMetrics(font)
        wide = max(metrics.horizontalAdvance(line) for line in lines) + 2 * GAP
        high = metrics.height() * len(lines) + GAP
        left = at.x() + GAP if at.x() + GAP + wide <= self.width() else at.x() - GAP - wide
        down = min(at.y() + GAP, self.height() - high) if lying else at.y() - half
        box = QRectF(max(0.0, left), max(0.0, down), wide, high)
        painter.setPen(QPen(QColor(look.line)))
        painter.setBrush(QColor(look.raised))
        painter.drawRect(box)
        painter.setPen(QColor(look.text))
        for number, line in enumerate(lines):
            painter.drawText(
                QPointF(box.left() + GAP, box.top() + GAP / 2 + metrics.ascent() + number * metrics.height()),
                line,
            )


class _Pen:
    """Draws a panel into its part of the figure. Sizes are pixels of a screen of 96 dots to the inch."""

    def __init__(
        self, look: Colours, palette: Sequence[str], ground: str, pixels: float, texts: Texts
    ) -> None:
        self.look, self.palette, self.ground, self.texts = look, palette, ground, texts
        self.points = pixels * 0.75
        self.line = pixels * 1.35

    def panel(
        self, figure: Figure, panel: Panel, about: str,
        part: tuple[float, float, float, float], whole: tuple[float, float], spare: list[Axes], named: bool, lines: int,
    ) -> Axes:  # fmt: skip
        """`part`: left, top, width, height of the panel in the figure of the size `whole`.

        spare: axes of the figure that nothing is drawn on any more. named: with the names of its rows of values. lines:
        under the title, as many as the panels beside it have, so that all drawings of a row begin at one height.
        """
        if _falls(panel):
            return self._waterfall(figure, panel, about, part, whole)
        left, top, wide, high = part
        said = self._said(panel, about, wide)
        said += [""] * (lines - len(said))
        above = (1 + len(said) + named) * self.line + 8
        below = self.line + 8 + (self.line if panel.x_title else 0)
        inside = max(20.0, high - above - below)
        marks = len(panel.marks) * self.line if panel.edges else 0  # their names stand above the bars
        # Above the bars stand the names of marks, above the points their values.
        free = 0.04 + (marks if panel.edges else 1.3 * self.line) / inside
        ticks, highest = _ticks(panel, min(0.5, free))
        labels = [_short(value, ticks) for value in ticks]
        beside = max((len(label) for label in labels), default=1) * self.points * 0.78 + 12
        if panel.lying:  # a name may take two fifths of the width
            beside = min(wide * 0.4, max((_width(name) for name in panel.x), default=1) * self.points * 0.8 + 14)
        inner = (left + beside, top + above, max(20.0, wide - beside - (30 if panel.edges else 14)), inside)
        place = (inner[0] / whole[0], 1 - (inner[1] + inner[3]) / whole[1], inner[2] / whole[0], inner[3] / whole[1])
        axes = figure.add_axes(place) if panel.lying else self._plain(figure, place, spare)
        if panel.lying:
            self._frame_lying(axes, panel, inner[2], beside)
        else:
            self._frame(axes, panel, ticks, labels, highest, inner[2])
        place = 0
        bars = [series for series in panel.series if series.form == "bar"]
        for number, series in enumerate(panel.series):
            if series.form == "bar":
                self._bars(axes, panel, series, number, place, len(bars))
                place += 1
            else:
                self._line(axes, series, number)
            if len(panel.series) == 1 and not panel.edges and not panel.lying and _positions(panel) <= WRITTEN:
                self._write(axes, panel, series, highest, inner[2])
            if panel.lying and _at_ends(panel):
                self._write_lying(axes, panel, series)
        self._marks(axes, panel, highest, inner[3])
        self._words(axes, panel, said, inner, wide, named)
        return axes

    def _waterfall(
        self, figure: Figure, panel: Panel, about: str,
        part: tuple[float, float, float, float], whole: tuple[float, float],
    ) -> Axes:  # fmt: skip
        """Bars one after the other, every value written. What falls is striped and has a minus: neither needs colour."""
        left, top, wide, high = part
        series, many, letter = panel.series[0], len(panel.x), self.points * 0.7
        found = spans(series.values)
        low, upper = reach(found)
        texts = [(_text(panel, series, at) or self.texts("chart.none")).replace("-", MINUS) for at in range(many)]
        longest = max((_width(text) for text in texts), default=1) * letter + 10
        said = [*_wrapped(about, wide - 4, self.points), *([panel.note] if panel.note else [])]
        if low > 0:
            said += _folded(self.texts("chart.cut"), (wide - 4) / letter, 2)
        above = (2 + len(said)) * self.line + 8
        if panel.lying:  # a name may take two fifths of the width
            beside = min(wide * 0.4, max((_width(name) for name in panel.x), default=1) * letter + 16)
            below, room = self.line + 6, longest
            lines = int((high - above - below) / max(1, many) / self.line)
            names = [_folded(name, (beside - 14) / letter, lines) for name in panel.x]
        else:
            ticks = _steps(low, upper, 4)
            beside = max((len(_short(value, ticks)) for value in ticks), default=1) * letter + 12
            slot = (wide - beside - 14) / max(1, many)
            names = [_folded(name, (slot - 6) / letter, 4) for name in panel.x]
            below = max((len(name) for name in names), default=1) * self.line + 8
            room = longest if longest > slot else 1.3 * self.line  # what has no room across stands upright
        inner = (left + beside, top + above, max(20.0, wide - beside - 14), max(20.0, high - above - below))
        length = inner[2] if panel.lying else inner[3]
        upper += (upper - low) * room / max(room, length - room)
        axes = figure.add_axes(
            (inner[0] / whole[0], 1 - (inner[1] + inner[3]) / whole[1], inner[2] / whole[0], inner[3] / whole[1])
        )
        self._frame_waterfall(axes, panel, names, (low, upper), inner[2])
        for at, (start, end) in enumerate(found):
            total = at in (0, many - 1)
            self._step(axes, panel.lying, at, (max(start, low), end), total)
            if total and low > 0:
                self._tear(axes, panel.lying, at, low, upper - low)
            if at + 1 < many:  # from where it ended to where the next begins
                self._across(axes, panel.lying, (at + 0.31, at + 0.69), (end, end), self.look.muted, 0.9, ":")
            stood = max(start, end)
            axes.annotate(
                texts[at], (stood, at) if panel.lying else (at, stood), (4, 0) if panel.lying else (0, 3),
                textcoords="offset points", ha="left" if panel.lying else "center",
                va="center" if panel.lying else "bottom", color=self.look.text, fontsize=self.points * 0.92,
                rotation=90 if not panel.lying and room == longest else 0, weight="bold" if total else "normal",
            )  # fmt: skip
        self._words(axes, panel, said, inner, wide, True)
        return axes

    def _frame_waterfall(
        self, axes: Axes, panel: Panel, names: Sequence[Sequence[str]], ends: tuple[float, float], wide: float
    ) -> None:
        look, many, along = self.look, len(panel.x), panel.lying
        axes.set_facecolor(self.ground)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        ticks = _steps(*ends, max(2, int(wide // 110)) if along else 4)
        labels, said = [_short(value, ticks) for value in ticks], ["\n".join(name) for name in names]
        (axes.set_xlim if along else axes.set_ylim)(*ends)
        if along:
            axes.set_ylim(many - 0.5, -0.5)
        else:
            axes.set_xlim(-0.5, many - 0.5)
        (axes.set_xticks if along else axes.set_yticks)(ticks, labels)
        (axes.set_yticks if along else axes.set_xticks)(range(many), said)
        axes.grid(axis="x" if along else "y", color=look.line, linewidth=0.7)
        (axes.axvline if along else axes.axhline)(max(0.0, ends[0]), color=look.muted, linewidth=0.9)
        axes.set_axisbelow(True)
        axes.tick_params(axis="both", length=0, labelsize=self.points * 0.92, colors=look.muted, pad=4)
        axes.tick_params(axis="y" if along else "x", colors=look.text)

    def _step(self, axes: Axes, lying: bool, at: int, span: tuple[float, float], total: bool) -> None:
        """One bar: a total grey, a rise full, a fall striped, no change a line."""
        start, end = span
        if start == end:
            self._across(axes, lying, (at - 0.31, at + 0.31), (end, end), self.look.text, 1.4, "-")
            return
        key = "total" if total else "rise" if end > start else "fall"
        draw, foot = (axes.barh, "left") if lying else (axes.bar, "bottom")
        draw([at], [end - start], 0.62, **{foot: [start]}, **self._dress(key))
        # However small, it is seen.
        self._across(axes, lying, (at - 0.31, at + 0.31), (end, end), self.look.muted if total else self.look.text, 0.9, "-")

    def _dress(self, key: str) -> dict[str, Any]:
        if key == "fall":
            return {"facecolor": self.palette[1], "edgecolor": self.ground, "hatch": STRIPES, "linewidth": 0}
        return {"color": self.look.muted if key == "total" else self.palette[0]}

    def _tear(self, axes: Axes, lying: bool, at: int, low: float, length: float) -> None:
        """A bar whose foot was cut off is torn near it."""
        places = [at - 0.36 + 0.09 * i for i in range(9)]
        levels = [low + length * (0.045 if i % 2 else 0.03) for i in range(9)]
        self._across(axes, lying, places, levels, self.ground, 2.4, "-")

    def _across(
        self, axes: Axes, lying: bool, places: Sequence[float], levels: Sequence[float], colour: str, width: float, dash: str
    ) -> None:
        drawn = (levels, places) if lying else (places, levels)
        axes.plot(*drawn, color=colour, linewidth=width, linestyle=dash, solid_capstyle="butt")

    def _said(self, panel: Panel, about: str, wide: float) -> list[str]:
        notes = _wrapped(panel.note, wide - 4, self.points) if panel.note else []
        return [*_wrapped(about, wide - 4, self.points), *notes]

    def said(self, panels: Sequence[Panel], about: Callable[[Panel], str], wide: float) -> int:
        """How many lines stand under the titles of these at most."""
        return max(len(self._said(panel, about(panel), wide)) for panel in panels)

    def _frame(
        self, axes: Axes, panel: Panel, ticks: Sequence[float], labels: Sequence[str], highest: float, wide: float
    ) -> None:
        """Level lines and what stands beside and under them: drawn by hand, ticks of matplotlib cost tenfold."""
        from matplotlib.collections import LineCollection

        look = self.look
        axes.set_facecolor(self.ground)
        axes.spines["bottom"].set_color(look.muted)
        axes.set_ylim(min(0.0, ticks[0]), highest)
        many = len(panel.x)
        if panel.edges:
            low, high = panel.edges[0], panel.edges[-1]
            across = _steps(low, high, max(2, int(wide // 90)))
            beneath = {value: _short(value, across) for value in across}
        else:
            low, high = -0.5 if many > 1 else -1.0, many - 0.5 if many > 1 else 1.0
            longest = max((_width(name) for name in panel.x), default=1) * self.points * 0.8 + 10
            step = max(1, -(-int(longest * many) // max(1, int(wide))))
            shown = list(range(many - 1, -1, -step))[::-1]  # the newest always has its name
            beneath = {i: _elided(panel.x[i], wide / max(1, len(shown)), self.points) for i in shown}
        axes.set_xlim(low, high)
        axes.add_collection(
            LineCollection(
                [((low, value), (high, value)) for value in ticks], colors=look.line, linewidths=0.7, zorder=0.5
            ),
            autolim=False,
        )
        small = {"color": look.muted, "fontsize": self.points * 0.92, "textcoords": "offset points"}
        for value, label in zip(ticks, labels, strict=True):
            axes.annotate(label, (0, value), (-4, 0), xycoords=axes.get_yaxis_transform(), ha="right", va="center", **small)
        for at, label in (panel.beneath or beneath).items():
            axes.annotate(label, (at, 0), (0, -4), xycoords=axes.get_xaxis_transform(), ha="center", va="top", **small)
        if panel.x_title:
            down = -4 - self.line * 0.75
            axes.annotate(panel.x_title, (0.5, 0), (0, down), xycoords="axes fraction", ha="center", va="top", **small)

    def _plain(self, figure: Figure, place: tuple[float, float, float, float], spare: list[Axes]) -> Axes:
        """Axes with an upright frame and nothing on them."""
        if spare:
            axes = spare.pop(0)
            key = axes.get_legend()
            for one in [*axes.lines, *axes.texts, *axes.patches, *axes.collections, *([key] if key is not None else [])]:
                one.remove()
            axes.set_position(place)
            return axes
        axes = figure.add_axes(place)
        axes.set_gid(PLAIN)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_visible(False)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        return axes

    def _frame_lying(self, axes: Axes, panel: Panel, wide: float, beside: float) -> None:
        look = self.look
        axes.set_facecolor(self.ground)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        values = [value for series in panel.series for value in series.values if value is not None]
        low, high = min(0.0, min(values, default=0.0)), max(0.0, max(values, default=1.0))
        room = min(0.4 * wide, max((_width(text) for text in _at_ends(panel)), default=0) * self.points * 0.8 + 8)
        spare = max(0.04, room / max(1.0, wide - room)) * ((high - low) or 1.0)
        low, high = low - spare * (low < 0), high + spare
        ticks = _steps(low, high, max(2, int(wide // 110)))
        axes.set_xlim(low, high)
        axes.set_xticks(ticks, [_short(value, ticks) for value in ticks])
        axes.set_ylim(len(panel.x) - 0.5, -0.5)
        axes.set_yticks(range(len(panel.x)), [_elided(name, beside - 10, self.points) for name in panel.x])
        axes.grid(axis="x", color=look.line, linewidth=0.7)
        axes.axvline(0, color=look.muted, linewidth=0.9)
        axes.set_axisbelow(True)
        axes.tick_params(axis="both", length=0, labelsize=self.points * 0.92, colors=look.muted, pad=4)
        axes.tick_params(axis="y", colors=look.text)

    def _bars(
        self, axes: Axes, panel: Panel, series: Series, number: int, place: int, bars: int
    ) -> None:
        colour = self.palette[number % len(self.palette)]
        values = [value or 0.0 for value in series.values]
        if panel.edges:
            widths = [b - a for a, b in pairwise(panel.edges)]
            axes.bar(
                panel.edges[:-1], values, widths, align="edge", color=colour, alpha=0.55, edgecolor=self.ground,
                linewidth=0.6,
            )  # fmt: skip
            return
        width = min(0.62, 0.8 / bars)
        at = [position + (place - (bars - 1) / 2) * width for position in range(len(values))]
        if panel.lying:
            axes.barh(at, values, width * 0.94, color=colour)
        else:
            axes.bar(at, values, width * 0.94, color=colour)

    def _line(self, axes: Axes, series: Series, number: int) -> None:
        from matplotlib.lines import Line2D

        colour = self.palette[number % len(self.palette)]
        values = [float("nan") if value is None else value for value in series.values]
        marker = MARKERS[number % len(MARKERS)] if len(values) <= 24 else ""
        line = Line2D(
            range(len(values)), values, color=colour, linewidth=1.7, linestyle=DASHES[number % len(DASHES)],
            marker=marker, markersize=4.5, zorder=3,
        )  # fmt: skip
        axes.add_artist(line).set_clip_path(None)  # the limits are known: nothing is to be measured
        if series.ringed:
            at = sorted(series.ringed)
            ring = Line2D(at, [values[i] for i in at], zorder=4, **self._ring())
            axes.add_artist(ring).set_clip_path(None)

    def _write(self, axes: Axes, panel: Panel, series: Series, highest: float, wide: float) -> None:
        """Values beside their points, where all of them have room."""
        texts = [_text(panel, series, at) for at in range(len(series.values))]
        widest = max((len(text) for text in texts), default=0) * self.points * 0.8
        if widest * len(texts) > wide:
            return
        for at, (value, text) in enumerate(zip(series.values, texts, strict=True)):
            if value is not None:
                axes.annotate(
                    text, (at, value), (0, 5), textcoords="offset points", ha="center", va="bottom",
                    color=self.look.text, fontsize=self.points * 0.92,
                )  # fmt: skip

    def _write_lying(self, axes: Axes, panel: Panel, series: Series) -> None:
        """Values at the ends of lying bars, beyond them on either side."""
        for at, (value, text) in enumerate(zip(series.values, _at_ends(panel), strict=True)):
            if value is not None:
                axes.annotate(
                    text, (value, at), (-3 if value < 0 else 3, 0), textcoords="offset points",
                    ha="right" if value < 0 else "left", va="center", color=self.look.text, fontsize=self.points * 0.92,
                )  # fmt: skip

    def _marks(self, axes: Axes, panel: Panel, highest: float, high_pixels: float) -> None:
        """Upright marks carry their names in steps, so that close ones stay readable."""
        from matplotlib.collections import LineCollection

        look = self.look
        low, high = axes.get_ylim()
        upright = [((mark.value - 0.5, low), (mark.value - 0.5, high)) for mark in panel.marks if mark.upright]
        if upright:
            lines = LineCollection(upright, colors=look.muted, linewidths=0.9, linestyles=[UPRIGHT], zorder=1)
            axes.add_collection(lines, autolim=False)
        for number, mark in enumerate(sorted(panel.marks, key=lambda one: one.value)):
            label = f"{mark.name} {mark.text}"
            if panel.edges:
                low, high = panel.edges[0], panel.edges[-1]
                if not low <= mark.value <= high:
                    continue
                axes.axvline(
                    mark.value, 0, 1 - number * self.line / high_pixels,
                    color=look.text, linewidth=0.9, linestyle=DASHES[number % 4],
                )  # fmt: skip
                late = mark.value > low + (high - low) * 0.62
                axes.annotate(
                    label, (mark.value, highest), (-3 if late else 3, -number * self.line * 0.75),
                    textcoords="offset points", ha="right" if late else "left", va="top",
                    color=look.text, fontsize=self.points * 0.92, zorder=4,
                    bbox={"facecolor": self.ground, "edgecolor": "none", "pad": 0.4},  # the other lines pass behind it
                )  # fmt: skip
            else:
                if mark.upright:
                    continue
                axes.axhline(mark.value, color=look.text, linewidth=0.9, linestyle="--")
                axes.annotate(
                    label, (axes.get_xlim()[1], mark.value), (0, 2), textcoords="offset points", ha="right",
                    va="bottom", color=look.text, fontsize=self.points * 0.92,
                )  # fmt: skip

    def _words(
        self, axes: Axes, panel: Panel, said: Sequence[str], inner: tuple[float, float, float, float], wide: float, named: bool
    ) -> None:
        """Title and what the chart states, at the panel's left edge; names of several series under them."""
        look, points = self.look, self.points
        left = -(inner[0] - (inner[0] // wide) * wide - 4) * 0.75
        lines = [(panel.title, look.text, "bold"), *((text, look.muted, "normal") for text in said)]
        for number, (text, colour, weight) in enumerate(lines[::-1]):
            if not text:
                continue
            room = wide - (40 if weight == "bold" else 4)
            high = (number + named) * self.line * 0.75 + 5
            axes.annotate(
                _elided(text, room, points), (0, 1), (left, high), xycoords="axes fraction",
                textcoords="offset points", ha="left", va="bottom", color=colour, fontsize=points, weight=weight,
            )  # fmt: skip
        if named:
            handles = self._handles(panel.series)
            axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncol=len(handles), **self._key_style())

    def key(self, figure: Figure, panels: Sequence[Panel], size: tuple[int, int]) -> float:
        """The names of the rows of values, of rings and upright marks, once for all panels. The height that it takes."""
        from matplotlib.lines import Line2D

        handles = self._handles(panels[0].series)
        if any(series.ringed for panel in panels for series in panel.series):
            handles.append(Line2D([], [], label=self.texts("chart.ringed"), **self._ring()))
        marks: dict[str, list[str]] = {}
        for mark in sorted({mark for panel in panels for mark in panel.marks if mark.upright}, key=lambda one: one.value):
            marks.setdefault(mark.name, []).append(mark.text)
        for name, said in marks.items():
            handles.append(
                Line2D([], [], color=self.look.muted, linewidth=0.9, linestyle=UPRIGHT, label=f"{name} {' · '.join(said)}")
            )
        down, room = 2.0, size[0] - 40  # the button stands to the right
        while handles:
            many, wide = 0, 0.0
            while many < len(handles) and (not many or wide < room):
                wide += _width(str(handles[many].get_label())) * self.points * 0.72 + 5 * self.points
                many += 1
            many -= many > 1 and wide >= room
            at = (4 / size[0], 1 - down / size[1])
            figure.legend(handles=handles[:many], loc="upper left", bbox_to_anchor=at, ncol=many, **self._key_style())
            handles, down = handles[many:], down + self.line * 1.05
        return down + 4

    def _handles(self, rows: Sequence[Series]) -> list[Any]:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        if rows[0].form == "waterfall":
            return [Patch(label=self.texts(f"chart.{key}"), **self._dress(key)) for key in ("total", "rise", "fall")]
        return [
            Patch(color=self.palette[i % len(self.palette)], label=series.name)
            if series.form == "bar"
            else Line2D(
                [], [], color=self.palette[i % len(self.palette)], linestyle=DASHES[i % len(DASHES)],
                marker=MARKERS[i % len(MARKERS)] if len(series.values) <= 24 else "", markersize=4.5, label=series.name,
            )
            for i, series in enumerate(rows)
        ]  # fmt: skip

    def _key_style(self) -> dict[str, Any]:
        return {
            "frameon": False, "fontsize": self.points * 0.92, "labelcolor": self.look.text, "borderpad": 0,
            "borderaxespad": 0.2, "handlelength": 1.8, "columnspacing": 1.2,
        }  # fmt: skip

    def _ring(self) -> dict[str, Any]:
        return {
            "linestyle": "none", "marker": "o", "markersize": 8, "markerfacecolor": "none",
            "markeredgecolor": self.look.text, "markeredgewidth": 1.1,
        }  # fmt: skip


# Words and numbers of a panel.


def _keyed(panels: Sequence[Panel]) -> bool:
    """Whether the names of the rows of values stand once above several panels."""
    rows = {tuple((series.name, series.form) for series in panel.series) for panel in panels}
    return len(panels) > 1 and len(rows) == 1 and len(next(iter(rows))) > 1


def _falls(panel: Panel) -> bool:
    return bool(panel.series) and panel.series[0].form == "waterfall"


def _positions(panel: Panel) -> int:
    return len(panel.edges) - 1 if panel.edges else len(panel.x)


def _position(panel: Panel, at: int) -> str:
    """A position's name; a stretch of a histogram by its bounds."""
    if not panel.edges:
        return str(panel.x[at])
    low, high = panel.edges[at], panel.edges[at + 1]
    whole = all(float(edge).is_integer() for edge in panel.edges)
    return f"{low:,.0f}–{high:,.0f}" if whole else f"{low:,.2f}–{high:,.2f}"


def _text(panel: Panel, series: Series, at: int) -> str:
    """A value as text: the exact one where it was given."""
    value = series.values[at]
    if value is None:
        return ""
    return series.texts[at] if series.texts else grouped(f"{value:.{panel.places}f}")


def _at_ends(panel: Panel) -> list[str]:
    """What stands at the ends of lying bars: the values, where there is one row of them and not too many."""
    if len(panel.series) != 1 or len(panel.x) > WRITTEN_LYING or panel.series[0].form != "bar":
        return []
    return [_text(panel, panel.series[0], at) for at in range(len(panel.x))]


def _number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _nearest(panel: Panel, value: float) -> int:
    if panel.edges:
        inside = [i for i in range(_positions(panel)) if value >= panel.edges[i]]
        return inside[-1] if inside else 0
    return min(max(0, round(value)), len(panel.x) - 1)


def _steps(low: float, high: float, many: int, whole: bool = False) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=many, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    return [float(value) for value in found if low <= value <= high]


def _ticks(panel: Panel, free: float) -> tuple[list[float], float]:
    """Ticks of the upright axis and its end, `free` of it above the highest value.

    The axis begins at nothing, so that no difference looks larger than it is.
    """
    values = [value for series in panel.series for value in series.values if value is not None]
    if not panel.edges:
        values += [mark.value for mark in panel.marks if not mark.upright]
    top, bottom = max(values, default=1.0), min(0.0, min(values, default=0.0))
    if top <= bottom:
        top = bottom + 1
    # There is no half of a case.
    return _steps(bottom, top, 4, whole=panel.places == 0), bottom + (top - bottom) / (1 - free)


def _short(value: float, beside: Sequence[float]) -> str:
    """A tick's label, with as many decimals as its neighbours need."""
    gap = min((abs(b - a) for a, b in pairwise(beside)), default=abs(value) or 1)
    places = next((p for p in range(6) if abs(round(gap, p) - gap) < gap * 1e-6), 6)
    return grouped(f"{value + 0.0:.{places}f}")


def _width(text: str) -> float:
    """Width in letters: Chinese ones are twice as wide."""
    return sum(2.0 if ord(sign) > 0x2E7F else 1.0 for sign in text)


def _wrapped(text: str, room: float, points: float) -> list[str]:
    """Unit, period and number of cases on as many lines as they need: none of them may be cut."""
    lines = [""]
    for part in text.split(" · "):
        longer = f"{lines[-1]} · {part}" if lines[-1] else part
        if lines[-1] and _width(longer) > room / (points * 0.76):
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _elided(text: str, room: float, points: float) -> str:
    """As much of a text as has room."""
    letters = max(3.0, room / (points * 0.76))
    if _width(text) <= letters:
        return text
    while text and _width(text) > letters - 1:
        text = text[:-1]
    return text + "…"


def _folded(text: str, room: float, lines: int) -> list[str]:
    """The text on at most so many lines of `room` letters; cut only where the last of them is too short."""
    room, lines = max(2.0, room), max(1, lines)
    done = [""]
    for piece in PIECES.findall(text):
        step = max(1, int(room))  # a word longer than a line breaks as well
        for part in [piece] if _width(piece) <= room else [piece[i : i + step] for i in range(0, len(piece), step)]:
            if done[-1] and _width((done[-1] + part).rstrip()) > room:
                done.append("")
            if done[-1] or part.strip():
                done[-1] += part
    done = [line.rstrip() for line in done]
    if len(done) > lines:
        done = [*done[: lines - 1], done[lines - 1] + "…"]
        while _width(done[-1]) > room and len(done[-1]) > 1:
            done[-1] = done[-1][:-2] + "…"
    return done


def _font_pixels() -> float:
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    return max(10.0, QFontInfo(application.font()).pixelSize() * 0.94)


@cache
def _faces(window: tuple[str, ...]) -> tuple[str, ...]:
    """The window's faces and the Chinese ones that matplotlib finds too, and the last resort."""
    from matplotlib import font_manager

    there = set(font_manager.fontManager.get_font_names())
    return tuple(name for name in dict.fromkeys([*window, *CHINESE, *FALLBACK]) if name in there)


def _styled() -> Any:
    """The settings of matplotlib that hold while we draw: faces as the window's, Chinese first, letters as outlines."""
    from matplotlib import rc_context

    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    return rc_context(
        {
            "font.family": list(_faces(tuple(application.font().families()))),
            "axes.unicode_minus": True,
            "svg.fonttype": "path",
            "svg.hashsalt": "dianzhi",
            "path.simplify": True,
        }
    )
