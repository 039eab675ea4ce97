"""The heading of what stands beside the worksheet, with the button that puts it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton

from ui.look import set_role

if TYPE_CHECKING:
    from core.texts import Texts


class SideHeading(QHBoxLayout):
    closed = Signal()

    def __init__(self, texts: Texts, title: str) -> None:
        super().__init__()
        said = QLabel(title)
        set_role(said, "heading")
        away = QToolButton()
        away.setText("×")
        away.setToolTip(texts("clearing.close"))
        away.setAccessibleName(texts("clearing.close"))
        away.clicked.connect(self.closed)
        self.addWidget(said, 1)
        self.addWidget(away)
