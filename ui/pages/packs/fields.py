"""Plain numbers of the calculator's form."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from ui.look import set_bad


class NumberField(QLineEdit):
    """A plain number or nothing. `wrong` while what stands there is no such number."""

    def __init__(self, places: int, hint: str = "") -> None:
        super().__init__()
        self._form = re.compile(r"\d{1,9}" if places == 0 else rf"\d{{1,9}}(\.\d{{0,{places}}})?")
        self.setPlaceholderText(hint)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.textChanged.connect(lambda _: self._mark())

    def plain(self) -> str:
        """Without separators, full-width digits folded; empty where nothing stands."""
        return self.text().strip().replace(",", "").replace("，", "").translate(_FOLD)

    @property
    def wrong(self) -> bool:
        text = self.plain()
        return bool(text) and self._form.fullmatch(text) is None

    def _mark(self) -> None:
        set_bad(self, self.wrong)


_FOLD = {ord("０") + digit: str(digit) for digit in range(10)} | {ord("．"): "."}
