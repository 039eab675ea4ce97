"""The manual in a window of its own: contents on the left, the chapter on the right, made when somebody asks for it.

The chapters are `resources/manual/LANG/KEY.md`; what they say is held to the program by `tests/house/test_manual_text.py`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QImage,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextImageFormat,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from core import settings as kept
from ui.desk import Desk
from ui.look import EDGE, GAP, Look
from ui.splits import side_by_side

# In the order of a first reading: begin, bring data, look, set, clear, rules, keep, look up.
CHAPTERS = (
    "first", "install", "pages", "import", "catalogue", "institutions", "comparison", "attribution", "coefficients", "budget",
    "assessment", "clearing", "rules", "packs", "workspace", "commands", "glossary", "limits",
)  # fmt: skip
_HELPED = re.compile(r"^<!-- f1: (.+?) -->$")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$")
_FENCE = re.compile(r"^\s*```")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


def chapter(lang: str, key: str) -> str:
    """A chapter's Markdown as it is shown; what is to be typed names the command that this copy has."""
    return re.sub(r"(?<![^\n`])python main\.py\b", lambda _: kept.PROGRAM, _COMMENT.sub("", _read(lang, key)))


def _read(lang: str, key: str) -> str:
    return (kept.RESOURCES / "manual" / lang / f"{key}.md").read_text("utf-8")


def headings(markdown: str) -> list[tuple[int, str]]:
    """Level and words of every heading, code blocks aside."""
    found: list[tuple[int, str]] = []
    fenced = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (heading := _HEADING.match(line)):
            found.append((len(heading[1]), re.sub(r"[`*]", "", heading[2])))
    return found


@cache
def places(lang: str) -> dict[str, tuple[str, int]]:
    """Where F1 turns to: a page or PAGE/TAB -> chapter, heading. `<!-- f1: PAGE PAGE/TAB -->` above a heading says so."""
    found: dict[str, tuple[str, int]] = {}
    for key in CHAPTERS:
        wanted: list[str] = []
        number = 0
        fenced = False
        for line in _read(lang, key).splitlines():
            if _FENCE.match(line):
                fenced = not fenced
            elif said := _HELPED.match(line):
                wanted += said[1].split()
            elif not fenced and _HEADING.match(line):
                found |= dict.fromkeys(wanted, (key, number))
                wanted = []
                number += 1
    return found


def anchor(heading: str) -> str:
    """A heading as a link names it, as the usual viewers of Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Reading(QTextBrowser):
    """A chapter's text. Its pictures are as wide as the text, and never larger than they were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path()
        self._fitted = 0  # the width that the pictures were made for

    def set_pictures(self, folder: Path) -> None:
        """Those of the chapter just set, their places told from that folder."""
        self._folder, self._fitted = folder, 0
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = self.viewport().width() - 2 * int(self.document().documentMargin())
        if width == self._fitted or width < 1:
            return
        self._fitted = width
        for cursor, image in self._images():
            drawn = QImage(str(self._folder / image.name()))
            if drawn.isNull():
                continue
            wide = min(width, drawn.width())
            ratio = self.devicePixelRatioF()
            fitted = drawn.scaledToWidth(
                min(round(wide * ratio), drawn.width()), Qt.TransformationMode.SmoothTransformation
            )
            self.document().addResource(QTextDocument.ResourceType.ImageResource, QUrl(image.name()), fitted)
            image.setWidth(wide)
            image.setHeight(round(wide * drawn.height() / drawn.width()))
            cursor.setCharFormat(image)

    def _images(self) -> list[tuple[QTextCursor, QTextImageFormat]]:
        found = []
        block = self.document().begin()
        while block.isValid():
            each = block.begin()
            while not each.atEnd():
                piece = each.fragment()
                if piece.charFormat().isImageFormat():
                    cursor = QTextCursor(self.document())
                    cursor.setPosition(piece.position())
                    cursor.setPosition(piece.position() + piece.length(), QTextCursor.MoveMode.KeepAnchor)
                    found.append((cursor, piece.charFormat().toImageFormat()))
                each += 1
            block = block.next()
        return found


