"""Own against official grouping: where the two agree, and for every case where they do not, why.

The cases are those that a clearing counts. Where they differ, the reason is what the official group asks for and the
case's codes do not give; where they give all of it, both groups fit and the rule's order of choice decided otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.catalogue import library, telling, tree
from core.catalogue.entries import KINDS, Entries, Entry
from core.catalogue.grouper import Grouper, Grouping, Path, fitted, type_of
from core.catalogue.stays import Stays
from core.faults import Refused
from core.findings import Finding
from core.money import round_ratio, yuan
from core.progress import SILENT, Progress, step
from core.rules.cases import FUNDS, Index, Ints, Scaled, Small
from core.settlement import grouping as own_grouping
from core.settlement import year as years
from core.settlement.arrivals import Arrivals
from core.settlement.exact import places_of
from core.settlement.gather import rows_for, snapshot, version_of
from core.settlement.groups import Version, score_of
from core.texts import LANGUAGES, Texts
from core.worksheet import Cells, Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace

# Why own and official group of a case are what they are: `agreement.reason.CODE`, explained by `agreement.because.CODE`.
REASONS = (
    "same",             # one and the same group
    "no_official",      # the data states none
    "equal",            # two groups that are declared equal in score
    "own_ungrouped",    # own none
    "unknown",          # the official code is not in the catalogue compared with
    "unread",           # the rule looks at no group of that kind, or cannot read the group's condition
    "diagnosis",        # the principal diagnosis is not one of the official group
    "condition",        # age, weight, days ... do not meet the official group's condition
    "other_diagnosis",  # no other diagnosis that the official group asks for
    "attribute",        # the official group is of another attribute than the case's operations
    "operation",        # an operation of the official group is not among the case's
    "related",          # a related operation of it is not
    "main",             # its operation is there, but is not flagged as the main one
    "kind",             # the case fits both, which are of different kinds
    "order",            # the case fits both, which are of one kind
)  # fmt: skip
SAME, NO_OFFICIAL, EQUAL, OWN_UNGROUPED, UNKNOWN, UNREAD, DIAGNOSIS = range(7)
KIND, ORDER = REASONS.index("kind"), REASONS.index("order")
# What a path says of a group that does not fit (`grouper.WHYS`), as a reason; one that fits is parted by the kinds of the two.
OF_WHY = {
    "diagnosis": "diagnosis", "excluded": "diagnosis", "condition": "condition", "other_diagnosis": "other_diagnosis",
    "attribute": "attribute", "bare": "attribute", "operations": "operation", "related": "related", "main": "main",
    "kind": "unread", "unreadable": "unread", "unconditional": "unread",
}  # fmt: skip
BY = ("fund", "institution", "chapter", "reason", "pair")
PER_CENT_PLACES = 2


@dataclass(frozen=True)
class Agreement:
    """One element a case that counts, in the clearing's order. official codes: `rows.groups`, by `rows.group`.

    at: place of each case among `stays`. own: index into entries.rows, -1 ungrouped; official: the same of the official
    group, -1 where none is stated or it is not there. reason: index into REASONS. own_points, official_points: catalogue scores,
    bed-day groups times days, 0 where there is none. chapter: index into `chapters`, by the principal diagnosis.
    """

    year: int
    pack: str
    catalogue: str
    entries: Entries
    stays: Stays
    grouper: Grouper
    grouping: Grouping
    rows: Arrivals
    names: Mapping[str, str]
    at: Ints
    own: Index
    official: Index
    reason: Small
    own_points: Scaled
    official_points: Scaled
    chapters: tuple[tree.Place, ...]
    chapter: Index
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.own)

    @property
    def grouped(self) -> int:
        return int((self.own >= 0).sum())

    @property
    def stated(self) -> int:
        """Cases with the bureau's group."""
        return int((self.rows.group >= 0).sum())

    @property
    def same(self) -> int:
        """Cases whose two groups are one and the same; those declared equal in score are counted apart."""
        return int((self.reason == SAME).sum())

    @property
    def differs(self) -> NDArray[np.bool_]:
        """Of each case, whether both are asked for and not the same."""
        return (self.rows.group >= 0) & (self.reason != SAME)

    @property
    def difference(self) -> Fraction:
        """Points of the own groups less those of the official ones, over the cases with an official group."""
        stated = self.rows.group >= 0
        less = self.own_points.values - self.official_points.values
        return Fraction(int(less[stated].sum()), 10**self.own_points.places)


