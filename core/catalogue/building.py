"""Groups from the cases themselves, where there is no catalogue yet: core, with related operation, composite.

A core group is a diagnosis of four characters (`K35.3`) with its main operation, or without one, and enough cases. A related
operation gets a group of its own where it makes the case dearer by the rule's share. What is below the threshold goes to a
diagnosis of three characters and an attribute; what is still below it makes no group, and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.catalogue.entries import ATTRIBUTES, Entry, Exclusions
from core.catalogue.history import Clinical, History
from core.catalogue.spread import Weights, counts, totals
from core.faults import Usage
from core.findings import Finding
from core.progress import Progress, step
from core.rules.cases import Ints
from core.rules.scoring import ScoreRule

# Places of a case without group, see `scores.DROPPED`.
NO_DIAGNOSIS, EXCLUDED, BELOW = -4, -5, -6
# How files name them: the national names of the attributes, which also end the code of a composite group (`K35:相关手术组`).
CONSERVATIVE = "保守治疗"
NAMES = ("内科诊疗组", "诊断性操作组", "治疗性操作组", "相关手术组")
ATTRIBUTE_NAMES: Mapping[str, str] = dict(zip(ATTRIBUTES, NAMES, strict=True))


@dataclass(frozen=True, slots=True)
class Related:
    """A related operation that was tried. mean, reference: fen; rise = mean / reference - 1.

    reference: cases of the same diagnosis and main operation without any related one; where they are below the threshold, those
    without this one. why: made, below_rise, taken (what dearer ones left of it is too few, or no longer dearer), always
    (no case is without it). A case with several that qualify goes to the one with the greatest rise.
    """

    diag_code: str
    oprn_code: str
    rel_oprn_code: str
    cases: int
    mean: Fraction
    reference_cases: int
    reference: Fraction | None
    rise: Fraction | None
    why: str


@dataclass(frozen=True)
class Built:
    """entries: sorted by dip_code, without scores. place: index among them for each case, below 0 see above."""

    entries: tuple[Entry, ...]
    place: Ints
    related: tuple[Related, ...]
    threshold: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Coded:
    """Cases by small indices. four, three: diagnosis (-1 none); main: operation, 0 for none; pair: list of operations."""

    fours: list[str]
    threes: list[str]
    mains: list[str]
    four: Ints
    three: Ints
    main: Ints
    attribute: Ints
    pair: Ints
    related: list[tuple[str, ...]]
    lost: Ints


def build(
    rule: ScoreRule,
    past: History,
    attributes: Mapping[str, str],
    exclusions: Exclusions,
    operation_names: Mapping[str, str],
    progress: Progress,
) -> Built:
    """Usage("scores_not_clinical") where the history was read without diagnoses and operations."""
    clinical = past.clinical
    if clinical is None:
        raise Usage("scores_not_clinical")
    findings: list[Finding] = []
    coded = _coded(rule, clinical, attributes, exclusions, findings)
    place = np.where(coded.lost < 0, coded.lost, BELOW)
    fit = np.flatnonzero(coded.lost == 0)
    last = past.year[fit] == len(past.years) - 1
    counted = last if rule.threshold_years == "last" else np.ones(len(fit), bool)
    keys, cell = np.unique(coded.four[fit] * len(coded.mains) + coded.main[fit], return_inverse=True)
    cell = cell.astype(np.int64)
    size = counts(cell[counted], len(keys))
    threshold = _threshold(rule, size)
    core = size >= threshold
    step(progress, "build_groups", 1, 3)
    owner, made, tried = _related(rule, past, coded, fit, cell, keys, core, counted, threshold)
    step(progress, "build_groups", 2, 3)
    # What related groups left of a core group must still be enough for one.
    plain_case = (owner < 0) & core[cell]
    left = counts(cell[plain_case & counted], len(keys)) >= threshold
    plain_case &= left[cell]
    names = _diagnosis_names(clinical, coded)
    entries: list[Entry] = []
    for k in np.flatnonzero(left).tolist():
        four, main = divmod(int(keys[k]), len(coded.mains))
        entries.append(_core(coded, four, main, "", names, attributes, operation_names))
    number = np.full(len(keys), -1, np.int64)
    number[np.flatnonzero(left)] = np.arange(len(entries))
    found = np.where(plain_case, number[cell], -1)
    found = np.where(owner >= 0, owner + len(entries), found)
    for k, related in made:
        four, main = divmod(int(keys[k]), len(coded.mains))
        entries.append(_core(coded, four, main, related, names, attributes, operation_names))
    rest = np.flatnonzero(found < 0)
    composite, where = np.unique(
        coded.three[fit[rest]] * len(ATTRIBUTES) + coded.attribute[fit[rest]], return_inverse=True
    )
    where = where.astype(np.int64)
    enough = counts(where[counted[rest]], len(composite)) >= rule.least
    number = np.full(len(composite), BELOW, np.int64)
    for k in np.flatnonzero(enough).tolist():
        three, attribute = divmod(int(composite[k]), len(ATTRIBUTES))
        number[k] = len(entries)
        entries.append(_composite(coded.threes[three], ATTRIBUTES[attribute], names))
    if len(rest):
        found[rest] = number[where]
    order = sorted(range(len(entries)), key=lambda i: entries[i].dip_code)
    rank = np.empty(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = BELOW
    place[fit] = rank[np.where(found < 0, len(order), found)]
    step(progress, "build_groups", 3, 3)
    return Built(tuple(entries[i] for i in order), place, tuple(tried), threshold, tuple(findings))


def _coded(
    rule: ScoreRule,
    clinical: Clinical,
    attributes: Mapping[str, str],
    exclusions: Exclusions,
    findings: list[Finding],
) -> _Coded:
    fours = sorted({code[:5] for code in clinical.diagnoses if code})
    threes = sorted({code[:3] for code in clinical.diagnoses if code})
    four_of, three_of = ({code: i for i, code in enumerate(codes)} for codes in (fours, threes))
    lost = np.array(
        [NO_DIAGNOSIS if not code else EXCLUDED if code in exclusions.diagnosis else 0 for code in clinical.diagnoses] or [0],
        np.int64,
    )[clinical.diagnosis]
    lists = [
        [code for code in dict.fromkeys(text.split("|")) if code and code not in exclusions.operation]
        for text in clinical.operation_lists
    ]
    mains = ["", *sorted({codes[0] for codes in lists if codes})]
    main_of = {code: i for i, code in enumerate(mains)}
    rank = {code: _rank(attributes.get(code, "")) for code in {code for codes in lists for code in codes}}
    attribute = [
        (max(rank[code] for code in codes) if rule.attribute == "highest" else rank[codes[0]]) if codes else 0
        for codes in lists
    ]
    unknown = sorted(code for code in rank if code not in attributes)
    if unknown:
        values = {"codes": ", ".join(unknown[:12]) + (" …" if len(unknown) > 12 else "")}
        findings.append(Finding("score_attribute_unknown", "warning", value=str(len(unknown)), values=values))
    return _Coded(
        fours,
        threes,
        mains,
        np.array([four_of.get(code[:5], -1) for code in clinical.diagnoses] or [0], np.int64)[clinical.diagnosis],
        np.array([three_of.get(code[:3], -1) for code in clinical.diagnoses] or [0], np.int64)[clinical.diagnosis],
        np.array([main_of[codes[0]] if codes else 0 for codes in lists] or [0], np.int64)[clinical.operated],
        np.array(attribute or [0], np.int64)[clinical.operated],
        clinical.operated.astype(np.int64),
        [tuple(sorted(codes[1:])) for codes in lists],
        lost,
    )


def _rank(attribute: str) -> int:
    """Place among ATTRIBUTES; intervention is surgery, an unknown one conservative."""
    if attribute == "intervention":
        attribute = "surgery"
    return ATTRIBUTES.index(attribute) if attribute in ATTRIBUTES else 0


def _threshold(rule: ScoreRule, size: Ints) -> int:
    """The least cases of a core group: the number, or the size of the last group that the coverage needs."""
    if rule.threshold == "count" or not len(size):
        return rule.least
    descending = np.sort(size)[::-1]
    wanted = rule.coverage.numerator * int(size.sum())
    covered = np.cumsum(descending) * rule.coverage.denominator
    return max(1, int(descending[min(int(np.searchsorted(covered, wanted)), len(size) - 1)]))


def _related(
    rule: ScoreRule,
    past: History,
    coded: _Coded,
    fit: Ints,
    cell: Ints,
    keys: Ints,
    core: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    threshold: int,
) -> tuple[Ints, list[tuple[int, str]], list[Related]]:
    """For each fitting case the related group it goes to (-1: none), those groups as (cell, operation), and what was tried."""
    owner = np.full(len(fit), -1, np.int64)
    made: list[tuple[int, str]] = []
    tried: list[Related] = []
    codes = sorted({code for codes in coded.related for code in codes})
    of_code = {code: i for i, code in enumerate(codes)}
    lengths = np.array([len(one) for one in coded.related] or [0], np.int64)
    flat = np.array([of_code[code] for one in coded.related for code in one] or [0], np.int64)
    start = np.cumsum(lengths) - lengths
    pair = coded.pair[fit]
    operated = core[cell] & (coded.main[fit] > 0)
    rows = np.flatnonzero(operated & (lengths[pair] > 0))
    if not len(rows):
        return owner, made, tried
    many = lengths[pair[rows]]
    spread = np.repeat(rows, many)
    inner = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    key = cell[spread] * len(codes) + flat[np.repeat(start[pair[rows]], many) + inner]
    order = np.argsort(key, kind="stable")
    key, spread = key[order], spread[order]
    found, first = np.unique(key, return_index=True)
    ends = np.append(first[1:], len(key))
    enough = counts(np.searchsorted(found, key[counted[spread]]), len(found)) >= threshold
    year, fee, years = past.year[fit].astype(np.int64), past.fee[fit], len(past.years)
    whole = _by_year(cell, year, fee, len(keys), years)
    bare = operated & (lengths[pair] == 0)
    alone = _by_year(cell[bare], year[bare], fee[bare], len(keys), years)
    carried = _by_year(np.repeat(np.arange(len(found)), ends - first), year[spread], fee[spread], len(found), years)
    weigh = Weights(rule).ratio
    qualified: dict[int, list[tuple[Fraction, Related, Ints]]] = {}
    for at in np.flatnonzero(enough).tolist():
        k, code = divmod(int(found[at]), len(codes))
        n, total = carried[0][at], carried[1][at]
        reference_n, reference_total = alone[0][k], alone[1][k]
        if sum(reference_n) < threshold:
            reference_n = [a - b for a, b in zip(whole[0][k], n, strict=True)]
            reference_total = [a - b for a, b in zip(whole[1][k], total, strict=True)]
        mean, reference = weigh(n, total), weigh(reference_n, reference_total)
        if mean is None:
            continue
        four, main = divmod(int(keys[k]), len(coded.mains))
        one = Related(
            coded.fours[four], coded.mains[main], codes[code], sum(n), Fraction(*mean), sum(reference_n), None, None, "always"
        )
        if reference is not None:
            below = Fraction(*reference)
            one = replace(one, reference=below, rise=one.mean / below - 1, why="below_rise")
        if one.rise is not None and one.rise >= rule.related_rise:
            qualified.setdefault(k, []).append((one.rise, one, spread[first[at] : ends[at]]))
        else:
            tried.append(one)
    for k, several in qualified.items():
        for _, one, own in sorted(several, key=lambda each: (-each[0], each[1].rel_oprn_code)):
            free = own[owner[own] < 0]
            n, total = _by_year(np.zeros(len(free), np.int64), year[free], fee[free], 1, years)
            mean = weigh(n[0], total[0])
            # A case with several goes to the dearest; what is left must still be enough, and dearer.
            fits = int(counted[free].sum()) >= threshold and mean is not None and one.reference is not None
            if fits and mean is not None and one.reference is not None:
                fits = Fraction(*mean) >= one.reference * (1 + rule.related_rise)
            if fits:
                owner[free] = len(made)
                made.append((k, one.rel_oprn_code))
            tried.append(replace(one, why="made" if fits else "taken"))
    tried.sort(key=lambda one: (one.diag_code, one.oprn_code, one.rel_oprn_code))
    return owner, made, tried


def _by_year(
    cell: Ints, year: Ints, fee: Ints, cells: int, years: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Counts and costs of each cell by year."""
    place = cell * years + year
    n, total = counts(place, cells * years), totals(place, cells * years, fee)
    return n.reshape(-1, years).tolist(), total.reshape(-1, years).tolist()


