"""The demonstration that several tests read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.storage.workspace import Workspace


@pytest.fixture(scope="session")
def region(
    demonstration_copy: Callable[[int, Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, int]]:
    """1:50, small enough to read all of."""
    scale = 50
    with Workspace.open(demonstration_copy(scale, tmp_path_factory.mktemp("demo"))) as workspace:
        yield workspace, scale


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir()
    return made
