"""What to know before one reads the clearing on screen: that it is stale, of another set, or not the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from ui.look import GAP, TIGHT, set_role
from ui.pages.clearing import sheets

if TYPE_CHECKING:
    from core.rules.sheet import Clearing
    from core.settlement.clearing import Run
    from core.texts import Texts


class Notice(QFrame):
    """Hidden where there is nothing to say; `button` clears again."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts
        set_role(self, "notice")
        self.text = QLabel(wordWrap=True)
        self.button = QPushButton(texts("clearing.clear_again"))
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, TIGHT, GAP, TIGHT)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)

    def say(self, clearing: Clearing | None, run: Run | None, newest: Run | None, wanted: str) -> None:
        """run: the stored one that is on screen. newest: of the year. wanted: the set that is chosen, "" without a choice."""
        texts, said = self._texts, list[str]()
        if run is not None and run.stale:
            said.append(texts("clearing.is_stale", why=texts(f"clearing.stale.{run.stale}")))
        if clearing is not None and wanted and wanted != clearing.stamps.set_name:
            said.append(
                texts(
                    "clearing.other_set",
                    ran=sheets.set_words(clearing.stamps.set_name, texts),
                    chosen=sheets.set_words(wanted, texts),
                )
            )
        if run is not None and newest is not None and run.id != newest.id and not run.stale:
            said.append(texts("clearing.earlier_run", at=run.at.replace("T", " ")[:16]))
        self.text.setText(" ".join(said))
        self.setVisible(bool(said))
