"""The locks cover what pyproject.toml names, on both systems, each wheel with one hash."""

from __future__ import annotations

from pathlib import Path

import lock
import pytest
from packaging.requirements import Requirement
from targets import LINUX, TARGETS, WINDOWS, Stop, Target, dependencies


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_dependency_is_locked_in_a_version_that_it_allows(target: Target) -> None:
    locked = {lock.canonical(wheel.name): wheel for wheel in lock.read(target)}
    for said in map(Requirement, dependencies()):
        name = lock.canonical(said.name)
        assert name in locked, f"{said} is not locked: python installer/lock.py --keep"
        assert said.specifier.contains(locked[name].version), f"{said}, but {locked[name].version} is locked"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_no_wheel_twice_and_none_that_installs(target: Target) -> None:
    names = [lock.canonical(wheel.name) for wheel in lock.read(target)]
    assert names == sorted(set(names))
    assert not lock.NOT_WANTED & set(names)


def test_both_systems_calculate_with_the_same_versions() -> None:
    linux, windows = ({wheel.name: wheel.version for wheel in lock.read(target)} for target in (LINUX, WINDOWS))
    assert {name: linux[name] for name in windows if name in linux} == {name: windows[name] for name in linux if name in windows}


@pytest.mark.parametrize("line", ["numpy==2.0", "numpy>=2 --hash=sha256:" + "0" * 64, "numpy==2.0 --hash=md5:00", "--index-url x"])
def test_a_line_without_version_or_hash_is_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import targets

    monkeypatch.setattr(targets, "HERE", tmp_path)
    LINUX.lock.write_text(f"# locked\n{line}\n", "utf-8")
    with pytest.raises(Stop, match="not a pinned wheel"):
        lock.read(LINUX)