# -- both groups of every case --------------------------------------------------------------------------------


def agree(
    workspace: Workspace,
    year: int,
    pack: Pack,
    *,
    catalogue: str | None = None,
    progress: Progress = SILENT,
) -> Agreement:
    """Group the year's cases by the pack's rule, beside the bureau's groups.

    Refused: grouping_missing (the pack has no rule), catalogue_missing, catalogue_several, catalogue_unknown,
    agreement_no_cases.
    """
    connection = workspace.reader()
    with snapshot(connection):
        library.choose(connection, year, catalogue)
        version = version_of(workspace, connection, year, catalogue)
        arrived = rows_for(workspace, connection, year, pack.case, [version], progress)
        if not len(arrived.rows):
            raise Refused("agreement_no_cases", year=year)
        made = own_grouping.engine(connection, pack, version, year)
        stays = years.stays(workspace, connection, arrived, progress)
        missing = not library.attributes(connection)
    rows, entries, grouper = arrived.rows, made.entries, made.grouper
    grouping = grouper.group(stays, progress)
    at = stays.locate(rows.setl_id)
    assert bool((at >= 0).all())  # stays are the same rows before region and register
    own = grouping.entry[at]
    known = np.array([entries.by_code.get(code, -1) for code in rows.groups] + [-1], np.int32)
    official = known[rows.group]
    own_points, official_points = _points(version, rows, own, official)
    step(progress, "agree", 0, len(rows))
    reason = _reasons(entries, grouper, stays, grouping, rows, at, own, official, progress)
    chapters, chapter = _chapters(stays, at)
    findings = [*version.findings, *made.findings, *_unknown(rows, official, version.name)]
    if missing:
        findings.append(Finding("operations_missing", "warning"))
    names = {code: one.name for code, one in arrived.registered.items()}
    return Agreement(
        year, pack.id, version.name, entries, stays, grouper, grouping, rows, names, at, own, official, reason,
        own_points, official_points, chapters, chapter, tuple(findings),
    )  # fmt: skip


def _points(version: Version, rows: Arrivals, own: Index, official: Index) -> tuple[Scaled, Scaled]:
    """The catalogue score of both groups of each case, over one power of ten."""
    entries = version.entries
    scores = [score_of(version.groups[one.dip_code]) or Fraction(0) for one in entries.rows] + [Fraction(0)]
    places = places_of(scores)
    score = np.array([int(one * 10**places) for one in scores], np.int64)
    bed_day = np.array([entry.kind == "bed_day" for entry in entries.rows] + [False])
    days = np.maximum(rows.days, 0) if rows.days is not None else np.zeros(len(rows), np.int64)

    def of(index: Index) -> Scaled:
        return Scaled(score[index] * np.where(bed_day[index], days, 1), places)

    return of(own), of(official)


def _chapters(stays: Stays, at: Ints) -> tuple[tuple[tree.Place, ...], Index]:
    """Chapters in the order of the ICD, and each case's by its principal diagnosis; a code without one comes last."""
    of_code = [tree.place(code).chapter for code in stays.diagnoses]
    present = sorted({one.first: one for one in of_code if one is not None}.items())
    places = (*(tree.Place(chapter) for _, chapter in present), tree.Place())
    number = {first: i for i, (first, _) in enumerate(present)}
    index = np.array(
        [number[one.first] if one is not None else len(present) for one in of_code] or [0], np.int32
    )
    return places, index[stays.diagnosis[at]]


def _unknown(rows: Arrivals, official: Index, version: str) -> list[Finding]:
    """Official codes that the catalogue has not got: each once, with its cases."""
    lost = (rows.group >= 0) & (official < 0)
    count = np.bincount(rows.group[lost], minlength=len(rows.groups))
    return [
        Finding("official_group_unknown", "warning", subject=rows.groups[i], value=str(int(count[i])),
                values={"catalogue": version})
        for i in np.flatnonzero(count).tolist()
    ]  # fmt: skip


# -- why they differ -------------------------------------------------------------------------------------------


