"""The inputs of one fund's steps: who is listed, the region's facts, and each institution's sums and facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.findings import Finding
from core.money import plain
from core.rules.cases import FUNDS
from core.rules.sheet import Institution
from core.settlement import facts, outside
from core.settlement.standing import Standing

if TYPE_CHECKING:
    from core.rules.circular import Pack

OTHER = "other:"  # budget items for payment methods beside DIP


def overspent(pack: Pack, region: Mapping[str, Fraction], institutions: int) -> Fraction:
    """Yuan that the fund pays beyond what it has for DIP; 0 where rounding alone brings as much.

    What rounding brings: half of the point value's last place on every point, some fen on every institution.
    """
    if "dip_paid" not in region or "fund_available" not in region:
        return Fraction(0)
    over = region["dip_paid"] - region["fund_available"]
    places = next((step.places for step in pack.scope("region") if step.id == "point_value"), None)
    slack = Fraction(institutions * 3, 100)
    if places is not None:
        slack += region.get("score_total", Fraction(0)) / (2 * 10**places)
    return over if over > slack else Fraction(0)


def any_case(standing: Standing, fund: str) -> bool:
    n = len(standing.rows.institutions)
    f = FUNDS.index(fund)
    return bool(standing.listed[f * n : (f + 1) * n].any())


def listed(standing: Standing, fund: str, fact: facts.Facts) -> tuple[Institution, ...]:
    """Institutions with cases in scope, payments or deductions, by code; level 0 where the register lacks one."""
    codes = standing.rows.institutions
    f = FUNDS.index(fund)
    present = {code for i, code in enumerate(codes) if standing.listed[f * len(codes) + i]} | set(fact.paid)
    return tuple(standing.registered.get(code, Institution(code, "", 0)) for code in sorted(present))


def region_inputs(
    pack: Pack, standing: Standing, fact: facts.Facts, fund: str, present: Sequence[Institution], year: int
) -> tuple[dict[str, Fraction], list[Finding]]:
    """The region's inputs: yuan, or rows; an item that the pack takes in and nobody gave blocks."""
    values: dict[str, Fraction] = {}
    lacking: list[Finding] = []
    counted = outside.of_region(standing.rows.tally, fund, [one.code for one in present])
    for name in pack.inputs("region"):
        if name in counted:
            values[name] = counted[name]
            continue
        if name == "budget":
            amount = fact.budget.get("dip_budget", 0) + fact.budget.get("dip_topup", 0)
        elif name == "other_budget":
            amount = sum(fen for item, fen in fact.budget.items() if item.startswith(OTHER))
        else:
            amount = fact.budget.get(name, 0)
            if name not in fact.budget and name not in facts.NEEDED:
                lacking.append(
                    Finding(
                        "budget_missing", "blocked", column=name, subject=fund, values={"year": str(year)}
                    )
                )
        values[name] = Fraction(amount, 100)
    return values, lacking


def institution_inputs(
    pack: Pack,
    standing: Standing,
    fund: str,
    present: Sequence[Institution],
    fact: facts.Facts,
    assessed: Mapping[str, Fraction],
) -> dict[str, tuple[Fraction, ...]]:
    """The institutions' inputs except `coefficient`, and except `score` and the pack's measures, which come from the cases."""
    codes = standing.rows.institutions
    f = FUNDS.index(fund)
    place = {code: f * len(codes) + i for i, code in enumerate(codes)}
    at = [place.get(one.code, -1) for one in present]

    def summed(values: Sequence[int], scale: int) -> tuple[Fraction, ...]:
        return tuple(Fraction(int(values[i]), scale) if i >= 0 else Fraction(0) for i in at)

    result = {
        "cases": summed(standing.sums["cases"], 1),
        "base_score": summed(standing.sums["base_score"], 10**standing.rw.places),
        "by_item": summed(standing.by_item, 100),
        "assessment_score": tuple(assessed.get(one.code, Fraction(0)) for one in present),
    }
    for name in ("total_cost", "booked", "own_pay", "other_pay"):
        result[name] = summed(standing.sums[name], 100)
    for name in (*facts.PAYMENTS.values(), *facts.DEDUCTIONS.values()):
        result[name] = tuple(Fraction(fact.paid.get(one.code, {}).get(name, 0), 100) for one in present)
    # Packs of before asked for none of these: what they stood on stays what it was, to the hash.
    left = Counter(standing.left.values())
    more = outside.of_institutions(standing.rows.tally, fund, [one.code for one in present])
    more["by_item_cases"] = tuple(Fraction(left[i]) for i in at)
    return result | {name: more[name] for name in pack.inputs("institution") if name in more}


def coefficient_input(
    present: Sequence[Institution], own: Mapping[str, Fraction], fund: str
) -> tuple[tuple[Fraction, ...], list[Finding]]:
    """The institutions' own k on 31 December; 0 where there is none, and said so."""
    lacking = [
        Finding("coefficient_absent", "note", subject=one.code, values={"fund": fund})
        for one in present
        if one.code not in own
    ]
    return tuple(own.get(one.code, Fraction(0)) for one in present), lacking


def outside_doubts(
    region: Mapping[str, Fraction],
    institution: Mapping[str, Sequence[Fraction]],
    fact: facts.Facts,
    fund: str,
    year: int,
) -> list[Finding]:
    """Payment outside DIP that no budget item stands for, and institutions that it went to without a row on the sheet."""
    if "unlisted_paid" not in region:
        return []
    unlisted = region["unlisted_paid"]
    paid = unlisted + sum((sum(institution[f"{method}_paid"], Fraction(0)) for method in outside.METHODS), Fraction(0))
    said: list[Finding] = []
    if region["unlisted_cases"]:
        values = {"fund": fund, "amount": plain(unlisted, 2)}
        said.append(Finding("outside_unlisted", "note", value=plain(region["unlisted_cases"]), values=values))
    if paid and not any(item.startswith(OTHER) for item in fact.budget):
        said.append(
            Finding("outside_no_budget", "note", subject=fund, value=plain(paid, 2), values={"year": str(year)})
        )
    return said
