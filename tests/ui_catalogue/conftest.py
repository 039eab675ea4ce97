"""The Catalogue page and its browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QWidget

from ui.desk import Desk
from ui.pages.catalogue import CataloguePage
from ui.pages.catalogue.browser import BrowseTab


@pytest.fixture
def page_class() -> type[CataloguePage]:
    return CataloguePage


@pytest.fixture
def tab(desk: Desk, make_page: Callable[[], CataloguePage]) -> BrowseTab:
    page = make_page()
    browser = page.stack.currentWidget()
    assert isinstance(browser, BrowseTab)
    return browser


@pytest.fixture
def write() -> Callable[[QWidget, str], None]:
    """Type as an input method does: Qt's own key clicks know Latin letters only."""

    def type_in(widget: QWidget, text: str) -> None:
        event = QInputMethodEvent()
        event.setCommitString(text)
        QApplication.sendEvent(widget, event)

    return type_in
