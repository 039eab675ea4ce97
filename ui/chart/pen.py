"""Draws panels into a figure of matplotlib. Sizes are pixels of a screen of 96 dots to the inch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ui.chart import waterfall
from ui.chart.fitting import elided, foot, short, steps, ticks_of, width, wrapped
from ui.chart.panel import Panel, Series, at_ends, falls, positions, value_text
from ui.chart.style import DASHES, MARKERS
from ui.look import Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from core.texts import Texts

UPRIGHT = (0, (2, 2))
PLAIN = "plain"  # axes of an upright frame, kept for the next drawing
WRITTEN = 6  # so few points have their values written beside them


class Pen:
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
        if falls(panel):
            return waterfall.draw(self, figure, panel, about, part, whole)
        left, top, wide, high = part
        said = self._said(panel, about, wide)
        said += [""] * (lines - len(said))
        above = (1 + len(said) + named) * self.line + 8
        below = self.line + 8 + (self.line if panel.x_title else 0)
        inside = max(20.0, high - above - below)
        marks = len(panel.marks) * self.line if panel.edges else 0  # their names stand above the bars
        # Above the bars stand the names of marks, above the points their values.
        free = 0.04 + (marks if panel.edges else 1.3 * self.line) / inside
        ticks, highest = ticks_of(panel, min(0.5, free))
        labels = [short(value, ticks) for value in ticks]
        beside = max((len(label) for label in labels), default=1) * self.points * 0.78 + 12
        if panel.lying:  # a name may take two fifths of the width
            beside = min(wide * 0.4, max((width(name) for name in panel.x), default=1) * self.points * 0.8 + 14)
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
            if len(panel.series) == 1 and not panel.edges and not panel.lying and positions(panel) <= WRITTEN:
                self._write(axes, panel, series, highest, inner[2])
            if panel.lying and at_ends(panel):
                self._write_lying(axes, panel, series)
        self._marks(axes, panel, highest, inner[3])
        self.words(axes, panel, said, inner, wide, named)
        return axes

    def _said(self, panel: Panel, about: str, wide: float) -> list[str]:
        if foot(panel) is not None:
            about = f"{about} · {self.texts('chart.cut_line')}" if about else self.texts("chart.cut_line")
        notes = wrapped(panel.note, wide - 4, self.points) if panel.note else []
        return [*wrapped(about, wide - 4, self.points), *notes]

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
        low = foot(panel)
        axes.set_ylim(min(0.0, ticks[0]) if low is None else low, highest)
        many = len(panel.x)
        if panel.edges:
            low, high = panel.edges[0], panel.edges[-1]
            across = steps(low, high, max(2, int(wide // 90)))
            beneath = {value: short(value, across) for value in across}
        else:
            low, high = -0.5 if many > 1 else -1.0, many - 0.5 if many > 1 else 1.0
            longest = max((width(name) for name in panel.x), default=1) * self.points * 0.8 + 10
            step = max(1, -(-int(longest * many) // max(1, int(wide))))
            shown = list(range(many - 1, -1, -step))[::-1]  # the newest always has its name
            beneath = {i: elided(panel.x[i], wide / max(1, len(shown)), self.points) for i in shown}
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
        room = min(0.4 * wide, max((width(text) for text in at_ends(panel)), default=0) * self.points * 0.8 + 8)
        spare = max(0.04, room / max(1.0, wide - room)) * ((high - low) or 1.0)
        low, high = low - spare * (low < 0), high + spare
        ticks = steps(low, high, max(2, int(wide // 110)))
        axes.set_xlim(low, high)
        axes.set_xticks(ticks, [short(value, ticks) for value in ticks])
        axes.set_ylim(len(panel.x) - 0.5, -0.5)
        axes.set_yticks(range(len(panel.x)), [elided(name, beside - 10, self.points) for name in panel.x])
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
        texts = [value_text(panel, series, at) for at in range(len(series.values))]
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
        for at, (value, text) in enumerate(zip(series.values, at_ends(panel), strict=True)):
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

    def words(
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
                elided(text, room, points), (0, 1), (left, high), xycoords="axes fraction",
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
                wide += width(str(handles[many].get_label())) * self.points * 0.72 + 5 * self.points
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
            return [Patch(label=self.texts(f"chart.{key}"), **waterfall.dress(self, key)) for key in ("total", "rise", "fall")]
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
