"""Files written whole or not at all, also by two exports at a time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from core.export.target import whole_file, whole_files


def test_two_exports_into_one_folder_do_not_publish_each_others_halves(tmp_path: Path) -> None:
    with whole_files(tmp_path) as first:
        with whole_files(tmp_path) as second:
            (first / "a.csv").write_text("half")
            (second / "b.csv").write_text("whole")
        assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["b.csv"]
        (first / "a.csv").write_text("whole")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.csv": "whole", "b.csv": "whole"}


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with whole_file(path) as first:
        first.write_text("first")
        with suppress(RuntimeError), whole_file(path) as second:
            second.write_text("broken off")
            raise RuntimeError
        assert first.read_text() == "first"
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]
