"""Whether the year's clearing is confirmed: one button that says so, confirms it, and reopens it with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from core.faults import Refused
from ui.desk import Desk
from ui.dialogs import ReasonDialog, local_time

if TYPE_CHECKING:
    from core.rules.sheet import Clearing
    from core.settlement.confirmed import Confirmed


class Confirming:
    """button: belongs into the page's line. done: called after the state has changed."""

    def __init__(self, desk: Desk, page: QWidget, done: Callable[[], None]) -> None:
        self._desk, self._texts, self._page, self._done = desk, desk.texts, page, done
        self._year: int | None = None
        self._run = ""
        self._held: Confirmed | None = None
        self.button = QToolButton()
        self.button.clicked.connect(self.ask)

    def show_state(self, clearing: Clearing | None, held: Confirmed | None, stands: bool) -> None:
        """held: the confirmation of the clearing's year. stands: whether the run on screen does."""
        texts, desk = self._texts, self._desk
        self._held, self._run = held, clearing.stamps.run_hash if clearing is not None else ""
        self._year = clearing.year if clearing is not None else None
        self.button.setVisible(clearing is not None)
        writable = desk.workspace is not None and not desk.workspace.read_only
        self.button.setEnabled(writable and (held is not None or stands))
        if held is None:
            self.button.setText(texts("confirmed.confirm"))
            why = "" if writable and stands else "confirmed.not_stored" if writable else "ui.not_writable"
            self.button.setToolTip(texts(why or "confirmed.confirm_tip"))
            return
        this = self._run in held.runs
        self.button.setText(texts("confirmed.is" if this else "confirmed.is_other"))
        self.button.setToolTip(self.words() if writable else f"{self.words()}\n{texts('ui.not_writable')}")

    def words(self) -> str:
        """Who confirmed which run and when; "" of a draft."""
        held = self._held
        if held is None:
            return ""
        runs = " ".join(f"#{digest[:16]}" for digest in held.runs)
        said = self._texts("confirmed.by", year=held.year, who=held.who, at=local_time(held.at), runs=runs)
        return self._texts("confirmed.because", said=said, why=held.why) if held.why else said

    def ask(self) -> None:
        """Confirm what is on screen, or reopen the year."""
        year, texts = self._year, self._texts
        if year is None:
            return
        verb = "confirm" if self._held is None else "reopen"
        dialog = ReasonDialog(
            self._desk, texts(f"confirmed.{verb}_title"), texts(f"confirmed.{verb}_about", year=year),
            texts(f"confirmed.{verb}_do"), self._page.window(), need_reason=verb == "reopen",
        )  # fmt: skip
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.change(verb, dialog.reason))
        dialog.open()

    def change(self, verb: str, why: str) -> None:
        year, run, texts = self._year, self._run, self._texts
        if year is None:
            return

        def work(workspace: Any, job: Any) -> None:
            from core.settlement import confirmed

            if verb == "reopen":
                confirmed.reopen(workspace, year, why)
                return
            try:
                confirmed.confirm(workspace, year, why, run=run, progress=job)
            except Refused as refused:
                if refused.code != "confirm_fund":
                    raise
                confirmed.confirm(workspace, year, why, progress=job)  # a run for each fund: all of them together

        def done(_: object) -> None:
            self._done()
            self._desk.say(texts(f"cli.year_{verb}", year=year))

        self._desk.change(work, done, title=texts(f"confirmed.{verb}_title"), tables=("confirmed_year", "ledger"))
