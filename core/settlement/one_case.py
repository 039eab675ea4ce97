"""One case by hand: what a diagnosis, operations and a fee come to at a hospital, by the same stages as the clearing.

The typed case becomes a year of a few rows, one for each group that it could be paid by; catalogue, coefficient, auxiliary
factor, reference mean and branches are those of `standing`, `applied` and `case_scores`, so that a case of the files typed in
comes out as it was cleared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.catalogue import stays as clinical
from core.catalogue import tree
from core.catalogue.entries import Entries, Entry
from core.catalogue.grouper import Path
from core.catalogue.stays import UNKNOWN, Stay
from core.findings import Finding, Severity
from core.money import rounded
from core.progress import SILENT, Progress
from core.rules import case_scores, evaluation, steps
from core.rules import formula as language
from core.rules.bands import ages, dates
from core.rules.case_scores import CaseExplanation
from core.rules.cases import FUNDS, CaseScores, CaseTable
from core.rules.sheet import Clearing, FundSheet, Institution, Title
from core.settlement import applied, coefficients, groups, references
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.arrivals import Arrivals, Reading
from core.settlement.doubts import ordered
from core.settlement.gather import snapshot
from core.settlement.outside import Tally
from core.settlement.runs import stored
from core.settlement.staleness import stale
from core.settlement.standing import Grouped, stand

if TYPE_CHECKING:
    from core.rules.circular import CaseRule, Pack, Step
    from core.storage.workspace import Workspace

# What the stages say of a case that a person who typed it can mend.
ABOUT_ONE = ("age_unknown", "bed_day_without_days")
PAID = ("gross", "due")  # the steps that say what a case is worth; all after them is of the institution's year


@dataclass(frozen=True, slots=True)
class TypedCase:
    """What is known of a case. Amounts in fen, birth weight in grams; None where it is not known.

    operations: the first one is the main operation. day: YYYYMMDD of settlement, 0 for 31 December of the year.
    detail: bands of the auxiliary catalogue as `asst_list_detl` has them, `severity:2|cci:1`. born, admitted: ISO dates, of
    which ages are made before any that is stated, as in the clearing. group: a dip_code chosen by hand; the grouping rule
    is then not asked. booked: hifp_pay, for packs whose payment ratio is the case's own.
    """

    diagnosis: str
    operations: tuple[str, ...] = ()
    other_diagnoses: tuple[str, ...] = ()
    fee: int = 0
    own_pay: int = 0
    other_pay: int = 0
    booked: int | None = None
    age: int | None = None
    age_days: int | None = None
    birth_weight: int | None = None
    gender: int | None = None
    days: int | None = None
    icu_days: int | None = None
    tcm_fee: int | None = None
    detail: str = ""
    born: str = ""
    admitted: str = ""
    day: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the case comes to in one group.

    why, values: why the grouping did not take it, said by `catalogue.telling`, "" for the group taken. score None: it has none
    by this pack. gross: score * point value; pay: what the fund would owe; both yuan, rounded as the pack rounds, None
    without a point value.
    """

    entry: Entry
    rw: Fraction
    score: Fraction | None
    gross: Fraction | None
    pay: Fraction | None
    why: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class OneCase:
    """How a typed case is grouped, scored and paid; whatever cannot be told is None and named in `findings`.

    path: by the grouping rule, None where the group was chosen by hand or the pack has no rule. reference: yuan, None
    where there is none; source: none, given, level, catalogue (`reference.*`). x: fee / reference. explanation: branch, formula
    in words and filled in. point_source: run, given, or ""; run_hash, run_at: the run that a point value, or other figures
    of the region, were taken from. steps: gross and due filled in, by step and language.
    """

    catalogue: str
    set_name: str
    taken: Worth | None
    path: Path | None
    alternatives: tuple[Worth, ...]
    k: Fraction | None
    u: Fraction | None
    reference: Fraction | None
    source: str
    x: Fraction | None
    explanation: CaseExplanation | None
    point_value: Fraction | None
    point_source: str
    run_hash: str
    run_at: str
    steps: Mapping[str, Title]
    findings: tuple[Finding, ...]

    @property
    def rw(self) -> Fraction | None:
        return self.taken.rw if self.taken is not None else None

    @property
    def score(self) -> Fraction | None:
        return self.taken.score if self.taken is not None else None

    @property
    def gross(self) -> Fraction | None:
        return self.taken.gross if self.taken is not None else None

    @property
    def pay(self) -> Fraction | None:
        return self.taken.pay if self.taken is not None else None

    @property
    def blocked(self) -> bool:
        """Something that a score needs is missing; `findings` name it."""
        return any(one.severity == "blocked" for one in self.findings)