def _reasons(
    entries: Entries,
    grouper: Grouper,
    stays: Stays,
    grouping: Grouping,
    rows: Arrivals,
    at: Ints,
    own: Index,
    official: Index,
    progress: Progress,
) -> Small:
    reason = np.zeros(len(rows), np.int8)
    equal = np.array([_equal_class(entries, i) for i in range(len(entries))] + [-1], np.int64)
    reason[own != official] = ORDER
    reason[(own != official) & (own >= 0) & (equal[own] == equal[official])] = EQUAL
    reason[official < 0] = UNKNOWN
    reason[own < 0] = OWN_UNGROUPED
    reason[(official < 0) & (own < 0)] = UNKNOWN
    reason[rows.group < 0] = NO_OFFICIAL
    open_rows = np.flatnonzero(reason == ORDER)
    if not len(open_rows):
        return reason
    # What a case's codes give the official group is the same for every case of a combination: looked at once.
    pair = grouping.combination[at[open_rows]].astype(np.int64) * len(entries) + official[open_rows]
    distinct, first, which = np.unique(pair, return_index=True, return_inverse=True)
    found = np.full(len(distinct), ORDER, np.int8)
    paths: dict[int, Path] = {}
    for number, row in enumerate(open_rows[first].tolist()):
        if number % 256 == 0:
            step(progress, "agree", number, len(distinct))
        place = int(at[row])
        combination = int(grouping.combination[place])
        if combination not in paths:
            paths[combination] = grouper.path(stays, place)
        found[number] = _reason(grouper, paths[combination], int(official[row]), stays.diagnosis_of(place))
    kinds = {kind: i for i, kind in enumerate(KINDS)}
    kind = np.array([kinds[type_of(entry)] for entry in entries.rows], np.int8)
    answer = found[which]
    fits = (answer == ORDER) & (kind[own[open_rows]] != kind[official[open_rows]])
    reason[open_rows] = np.where(fits, KIND, answer)
    return reason


def _equal_class(entries: Entries, i: int) -> int:
    """Groups declared equal in score share a number: that of the one they name."""
    other = entries.by_code.get(entries.rows[i].equal_to) if entries.rows[i].equal_to else None
    return i if other is None else other


def _reason(grouper: Grouper, path: Path, official: int, diagnosis: str) -> int:
    """By what the path of a case of the same combination says of the official group. One that this case was given itself
    fits the others too, and the fee decided otherwise."""
    if path.entry == official:
        return ORDER
    near = next((one for one in path.alternatives if one.entry == official), None)
    told = near or grouper.far(official, diagnosis)
    return ORDER if fitted(told.why) else REASONS.index(OF_WHY[told.why.partition(".")[0]])


# -- as tables ------------------------------------------------------------------------------------------------

_COUNTS = (
    "cases", "stated", "same", "agreement", "equal", "differing", "own_ungrouped", "own_points", "official_points",
    "difference",
)  # fmt: skip


def by(found: Agreement, what: str, lang: str = "") -> Worksheet:
    """Agreement by one of BY. keys: fund, institution code, chapter codes (`A00-B99`, "" none), reason, (own, official code)."""
    texts = Texts(lang)
    if what == "reason":
        return _by_reason(found, texts)
    if what == "pair":
        return _by_pair(found, texts)
    if what == "fund":
        keys: list[str] = list(FUNDS)
        index: NDArray[np.integer] = found.rows.fund
        heads = {"fund": [texts(f"fund.{fund}") for fund in FUNDS]}
    elif what == "institution":
        keys, index = list(found.rows.institutions), found.rows.institution
        heads = {"fixmedins_code": keys, "fixmedins_name": [found.names.get(code, "") for code in keys]}
    else:
        sections = [place.chapter for place in found.chapters]
        keys, index = [one.codes if one is not None else "" for one in sections], found.chapter
        heads = {
            "chapter": [f"{one.number} {one.codes}" if one is not None else "" for one in sections],
            "chapter_name": [
                one.title[texts.lang] if one is not None else texts("agreement.no_chapter") for one in sections
            ],
        }
    used = np.flatnonzero(np.bincount(index, minlength=len(keys)))
    cells: dict[str, Cells] = {
        name: column_of([values[i] for i in used.tolist()], "text") for name, values in heads.items()
    }
    sums = _sums(found, index, len(keys))
    cells |= {name: values[used] for name, values in sums.items()}
    columns = [_column(name, "code" if name in ("fixmedins_code", "chapter") else "text") for name in heads]
    columns += [_counted(name, found) for name in _COUNTS]
    totals = {name: int(values.sum()) for name, values in sums.items() if name != "agreement"}
    totals["agreement"] = _per_cent(totals["same"], totals["stated"])
    return Worksheet(
        f"agreement_{what}", _title(f"sheet.{what}"), columns, cells, len(used), totals,
        keys=column_of([keys[i] for i in used.tolist()], "code"),
    )  # fmt: skip


