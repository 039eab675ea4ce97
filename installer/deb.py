"""The Linux payload as a Debian package: /opt/dianzhi, a menu entry, the kind of file, and the command `dianzhi`.

    python installer/deb.py PAYLOAD OUT_FOLDER [--level 0..9]

What it depends on is read from the payload: every library that a file in it asks for and that is not in it, by the package that
brings it, and the newest version that anything asks of the C library. Written by hand (ar of two tars): the same payload gives
the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import lzma
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from archive import LEVEL, desktop_files, tar_xz, write_tar
from bootstrap import QT_LIBRARIES, X11_LIBRARIES
from payload import compiled, size
from targets import TIME, VERSION, Stop

ROOM = "./opt/dianzhi"
# Library -> Debian package, beyond those that `bootstrap` names: what a bare system may lack as well.
LIBRARIES = QT_LIBRARIES | X11_LIBRARIES | {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libfreetype.so.6": "libfreetype6",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}  # fmt: skip
# Asked for only by plugins that Qt does without: a printer, a Wayland desktop.
OPTIONAL = {
    "libcups.so.2": "libcups2",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}
# Packages that were renamed with the 64-bit time of newer distributions.
RENAMED = {"libglib2.0-0": "libglib2.0-0t64", "libcups2": "libcups2t64"}
GLIBC = ("libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so", "libresolv.so", "ld-linux")


def dependencies(payload: Path) -> tuple[list[str], list[str]]:
    """(Depends, Recommends). Stop where a library is asked for that no known package brings."""
    asked: set[str] = set()
    glibc: tuple[int, ...] = (2, 17)
    for need in compiled(payload).values():
        asked |= set(need.libraries)
        glibc = max(glibc, need.glibc)
    there = {path.name for path in payload.rglob("*.so*")}
    outside = {name for name in asked - there if not name.startswith(GLIBC)}
    if unknown := sorted(outside - set(LIBRARIES) - set(OPTIONAL)):
        raise Stop(f"no package is known for {', '.join(unknown)}: add it to deb.py")
    depends = {f"libc6 (>= {'.'.join(map(str, glibc))})"} | _packages(LIBRARIES[name] for name in outside if name in LIBRARIES)
    recommends = {"fonts-noto-cjk | fonts-wqy-zenhei | fonts-wqy-microhei"}
    return sorted(depends), sorted(recommends | _packages(OPTIONAL[name] for name in outside if name in OPTIONAL))


def _packages(names: Iterable[str]) -> set[str]:
    return {f"{name} | {RENAMED[name]}" if name in RENAMED else name for name in names}


def control(payload: Path) -> str:
    depends, recommends = dependencies(payload)
    return "".join(
        f"{key}: {value}\n"
        for key, value in (
            ("Package", "dianzhi"), ("Version", VERSION), ("Architecture", "amd64"),
            ("Maintainer", "Dianzhi <dianzhi@localhost>"), ("Installed-Size", str(-(-size(payload) // 1024))),
            ("Section", "science"), ("Priority", "optional"),
            ("Depends", ", ".join(depends)), ("Recommends", ", ".join(recommends)),
            ("Description", "re-perform and explain DIP settlement\n 点值:按病种分值付费年度清算的复算、解释与核对,离线运行。\n"
             " Runs offline, in Chinese and English."),
        )
    )  # fmt: skip


# Menus and kinds of files are read anew where the desktop has the tools. Nothing touches workspaces and settings.
REFRESH = """#!/bin/sh
set -e
if command -v update-mime-database >/dev/null; then update-mime-database /usr/share/mime || true; fi
if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications || true; fi
exit 0
"""


def build(payload: Path, out: Path, level: int = LEVEL) -> Path:
    """The package in the folder `out`."""
    if not (payload / "dianzhi").exists():
        raise Stop(f"{payload} is no payload for Linux")
    if shutil.which("xz") is None:
        raise Stop("missing: xz (apt-get install xz-utils)")
    out.mkdir(parents=True, exist_ok=True)
    more = {f"./usr/share/{name}": content for name, content in desktop_files().items()}
    more["./usr/bin/dianzhi"] = b'#!/bin/sh\nexec /opt/dianzhi/dianzhi "$@"\n'
    more["./usr/share/doc/dianzhi/copyright"] = (payload / "licences" / "README.txt").read_bytes()
    sums = {name[2:]: _md5(content) for name, content in more.items()}
    for path in payload.rglob("*"):
        if path.is_file():
            sums[f"{ROOM[2:]}/{path.relative_to(payload).as_posix()}"] = _md5(path.read_bytes())
    digests = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    head = io.BytesIO()
    write_tar(head, None, "", {
        "./control": control(payload).encode(), "./md5sums": digests.encode(),
        "./postinst": REFRESH.encode(), "./postrm": REFRESH.encode(),
    })  # fmt: skip
    path = out / f"dianzhi_{VERSION}_amd64.deb"
    with tempfile.TemporaryDirectory(dir=out) as folder:
        data = Path(folder) / "data.tar.xz"
        tar_xz(data, payload, ROOM, more, level)
        with path.open("wb") as file:
            file.write(b"!<arch>\n")
            _member(file, "debian-binary", io.BytesIO(b"2.0\n"), 4)
            packed = lzma.compress(head.getvalue(), preset=6)
            _member(file, "control.tar.xz", io.BytesIO(packed), len(packed))
            with data.open("rb") as content:
                _member(file, "data.tar.xz", content, data.stat().st_size)
    return path


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _member(file: io.BufferedIOBase, name: str, content: io.BufferedIOBase, length: int) -> None:
    file.write(f"{name:<16}{TIME:<12}{0:<6}{0:<6}{100644:<8}{length:<10}`\n".encode("ascii"))
    shutil.copyfileobj(content, file)
    if length % 2:
        file.write(b"\n")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Pack the Linux payload as a Debian package")
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