def one_case(
    workspace: Workspace,
    year: int,
    pack: Pack,
    case: TypedCase,
    *,
    fund: str,
    institution: str,
    catalogue: str | None = None,
    set_name: str | None = None,
    point_value: Fraction | None = None,
    progress: Progress = SILENT,
) -> OneCase:
    """Group, score and pay of a typed case. Nothing is raised for what is missing: it blocks, and `findings` name it.

    point_value: yuan per point, instead of that of the last run of this year and pack that stands.
    """
    connection = workspace.reader()
    with snapshot(connection):
        ground = _ground(workspace, connection, year, pack, catalogue)
        question = _Question(workspace, connection, year, pack, case, fund, institution, ground, progress)
        return question.answer(set_name, point_value)


@dataclass(frozen=True)
class _Ground:
    """What every case of a year is asked against: kept while the ledger has no new line, since people type letter by letter.

    engine: of the pack's grouping rule, None where it has none. given: imported reference means by group.
    sets: coefficient sets that were asked for, see `coefficients_of`. runs: by fund the last run that stands, and its time.
    """

    version: groups.Version
    engine: own_grouping.Engine | None
    registered: Mapping[str, Institution]
    given: Mapping[str, tuple[references.GivenMean, ...]]
    sets: dict[str | None, tuple[str, Mapping[str, list[coefficients.Part]]] | None] = field(
        default_factory=dict[str | None, tuple[str, Mapping[str, list[coefficients.Part]]] | None]
    )
    runs: dict[str, tuple[Clearing | None, str]] = field(default_factory=dict[str, "tuple[Clearing | None, str]"])

    def coefficients_of(
        self, connection: sqlite3.Connection, name: str | None
    ) -> tuple[str, Mapping[str, list[coefficients.Part]]] | None:
        """Name and content, by institution, of the set that is named or else chosen; None where there is none."""
        if name not in self.sets:
            head = coefficients.choose(connection, name)
            content: dict[str, list[coefficients.Part]] = {}
            for part in coefficients.parts(connection, head.name) if head is not None else ():
                content.setdefault(part.code, []).append(part)
            self.sets[name] = (head.name, content) if head is not None else None
        return self.sets[name]


_kept: dict[tuple[object, ...], _Ground] = {}
KEPT = 2


def _ground(workspace: Workspace, connection: sqlite3.Connection, year: int, pack: Pack, catalogue: str | None) -> _Ground:
    at = (str(workspace.path), workspace.created, years.mark(connection))
    key = (*at, year, pack.id, pack.hash, tuple(sorted(pack.changed.items())), catalogue)
    found = _kept.pop(key, None)
    if found is None:
        for old in list(_kept)[: 1 - KEPT]:
            _kept.pop(old, None)
        version = groups.read(connection, year, catalogue)
        engine = None
        if version.name and pack.grouping is not None:
            engine = own_grouping.engine(connection, pack, version, year)
        given: dict[str, tuple[references.GivenMean, ...]] = {}
        for mean in references.read_given(connection, year - 1):
            given[mean.group] = (*given.get(mean.group, ()), mean)
        found = _Ground(version, engine, years.institutions(connection), given)
    _kept[key] = found
    return found


@dataclass(frozen=True)
class _Money:
    """Where the value of a point is from, and the run whose other figures a pack's formula may ask for."""

    value: Fraction | None
    source: str
    run: Clearing | None
    at: str


@dataclass(frozen=True)
class _Candidate:
    """A group that the case may be paid by; why: "" for the one that was taken."""

    entry: Entry
    why: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class _Scored:
    """The candidates as cases; row: of each candidate among them, None where the pack pays it by its fee."""

    cases: CaseTable
    scores: CaseScores
    row: tuple[int | None, ...]

    def score(self, row: int) -> Fraction:
        return self.scores.score.at(row) if self.scores.score is not None else (self.scores.exact or ())[row]


