"""The packages of a small payload: their form, their sameness, what they depend on, and the installer for one user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import archive
import deb
import pruning
import pytest
import windows
from compiled_files import elf, pe
from targets import HERE, TIME, Stop

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="packages of Linux")


@linux
def test_the_archive_runs_where_it_is_unpacked(linux_payload: Path, tmp_path: Path) -> None:
    path = archive.build(linux_payload, tmp_path / "out", 0)
    again = archive.build(linux_payload, tmp_path / "again", 0)
    assert path.read_bytes() == again.read_bytes()
    with tarfile.open(path) as tar:
        entries = tar.getmembers()
        assert {(one.uid, one.gid, one.mtime) for one in entries} == {(0, 0, TIME)}
        names = [one.name for one in entries]
        assert names[0] == "dianzhi"
        assert {one.split("/")[0] for one in names} == {"dianzhi"}
        modes = {one.name: one.mode for one in entries}
        tar.extractall(tmp_path / "这 里", filter="data")
    assert (modes["dianzhi/dianzhi"], modes["dianzhi/install.sh"], modes["dianzhi/main.py"]) == (0o755, 0o755, 0o644)
    said = subprocess.run([tmp_path / "这 里/dianzhi/dianzhi", "a b"], capture_output=True, text=True, check=True)
    assert said.stdout == "started a b\n"


@linux
def test_the_package_is_one_that_dpkg_reads(linux_payload: Path, tmp_path: Path) -> None:
    (linux_payload / "core/x.so").write_bytes(elf(["libEGL.so.1", "libown.so.1", "libcups.so.2", "libc.so.6"], "2.34"))
    (linux_payload / "core/libown.so.1").write_bytes(elf(["libglib-2.0.so.0"], "2.28"))
    path = deb.build(linux_payload, tmp_path / "out", 0)
    assert path.read_bytes() == deb.build(linux_payload, tmp_path / "again", 0).read_bytes()
    depends, recommends = deb.dependencies(linux_payload)
    assert depends == ["libc6 (>= 2.34)", "libegl1", "libglib2.0-0 | libglib2.0-0t64"]
    assert "libcups2 | libcups2t64" in recommends
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb to read it with")
    said = subprocess.run(["dpkg-deb", "--field", path], capture_output=True, text=True, check=True).stdout
    assert f"Depends: {', '.join(depends)}\n" in said
    listed = subprocess.run(["dpkg-deb", "--contents", path], capture_output=True, text=True, check=True).stdout
    assert "./opt/dianzhi/core/x.so" in listed
    assert "./usr/share/applications/dianzhi.desktop" in listed
    subprocess.run(["dpkg-deb", "--extract", path, tmp_path / "root"], check=True)
    sums = subprocess.run(["dpkg-deb", "--ctrl-tarfile", path], capture_output=True, check=True).stdout
    (tmp_path / "control.tar").write_bytes(sums)
    subprocess.run(["tar", "-xf", tmp_path / "control.tar", "-C", tmp_path / "root"], check=True)
    subprocess.run(["md5sum", "--quiet", "--check", "md5sums"], cwd=tmp_path / "root", check=True)


def test_a_library_of_no_known_package_stops_the_package(linux_payload: Path) -> None:
    (linux_payload / "core/x.so").write_bytes(elf(["libstrange.so.9"], "2.34"))
    with pytest.raises(Stop, match=r"libstrange\.so\.9"):
        deb.dependencies(linux_payload)


@linux
def test_installed_for_one_user_over_an_older_version_and_away(linux_payload: Path, tmp_path: Path) -> None:
    home = tmp_path / "家 & 100% home"
    data = home / ".local/share/dianzhi/settings.json"
    workspace = home / "文档/本市.dianzhi"
    for path in (data, workspace):
        path.parent.mkdir(parents=True)
        path.write_text("mine", "utf-8")
    tar = archive.build(linux_payload, tmp_path / "out", 0)
    with tarfile.open(tar) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    environment = {"HOME": str(home), "PATH": os.defpath}

    def run(*command: str | Path) -> str:
        return subprocess.run([*command], env=environment, capture_output=True, text=True, check=True).stdout

    installer = tmp_path / "unpacked/dianzhi/install.sh"
    run(installer)
    place = home / ".local/opt/dianzhi"
    (place / "core/old.py").write_text("of an older version", "utf-8")
    (place / "core/__pycache__").mkdir()
    (place / "core/__pycache__/old.cpython-311.pyc").write_bytes(b"made of it")
    with (place / "files.txt").open("a", encoding="utf-8") as listed:
        listed.write("core/old.py\n")
    # Workspaces that somebody keeps in the program's folder, here and where it was unpacked.
    beside = [place / "审 计.dianzhi", place / "core/县.dianzhi.backups/1.dianzhi", place / "mine/a'b.dianzhi"]
    for path in (*beside, installer.with_name("unpacked.dianzhi")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine", "utf-8")
    run(installer)
    assert not (place / "core/old.py").exists() and not (place / "core/__pycache__").exists()
    assert [path.read_text("utf-8") for path in beside] == ["mine"] * 3
    assert not place.with_name("dianzhi.old").exists() and not (place / "unpacked.dianzhi").exists()
    # Killed after the old version was put aside: nothing of it is lost.
    place.rename(place.with_name("dianzhi.old"))
    run(installer)
    assert [path.read_text("utf-8") for path in beside] == ["mine"] * 3
    assert run(home / ".local/bin/dianzhi", "x") == "started x\n"
    entry = (home / ".local/share/applications/dianzhi.desktop").read_text("utf-8")
    assert f'Exec="{str(place).replace("%", "%%")}/dianzhi" %f\n' in entry
    assert str(place) in run(place / "install.sh", "remove")
    assert sorted(path for path in place.rglob("*") if path.is_file()) == sorted(beside)
    for path in beside:
        path.unlink()
    run(installer)
    run(place / "install.sh", "remove")
    assert not place.exists()
    # Where the desktop's tools are there, their index of kinds of files is theirs.
    left = [path for path in home.rglob("*") if path.is_file() and path.name != "mimeinfo.cache" and ".local/share/mime" not in str(path)]
    assert sorted(path.name for path in left) == ["settings.json", "本市.dianzhi"]
    assert {data.read_text("utf-8"), workspace.read_text("utf-8")} == {"mine"}


@pytest.fixture
def windows_payload(tmp_path: Path) -> Path:
    folder = tmp_path / "windows"
    for name, content in {
        "dianzhi.cmd": b"", "LICENSE": b"licence", "main.py": b"", "python/python311.dll": b"", "core/$x.py": b"",
        "site-packages/a/b.pyd": pe(["python311.dll", "VCRUNTIME140.dll", "c.dll", "KERNEL32.dll"], []),
        "site-packages/a/C.dll": pe([], ["api-ms-win-crt-heap-l1-1-0.dll"]),
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_what_windows_removes_is_what_was_installed(windows_payload: Path) -> None:
    lines = windows.removal(windows_payload).splitlines()
    files = [line for line in lines if line.startswith("Delete")]
    folders = [line for line in lines if line.startswith("RMDir")]
    assert len(files) == 7
    assert 'Delete "$INSTDIR\\core\\$$x.py"' in files
    assert folders.index('RMDir "$INSTDIR\\site-packages\\a"') < folders.index('RMDir "$INSTDIR\\site-packages"')
    # A whole folder is never removed, here or in the script: somebody's workspace may lie in it.
    script = (HERE / "windows" / "dianzhi.nsi").read_text("utf-8")
    assert not re.search(r"RMDir\s+/r|Delete.*\*", script + "\n".join(lines), re.IGNORECASE)


def test_an_import_that_nothing_brings_stops_the_installer(windows_payload: Path, tmp_path: Path) -> None:
    assert windows.lacking(windows_payload) == {}
    (windows_payload / "site-packages/a/C.dll").unlink()
    assert windows.lacking(windows_payload) == {"site-packages/a/b.pyd": ["c.dll"]}
    with pytest.raises(Stop, match=r"b\.pyd asks for c\.dll"):
        windows.build(windows_payload, tmp_path / "out")


def test_a_library_that_another_package_brings_is_not_found(windows_payload: Path) -> None:
    """Windows looks beside the file and where its own package says: what pandas brings is not there for numpy, whatever its name."""
    place = windows_payload / "site-packages"
    for name in ("numpy/core.pyd", "pandas/lib.pyd", "PIL/image.pyd"):
        (place / name).parent.mkdir()
        (place / name).write_bytes(pe(["msvcp140-1f.dll"], []))
    for name in ("numpy.libs", "pandas.libs", "pillow.libs"):
        (place / name).mkdir()
        (place / name / "MSVCP140-1f.dll").write_bytes(pe([], []))
    assert windows.lacking(windows_payload) == {}
    (place / "numpy.libs/MSVCP140-1f.dll").unlink()
    assert windows.lacking(windows_payload) == {"site-packages/numpy/core.pyd": ["msvcp140-1f.dll"]}


def test_each_package_keeps_its_own_of_two_libraries_of_one_name() -> None:
    linked = {
        "numpy/core.pyd": ("m.dll",), "pandas/lib.pyd": ("m.dll",), "PySide6/QtCore.pyd": ("Qt6Core.dll", "shiboken6.dll"),
        "numpy.libs/m.dll": (), "pandas.libs/m.dll": ("n.dll",), "pandas.libs/n.dll": (), "numpy.libs/n.dll": (),
        "PySide6/Qt6Core.dll": (), "shiboken6/shiboken6.dll": (), "PySide6/Qt6Qml.dll": (),
    }  # fmt: skip
    candidates = {path for path in linked if path.endswith(".dll")}
    assert candidates - pruning.reached(linked, candidates) == {"numpy.libs/n.dll", "PySide6/Qt6Qml.dll"}


@pytest.mark.skipif(shutil.which("makensis") is None, reason="no makensis")
def test_the_windows_installer_compiles(windows_payload: Path, tmp_path: Path) -> None:
    path = windows.build(windows_payload, tmp_path / "out")
    assert path.read_bytes()[:2] == b"MZ"
    assert path.read_bytes() == windows.build(windows_payload, tmp_path / "again").read_bytes()
    assert b"requestedExecutionLevel level=\"asInvoker\"" in path.read_bytes()
