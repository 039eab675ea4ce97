"""`reconcile` as a command: exit status, files, tolerance."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "settlement"))

import bureau
from region import Region

from core import cli


@pytest.fixture
def town(tmp_path: Path) -> Region:
    region = Region(tmp_path / "town.dz")
    bureau.settle(region)
    return region


def run(path: Path, *more: str) -> int:
    return cli.main(["reconcile", str(path), "--year", "2024", "--pack", "ningde-2024", "--lang", "en", *more])


def test_a_mismatch_exits_1_and_names_the_cause(town: Region, tmp_path: Path, capsys) -> None:
    told = bureau.changed(bureau.town(), "H2-G1-4", k=Fraction("0.93"))
    bureau.publish(town, bureau.clear(told), told)
    path = town.workspace.path
    town.workspace.close()
    outs = [tmp_path / name for name in ("a.xlsx", "a.csv", "a.json", "a.pdf")]
    assert run(path, "--out", *map(str, outs)) == 1
    said = capsys.readouterr().out
    assert "Coefficient +0.037" in said and "H2-G1-4" in said
    assert all(out.stat().st_size for out in outs)
    assert "coefficient" in json.dumps(json.loads(outs[2].read_text("utf-8")))
    wide = ["point_value=100", "case_score=1", "score=1", "score_total=1"]
    wide += [f"{step}=1000" for step in ("gross", "due", "after_assessment", "final")]
    assert run(path, "--tolerance", *wide) == 0


def test_the_same_exits_0(town: Region, capsys) -> None:
    bureau.publish(town, bureau.clear(bureau.town()), bureau.town())
    path = town.workspace.path
    town.workspace.close()
    assert run(path) == 0
    assert "No difference beyond tolerance" in capsys.readouterr().out


def test_wrong_usage(town: Region, capsys) -> None:
    path = town.workspace.path
    town.workspace.close()
    assert run(path) == 1  # nothing official: refused
    assert run(path, "--tolerance", "due") == 2
    assert run(path, "--tolerance", "due=-1") == 2
    assert run(path, "--tolerance", "nonsense=1") == 2
    assert run(path, "--out", "x.docx") == 2
    assert "official clearing" in capsys.readouterr().err


def test_a_list_unlike_its_sheet_names_the_institution_once(town: Region, capsys) -> None:
    result = bureau.clear(bureau.town())
    result.institutions["H2"]["score"] += 1
    bureau.publish(town, result, bureau.town())
    path = town.workspace.path
    town.workspace.close()
    assert run(path) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "the official list of its cases sums to" in line]
    assert line.count("H2") == 1
