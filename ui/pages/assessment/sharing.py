"""Sharing: the tiers on the left, on the right everyone before and after, and surplus in its three meanings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import ReasonDialog
from ui.look import GAP, TIGHT, set_role
from ui.pages.assessment.cleared import Cleared, Clearings
from ui.pages.assessment.tiers import Tiers
from ui.splits import one_above_other, side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.rules.pack_text import Fill
    from core.settlement.sharing import Kept
    from core.worksheet import Worksheet


@dataclass(frozen=True)
class Told:
    tiers: Worksheet
    sheet: Worksheet
    surplus: Worksheet
    diseases: Worksheet


def _told(workspace: Any, cleared: Cleared, fund: str, lang: str, table: str, fills: tuple[Fill, ...]) -> Told:
    from core.settlement import chain, sharing

    pack, after = cleared.pack, None
    if fills:
        pack = sharing.proposed(workspace, cleared.pack, fills, lang)
        sheets = chain.again(cleared.clearing, pack=pack)
        after = (pack, next(one for one in sheets if one.fund == fund))
    return Told(
        sharing.tiers(pack, table, lang), sharing.worksheet(cleared.clearing, fund, lang, after=after),
        sharing.surpluses(cleared.clearing, cleared.scored, fund, lang),
        sharing.diseases(cleared.clearing, cleared.scored, fund, lang),
    )  # fmt: skip


class SharingTab(QWidget):
    pack_made = Signal(str)  # a pack of the workspace now holds the tables
    of_choices = False  # what is typed waits by pack and table

    def __init__(self, desk: Desk, clearings: Clearings) -> None:
        super().__init__()
        self.desk, self.texts, self.clearings = desk, desk.texts, clearings
        self.cleared: Cleared | None = None
        self.fills: tuple[Fill, ...] = ()  # what is tried
        texts = self.texts
        self.form = Tiers(desk)
        self.form.try_wanted.connect(self.attempt)
        self.form.keep_wanted.connect(lambda: self.ask_keep())
        self.form.table_changed.connect(self._show_tiers)
        self.asking = Asking(desk, "assessment.sharing")
        self.said = QLabel(wordWrap=True)
        set_role(self.said, "muted")
        self.table, self.tiers, self.surplus, self.diseases = (Table(desk) for _ in range(4))
        for table in (self.tiers, self.surplus):
            table.condition.hide()
            table.find_field.hide()
            table.bar.insertStretch(0, 1)
        self.tiers.widest = {"value": 340, "words": 520}
        self.surplus.widest = {"is": 560}
        self.table.set_empty(texts("assessment.page.nothing"))
        first = one_above_other(self.tiers, self.table, sizes=(215, 360))
        second = one_above_other(self.surplus, self.diseases, sizes=(230, 340))
        self.views = QTabWidget()
        self.views.setDocumentMode(True)
        self.views.addTab(first, texts("assessment.sheet.assessment_sharing"))
        self.views.addTab(second, texts("assessment.sheet.assessment_surplus"))
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.said)
        box.addWidget(self.asking)
        box.addWidget(self.views, 1)
        split = side_by_side(self.form, right, sizes=(360, 860), stretch=(0, 1))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split, 1)
        self.setFocusProxy(self.form)
        desk.guard(self)

    def refresh(self, changes: Changes | None = None) -> None:
        if changes is None or changes.workspace or changes.tables:
            self.fills = ()
        if not self.clearings.want(self.asking, self._cleared):
            self.said.setText("")

    def show_target(self, target: object) -> None:
        """A table of the pack."""
        self.form.choose(str(target))

    def _cleared(self, cleared: Cleared) -> None:
        self.cleared = cleared
        workspace = self.desk.workspace
        self.form.put(cleared.pack, workspace is not None and not workspace.read_only)
        self._ask()

    def _ask(self) -> None:
        cleared, fund, lang, table, fills = self.cleared, self.desk.fund, self.texts.lang, self.form.chosen(), self.fills
        if cleared is None or not table:
            return
        if not cleared.has(fund):
            self.said.setText(self.texts("assessment.page.no_fund", fund=self.texts(f"fund.{fund}")))
            return
        self.asking.ask(
            lambda workspace, _: _told(workspace, cleared, fund, lang, table, fills), self._show,
            self.texts("assessment.page.clearing"),
        )  # fmt: skip

    def _show(self, told: Told) -> None:
        assert self.cleared is not None
        empty = not self.cleared.pack.tables["sharing"].rows
        key = "tried" if self.fills else "sharing_empty" if empty else "sharing_filled"
        self.said.setText(self.texts(f"assessment.page.{key}", pack=self.cleared.pack.title[self.texts.lang]))
        self.tiers.set_worksheet(told.tiers, frozen=0)
        self.table.set_worksheet(told.sheet, frozen=2)
        self.surplus.set_worksheet(told.surplus, frozen=1)
        self.diseases.set_worksheet(told.diseases, frozen=2)

    def _show_tiers(self) -> None:
        if self.cleared is not None:
            self._ask()

    def attempt(self) -> None:
        """What stands in the form, tried and kept nowhere."""
        self.fills = tuple(self.form.fills())
        self._ask()

    def unsaved(self) -> str:
        waiting = self.form.waiting()
        return self.texts("assessment.page.unsaved", count=len(waiting)) if waiting else ""

    def can_save(self) -> bool:
        """Of several tables each has its own document: those are kept one by one."""
        return self.form.keep.isEnabled() and len(self.form.waiting()) == 1 and self.form.changed()

    def save_then(self, then: Callable[[], None]) -> None:
        self.ask_keep(then)

    def discard(self) -> None:
        self.form.forget()

    def ask_keep(self, then: Callable[[], None] | None = None) -> None:
        cleared, texts, fills = self.cleared, self.texts, tuple(self.form.fills())
        if cleared is None or not fills:
            return
        bare = not fills[0].document
        said = texts("assessment.page.keep_about", table=cleared.pack.tables[self.form.chosen()].title[texts.lang],
                     pack=cleared.pack.title[texts.lang])  # fmt: skip
        if bare:
            said += "\n" + texts("assessment.page.keep_bare")
        dialog = ReasonDialog(self.desk, texts("assessment.page.keep"), said, texts("assessment.page.keep"), self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def go() -> None:
            why = dialog.reason

            def work(workspace: Any, _: Any) -> Kept:
                from core.settlement import sharing

                return sharing.keep(workspace, cleared.pack, fills, why, texts.lang)

            def done(kept: Kept) -> None:
                self.form.kept()
                self.desk.say(texts("assessment.page.kept", pack=kept.pack))
                self.pack_made.emit(kept.pack)
                if then is not None:
                    then()

            self.desk.change(work, done, failed=self.asking.wrong, title=texts("assessment.page.keeping"), tables=("rule_pack",))

        dialog.accepted.connect(go)
        dialog.open()
