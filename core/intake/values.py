"""A column of values, in the form that costs least to make, send and store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.intake.cells import Ints, Mask


@dataclass(slots=True)
class Values:
    """numbers (with nulls where `empty`), or distinct texts with codes (-1 empty), or lines: texts each ended by a
    line feed, an empty one being no value.
    """

    numbers: Ints | None = None
    empty: Mask | None = None
    distinct: list[str] | None = None
    codes: Ints | None = None
    lines: bytes | None = None

    def packed(self) -> Values:
        """The same in fewer bytes, for the way to another process."""
        if self.numbers is not None:
            empty = None if self.empty is None or not self.empty.any() else self.empty
            return Values(numbers=_small(self.numbers), empty=empty)
        return self if self.codes is None else Values(distinct=self.distinct, codes=_small(self.codes))

    def constant(self) -> int | None:
        """The one number that all rows have, where that is so."""
        if self.numbers is None or len(self.numbers) == 0 or (self.empty is not None and self.empty.any()):
            return None
        first = int(self.numbers[0])
        return first if bool((self.numbers == first).all()) else None

    def kept(self, keep: Mask) -> Values:
        if self.numbers is not None:
            return Values(numbers=self.numbers[keep], empty=None if self.empty is None else self.empty[keep])
        if self.codes is not None:
            return Values(distinct=self.distinct, codes=self.codes[keep])
        texts = self.listed()
        return Values(
            lines="".join(
                [f"{text or ''}\n" for text, stay in zip(texts, keep.tolist(), strict=True) if stay]
            ).encode()
        )

    def listed(self) -> list[str | int | None]:
        """As the values SQLite takes."""
        if self.numbers is not None:
            if self.empty is None or not self.empty.any():
                return self.numbers.tolist()
            mixed = self.numbers.astype(object)
            mixed[self.empty] = None
            return mixed.tolist()
        if self.codes is not None:
            assert self.distinct is not None
            table = np.empty(len(self.distinct) + 1, dtype=object)
            table[:-1] = self.distinct
            table[-1] = None
            return table[self.codes].tolist()
        assert self.lines is not None
        texts: list[str | int | None] = self.lines.decode().split("\n")[:-1]  # type: ignore[assignment]
        if self.lines.startswith(b"\n") or b"\n\n" in self.lines:
            return [text or None for text in texts]
        return texts


def constant(text: str, rows: int) -> Values:
    return Values(distinct=[text], codes=np.zeros(rows, dtype=np.int64))


def whole(number: int, rows: int) -> Values:
    return Values(numbers=np.full(rows, number, dtype=np.int64))


def filled(values: Values, where: Mask, text: str) -> Values:
    if values.codes is not None and values.distinct is not None:
        return Values(
            distinct=[*values.distinct, text], codes=np.where(where, len(values.distinct), values.codes)
        )
    listed = values.listed()
    return of_list([text if hole else value for value, hole in zip(listed, where.tolist(), strict=True)])


def of_list(values: Sequence[str | int | None]) -> Values:
    if values and all(isinstance(value, int) for value in values):
        return Values(numbers=np.array(values, dtype=np.int64))
    order = {value: k for k, value in enumerate(dict.fromkeys(values)) if value is not None}
    distinct = list(order)
    place = {value: k for k, value in enumerate(distinct)}
    codes = np.array([-1 if value is None else place[value] for value in values], dtype=np.int64)
    return Values(distinct=[str(value) for value in distinct], codes=codes)


def _small(numbers: Ints) -> Ints:
    if len(numbers) == 0:
        return numbers
    low, high = int(numbers.min()), int(numbers.max())
    for form in (np.int8, np.int16, np.int32):
        limits = np.iinfo(form)
        if limits.min <= low and high <= limits.max:
            return numbers.astype(form)  # pyright: ignore[reportReturnType]
    return numbers
