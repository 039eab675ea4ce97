"""The annual clearing as a workbook that goes on living: sums of cases and money, and formulas over them.

A reader follows any figure by Excel's own means: a step's cell refers to the cells of its inputs, a region's
step to the columns of the institutions, both to the sheet of inputs. Beside every formula stands the run's
value, so that the file is right before anything recalculates; recalculated, it gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from core.export.annual.fund import write_fund
from core.export.annual.inputs import write_inputs
from core.export.annual.pen import Pen
from core.export.annual.plan import Plan
from core.export.annual.record import write_findings, write_stamps
from core.export.annual.rule import write_rule
from core.export.annual.summary import write_summary
from core.export.target import spreadsheet
from core.progress import SILENT, Progress, step
from core.rules.sheet import Clearing
from core.texts import Texts


def write(clearing: Clearing, path: Path | str | BytesIO, lang: str = "", progress: Progress = SILENT) -> None:
    """Both funds with everything they rest on. The same clearing and language give the same bytes.

    WorldFault as `core.export.target.whole_file` says; Cancelled leaves an older file as it was.
    """
    with spreadsheet(path) as book:
        plan = Plan(clearing, Texts(lang))
        pen = Pen(book, plan)
        parts: list[Callable[[], None]] = [
            lambda: write_summary(pen),
            *(lambda fund=fund: write_fund(pen, fund) for fund in plan.funds),
            lambda: write_inputs(pen),
            lambda: write_rule(pen),
            lambda: write_findings(pen),
            lambda: write_stamps(pen),
        ]
        for number, part in enumerate(parts):
            step(progress, "workbook", number, len(parts))
            part()
