"""A button whose menu is filled anew each time it opens: what it offers is what holds then."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QToolButton


class MenuButton(QToolButton):
    def __init__(self, title: str, fill: Callable[[QMenu], None]) -> None:
        super().__init__()
        self.setText(title + " ▾")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: (menu.clear(), fill(menu)))
        self.setMenu(menu)
