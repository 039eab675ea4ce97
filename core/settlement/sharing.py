"""Sharing of surplus and reasonable overspend: the tiers of a pack, what they do to everyone, and what surplus means.

The tiers are a table of a pack, empty as it is shipped; a workspace fills them in a pack of its own. Tiers that are not kept
yet are tried by the very text that keeping would write. Surplus has three meanings, each by its own name: of the region, of the
institution, of the disease group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.faults import Refused
from core.rules import formula, pack_text, packs, spelling
from core.rules.cases import FUNDS
from core.rules.pack_text import Fill
from core.settlement import own_packs
from core.settlement.assessment_sheets import made, money, named
from core.settlement.exact import sums
from core.texts import Texts
from core.worksheet import Worksheet

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.sheet import Clearing, FundSheet
    from core.settlement.annual import Scored
    from core.storage.ledger import LedgerLine
    from core.storage.workspace import Workspace

TABLE = "sharing"
BASIS = "sharing_basis"
MEANINGS = ("region", "institution", "disease")
TRIAL = "trial"  # of a pack's id, while nothing is kept


@dataclass(frozen=True, slots=True)
class Kept:
    """pack: the id that now holds the tables; new: whether it was made for them."""

    pack: str
    new: bool
    line: LedgerLine


# -- tiers -------------------------------------------------------------------------------------------------------------


def intervals(rows: Sequence[formula.Row]) -> list[str]:
    """Each row's range: 0.80 ≤ x < 1. An edge that the row below holds is not this one's."""
    found: list[str] = []
    held: Fraction | None = None
    for row in rows:
        start = "" if row.start is None else f"{formula.plain(row.start)} {'<' if row.start == held else '≤'} "
        end = "" if row.end is None else f" {'≤' if row.closed else '<'} {formula.plain(row.end)}"
        found.append(f"{start}x{end}")
        held = row.end if row.closed else None
    return found


def tiers(pack: Pack, table: str = TABLE, lang: str = "") -> Worksheet:
    """A table of the pack, row by row: from, to, what is paid as typed and in words. Keys are row numbers.

    Without rows the one line is what holds as long as the table is empty.
    """
    texts = Texts(lang)
    found = pack.tables[table]

    def words(expr: formula.Expr) -> str:
        return spelling.words(
            expr, lambda name: pack.title_of("institution", name)[texts.lang], pack.phrases[texts.lang], texts.lang,
            tables=pack.tables,
        )  # fmt: skip

    rows = [
        (str(n), range_, row.text, words(row.value))
        for n, (row, range_) in enumerate(zip(found.rows, intervals(found.rows), strict=True), 1)
    ]
    if not rows and found.otherwise is not None:
        rows = [("0", texts("assessment.empty_table"), found.otherwise_text, words(found.otherwise))]
    columns = [named(name) for name in ("interval", "value", "words")]
    values: dict[str, list[object]] = {
        name: [row[at] for row in rows] for at, name in enumerate(("interval", "value", "words"), 1)
    }
    return made("assessment_tiers", columns, values, [row[0] for row in rows])


def proposed(workspace: Workspace, pack: Pack, fills: Sequence[Fill], lang: str = "") -> Pack:
    """The pack with these tables, kept nowhere. Refused("pack_invalid") with every finding, its table and tier."""
    text = pack_text.filled(pack, pack_text.extension(pack, TRIAL, title=pack.title), fills)
    own = {**own_packs.texts_of(workspace), TRIAL: text}
    wrong = [one for one in packs.check_text(text, TRIAL, own) if one.severity == "blocked"]
    if wrong:
        lines = text.splitlines()
        table = next((pack.tables[one.id].title[Texts(lang).lang] for one in fills if one.kind == "table"), "")
        told = [
            replace(one, file="", column="", sheet=table, row=sum(line == "[[table.row]]" for line in lines[: one.row]) or None)
            for one in wrong
        ]
        raise Refused("pack_invalid", told, pack=pack.id, count=len(told))
    return packs.load(TRIAL, pack.changed, own)


def keep(workspace: Workspace, pack: Pack, fills: Sequence[Fill], why: str = "", lang: str = "") -> Kept:
    """Into the workspace's own pack where `pack` is one, else into a new one that extends it. One edit, one undo."""
    proposed(workspace, pack, fills, lang)
    if pack.id in own_packs.stored(workspace.reader()):
        return Kept(pack.id, False, own_packs.fill(workspace, pack.id, fills, why))
    id = own_packs.free_id(workspace, pack.id)
    return Kept(id, True, own_packs.extend(workspace, pack.id, id, fills, why))


# -- before and after ----------------------------------------------------------------------------------------------------


def worksheet(before: Clearing, fund: str, lang: str = "", *, after: tuple[Pack, FundSheet] | None = None) -> Worksheet:
    """The institutions of a fund before and after sharing: due, ratio, tier, after sharing, what changed. after: a pack whose
    tiers are tried, with its sheet. Keys are institution codes."""
    texts = Texts(lang)
    sheet = before.fund(fund)
    columns = [
        named("code", "code"), named("name"), money("due"), named("share_rate", "exact", "", 6), named("tier"),
        money("after_share"), money("shared"),
    ]  # fmt: skip
    values: dict[str, list[object]] = {
        "code": [one.code for one in sheet.institutions],
        "name": [one.name for one in sheet.institutions],
        "level": [texts(f"indicators.level.{one.level}") for one in sheet.institutions],
        "county": [one.county for one in sheet.institutions],
        **_shared(before.pack, sheet, texts),
    }
    if after is not None:
        pack, tried = after
        own = _shared(pack, tried, texts)
        columns += [
            named("rate_tried", "exact", "", 6), named("tier_tried"), money("after_tried"), money("shared_tried"),
            money("final_change"),
        ]  # fmt: skip
        values |= {
            "rate_tried": own["share_rate"], "tier_tried": own["tier"], "after_tried": own["after_share"],
            "shared_tried": own["shared"],
            "final_change": [b - a for a, b in zip(sheet.values["final"], tried.values["final"], strict=True)],
        }  # fmt: skip
    columns += [money("booked_net"), money("surplus"), named("share_factor", "exact"), named("level"), named("county")]
    return made("assessment_sharing", columns, values, [one.code for one in sheet.institutions])


