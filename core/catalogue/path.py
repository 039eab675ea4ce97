"""How a single case came to its group, step by step, and why it did not get the others. Codes and values, no words.

Made by the very look-up that groups all cases, with every tie-break said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.catalogue.combinations import REASONS, Combinations
from core.catalogue.contest import FAR, Candidate, Lookup, View, bare, holding_ties, sorted_by
from core.catalogue.rule_rows import Class, Reading, Row, type_of
from core.catalogue.stays import Stays
from core.money import yuan
from core.rules.grouping import ATTRIBUTES, NEAREST_FEE, Choice

# Why a case did not get a group. It fitted: another was better by a tie-break, by the fee, by the code; an earlier search
# had decided; a row of a closer diagnosis was there; a row that asks for operations was. It did not fit: by what.
FITTED = ("lost", "farther", "code", "later", "wider", "behind")
WHYS = (
    *FITTED, "diagnosis", "excluded", "other_diagnosis", "condition", "attribute", "operations", "related", "main", "bare",
    "kind", "unreadable", "unconditional",
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
        others: dict[int, Alternative] = {}
        steps, taken, _ = self.decided(self.found(cls, view), int(alone.fee[0]), int(cases.reason[0]), others)
        index = -1 if taken is None else taken.row.index
        others.pop(index, None)
        for near in sorted(self._near(cls)):
            if near not in others and near != index:
                others[near] = self._refused(near, cls, view)
        order = sorted(others.values(), key=lambda one: (not fitted(one.why), -self.reading.ranks[one.entry], one.entry))
        return Path(index, (*self.looked(alone, 0, cases), *steps), tuple(order))

    def why_not(self, stays: Stays, i: int, entry: int) -> Alternative | None:
        """Why case i did not get a group of the catalogue, whichever; None where it did."""
        path = self.of(stays, i)
        if path.entry == entry:
            return None
        near = next((one for one in path.alternatives if one.entry == entry), None)
        return near or self.far(entry, stays.diagnosis_of(i))

    def far(self, entry: int, code: str) -> Alternative:
        """Why a group is not even looked at for a principal diagnosis that none of its searches finds it by."""
        row = self.entries.rows[entry]
        why = self.reading.unread(entry)
        if why:
            return Alternative(entry, f"kind.{type_of(row)}" if why == "kind" else why, {"condition": row.condition})
        if code in self.reading.no_diagnosis:
            return Alternative(entry, "excluded", {"code": code})
        return Alternative(entry, "diagnosis", {"wanted": row.diag_code, "code": code})

    def looked(self, stays: Stays, i: int, cases: Combinations) -> Iterator[PathStep]:
        """What the rule looks at in case i, before any group."""
        code = stays.diagnosis_of(i)
        if not code:
            yield PathStep("no_diagnosis", {})
        else:
            yield PathStep("diagnosis_excluded" if code in self.reading.no_diagnosis else "diagnosis", {"code": code})
        listed = list(dict.fromkeys(stays.operations_of(i)))
        dropped = [one for one in listed if one in self.reading.no_operation]
        left = [one for one in listed if one not in self.reading.no_operation]
        if dropped:
            yield PathStep("operations_dropped", {"codes": ", ".join(dropped)})
        yield PathStep("operations", {"codes": ", ".join(left)}) if left else PathStep("no_operations", {})
        main = int(cases.main[i])
        if main >= 0 and (self.reading.uses_main or self.rule.attribute_of == "main"):
            replaced = main != int(stays.main[i])
            yield PathStep("main_replaced" if replaced else "main", {"code": stays.operations[main]})
        yield PathStep(f"attribute.{ATTRIBUTES[int(cases.rank[i])]}", {})

    def found(self, cls: Class, view: View) -> list[tuple[Choice, list[tuple[str, list[Candidate]]]]]:
        """The choices up to the one that decides, with what each of their searches finds; the same whatever the fee."""
        choices: list[tuple[Choice, list[tuple[str, list[Candidate]]]]] = []
        for choice in self.rule.choices:
            searched = [(id, self.lookup.first_rung(self.reading.number[id], cls, view)) for id in choice.among]
            choices.append((choice, searched))
            if any(found for _, found in searched):
                break
        return choices

    def decided(
        self,
        choices: Sequence[tuple[Choice, Sequence[tuple[str, Sequence[Candidate]]]]],
        fee: int,
        reason: int,
        others: dict[int, Alternative],
    ) -> tuple[list[PathStep], Candidate | None, bool]:
        """The steps from what was found to the group taken, and whether the fee had a say. others: gets who lost, and why."""
        steps: list[PathStep] = []
        by_fee = False
        for choice, searched in choices:
            pools: list[Candidate] = []
            for id, found in searched:
                if not found:
                    empty = [id]
                    if steps and steps[-1].code == "search_empty":
                        empty.insert(0, steps.pop().values["search"])
                    steps.append(PathStep("search_empty", {"search": ",".join(empty)}))
                    continue
                steps.append(PathStep("search_found", {"search": id, "groups": self._codes(found)}))
                prefer = self.rule.search(id).prefer
                if prefer:
                    best, asked = self._told(found, prefer, fee, steps, others)
                    pools.append(best)
                    by_fee |= asked
                else:
                    pools.extend(found)
            if not pools:
                continue
            if len(choice.among) > 1 and len(pools) > 1:
                steps.append(PathStep("choice", {"choice": choice.id, "groups": self._codes(pools)}))
            taken, asked = self._told(pools, choice.prefer, fee, steps, others)
            entry = self.entries.rows[taken.row.index]
            search = self.rule.searches[taken.search].id
            steps.append(PathStep("taken", {"group": entry.dip_code, "name": entry.dip_name, "search": search}))
            return steps, taken, by_fee or asked
        steps.append(PathStep(f"ungrouped.{REASONS[reason]}", {}))
        return steps, None, by_fee

    def _told(
        self,
        found: Sequence[Candidate],
        prefer: Sequence[str],
        fee: int,
        steps: list[PathStep],
        others: dict[int, Alternative],
    ) -> tuple[Candidate, bool]:
        """The best by the tie-breaks, one after the other, each that parts them said; and whether the fee was asked."""
        left = list(found)
        by_fee = False
        for tie in holding_ties(prefer, found):
            if len(left) == 1:
                break
            by_fee |= tie == NEAREST_FEE
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
                fees = {"fee": yuan(fee), "best": yuan(best)} if tie == NEAREST_FEE else {}
                steps.append(PathStep(f"tie.{tie}", groups | fees))
        left = sorted_by(left, ())
        for one in left[1:]:
            if one.row.index != left[0].row.index:
                others[one.row.index] = Alternative(one.row.index, "code", {"groups": self._codes(left[:1])})
        if len({one.row.index for one in left}) > 1:
            steps.append(PathStep("code", {"groups": self._codes(left[:1])}))
        return left[0], by_fee

    @staticmethod
    def _distance(one: Candidate, fee: int) -> int:
        return abs(fee - one.row.mean_fee) if one.row.mean_fee else FAR

    def _codes(self, found: Sequence[Candidate]) -> str:
        return ", ".join(dict.fromkeys(self.entries.rows[one.row.index].dip_code for one in found))

    def _lacking(self, row: Row, view: View) -> tuple[str, dict[str, str]]:
        """What of a row's operations the case has not: its own before the related ones; else the main one is another."""
        for why, parts in (("operations", row.needed), ("related", row.related)):
            missing = [self.rule.any_of[:1].join(sorted(part)) for part in parts if part.isdisjoint(view.have)]
            if missing:
                return why, {"missing": ", ".join(missing)}
        return "main", {}

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
                    why, values = self._lacking(row, view)
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


