"""Charts: the one matplotlib canvas, styled once for light, dark and print. It takes series and never asks for data.

Every panel says its unit, its period and how many cases are behind it, on screen and in the saved picture. `panel` is what
is shown, `pen` and `waterfall` draw it with `style` and `fitting`, `widget` and `pointer` listen, `lettering` is the canvas.
"""

from ui.chart.panel import Mark, Panel, Series, small_multiples
from ui.chart.style import DARK, LIGHT
from ui.chart.widget import Chart, prepare

__all__ = ["DARK", "LIGHT", "Chart", "Mark", "Panel", "Series", "prepare", "small_multiples"]
