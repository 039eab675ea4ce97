"""What is said of the year's cases: which have no group or no score, and where the platform scored otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.catalogue.entries import Entry
from core.findings import Finding
from core.money import decimal, plain, yuan
from core.settlement.arrivals import Arrivals
from core.settlement.exact import sums

# As many single cases as a person reads; beyond it they are summed by institution and group.
SINGLY = 1_000


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """One canonical order, whatever the order of the rows: what blocks first, then by code and subject; each once."""
    weight = {"blocked": 0, "refused": 1, "warning": 2, "note": 3}
    keyed = {
        (weight[f.severity], f.code, f.subject, f.column, f.value, tuple(sorted(f.values.items()))): f
        for f in findings
    }
    return tuple(keyed[key] for key in sorted(keyed))


def ungrouped(
    rows: Arrivals, without: NDArray[np.bool_], fund: str, rule: str
) -> list[Finding]:
    """Every case of a fund without group or score with its cost, one by one while a person can read them."""
    where = np.flatnonzero(without)
    if not len(where):
        return []
    severity = "blocked" if rule == "block" else "warning"
    total = Finding(
        "ungrouped",
        severity,
        value=str(len(where)),
        values={"amount": yuan(int(rows.fee[where].sum())), "rule": rule, "fund": fund},
    )
    told: list[Finding] = [total]
    stated = rows.group[where]
    if len(where) <= SINGLY:
        for i, group in zip(where.tolist(), stated.tolist(), strict=True):
            told.append(
                Finding(
                    "case_without_score" if group >= 0 else "case_without_group",
                    "warning",
                    subject=rows.setl_id[i],
                    value=rows.groups[group] if group >= 0 else "",
                    values={
                        "amount": yuan(int(rows.fee[i])),
                        "institution": rows.institutions[rows.institution[i]],
                        "fund": fund,
                    },
                )
            )
        return told
    key = rows.institution[where].astype(np.int64) * (len(rows.groups) + 1) + stated + 1
    keys, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    fees = sums(rows.fee[where], inverse, len(keys))
    for one, n, fee in zip(keys.tolist(), count.tolist(), fees, strict=True):
        institution, group = divmod(one, len(rows.groups) + 1)
        told.append(
            Finding(
                "cases_without_score" if group else "cases_without_group",
                "warning",
                subject=rows.institutions[institution],
                value=rows.groups[group - 1] if group else "",
                values={"amount": yuan(fee), "cases": str(n), "fund": fund},
            )
        )
    return told


def scores_differ(
    rows: Arrivals, group: NDArray[np.int32], known: Sequence[Entry | None], version: str
) -> list[Finding]:
    """Groups whose catalogue score is not what the platform stated with the cases; bed-day scores depend on days."""
    width = len(rows.given_scores)
    where = np.flatnonzero(group >= 0)
    if not len(where) or not width:
        return []
    pair = group[where].astype(np.int64) * width + rows.given_score[where]
    codes, distinct = pd.factorize(pair)
    count = np.bincount(codes, minlength=len(distinct))
    told: list[Finding] = []
    for one, n in zip(np.asarray(distinct).tolist(), count.tolist(), strict=True):
        stated, own = rows.given_scores[one % width], known[one // width]
        if not stated or own is None or not own.score or own.kind == "bed_day":
            continue
        try:
            same = decimal(stated) == own.score
        except ValueError:
            same = False
        if not same:
            told.append(
                Finding(
                    "score_differs",
                    "warning",
                    subject=own.dip_code,
                    value=stated,
                    values={"score": plain(own.score), "cases": str(n), "catalogue": version},
                )
            )
    if len(told) > SINGLY:
        cases = sum(int(f.values["cases"]) for f in told)
        told = [
            *ordered(told)[:SINGLY],
            Finding("score_differs_more", "warning", value=str(len(told)), values={"cases": str(cases)}),
        ]
    return told
