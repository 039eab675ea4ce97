"""What explains a single figure of an institution, where the list of cases does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.money import rounded
from core.progress import Progress
from core.rules import case_scores
from core.rules.cases import FUNDS, Ints, Scaled
from core.settlement import coefficients, official
from core.settlement.annual import Scored, taken
from core.settlement.bridge import OF_CASES
from core.settlement.case_split import of_sum
from core.settlement.causes import COEFFICIENT, DATE, EXTRA, ORDER
from core.settlement.official import OfficialCases, OfficialSheet
from core.settlement.scene import ENDLESS, Scene

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace


class SingleFigures:
    """What explains a single figure of an institution: another day's coefficient, a sum of what was rounded case by case,
    or, without a list of cases, a guess that gives all its cases together the bureau's score."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        pack: Pack,
        scored: Scored,
        listed: OfficialCases,
        number: int,
        codes: Sequence[str],
        sheet: OfficialSheet,
        given: Mapping[str, Sequence[Fraction]],
        strangers: set[str],
        progress: Progress,
    ) -> None:
        """strangers: institutions with cases in the list whose money is known nowhere here."""
        self.workspace, self.connection, self.pack, self.scored = workspace, connection, pack, scored
        self.listed, self.number, self.codes, self.sheet, self.progress = listed, number, codes, sheet, progress
        self.given, self.strangers = given, strangers
        self._known: dict[tuple[str, int, Fraction], str] = {}

    def __call__(self, step: str, i: int, other: Fraction) -> str:
        key = (step, i, other)
        if key not in self._known:
            self._known[key] = self._told(*key)
        return self._known[key]

    def _told(self, step: str, i: int, other: Fraction) -> str:
        if step == "coefficient":
            parts = coefficients.parts(self.connection, self.scored.inputs.stamps.set_name)
            line = coefficients.timelines(parts, FUNDS[self.number]).get(self.codes[i])
            return DATE if line is not None and other in line.values else COEFFICIENT
        of_cases = step in OF_CASES or step in self.scored.scores.measures
        if of_cases and self.codes[i] in self.strangers:
            return EXTRA
        if step not in ("score", "gross", "due"):
            return ""
        cases = self.scored.inputs.cases
        if self.codes[i] not in cases.institutions:
            return ""
        mine = np.flatnonzero(
            (cases.fund == self.number) & (cases.institution == cases.institutions.index(self.codes[i]))
        )
        if step == "score":
            return self._score(mine, other)
        return self._money(step, mine, i, other)

    def _score(self, mine: Ints, other: Fraction) -> str:
        scores = case_scores.score(replace(self.pack.case, places=None), taken(self.scored.inputs.cases, mine))
        whole = sum(scores.exact or (), Fraction(0))
        if any(rounded(whole, places) == other for places in range(2, ENDLESS + 1)):
            return ORDER
        if bool((self.listed.at >= 0).any()) and bool(np.isin(mine, self.listed.at).any()):
            return ""
        blank = np.full(len(mine), -1, np.int64)
        scene = Scene(
            self.workspace, self.connection, self.pack, self.scored, _unstated(self.listed), mine, blank, self.progress
        )
        return of_sum(scene, other)

    def _money(self, step: str, mine: Ints, i: int, other: Fraction) -> str:
        """Whether each case was turned into money and rounded before adding up."""
        worth = self.sheet.region.get("point_value")
        scores = self.scored.scores.score
        if worth is None or scores is None:
            return ""
        values = {int(one): scores.at(int(one)) for one in mine}
        rows = np.flatnonzero((self.listed.at >= 0) & self.listed.score.there)
        for row in rows[np.isin(self.listed.at[rows], mine)].tolist():
            values[int(self.listed.at[row])] = self.listed.score.value.at(row)
        gross = sum((rounded(value * worth, 2) for value in values.values()), Fraction(0))
        if step == "due":
            of = self.sheet.institutions
            for name in ("own_pay", "other_pay"):
                gross -= of.get(name, {}).get(self.codes[i], self.given[name][i])
        return ORDER if gross == other else ""


def _unstated(listed: OfficialCases) -> OfficialCases:
    """A list of one row that says nothing."""
    nothing = official.Stated(Scaled(np.zeros(1, np.int64), listed.score.value.places), np.zeros(1, bool))
    zero = np.zeros(1, np.int32)
    return replace(
        listed, setl_id=np.array([""], dtype=object), at=np.array([-1]), codes=("",), code=zero, groups=("",), group=zero,
        deviations=("",), deviation=zero, rw=nothing, coefficient=nothing, factor=nothing, score=nothing,
        point_value=nothing, pay=nothing, listed=np.zeros(1, bool),
    )  # fmt: skip
