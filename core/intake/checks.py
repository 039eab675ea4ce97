"""A file's rows checked block after block: read column by column, held against each other, refused or taken, and told."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from core.intake.across import check_for
from core.intake.cells import Block, Mask
from core.intake.columns import Column, Reader
from core.intake.plan import Checked, Plan
from core.intake.stored import Storing
from core.intake.tidy import tidy
from core.intake.values import filled
from core.intake.verdicts import Findings, Verdicts

_TOTAL = re.compile(
    r"(本页|本表|全部|本期|累计|总)?\s*(合\s*计|总\s*计|小\s*计|共\s*计|total|grandtotal|sum).*",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"(制表人?|填表人?|审核人?|复核人?|负责人|经办人?|单位负责人|制表日期|填表日期|打印时间|打印日期|导出时间|备注|注|说明|数据来源)\s*[:：].*",
    re.DOTALL,
)


class Checks:
    """What it counts over the whole file does not depend on the blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._fields = plan.fields()
        self._readers = {name: Reader(column, name in plan.wan) for name, column in self._fields.items()}
        self._unnamed = dict(plan.unnamed)
        self._catalogue = plan.kind == "catalogue"
        self._across = check_for(plan.kind)
        self._storing, self._findings = Storing(plan), Findings(plan)

    def check(self, block: Block) -> Checked:
        out = Checked(block.rows, {}, 0, 0, [], Counter(), block.done)
        for line in block.broken:
            out.read += 1
            self._findings.say_broken(out, line)
        rows = len(block)
        if rows == 0:
            out.rows = np.zeros(0, dtype=np.int64)
            return out
        self._note_unnamed(block, out)
        columns = {name: self._readers[name].read(block, j) for name, j in self.plan.places.items()}
        verdicts = Verdicts(block, self.plan.places)
        for name, column in columns.items():
            self._judge(name, column, verdicts)
        self._across(block, columns, verdicts)
        aside = self._aside(block, verdicts, out)
        self._findings.say_all(out, block, verdicts, aside)
        out.read += rows - int(aside.sum())
        keep = ~verdicts.refused
        out.accepted = int(keep.sum())
        values = self._storing.of(columns, rows)
        whole = bool(keep.all())
        if not whole:
            out.rows = block.rows[keep]
        packed = {id(column): (column if whole else column.kept(keep)).packed() for column in values.values()}
        out.values = {name: packed[id(column)] for name, column in values.items()}
        if any(name.startswith("step:") for name in columns):
            self._storing.spread(out)
        return out

    def _note_unnamed(self, block: Block, out: Checked) -> None:
        """Columns without a heading are spoken of where they first hold anything."""
        for heading, place in list(self._unnamed.items()):
            rows = np.flatnonzero(block.lengths(place) > 0)
            if len(rows):
                del self._unnamed[heading]
                self._findings.say(out, "column_unclaimed", "note", int(block.rows[rows[0]]), heading)

    def _judge(self, name: str, column: Column, verdicts: Verdicts) -> None:
        """One column for itself: what could not be read, what was repaired, what is missing."""
        contract = self._fields[name]
        unread: Mask = np.zeros(len(verdicts.refused), dtype=np.bool_)
        for i, read in column.troubles:
            if read.problem and contract.refuses:
                verdicts.refuse_cell(i, read.problem, name)
                unread[i] = True
            elif read.problem:
                verdicts.remark(i, read.problem, name, verdicts.text(i, name), effect="emptied")
            else:
                after = "" if contract.type == "person" else str(read.value)
                verdicts.remark(i, read.repaired, name, verdicts.text(i, name), after=after)
        missing = column.empty & ~unread
        needed = contract.required or name == "ord"  # a case's lines are numbered all of them or, without the column, by us
        if not needed or not bool(missing.any()):
            return
        year = self.plan.year
        if name in ("year", "period") and year is not None:  # the year that the whole file is of
            if column.values.numbers is not None:
                column.values.numbers[missing] = year
            else:
                column.values = filled(column.values, missing, str(year))
            column.empty[missing] = False
        else:
            empty_score = self._catalogue and name == "score"
            verdicts.refuse(missing, "score_empty" if empty_score else "value_missing", name)

    def _aside(self, block: Block, verdicts: Verdicts, out: Checked) -> Mask:
        """Of the rows that cannot be taken: blank ones, totals and footers are no rows at all; the last two are noted."""
        aside = np.zeros(len(block), dtype=np.bool_)
        if not verdicts.reasons:
            return aside
        width = block.starts.shape[1]
        for i in np.flatnonzero(verdicts.refused).tolist():
            words = [word for j in range(width) if (word := tidy(block.text(i, j)))]
            row, note = int(block.rows[i]), self._findings.say
            if not words:
                aside[i] = True
            elif _TOTAL.fullmatch(words[0].replace(" ", "")) and len(words[0]) <= 20:
                aside[i] = True
                note(out, "total_row", "note", row, "", " ".join(words) if self._catalogue else words[0])
            elif _FOOTER.fullmatch(words[0]) and len(words) * 2 <= max(width, 3):
                aside[i] = True
                note(out, "footer_row", "note", row, "", words[0] if self._catalogue else "")
        return aside