def _sums(found: Agreement, index: NDArray[np.integer], size: int) -> dict[str, Ints]:
    stated = found.rows.group >= 0

    def count(mask: NDArray[np.bool_]) -> Ints:
        return np.bincount(index[mask], minlength=size).astype(np.int64)

    def points(values: Ints) -> Ints:
        total = np.zeros(size, np.int64)
        np.add.at(total, index[stated], values[stated])
        return total

    same, asked = count(found.reason == SAME), count(stated)
    own, official = points(found.own_points.values), points(found.official_points.values)
    return {
        "cases": count(np.ones(len(found), bool)),
        "stated": asked,
        "same": same,
        "agreement": np.array(
            [_per_cent(s, n) for s, n in zip(same.tolist(), asked.tolist(), strict=True)], np.int64
        ),
        "equal": count(found.reason == EQUAL),
        "differing": count(found.differs),
        "own_ungrouped": count(found.own < 0),
        "own_points": own,
        "official_points": official,
        "difference": own - official,
    }


def _per_cent(part: int, whole: int) -> int:
    """Over 10**PER_CENT_PLACES; of nothing, 0."""
    return round_ratio(part * 100 * 10**PER_CENT_PLACES, whole) if whole else 0


def _by_reason(found: Agreement, texts: Texts) -> Worksheet:
    """Reasons by their cases, most first; agreement before them all."""
    size = len(REASONS)
    cases = np.bincount(found.reason, minlength=size)
    less = found.own_points.values - found.official_points.values
    stated = found.rows.group >= 0
    difference = np.zeros(size, np.int64)
    np.add.at(difference, found.reason[stated], less[stated])
    order = sorted(np.flatnonzero(cases).tolist(), key=lambda i: (i != SAME, -int(cases[i]), i))
    cells: dict[str, Cells] = {
        "reason": column_of([texts(f"agreement.reason.{REASONS[i]}") for i in order], "text"),
        "cases": column_of([int(cases[i]) for i in order], "int"),
        "share": column_of([_per_cent(int(cases[i]), len(found)) for i in order], "fixed"),
        "difference": column_of([int(difference[i]) for i in order], "fixed"),
        "because": column_of([texts(f"agreement.because.{REASONS[i]}") for i in order], "text"),
    }
    counted = [_counted(name, found) for name in ("cases", "share", "difference")]
    columns = [_column("reason"), *counted, _column("because")]
    totals = {"cases": len(found), "share": 100 * 10**PER_CENT_PLACES, "difference": int(difference.sum())}
    keys = column_of([REASONS[i] for i in order], "code")
    return Worksheet("agreement_reason", _title("sheet.reason"), columns, cells, len(order), totals, keys=keys)


def _by_pair(found: Agreement, texts: Texts) -> Worksheet:
    """Own and official group of the cases that differ, the pair with most cases first."""
    where = np.flatnonzero(found.differs)
    width = len(found.rows.groups) + 1
    pair = (found.own[where].astype(np.int64) + 1) * width + found.rows.group[where]
    distinct, first, which, cases = np.unique(pair, return_index=True, return_inverse=True, return_counts=True)
    less = (found.own_points.values - found.official_points.values)[where]
    difference = np.zeros(len(distinct), np.int64)
    np.add.at(difference, which, less)
    most = _most_frequent(which, found.reason[where], len(distinct))
    order = np.lexsort((distinct, -cases))
    chosen = where[first[order]]
    cells = _both(found, chosen)
    cells |= {
        "cases": cases[order].astype(np.int64),
        "difference": difference[order],
        "reason": column_of([texts(f"agreement.reason.{REASONS[i]}") for i in most[order].tolist()], "text"),
    }
    columns = [
        *_both_columns(found, points=False), _counted("cases", found), _counted("difference", found), _column("reason"),
    ]  # fmt: skip
    totals = {"cases": int(cases.sum()), "difference": int(difference.sum())}
    keys = column_of(list(zip(cells["own_code"].tolist(), cells["official_code"].tolist(), strict=True)), "text")
    return Worksheet("agreement_pair", _title("sheet.pair"), columns, cells, len(order), totals, keys=keys)


