"""Every pack, what it rests on and what it leaves open; the chosen one in words of either language. Here packs are copied,
filled, edited and dropped: those of the workspace.
"""

from __future__ import annotations

import html
import re
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.texts import Texts
from ui.asking import Asking
from ui.desk import Changes, Desk
from ui.dialogs import EscapeField, ReasonDialog
from ui.look import EDGE, GAP, TIGHT, set_role
from ui.pages.packs.editor import PackEditor
from ui.pages.packs.filling import FillForm
from ui.pages.packs.questions import CopyDialog
from ui.pages.packs.told import Told, told

ENTRY = Qt.ItemDataRole.UserRole
TAG = re.compile(r"\[([VCSDU])\]")
URL = re.compile(r"https?://\S+")
# How far a figure can be relied on, in the colours of the window.
TAG_COLOUR = {"V": "good", "C": "accent", "S": "accent", "D": "accent", "U": "warn"}


class _Row(QStyledItemDelegate):
    """Title, and under it, muted, what else one chooses by."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk = desk

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, 3 * option.fontMetrics.height() + 14)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = self._desk.look.colours
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.accent_soft))
        box = option.rect.adjusted(GAP, 6, -GAP, -6)
        deep = option.fontMetrics.height()
        lines = str(index.data()).split("\n")
        for number, line in enumerate(lines):
            font = QFont(option.font)
            font.setWeight(QFont.Weight.DemiBold if number == 0 else QFont.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(colours.text if number == 0 else colours.muted))
            said = painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box.left(), box.top() + number * (deep + 1) + painter.fontMetrics().ascent(), said)
        painter.setPen(QColor(colours.line))
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        painter.restore()


class RulesPanel(QWidget):
    wanted = Signal(str)  # calculate with the pack of this id

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._told: list[Told] = []
        self._choose = ""
        texts = desk.texts
        self.list = QListWidget()
        self.list.setItemDelegate(_Row(desk, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(texts("packs.list"))
        self.list.setMinimumWidth(220)
        self.list.currentItemChanged.connect(lambda *_: self._show())
        self.title = QLabel()
        set_role(self.title, "title")
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.facts = QLabel(wordWrap=True)
        set_role(self.facts, "muted")
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = QPushButton(texts("packs.use"))
        self.use.setToolTip(texts("packs.use_tip"))
        self.use.clicked.connect(self._use)
        self.copy = QPushButton(texts("packs.copy_text"))
        self.copy.clicked.connect(self._copy)
        self.fill = QPushButton(texts("packs.own.fill"))
        self.fill.setToolTip(texts("packs.own.fill_tip"))
        self.fill.clicked.connect(self.start_fill)
        self.duplicate = QPushButton(texts("packs.own.copy"))
        self.duplicate.setToolTip(texts("packs.own.copy_tip"))
        self.duplicate.clicked.connect(self.start_copy)
        self.edit = QPushButton(texts("packs.own.edit"))
        self.edit.setToolTip(texts("packs.own.edit_tip"))
        self.edit.clicked.connect(self.start_edit)
        self.drop = QPushButton(texts("packs.own.drop"))
        self.drop.clicked.connect(self.start_drop)
        self.tongue = QToolButton()
        self.tongue.setToolTip(texts("packs.tongue_tip"))
        self.tongue.clicked.connect(self._other_tongue)
        self.lang = texts.lang
        self.asking = Asking(desk, "packs.own")
        self.find = EscapeField()
        self.find.setAccessibleName(texts("table.find"))
        self.find.setPlaceholderText(texts("table.find"))
        self.find.setMaximumWidth(220)
        self.find.textEdited.connect(lambda _: self._find(True))
        self.find.returnPressed.connect(lambda: self._find(False))
        self.sections = QHBoxLayout()
        self.sections.setSpacing(TIGHT)
        self.text = QTextBrowser()
        self.text.setAccessibleName(texts("packs.tab.rules"))
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(EDGE)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.title, 1)
        head.addWidget(self.use)
        tools = QHBoxLayout()
        tools.setSpacing(TIGHT)
        for button in (self.fill, self.edit, self.duplicate, self.drop, self.copy):
            tools.addWidget(button)
        tools.addStretch(1)
        tools.addWidget(self.tongue)
        tools.addWidget(self.find)
        line = QHBoxLayout()
        line.addLayout(self.sections)
        line.addStretch(1)
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.facts)
        box.addLayout(tools)
        box.addWidget(self.asking)
        box.addLayout(line)
        box.addWidget(self.text, 1)
        self.reader = right
        self.editor = PackEditor(desk)
        self.editor.closed.connect(self._closed)
        self.form = FillForm(desk)
        self.form.closed.connect(self._closed)
        self.stack = QStackedWidget()
        for part in (right, self.editor, self.form):
            self.stack.addWidget(part)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(self.stack)
        split.setStretchFactor(1, 1)
        split.setSizes([320, 860])
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        self.setFocusProxy(self.list)
        desk.look.changed.connect(self._show)

    def refresh(self, changes: Changes | None = None) -> None:
        if self._told and changes is not None and not (changes.workspace or changes.touches("rule_pack")):
            return
        if changes is not None and changes.workspace:
            self.stack.setCurrentWidget(self.reader)  # what was begun was of another workspace
        texts = self.desk.texts
        self.desk.ask(lambda workspace, _: told(workspace), self._have, place="packs.list", title=texts("packs.reading"))

    def choose(self, pack: str) -> None:
        """Show the pack of this id, now or when the list is there."""
        self._choose = pack
        for row in range(self.list.count()):
            if self.list.item(row).data(ENTRY) == pack:
                self.list.setCurrentRow(row)
                self._choose = ""

    def current(self) -> Told | None:
        row = self.list.currentRow()
        return self._told[row] if 0 <= row < len(self._told) else None

    def _have(self, found: list[Told]) -> None:
        texts, region = self.desk.texts, str(getattr(self.desk.workspace, "region", ""))[:4]

        def place(one: Told) -> tuple[object, ...]:
            """The workspace's own first, then its city's, what all packs share last."""
            pack = one.pack
            if pack is None:
                return (0, True, one.id)
            return (0 if one.own else 1, pack.abstract, not (region and pack.region[:4] == region), pack.id)

        found.sort(key=place)
        self._told = found
        kept = self._choose or (self.list.currentItem().data(ENTRY) if self.list.currentItem() else "")
        self.list.blockSignals(True)
        self.list.clear()
        for one in found:
            pack = one.pack
            facts = (one.id, texts("packs.own.mark") if one.own else "", pack.region if pack else "",
                     texts.listed(pack.years) if pack else "")  # fmt: skip
            rests = self._rests_on(one) if pack is not None else texts("packs.own.wrong", count=len(one.findings))
            item = QListWidgetItem("\n".join((one.title[texts.lang], "  ·  ".join(filter(None, facts)), rests)))
            item.setData(ENTRY, one.id)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.list.setCurrentRow(-1)
        self.list.setCurrentRow(0)
        if kept:
            self.choose(kept)
        self._show()

    def _rests_on(self, one: Told) -> str:
        texts = self.desk.texts
        documents = " ".join(f"[{tag}] {count}" for tag, count in one.documents)
        said = texts("packs.documents", tags=documents) if documents else texts("packs.no_documents")
        return f"{said}  ·  {texts('packs.open', count=len(one.open))}" if one.open else said

    def _show(self) -> None:
        one, texts = self.current(), self.desk.texts
        busy = self.stack.currentWidget() is not self.reader
        self.list.setEnabled(not busy)
        workspace = self.desk.workspace
        writes = workspace is not None and not workspace.read_only and one is not None
        pack = one.pack if one is not None else None
        contents = self.desk.contents
        held = contents.held.packs.get(one.id, 0) if contents is not None and one is not None and one.own else 0
        self.use.setEnabled(pack is not None and not pack.abstract)
        self.fill.setEnabled(writes and pack is not None and any(field.kind != "text" for field in one.open if one))
        self.duplicate.setEnabled(writes and pack is not None)
        for button in (self.edit, self.drop):
            button.setVisible(one is not None and one.own)
            button.setEnabled(writes and not held)
            usual = texts("packs.own.edit_tip") if button is self.edit else ""
            button.setToolTip(texts("confirmed.holds_it", name=one.id, year=held) if held and one is not None else usual)
        self.tongue.setText(texts(f"packs.tongue.{'en' if self.lang == 'zh' else 'zh'}"))
        if one is None:
            return
        self.title.setText(one.title[self.lang])
        self.title.setToolTip(one.title[self.lang])
        if pack is None:
            self.facts.setText(texts("packs.own.broken"))
        else:
            facts = [
                pack.id,
                texts("packs.own.from", pack=one.based_on) if one.own else "",
                texts("confirmed.holds", year=held) if held else "",
                texts("packs.issuer", issuer=pack.issuer) if pack.issuer else "",
                texts("packs.region", region=pack.region) if pack.region else texts("packs.any_region"),
                texts("packs.years", years=texts.listed(pack.years)) if pack.years else texts("packs.any_year"),
                texts.listed(texts(f"fund.{fund}") for fund in pack.funds),
                self._lacks(one),
            ]
            self.facts.setText("  ·  ".join(part for part in facts if part))
        while (item := self.sections.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        body, names = self._html(one)
        self.text.setHtml(body)
        for number, name in enumerate(names):
            button = QToolButton()
            button.setText(name)
            button.clicked.connect(lambda _=False, at=f"s{number}": self.text.scrollToAnchor(at))
            self.sections.addWidget(button)

    def _lacks(self, one: Told) -> str:
        """What keeps a pack from clearing."""
        texts = self.desk.texts
        if one.pack is None or not one.pack.abstract:
            return ""
        missing = [field.title[texts.lang] for field in one.open if field.missing]
        return texts("packs.abstract") if one.id == "common" else texts("packs.lacks", fields=texts.listed(missing))

    # -- packs of the workspace ------------------------------------------------------------------------------------

    def start_fill(self) -> None:
        one = self.current()
        if one is None or not self.fill.isEnabled():
            return

        def have(new_id: str) -> None:
            self.form.start(one, new_id)
            self.stack.setCurrentWidget(self.form)
            self._show()

        self._free_id(one.id, have)

    def start_edit(self) -> None:
        one = self.current()
        if one is not None and self.edit.isEnabled() and one.own:
            self.editor.start(one)
            self.stack.setCurrentWidget(self.editor)
            self._show()

    def start_copy(self) -> None:
        one = self.current()
        if one is not None and self.duplicate.isEnabled():
            self._free_id(one.id, lambda new_id: self._ask_copy(one, new_id))

    def _ask_copy(self, one: Told, new_id: str) -> None:
        taken = {each.id for each in self._told}
        dialog = CopyDialog(self.desk, one.title[self.desk.texts.lang], new_id, taken, self.window())

        def accepted() -> None:
            id, why = dialog.id, dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import own_packs

                own_packs.copy(workspace, one.id, id, why)

            self._change(work, id)

        dialog.accepted.connect(accepted)
        dialog.open()

    def start_drop(self) -> None:
        one, texts = self.current(), self.desk.texts
        if one is None or not one.own:
            return
        dialog = ReasonDialog(
            self.desk, texts("packs.own.drop_title"), texts("packs.own.drop_about", pack=one.id), texts("packs.own.drop"),
            self.window(),
        )  # fmt: skip

        def accepted() -> None:
            why = dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import own_packs

                own_packs.drop(workspace, one.id, why)

            self._change(work, "")

        dialog.accepted.connect(accepted)
        dialog.open()

    def _free_id(self, id: str, have: Any) -> None:
        def work(workspace: Any, _: Any) -> str:
            from core.settlement import own_packs

            return own_packs.free_id(workspace, id)

        self.desk.ask(work, have, place="packs.free")

    def _change(self, work: Any, choose: str) -> None:
        texts = self.desk.texts
        self._choose = choose
        self.desk.change(
            work, lambda _: self.desk.say(texts("packs.own.kept" if choose else "packs.own.dropped", pack=choose)),
            failed=self.asking.wrong, title=texts("packs.own.keeping"), tables=("rule_pack",),
        )  # fmt: skip

    def _closed(self, id: str) -> None:
        self.stack.setCurrentWidget(self.reader)
        self.editor.discard()
        self.form.discard()
        if id:
            self.choose(id)
            self._choose = id  # the list is read again and then has it
        self._show()
        self.list.setFocus()

    def _other_tongue(self) -> None:
        self.lang = "en" if self.lang == "zh" else "zh"
        self._show()

    def _html(self, one: Told) -> tuple[str, list[str]]:
        """The lines of `describe` set in type: sections, names in bold, rules as they stand, open fields in their colour."""
        colours = self.desk.look.colours
        mark = Texts(self.lang)("rules.describe.open", text="").strip()
        if one.pack is None:
            said = "".join(f'<p style="color:{colours.bad}">{html.escape(line)}</p>' for line in one.lines[self.lang])
            return said + f"<pre>{html.escape(one.text)}</pre>", []
        names: list[str] = []
        parts: list[str] = []

        def tagged(text: str) -> str:
            text = URL.sub(lambda found: f'<a style="color:{colours.accent}" href="{found[0]}">{found[0]}</a>', text)
            return TAG.sub(
                lambda found: f'<span style="color:{getattr(colours, TAG_COLOUR[found[1]])}">[{found[1]}]</span>', text
            )

        for line in one.lines[self.lang][1:]:  # the first is the title, which stands above
            if line.startswith("# "):
                parts.append(
                    f'<h3 style="margin:14px 0 4px 0;color:{colours.accent}"><a name="s{len(names)}"></a>'
                    f"{html.escape(line[2:])}</h3>"
                )
                names.append(line[2:])
            elif line.startswith("    "):
                said = tagged(html.escape(line.strip()))
                colour = colours.warn if line.strip().startswith(mark) else colours.muted
                parts.append(f'<p style="margin:0 0 0 22px;color:{colour}">{said}</p>')
            elif line.startswith("sha256 "):
                parts.append(f'<p style="color:{colours.muted}">{html.escape(line)}</p>')
            elif line.strip():
                head, _, rest = line.partition("  ")
                parts.append(
                    f'<p style="margin:6px 0 0 0"><b>{html.escape(head)}</b>&nbsp;&nbsp;{tagged(html.escape(rest))}</p>'
                )
        return "\n".join(parts), names

    def _find(self, from_start: bool) -> None:
        needle = self.find.text()
        if from_start:
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
        found = not needle or self.text.find(needle, QTextDocument.FindFlag(0))
        if not found:
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            found = self.text.find(needle)
        self.find.setProperty("bad", not found)
        self.find.style().unpolish(self.find)
        self.find.style().polish(self.find)

    def _copy(self) -> None:
        one = self.current()
        if one is not None:
            QApplication.clipboard().setText("\n".join(one.lines[self.lang]))
            self.desk.say(self.desk.texts("packs.copied", name=one.title[self.desk.texts.lang]))

    def _use(self) -> None:
        one = self.current()
        if one is not None:
            self.wanted.emit(one.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.find.setFocus()
            self.find.selectAll()
            return
        super().keyPressEvent(event)
