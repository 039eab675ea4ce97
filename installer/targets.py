"""What is built for: the two systems, and the one CPython that both get.

CPython 3.11 on both: it is the interpreter that every test runs on, so that a laptop calculates with what was tested; every wheel
named in pyproject.toml exists for it, sqlcipher3's among them; and python.org published it as an embeddable archive (the last is
3.11.9). Another version is these two lines, `python installer/lock.py`, and the tests on it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "installer"
PYTHON = (3, 11)
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
# Every file of a package bears this time (2024-01-01 00:00 UTC): the same inputs give the same bytes.
TIME = 1704067200


@dataclass(frozen=True)
class Target:
    """One system. `platforms` are wheel tags, best first; `markers` answer what wheels ask about the system."""

    name: str
    platforms: tuple[str, ...]
    markers: dict[str, str]

    @property
    def lock(self) -> Path:
        """Wheels with their hashes, as pip reads them."""
        return HERE / f"wheels-{self.name}.txt"


def _markers(**said: str) -> dict[str, str]:
    short, full = ".".join(map(str, PYTHON)), ".".join(map(str, (*PYTHON, 0)))
    return {
        "python_version": short, "python_full_version": full, "implementation_name": "cpython", "implementation_version": full,
        "platform_python_implementation": "CPython", "platform_release": "", "platform_version": "", "extra": "", **said,
    }  # fmt: skip


LINUX = Target(
    "linux",
    (*(f"manylinux_2_{minor}_x86_64" for minor in range(36, 16, -1)), "manylinux2014_x86_64", "manylinux2010_x86_64"),
    _markers(os_name="posix", sys_platform="linux", platform_system="Linux", platform_machine="x86_64"),
)
WINDOWS = Target(
    "windows",
    ("win_amd64",),
    _markers(os_name="nt", sys_platform="win32", platform_system="Windows", platform_machine="AMD64"),
)
TARGETS = {target.name: target for target in (LINUX, WINDOWS)}


def dependencies() -> Sequence[str]:
    """What pyproject.toml says the product needs."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]


class Stop(Exception):
    """Building cannot go on; the text says why and what to do."""

