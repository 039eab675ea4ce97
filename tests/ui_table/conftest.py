"""A desk as the window has one, with its threads, put away after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.texts import Texts
from ui.desk import Desk


@pytest.fixture
def desk(swept, own_home) -> Iterator[Desk]:
    desk = Desk()
    desk.texts = Texts("zh")
    yield desk
    assert desk.close()
