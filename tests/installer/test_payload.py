"""The folder that is installed: what stays, what is refused, and that it comes out the same twice."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import payload
import pruning
import pytest
from compiled_files import pe
from targets import PYTHON, WINDOWS, Stop

Wheel = Callable[[str, dict[str, bytes]], Path]
compiles = pytest.mark.skipif(sys.version_info[:2] != PYTHON, reason="compiles for the packaged Python alone")
EMBEDDABLE = ("python.exe", "pythonw.exe", "python311.dll", "python311.zip", "python311._pth", "LICENSE.txt")


@pytest.fixture
def embeddable(tmp_path: Path) -> Path:
    path = tmp_path / "embeddable.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in EMBEDDABLE:
            archive.writestr(name, b"stand-in")
    return path


@pytest.fixture
def product(tmp_path: Path) -> Path:
    root = tmp_path / "product"
    for name in ("core/__init__.py", "ui/__init__.py", "main.py", "LICENSE", "resources/x.toml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("'''text'''\n", "utf-8")
    return root


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def content(folder: Path) -> dict[str, tuple[bytes, int, float]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime)
        for path in folder.rglob("*") if path.is_file()
    }


@compiles
def test_windows_folder_from_small_wheels(tmp_path: Path, wheel: Wheel, embeddable: Path, product: Path) -> None:
    small = wheel("small", {"small/__init__.py": b"x = {'a', 'b'}\n", "small/tests/test_x.py": b"", "small/__init__.pyi": b""})
    for name in ("one", "two"):
        payload.build(WINDOWS, tmp_path / name, [small], embeddable=embeddable, sha256=sha256(embeddable), root=product)
    one = content(tmp_path / "one")
    assert one == content(tmp_path / "two"), "the same inputs give the same bytes, permissions and times"
    assert "site-packages/small/__init__.pyc" in one
    assert not [name for name in one if "test" in name or name.endswith(".pyi") or name == "site-packages/small/__init__.py"]
    assert {"core/__init__.py", "core/__pycache__/__init__.cpython-311.pyc", "main.py", "resources/x.toml"} <= set(one)
    assert one["python/python311._pth"][0].split() == [b"python311.zip", b".", b"..\\site-packages", b".."]
    assert one["python/python311.dll"][0] == b"stand-in"
    assert b"\r\n" in one["dianzhi.cmd"][0]
    assert b"small 1.0: MIT" in one["licences/README.txt"][0]
    assert {"licences/LGPL-3.txt", "licences/Python/LICENSE.txt"} <= set(one)
    # Flags of PEP 552: 1 is a hash that is not checked, so no time of a file matters.
    assert one["site-packages/small/__init__.pyc"][0][:8] == importlib.util.MAGIC_NUMBER + b"\x01\0\0\0"


def test_another_archive_than_was_meant_is_refused(tmp_path: Path, embeddable: Path) -> None:
    with pytest.raises(Stop, match="SHA-256"):
        payload.windows_python(embeddable, "0" * 64, tmp_path / "python")
    assert not (tmp_path / "python").exists()


@pytest.mark.parametrize("lacking", ["pythonw.exe", "python311.zip"])
def test_an_archive_of_another_kind_is_refused(tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in set(EMBEDDABLE) - {lacking}:
            archive.writestr(name, b"")
    with pytest.raises(Stop, match=lacking):
        payload.windows_python(path, sha256(path), tmp_path / "python")


def test_an_archive_that_leads_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*EMBEDDABLE, "../evil.dll"):
            archive.writestr(name, b"")
    with pytest.raises(Stop, match="no folders"):
        payload.windows_python(path, sha256(path), tmp_path / "python")


def test_a_wheel_that_leads_out_is_refused(tmp_path: Path, wheel: Wheel) -> None:
    with pytest.raises(Stop, match="out of the folder"):
        payload.unpack_wheels([wheel("evil", {"../../evil.py": b""})], tmp_path / "deep" / "site-packages")
    assert not (tmp_path / "evil.py").exists()


@compiles
def test_nothing_is_left_of_a_folder_that_failed(tmp_path: Path, wheel: Wheel, embeddable: Path, product: Path) -> None:
    with pytest.raises(Stop):
        payload.build(WINDOWS, tmp_path / "out" / "x", [wheel("small", {})], embeddable=embeddable, sha256="0" * 64, root=product)
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "x").mkdir()
    with pytest.raises(Stop, match="there already"):
        payload.build(WINDOWS, tmp_path / "x", [], embeddable=embeddable, sha256=sha256(embeddable), root=product)


def test_of_qt_only_what_is_asked_for_stays(tmp_path: Path, wheel: Wheel) -> None:
    qt = wheel("qt", {
        "PySide6/QtWidgets.pyd": pe(["Qt6Widgets.dll", "pyside6.abi3.dll"], []), "PySide6/QtQml.pyd": pe(["Qt6Qml.dll"], []),
        "PySide6/Qt6Widgets.dll": pe(["qt6core.dll", "MSVCP140.dll"], []), "PySide6/Qt6Core.dll": pe(["KERNEL32.dll"], []),
        "PySide6/Qt6Qml.dll": pe(["Qt6Core.dll"], []), "PySide6/pyside6.abi3.dll": pe([], []), "PySide6/msvcp140.dll": pe([], []),
        "PySide6/opengl32sw.dll": pe([], []), "PySide6/designer.exe": pe([], []), "PySide6/qml/QtQuick/x.dll": pe([], []),
        "PySide6/plugins/platforms/qwindows.dll": pe(["Qt6Gui.dll"], []), "PySide6/Qt6Gui.dll": pe([], []),
        "PySide6/plugins/sqldrivers/qsqlite.dll": pe(["Qt6Sql.dll"], []), "PySide6/Qt6Sql.dll": pe([], []),
        "PySide6/translations/qtbase_zh_CN.qm": b"", "PySide6/translations/qtbase_de.qm": b"", "PySide6/__init__.py": b"",
    })  # fmt: skip
    payload.unpack_wheels([qt], tmp_path / "packages")
    assert {path.name for path in (tmp_path / "packages" / "PySide6").rglob("*") if path.is_file()} == {
        "QtWidgets.pyd", "Qt6Widgets.dll", "Qt6Core.dll", "pyside6.abi3.dll", "msvcp140.dll", "qwindows.dll", "Qt6Gui.dll",
        "qtbase_zh_CN.qm", "__init__.py",
    }  # fmt: skip


def test_the_modules_that_the_window_imports_stay() -> None:
    """Against the imports of ui/ and main.py themselves."""
    import re

    root = Path(__file__).resolve().parents[2]
    asked: set[str] = set()
    for path in [*(root / "ui").rglob("*.py"), root / "main.py"]:
        asked |= set(re.findall(r"(?:from|import) PySide6\.(\w+)", path.read_text("utf-8")))
    assert asked <= pruning.QT_MODULES
    assert {"QtCore", "QtGui", "QtWidgets"} <= asked
