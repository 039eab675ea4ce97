"""What compiled files ask for: made by hand, real ones, cut off and garbled ones."""

from __future__ import annotations

import sys
from pathlib import Path

import binaries
import pytest
from compiled_files import elf, pe
from hypothesis import given
from hypothesis import strategies as st


def asked(folder: Path, content: bytes) -> binaries.Needs | None:
    path = folder / "file"
    path.write_bytes(content)
    return binaries.needs(path)


def test_imports_of_a_windows_library(tmp_path: Path) -> None:
    found = asked(tmp_path, pe(["KERNEL32.dll", "Qt6Core.dll"], ["dwmapi.dll"]))
    assert found == binaries.Needs(("KERNEL32.dll", "Qt6Core.dll", "dwmapi.dll"))


def test_needs_of_a_linux_library(tmp_path: Path) -> None:
    found = asked(tmp_path, elf(["libEGL.so.1", "libz.so.1"], "2.34", debug=True))
    assert found == binaries.Needs(("libEGL.so.1", "libz.so.1"), (2, 34), True)
    plain = asked(tmp_path, elf([], "2.4"))
    assert plain == binaries.Needs((), (2, 4), False)


def test_other_files_ask_for_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, b"") is None
    assert asked(tmp_path, b"#!/bin/sh\n") is None


def test_the_launcher_that_pip_carries_for_windows() -> None:
    import pip._vendor.distlib as distlib

    found = binaries.needs(Path(distlib.__file__).parent / "t64.exe")
    assert found is not None
    assert "kernel32.dll" in [name.lower() for name in found.libraries]
    assert all(binaries.is_windows_own(name) for name in found.libraries)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the loader of Linux")
def test_a_real_library_against_the_loader() -> None:
    import subprocess

    import PySide6.QtCore

    path = Path(PySide6.QtCore.__file__)
    found = binaries.needs(path)
    assert found is not None
    loaded = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=True).stdout
    assert {"libQt6Core.so.6", "libc.so.6"} <= set(found.libraries)
    assert all(name in loaded for name in found.libraries)
    assert (2, 17) <= found.glibc < (3,)


def test_what_windows_brings() -> None:
    assert binaries.is_windows_own("KERNEL32.dll")
    assert binaries.is_windows_own("api-ms-win-crt-runtime-l1-1-0.dll")
    assert not binaries.is_windows_own("msvcp140.dll")
    assert not binaries.is_windows_own("Qt6Core.dll")


@given(st.sampled_from([pe(["a.dll"], ["b.dll"]), elf(["liba.so"], "2.17")]), st.data())
def test_damaged_files_are_refused_or_read(whole: bytes, data: st.DataObject) -> None:
    import tempfile

    cut = data.draw(st.integers(0, len(whole)))
    at = data.draw(st.integers(4, len(whole) - 1))
    garbled = bytearray(whole[:cut] if data.draw(st.booleans()) else whole)
    if at < len(garbled):
        garbled[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        try:
            asked(Path(folder), bytes(garbled))
        except ValueError as error:
            assert str(error)