def _shared(pack: Pack, sheet: FundSheet, texts: Texts) -> dict[str, list[object]]:
    rows = pack.tables[TABLE].rows
    ranges = intervals(rows)
    rates = sheet.values["share_rate"]
    found: list[object] = []
    for rate, due in zip(rates, sheet.values["due"], strict=True):
        row = next((n for n, one in enumerate(rows) if one.holds(rate)), None)
        key = "not_shared" if due <= 0 else "empty_table"
        found.append(ranges[row] if row is not None and due > 0 else texts(f"assessment.{key}"))
    net = [a - b for a, b in zip(sheet.values["booked"], sheet.values["audit_deduction"], strict=True)]
    return {
        "booked_net": [*net], "due": [*sheet.values["due"]], "surplus": [*sheet.values["surplus"]], "share_rate": [*rates],
        "tier": found, "share_factor": [*sheet.values["share_factor"]], "after_share": [*sheet.values["after_share"]],
        "shared": [a - b for a, b in zip(sheet.values["after_share"], sheet.values["due"], strict=True)],
    }  # fmt: skip


# -- three meanings of surplus -------------------------------------------------------------------------------------------


def surpluses(clearing: Clearing, scored: Scored, fund: str, lang: str = "") -> Worksheet:
    """A row for each meaning: what it is, how many have a surplus and how much, how many overspend and how much, the net.
    Keys are MEANINGS. The region's and the institutions' are of the fund; a disease group's is of the whole cost."""
    texts = Texts(lang)
    sheet = clearing.fund(fund)
    of_disease = [gross - cost for _, _, _, gross, cost in _diseases(clearing, scored, fund)]
    parts = {
        "region": [sheet.region["region_surplus"]],
        "institution": list(sheet.values["surplus"]),
        "disease": of_disease,
    }
    columns = [
        named("meaning"), named("net", "exact", "yuan", 2), named("surplus_count", "int"),
        named("surplus_sum", "exact", "yuan", 2), named("overspend_count", "int"),
        named("overspend_sum", "exact", "yuan", 2), named("is"),
    ]  # fmt: skip
    values: dict[str, list[object]] = {column.id: [] for column in columns}
    for meaning in MEANINGS:
        own = parts[meaning]
        values["meaning"].append(texts(f"assessment.meaning.{meaning}"))
        values["is"].append(texts(f"assessment.meaning_is.{meaning}"))
        for side, some in (("surplus", [x for x in own if x > 0]), ("overspend", [x for x in own if x < 0])):
            values[f"{side}_count"].append(len(some))
            values[f"{side}_sum"].append(sum(some, Fraction(0)))
        values["net"].append(sum(own, Fraction(0)))
    return made("assessment_surplus", columns, values, list(MEANINGS))


def diseases(clearing: Clearing, scored: Scored, fund: str, lang: str = "") -> Worksheet:
    """Surplus by disease group: score times point value less the whole cost of its cases; who overspends most first. Keys are
    group codes, "" the cases without a group."""
    texts = Texts(lang)
    known = scored.inputs.standing.groups
    rows = sorted(_diseases(clearing, scored, fund), key=lambda row: (row[3] - row[4], row[0]))
    columns = [
        named("dip_code", "code"), named("dip_name"),
        named("cases", "int", "cases", total=True),
        named("score", "exact", "points", None, total=True),
        money("gross"), money("total_cost"), money("disease_surplus"),
    ]  # fmt: skip
    values: dict[str, list[object]] = {
        "dip_code": [row[0] for row in rows],
        "dip_name": [known[row[0]].dip_name if row[0] in known else texts("assessment.ungrouped") for row in rows],
        "cases": [row[1] for row in rows], "score": [row[2] for row in rows],
        "gross": [row[3] for row in rows], "total_cost": [row[4] for row in rows],
        "disease_surplus": [row[3] - row[4] for row in rows],
    }  # fmt: skip
    return made("assessment_diseases", columns, values, [row[0] for row in rows])


def _diseases(clearing: Clearing, scored: Scored, fund: str) -> list[tuple[str, int, Fraction, Fraction, Fraction]]:
    """Code, cases, score, score times point value, whole cost in yuan; exact, nothing rounded."""
    cases, scores = scored.inputs.cases, scored.scores
    worth = clearing.fund(fund).region["point_value"]
    where = np.flatnonzero(cases.fund == FUNDS.index(fund))
    places = len(cases.groups) + 1  # the last: without a group
    group = cases.group[where].astype(np.int64)
    group = np.where(group < 0, places - 1, group)
    count = np.bincount(group, minlength=places)
    cost = sums(cases.fee[where], group, places)
    if scores.score is not None:
        points = [Fraction(one, 10**scores.score.places) for one in sums(scores.score.values[where], group, places)]
    else:
        points = [Fraction(0)] * places
        for place, i in zip(group.tolist(), where.tolist(), strict=True):
            points[place] += (scores.exact or ())[i]
    return [
        (code, int(count[i]), points[i], points[i] * worth, Fraction(cost[i], 100))
        for i, code in enumerate((*cases.groups, ""))
        if count[i]
    ]
