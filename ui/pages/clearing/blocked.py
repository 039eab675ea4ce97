"""What forbids a clearing: a line each, what to do, and the button that goes where it is put right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.faults import Refused
from ui.desk import Desk
from ui.look import GAP, TIGHT, set_role

if TYPE_CHECKING:
    from core.findings import Finding

# Where a blocking finding is put right: the page, and the kind of file that is missing there.
CURES = {
    "budget_missing": ("data", "budget"),
    "coefficient_missing": ("data", "coefficients"),
    "no_cases": ("data", "cases"),
    "no_cases_in_fund": ("data", "cases"),
    "set_missing": ("data", "coefficients"),
    "no_institutions": ("data", "institutions"),
    "catalogue_missing": ("data", "catalogue"),
    "catalogue_unknown": ("data", "catalogue"),
    "auxiliary_several": ("data", "batches"),
    "special_without_score": ("data", "special_cases"),
    "ownpay_missing": ("data", "cases"),
    "assessment_missing": ("data", "assessments"),
    "ungrouped": ("data", "catalogue"),
}


class Blocked(QWidget):
    """`cure_wanted` is called with the finding to put right, or with None to go back."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self.cure_wanted: Callable[[Finding | None], None] = lambda finding: None
        self.title = QLabel()
        set_role(self.title, "heading")
        self.about = QLabel(wordWrap=True)
        set_role(self.about, "muted")
        self.list = QVBoxLayout()
        self.list.setSpacing(TIGHT)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, GAP, 0)
        inner.addLayout(self.list)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        back = QPushButton(desk.texts("clearing.blocked_back"))
        back.clicked.connect(lambda: self.cure_wanted(None))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, GAP, 0, 0)
        box.setSpacing(GAP)
        box.addWidget(self.title)
        box.addWidget(self.about)
        box.addWidget(scroll, 1)
        box.addWidget(back, 0, Qt.AlignmentFlag.AlignLeft)

    def put(self, why: Refused) -> None:
        texts = self._desk.texts
        while (item := self.list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        blocking = [one for one in why.findings if one.severity == "blocked"]
        self.title.setText(texts("clearing.blocked_title", count=len(blocking)))
        self.about.setText(texts("clearing.blocked_about"))
        # A coefficient that 150 institutions lack is one thing to do, not 150.
        kinds: dict[tuple[str, str], list[Finding]] = {}
        for finding in blocking:
            kinds.setdefault((finding.code, finding.column), []).append(finding)
        for found in kinds.values():
            self.list.addWidget(self._line(found))

    def _line(self, found: list[Finding]) -> QWidget:
        texts = self._desk.texts
        card = QFrame()
        set_role(card, "card")
        row = QHBoxLayout(card)
        row.setContentsMargins(GAP, GAP - 2, GAP, GAP - 2)
        shown = [texts.finding(one) for one in found[:5]]
        shown = list(dict.fromkeys(shown))
        if len(found) > 5:
            shown.append(texts("clearing.blocked_more", count=f"{len(found) - 5:,}"))
        label = QLabel("\n".join(shown), wordWrap=True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(label, 1)
        code = found[0].code
        key = "catalogue_several" if code == "catalogue_several" else CURES.get(code, ("", ""))[1]
        if key:
            button = QPushButton(texts(f"clearing.cure.{key}"))
            button.clicked.connect(lambda: self.cure_wanted(found[0]))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return card
