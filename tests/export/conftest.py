"""All workbooks that the collected tests ask for, recalculated in one start of LibreOffice."""

from __future__ import annotations

from pathlib import Path

import pytest
from recalculation import BUILDERS, Recalculated, recalculate


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory, demonstration: Path) -> dict[str, Recalculated]:
    """By the name that each was registered with."""
    folder = tmp_path_factory.mktemp("recalculated")
    files: dict[str, Path] = {}
    for number, (name, (build, of)) in enumerate(BUILDERS.items()):
        files[name] = folder / f"{number}.xlsx"
        build(files[name], files[of] if of else demonstration)
    out = recalculate(list(files.values()), folder)
    return {name: Recalculated(file, out / file.name) for name, file in files.items()}
