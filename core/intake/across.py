"""What one row says in several columns, held against each other: the sums of a settlement, the days of a stay, what a decision
lacks; and over many rows the damage of a catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache

import numpy as np

from core import money
from core.intake import damage
from core.intake.cells import Block, Ints
from core.intake.columns import Column, amounts
from core.intake.kinds import STEP_IDS, STEPS
from core.intake.values import of_list
from core.intake.verdicts import Verdicts
from core.rules import packs

WATCHED = ("version", "dip_code", "dip_name", "kind", "attribute", "score", *damage.CODES)
FUND_PARTS = ("hifp_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "cvlserv_pay", "maf_pay", "oth_pay")

Columns = dict[str, Column]
Check = Callable[[Block, Columns, Verdicts], None]


def check_for(kind: str) -> Check:
    """The check of a kind of file, for all its blocks in their order."""
    return (
        Catalogue().check if kind == "catalogue" else _CHECKS.get(kind, lambda block, columns, verdicts: None)
    )


def _cases(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    """Interface 2304: the whole is the sum of its parts; and a stay ends after it begins."""
    ids: list[str | int | None] = []

    def subject(i: int) -> str:
        """Listed once for all: in a file without the patient's part nearly every row is remarked on."""
        if not ids:
            ids.extend(columns["setl_id"].values.listed())
        return str(ids[i])

    def differs(i: int, code: str, column: str, whole: Ints, rest: Ints) -> None:
        verdicts.remark(
            i,
            code,
            column,
            money.yuan(int(whole[i])),
            subject=subject(i),
            parts=money.yuan(int(whole[i] - rest[i])),
            difference=money.yuan(int(rest[i])),
        )

    fee, fund, own = (amounts(columns, name) for name in ("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt"))
    total: Ints = np.zeros(len(block), np.int64)
    for name in FUND_PARTS:
        if (part := amounts(columns, name)) is not None:
            total = total + part
    taken = ~verdicts.refused
    if fee is not None and own is not None:
        hospital = amounts(columns, "hosp_part_amt")
        # Where the funds' sum is not stated, its parts stand for it: so does the reading of other_pay.
        paid = total if fund is None else np.where(columns["fund_pay_sumamt"].empty, total, fund)
        rest = fee - paid - own - (0 if hospital is None else hospital)
        for i in np.flatnonzero((rest != 0) & ~columns["psn_part_amt"].empty & taken).tolist():
            differs(i, "fee_identity", "medfee_sumamt", fee, rest)
    if fund is not None and "hifp_pay" in columns:
        parts = [name for name in FUND_PARTS if name in columns]
        # Without the column for all others, what is there may only not exceed the whole.
        complete = "oth_pay" in parts or len(parts) == len(FUND_PARTS) - 1
        rest = fund - total
        wrong = rest != 0 if complete else np.where(fund < 0, -rest, rest) < 0
        for i in np.flatnonzero(wrong & ~columns["fund_pay_sumamt"].empty & taken).tolist():
            differs(i, "fund_identity", "fund_pay_sumamt", fund, rest)
    admitted, left = columns.get("adm_time"), columns["dscg_time"].day
    if admitted is not None and admitted.day is not None:
        assert left is not None
        for i in np.flatnonzero((admitted.day > left) & (left > 0) & taken).tolist():
            verdicts.remark(i, "stay_reversed", "adm_time", verdicts.text(i, "adm_time"), subject=subject(i))


def _coefficients(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    if "value" not in columns:
        return
    part, value = columns["part"].values.listed(), columns["value"].values.listed()
    negative = [
        str(p or "").startswith("deduction:") and str(v or "").startswith("-")
        for p, v in zip(part, value, strict=True)
    ]
    verdicts.refuse(np.array(negative, dtype=np.bool_) & ~verdicts.refused, "deduction_negative", "value")


def _special_cases(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    score = columns["score"].values.listed() if "score" in columns else [None] * len(block)
    decision = columns["decision"].values.listed()
    lacking = [d == "adjusted" and s is None for d, s in zip(decision, score, strict=True)]
    verdicts.refuse(np.array(lacking, dtype=np.bool_) & ~verdicts.refused, "score_missing", "score")


def _budget(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    item, value = columns["item"].values.listed(), columns["amount"].values.listed()
    # As in the window: a budget may be cut in the year, an item is never below nothing.
    negative = [int(v or 0) < 0 and i != "dip_topup" for i, v in zip(item, value, strict=True)]
    verdicts.refuse(np.array(negative, dtype=np.bool_) & ~verdicts.refused, "budget_item_negative", "amount")


def _assessments(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    points, most = columns["points"].values.listed(), columns["max_points"].values.listed()
    for i in np.flatnonzero(~verdicts.refused).tolist():
        if Fraction(str(points[i])) > Fraction(str(most[i])):
            verdicts.remark(i, "points_above_max", "points", str(points[i]), most=str(most[i]))


def _official_clearing(block: Block, columns: Columns, verdicts: Verdicts) -> None:
    """In the long form a figure may stand under a name that no step has: kept, as an own pack may have it, and said."""
    if "column" not in columns:
        return
    steps = columns["column"].values.listed()
    for i in np.flatnonzero(~verdicts.refused).tolist():
        if steps[i] is not None and str(steps[i]) not in STEP_IDS and str(steps[i]) not in _shipped():
            known = ", ".join(dict.fromkeys(map(str, STEPS.values())))
            verdicts.remark(i, "step_unknown", "column", verdicts.text(i, "column"), known=known)


@cache
def _shipped() -> frozenset[str]:
    """The steps of the packs that come with the product."""
    return frozenset(step.id for head in packs.available() if not head.abstract for step in packs.load(head.id).steps)


_CHECKS: Mapping[str, Check] = {
    "official_clearing": _official_clearing,
    "cases": _cases,
    "coefficients": _coefficients,
    "special_cases": _special_cases,
    "budget": _budget,
    "assessments": _assessments,
}


class Catalogue:
    """Damage that one row shows beside the others; what is put right is put into the columns."""

    def __init__(self) -> None:
        self._watch = damage.Watch()

    def check(self, block: Block, columns: Columns, verdicts: Verdicts) -> None:
        listed = {name: columns[name].values.listed() for name in WATCHED if name in columns}
        repaired: dict[str, dict[int, str]] = {}

        def say(remark: damage.Remark) -> None:
            verdicts.remark(remark.i, remark.code, remark.column, remark.value, **remark.values)
            if remark.after is not None:
                repaired.setdefault(remark.column, {})[remark.i] = remark.after

        negative, continues = np.zeros(len(block), dtype=np.bool_), np.zeros(len(block), dtype=np.bool_)
        for i in range(len(block)):
            row = {name: str(values[i]) for name, values in listed.items() if values[i] is not None}
            if verdicts.refused[i]:
                continues[i] = bool(row) and not row.keys() & {"dip_name", "kind", "score"}
                continue
            self._watch.row(i, int(block.rows[i]), row, say)
            score = row.get("score", "")
            if score.startswith("-"):
                negative[i] = True
            elif score and not score.strip("0."):
                verdicts.remark(i, "score_zero", "score", score)
        verdicts.refuse(negative, "score_negative", "score")
        verdicts.refuse(continues, "row_continues", "")
        for name, changes in repaired.items():
            texts = listed[name]
            for i, text in changes.items():
                texts[i] = text or None
                columns[name].empty[i] = not text
            columns[name].values = of_list(texts)
