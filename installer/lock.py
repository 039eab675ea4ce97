"""Which wheels go into a package: every one pinned by its SHA-256, for each system, from pyproject.toml alone.

    python installer/lock.py [linux | windows] [--keep]        writes wheels-SYSTEM.txt anew; --keep: versions stay where they can
    python installer/lock.py --fetch FOLDER [linux | windows]   downloads what is written there, nothing else

pip answers markers such as `; sys_platform == "win32"` for the system that runs it. What wheels need on the other one is
therefore asked of their own metadata, and resolved again until nothing is missing.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from targets import PYTHON, TARGETS, Stop, Target, dependencies

# Needed on paper only: sqlite-utils names pip for its command `install`, which no offline machine can use.
NOT_WANTED = {"pip", "setuptools"}


class Wheel(NamedTuple):
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read(target: Target) -> list[Wheel]:
    """What the lock file holds; Stop where a line is no pinned wheel."""
    found: list[Wheel] = []
    for line in target.lock.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pinned = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+) --hash=sha256:([0-9a-f]{64})", line)
        if pinned is None:
            raise Stop(f"{target.lock.name}: not a pinned wheel: {line}")
        found.append(Wheel(*pinned.groups()))
    return found


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stop(f"pip {' '.join(arguments[:1])} failed:\n{done.stdout}{done.stderr}")


def _for(target: Target) -> list[str]:
    said = ["--only-binary=:all:", "--implementation", "cp", "--python-version", ".".join(map(str, PYTHON))]
    for platform in target.platforms:
        said += ["--platform", platform]
    return said


def _resolve(target: Target, wanted: Sequence[str], kept: Iterable[str]) -> dict[str, dict[str, Any]]:
    """pip's report on every wheel that it would install, by canonical name."""
    with tempfile.TemporaryDirectory() as folder:
        report, held = Path(folder) / "report.json", Path(folder) / "held.txt"
        held.write_text("\n".join(kept), "utf-8")
        _pip(
            "install", "--quiet", "--dry-run", "--ignore-installed", "--target", folder, "--report", str(report),
            "--constraint", str(held), *_for(target), *wanted,
        )  # fmt: skip
        installs = json.loads(report.read_text("utf-8"))["install"]
    return {canonical(one["metadata"]["name"]): one for one in installs}


def resolve(target: Target, kept: Iterable[str] = ()) -> list[Wheel]:
    """All wheels that the product needs on `target`, by name."""
    from pip._vendor.packaging.requirements import Requirement

    wanted = list(dependencies())
    while True:
        found = _resolve(target, wanted, kept)
        reached: set[str] = set()
        missing: list[str] = []
        ahead = [(Requirement(one), "") for one in dependencies()]
        while ahead:
            requirement, extra = ahead.pop()
            name = canonical(requirement.name)
            if name in NOT_WANTED or (
                requirement.marker and not requirement.marker.evaluate(target.markers | {"extra": extra})
            ):
                continue
            if name not in found:
                requirement.marker = None
                missing.append(str(requirement))
                continue
            if name not in reached:
                reached.add(name)
                needs = found[name]["metadata"].get("requires_dist", [])
                ahead += [(Requirement(one), extra) for one in needs for extra in ("", *requirement.extras)]
        if not missing:
            break
        wanted += missing
    wheels: list[Wheel] = []
    for name in sorted(reached):
        one = found[name]
        sha256 = one["download_info"]["archive_info"]["hashes"]["sha256"]
        wheels.append(Wheel(one["metadata"]["name"], one["metadata"]["version"], sha256))
    return wheels


def write(target: Target, *, keep: bool) -> None:
    kept = [f"{one.name}=={one.version}" for one in read(target)] if keep and target.lock.exists() else []
    wheels = resolve(target, kept)
    python = ".".join(map(str, PYTHON))
    head = f"# Written by `python installer/lock.py {target.name}` from pyproject.toml: CPython {python}, {target.name}.\n"
    target.lock.write_text(head + "".join(f"{wheel}\n" for wheel in wheels), "utf-8")
    print(f"{target.lock.name}: {len(wheels)} wheels")


def fetch(target: Target, folder: Path) -> list[Path]:
    """The locked wheels in `folder`, downloaded where they are not there yet; every byte held to its hash by pip."""
    import hashlib

    folder.mkdir(parents=True, exist_ok=True)
    there = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.glob("*.whl")}
    locked = read(target)
    if any(wheel.sha256 not in there for wheel in locked):
        _pip("download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(folder), "--find-links", str(folder),
             *_for(target), "--requirement", str(target.lock))  # fmt: skip
        there = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.glob("*.whl")}
    return [there[wheel.sha256] for wheel in locked]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Lock or fetch the wheels of the packages")
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS), help="both without")
    parser.add_argument("--keep", action="store_true", help="versions of the present lock stay where they can")
    parser.add_argument("--fetch", metavar="FOLDER", type=Path)
    asked = parser.parse_args(arguments)
    try:
        for target in [TARGETS[asked.target]] if asked.target else TARGETS.values():
            if asked.fetch:
                fetch(target, asked.fetch / target.name)
            else:
                write(target, keep=asked.keep)
    except Stop as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
