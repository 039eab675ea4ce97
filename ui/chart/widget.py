"""The widget that shows panels: it draws them when asked, listens to pointer and keys, copies and saves.

The pointer or the arrow keys tell a value; the data copy as a table; the picture saves as PNG or SVG in the colours of
print. matplotlib is loaded with the first chart: `prepare` does it in a job, so that the window does not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QGraphicsColorizeEffect,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.chart.panel import Panel, keyed, nearest, position_name, positions, value_text
from ui.chart.pen import PLAIN, Pen
from ui.chart.pointer import Pointer
from ui.chart.style import DARK, LIGHT, font_pixels, styled
from ui.look import Colours, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ui.desk import Desk

PRINT_DPI = 200
FORMS = ("png", "svg")


def prepare() -> None:
    """Load matplotlib and its list of fonts: seconds on a machine's first day, so call it in a job."""
    import_module("ui.chart.lettering")
    import_module("matplotlib.font_manager")


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
        self._pointer = Pointer(self)
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
        lines = [position_name(one, position)]
        for series in one.series:
            text = value_text(one, series, position) or self._texts("chart.none")
            unit = f" {one.unit}" if one.unit and value_text(one, series, position) else ""
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
            for at in range(positions(panel)):
                row = [position_name(panel, at)]
                for series in panel.series:
                    row.append(value_text(panel, series, at).replace(",", ""))
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
        with styled():
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

        from ui.chart.lettering import Canvas

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
        per_row = self._columns or max(1, min(many, int(wide // 230)))
        down = -(-many // per_row)
        with styled():
            pen = Pen(look, palette, ground, font_pixels(), self._texts)
            once = keyed(self.panels)
            top = pen.key(figure, self.panels, size) if once else 0.0
            drawn = [
                pen.panel(
                    figure, panel, self.about(panel),
                    (number % per_row * wide / per_row, top + number // per_row * (high - top) / down,
                     wide / per_row, (high - top) / down),
                    (wide, high), spare, len(panel.series) > 1 and not once,
                    pen.said(self.panels[number - number % per_row :][: per_row], self.about, wide / per_row),
                )
                for number, panel in enumerate(self.panels)
            ]  # fmt: skip
        for axes in spare:
            figure.delaxes(axes)
        return drawn

    # The pointer.

    def point(self, panel: int, position: int) -> None:
        """Put the pointer on a value, as the mouse and the arrow keys do; where none stands, nothing is pointed at."""
        if (panel, position) not in self._places():
            self._unpoint()
            return
        self._at = (panel, position)
        self._pointer.update()
        self.pointed_at.emit(panel, position)

    def _places(self) -> list[tuple[int, int]]:
        """Every panel and position that one can point at, in the order of the keys."""
        return [(number, at) for number, panel in enumerate(self.panels) for at in range(positions(panel))]

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
                return (number, nearest(panel, value)) if positions(panel) else None
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
        ways = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if any(panel.lying for panel in self.panels):
            ways |= {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if key in ways and (places := self._places()):
            first = -1 if ways[key] > 0 else 0
            at = places.index(self._at) if self._at is not None else first
            self.point(*places[(at + ways[key]) % len(places)])
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


def _number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
