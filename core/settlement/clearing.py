"""The door to the annual clearing for commands, screens and exports; the rooms behind it do the work."""

from __future__ import annotations

from core.settlement.annual import clear
from core.settlement.runs import Run, last_run, runs, verify
from core.settlement.staleness import stale
from core.settlement.why import CaseStory, case_story, cases_of, explain, rows_of, settlements_of

__all__ = [
    "CaseStory",
    "Run",
    "case_story",
    "cases_of",
    "clear",
    "explain",
    "last_run",
    "rows_of",
    "runs",
    "settlements_of",
    "stale",
    "verify",
]
