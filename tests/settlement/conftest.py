"""A fresh region for every test, and no clearing remembered from another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from region import Region

from core.settlement import annual, gather


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Region]:
    annual.forget()
    gather.forget()
    made = Region(tmp_path / "region.dz")
    yield made
    made.workspace.close()
