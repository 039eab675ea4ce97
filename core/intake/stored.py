"""What is stored of a block: every column under its name in the database, what follows from a case's own row, nobody's name."""

from __future__ import annotations

import hashlib

import numpy as np

from core import money
from core.intake import cells
from core.intake.cells import Ints, Mask
from core.intake.columns import Column, amounts
from core.intake.kinds import step_in_yuan
from core.intake.plan import Checked, Plan
from core.intake.values import Values, constant, filled, of_list, whole


class Storing:
    """The stored columns of one file, block after block."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._fields = plan, plan.fields()
        self._hash = hashlib.blake2b(key=plan.person_key, digest_size=16) if "psn_no" in plan.places else None

    def of(self, columns: dict[str, Column], rows: int) -> dict[str, Values]:
        kind = self._plan.contract
        into: dict[str, Values] = {}
        for name, column in columns.items():
            contract = self._fields[name]
            if contract.type == "private" or contract.stored == "-":
                continue
            if contract.type == "person":
                into[contract.column] = self._persons(column.values)
            else:
                into[name if name.startswith("step:") else contract.column] = column.values
        for contract in kind.columns:
            if contract.default is None:
                continue
            if contract.name not in columns:
                into[contract.column] = constant(contract.default, rows)
            elif bool(columns[contract.name].empty.any()):
                into[contract.column] = filled(
                    into[contract.column], columns[contract.name].empty, contract.default
                )
        if kind.field("version"):
            given = columns.get("version")
            into["version"] = (
                constant(self._plan.version, rows)
                if given is None
                else filled(given.values, given.empty, self._plan.version)
            )
        if "year" not in columns and kind.field("year") and self._plan.year is not None:
            into["year"] = whole(self._plan.year, rows)
        if "period" not in columns and kind.field("period") and self._plan.year is not None:
            into["period"] = constant(str(self._plan.year), rows)
        if self._plan.kind == "coefficients":
            into["set_name"] = constant("imported", rows)
        if self._plan.kind == "cases":
            _derive(columns, into, rows)
        if "amount" in self._plan.wan and self._plan.kind == "official_clearing":
            pairs = zip(into["column_id"].listed(), into["amount"].listed(), strict=True)
            into["amount"] = of_list([_in_yuan(str(step), amount) for step, amount in pairs])
        return into

    def _persons(self, values: Values) -> Values:
        """Keyed hashes, so that a readmission can be followed and nobody named."""
        assert self._hash is not None
        base = self._hash
        texts = values.listed()
        digests: list[bytes] = []
        for text in texts:
            one = base.copy()
            one.update(b"" if text is None else str(text).encode())
            digests.append(one.digest())
        hexed = np.frombuffer(b"".join(digests).hex().encode(), dtype=np.uint8).reshape(len(texts), 32)
        lengths = np.array([0 if text is None else 32 for text in texts], dtype=np.int64)
        return Values(lines=cells.lines(hexed, lengths))

    def spread(self, out: Checked) -> None:
        """A wide official sheet: a column per step becomes a row per step."""
        steps = [name for name in out.values if name.startswith("step:")]
        keys = [name for name in out.values if not name.startswith("step:")]
        source = {name: out.values[name].listed() for name in out.values}
        numbers: list[int] = []
        wide: dict[str, list[str | int | None]] = {name: [] for name in (*keys, "column_id", "amount")}
        for i, row in enumerate(out.rows.tolist()):
            for step in steps:
                amount = source[step][i]
                if amount is None:
                    continue
                numbers.append(row)
                for name in keys:
                    wide[name].append(source[name][i])
                wide["column_id"].append(step.removeprefix("step:"))
                if step in self._plan.wan:
                    amount = _in_yuan(step.removeprefix("step:"), amount)
                wide["amount"].append(amount)
        out.rows = np.array(numbers, dtype=np.int64)
        out.values = {name: of_list(values) for name, values in wide.items()}


def _derive(columns: dict[str, Column], into: dict[str, Values], rows: int) -> None:
    """The reading of a case that its own row allows (interfaces, Reading of cases)."""
    zero = np.zeros(rows, dtype=np.int64)

    def or_zero(name: str) -> Ints:
        found = amounts(columns, name)
        return zero if found is None else found

    def empty(name: str) -> Mask:
        return columns[name].empty if name in columns else np.ones(rows, dtype=np.bool_)

    fee, booked, excluded = or_zero("medfee_sumamt"), or_zero("hifp_pay"), or_zero("excluded_fee")
    paid = np.where(empty("fund_pay_sumamt"), booked, or_zero("fund_pay_sumamt"))
    own = np.where(empty("psn_part_amt"), fee - paid - or_zero("hosp_part_amt"), or_zero("psn_part_amt"))
    sign = np.where((fee < 0) | ((fee == 0) & ((booked < 0) | (paid < 0))), -1, 1)
    settled = columns["setl_time"].day if "setl_time" in columns else None
    left = columns["dscg_time"].day
    assert left is not None
    day = left if settled is None else np.where(settled > 0, settled, left)
    insured = or_zero("insutype")
    fund = np.where((insured == 310) | (insured == 510), 1, np.where(insured == 390, 2, 0))
    method, visit = or_zero("hi_paymtd"), or_zero("med_type")
    scope = np.where(
        fund == 0,
        1,
        np.where(
            ~empty("hi_paymtd") & (method != 3),
            2,
            np.where(~empty("med_type") & ~np.isin(visit, (21, 22, 24, 52, 92)), 3, 0),
        ),
    )
    for name, numbers in (
        ("sign", sign),
        ("fund", fund),
        ("year", day // 10000),
        ("day", day),
        ("fee", fee - excluded),
        ("own_pay", own - excluded),
        ("other_pay", paid - booked),
        ("scope", scope),
    ):
        into[name] = Values(numbers=numbers.astype(np.int64))
    # The same figures under two names are sent and bound once.
    if "excluded_fee" not in columns:
        into["fee"] = into["medfee_sumamt"]
        if "psn_part_amt" in columns and not columns["psn_part_amt"].empty.any():
            into["own_pay"] = into["psn_part_amt"]


def _in_yuan(step: str, amount: str | int | None) -> str | int | None:
    """A figure of a sheet in 万元; points, counts and ratios have no yuan and stay."""
    if amount is None or not step_in_yuan(step):
        return amount
    return money.plain(money.decimal(str(amount)) * 10000)
