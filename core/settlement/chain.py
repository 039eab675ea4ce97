"""A clearing's chain run again on the same facts, with other assessment scores or other tables: exact, and at once.

Scores of cases do not hang on the assessment or on the tables of sharing: what a clearing was given stands in its sheets, and
the pack's steps on it give what a full clearing would.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.settlement import annual

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.sheet import Clearing, FundSheet

SCORE = "assessment_score"


def again(
    clearing: Clearing, *, pack: Pack | None = None, scores: Mapping[str, Fraction] | None = None
) -> tuple[FundSheet, ...]:
    """Every fund's sheet as it would be. scores: institution -> percent, others keep theirs. pack: in place of the clearing's.

    Refused: chain_other_facts where the pack takes in what the clearing was not given, rule_failed as a clearing.
    """
    pack = pack or clearing.pack
    found: list[FundSheet] = []
    for sheet in clearing.funds:
        lacking = [
            *(name for name in pack.inputs("region") if name not in sheet.region),
            *(name for name in pack.inputs("institution") if name not in sheet.values),
        ]
        if lacking:
            raise Refused("chain_other_facts", pack=pack.id, names=lacking)
        given = {name: sheet.values[name] for name in pack.inputs("institution")}
        if scores and SCORE in given:
            given[SCORE] = tuple(
                scores.get(one.code, own) for one, own in zip(sheet.institutions, given[SCORE], strict=True)
            )
        region = {name: sheet.region[name] for name in pack.inputs("region")}
        found.append(annual.fund_sheet(pack, sheet.fund, sheet.institutions, region, given, sheet.budget_lines))
    return tuple(found)
