"""Widgets side by side or one above the other, with borders that can be dragged and never close a part."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget


def side_by_side(*widgets: QWidget, sizes: Sequence[int] = (), stretch: Sequence[int] = ()) -> QSplitter:
    """sizes: pixels at first. stretch: who takes how much of what comes with a larger window."""
    return split(Qt.Orientation.Horizontal, *widgets, sizes=sizes, stretch=stretch)


def one_above_other(*widgets: QWidget, sizes: Sequence[int] = (), stretch: Sequence[int] = ()) -> QSplitter:
    return split(Qt.Orientation.Vertical, *widgets, sizes=sizes, stretch=stretch)


def split(
    way: Qt.Orientation, *widgets: QWidget, sizes: Sequence[int] = (), stretch: Sequence[int] = ()
) -> QSplitter:
    made = QSplitter(way)
    made.setChildrenCollapsible(False)
    for widget in widgets:
        made.addWidget(widget)
    for place, share in enumerate(stretch):
        if share:
            made.setStretchFactor(place, share)
    if sizes:
        made.setSizes(list(sizes))
    return made
