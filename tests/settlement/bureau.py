"""A bureau that clears the same cases by its own slow and obvious arithmetic, with mistakes planted on demand.

It shares nothing with the product but the rows that it is told: a second way to the same sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from region import Region, case

F = Fraction
SCORES = {"G1": "1.2345", "G2": "0.8001", "G3": "2.5037"}
MEAN = F(10_000)
LEVELS = {"H1": 3, "H2": 2, "H3": 2}
# code -> (day from which, k): H1 was raised in the middle of the year.
COEFFICIENTS = {"H1": ((0, "0.95"), (20240701, "1.05")), "H2": ((0, "0.9"),), "H3": ((0, "0.85"),)}
BAND = F("1.3")  # intensive care of 2 to 7 days, group G1
FEES = ("4000", "5000", "5000.01", "9123.45", "12345.67", "20000", "20000.01", "31415.93")
MONTHLY, ADVANCE, AUDIT, VIOLATION = F("60000"), F("5000"), F("1200.50"), F("300")
BUDGET = F("400000.00")


def half_up(value: Fraction, places: int) -> Fraction:
    scale = 10**places
    whole, rest = divmod(abs(value) * scale, 1)
    return F(int(whole) + (rest * 2 >= 1), scale) * (1 if value >= 0 else -1)


@dataclass(frozen=True)
class Told:
    """A case as the bureau has it."""

    setl_id: str
    code: str
    group: str
    fee: Fraction
    day: int
    icu: bool
    booked: Fraction
    rw: Fraction
    k: Fraction
    u: Fraction
    mean: Fraction = MEAN
    score: Fraction | None = None

    @property
    def own_pay(self) -> Fraction:
        return self.fee - self.booked


@dataclass
class Rule:
    low: Callable[[Fraction], bool] = field(default=lambda x: x < F(1, 2))
    high: Callable[[Fraction], bool] = field(default=lambda x: x > 2)
    places: int = 4
    cut: bool = False
    each: bool = False  # every product rounded on the way
    value_places: int = 4
    over_cases: bool = False  # money rounded case by case


def coefficient(code: str, day: int) -> Fraction:
    return [F(k) for since, k in COEFFICIENTS[code] if since <= day][-1]


def town() -> list[Told]:
    told: list[Told] = []
    for code in LEVELS:
        for g, group in enumerate(SCORES):
            for n, text in enumerate(FEES):
                fee, icu = F(text) + g, group == "G1" and n % 3 == 0
                if n in (1, 5):
                    fee = F(text)  # exactly on a boundary
                day = 20240310 if n % 2 else 20240910
                told.append(
                    Told(
                        f"{code}-{group}-{n}", code, group, fee, day, icu, half_up(fee * F(3, 5), 2), F(SCORES[group]),
                        coefficient(code, day), BAND if icu else F(1),
                    )
                )  # fmt: skip
    return told


def case_score(one: Told, rule: Rule) -> Fraction:
    if one.score is not None:
        return one.score
    x = one.fee / one.mean
    step = (lambda value: half_up(value, rule.places)) if rule.each else (lambda value: value)
    if rule.low(x):
        value = step(step(step(one.rw * step(x)) * one.k) * one.u)
    elif rule.high(x):
        value = step(step(step(one.rw * (step(x) - 1)) * one.k) * one.u)
    else:
        value = step(step(one.rw * one.k) * one.u)
    if rule.cut:
        scale = 10**rule.places
        return F(int(value * scale), scale)
    return half_up(value, rule.places)


@dataclass
class Result:
    """The bureau's sheet: step -> figure, of the region and of each institution; and every case's score."""

    region: dict[str, Fraction]
    institutions: dict[str, dict[str, Fraction]]
    scores: dict[str, Fraction]


def clear(told: list[Told], rule: Rule | None = None) -> Result:
    """The chain of Ningde, written out."""
    rule = rule or Rule()
    scores = {one.setl_id: case_score(one, rule) for one in told}
    own, total, booked = {}, {}, {}
    for code in LEVELS:
        mine = [one for one in told if one.code == code]
        total[code] = sum((scores[one.setl_id] for one in mine), F(0))
        own[code] = sum((one.own_pay for one in mine), F(0))
        booked[code] = sum((one.booked for one in mine), F(0))
    value = half_up((BUDGET + sum(own.values())) / sum(total.values()), rule.value_places)
    institutions: dict[str, dict[str, Fraction]] = {}
    for code in LEVELS:
        mine = [one for one in told if one.code == code]
        gross = half_up(total[code] * value, 2)
        if rule.over_cases:
            gross = sum((half_up(scores[one.setl_id] * value, 2) for one in mine), F(0))
        due = gross - own[code]
        institutions[code] = {
            "cases": F(len(mine)), "score": total[code], "total_cost": own[code] + booked[code], "booked": booked[code],
            "own_pay": own[code], "gross": gross, "due": due, "after_assessment": due, "audit_deduction": AUDIT,
            "violation": VIOLATION, "monthly_paid": MONTHLY, "advance": ADVANCE,
            "final": due - AUDIT - VIOLATION - MONTHLY - ADVANCE,
        }  # fmt: skip
    region = {"budget": BUDGET, "score_total": sum(total.values(), F(0)), "point_value": value}
    return Result(region, institutions, scores)


def settle(region: Region, told: list[Told] | None = None) -> None:
    """The same town in a workspace."""
    region.institutions(*((code, f"{code} 医院", {3: 2, 2: 5}[level]) for code, level in LEVELS.items()))
    region.groups(*({"dip_code": group, "score": score} for group, score in SCORES.items()))
    region.auxiliary(("G1", "icu_days", "2-7", str(float(BAND))))
    region.coefficients(
        *(
            (code, "all", "base", f"{since // 10000}-07-01" if since else "", k)
            for code, line in COEFFICIENTS.items()
            for since, k in line
        )
    )
    region.reference_means(*((group, "all", "all", "10000") for group in SCORES))
    region.budget(("employee", "dip_budget", "400000.00"), ("employee", "outside_card", "0"), ("employee", "outside_manual", "0"))
    region.payments(
        *((code, "employee", "202406", "monthly", "60000.00") for code in LEVELS),
        *((code, "employee", "2024", "advance", "5000.00") for code in LEVELS),
    )
    region.deductions(
        *((code, "employee", "2024", "audit", "1200.50") for code in LEVELS),
        *((code, "employee", "2024", "violation", "300.00") for code in LEVELS),
    )
    region.cases(
        *(
            {
                "setl_id": one.setl_id, "institution": one.code, "fee": plain(one.fee), "group": one.group,
                "booked": plain(one.booked), "day": f"{one.day // 10000}-{one.day // 100 % 100:02}-{one.day % 100:02}",
                "icu_days": 3 if one.icu else None,
            }
            for one in (told or town())
        )
    )  # fmt: skip


def plain(value: Fraction, places: int = 2) -> str:
    from core import money

    return money.plain(value, places)


def publish(
    region: Region, result: Result, told: list[Told] | None = None, *, components: bool = True, sheet: bool = True
) -> None:
    """The bureau's sheets into the workspace: its figures by step, and its list where the cases are told."""
    from core import money

    if sheet:
        rows = [("REGION", step, value) for step, value in result.region.items()]
        rows += [(code, step, value) for code, own in result.institutions.items() for step, value in own.items()]
        region.batch(
            "official_clearing",
            [
                {"fixmedins_code": code, "fund": "employee", "year": 2024, "column_id": step, "amount": money.plain(value)}
                for code, step, value in rows
            ],
            "official_clearing",
        )
    if told is not None:
        listed: list[dict[str, object]] = []
        for one in told:
            row: dict[str, object] = {
                "setl_id": one.setl_id, "fixmedins_code": one.code, "score": money.plain(result.scores[one.setl_id]),
            }  # fmt: skip
            if components:
                row |= {
                    "dip_code": one.group, "rw": money.plain(one.rw), "coefficient": money.plain(one.k),
                    "factor": money.plain(one.u), "point_value": money.plain(result.region["point_value"]),
                }  # fmt: skip
            listed.append(row)
        region.batch("official_cases", listed, "official_case")


def changed(told: list[Told], setl_id: str, **values: object) -> list[Told]:
    return [replace(one, **values) if one.setl_id == setl_id else one for one in told]


__all__ = ["Rule", "Told", "case", "changed", "clear", "publish", "settle", "town"]
