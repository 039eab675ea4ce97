"""The ledger: who did what when; what a line changed; undo, redo, verify."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSplitter,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.findings import WRONG
from core.texts import LANGUAGES, Texts
from ui import ledger_words
from ui.desk import Changes, Desk
from ui.dialogs import Empty, EscapeField, TextDialog, action_words, local_time, turn_back
from ui.look import EDGE, GAP, TIGHT, amount, count, set_role

if TYPE_CHECKING:
    from core.findings import Finding
    from core.storage.ledger import LedgerLine
    from core.worksheet import Worksheet

COLUMNS = ("line", "at", "who", "action", "subject", "state", "why")
FEN = ("amount", "income", "expenditure", "balance")
SHOWN_CHANGES = 300  # of one line; a paste of thousands stays readable


def states(lines: list[LedgerLine], texts: Texts) -> dict[int, str]:
    """What became of each line: undone or redone by which; or what it turned back itself."""
    root: dict[int, int] = {}
    state: dict[int, str] = {}
    for line in sorted(lines, key=lambda line: line.id):
        if line.answers is None:
            root[line.id] = line.id
            continue
        edit = root[line.id] = root.get(line.answers, line.answers)
        undone = line.action == "undo"
        state[line.id] = texts(f"ledger.state.{'undoes' if undone else 'redoes'}", line=edit)
        state[edit] = texts(f"ledger.state.{'undone' if undone else 'redone'}", line=line.id)
    return state


def reason(line: LedgerLine, texts: Texts) -> str:
    """Why, as its author wrote it; of an interruption what it cut off, and when that began."""
    if line.action != "interrupted":
        return line.why
    what, _, at = line.why.rpartition(" ")
    return f"{action_words(texts, what)} {local_time(at)}"


def worksheet(lines: list[LedgerLine], texts: Texts) -> Worksheet:
    from core.worksheet import Column, Worksheet, column_of

    spoken = {lang: Texts(lang) for lang in LANGUAGES}
    columns = [
        Column(
            name,
            {lang: say(f"ledger.column.{name}") for lang, say in spoken.items()},
            kind="int" if name == "line" else "text",
        )
        for name in COLUMNS
    ]
    became = states(lines, texts)
    values: dict[str, list[object]] = {
        "line": [line.id for line in lines],
        "at": [local_time(line.at) for line in lines],
        "who": [line.who for line in lines],
        "action": [ledger_words.done(line, texts) for line in lines],
        "subject": [ledger_words.subject(line, texts) for line in lines],
        "state": [became.get(line.id, "") for line in lines],
        "why": [reason(line, texts) for line in lines],
    }
    cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
    title = {lang: say("pages.ledger.title") for lang, say in spoken.items()}
    return Worksheet("ledger", title, columns, cells, len(lines), keys=column_of(values["line"], "int"))


class LedgerPage(QWidget):
    key = "ledger"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        from ui.table import Table  # brings numpy: not before this page is wanted

        self.desk = desk
        texts = desk.texts
        self._lines: list[LedgerLine] = []
        self._icons: dict[QToolButton, str] = {}
        desk.look.changed.connect(self._tint)
        self._texts_of: dict[int, str] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        self.empty = Empty(desk, "ledger")
        self.empty.pressed.connect(lambda: desk.go("start"))
        layout.addWidget(self.empty)
        self.content = QWidget()
        layout.addWidget(self.content)
        inside = QVBoxLayout(self.content)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(GAP)

        tools = QHBoxLayout()
        tools.setSpacing(GAP)
        self.filter = EscapeField()
        self.filter.setPlaceholderText(texts("ledger.filter"))
        self.filter.setAccessibleName(texts("ledger.filter"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(360)
        self.filter.textChanged.connect(self._filter)
        tools.addWidget(self.filter, 1)
        self.counted = QLabel()
        set_role(self.counted, "muted")
        tools.addWidget(self.counted)
        tools.addStretch(1)
        self.undo = self._tool("undo", "ledger.undo", tools)
        self.redo = self._tool("redo", "ledger.redo", tools)
        self.verify_button = self._tool("verify", "ledger.verify", tools)
        inside.addLayout(tools)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.hide()
        inside.addWidget(self.note)

        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        self.table = Table(desk)
        self.table.current_changed.connect(self._chosen)
        self.table.condition.hide()  # columns against columns say nothing here
        self.table.bar.insertStretch(2, 1)
        split.addWidget(self.table)
        split.addWidget(self._detail_panel())
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([760, 420])
        inside.addWidget(split, 1)
        self.setFocusProxy(self.table)

    def _tool(self, icon: str, action: str, layout: QHBoxLayout) -> QToolButton:
        button = QToolButton()
        button.setText(self.desk.texts(f"actions.{action}.text"))
        button.setToolTip(self.desk.texts(f"actions.{action}.tip"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self.desk.act(action))
        button.setIcon(self.desk.look.icon(icon))
        self._icons[button] = icon
        layout.addWidget(button)
        return button

    def _tint(self) -> None:
        for button, icon in self._icons.items():
            button.setIcon(self.desk.look.icon(icon))

    def _detail_panel(self) -> QWidget:
        texts = self.desk.texts
        panel = QWidget()
        layout = QVBoxLayout(panel)
        layout.setContentsMargins(GAP, 0, 0, 0)
        layout.setSpacing(TIGHT)
        self.heading = QLabel(texts("ledger.select"))
        self.heading.setWordWrap(True)
        set_role(self.heading, "heading")
        layout.addWidget(self.heading)
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        set_role(self.facts, "muted")
        layout.addWidget(self.facts)
        self.values = QTreeWidget()
        self.values.setColumnCount(3)
        self.values.setAccessibleName(" / ".join(texts(f"ledger.column.{name}") for name in ("before", "after")))
        self.values.setHeaderLabels([texts(f"ledger.column.{name}") for name in ("field", "before", "after")])
        self.values.setRootIsDecorated(False)
        self.values.setAlternatingRowColors(True)
        self.values.setUniformRowHeights(True)
        layout.addWidget(self.values, 100)
        row = QHBoxLayout()
        self.undo_this = QToolButton()
        self.undo_this.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.undo_this.clicked.connect(self._turn_this_back)
        row.addWidget(self.undo_this)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addStretch(1)
        self._show(None)
        return panel

    # What the window calls

    def refresh(self, changes: Changes | None = None) -> None:
        texts, workspace = self.desk.texts, self.desk.workspace
        self.empty.setVisible(workspace is None)
        self.content.setVisible(workspace is not None)
        if changes is not None and changes.workspace:
            self.filter.clear()
            self.note.hide()
        if workspace is None:
            self.empty.say(
                texts("pages.ledger.title"),
                texts("pages.ledger.job"),
                texts("pages.no_workspace"),
                texts("pages.to_start"),
            )
            return
        if changes is not None and not (changes.workspace or changes.tables):
            return
        for button in (self.undo, self.redo):
            button.setEnabled(not workspace.read_only)
        if workspace.interrupted and not self.note.isVisible():
            what = "；".join if texts.lang == "zh" else "; ".join
            self._say(
                texts(
                    "ledger.interrupted",
                    what=what(
                        f"{action_words(texts, one['what'])} {one['subject']} ({local_time(one['at'])})"
                        for one in workspace.interrupted
                    ),
                ),
                "warn",
            )
        self.desk.ask(
            lambda workspace, job: workspace.ledger.lines(),
            self._have,
            place="ledger.lines",
            title=texts("ledger.reading"),
        )

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"ledger.verify": self.verify}

    # Lines

    def _have(self, lines: list[LedgerLine]) -> None:
        self._lines = lines
        texts = self.desk.texts
        self._texts_of = {
            line.id: f"{line.id} {line.who} {ledger_words.done(line, texts)} {ledger_words.subject(line, texts)} {line.subject}"
            f" {reason(line, texts)}".lower()
            for line in lines
        }
        self._filter()

    def _filter(self) -> None:
        wanted = self.filter.text().lower().split()
        shown = [line for line in self._lines if all(word in self._texts_of[line.id] for word in wanted)]
        texts = self.desk.texts
        self.counted.setText(texts("ledger.count", shown=count(len(shown)), all=count(len(self._lines))))
        self.table.set_empty(texts("ledger.nothing_passes" if self._lines else "ledger.empty"))
        self.table.set_worksheet(worksheet(shown, texts), frozen=1)
        if self.table.current_row() < 0 and shown:
            self.table.select(shown[0].id)
        row = self.table.current_row()
        self._show(shown[row] if 0 <= row < len(shown) else None)

    def _chosen(self, line_id: Any, _column: str) -> None:
        self._show(next((line for line in self._lines if line.id == line_id), None))

    def _show(self, line: LedgerLine | None) -> None:
        texts = self.desk.texts
        self._line = line
        self.values.clear()
        self.undo_this.setVisible(False)
        self.values.setVisible(line is not None and bool(line.changes))
        if line is None:
            self.heading.setText(texts("ledger.select"))
            self.facts.setText("")
            return
        self.heading.setText(f"{line.id}  {ledger_words.done(line, texts)}  {ledger_words.subject(line, texts)}")
        facts = [
            f"{local_time(line.at)}  {line.who}",
            reason(line, texts),
            states(self._lines, texts).get(line.id, ""),
            f"{texts('ledger.hash')} {line.hash[:16]}  {texts('ledger.previous')} {line.previous[:16] or '—'}",
        ]
        if not line.changes:
            facts.append(texts("ledger.no_changes"))
        self.facts.setText("\n".join(fact for fact in facts if fact))
        for change in line.changes[:SHOWN_CHANGES]:
            key = ", ".join(_spoken(name, value, texts) for name, value in change.key.items())
            top = QTreeWidgetItem([f"{_word('table', change.table, texts)}  {key}"])
            self.values.addTopLevelItem(top)
            top.setFirstColumnSpanned(True)
            top.setForeground(0, self.values.palette().link())
            fields = sorted({*(change.before or {}), *(change.after or {})})
            for name in fields:
                top.addChild(
                    QTreeWidgetItem(
                        [
                            "   " + _word("field", name, texts),
                            _cell(change.before, name, texts),
                            _cell(change.after, name, texts),
                        ]
                    )
                )
            if not fields:
                top.addChild(
                    QTreeWidgetItem(
                        ["   " + texts("ledger.row_gone" if change.after is None else "ledger.row_new")]
                    )
                )
            top.setExpanded(True)
        if len(line.changes) > SHOWN_CHANGES:
            self.values.addTopLevelItem(
                QTreeWidgetItem(
                    [texts("ledger.more_changes", count=count(len(line.changes) - SHOWN_CHANGES))]
                )
            )
        for column in range(3):
            self.values.resizeColumnToContents(column)
        self._offer(line)

    def _offer(self, line: LedgerLine) -> None:
        """The way back from this line, where there is one."""
        workspace = self.desk.workspace
        if workspace is None or workspace.read_only or not line.changes:
            return
        chain = [line.id]
        for other in sorted(self._lines, key=lambda other: other.id):
            if other.answers in chain:
                chain.append(other.id)
        newest = next(other for other in self._lines if other.id == chain[-1])
        self._verb = "redo" if newest.action == "undo" else "undo"
        self.undo_this.setText(self.desk.texts(f"ledger.{self._verb}.this"))
        self.undo_this.setIcon(self.desk.look.icon(self._verb))
        self.undo_this.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.undo_this.setVisible(line.action != "publish")
        final = f"ledger.final.{line.action}"  # no edit that an undo takes back
        held = line.action in ("confirm", "reopen") and self.desk.texts.has(final)
        self.undo_this.setEnabled(not held)
        self.undo_this.setToolTip(self.desk.texts(final) if held else "")

    def _turn_this_back(self) -> None:
        if self._line is not None:
            turn_back(self.desk, self._verb, self._line, self.window())

    # Verify

    def verify(self) -> None:
        """The ledger's chain and every stored run, in a job; what it says stays on the page. Notes are said and are no error."""
        texts = self.desk.texts
        lines = len(self._lines)

        def work(workspace: Any, job: Any) -> list[Finding]:
            from core.settlement.clearing import verify

            return verify(workspace, job)

        def have(findings: list[Finding]) -> None:
            wrong = [finding for finding in findings if finding.severity in WRONG]
            if wrong:
                said = texts("ledger.mismatches", count=count(len(wrong)))
            else:
                said = texts("ledger.verified", lines=count(lines))
            if findings and not wrong:
                said += "\n" + texts("ledger.verified_notes", count=count(len(findings)))
            self._say(said, "bad" if wrong else "good")
            if not findings:
                return
            text = "\n".join(f"[{texts(f'severity.{one.severity}')}] {texts.finding(one)}" for one in findings)
            TextDialog(self.desk, texts("ledger.verifying"), said, text, self.window()).open()

        self.desk.ask(work, have, place="ledger.verify", title=texts("ledger.verifying"))

    def _say(self, text: str, role: str) -> None:
        self.note.setText(text)
        set_role(self.note, role)
        self.note.show()


def _word(area: str, name: str, texts: Texts) -> str:
    """A table or field in words: the ledger's own, or what the import calls a field; one that nobody named stays as it is."""
    for key in (f"ledger.{area}.{name}", f"{area}s.{name}"):
        if texts.has(key):
            return texts(key)
    return name


def _spoken(name: str, value: object, texts: Texts) -> str:
    """A value as the other pages write it: funds, budget items, states in words, fen as yuan."""
    if name in FEN and isinstance(value, int):
        return amount(value)
    if name == "at" and isinstance(value, str):
        return local_time(value)
    area = {"set_name": "set", "withdrawn": "ledger.withdrawn"}.get(name, name)
    key = f"{area}.{value}"
    known = name in ("fund", "item", "state", "set_name", "withdrawn") and texts.has(key)
    return texts(key) if known else str(value)


def _cell(row: Any, name: str, texts: Texts) -> str:
    if row is None:
        return "—"
    value = row.get(name)
    return "" if value is None else _spoken(name, value, texts)
