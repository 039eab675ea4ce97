"""F1: the manual at the page one is on, its contents, links and finding, in both languages and themes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QTextCursor, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.settings import RESOURCES
from core.texts import LANGUAGES
from ui.manual import CHAPTERS, Manual, chapter, headings, places
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


def test_what_is_to_be_typed_names_the_command_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.settings.PROGRAM", "dianzhi")
    told = {(lang, key): chapter(lang, key) for lang in LANGUAGES for key in CHAPTERS}
    assert [place for place, text in told.items() if "python main.py" in text] == []
    assert all("\ndianzhi clear " in told[lang, "packs"] and "`dianzhi --demo`" in told[lang, "first"] for lang in LANGUAGES)


def test_f1_opens_at_every_page_and_tab(window, manual, desk, made, idle) -> None:
    desk.open(made)
    idle()
    seen = set()
    for page in KEYS:
        window.show_page(page)
        row = getattr(window.page(), "tabs", None)
        row = getattr(row, "bar", row)
        for tab in row.keys if row is not None else ("",):
            if tab:
                row.choose(tab)
            window.do("help.manual")
            place = f"{page}/{tab}" if tab else page
            seen |= {page, place}
            key, number = places("zh")[place]
            assert manual.key == key
            assert entry(manual) == headings(chapter("zh", key))[number][1] == manual.text.textCursor().block().text()
    assert seen == set(places("zh"))
    assert manual.isVisible()
    assert not manual.isModal()
    assert window.findChildren(Manual) == [manual]


def test_pictures_are_as_wide_as_the_text(manual, qtbot) -> None:
    manual.open_at("first")
    for width in (700, 1100, 2400):
        manual.resize(width, 700)
        qtbot.wait(1)
        room = manual.text.viewport().width() - 2 * int(manual.text.document().documentMargin())
        images = [image for _, image in manual.text._images()]
        assert len(images) == 2
        for image in images:
            drawn = QImage(str(RESOURCES / "manual" / "zh" / image.name()))
            assert image.width() == min(room, drawn.width())
            assert abs(image.height() / image.width() - drawn.height() / drawn.width()) < 0.01


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
