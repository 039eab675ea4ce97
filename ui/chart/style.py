"""How charts look on screen and in print: colours, marks and dashes that stay apart, and the faces of their letters."""

from __future__ import annotations

from functools import cache
from typing import Any

from PySide6.QtGui import QFontInfo, QGuiApplication

from ui.look import CHINESE

# Five colours that stay apart for the three kinds of colour-blind eyes and, by their lightness, in grey: any two differ
# by at least 7 of CIE L*. tests/ui_catalogue/test_chart.py holds both.
LIGHT = ("#1f5f8b", "#d99a3d", "#4b1921", "#b8566b", "#7fd8c8")
DARK = ("#74b4e0", "#f0d48f", "#cf8460", "#8d5a86", "#dff7ee")
MARKERS = ("o", "s", "^", "D", "v")
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)))
# A matplotlib older than 3.11 opens only the first face of a collection, whose name is Japan's.
FALLBACK = ("Noto Sans CJK JP", "DejaVu Sans")


def font_pixels() -> float:
    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    return max(10.0, QFontInfo(application.font()).pixelSize() * 0.94)


@cache
def _faces(window: tuple[str, ...]) -> tuple[str, ...]:
    """The window's faces and the Chinese ones that matplotlib finds too, and the last resort."""
    from matplotlib import font_manager

    there = set(font_manager.fontManager.get_font_names())
    return tuple(name for name in dict.fromkeys([*window, *CHINESE, *FALLBACK]) if name in there)


def styled() -> Any:
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
