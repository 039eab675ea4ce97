"""How a single case came to its group, step by step, and why it did not get the others. Codes and values, no words.

Made by the very look-up that groups all cases, with every tie-break said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.catalogue.combinations import REASONS, Combinations
from core.catalogue.contest import FAR, Candidate, Lookup, View, bare, holding_ties, sorted_by
from core.catalogue.rule_rows import Class, Reading, type_of
from core.catalogue.stays import Stays
from core.money import yuan
from core.rules.grouping import ATTRIBUTES, NEAREST_FEE

# Why a case did not get a group. It fitted: another was better by a tie-break, by the fee, by the code; an earlier search
# had decided; a row of a closer diagnosis was there; a row that asks for operations was. It did not fit: by what.
FITTED = ("lost", "farther", "code", "later", "wider", "behind")
WHYS = (
    *FITTED, "diagnosis", "other_diagnosis", "condition", "attribute", "operations", "main", "bare", "kind", "unreadable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathStep:
    """One thing that was looked at or decided, said by `telling.step`; its words are `grouping.step.CODE`."""

    code: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A group that the case did not get, said by `telling.why`. why: one of WHYS, what stands behind a dot is its kind
    (`lost.parts`: by which tie-break); its words are `grouping.why.WHY`."""

    entry: int
    why: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Path:
    entry: int
    steps: tuple[PathStep, ...]
    alternatives: tuple[Alternative, ...]


