"""From a passphrase to the key of a protected workspace.

The file is SQLCipher 4's own (AES-256, HMAC-SHA512, PBKDF2-HMAC-SHA512 with 256,000 rounds, pages of 8192 bytes), so
that any tool that knows SQLCipher opens it with the passphrase. The rounds are run once for an opening; every further
connection takes the key itself. A key lives in memory alone: it has no picture in texts, and cannot be sent elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from pathlib import Path
from typing import NoReturn

from core.faults import Refused, WorldFault
from core.storage import engine
from core.storage.recognised import beside, head

ROUNDS = 256_000
SALT = 16  # bytes, the first of the file
_TAG = 64  # bytes of a page's HMAC, its last
LEAST = 8  # what a passphrase has to count
GOOD = 14  # what makes one good, see `weight`


class Key:
    """The key of one file: made from its passphrase and its salt."""

    __slots__ = ("_raw", "_salt")

    def __init__(self, passphrase: str, salt: bytes) -> None:
        try:
            said = unicodedata.normalize("NFC", passphrase).encode()
        except UnicodeEncodeError:  # of an environment whose bytes are not UTF-8
            raise WorldFault("passphrase_bytes") from None
        self._raw = hashlib.pbkdf2_hmac("sha512", said, salt, ROUNDS, 32)
        self._salt = salt

    @classmethod
    def new(cls, passphrase: str, path: Path) -> Key:
        """For a file that is made. Refused: passphrase_short, passphrase_signs. WorldFault: no_cipher, passphrase_bytes."""
        if not engine.CIPHER:
            raise WorldFault("no_cipher", path=path)
        if weight(passphrase) < LEAST:
            raise Refused("passphrase_short", least=LEAST)
        if any(unicodedata.category(sign) == "Cc" for sign in passphrase):  # no keyboard gives it again
            raise Refused("passphrase_signs")
        return cls(passphrase, secrets.token_bytes(SALT))

    @property
    def digits(self) -> str:
        """As the engine takes it."""
        return (self._raw + self._salt).hex()

    def made_from(self, passphrase: str) -> bool:
        return hmac.compare_digest(Key(passphrase, self._salt)._raw, self._raw)

    def opens(self, page: bytes) -> bool:
        """Whether the file's first page was written with this key."""
        signing = hashlib.pbkdf2_hmac("sha512", self._raw, bytes(byte ^ 0x3A for byte in self._salt), 2, 32)
        said = hmac.new(signing, page[SALT:-_TAG] + (1).to_bytes(4, "little"), "sha512").digest()
        return hmac.compare_digest(said, page[-_TAG:])

    def __repr__(self) -> str:
        return "Key()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key stays in its process")


def weight(passphrase: str) -> int:
    """How many characters a passphrase counts: one that repeats itself little, a Chinese one twice."""
    said = unicodedata.normalize("NFC", passphrase)
    counted = sum(2 if ord(one) > 0x2E7F else 1 for one in said)
    return min(counted, 2 * len(set(said)))


def given(path: Path, passphrase: str | Key | None) -> Key:
    """The key of this protected file. WorldFault: locked_by_passphrase, wrong_passphrase, no_cipher, cannot_open."""
    if not engine.CIPHER:
        raise WorldFault("no_cipher", path=path)
    if passphrase is None:
        raise WorldFault("locked_by_passphrase", path=path)
    if isinstance(passphrase, Key):
        return passphrase
    try:
        page, _ = head(path, engine.PAGE)
    except OSError as error:
        raise WorldFault("cannot_open", path=path, reason=error.strerror or str(error)) from None
    key = Key(passphrase, page[:SALT])
    # With pages still in the -wal the first one may lie there whole; then SQLite itself finds out.
    if not key.opens(page) and not beside(path, "-wal"):
        raise WorldFault("wrong_passphrase", path=path)
    return key
