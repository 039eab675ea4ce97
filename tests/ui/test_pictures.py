"""Pictures by command: in both languages, without a display, and what is asked wrongly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

import main

CODES = ("H35093000001", "H35093100001")
ASKED = {
    "trend": ("--indicator", "mean_cost", "point_value", "--years", "2023", "2024"),
    "compare": (*CODES, "--year", "2024"),
    "attribute": ("--from", "2023", "--to", "2024", "--fund", "employee", "--code", CODES[0]),
}


def drawn(path: Path) -> tuple[int, int]:
    """Its size, if it is no blank sheet."""
    image = QImage(str(path))
    assert not image.isNull()
    seen = {image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)}
    assert len(seen) > 8
    return image.width(), image.height()


@pytest.mark.parametrize("command", ASKED)
def test_a_picture_in_either_language(command: str, demonstration: Path, tmp_path: Path, qapp, own_home, capsys, monkeypatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")  # the command sets it too: it must not outlive this test
    sizes = {}
    for lang in ("zh", "en"):
        out = tmp_path / f"{lang}.png"
        assert main.main([command, str(demonstration), *ASKED[command], "--out", str(out), "--lang", lang]) == 0
        assert str(out) in capsys.readouterr().out
        sizes[lang] = drawn(out)
    assert sizes["zh"] == sizes["en"]
    assert (tmp_path / "zh.png").read_bytes() != (tmp_path / "en.png").read_bytes()


def test_beside_a_table_and_without_a_display(demonstration: Path, tmp_path: Path, own_home) -> None:
    outs = [tmp_path / name for name in ("t.svg", "t.csv")]
    clean = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [sys.executable, "main.py", "trend", str(demonstration), *ASKED["trend"], "--out", *map(str, outs), "--lang", "zh"],
        cwd=Path(main.__file__).parent, env=clean | {"DIANZHI_HOME": str(own_home)}, capture_output=True, text=True,
        encoding="utf-8", timeout=200, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in outs[0].read_text("utf-8")
    assert "病例数" not in outs[1].read_text("utf-8-sig").splitlines()[0], "only what was asked for is in the table"


@pytest.mark.parametrize(("words", "said"), [
    (("--scope", "institution"), "60"), (("--indicator", "cases", "--cases", "2024"), "--cases"),
])  # fmt: skip
def test_too_many_drawings_and_cases(words, said, demonstration: Path, tmp_path: Path, qapp, own_home, capsys, monkeypatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    out = tmp_path / "a.png"
    assert main.main(["trend", str(demonstration), *words, "--out", str(out), "--lang", "zh"]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