def _most_frequent(group: NDArray[np.integer], value: Small, size: int) -> Ints:
    """Of each group the value that most of its members have."""
    table = np.zeros((size, len(REASONS)), np.int64)
    np.add.at(table, (group, value), 1)
    return table.argmax(axis=1)


def differing(
    found: Agreement,
    lang: str = "",
    *,
    fund: str = "",
    institution: str = "",
    chapter: str | None = None,
    reason: str = "",
    pair: tuple[str, str] | None = None,
) -> Worksheet:
    """The cases whose groups are not the same, one by one, of one part or of all; keys are settlements.

    chapter: codes of a chapter, "" for cases without one. reason: any of REASONS, `same` and `no_official` too. pair: own and
    official code, "" for none.
    """
    texts, rows = Texts(lang), found.rows
    where = (found.reason == REASONS.index(reason)) if reason else found.differs
    if fund:
        where = where & (rows.fund == FUNDS.index(fund))
    if institution:
        at = rows.institutions.index(institution) if institution in rows.institutions else -1
        where = where & (rows.institution == at)
    if chapter is not None:
        codes = [one.chapter.codes if one.chapter is not None else "" for one in found.chapters]
        where = where & (found.chapter == (codes.index(chapter) if chapter in codes else -1))
    if pair is not None:
        mine = found.entries.by_code.get(pair[0], -1)
        theirs = rows.groups.index(pair[1]) if pair[1] in rows.groups else -1
        where = where & (found.own == mine) & (rows.group == theirs)
    chosen = np.flatnonzero(where)
    chosen = chosen[np.asarray(pd.Series(rows.setl_id[chosen], dtype=object).argsort(kind="stable"))]
    chosen = chosen[np.argsort(rows.institution[chosen], kind="stable")]
    places = found.at[chosen]
    stays = found.stays
    cells: dict[str, Cells] = {
        "setl_id": rows.setl_id[chosen],
        "fund": _named([texts(f"fund.{one}") for one in FUNDS], rows.fund[chosen]),
        "fixmedins_code": _named(rows.institutions, rows.institution[chosen]),
        "fixmedins_name": _named([found.names.get(code, "") for code in rows.institutions], rows.institution[chosen]),
        "diagnosis": _named(stays.diagnoses, stays.diagnosis[places]),
        "operations": column_of(["+".join(stays.operations_of(i)) for i in places.tolist()], "code"),
        "fee": rows.fee[chosen],
        **_both(found, chosen),
        "own_points": found.own_points.values[chosen],
        "official_points": found.official_points.values[chosen],
        "difference": found.own_points.values[chosen] - found.official_points.values[chosen],
        "reason": _named([texts(f"agreement.reason.{one}") for one in REASONS], found.reason[chosen]),
        "because": _named([texts(f"agreement.because.{one}") for one in REASONS], found.reason[chosen]),
    }
    columns = [
        _column("setl_id", "code"), _column("fund"), _column("fixmedins_code", "code"), _column("fixmedins_name"),
        _column("diagnosis", "code"), _column("operations", "code"),
        Column("fee", _title("column.fee"), "fixed", "yuan", 2, total=True),
        *_both_columns(found, points=True), _counted("difference", found), _column("reason"), _column("because"),
    ]  # fmt: skip
    totals = {name: int(cells[name].sum()) for name in ("fee", "own_points", "official_points", "difference")}
    return Worksheet(
        "agreement_cases", _title("sheet.cases"), columns, cells, len(chosen), totals, keys=rows.setl_id[chosen]
    )


def _both(found: Agreement, chosen: Ints) -> dict[str, Cells]:
    """Code and name of both groups. An official code that the catalogue has not got has no name."""
    entries, own, official = found.entries.rows, found.own[chosen], found.official[chosen]
    names = [*(one.dip_name for one in entries), ""]
    return {
        "own_code": _named([*(one.dip_code for one in entries), ""], own),
        "own_name": _named(names, own),
        "official_code": _named([*found.rows.groups, ""], found.rows.group[chosen]),
        "official_name": _named(names, official),
    }


def _both_columns(found: Agreement, *, points: bool) -> list[Column]:
    own = [_column("own_code", "code"), _column("own_name")]
    official = [_column("official_code", "code"), _column("official_name")]
    if points:
        own.append(_counted("own_points", found))
        official.append(_counted("official_points", found))
    return [*own, *official]