class _Question:
    """One typed case on its way to an answer; `said` gathers what there is to say about it."""

    def __init__(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        year: int,
        pack: Pack,
        case: TypedCase,
        fund: str,
        institution: str,
        ground: _Ground,
        progress: Progress,
    ) -> None:
        self.workspace, self.connection, self.progress = workspace, connection, progress
        self.year, self.pack, self.case = year, pack, case
        self.fund, self.code = fund, institution
        self.ground, self.version, self.registered = ground, ground.version, ground.registered
        self.said: list[Finding] = []
        self.engine: own_grouping.Engine | None = None  # of the grouping rule, once it was asked

    def say(self, code: str, severity: Severity, value: str = "", **values: str) -> None:
        self.said.append(Finding(code, severity, value=value, values=values))

    @property
    def blocked(self) -> bool:
        return any(one.severity == "blocked" for one in self.said)

    def answer(self, set_name: str | None, point_value: Fraction | None) -> OneCase:
        version = self.version
        self.said += version.findings
        chosen = self.ground.coefficients_of(self.connection, set_name)
        if chosen is None:
            self.say("set_missing", "blocked", value=set_name or "")
        if self.code not in self.registered:
            self.say("case_institution_unknown", "blocked", value=self.code)
        if not self.case.diagnosis.strip() and not self.case.group:
            self.say("case_diagnosis_missing", "blocked")
        if self.case.fee <= 0:
            self.say("case_fee_missing", "blocked")
        path, candidates = self.grouped()
        taken = bool(candidates) and not candidates[0].why
        money = self.money(point_value)
        scored = None
        if chosen is not None and candidates and not self.blocked:
            scored = self.scored(candidates, *chosen, taken)
        if scored is not None and self.blocked:  # what was lacking came up on the way
            scored = None
        worths: list[Worth] = []
        explained: Mapping[str, Title] = {}
        for number, one in enumerate(candidates):
            row = scored.row[number] if scored is not None else None
            if scored is None or row is None:
                rw = one.entry.score or Fraction(0)
                worths.append(Worth(one.entry, rw, None, None, None, one.why, one.values))
                continue
            score = scored.score(row)
            sheet = self.paid(scored, row, score, money, aloud=number == 0)
            gross, due = (sheet.values[step][0] if sheet and step in sheet.values else None for step in PAID)
            worths.append(Worth(one.entry, scored.cases.rw.at(row), score, gross, due, one.why, one.values))
            if number == 0 and taken and sheet is not None:
                explained = {
                    step: steps.explain_step(self.pack, sheet, "institution", self.code, step).filled
                    for step in PAID
                    if step in sheet.values
                }
        first = scored.row[0] if scored is not None and taken else None
        values = case_scores.case_values(scored.cases, first) if scored and first is not None else {}
        return OneCase(
            catalogue=version.name,
            set_name=chosen[0] if chosen is not None else "",
            taken=worths[0] if taken else None,
            path=path,
            alternatives=tuple(worths[1:] if taken else worths),
            k=values.get("k"),
            u=values.get("u"),
            reference=values.get("reference") or None,
            source=references.NAMES[int(scored.cases.reference_source[first])] if scored and first is not None else "",
            x=values.get("x"),
            explanation=case_scores.explain_case(self.pack.case, scored.cases, first, scored.scores)
            if scored and first is not None
            else None,
            point_value=money.value,
            point_source=money.source,
            run_hash=money.run.stamps.run_hash if money.run is not None else "",
            run_at=money.at,
            steps=explained,
            findings=ordered(self.said),
        )

    # -- the group -------------------------------------------------------------------------------------------

    def grouped(self) -> tuple[Path | None, list[_Candidate]]:
        """By hand or by the rule; the group that holds comes first, the others that were looked at after it."""
        version = self.version
        if not version.name:
            return None, []
        if self.case.group:
            chosen = version.entries.get(self.case.group)
            if chosen is None:
                self.say("case_group_unknown", "blocked", value=self.case.group, catalogue=version.name)
                return None, []
            return None, [_Candidate(chosen)]
        self.engine = self.ground.engine
        if self.engine is None:
            self.say("case_rule_missing", "blocked", value=self.pack.id)
            return None, []
        if not self.case.diagnosis.strip():
            return None, []
        self.said += [one for one in self.engine.findings if one.severity == "blocked"]
        stay = self.as_stay()
        path = self.engine.grouper.path(clinical.one(stay), 0)
        self.doubt(path, stay, version.entries)
        rows = version.entries.rows
        candidates = [_Candidate(rows[one.entry], one.why, one.values) for one in path.alternatives]
        if path.entry >= 0:
            return path, [_Candidate(rows[path.entry]), *candidates]
        rule = self.pack.case.ungrouped
        self.say(f"case_ungrouped_{rule}", "blocked" if rule == "block" else "warning")
        return path, candidates

    def as_stay(self) -> Stay:
        """As grouping reads a case."""
        case = self.case
        stated = (np.array([value], np.int64) for value in _stated(case))
        age, age_days = (int(value[0]) for value in ages(dates([case.born]), dates([case.admitted]), *stated))

        def known(value: int | None) -> int:
            return UNKNOWN if value is None else value

        return Stay(
            case.diagnosis.strip(),
            tuple(code.strip() for code in case.operations if code.strip()),
            others=tuple(code.strip() for code in case.other_diagnoses if code.strip()),
            fee=case.fee,
            age=age,
            age_days=age_days,
            birth_weight=known(case.birth_weight),
            days=known(case.days),
            gender=known(case.gender),
            tcm_fee=known(case.tcm_fee),
        )

    def doubt(self, path: Path, stay: Stay, entries: Entries) -> None:
        """Codes that nobody knows, or that the exclusion lists take out."""
        assert self.engine is not None
        looked = {one.code: one.values for one in path.steps}
        if "diagnosis_excluded" in looked:
            self.say("case_diagnosis_excluded", "warning", value=stay.diagnosis)
        elif path.entry < 0 and tree.place(stay.diagnosis).chapter is None:
            self.say("case_diagnosis_unknown", "warning", value=stay.diagnosis)
        dropped = looked.get("operations_dropped", {}).get("codes", "").split(", ")
        for code in dict.fromkeys(stay.operations):
            if code in dropped:
                self.say("case_operation_excluded", "note", value=code)
            elif code not in self.engine.attributes and not any(
                code in one.oprn_code or code in one.rel_oprn_code for one in entries.rows
            ):
                self.say("case_operation_unknown", "warning", value=code)

    # -- the score -------------------------------------------------------------------------------------------

    def scored(
        self,
        candidates: Sequence[_Candidate],
        set_name: str,
        content: Mapping[str, list[coefficients.Part]],
        taken: bool,
    ) -> _Scored:
        """Every candidate as a case of its own, through the stages of the clearing."""
        rule = self.pack.case
        codes = sorted({one.entry.dip_code for one in candidates})
        given = tuple(mean for code in codes for mean in self.ground.given.get(code, ()))
        year = self.as_year(len(candidates), rule, given)
        index = np.array([codes.index(one.entry.dip_code) for one in candidates], np.int32)
        grouped = Grouped("own", tuple(codes), index)
        earlier = partial(years.fees, self.workspace, self.connection, year, self.progress)
        if self.engine is not None:
            earlier = partial(
                own_grouping.earlier, self.workspace, self.connection, year, self.engine, self.progress
            )
        standing = stand(year, self.version, grouped, rule, earlier)
        with_k = applied.apply(standing, content.get(self.code, []), (self.fund,), self.year, set_name)
        self.said += [replace(one, value="1") if one.code == "coefficient_missing" else one for one in with_k.findings]
        mine = str(year.rows.setl_id[0]) if taken else ""
        for one in standing.findings:
            if one.code in ABOUT_ONE and one.subject == mine:
                self.said.append(replace(one, subject=""))
            elif one.code == "number_too_long":
                self.said.append(one)
        scores = case_scores.score(rule, with_k.cases)
        place = {int(row): at for at, row in enumerate(standing.stay.tolist())}
        rows = tuple(place.get(number) for number in range(len(candidates)))
        if taken and (rows[0] is None or int(with_k.cases.group[rows[0]]) < 0):
            severity: Severity = "blocked" if rule.ungrouped == "block" else "warning"
            self.say(f"case_no_score_{rule.ungrouped}", severity, value=candidates[0].entry.dip_code)
        return _Scored(with_k.cases, scores, rows)

    def as_year(self, rows: int, rule: CaseRule, given: tuple[references.GivenMean, ...]) -> years.Year:
        """The case as often as there are candidates, as `year` would have read it from a file."""
        case = self.case

        def whole(value: int) -> NDArray[np.int64]:
            return np.full(rows, value, np.int64)

        def same() -> NDArray[np.int32]:
            return np.zeros(rows, np.int32)

        age, newborn = _stated(case)
        said = tuple(sorted({case.born, case.admitted}))
        ids = np.empty(rows, dtype=object)
        ids[:] = [f"{number:04d}" for number in range(rows)]
        arrived = Arrivals(
            institutions=(self.code,),
            groups=(),
            setl_id=ids,
            fund=np.full(rows, FUNDS.index(self.fund), np.int8),
            institution=same(),
            group=np.full(rows, -1, np.int32),
            given_score=same(),
            given_scores=("",),
            day=whole(case.day or self.year * 10000 + 1231),
            fee=whole(case.fee),
            booked=whole(case.booked or 0),
            own_pay=whole(case.own_pay),
            other_pay=whole(case.other_pay),
            ownpay=None,
            days=whole(-1 if case.days is None else case.days),
            nwb_age=whole(newborn),
            age=whole(age),
            icu_days=whole(-1 if case.icu_days is None else case.icu_days),
            born=same() + said.index(case.born),
            admitted=same() + said.index(case.admitted),
            dates=said,
            detail=same(),
            details=(case.detail,),
            rows=rows,
            out={},
            out_fee={},
            unregistered={},
            tally=Tally({}, {}),
        )
        return years.Year(
            self.year,
            Reading(self.year, self.workspace.region, rule.intra_province, days=True, persons=True),
            self.registered,
            arrived,
            arrived.own_pay,
            np.zeros(rows, np.int8),
            (Fraction(0),),
            whole(0),
            given,
            (),
        )

    # -- the money -------------------------------------------------------------------------------------------

    def money(self, given: Fraction | None) -> _Money:
        """The point value that was typed, else that of the last run of this year and pack that stands."""
        if self.fund not in self.ground.runs:
            self.ground.runs[self.fund] = self.standing_run()
        found, at = self.ground.runs[self.fund]
        if given is not None:
            return _Money(given, "given", found, at)
        if found is None:
            self.say("case_point_value_missing", "warning", year=str(self.year))
            return _Money(None, "", None, "")
        return _Money(found.fund(self.fund).region["point_value"], "run", found, at)

    def standing_run(self) -> tuple[Clearing | None, str]:
        for number, when, funds in self.connection.execute(
            "SELECT id, at, funds FROM run WHERE kind = 'clear' AND year = ? AND pack = ? AND pack_hash = ? ORDER BY id DESC",
            (self.year, self.pack.id, self.pack.hash),
        ).fetchall():
            if self.fund in funds.split(",") and not stale(self.workspace, number):
                return stored(self.connection, number), when
        return None, ""

    def paid(self, scored: _Scored, row: int, score: Fraction, money: _Money, *, aloud: bool) -> FundSheet | None:
        """The case as an institution of its own: gross and due by the pack's formulas, all else as the run has it."""
        if money.value is None:
            return None
        case, sheet = self.case, money.run.fund(self.fund) if money.run is not None else None
        region = {**(sheet.region if sheet is not None else {}), "point_value": money.value}
        own: dict[str, Fraction] = {}
        if sheet is not None:
            for at, one in enumerate(sheet.institutions):
                if one.code == self.code:
                    own = {name: values[at] for name, values in sheet.values.items()}
        own |= {
            "cases": Fraction(1),
            "score": score,
            "base_score": scored.cases.rw.at(row),
            "total_cost": Fraction(case.fee, 100),
            "own_pay": Fraction(case.own_pay, 100),
            "other_pay": Fraction(case.other_pay, 100),
        }
        measured = dict(scored.scores.measures)
        if case.booked is None:
            for name in measured:
                own.pop(name, None)
        else:
            own["booked"] = Fraction(case.booked, 100)
            own |= {name: values.at(row) for name, values in measured.items()}
        for name in PAID:
            own.pop(name, None)
        for step in self.pack.order:
            if step.scope == "institution" and step.id in PAID and step.expr is not None:
                value = self.step(step, {**self.pack.values, **region, **own}, aloud=aloud)
                if value is None:
                    break
                own[step.id] = value
        who = self.registered.get(self.code, Institution(self.code, "", 0))
        return FundSheet(self.fund, (who,), region, {name: (value,) for name, value in own.items()})

    def step(self, step: Step, values: Mapping[str, language.Value], *, aloud: bool) -> Fraction | None:
        """One formula on the case's values; what it lacks is said once."""
        assert step.expr is not None
        asked = language.uses(step.expr)
        lacking = [name for name in asked.names if name not in values]
        if lacking or asked.columns:
            if aloud:
                name = (*lacking, *asked.columns)[0]
                title = self.pack.title_of("institution", name)
                self.said.append(
                    Finding("case_step_lacks", "warning", column=step.id, value=name, values=dict(title))
                )
            return None
        try:
            exact = evaluation.number(step.expr, evaluation.Env(values, {}, self.pack.tables))
        except language.RuleFault as fault:
            if aloud:
                told = {"step": step.id, "formula": step.formula, "place": str(fault.at + 1), "fund": self.fund}
                finding = Finding(f"rule_{fault.code}", "warning", column=step.id, subject=self.code)
                self.said.append(replace(finding, values=told | dict(fault.values)))
            return None
        return exact if step.places is None else rounded(exact, step.places)


def _stated(case: TypedCase) -> tuple[int, int]:
    """Years and days as somebody stated them, UNKNOWN for none; who types days alone means years by them."""
    newborn = UNKNOWN if case.age_days is None else case.age_days
    return max(newborn // 365, UNKNOWN) if case.age is None else case.age, newborn