def _diagnosis_names(clinical: Clinical, coded: _Coded) -> dict[str, str]:
    """A name for each diagnosis of four and of three characters: that of its most frequent code, ties to the first."""
    often = counts(clinical.diagnosis.astype(np.int64), len(clinical.diagnoses)).tolist()
    best: dict[str, tuple[int, str]] = {}
    for code, n in zip(clinical.diagnoses, often, strict=True):
        name = clinical.names.get(code, "")
        if not code or not name:
            continue
        for short in {code[:5], code[:3]}:
            if short not in best or n > best[short][0]:
                best[short] = (n, name)
    return {short: name for short, (_, name) in best.items()}


def _core(
    coded: _Coded,
    four: int,
    main: int,
    related: str,
    names: Mapping[str, str],
    attributes: Mapping[str, str],
    operation_names: Mapping[str, str],
) -> Entry:
    diagnosis, operation = coded.fours[four], coded.mains[main]
    parts = [operation or CONSERVATIVE, *([related] if related else [])]
    said = [operation_names.get(code, code) for code in parts]
    return Entry(
        dip_code=f"{diagnosis}:{'+'.join(parts)}",
        dip_name=f"{names.get(diagnosis, diagnosis)}:{'+'.join(said)}",
        kind="core",
        diag_code=diagnosis,
        oprn_code=operation,
        rel_oprn_code=related,
        attribute=ATTRIBUTES[_rank(attributes.get(operation, ""))],
    )


def _composite(diagnosis: str, attribute: str, names: Mapping[str, str]) -> Entry:
    return Entry(
        dip_code=f"{diagnosis}:{ATTRIBUTE_NAMES[attribute]}",
        dip_name=f"{names.get(diagnosis, diagnosis)}等:{ATTRIBUTE_NAMES[attribute]}",
        kind="composite",
        diag_code=diagnosis,
        attribute=attribute,
    )
