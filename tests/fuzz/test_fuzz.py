"""A short, seeded turn of every fuzzer and of the kills; `run.py` is the long one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzzing
from importing import Imports
from killing import soak
from opening import Workspaces
from packing import Packs


@pytest.mark.parametrize(("target", "count"), [(Imports, 1500), (Packs, 120), (Workspaces, 150)])
def test_shaken_input_is_taken_refused_or_named(tmp_path: Path, target: type, count: int) -> None:
    tally = fuzzing.here(target(tmp_path), "ci", tmp_path, count=count)
    assert tally.crashes == []
    assert tally.tried == count == tally.accepted + tally.refused + tally.named
    assert tally.accepted and tally.refused + tally.named


def test_a_dozen_kills_leave_a_dozen_whole_workspaces(tmp_path: Path) -> None:
    told = soak(tmp_path, 12, "ci")
    assert told.wrong == []
    assert told.whole == told.kills == 12


@pytest.mark.soak
def test_five_hundred_kills(tmp_path: Path) -> None:
    told = soak(tmp_path, 500, "soak")
    assert told.wrong == []
    assert told.whole == 500