class Manual(QDialog):
    """See the module. It stays beside the window while one works; another F1 turns it to that page's chapter."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._look = desk, desk.look
        self.key = ""
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(1180, 780)
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.returnPressed.connect(self.find_next)
        self.field.textEdited.connect(lambda _: self._find(from_start=True))
        self.contents = QTreeWidget()
        self.contents.setHeaderHidden(True)
        self.contents.setMinimumWidth(180)
        self.contents.currentItemChanged.connect(self._chosen)
        self.text = Reading()
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        self.text.document().setDocumentMargin(EDGE)
        left = QWidget()
        side = QVBoxLayout(left)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(GAP)
        side.addWidget(self.field)
        side.addWidget(self.contents, 1)
        split = side_by_side(left, self.text, sizes=(270, 910), stretch=(0, 1))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, GAP, GAP, GAP)
        layout.addWidget(split)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._to_field)
        QShortcut(QKeySequence("F3"), self, self.find_next)
        desk.retranslated.connect(self._retranslate)
        desk.look.changed.connect(self._repaint)
        self._fill()
        self.text.setFocus()

    # What is shown

    def show_page(self, page: str, tab: str = "") -> None:
        """Turn to what concerns a page of the window, and the tab in view."""
        found = places(self._desk.texts.lang)
        self.open_at(*(found.get(f"{page}/{tab}") or found[page]))

    def open_at(self, key: str, heading: int = 0) -> None:
        """A chapter, at its heading of that number."""
        if key != self.key:
            self.key = key
            self._render()
        self._mark(key, heading)
        self._to_heading(heading)

    def _fill(self) -> None:
        texts = self._desk.texts
        self.setWindowTitle(f"{texts('ui.manual')} — {texts('ui.title')}")
        self.field.setPlaceholderText(texts("manual.find"))
        self.field.setToolTip(texts("manual.find_tip"))
        self.field.setAccessibleName(texts("manual.find"))
        self.contents.setAccessibleName(texts("manual.contents"))
        self.text.setAccessibleName(texts("ui.manual"))
        self.contents.blockSignals(True)
        self.contents.clear()
        for key in CHAPTERS:
            above: dict[int, QTreeWidgetItem] = {}
            for number, (level, words) in enumerate(headings(chapter(texts.lang, key))):
                item = QTreeWidgetItem([words])
                item.setToolTip(0, words)
                item.setData(0, Qt.ItemDataRole.UserRole, (key, number))
                if level == 1:
                    self.contents.addTopLevelItem(item)
                else:
                    above[level - 1].addChild(item)
                above[level] = item
        self.contents.blockSignals(False)

    def _render(self) -> None:
        document = self.text.document()
        document.setMarkdown(chapter(self._desk.texts.lang, self.key))
        _dress(self.text, self._look)
        self.text.set_pictures(kept.RESOURCES / "manual" / self._desk.texts.lang)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _retranslate(self) -> None:
        key = self.key or CHAPTERS[0]
        self.key = ""
        self._fill()
        self.open_at(key)

    def _repaint(self) -> None:
        if self.key:
            place = self.text.verticalScrollBar().value()
            self._render()
            self.text.verticalScrollBar().setValue(place)

    # Moving about

    def _items(self) -> list[QTreeWidgetItem]:
        found, each = [], QTreeWidgetItemIterator(self.contents)
        while each.value() is not None:
            found.append(each.value())
            each += 1
        return found

    def _mark(self, key: str, heading: int) -> None:
        """Show in the contents where one is; only that chapter is unfolded."""
        [item] = [one for one in self._items() if one.data(0, Qt.ItemDataRole.UserRole) == (key, heading)]
        self.contents.blockSignals(True)
        for top in (self.contents.topLevelItem(i) for i in range(self.contents.topLevelItemCount())):
            top.setExpanded(top.data(0, Qt.ItemDataRole.UserRole)[0] == key)
        self.contents.setCurrentItem(item)
        self.contents.blockSignals(False)

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.open_at(*item.data(0, Qt.ItemDataRole.UserRole))

    def _headings(self) -> list[QTextBlock]:
        block, found = self.text.document().begin(), []
        while block.isValid():
            if block.blockFormat().headingLevel():
                found.append(block)
            block = block.next()
        return found

    def _to_heading(self, number: int) -> None:
        blocks = self._headings()
        if not 0 <= number < len(blocks):
            return
        cursor = QTextCursor(blocks[number])
        self.text.setTextCursor(cursor)

        def scroll() -> None:
            top = self.text.document().documentLayout().blockBoundingRect(cursor.block()).top()
            self.text.verticalScrollBar().setValue(int(top) - GAP if number else 0)

        scroll()
        QTimer.singleShot(0, self, scroll)  # once more when the text is laid out for the window's width

    def _follow(self, url: QUrl) -> None:
        """A link: to a chapter, to a heading, or out of the manual."""
        if url.scheme():
            QDesktopServices.openUrl(url)
            return
        key = Path(url.path()).stem or self.key
        wanted = url.fragment(QUrl.ComponentFormattingOption.FullyDecoded)
        if key in CHAPTERS:
            named = [anchor(words) for _, words in headings(chapter(self._desk.texts.lang, key))]
            self.open_at(key, named.index(wanted) if wanted in named else 0)

    # Finding

    def _to_field(self) -> None:
        self.field.setFocus()
        self.field.selectAll()

    def find_next(self) -> None:
        self._find(from_start=False)

    def _find(self, *, from_start: bool) -> None:
        """The next place in this chapter, then in those after it, round to where one was."""
        wanted = self.field.text().strip()
        if not wanted:
            return
        if from_start:
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
        if self.text.find(wanted):
            return
        at = CHAPTERS.index(self.key)
        for key in (*CHAPTERS[at + 1 :], *CHAPTERS[: at + 1]):
            if wanted.lower() in chapter(self._desk.texts.lang, key).lower():
                self.open_at(key)
                if self.text.find(wanted):
                    return


def _dress(browser: QTextBrowser, look: Look) -> None:
    """What Markdown leaves to the viewer: lines of tables, room around them and between the lines."""
    document = browser.document()
    cursor = QTextCursor(document)
    block = document.begin()
    while block.isValid():
        form = block.blockFormat()
        table = QTextCursor(block).currentTable()
        picture = block.text() == "\N{OBJECT REPLACEMENT CHARACTER}"  # as high as it is: no room between its lines
        if table is None and not form.nonBreakableLines() and not picture:
            form.setLineHeight(140, 1)  # proportional
            form.setBottomMargin(6)
            cursor.setPosition(block.position())
            cursor.setBlockFormat(form)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            how = frame.format().toTableFormat()
            how.setBorder(1)
            how.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            how.setBorderCollapse(True)
            how.setBorderBrush(QColor(look.colours.line))
            how.setCellPadding(4)
            how.setCellSpacing(0)
            how.setTopMargin(GAP)
            how.setBottomMargin(EDGE)
            frame.setFormat(how)
