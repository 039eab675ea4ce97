"""What a clearing stood on, as hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.export.tables import tags
from core.rules.sheet import Clearing, FundSheet, Institution
from core.settlement.arrivals import Arrivals

if TYPE_CHECKING:
    from core.rules.cases import CaseScores, Scaled


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


Column = tuple[str, int | None, NDArray[Any]]  # id, decimals, whole numbers over that power of ten; or id, None, texts


def of_columns(columns: Sequence[Column]) -> str:
    """Of some rows: names, decimals and texts as JSON, then each column's numbers as eight bytes each, the lowest first."""
    texts = [values.tolist() for _, places, values in columns if places is None]
    head = [[name for name, _, _ in columns], [places for _, places, _ in columns], texts]
    digest = hashlib.sha256(json.dumps(head, ensure_ascii=False).encode())
    for _, places, values in columns:
        if places is not None:
            digest.update(values.astype("<i8").tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class ByPlace:
    """Cases by place (fund and institution, see `Standing`). order: their numbers, those of a place together, in the order of
    the rows; starts: where each place begins. cases: hash of what each place's cases are, before coefficients and scores."""

    order: NDArray[np.int64]
    starts: Mapping[int, tuple[int, int]]
    cases: Mapping[int, str]

    @classmethod
    def of(cls, rows: Arrivals, place: NDArray[np.int64], base: Scaled, own_pay: NDArray[np.int64]) -> ByPlace:
        order = np.argsort(place, kind="stable")
        spots, starts = np.unique(place[order], return_index=True)
        ends = [*starts[1:].tolist(), len(order)]
        found = cls(order, dict(zip(spots.tolist(), zip(starts.tolist(), ends, strict=True), strict=True)), {})
        return replace(found, cases=found.hashes(cls.columns(rows, base, own_pay)))

    @staticmethod
    def columns(rows: Arrivals, base: Scaled, own_pay: NDArray[np.int64]) -> list[Column]:
        """What a case is."""
        groups = np.array([*rows.groups, ""], object)[rows.group]  # -1, no group, is the last
        amounts = {"total_cost": rows.fee, "booked": rows.booked, "own_pay": own_pay, "other_pay": rows.other_pay}
        return [
            ("setl_id", None, rows.setl_id), ("dip_code", None, groups), ("base_score", base.places, base.values),
            *((name, 2, values) for name, values in amounts.items()),
        ]  # fmt: skip

    def hashes(self, columns: Sequence[Column]) -> dict[int, str]:
        """`of_columns` of each place's rows."""
        sorted_ = [(name, places, values[self.order]) for name, places, values in columns]
        return {
            spot: of_columns([(name, places, values[start:end]) for name, places, values in sorted_])
            for spot, (start, end) in self.starts.items()
        }


def scored(scores: CaseScores) -> list[Column]:
    """What the pack made of each case."""
    exact = np.array([str(one) for one in scores.exact or ()], object)
    score = ("score", None, exact) if scores.score is None else ("score", scores.score.places, scores.score.values)
    return [score, *((name, own.places, own.values) for name, own in scores.measures.items())]


@dataclass(frozen=True, slots=True)
class Beneath:
    """What lies under an institution's row. parts: [fund, part, day, value] of its coefficients in the set's order; cases and
    scores: `of_columns` of its cases' facts and of what the pack made of them, "" where no single case was looked at."""

    parts: Sequence[Sequence[object]] = ()
    cases: str = ""
    scores: str = ""


Under = Mapping[str, Mapping[str, Beneath]]  # by fund and institution
_NOTHING = Beneath()


def of_institution(sheet: FundSheet, i: int, under: Under) -> str:
    """Of one institution's row, every figure exact, and of what lies under it."""
    one = sheet.institutions[i]
    own = [[name, str(values[i])] for name, values in sheet.values.items()]
    below = under.get(sheet.fund, {}).get(one.code, _NOTHING)
    return _hash([one.code, one.name, one.level, [list(part) for part in below.parts], below.cases, below.scores, own])


def of_fund(sheet: FundSheet, under: Under) -> str:
    """Of a fund's region, its budget lines, and the hashes of its institutions in their order."""
    return _hash([
        sheet.fund,
        [[name, str(value)] for name, value in sheet.region.items()],
        [[line.item, line.amount, line.date, line.document] for line in sheet.budget_lines],
        [of_institution(sheet, i, under) for i in range(len(sheet.institutions))],
    ])  # fmt: skip


def of_run(clearing: Clearing, under: Under = MappingProxyType({})) -> str:
    """Of everything that the run stood on and of every figure. It is a tree: whoever holds one institution's row, the region's
    and only the hashes of the others' rows can compute it again. The name of the workspace and the files that the data came in
    stay out: the same data by the same rule have one hash; the ledger says the files."""
    stamps = clearing.stamps
    return _hash([
        clearing.year, stamps.region, stamps.synthetic, stamps.pack, stamps.pack_hash,
        hashlib.sha256(clearing.pack.text.encode()).hexdigest(), stamps.set_name, stamps.set_hash,
        stamps.set_state, stamps.catalogue, stamps.grouping, stamps.data_hash, sorted(stamps.parameters.items()),
        sorted(stamps.references.items()), sorted(stamps.counts.items()), json.dumps(tags(clearing.pack), sort_keys=True),
        *([stamps.scenario, stamps.changes] if stamps.tried else []),
        [of_fund(sheet, under) for sheet in clearing.funds],
    ])  # fmt: skip


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