# -- one case, and every path ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two groups of a case. code "": none. lines: own, the path that led there; official, why the rule did
    not. score: of the catalogue, points: times days for bed-day groups; None where there is none."""

    code: str
    entry: Entry | None
    points: Fraction | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BothPaths:
    """A case with both its groups. reason: of REASONS. difference: points, own less official, None unless both have some.

    facts: what grouping looked at, (`agreement.column.NAME`, value). alternatives: other groups and why they were not taken.
    """

    setl_id: str
    facts: tuple[tuple[str, str], ...]
    own: Side
    official: Side
    reason: str
    difference: Fraction | None
    alternatives: tuple[tuple[Entry, str], ...]


def both_paths(found: Agreement, setl_id: str, lang: str = "") -> BothPaths:
    """How the rule led to the own group, and why not to the official one. Refused("case_unknown")."""
    where = np.flatnonzero(found.rows.setl_id == setl_id)
    if not len(where):
        raise Refused("case_unknown", case=setl_id)
    i = int(where[0])
    texts, place, entries = Texts(lang), int(found.at[i]), found.entries.rows
    stays, own, official = found.stays, int(found.own[i]), int(found.official[i])
    rule = found.grouper.rule
    path = found.grouper.path(stays, place)
    stated = found.rows.groups[int(found.rows.group[i])] if found.rows.group[i] >= 0 else ""
    reason = REASONS[int(found.reason[i])]
    lines = [texts(f"agreement.because.{reason}")]
    told = found.grouper.why_not(stays, place, official) if official >= 0 else None
    if told is not None:
        lines.append(telling.why(rule, told, texts))
    both = own >= 0 and official >= 0
    facts = (
        ("diagnosis", stays.diagnosis_of(place)),
        ("other_diagnoses", "、".join(stays.others_of(place))),
        ("operations", "、".join(stays.operations_of(place))),
        ("fee", yuan(int(stays.fee[place]))),
        ("days", str(int(stays.days[place])) if stays.days[place] >= 0 else ""),
    )
    return BothPaths(
        setl_id, facts,
        Side(
            entries[own].dip_code if own >= 0 else "", entries[own] if own >= 0 else None,
            found.own_points.at(i) if own >= 0 else None, tuple(telling.step(rule, one, texts) for one in path.steps),
        ),
        Side(
            stated, entries[official] if official >= 0 else None,
            found.official_points.at(i) if official >= 0 else None, tuple(lines),
        ),
        reason,
        found.own_points.at(i) - found.official_points.at(i) if both else None,
        tuple(
            (entries[one.entry], telling.why(rule, one, texts)) for one in path.alternatives
        ),
    )  # fmt: skip


def group_rows(found: Agreement, lang: str = "") -> Iterator[tuple[str, str, str, str]]:
    """setl_id, dip_code, kind and path in words of every case, sorted by settlement; the first three "" where ungrouped."""
    texts, entries = Texts(lang), found.entries.rows
    trails = telling.trails(found.grouper, found.stays, texts)
    groups = [*((one.dip_code, one.kind) for one in entries), ("", "")]
    order = np.asarray(pd.Series(found.rows.setl_id, dtype=object).argsort(kind="stable"))
    for i in order.tolist():
        code, kind = groups[int(found.own[i])]
        yield str(found.rows.setl_id[i]), code, kind, trails.of(int(found.at[i]))


def _named(names: Sequence[str], index: NDArray[np.integer]) -> Cells:
    """Texts by index, negative ones from the end."""
    table = np.empty(len(names) or 1, dtype=object)
    table[: len(names)] = names
    return table[index]


def _title(key: str) -> dict[str, str]:
    return {lang: Texts(lang)(f"agreement.{key}") for lang in LANGUAGES}


def _column(name: str, kind: Kind = "text") -> Column:
    return Column(name, _title(f"column.{name}"), kind)


def _counted(name: str, found: Agreement) -> Column:
    title = _title(f"column.{name}")
    if name in ("agreement", "share"):
        return Column(name, title, "fixed", "percent", PER_CENT_PLACES)
    if name.endswith("points") or name == "difference":
        return Column(name, title, "fixed", "points", found.own_points.places, total=True)
    return Column(name, title, "int", "cases", total=True)
