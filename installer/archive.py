"""The Linux payload as one archive that runs where it is unpacked, with a small installer for one user.

    python installer/archive.py PAYLOAD OUT_FOLDER [--level 0..9]

The same payload gives the same bytes: sorted, owned by root, one time for everything.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from targets import HERE, LINUX, ROOT, TIME, VERSION, Stop

ROOM = "dianzhi"  # the folder that the archive unpacks to
LEVEL = 6  # of xz; 0 takes a fifth of the time and gives a quarter more


def tar_xz(out: Path, folder: Path, prefix: str, more: dict[str, bytes], level: int = LEVEL) -> None:
    """`folder` below `prefix`, and `more` (path -> content), as a tar compressed by xz."""
    # Two threads, never one or all: xz cuts blocks by its mode, and the bytes must not hang on the machine.
    with out.open("wb") as file:
        xz = subprocess.Popen(["xz", "--compress", "--stdout", "--threads=2", f"-{level}"], stdin=subprocess.PIPE, stdout=file)
        assert xz.stdin is not None
        with xz.stdin as into:
            write_tar(into, folder, prefix, more)
        if xz.wait():
            raise Stop(f"xz failed on {out.name}")


def write_tar(into: io.IOBase, folder: Path | None, prefix: str, more: dict[str, bytes]) -> None:
    """An uncompressed tar of sorted entries; every folder above a file is an entry before it."""
    there: dict[str, Path | bytes] = dict(more)
    if folder is not None:
        there |= {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
    made: set[str] = set()
    with tarfile.open(fileobj=into, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(there):
            parts = name.split("/")
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                if above not in made and above != ".":
                    made.add(above)
                    tar.addfile(_entry(above, 0o755, tarfile.DIRTYPE))
            held = there[name]
            if isinstance(held, Path):
                entry = _entry(name, held.stat().st_mode & 0o777)
                entry.size = held.stat().st_size
                with held.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                entry = _entry(name, 0o755 if name.endswith((".sh", "postinst", "prerm", "postrm", "bin/dianzhi")) else 0o644)
                entry.size = len(held)
                tar.addfile(entry, io.BytesIO(held))


def _entry(name: str, mode: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime, entry.type = mode, TIME, kind
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def desktop_files() -> dict[str, bytes]:
    """Menu entry, kind of file and icon, as freedesktop.org has them: path below `share` -> content."""
    return {
        "applications/dianzhi.desktop": (HERE / "linux" / "dianzhi.desktop").read_bytes(),
        "mime/packages/dianzhi.xml": (HERE / "linux" / "dianzhi.xml").read_bytes(),
        "icons/hicolor/scalable/apps/dianzhi.svg": (ROOT / "resources" / "dianzhi.svg").read_bytes(),
    }


def build(payload: Path, out: Path, level: int = LEVEL) -> Path:
    """The archive in the folder `out`."""
    if not (payload / "dianzhi").exists():
        raise Stop(f"{payload} is no payload for Linux")
    if shutil.which("xz") is None:
        raise Stop("missing: xz (apt-get install xz-utils)")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"dianzhi-{VERSION}-{LINUX.name}-x86_64.tar.xz"
    more = {f"{ROOM}/install.sh": (HERE / "linux" / "install.sh").read_bytes()}
    more |= {f"{ROOM}/share/{name}": content for name, content in desktop_files().items()}
    own = [path.relative_to(payload).as_posix() for path in payload.rglob("*") if path.is_file()]
    names = sorted([*own, *(name.removeprefix(f"{ROOM}/") for name in more), "files.txt"])
    more[f"{ROOM}/files.txt"] = "".join(f"{name}\n" for name in names).encode()  # what install.sh copies and removes
    tar_xz(path, payload, ROOM, more, level)
    return path


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Pack the Linux payload as a folder archive")
    parser.add_argument("payload", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--level", type=int, default=LEVEL, choices=range(10))
    asked = parser.parse_args(arguments)
    try:
        path = build(asked.payload, asked.out, asked.level)
    except (Stop, OSError) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
