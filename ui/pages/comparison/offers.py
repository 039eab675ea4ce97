"""Before anything is compared: what the page does, and pairs of institutions to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui.desk import Desk
from ui.look import EDGE, GAP, count, set_role
from ui.pages.comparison.suggestions import Candidate

WIDE = 620  # pixels


class Offers(QWidget):
    chosen = Signal(object)  # codes

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._texts = texts = desk.texts
        self.buttons: list[QPushButton] = []
        title = QLabel(texts("comparison.begin"))
        set_role(title, "title")
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.heading = QLabel(texts("comparison.suggested"))
        set_role(self.heading, "heading")
        self._list = QVBoxLayout()
        self._list.setSpacing(GAP)
        inner = QWidget()
        inner.setFixedWidth(WIDE)
        box = QVBoxLayout(inner)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(title)
        box.addWidget(self.said)
        box.addSpacing(EDGE)
        box.addWidget(self.heading)
        box.addLayout(self._list)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(inner)
        across.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(across)
        outer.addStretch(3)
        self.say(())

    def say(self, chosen: Sequence[str]) -> None:
        """What is still to be done."""
        key = "comparison.one_more" if chosen else "comparison.how"
        self.said.setText(self._texts(key))

    def put(self, pairs: Sequence[tuple[str, ...]], candidates: Mapping[str, Candidate], last: bool) -> None:
        """last: the first of them was compared before."""
        for button in self.buttons:
            self._list.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        self.heading.setVisible(bool(pairs))
        for number, codes in enumerate(pairs):
            of = [candidates[code] for code in codes]
            names = self._texts("comparison.against_each").join(one.name for one in of)
            about = (
                self._texts("comparison.last")
                if last and number == 0
                else self._texts(
                    "comparison.same_level", level=self._texts(f"comparison.level.{of[0].level}"),
                    cases=self._texts("comparison.against_each").join(count(one.cases) for one in of),
                )
            )  # fmt: skip
            button = QPushButton(f"{names}    {about}")
            button.setStyleSheet("text-align: left;")
            button.setToolTip("\n".join(f"{one.name} {one.code}" for one in of))
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _=False, codes=codes: self.chosen.emit(codes))
            self.buttons.append(button)
            self._list.addWidget(button)
