"""Groups found as one types, over every version of the catalogue at once: `core.lookup` over codes, definitions and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.catalogue.entries import Entries, Entry
from core.lookup import Fits, Lookup, Places

LIMIT = 300


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found, in its version. fit: as `core.lookup` has it, 0 best."""

    version: str
    entry: Entry
    fit: int


@dataclass(frozen=True, slots=True)
class Hits:
    """The best `limit` of `total` hits, best first; equal ones by code, then in the order of the versions."""

    rows: tuple[Hit, ...]
    total: int

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.rows)


class Index:
    """What can be found in some versions. Building takes a fraction of a second: in a job; `find` a few ms."""

    def __init__(self, versions: Sequence[Entries]) -> None:
        self.versions = tuple(entries.version for entries in versions)
        rows = [(one.dip_code, number, one) for number, entries in enumerate(versions) for one in entries.rows]
        rows.sort(key=lambda row: row[:2])
        self._entries = [entry for _, _, entry in rows]
        self._version = np.array([number for _, number, _ in rows], np.int32)
        self._lookup = Lookup(
            [((one.dip_code, one.diag_code, one.oprn_code, one.rel_oprn_code), one.dip_name) for one in self._entries]
        )

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, place: int) -> Entry:
        """The entry at a place of `places` over all versions."""
        return self._entries[place]

    def find(self, text: str, version: str = "", limit: int = LIMIT) -> Hits:
        """Entries that hold every word of `text` in code, definition, name or pinyin; of one version, or of all.

        Nothing typed finds everything, in the order of codes.
        """
        rows, fits = self._ranked(text, version)
        best = [
            Hit(self.versions[self._version[row]], self._entries[row], int(fits[row])) for row in rows[:limit].tolist()
        ]
        return Hits(tuple(best), len(rows))

    def places(self, text: str, version: str = "") -> Places:
        """The same without limit, as places: in the version's rows by dip_code; over all, by dip_code, then version."""
        rows, _ = self._ranked(text, version)
        if not version or version not in self.versions:
            return rows
        return (np.cumsum(self._version == self.versions.index(version)) - 1)[rows]

    def _ranked(self, text: str, version: str) -> tuple[Places, Fits]:
        if not version:
            return self._lookup.find(text)
        return self._lookup.find(text, self._version == (self.versions.index(version) if version in self.versions else -1))
