"""What a compiled file asks for: the libraries named in an ELF or PE file, read with the standard library alone."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import NamedTuple


class Needs(NamedTuple):
    """`libraries`: names of the shared libraries that the file is linked against. `glibc`: newest version it asks of it (ELF)."""

    libraries: tuple[str, ...]
    glibc: tuple[int, ...] = ()
    debug: bool = False  # carries debugging sections


def needs(path: Path) -> Needs | None:
    """None for a file that is neither ELF nor PE; ValueError for one that breaks off or points outside itself."""
    with path.open("rb") as file:
        start = file.read(4)
    try:
        if start == b"\x7fELF":
            return _elf(path.read_bytes())
        if start[:2] == b"MZ":
            return _pe(path.read_bytes())
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: damaged ({error})") from error
    return None


def _text(data: bytes, at: int) -> str:
    end = data.index(b"\0", at) if 0 <= at < len(data) else -1
    if end < 0:
        raise IndexError("a name outside the file")
    return data[at:end].decode("ascii")


def _elf(data: bytes) -> Needs:
    """64 bit, little endian: the only ELF that is built for."""
    if data[4:6] != b"\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    sections_at = struct.unpack_from("<Q", data, 0x28)[0]
    size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, sections_at + size * i) for i in range(count)]
    names_at = sections[names_index][4] if count else 0
    debug = any(_text(data, names_at + one[0]).startswith((".debug_info", ".zdebug_info")) for one in sections)
    libraries: list[str] = []
    glibc: tuple[int, ...] = ()
    for _, kind, _, _, at, length, link, info, _, entry in sections:
        if kind == 6:  # SHT_DYNAMIC
            strings = sections[link][4]
            for i in range(length // entry):
                tag, value = struct.unpack_from("<QQ", data, at + i * entry)
                if tag == 1:  # DT_NEEDED
                    libraries.append(_text(data, strings + value))
        elif kind == 0x6FFFFFFE:  # SHT_GNU_verneed
            strings, one = sections[link][4], at
            for _ in range(info):
                _, versions, _, first, following = struct.unpack_from("<HHIII", data, one)
                two = one + first
                for _ in range(versions):
                    _, _, _, name, after = struct.unpack_from("<IHHII", data, two)
                    if asked := re.fullmatch(r"GLIBC_(\d+(?:\.\d+)+)", _text(data, strings + name)):
                        glibc = max(glibc, tuple(map(int, asked[1].split("."))))
                    two += after
                one += following
    return Needs(tuple(libraries), glibc, debug)


def _pe(data: bytes) -> Needs:
    """The import and the delay-import table of a 32 or 64-bit image."""
    header = struct.unpack_from("<I", data, 0x3C)[0]
    if data[header : header + 4] != b"PE\0\0":
        return Needs(())  # a program for DOS
    count, optional_size = struct.unpack_from("<H12xH", data, header + 6)
    optional = header + 24
    wide = struct.unpack_from("<H", data, optional)[0] == 0x20B
    directories = optional + (112 if wide else 96)
    held = struct.unpack_from("<I", data, directories - 4)[0]
    sections = [struct.unpack_from("<IIII", data, optional + optional_size + 40 * i + 8) for i in range(count)]

    def offset(address: int) -> int:
        for virtual_size, virtual, raw_size, raw in sections:
            if virtual <= address < virtual + max(virtual_size, raw_size):
                return address - virtual + raw
        raise IndexError(f"address {address:#x} lies in no section")

    libraries: list[str] = []
    for index, size, name_at in ((1, 20, 12), (13, 32, 4)):
        address = struct.unpack_from("<I", data, directories + 8 * index)[0] if index < held else 0
        if not address:
            continue
        entry = offset(address)
        while name := struct.unpack_from("<I", data, entry + name_at)[0]:
            libraries.append(_text(data, offset(name)))
            entry += size
    return Needs(tuple(libraries))


# What Windows 10 and later brings itself; the universal C runtime under its api-ms names.
_SYSTEM = """
    advapi32 authz bcrypt bcryptprimitives cabinet cfgmgr32 comctl32 comdlg32 crypt32 cryptbase d2d1 d3d11 d3d12 d3d9 dbghelp
    dcomp dnsapi dwmapi dwrite dxgi dxva2 gdi32 imm32 iphlpapi kernel32 kernelbase mpr msi msvcrt ncrypt netapi32 normaliz ntdll
    ole32 oleaut32 opengl32 powrprof propsys psapi rpcrt4 secur32 setupapi shcore shell32 shlwapi ucrtbase user32 userenv uxtheme
    version winhttp winmm wldap32 ws2_32 wsock32 wtsapi32 icu icuin icuuc uiautomationcore
"""
WINDOWS_OWN = {f"{name}.dll" for name in _SYSTEM.split()} | {"winspool.drv"}


def is_windows_own(library: str) -> bool:
    name = library.lower()
    return name in WINDOWS_OWN or name.startswith(("api-ms-win-", "ext-ms-win-"))
