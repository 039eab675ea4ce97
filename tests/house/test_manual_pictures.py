"""The manual's pictures: each there, each made by the script, each still saying what the window says today."""

from __future__ import annotations

import json
import re

import manual_pictures
import pytest

from core.texts import LANGUAGES, catalogue
from ui.manual import CHAPTERS

SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


def shown(lang: str) -> list[tuple[str, str]]:
    """What stands for a picture where it cannot be seen, and its path, in the order of the chapters."""
    return [one for key in CHAPTERS for one in SHOWN.findall((manual_pictures.MANUAL / lang / f"{key}.md").read_text("utf-8"))]


def drawn() -> dict[str, dict[str, list[str]]]:
    return json.loads(manual_pictures.WORDS.read_text("utf-8"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_picture_is_there_made_by_the_script_and_shown(lang: str) -> None:
    made = {f"pictures/{name}.png" for name in manual_pictures.NAMES}
    there = {f"pictures/{path.name}" for path in (manual_pictures.MANUAL / lang / "pictures").iterdir()}
    assert made == there == {path for _, path in shown(lang)}
    assert all(said.strip() for said, _ in shown(lang))


def test_both_languages_show_the_same_pictures_in_the_same_places() -> None:
    assert [path for _, path in shown("zh")] == [path for _, path in shown("en")]


def test_pictures_stay_small() -> None:
    sizes = [path.stat().st_size for path in manual_pictures.MANUAL.glob("*/pictures/*.png")]
    assert max(sizes) <= 90_000
    assert sum(sizes) < 4_000_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pictures_say_what_the_window_says_today(lang: str) -> None:
    """Words in a picture that the translations have no longer: draw it anew by `python tests/house/manual_pictures.py`."""
    if not manual_pictures.WORDS.exists():
        pytest.skip("written when the script draws all pictures")
    known = set(catalogue(lang).values())
    told = drawn()[lang]
    assert set(told) == set(manual_pictures.NAMES)
    assert {name: gone for name, words in told.items() if (gone := [word for word in words if word not in known])} == {}
    assert all(len(words) >= 2 for words in told.values())
