"""Workspaces to import into: copies of one that is empty, for making one costs five times as much."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.storage.workspace import Workspace


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Workspace]:
    """A new workspace there, open, always with the same key of persons, so that their hashes compare."""
    made = tmp_path_factory.mktemp("empty") / "w.dz"
    with Workspace.create(made, region="350900") as new, new.transaction("edit", "key") as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'person_key'", ("ab" * 32,))

    def at(path: Path) -> Workspace:
        shutil.copy(made, path)
        return Workspace.open(path)

    return at


@pytest.fixture
def workspace(empty: Callable[[Path], Workspace], tmp_path: Path) -> Iterator[Workspace]:
    with empty(tmp_path / "w.dz") as opened:
        yield opened
