"""Budget lines: the grid on the left, what they come to on the right, live while one types; saved with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from core.faults import Refused
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import ReasonDialog
from ui.look import GAP, TIGHT, set_role
from ui.pages.budget.drafting import Draft, Row, block_of, offered
from ui.pages.budget.grid import LinesTable
from ui.splits import side_by_side
from ui.table import Table

if TYPE_CHECKING:
    from core.settlement.budget import Line
    from core.storage.batches import Batch
    from ui.pages.budget.page import Ground


@dataclass(frozen=True, slots=True)
class Standing:
    """What the workspace holds of one fund and year. apart: the pack pays more cases their fee than `by_item` is of."""

    year: int
    fund: str
    lines: tuple[Line, ...]
    by_item: int
    apart: bool
    batches: dict[int, Batch]


def _standing(workspace: Any, year: int, fund: str, pack: str) -> Standing:
    from core.settlement import budget, budget_chain, own_packs
    from core.storage import batches

    connection = workspace.reader()
    rule = own_packs.load(workspace, pack).case if pack else None
    province = rule is not None and rule.intra_province
    return Standing(
        year, fund, budget.lines(connection, year, fund),
        budget_chain.by_item_paid(connection, year, fund, workspace.region, province=province),
        budget_chain.leaves_more(rule), {one.id: one for one in batches.batches(connection)},
    )  # fmt: skip


class LinesTab(QWidget):
    """`Draft` holds what is entered; it stays until it is saved or discarded, also when another page is looked at."""

    of_choices = True

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self.standing: Standing | None = None
        self.draft = Draft(())
        self._written: tuple[Draft, list[Row]] | None = None  # saved a moment ago, and the page has not looked again yet
        self._build()
        desk.guard(self)

    def _build(self) -> None:
        texts = self.texts
        self.table = LinesTable(self.desk)
        self.table.bar.addStretch(1)  # the condition's place
        self.table.set_empty(texts("budget.page.no_lines"), texts("budget.page.add"), lambda: self.add())
        self.add_button, self.remove_button, self.propose_button, self.save_button, self.drop_button = (
            self._button(key) for key in ("add", "remove", "propose", "save", "drop")
        )
        self.save_button.setProperty("primary", True)
        self.add_button.clicked.connect(lambda: self.add())
        self.remove_button.clicked.connect(self.remove)
        self.propose_button.clicked.connect(self.propose)
        self.save_button.clicked.connect(lambda: self.ask_reason())
        self.drop_button.clicked.connect(self.discard)
        self.said = QLabel(wordWrap=True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.asking = Asking(self.desk, "budget.lines")
        line = QHBoxLayout()
        line.setSpacing(GAP)
        for button in (self.add_button, self.remove_button, self.propose_button):
            line.addWidget(button)
        line.addStretch(1)
        for button in (self.drop_button, self.save_button):
            line.addWidget(button)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, GAP, 0)
        column.setSpacing(TIGHT)
        column.addLayout(line)
        column.addWidget(self.table, 1)
        column.addWidget(self.said)
        self.chain = Table(self.desk)
        self.chain.condition.hide()
        self.chain.find_field.hide()
        self.chain.bar.addStretch(1)
        self.chain.widest = {"why": 260}
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(GAP, 0, 0, 0)
        beside.setSpacing(TIGHT)
        heading = QLabel(texts("budget.page.chain"))
        heading.setToolTip(texts("budget.page.chain_tip"))
        set_role(heading, "heading")
        beside.addWidget(heading)
        beside.addWidget(self.chain, 1)
        split = side_by_side(left, right, sizes=(640, 540))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addWidget(self.asking)
        box.addWidget(split, 1)
        self.setFocusProxy(self.table.grid)
        self.table.model.committed.connect(self.enter)
        self.table.grid.paste_wanted.connect(self.paste)
        self.table.grid.remove_wanted.connect(self.remove)
        self.table.grid.add_wanted.connect(lambda: self.add())

    def _button(self, key: str) -> QPushButton:
        button = QPushButton(self.texts(f"budget.page.{key}"))
        button.setToolTip(self.texts(f"budget.page.{key}_tip"))
        return button

    # -- what the page says ------------------------------------------------------------------------------------------------

    def show_ground(self, ground: Ground) -> None:
        """Read again where nothing waits here; what waits stays."""
        self._take_written()
        another_pack = self.ground is not None and self.ground.pack != ground.pack
        self.ground = ground
        if self.draft.pending and not another_pack:
            self._show()
            return
        of = (ground.year, ground.fund, ground.pack)
        self.asking.ask(lambda workspace, _: _standing(workspace, *of), self._have, self.texts("budget.page.reading"))

    def settled(self, changes: Changes) -> None:
        self._take_written()
        if changes.workspace:
            self.standing, self.draft = None, Draft(())

    def _have(self, standing: Standing) -> None:
        """What was typed while this was being read goes on waiting."""
        old = self.standing
        same = old is not None and (old.year, old.fund) == (standing.year, standing.fund)
        self.standing = standing
        self.draft = self.draft.onto(standing.lines) if same and self.draft.pending else Draft(standing.lines)
        self._show()

    def _take_written(self) -> None:
        """What was saved waits no more; what was typed meanwhile does."""
        if self._written is not None:
            draft, rows = self._written
            self._written = None
            if draft is self.draft:
                self.draft = draft.saved(rows)

    def _show(self) -> None:
        from core.settlement import budget, budget_chain

        standing, texts = self.standing, self.texts
        if standing is None:
            return
        writable, held = self._writable(), self._held()
        sheet = self.draft.sheet(standing.year, standing.fund, texts, standing.batches)
        self.table.put(self.draft, sheet, offered(texts, standing.lines), writable)
        lines = self.draft.lines()
        made = budget_chain.chained(lines, standing.by_item, apart=standing.apart)
        chain = budget_chain.chain_sheet(made, standing.year, standing.fund, texts.lang)
        old = self.chain.worksheet().keys
        if old is None or list(old) != [one.id for one in made] or not self.chain.renew(chain):
            self.chain.set_worksheet(chain, frozen=2)
        pending = self.draft.pending
        for button in (self.save_button, self.drop_button):
            button.setEnabled((writable or button is self.drop_button) and bool(pending))
        for button in (self.add_button, self.propose_button, self.remove_button):
            button.setEnabled(writable)
        words = [texts.finding(one) for one in budget.doubts(lines, standing.year)]
        if pending:
            words.insert(0, f"{self.unsaved()} {texts('budget.page.pending')}")
        if held:
            words.insert(0, texts("confirmed.holds_year", year=standing.year))
        hint = "budget.page.hint" if writable else "ui.not_writable"
        self._say("\n".join(words) if words else texts(hint), "" if words else "muted")

    def _held(self) -> bool:
        """Whether the year is confirmed."""
        contents, standing = self.desk.contents, self.standing
        return contents is not None and standing is not None and standing.year in contents.held.years

    def _writable(self) -> bool:
        workspace = self.desk.workspace
        return workspace is not None and not workspace.read_only and not self._held()

    def _say(self, text: str, role: str) -> None:
        set_role(self.said, role)
        self.said.setText(text)

    # -- entering ----------------------------------------------------------------------------------------------------------

    def enter(self, number: int, column: str, text: str) -> None:
        self._try(lambda: self.draft.enter(number, column, text))

    def add(self) -> None:
        number = self.draft.add()
        self._show()
        self.table.select(number, "item")
        self.table.grid.setFocus()

    def remove(self) -> None:
        numbers = self.table.numbers()
        if numbers and self.table.model.writable:
            self._try(lambda: self.draft.remove(numbers))

    def paste(self) -> None:
        block = block_of(QGuiApplication.clipboard().text())
        if block and self.table.model.writable:
            number, column = self.table.place()
            self._try(lambda: self.draft.paste(number, column, block))

    def _try(self, act: Any) -> None:
        """What is typed is taken, or said to be wrong; the rest stays as it was."""
        try:
            act()
        except Refused as wrong:
            self.asking.wrong(wrong)
        else:
            self.asking.drop()
            self._show()

    def propose(self) -> None:
        from ui.pages.budget.proposing import ProposalDialog

        ground = self.ground
        if ground is None:
            return
        dialog = ProposalDialog(self.desk, ground.year, ground.fund, self.window())
        dialog.accepted.connect(lambda: self._take(dialog))
        dialog.open()

    def _take(self, dialog: Any) -> None:
        change = dialog.change()
        if change is not None:
            self._try(lambda: self.draft.propose(change))

    # -- unsaved -----------------------------------------------------------------------------------------------------------

    def unsaved(self) -> str:
        self._take_written()
        stands, texts = self.standing, self.texts
        if stands is None or not self.draft.pending:
            return ""
        fund = texts(f"fund.{stands.fund}")
        return texts("budget.page.unsaved", count=self.draft.pending, year=stands.year, fund=fund)

    def can_save(self) -> bool:
        try:
            return self._writable() and bool(self.draft.changes())
        except Refused:
            return False

    def save_then(self, then: Callable[[], None]) -> None:
        self.ask_reason(then)

    def discard(self) -> None:
        """The lines as they stand in the workspace."""
        self.draft = Draft(self.standing.lines if self.standing is not None else ())
        if self.ground is not None:
            self.show_ground(self.ground)

    def ask_reason(self, then: Callable[[], None] | None = None) -> None:
        texts = self.texts
        try:
            changes = self.draft.changes()
        except Refused as wrong:
            self.asking.wrong(wrong)
            return
        dialog = ReasonDialog(
            self.desk, texts("budget.page.reason"), texts("budget.page.reason_about", count=len(changes)),
            texts("budget.page.reason_do"), self.window(), need_reason=True,
        )  # fmt: skip
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.save(dialog.reason, then))
        dialog.open()

    def save(self, why: str, then: Callable[[], None] | None = None) -> None:
        """One edit of all that waits, then `then`. What is refused stays as it was entered."""
        standing, texts = self.standing, self.texts
        if standing is None:
            return
        year, fund, changes = standing.year, standing.fund, self.draft.changes()
        written = self.draft, list(self.draft.rows)

        def work(workspace: Any, _: Any) -> None:
            from core.settlement import budget

            budget.edit(workspace, year, fund, changes, why)
            self._written = written

        def done(_: None) -> None:
            self._take_written()
            self.desk.say(texts("budget.page.saved", count=len(changes)))
            if then is not None:
                then()

        self.desk.change(
            work, done, failed=self.asking.wrong,
            title=texts("budget.page.saving"), tables={"budget"},
        )  # fmt: skip
