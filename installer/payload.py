"""The folder that is installed: interpreter, pruned wheels, the product, its licences, and what starts it.

    python installer/payload.py linux FOLDER [--python EXECUTABLE] [--wheels CACHE]
    python installer/payload.py windows FOLDER --embeddable ZIP --sha256 HASH [--wheels CACHE]

    python/          Windows: the embeddable archive as python.org published it; Linux: the building machine's interpreter, its
                     standard library pruned, and the libraries that both need beyond the C library
    site-packages/   the locked wheels, pruned (pruning.py)
    core ui resources main.py    the product, readable, and compiled beside it
    licences/        of every part
    dianzhi          Linux: starts either window or command;  dianzhi.cmd: the same on Windows, where shortcuts start the window

Linux carries an interpreter of its own because compiled wheels fit one Python only (3.11), and the distributions in use have 3.7
to 3.13. A `._pth` file beside either interpreter names the only folders that are looked into: no environment variable, no Python
of the machine comes between. All code is compiled beforehand and never checked against a time: the folder may be read-only.
The same inputs give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from email.parser import HeaderParser
from pathlib import Path

import lock
import pruning
from binaries import Needs, needs
from targets import HERE, LINUX, PYTHON, ROOT, TARGETS, TIME, VERSION, WINDOWS, Stop, Target

PRODUCT = ("core", "ui", "resources", "main.py", "LICENSE")
SHORT = f"{PYTHON[0]}.{PYTHON[1]}"
FLAT = f"{PYTHON[0]}{PYTHON[1]}"
# The C library itself: on every Linux, and never two of it in one process.
OF_SYSTEM = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so")
LESSER_GPL = ("LGPL-3", "GPL-3")  # Qt, PySide6 and fpdf2; the wheels do not bring the text
DEBIAN_LICENCES = Path("/usr/share/common-licenses")


def _run(*command: str | Path, **more: str) -> str:
    done = subprocess.run(
        [*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=os.environ | more
    )
    if done.returncode:
        raise Stop(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def product_files(root: Path = ROOT) -> list[str]:
    """The product's own files, as git has them; where there is no git, what lies there."""
    asked = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--", *PRODUCT], capture_output=True, text=True, check=False
    )
    if asked.returncode == 0 and asked.stdout:
        return sorted(name for name in asked.stdout.split("\0") if name and (root / name).is_file())
    found = [path for top in PRODUCT for path in ([root / top] if (root / top).is_file() else (root / top).rglob("*"))]
    return sorted(
        path.relative_to(root).as_posix() for path in found
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def unpack_wheels(wheels: Sequence[Path], folder: Path) -> None:
    """The wheels as they are imported, without what `pruning` leaves out."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for one in archive.infolist():
                path = one.filename
                if one.is_dir() or pruning.dropped(path, pruning.WHEELS) or pruning.qt_drops(path):
                    continue
                target = folder / path
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise Stop(f"{wheel.name}: {path} leads out of the folder")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(one))
    linked = {path: need.libraries for path, need in compiled(folder).items()}
    candidates = [path for path in linked if pruning.only_if_linked(path)]
    for path in set(candidates) - pruning.reached(linked, candidates):
        (folder / path).unlink()


def compiled(folder: Path) -> dict[str, Needs]:
    """Path -> what it asks for, of every ELF and PE file below `folder`."""
    found = {path.relative_to(folder).as_posix(): needs(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    return {path: need for path, need in found.items() if need is not None}


def check_hash(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        is_ = hashlib.file_digest(file, "sha256").hexdigest()
    if is_ != sha256.lower():
        raise Stop(f"{path.name}: SHA-256 is {is_}, expected {sha256.lower()}: not the archive that was meant, nothing was built")


def windows_python(archive: Path, sha256: str, folder: Path) -> None:
    """The embeddable archive, untouched but for its `._pth`."""
    check_hash(archive, sha256)
    with zipfile.ZipFile(archive) as held:
        names = set(held.namelist())
        lacking = {"python.exe", "pythonw.exe", f"python{FLAT}.dll", f"python{FLAT}.zip", f"python{FLAT}._pth"} - names
        if lacking:
            raise Stop(f"{archive.name}: no embeddable CPython {SHORT}: {', '.join(sorted(lacking))} is missing")
        if any("/" in name or "\\" in name for name in names):
            raise Stop(f"{archive.name}: an embeddable archive has no folders")
        held.extractall(folder)
    # `..` is where main.py is: an isolated interpreter does not look beside the script itself.
    (folder / f"python{FLAT}._pth").write_bytes(f"python{FLAT}.zip\r\n.\r\n..\\site-packages\r\n..\r\n".encode())


def linux_python(executable: Path, folder: Path) -> None:
    """The interpreter, its standard library as compiled files, and the libraries beyond the C library, found beside it."""
    said = _run(
        executable, "-I", "-c",
        "import sys, os, sysconfig; print(sys.version_info[:2] == " + repr(PYTHON) + ");"
        "print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)));"
        "print(sysconfig.get_path('stdlib', vars={'installed_base': sys.base_prefix, 'base': sys.base_prefix}));"
        "print(sysconfig.get_path('platstdlib', vars={'platbase': sys.base_prefix, 'installed_platbase': sys.base_prefix}))",
    ).splitlines()  # fmt: skip
    if said[0] != "True":
        raise Stop(f"{executable} is not CPython {SHORT}, for which the wheels are locked")
    binary, library = Path(said[1]), Path(said[2])
    (folder / "bin").mkdir(parents=True)
    place = folder / "lib" / f"python{SHORT}"
    for path in sorted(library.rglob("*")):
        name = path.relative_to(library).as_posix()
        if not path.is_file() or "__pycache__" in path.parts or pruning.dropped(name, pruning.STANDARD_LIBRARY):
            continue
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / name)
    python = folder / "bin" / f"python{SHORT}"
    shutil.copyfile(binary, python)
    # RPATH, not RUNPATH: it holds also for what the interpreter loads later, and for no other program.
    _run("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", python)
    for source, name in sorted(_libraries([binary, *place.rglob("*.so")]).items()):
        shutil.copyfile(source, folder / "lib" / name)
    (folder / "bin" / f"python{SHORT}._pth").write_text(
        f"../lib/python{SHORT}\n../lib/python{SHORT}/lib-dynload\n../../site-packages\n../..\n", "utf-8"
    )


def _libraries(files: Sequence[Path]) -> dict[Path, str]:
    """Shared libraries that `files` load on this machine, beyond the C library: file -> the name it is asked for by."""
    found: dict[Path, str] = {}
    for file in files:
        for line in _run("ldd", file).splitlines():
            if "not found" in line:
                raise Stop(f"{file.name}: {line.strip()}")
            asked = re.match(r"\s*(\S+) => (/\S+)", line)
            if asked and not asked[1].startswith(OF_SYSTEM):
                found[Path(asked[2])] = asked[1]
    return found


def strip_debug(folder: Path) -> None:
    """Debugging sections out: sqlcipher3's wheel is three quarters of them."""
    for path, need in compiled(folder).items():
        if need.debug:
            _run("strip", "--strip-debug", "--enable-deterministic-archives", folder / path)


def compile_all(folder: Path, rooms: Sequence[tuple[str, bool]]) -> None:
    """Every module below the rooms as unchecked `.pyc`. A room: (path, source stays); else `.pyc` takes its place."""
    for room, stays in rooms:
        # One process for each room, in order and with a fixed hash seed: what marshal writes depends on both.
        legacy = [] if stays else ["-b"]
        _run(
            sys.executable, "-I", "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", *legacy,
            "-s", folder, "-p", "dianzhi", folder / room, PYTHONHASHSEED="0",
        )  # fmt: skip
        for source in [] if stays else (folder / room).rglob("*.py"):
            if source.with_suffix(".pyc").exists():
                source.unlink()


def licences(target: Target, folder: Path, python_licence: Path | None, libraries: Sequence[Path] = ()) -> None:
    """`licences/`: a list of all parts with version and licence, and their texts."""
    place = folder / "licences"
    lines: list[str] = []
    for info in sorted((folder / "site-packages").glob("*.dist-info"), key=lambda path: path.name.lower()):
        said = HeaderParser().parsestr((info / "METADATA").read_text("utf-8"))
        name = said["Name"] or info.name
        classes = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier", []) if one.startswith("License :: ")]
        licence = said["License-Expression"] or (classes[0] if classes else said["License"] or "")
        lines.append(f"{name} {said['Version']}: {' '.join(licence.split())[:100]}")
        for path in sorted(info.rglob("*")):
            if path.is_file() and re.search(r"licen[cs]e|copying|notice|authors", path.name, re.IGNORECASE):
                put(place / name / path.name, path.read_bytes())
    if python_licence is not None and python_licence.exists():
        put(place / "Python" / python_licence.name, python_licence.read_bytes())
    for library in libraries:
        owner = _run("dpkg", "-S", f"*/{library.name}").partition(":")[0] if shutil.which("dpkg") else ""
        text = Path("/usr/share/doc") / owner / "copyright"
        if owner and text.exists():
            put(place / library.name / "copyright", text.read_bytes())
    for name in LESSER_GPL:
        text = DEBIAN_LICENCES / name
        if not text.exists():
            raise Stop(f"{text} is missing: the packages must carry the text of Qt's licence (Debian has it in base-files)")
        put(place / f"{name}.txt", text.read_bytes())
    head = [
        f"Dianzhi {VERSION}: Apache-2.0 (LICENSE)", f"CPython {SHORT}: PSF-2.0",
        "Qt and PySide6 are used under LGPL-3.0, as shared",
        "libraries of their own; they may be replaced by others of the same interface. Source: https://download.qt.io",
    ]  # fmt: skip
    put(place / "README.txt", "\n".join([*head, "", *lines, ""]).encode())


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def settle(folder: Path) -> None:
    """One time and plain permissions on everything: 755 for folders and what is started, 644 for the rest."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink():
            raise Stop(f"{path} is a link; a package holds none")
        started = path.is_dir() or path.parent.name == "bin" or path.name in ("dianzhi", "install.sh")
        path.chmod(0o755 if started and not path.name.endswith("._pth") else 0o644)
        os.utime(path, (TIME, TIME))
    os.utime(folder, (TIME, TIME))


def build(
    target: Target, folder: Path, wheels: Sequence[Path], *,
    python: Path | None = None, embeddable: Path | None = None, sha256: str = "", root: Path = ROOT,
) -> None:  # fmt: skip
    """Lay out `folder` for `target` from the product at `root`. It must not be there yet, nor is it after a failure."""
    if sys.version_info[:2] != PYTHON:
        raise Stop(f"run this with Python {SHORT}: it compiles what the packaged {SHORT} loads")
    if folder.exists():
        raise Stop(f"{folder} is there already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".payload-", dir=folder.parent) as temporary:
        place = Path(temporary) / "dianzhi"
        packages = place / "site-packages"
        packages.mkdir(parents=True)
        for name in product_files(root):
            put(place / name, (root / name).read_bytes())
        unpack_wheels(wheels, packages)
        rooms: list[tuple[str, bool]] = [("core", True), ("ui", True)]
        if target is WINDOWS:
            if embeddable is None:
                raise Stop("Windows needs --embeddable ZIP --sha256 HASH")
            windows_python(embeddable, sha256, place / "python")
            command = (HERE / "windows" / "dianzhi.cmd").read_text("utf-8")
            put(place / "dianzhi.cmd", command.replace("\n", "\r\n").encode())
            licences(target, place, place / "python" / "LICENSE.txt")
        else:
            linux_python(python or Path(sys.executable), place / "python")
            put(place / "dianzhi", (HERE / "linux" / "dianzhi.sh").read_bytes())
            strip_debug(packages)
            rooms.append((f"python/lib/python{SHORT}", False))
            own = [Path("/usr/share/doc") / f"python{SHORT}" / "copyright", Path(sys.base_prefix) / "LICENSE"]
            libraries = [path for path in (place / "python" / "lib").iterdir() if path.is_file()]
            licences(target, place, next((path for path in own if path.exists()), None), libraries)
        # fpdf2 is under the LGPL: its text stays, as the product's own does.
        for room in sorted(packages.iterdir()):
            if (room.is_dir() and room.suffix != ".dist-info") or room.suffix == ".py":
                rooms.append((f"site-packages/{room.name}", room.name == "fpdf"))
        compile_all(place, rooms)
        settle(place)
        place.rename(folder)


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Lay out what is installed")
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="cache of downloaded wheels")
    parser.add_argument("--python", type=Path, help=f"Linux: the CPython {SHORT} that is packed; else the one that runs this")
    parser.add_argument("--embeddable", type=Path, help=f"Windows: python-{SHORT}.x-embed-amd64.zip of python.org")
    parser.add_argument("--sha256", default="", help="its hash, as python.org states it")
    asked = parser.parse_args(arguments)
    target = TARGETS[asked.target]
    try:
        if target is LINUX and (lacking := [tool for tool in ("patchelf", "strip", "ldd") if not shutil.which(tool)]):
            raise Stop(f"missing: {', '.join(lacking)} (apt-get install patchelf binutils)")
        wheels = lock.fetch(target, asked.wheels / target.name)
        build(target, asked.folder, wheels, python=asked.python, embeddable=asked.embeddable, sha256=asked.sha256)
    except (Stop, OSError, zipfile.BadZipFile) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{asked.folder}: {size(asked.folder) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
