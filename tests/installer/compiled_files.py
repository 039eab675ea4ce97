"""Compiled files made by hand: the smallest ELF and PE that ask for libraries."""

from __future__ import annotations

import struct


def pe(imports: list[str], delayed: list[str]) -> bytes:
    """A 64-bit image with one section at address 0x1000 that holds both tables and the names."""
    names_at = 20 * (len(imports) + 1) + 32 * (len(delayed) + 1)
    names, at = b"", []
    for name in imports + delayed:
        at.append(0x1000 + names_at + len(names))
        names += name.encode() + b"\0"
    tables = b"".join(struct.pack("<IIIII", 0, 0, 0, one, 0) for one in at[: len(imports)]) + bytes(20)
    tables += b"".join(struct.pack("<II24x", 1, one) for one in at[len(imports) :]) + bytes(32)
    section = tables + names
    directories = [(0, 0)] * 16
    directories[1] = (0x1000, 20 * (len(imports) + 1))
    directories[13] = (0x1000 + 20 * (len(imports) + 1), 1)
    optional = struct.pack("<H106xI", 0x20B, 16) + b"".join(struct.pack("<II", *one) for one in directories)
    raw = 64 + 24 + len(optional) + 40
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0)
    return head + coff + optional + struct.pack("<8sIIII16x", b".rdata", len(section), 0x1000, len(section), raw) + section


def elf(libraries: list[str], glibc: str, *, debug: bool = False) -> bytes:
    """A 64-bit object with a dynamic section, a table of versions and, where asked, a section of debugging."""
    strings = b"\0"
    places = {}
    for name in [*libraries, "libc.so.6", f"GLIBC_{glibc}", "GLIBC_PRIVATE", ".debug_info"]:
        places[name] = len(strings)
        strings += name.encode() + b"\0"
    dynamic = b"".join(struct.pack("<QQ", 1, places[name]) for name in libraries) + struct.pack("<QQ", 0, 0)
    versions = struct.pack("<HHIII", 1, 2, places["libc.so.6"], 16, 0)
    versions += struct.pack("<IHHII", 0, 0, 2, places[f"GLIBC_{glibc}"], 16)
    versions += struct.pack("<IHHII", 0, 0, 3, places["GLIBC_PRIVATE"], 0)
    at = 64
    bodies = [(3, strings, 0, 0, 0), (6, dynamic, 1, 0, 16), (0x6FFFFFFE, versions, 1, 1, 0)]
    if debug:
        bodies.append((1, b"x", 0, 0, 0))
    sections, body = [bytes(64)], b""
    for kind, content, link, info, entry in bodies:
        name = places[".debug_info"] if content == b"x" else 0
        sections.append(struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, at + len(body), len(content), link, info, 1, entry))
        body += content
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, at + len(body), 0, 64, 0, 0, 64, len(sections), 1)
    return head + body + b"".join(sections)
