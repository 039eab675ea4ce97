"""Chance that is the same on every machine and with every version of numpy: only the raw bits of PCG64 are used.

numpy promises the stream of a bit generator, not what `Generator` makes of it; all else here is integer arithmetic.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from core.money import Ints


def mixed(*parts: object) -> int:
    """A fixed 48-bit number for a name: what stays the same whatever the seed."""
    return int(hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:12], 16)


class Draws:
    """One stream of chance. Streams of one seed with different names do not touch each other."""

    def __init__(self, seed: int, *name: object) -> None:
        self._bits = np.random.PCG64([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, mixed(*name)])

    def below(self, bound: int | Ints, size: int) -> Ints:
        """Whole numbers from 0 to bound - 1 (bound up to 2**31; one for all, or one each)."""
        high = (self._bits.random_raw(size) >> np.uint64(32)).astype(np.int64)
        return (high * np.asarray(bound, np.int64)) >> 32

    def between(self, low: int, high: int, size: int) -> Ints:
        """Whole numbers from low to high, both ends included."""
        return low + self.below(high - low + 1, size)

    def peaked(self, low: int, high: int, size: int) -> Ints:
        """The same, crowded in the middle."""
        return low + (self.below(high - low + 1, size) + self.below(high - low + 1, size)) // 2

    def weighted(self, weights: Ints, size: int) -> Ints:
        """Indices, each as often as its weight says."""
        edges = np.cumsum(weights)
        return np.searchsorted(edges, self.below(int(edges[-1]), size), side="right").astype(np.int64)

    def chance(self, permyriad: int, size: int) -> NDArray[np.bool_]:
        """True in so many of ten thousand."""
        return self.below(10_000, size) < permyriad

    def order(self, size: int) -> Ints:
        """A permutation."""
        return np.argsort(self._bits.random_raw(size), kind="stable").astype(np.int64)
