"""Which Chinese font a printed sheet is set in: one of this computer's, else that of PyPI's mplfonts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from core.faults import WorldFault

# By file: the regular face and the bold one beside it, the best first. A collection holds several faces: the one
# that writes simplified Chinese is found by its name.
FACES = (
    ("msyh.ttc", "msyhbd.ttc"),
    ("Deng.ttf", "Dengb.ttf"),
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"),
    ("NotoSansCJKsc-Regular.otf", "NotoSansCJKsc-Bold.otf"),
    ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf"),
    ("SourceHanSansSC-Regular.otf", "SourceHanSansSC-Bold.otf"),
    ("SourceHanSansCN-Regular.otf", "SourceHanSansCN-Bold.otf"),
    ("simsun.ttc", "simhei.ttf"),
    ("simhei.ttf", ""),
    ("wqy-microhei.ttc", ""),
    ("wqy-zenhei.ttc", ""),
)


@dataclass(frozen=True, slots=True)
class Face:
    """A font file, and which of its faces where it is a collection."""

    path: Path
    number: int = 0


def folders() -> tuple[Path, ...]:
    """Where this system keeps fonts, a user's own too."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts", local / "Microsoft" / "Windows" / "Fonts")
    if sys.platform == "darwin":
        return (Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts")
    return (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local" / "share" / "fonts", home / ".fonts")


def faces() -> tuple[Face, Face]:
    """The regular and the bold face; where there is no bold one, the regular twice.

    WorldFault `no_chinese_font` where there is none: a sheet of empty boxes is worse than no sheet.
    """
    return _faces(folders(), _carried())


@cache
def _faces(there: tuple[Path, ...], carried: Path | None) -> tuple[Face, Face]:
    known = {name.lower() for pair in FACES for name in pair if name}
    found: dict[str, Path] = {}
    for path in _files((*there, *([carried] if carried else []))):
        if path.name.lower() in known:
            found.setdefault(path.name.lower(), path)
    for regular, bold in FACES:
        if path := found.get(regular.lower()):
            face = Face(path, _simplified(path))
            heavy = found.get(bold.lower())
            return face, Face(heavy, _simplified(heavy)) if heavy else face
    raise WorldFault("no_chinese_font", folders=[str(one) for one in there])


def _files(there: tuple[Path, ...]) -> Iterator[Path]:
    for folder in there:
        for at, _, names in os.walk(folder):
            yield from (Path(at) / name for name in sorted(names))


def _carried() -> Path | None:
    """The folder of mplfonts, where it is installed."""
    found = find_spec("mplfonts")
    return Path(found.origin).parent if found is not None and found.origin else None


def _simplified(path: Path) -> int:
    """The number of a collection's face whose family is named SC, else the first."""
    if path.suffix.lower() != ".ttc":
        return 0
    from fontTools.ttLib import TTCollection

    with TTCollection(str(path), lazy=True) as collection:
        for number, font in enumerate(collection.fonts):
            family = str(font["name"].getDebugName(1) or "")
            if family.endswith(" SC") and "Mono" not in family:
                return number
    return 0