class Trails:
    """The paths of many cases in words. A path is a case's own: what is common to several is looked up and said once."""

    def __init__(self, paths: Paths, stays: Stays, said: Callable[[Sequence[PathStep]], str], between: str) -> None:
        self.paths = paths
        self.stays = stays
        self.cases = Combinations(paths.reading, stays)
        self._combination = self.cases.combinations()[0]
        self._said = said
        self._between = between
        self._looked: dict[tuple[int, int, bytes], str] = {}
        self._decided: dict[tuple[int, int], str] = {}
        self._found: dict[int, list[tuple[Choice, list[tuple[str, list[Candidate]]]]]] = {}

    def of(self, i: int) -> str:
        return f"{self._head(i)}{self._between}{self._tail(i)}"

    def _head(self, i: int) -> str:
        stays = self.stays
        done = stays.operation[stays.operation_start[i] : stays.operation_start[i + 1]].tobytes()
        key = int(stays.diagnosis[i]), int(stays.main[i]), done
        text = self._looked.get(key)
        if text is None:
            text = self._looked[key] = self._said(list(self.paths.looked(stays, i, self.cases)))
        return text

    def _tail(self, i: int) -> str:
        number, reason = int(self._combination[i]), int(self.cases.reason[i])
        text = self._decided.get((number, reason))
        if text is not None:
            return text
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = self.paths.found(*self.cases.view(i))
        steps, _, by_fee = self.paths.decided(found, int(self.stays.fee[i]), reason, {})
        text = self._said(steps)
        if not by_fee:
            self._decided[number, reason] = text
        return text


def fitted(why: str) -> bool:
    """Whether the case could have had the group, had no other been better."""
    return why.partition(".")[0] in FITTED
