"""Every pack, what it rests on and what it leaves open; the chosen one in words, in the language on screen."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.desk import Changes, Desk
from ui.dialogs import EscapeField
from ui.look import EDGE, GAP, TIGHT, set_role

if TYPE_CHECKING:
    from core.rules.circular import Pack

ENTRY = Qt.ItemDataRole.UserRole
TAG = re.compile(r"\[([VCSDU])\]")
URL = re.compile(r"https?://\S+")
# How far a figure can be relied on, in the colours of the window.
TAG_COLOUR = {"V": "good", "C": "accent", "S": "accent", "D": "accent", "U": "warn"}


@dataclass(frozen=True, slots=True)
class Told:
    """A pack as the list and the reader have it."""

    pack: Pack
    lines: tuple[str, ...]  # of `describe`
    documents: tuple[tuple[str, int], ...]  # evidence tag -> how many
    open: int  # fields that the documents leave open


def _told(texts: Any) -> list[Told]:
    from core.rules import packs
    from core.rules.description import describe

    told: list[Told] = []
    for head in packs.available():
        pack = packs.load(head.id)
        by_tag: dict[str, int] = {}
        for document in pack.documents:
            by_tag[document.evidence] = by_tag.get(document.evidence, 0) + 1
        lines = tuple(describe(pack, texts))
        mark = texts("rules.describe.open", text="").strip()
        told.append(
            Told(pack, lines, tuple(sorted(by_tag.items())), sum(line.strip().startswith(mark) for line in lines))
        )
    return told


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
        self.list.currentItemChanged.connect(lambda *_: self._show())
        self.title = QLabel()
        set_role(self.title, "title")
        self.facts = QLabel(wordWrap=True)
        set_role(self.facts, "muted")
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.use = QPushButton(texts("packs.use"))
        self.use.setToolTip(texts("packs.use_tip"))
        self.use.clicked.connect(self._use)
        self.copy = QPushButton(texts("packs.copy_text"))
        self.copy.clicked.connect(self._copy)
        self.find = EscapeField()
        self.find.setPlaceholderText(texts("table.find"))
        self.find.setMaximumWidth(220)
        self.find.textEdited.connect(lambda _: self._find(True))
        self.find.returnPressed.connect(lambda: self._find(False))
        self.sections = QHBoxLayout()
        self.sections.setSpacing(TIGHT)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(EDGE)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        head.addWidget(self.title, 1)
        head.addWidget(self.copy)
        head.addWidget(self.use)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addLayout(self.sections)
        line.addStretch(1)
        line.addWidget(self.find)
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.facts)
        box.addLayout(line)
        box.addWidget(self.text, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([320, 860])
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(split)
        self.setFocusProxy(self.list)
        desk.look.changed.connect(self._show)

    def refresh(self, changes: Changes | None = None) -> None:
        if self._told and changes is not None and not changes.workspace:
            return
        texts = self.desk.texts
        self.desk.ask(lambda _, job: _told(texts), self._have, place="packs.list", title=texts("packs.reading"))

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

    def _have(self, told: list[Told]) -> None:
        texts, region = self.desk.texts, str(getattr(self.desk.workspace, "region", ""))[:4]
        # The workspace's own city first, what all packs share last.
        told.sort(key=lambda one: (one.pack.abstract, not (region and one.pack.region[:4] == region), one.pack.id))
        self._told = told
        kept = self._choose or (self.list.currentItem().data(ENTRY) if self.list.currentItem() else "")
        self.list.clear()
        for one in told:
            pack = one.pack
            item = QListWidgetItem(
                "\n".join((
                    pack.title[texts.lang],
                    "  ·  ".join(filter(None, (pack.id, pack.region, texts.listed(pack.years)))),
                    self._rests_on(one),
                ))
            )
            item.setData(ENTRY, pack.id)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        if kept:
            self.choose(kept)

    def _rests_on(self, one: Told) -> str:
        texts = self.desk.texts
        documents = " ".join(f"[{tag}] {count}" for tag, count in one.documents)
        said = texts("packs.documents", tags=documents) if documents else texts("packs.no_documents")
        return f"{said}  ·  {texts('packs.open', count=one.open)}" if one.open else said

    def _show(self) -> None:
        one, texts = self.current(), self.desk.texts
        self.use.setEnabled(one is not None and not one.pack.abstract)
        if one is None:
            return
        pack = one.pack
        self.title.setText(pack.title[texts.lang])
        facts = [
            pack.id,
            texts("packs.issuer", issuer=pack.issuer) if pack.issuer else "",
            texts("packs.region", region=pack.region) if pack.region else texts("packs.any_region"),
            texts("packs.years", years=texts.listed(pack.years)) if pack.years else texts("packs.any_year"),
            texts.listed(texts(f"fund.{fund}") for fund in pack.funds),
            texts("packs.abstract") if pack.abstract else "",
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

    def _html(self, one: Told) -> tuple[str, list[str]]:
        """The lines of `describe` set in type: sections, names in bold, rules as they stand, open fields in their colour."""
        colours, texts = self.desk.look.colours, self.desk.texts
        mark = texts("rules.describe.open", text="").strip()
        names: list[str] = []
        parts: list[str] = []

        def tagged(text: str) -> str:
            text = URL.sub(lambda found: f'<a style="color:{colours.accent}" href="{found[0]}">{found[0]}</a>', text)
            return TAG.sub(
                lambda found: f'<span style="color:{getattr(colours, TAG_COLOUR[found[1]])}">[{found[1]}]</span>', text
            )

        for line in one.lines[1:]:  # the first is the title, which stands above
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
            QApplication.clipboard().setText("\n".join(one.lines))
            self.desk.say(self.desk.texts("packs.copied", name=one.pack.title[self.desk.texts.lang]))

    def _use(self) -> None:
        one = self.current()
        if one is not None:
            self.wanted.emit(one.pack.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.find.setFocus()
            self.find.selectAll()
            return
        super().keyPressEvent(event)
