"""Demonstrations that several tests read: made once a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.demo import build
from core.storage.workspace import Workspace


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, int]]:
    """1:50, small enough to read all of."""
    scale = 50
    with build(tmp_path_factory.mktemp("demo") / "region.dianzhi", scale=scale) as workspace:
        yield workspace, scale


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir()
    return made
