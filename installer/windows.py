"""The Windows payload as an installer for one user, made by NSIS; built on Linux as well as on Windows.

    python installer/windows.py PAYLOAD OUT_FOLDER [--store]

The script `dianzhi.nsi` says what the installer does. Its list of files to remove is written here from the payload: uninstalling
and upgrading take away exactly what was installed and never a whole folder, so that a workspace saved beside the program stays.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from binaries import is_windows_own
from payload import FLAT, compiled, size
from pruning import looks_in
from targets import HERE, TIME, VERSION, Stop


def removal(payload: Path) -> str:
    """NSIS lines that delete every file of the payload, then its folders where they are empty."""
    files = sorted(path.relative_to(payload) for path in payload.rglob("*") if path.is_file())
    folders = {above for path in files for above in path.parents if above.parts}
    deepest_first = sorted(folders, key=lambda path: (-len(path.parts), path))
    lines = [f'Delete "$INSTDIR\\{_windows(path)}"' for path in files]
    lines += [f'RMDir "$INSTDIR\\{_windows(path)}"' for path in deepest_first]
    return "\n".join(lines) + "\n"


# The embeddable archive of python.org brings these.
OF_PYTHON = {"python3.dll", f"python{FLAT}.dll", "vcruntime140.dll", "vcruntime140_1.dll"}


def lacking(payload: Path) -> dict[str, list[str]]:
    """Compiled file -> libraries that it asks for and does not find where it looks, beside Python or in Windows itself."""
    files = compiled(payload)
    there: dict[str, list[str]] = {}
    for path in files:
        there.setdefault(path.rpartition("/")[2].lower(), []).append(path.removeprefix("site-packages/"))

    def found(path: str, name: str) -> bool:
        asking = path.removeprefix("site-packages/")
        return (
            name in OF_PYTHON
            or is_windows_own(name)
            or any(at.startswith("python/") or looks_in(asking, at) for at in there.get(name, ()))
        )

    asked = {path: [name for name in need.libraries if not found(path, name.lower())] for path, need in files.items()}
    return {path: names for path, names in asked.items() if names}


def _windows(path: Path) -> str:
    return str(path).replace("/", "\\").replace("$", "$$")


def build(payload: Path, out: Path, *, store: bool = False) -> Path:
    """The installer in the folder `out`; `store` leaves it uncompressed (quick, for trying)."""
    if not (payload / "dianzhi.cmd").exists():
        raise Stop(f"{payload} is no payload for Windows")
    if missing := lacking(payload):
        raise Stop("".join(f"{path} asks for {', '.join(names)}, which is nowhere\n" for path, names in missing.items()))
    if shutil.which("makensis") is None:
        raise Stop("missing: makensis (apt-get install nsis)")
    out.mkdir(parents=True, exist_ok=True)
    path = out.resolve() / f"dianzhi-{VERSION}-windows-x64.exe"
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "removal.nsh"
        listed.write_text("\ufeff" + removal(payload), "utf-8")
        command = [
            "makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", f"-DVERSION={VERSION}", f"-DPAYLOAD={payload.resolve()}",
            f"-DREMOVAL={listed}", f"-DOUT={path}", f"-DICON={HERE / 'windows' / 'dianzhi.ico'}",
            f"-DKILOBYTES={size(payload) // 1024}", *(["-DSTORE"] if store else []), str(HERE / "windows" / "dianzhi.nsi"),
        ]  # fmt: skip
        clock = os.environ | {"SOURCE_DATE_EPOCH": str(TIME)}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=clock)
    if done.returncode:
        raise Stop(f"makensis failed:\n{done.stdout}{done.stderr}")
    return path


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Pack the Windows payload as an installer")
    parser.add_argument("payload", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--store", action="store_true", help="uncompressed, to try it")
    asked = parser.parse_args(arguments)
    try:
        path = build(asked.payload, asked.out, store=asked.store)
    except (Stop, OSError) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