class Paths:
    """The paths of single cases by a rule over a catalogue."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.reading: Reading = lookup.reading
        self.entries = self.reading.entries
        self.rule = self.reading.rule

    def of(self, stays: Stays, i: int) -> Path:
        """How case i came to its group, and every other whose diagnosis fits: those that fitted whole first, dearer first."""
        alone = stays.single(i)
        cases = Combinations(self.reading, alone)
        cls, view = cases.view(0)
        fee = int(alone.fee[0])
        steps = list(self._looked(alone, cases, view))
        others: dict[int, Alternative] = {}
        taken: Candidate | None = None
        for choice in self.rule.choices:
            pools: list[list[Candidate]] = []
            for id in choice.among:
                number = self.reading.number[id]
                found = self.lookup.first_rung(number, cls, view)
                if not found:
                    empty = [id]
                    if steps[-1].code == "search_empty":
                        empty.insert(0, steps.pop().values["search"])
                    steps.append(PathStep("search_empty", {"search": ",".join(empty)}))
                    continue
                steps.append(PathStep("search_found", {"search": id, "groups": self._codes(found)}))
                prefer = self.rule.searches[number].prefer
                if not prefer:
                    pools.extend([one] for one in found)
                    continue
                best = self._told(found, prefer, fee, steps, others)
                pools.append([best])
            if pools:
                best_of_each = [pool[0] for pool in pools]
                if len(choice.among) > 1 and len(best_of_each) > 1:
                    steps.append(PathStep("choice", {"choice": choice.id, "groups": self._codes(best_of_each)}))
                taken = self._told(best_of_each, choice.prefer, fee, steps, others)
                break
        if taken is None:
            steps.append(PathStep(f"ungrouped.{REASONS[int(cases.reason[0])]}", {}))
        else:
            entry = self.entries.rows[taken.row.index]
            search = self.rule.searches[taken.search].id
            steps.append(PathStep("taken", {"group": entry.dip_code, "name": entry.dip_name, "search": search}))
            others.pop(taken.row.index, None)
        for index in sorted(self._near(cls)):
            if index not in others and (taken is None or index != taken.row.index):
                others[index] = self._refused(index, cls, view)
        order = sorted(others.values(), key=lambda one: (not fitted(one.why), -self.reading.ranks[one.entry], one.entry))
        return Path(-1 if taken is None else taken.row.index, tuple(steps), tuple(order))

    def why_not(self, stays: Stays, i: int, entry: int) -> Alternative | None:
        """Why case i did not get a group of the catalogue, whichever; None where it did."""
        path = self.of(stays, i)
        if path.entry == entry:
            return None
        for one in path.alternatives:
            if one.entry == entry:
                return one
        row = self.entries.rows[entry]
        kind = type_of(row)
        if not any(search.looks_at(kind, row.stage) for search in self.rule.searches):
            return Alternative(entry, f"kind.{kind}", {})
        if any(finding.subject == row.dip_code for finding in self.reading.findings):
            return Alternative(entry, "unreadable", {"condition": row.condition})
        return Alternative(entry, "diagnosis", {"wanted": row.diag_code, "code": stays.diagnosis_of(i)})

    def _looked(self, alone: Stays, cases: Combinations, view: View) -> Iterator[PathStep]:
        code = alone.diagnosis_of(0)
        if not code:
            yield PathStep("no_diagnosis", {})
        else:
            yield PathStep("diagnosis_excluded" if code in self.reading.no_diagnosis else "diagnosis", {"code": code})
        listed = list(dict.fromkeys(alone.operations_of(0)))
        dropped = [one for one in listed if one in self.reading.no_operation]
        left = [one for one in listed if one not in self.reading.no_operation]
        if dropped:
            yield PathStep("operations_dropped", {"codes": ", ".join(dropped)})
        yield PathStep("operations", {"codes": ", ".join(left)}) if left else PathStep("no_operations", {})
        main = int(cases.main[0])
        if main >= 0 and (self.reading.uses_main or self.rule.attribute_of == "main"):
            replaced = alone.operations[main] != alone.main_of(0)
            yield PathStep("main_replaced" if replaced else "main", {"code": alone.operations[main]})
        yield PathStep(f"attribute.{ATTRIBUTES[view.attribute]}", {})

    def _told(
        self,
        found: Sequence[Candidate],
        prefer: Sequence[str],
        fee: int,
        steps: list[PathStep],
        others: dict[int, Alternative],
    ) -> Candidate:
        """The best by the tie-breaks, one after the other, each that parts them said."""
        left = list(found)
        for tie in holding_ties(prefer, found):
            if len(left) == 1:
                return left[0]
            rank = {id(one): self._distance(one, fee) if tie == NEAREST_FEE else one.keys[tie] for one in left}
            best = min(rank.values())
            gone = [one for one in left if rank[id(one)] > best]
            left = [one for one in left if rank[id(one)] == best]
            groups = {"groups": self._codes(left)}
            for one in gone:
                if tie != NEAREST_FEE:
                    why, values = f"lost.{tie}", groups
                elif rank[id(one)] == FAR:
                    why, values = "farther.unknown", groups
                else:
                    why, values = "farther.by", groups | {"distance": yuan(rank[id(one)]), "best": yuan(best)}
                others[one.row.index] = Alternative(one.row.index, why, values)
            if gone:
                by_fee = {"fee": yuan(fee), "best": yuan(best)} if tie == NEAREST_FEE else {}
                steps.append(PathStep(f"tie.{tie}", groups | by_fee))
        left = sorted_by(left, ())
        for one in left[1:]:
            if one.row.index != left[0].row.index:
                others[one.row.index] = Alternative(one.row.index, "code", {"groups": self._codes(left[:1])})
        if len({one.row.index for one in left}) > 1:
            steps.append(PathStep("code", {"groups": self._codes(left[:1])}))
        return left[0]

    @staticmethod
    def _distance(one: Candidate, fee: int) -> int:
        return abs(fee - one.row.mean_fee) if one.row.mean_fee else FAR

    def _codes(self, found: Sequence[Candidate]) -> str:
        return ", ".join(dict.fromkeys(self.entries.rows[one.row.index].dip_code for one in found))

    @staticmethod
    def _near(found: Class) -> set[int]:
        return {row.index for ladder in found.rungs for rung in ladder for row in rung}

    def _refused(self, index: int, cls: Class, view: View) -> Alternative:
        """Why a row whose diagnosis fits was not looked at, or did not belong; the best that any search says."""
        entry = self.entries.rows[index]
        first: Alternative | None = None
        for number, ladder in enumerate(cls.rungs):
            search = self.rule.searches[number]
            found = {one.row.index for one in self.lookup.first_rung(number, cls, view)}
            for rung in ladder:
                row = next((one for one in rung if one.index == index), None)
                if row is None:
                    continue
                values: dict[str, str] = {}
                if row.other >= 0 and row.other not in view.met:
                    why, values = "other_diagnosis", {"wanted": entry.oth_diag_code}
                elif row.condition >= 0 and row.condition not in view.holding:
                    why, values = "condition", {"condition": entry.condition}
                elif search.attribute and row.attribute != view.attribute:
                    why = f"attribute.{entry.attribute or 'none'}"
                elif not self.lookup.belongs(search, row, view):
                    parts = (*row.needed, *row.related)
                    missing = [self.rule.any_of[:1].join(sorted(part)) for part in parts if part.isdisjoint(view.have)]
                    why, values = ("operations", {"missing": ", ".join(missing)}) if missing else ("main", {})
                elif index in found:
                    why, values = "later", {"search": search.id}
                elif not row.named and not bare(search, view):
                    why = f"bare.{search.bare}"
                else:
                    why = "behind" if found & {one.index for one in rung} else "wider"
                told = Alternative(index, why, values)
                if fitted(why):
                    return told
                first = first or told
        assert first is not None
        return first


def fitted(why: str) -> bool:
    """Whether the case could have had the group, had no other been better."""
    return why.partition(".")[0] in FITTED
