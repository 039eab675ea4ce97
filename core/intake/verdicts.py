"""What there is to say of a file's rows: which are refused and why, what is remarked on the others; and as findings.

Refused rows are each a finding. Warnings of one kind on one column are stored up to WARNINGS_KEPT and counted in full.
Nothing leaves the file that could name a person: no cell of a PRIVATE column, and no free text beside one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np

from core.findings import Finding, Severity
from core.intake.cells import Block, Broken, Mask
from core.intake.plan import Checked, Plan

WARNINGS_KEPT = 1000  # of one code on one column, of a whole file
SHOWN = 200  # characters of a cell in a finding
SHOWN_ROW = 2_000  # characters of a whole row
PRIVATE = ("psn_no", "psn_name", "certno")
_SHORT = re.compile(r"[0-9A-Za-z.\-:/ ]{1,8}|\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T][\d:]+)?|-?\d{1,9}\.\d{1,2}")

# Row index, code, column, the cell's text, what else the finding tells.
Said = tuple[int, str, str, str, dict[str, str]]


class Verdicts:
    """On the rows of one block, as they are gathered; `refused` marks the rows that `reasons` are about."""

    def __init__(self, block: Block, places: Mapping[str, int]) -> None:
        self._block, self._places = block, places
        self.refused: Mask = np.zeros(len(block), dtype=np.bool_)
        self.reasons: list[Said] = []
        self.remarks: list[Said] = []

    def text(self, i: int, column: str) -> str:
        """A cell as it stands in the file."""
        return self._block.text(i, self._places[column])

    def refuse(self, where: Mask, code: str, column: str) -> None:
        for i in np.flatnonzero(where).tolist():
            self.reasons.append((i, code, column, self.text(i, column) if column in self._places else "", {}))
        self.refused[where] = True

    def refuse_cell(self, i: int, code: str, column: str) -> None:
        self.reasons.append((i, code, column, self.text(i, column), {}))
        self.refused[i] = True

    def remark(self, i: int, code: str, column: str, text: str, /, **values: str) -> None:
        self.remarks.append((i, code, column, text, values))


class Findings:
    """The findings of one file, block after block."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._fields = plan, plan.fields()
        self._kept: Counter[tuple[str, str]] = Counter()
        self._private = any(name in plan.places for name in PRIVATE)

    def say(
        self,
        out: Checked,
        code: str,
        severity: Severity,
        row: int,
        column: str = "",
        value: str = "",
        subject: str = "",
        **values: str,
    ) -> None:
        out.counts[severity, code, column] += 1
        if severity != "refused":
            self._kept[code, column] += 1
            if self._kept[code, column] > WARNINGS_KEPT:
                return
        shown = "" if column in PRIVATE else _visible(value)
        out.findings.append(
            Finding(code, severity, self._plan.file, self._plan.sheet, row, column, shown, subject, values)
        )

    def say_broken(self, out: Checked, line: Broken) -> None:
        """A line that is no row."""
        text = "" if line.code == "" else self._broken_text(line.text)
        out.counts["refused", line.code, ""] += 1
        out.findings.append(
            Finding(
                line.code,
                "refused",
                self._plan.file,
                self._plan.sheet,
                line.row,
                "",
                text,
                values={"expected": str(line.expected), "found": str(line.found)},
            )
        )

    def say_all(self, out: Checked, block: Block, verdicts: Verdicts, aside: Mask) -> None:
        """aside: rows that are no rows, of which nothing is said here."""
        for i, code, name, text, values in sorted(verdicts.reasons, key=lambda reason: reason[0]):
            if not aside[i]:
                whole = self._row_text(block, i)
                self.say(out, code, "refused", int(block.rows[i]), name, text, text=whole, **values)
        for i, code, name, text, values in sorted(verdicts.remarks, key=lambda remark: remark[0]):
            if not aside[i] and not verdicts.refused[i]:
                subject = values.pop("subject", "")
                self.say(out, code, "warning", int(block.rows[i]), name, text, subject, **values)

    def _broken_text(self, text: str) -> str:
        """A broken line's text; where the file has persons in it, only what cannot name one."""
        if not self._private:
            return _visible(text)
        parts = re.split(r"([,\t;|^])", text)
        return _visible(
            "".join(
                part if k % 2 or not part or _SHORT.fullmatch(part.strip('" ')) else "···"
                for k, part in enumerate(parts)
            )
        )

    def _row_text(self, block: Block, i: int) -> str:
        """A refused row as it stood, column by column; nothing that could name a person."""
        shown: list[str] = []
        for name, place in self._plan.places.items():
            cell = block.text(i, place).strip()
            named = name in PRIVATE or (self._private and self._fields[name].type == "text")
            if cell:
                shown.append(f"{name}={'···' if named else cell}")
        return _visible("; ".join(shown), SHOWN_ROW)


def _visible(text: str, most: int = SHOWN) -> str:
    shown = text.replace("\x00", "␀")
    return shown if len(shown) <= most else shown[:most] + "…"
