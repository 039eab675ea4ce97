"""Bytes and words that were sound a moment ago: the mutations that the fuzzers share."""

from __future__ import annotations

import io
import random
import zipfile

TOKENS = [
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b'"', b'""', b"'", b",", b"\t", b";", b"|", b"\n", b"\r\n", b"\r", b"\x1a",
    b"-", b"0", b"-0", b"1e999999999", b"9" * 40, b"-9223372036854775809", b"9223372036854775807", b"NaN", b"inf", b"1.005",
    b"0x10", b"1_000", "１２３".encode(), "合计".encode(), "万元".encode(), "年度".encode(), "\u202e\u200b\u0301".encode(), b"\xed\xa0\x80",
    "\U0010ffff".encode(), b"2024-02-30", b"0000-00-00", b"=1+1", b"=HYPERLINK(\"x\")", b"A" * 5000, b"\x81\x30\x81\x30", b"<", b"&a;", b"]]>",
]  # fmt: skip


def shaken(data: bytes, dice: random.Random, most: int = 8) -> bytes:
    """One to `most` changes: bits, bytes, pieces taken out, doubled, moved, cut off, or a word put in."""
    out = bytearray(data)
    for _ in range(dice.randint(1, most)):
        if not out:
            out += dice.choice(TOKENS)
        at = dice.randrange(len(out))
        length = min(dice.choice((1, 2, 7, 30, 200, 4096)), len(out) - at)
        match dice.randrange(9):
            case 0:
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                out[at] = dice.randrange(256)
            case 2:
                del out[at : at + length]
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                out[at : at + length] = bytes(dice.randrange(256) for _ in range(length))
            case 5:
                out[at:at] = dice.choice(TOKENS)
            case 6:
                token = dice.choice(TOKENS)
                out[at : at + len(token)] = token
            case 7:
                other = dice.randrange(len(out))
                out[at:at] = out[other : other + length]
            case _:
                if dice.random() < 0.2:
                    del out[at:]
                else:
                    out[at : at + length] = bytes(length)
    return bytes(out)


def shaken_within(data: bytes, dice: random.Random) -> bytes:
    """A zip whose members are shaken, so that the damage gets past its checksums; else its bytes."""
    if dice.random() < 0.3:
        return shaken(data, dice)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in dice.sample(sorted(members), dice.randint(1, min(2, len(members)))):
        members[name] = shaken(members[name], dice, 4)
    if dice.random() < 0.1:
        members.pop(dice.choice(sorted(members)))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()
