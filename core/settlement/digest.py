"""What a clearing stood on, as hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.rules.sheet import Clearing, FundSheet, Institution
from core.settlement.arrivals import Arrivals


def of_cases(rows: Arrivals, arrays: Sequence[NDArray[Any]], rest: Sequence[object]) -> str:
    """Of every value that scores are made of, in the canonical order of the rows."""
    digest = hashlib.sha256()
    digest.update(json.dumps([rows.institutions, rows.groups, *rest], ensure_ascii=False).encode())
    for values in (rows.fund, rows.institution, rows.day, rows.fee, rows.booked, rows.other_pay, *arrays):
        digest.update(np.ascontiguousarray(values).tobytes())
    for start in range(0, len(rows), 65536):
        digest.update(("\n".join(rows.setl_id[start : start + 65536].tolist()) + "\n").encode())
    return digest.hexdigest()


def of_inputs(
    cases: str,
    region_code: str,
    funds: Sequence[str],
    region: Mapping[str, Mapping[str, Fraction]],
    institution: Mapping[str, Mapping[str, Sequence[Fraction]]],
    listed: Mapping[str, Sequence[Institution]],
    counts: Mapping[str, int],
) -> str:
    """Of the cases and the small inputs. Coefficients have a hash of their own."""
    small = {
        fund: {
            "region": {name: str(value) for name, value in region[fund].items()},
            "institutions": [[one.code, one.level] for one in listed[fund]],
            "inputs": {
                name: [str(value) for value in values]
                for name, values in institution[fund].items()
                if name != "coefficient"
            },
        }
        for fund in funds
    }
    text = json.dumps(
        [cases, region_code, small, dict(counts)], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def of_institution(sheet: FundSheet, i: int) -> str:
    """Of one institution's row, every figure exact."""
    own = [[name, str(values[i])] for name, values in sheet.values.items()]
    return _hash([sheet.institutions[i].code, own])


def of_fund(sheet: FundSheet) -> str:
    """Of a fund's region, its budget lines, and the hashes of its institutions in their order."""
    return _hash([
        sheet.fund,
        [[name, str(value)] for name, value in sheet.region.items()],
        [[line.item, line.amount, line.date, line.document] for line in sheet.budget_lines],
        [of_institution(sheet, i) for i in range(len(sheet.institutions))],
    ])  # fmt: skip


def of_run(clearing: Clearing) -> str:
    """Of everything that the run stood on and of every figure. It is a tree: whoever holds one institution's row, the region's
    and only the hashes of the others' rows can compute it again."""
    stamps = clearing.stamps
    return _hash([
        clearing.year, stamps.region, stamps.synthetic, stamps.pack, stamps.pack_hash, stamps.set_name, stamps.set_hash,
        stamps.catalogue, stamps.grouping, stamps.data_hash, sorted(stamps.parameters.items()), sorted(stamps.references.items()),
        *([stamps.scenario, stamps.changes] if stamps.tried else []),
        [of_fund(sheet) for sheet in clearing.funds],
    ])  # fmt: skip


def is_earlier(clearing: Clearing, run_hash: str) -> bool:
    """Whether that is the clearing's hash in the form that runs were stored under before it was a tree: without the budget's
    lines and the synthetic flag, which stand in the ledger and in the result."""
    stamps = clearing.stamps
    return run_hash == _hash([
        clearing.year, stamps.region, stamps.pack, stamps.pack_hash, stamps.set_name, stamps.set_hash, stamps.catalogue,
        stamps.grouping, stamps.data_hash, sorted(stamps.parameters.items()), sorted(stamps.references.items()),
        [
            [
                sheet.fund,
                [[name, str(value)] for name, value in sheet.region.items()],
                [one.code for one in sheet.institutions],
                [[name, [str(value) for value in values]] for name, values in sheet.values.items()],
            ]
            for sheet in clearing.funds
        ],
    ])  # fmt: skip


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
