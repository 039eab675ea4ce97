"""F1: the manual at the page one is on, its contents, links and finding, in both languages and themes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QTextCursor, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.texts import LANGUAGES
from ui.manual import CHAPTERS, OF_PAGE, Manual, chapter, headings
from ui.pages import KEYS
from ui.window import Window


@pytest.fixture
def manual(window: Window, qtbot) -> Manual:
    """As F1 opens it on the start page."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F1)
    [manual] = window.findChildren(Manual)
    return manual


def first_line(manual: Manual) -> str:
    return manual.text.toPlainText().splitlines()[0]


def shown(manual: Manual) -> str:
    """The heading at the top of what is seen."""
    cursor = manual.text.cursorForPosition(manual.text.viewport().rect().topLeft())
    block = cursor.block()
    while block.isValid() and not block.blockFormat().headingLevel():
        block = block.next()
    return block.text()


def entry(manual: Manual) -> str:
    return manual.contents.currentItem().text(0)


def test_f1_opens_the_chapter_of_the_page(window, manual, qtbot) -> None:
    for page in KEYS:
        window.show_page(page)
        window.do("help.manual")
        key = OF_PAGE.get(page, "pages")
        assert manual.key == key
        assert first_line(manual) == headings(chapter("zh", key))[0][1]
        if page in OF_PAGE:
            assert entry(manual) == first_line(manual)
        else:
            assert entry(manual) == "台账页" == manual.text.textCursor().block().text()
    assert manual.isVisible()
    assert not manual.isModal()
    assert window.findChildren(Manual) == [manual]


def test_nothing_is_made_before_somebody_asks(window) -> None:
    assert window.findChildren(Manual) == []


def test_a_closed_manual_opens_again(window, manual, qtbot) -> None:
    with qtbot.waitSignal(manual.destroyed):
        QTest.keyClick(manual, Qt.Key.Key_Escape)
    window.do("help.manual")
    [again] = window.findChildren(Manual)
    assert again.isVisible()


def test_contents_lead_to_every_heading(manual, qtbot) -> None:
    """Chosen one after the other: the chapter is there, and the heading at the top as far as there is text below it."""
    seen = 0
    for item in manual._items():
        manual.contents.setCurrentItem(item)
        key, number = item.data(0, Qt.ItemDataRole.UserRole)
        qtbot.wait(1)
        words = headings(chapter("zh", key))[number][1]
        assert manual.key == key
        assert item.text(0) == words
        assert manual.text.textCursor().block().text() == words
        bar = manual.text.verticalScrollBar()
        if 0 < bar.value() < bar.maximum():
            assert shown(manual) == words
            seen += 1
    assert seen > 10


@pytest.mark.parametrize("lang", LANGUAGES)
def test_chapters_are_rendered_whole(window, manual, desk, lang: str) -> None:
    """What Qt makes of the Markdown: every heading, tables with their rows, no mark-up or comment left over."""
    desk.speak(lang)
    for key in CHAPTERS:
        manual.open_at(key)
        assert [block.text() for block in manual._headings()] == [words for _, words in headings(chapter(lang, key))]
        plain = manual.text.toPlainText()
        for left in ("<!--", "-->", "| ---", "```", "**"):
            assert left not in plain, (key, left)
        tables = [frame for frame in manual.text.document().rootFrame().childFrames() if isinstance(frame, QTextTable)]
        lines = [line for line in chapter(lang, key).splitlines() if line.startswith("|")]
        assert sum(table.rows() for table in tables) == len(lines) - len(tables)


def test_links_lead_to_chapters_and_headings(manual, monkeypatch) -> None:
    manual.text.anchorClicked.emit(QUrl("packs.md"))
    assert manual.key == "packs"
    manual.open_at("limits")
    manual.text.anchorClicked.emit(QUrl("pages.md#台账页"))
    assert (manual.key, manual.text.textCursor().block().text()) == ("pages", "台账页")
    assert entry(manual) == "台账页"
    gone: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: gone.append(url.toString()))
    manual.text.anchorClicked.emit(QUrl("https://www.nhsa.gov.cn/"))
    assert gone == ["https://www.nhsa.gov.cn/"]
    assert manual.key == "pages"


def test_finding_goes_on_through_the_chapters(manual) -> None:
    manual.field.setText("ratio_mode")
    manual.field.textEdited.emit("ratio_mode")
    assert manual.key == "clearing"
    first = manual.text.textCursor()
    assert first.selectedText() == "ratio_mode"
    QTest.keyClick(manual.field, Qt.Key.Key_Return)
    assert manual.text.textCursor().position() > first.position()
    manual.field.setText("没有这样的词")
    QTest.keyClick(manual.field, Qt.Key.Key_Return)
    assert manual.key == "clearing"


def test_another_language_at_once(window, manual, desk, qtbot) -> None:
    window.show_page("clearing")
    window.do("help.manual")
    desk.speak("en")
    qtbot.waitUntil(lambda: desk.texts.lang == "en")
    assert manual.key == "clearing"
    assert first_line(manual) == headings(chapter("en", "clearing"))[0][1]
    assert manual.windowTitle().startswith("Manual")
    assert entry(manual) == first_line(manual)


def test_another_theme_keeps_the_place(manual, desk) -> None:
    manual.open_at("clearing", 3)
    manual.text.moveCursor(QTextCursor.MoveOperation.Start)
    bar = manual.text.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    desk.wear("dark")
    assert bar.value() == place
    [line] = {frame.format().toTableFormat().borderBrush().color().name()
              for frame in manual.text.document().rootFrame().childFrames() if isinstance(frame, QTextTable)}
    assert line == desk.look.colours.line.lower()
