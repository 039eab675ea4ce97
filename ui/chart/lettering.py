"""The canvas of charts on screen: letters are drawn once and then copied, because to draw them takes most of a chart's time.

Only for the screen: a saved picture is drawn by matplotlib alone, its letters as sharp as its resolution. Imports matplotlib,
so it is imported with the first chart.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

KEPT = 3000  # texts; a row of numbers under every one of some hundred institutions is fewer
EDGE = 3  # pixels around a text, for letters that reach beyond their width

_drawn: dict[tuple[Any, ...], np.ndarray] = {}
_sizes: dict[tuple[Any, ...], tuple[float, float, float]] = {}


class Lettering(RendererAgg):
    """Level texts are copied from where they were drawn before; anything else goes matplotlib's way."""

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None
    ) -> None:
        if ismath or angle:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        wide, high, below = self.get_text_width_height_descent(s, prop, False)
        key = (s, hash(prop), self.dpi, tuple(gc.get_rgb()), gc.get_alpha())
        letters = _drawn.get(key)
        if letters is None:
            letters = self._letters(gc, s, prop, ceil(wide) + 2 * EDGE, ceil(high) + 2 * EDGE, ceil(below))
            if len(_drawn) >= KEPT:
                _drawn.clear()
            _drawn[key] = letters
        # y is downwards, the base line of the text; an image stands on its lower left corner, upwards.
        self.draw_image(gc, round(x) - EDGE, round(self.height - y) - EDGE - ceil(below), letters)

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        key = (s, hash(prop), self.dpi, ismath)
        size = _sizes.get(key)
        if size is None:
            if len(_sizes) >= KEPT:
                _sizes.clear()
            size = _sizes[key] = super().get_text_width_height_descent(s, prop, ismath)
        return size

    def _letters(self, gc: Any, s: str, prop: Any, wide: int, high: int, below: int) -> np.ndarray:
        """The text alone on a ground that lets everything through, lowest row first."""
        page = RendererAgg(wide, high + 1, self.dpi)
        pen = page.new_gc()
        pen.set_foreground(gc.get_rgb(), isRGBA=True)
        pen.set_alpha(gc.get_alpha())
        page.draw_text(pen, EDGE, high + 1 - EDGE - below, s, prop, 0)
        pen.restore()
        return np.ascontiguousarray(np.asarray(page.buffer_rgba())[::-1])


class Canvas(FigureCanvasQTAgg):
    renderer: Any = None

    def get_renderer(self) -> Lettering:
        wide, high = self.get_width_height(physical=True)
        size = (wide, high, self.figure.dpi)
        if self.renderer is None or (self.renderer.width, self.renderer.height, self.renderer.dpi) != size:
            self.renderer = Lettering(*size)
        return self.renderer
