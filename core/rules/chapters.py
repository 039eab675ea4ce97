"""A pack's chains beside the year's: a month's settlement, the advance.

They are steps in the same language, so a chapter is looked at as a pack of its own: whatever runs, explains, draws or
exports a year's chain does a month's too.
"""

from __future__ import annotations

from dataclasses import replace

from core.faults import Refused
from core.rules.circular import Pack
from core.rules.order import ordered


def chapter(pack: Pack, name: str) -> Pack:
    """The pack with that chapter's steps as its chain. Refused("chapter_missing") for a pack without it."""
    steps = pack.chapters.get(name, ())
    if not steps:
        raise Refused("chapter_missing", pack=pack.id, chapter=name)
    title = {lang: f"{words} · {pack.phrases[lang][f'chapter.{name}']}" for lang, words in pack.title.items()}
    return replace(pack, title=title, steps=steps, order=ordered(steps, pack.tables), chapters={})
