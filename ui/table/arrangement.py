"""Which rows of a table show, and in which order: what is wanted of them, and how it is worked out.

Small worksheets are arranged on the spot, large ones in a job. Masks and the order of all rows are kept as long as the
worksheet stays, so that one more filter costs one more mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.money import decimal, plain
from core.progress import SILENT, Progress
from core.worksheet import Column, Worksheet
from ui.table.condition import Condition
from ui.table.model import EMPTY
from ui.table.rows import Distinct, Filter, distinct_of, is_number, mask_of, ordered, total_of

if TYPE_CHECKING:
    from ui.desk import Desk

AT_ONCE = 30_000  # rows that are sorted, filtered and searched on the spot; more go to a job

Order = tuple[str, bool]  # column id, descending


@dataclass(frozen=True, slots=True)
class Wanted:
    """only: the rows that may show at all, in their order where no column is sorted; None: all."""

    filters: dict[str, Filter] = field(default_factory=dict)
    condition: Condition | None = None
    order: Order | None = None
    only: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What holds for the worksheet whatever is wanted next: masks by what made them, all rows in an order."""

    masks: dict[object, np.ndarray] = field(default_factory=dict)
    ordered: tuple[Order, np.ndarray] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What shows of a worksheet. rows: None where all show as they stand."""

    rows: np.ndarray | None
    totals: dict[str, object]


def arranged(sheet: Worksheet, wanted: Wanted, known: Known, progress: Progress) -> tuple[View, Known]:
    columns = {column.id: column for column in sheet.columns}
    masks: dict[object, np.ndarray] = {}
    for name, one in wanted.filters.items():
        key = (name, one)
        masks[key] = known.masks[key] if key in known.masks else mask_of(sheet, columns[name], one, progress)
    condition = wanted.condition
    if condition is not None:
        masks[condition] = (
            known.masks[condition]
            if condition in known.masks
            else condition.mask(sheet, lambda: progress.cancelled)
        )
    base, order = None, wanted.order
    if order is not None:
        if known.ordered is not None and known.ordered[0] == order:
            base = known.ordered[1]
        else:
            base = ordered(sheet, np.arange(sheet.rows), columns[order[0]], order[1], progress)
    rows, passed = base, None
    if masks or wanted.only is not None:
        mask = np.logical_and.reduce([*masks.values(), np.ones(sheet.rows, dtype=bool)])
        if wanted.only is not None:
            named = np.zeros(sheet.rows, dtype=bool)
            named[wanted.only] = True
            mask &= named
        passed = np.flatnonzero(mask)
        whole = base if base is not None else wanted.only
        rows = passed if whole is None else whole[mask[whole]]
    totals: dict[str, object] = {c.id: total_of(sheet, c, passed) for c in sheet.columns if c.total}
    return View(rows, totals), Known(masks, (order, base) if order is not None and base is not None else None)


class Arrangement:
    """What is wanted of the rows of the table's worksheet, and whether a job is at it.

    `changed` is told whenever `busy` is another.
    """

    def __init__(self, desk: Desk, place: str, changed: Callable[[], None]) -> None:
        self._desk, self._place, self._changed = desk, place, changed
        self._sheet = EMPTY
        self._known = Known()
        self.wanted = Wanted()
        self.busy = False

    def take(self, sheet: Worksheet) -> None:
        """Another worksheet, or the same with other values: what was worked out holds no longer."""
        self._sheet, self._known = sheet, Known()

    def drop(self) -> None:
        """Stop what is under way."""
        for tail in ("", ".values"):
            self._desk.jobs.drop(self._place + tail)
        self.busy = False

    def work_out(self, show: Callable[[View], None]) -> None:
        """`show` gets what is wanted now, at once or later; nothing comes of it once the worksheet is another."""
        sheet, wanted, known = self._sheet, self.wanted, self._known

        def have(both: tuple[View, Known]) -> None:
            if sheet is self._sheet:
                self._known = both[1]
                self.busy = False
                show(both[0])

        def failed(why: Exception) -> None:
            self.busy = False
            self._changed()

        if sheet.rows <= AT_ONCE:
            have(arranged(sheet, wanted, known, SILENT))
            return
        self.busy = True
        self._changed()
        self._desk.ask(
            lambda _, progress: arranged(sheet, wanted, known, progress),
            have,
            place=self._place,
            failed=failed,
            title=self._desk.texts("table.arranging"),
        )

    def values(self, column: Column, needle: str, wan: bool, show: Callable[[Distinct], None]) -> None:
        """Values of the rows that the other columns' filters let through, as Excel lists them.

        wan: the needle is typed as it stands on screen, in 万元.
        """
        sheet = self._sheet
        others = [
            mask
            for key, mask in self._known.masks.items()
            if not (isinstance(key, tuple) and key[0] == column.id)
        ]

        def work(progress: Progress) -> Distinct:
            rows = np.flatnonzero(np.logical_and.reduce(others)) if others else np.arange(sheet.rows)
            wanted = needle
            if wan and needle:
                try:
                    wanted = plain(decimal(needle.replace(",", "")) * 10_000)
                except ValueError:
                    wanted = needle
            elif is_number(column):
                wanted = needle.replace(",", "")
            return distinct_of(sheet, column, rows, wanted, progress=progress)

        if sheet.rows <= AT_ONCE:
            show(work(SILENT))
            return
        self._desk.ask(
            lambda _, progress: work(progress), show, place=self._place + ".values", failed=lambda why: None
        )
