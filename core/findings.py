"""What is wrong with one row, cell, case or institution, as a value: returned, stored, shown, never raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# Warnings that put the whole result in doubt: said wherever the result is, not only in the list of findings.
ALOUD = ("pack_", "point_value_", "special_over_")

WRONG = ("refused", "blocked")  # what is no error may be said beside success

Severity = Literal["refused", "blocked", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `code` names the sentence `finding.CODE`; `values` fill it.

    refused: the row is not in the workspace. blocked: the run did not happen. warning: in, but look.
    note: said for completeness. `row` counts as a spreadsheet does, from 1, heading included.
    `subject` is a settlement, institution, group or step id where there is no file.
    """

    code: str
    severity: Severity
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    subject: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])
