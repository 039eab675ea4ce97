"""Disease scores from history: a draft of the next catalogue, of which every score says why.

With a base catalogue its groups are scored anew from the cases that carry them; without one the groups are built first
(`building`). Means and scores are exact: whole fen are summed, ratios are rationals, and the only rounding is that of the
rule's places. Cases in = used + trimmed + dropped by reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.catalogue import library
from core.catalogue.building import Related, build
from core.catalogue.entries import Band, Entries, Entry, Exclusions
from core.catalogue.grouper import Grouper
from core.catalogue.history import History, history, own_groups
from core.catalogue.score_figures import Counts, Figures, counts_of, figures_of, placed, pools, with_days
from core.catalogue.score_findings import about_cases, about_groups, about_history, about_total, method_of
from core.catalogue.score_groups import Scores, Total, blocked, divisor_of
from core.catalogue.subtypes import Subtype, subtypes
from core.faults import Usage
from core.findings import Finding
from core.progress import SILENT, Progress, step
from core.rules import packs
from core.rules.grouping import rule_of
from core.rules.scoring import ScoreRule, chosen

if TYPE_CHECKING:
    from core.catalogue.score_working import Working
    from core.rules.circular import Pack
    from core.storage.workspace import Workspace


@dataclass(frozen=True)
class Derived:
    """A derived catalogue. rows: sorted by dip_code, all with a score. decisions: of every group looked at, by dip_code.

    method: plain JSON by which `again` gives the same rows. related: every related operation that was tried.
    candidates: primary-care candidates. tried: every sub-typing that was looked at.
    """

    rule: ScoreRule
    years: tuple[int, ...]
    year: int
    rows: tuple[Entry, ...]
    bands: tuple[Band, ...]
    findings: tuple[Finding, ...]
    method: Mapping[str, object]
    counts: Counts
    total: Total | None
    decisions: Mapping[str, str]
    candidates: tuple[str, ...]
    related: tuple[Related, ...]
    tried: tuple[Subtype, ...]
    divisor: Fraction
    base: Entries | None
    groups: tuple[Entry, ...]
    figures: Figures = field(repr=False)

    def working(self, dip_code: str) -> Working:
        """Why a group has its score. KeyError: not looked at."""
        from core.catalogue.score_working import working

        return working(self, dip_code)

    def entry(self, dip_code: str) -> Entry | None:
        """The group's row in the draft; None where it is not in it."""
        return self._by_code.get(dip_code)

    @cached_property
    def _by_code(self) -> dict[str, Entry]:
        return {entry.dip_code: entry for entry in self.rows}


def derive(
    rule: ScoreRule,
    past: History,
    base: Entries | None = None,
    *,
    year: int | None = None,
    attributes: Mapping[str, str] | None = None,
    exclusions: Exclusions | None = None,
    operation_names: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> Derived:
    """Scores from `past`: of base's groups, or of groups built from the cases (base None; `past` read with clinical).

    year: of the new catalogue, the one after the history unless said. attributes, operation_names: of operation codes, for
    building. Usage("scores_weights") unless there is a weight for each year; Refused("scores_blocked", findings).
    """
    years = len(past.years)
    if len(rule.weights) != years:
        raise Usage("scores_weights", weights=rule.text("weights"), years=", ".join(map(str, past.years)))
    findings = about_history(past)
    if not len(past):
        raise blocked("score_no_cases", value=", ".join(map(str, past.years)))
    step(progress, "derive_scores", 0, 4)
    related: tuple[Related, ...] = ()
    if base is None:
        built = build(
            rule, past, attributes or {}, exclusions or Exclusions(), operation_names or {}, progress
        )
        groups, place, related = built.entries, built.place, built.related
        findings += built.findings
    else:
        groups = base.rows
        place = placed(past, base)
    if not groups:
        raise blocked("score_no_groups")
    step(progress, "derive_scores", 1, 4)
    pool, bed_day = pools(groups, findings)
    place, reasons = with_days(past, place, pool, bed_day)
    figures, kept = figures_of(rule, past, place, pool, bed_day, len(groups))
    step(progress, "derive_scores", 2, 4)
    tally = counts_of(past, place, reasons, kept)
    findings += about_cases(tally, past, base, place)
    divisor = divisor_of(rule, figures, groups)
    scores = Scores(rule, figures, groups, divisor)
    total = scores.keep_total(findings) if rule.keep_total and base is not None else None
    rows, decisions, candidates = scores.rows(past, place, kept, built_anew=base is None)
    if total is not None:
        total = scores.kept_total(total, rows)
        findings.append(about_total(total, rule, past))
    step(progress, "derive_scores", 3, 4)
    tried: tuple[Subtype, ...] = ()
    bands: tuple[Band, ...] = ()
    if rule.auxiliary:
        bands, tried, said = subtypes(
            rule, past, groups, pool, place, kept, {entry.dip_code for entry in rows}
        )
        findings += said
    findings += about_groups(rule, decisions, rows)
    told_year = year if year is not None else past.years[-1] + 1
    method = method_of(rule, past, base, told_year, tally, total, divisor)
    step(progress, "derive_scores", 4, 4)
    return Derived(
        rule, past.years, told_year, rows, bands, tuple(findings), method, tally, total, decisions, candidates, related,
        tried, divisor, base, groups, figures,
    )  # fmt: skip


def again(workspace: Workspace, method: Mapping[str, Any], progress: Progress = SILENT) -> Derived:
    """What a method says, done once more: the same rows as long as the cases and the base are the same.

    Usage("scores_method") where the JSON is not one that `derive` wrote.
    """
    try:
        rule = chosen(ScoreRule(), dict(method["rule"]))
        years, base, year = [int(one) for one in method["years"]], str(method["base"]), int(method["year"])
        pack = method.get("pack")
        own = packs.restore(str(pack["text"]), dict(pack["parameters"])) if pack else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Usage("scores_method", reason=repr(error)) from None
    return from_workspace(workspace, rule, years, base=base or None, year=year, own=own, progress=progress)


def from_workspace(
    workspace: Workspace,
    rule: ScoreRule,
    years: Sequence[int],
    *,
    base: str | None,
    year: int | None = None,
    own: Pack | None = None,
    progress: Progress = SILENT,
) -> Derived:
    """`history` and `derive` with what the workspace holds. base: a version's name, None to build groups.

    own: a pack by whose grouping rule every case is put into a group of the base, whatever group it carries.
    Usage, Refused: as `history`, `derive`, `library.entries`; grouping_missing.
    """
    connection = workspace.reader()
    entries = library.entries(connection, base) if base is not None else None
    past = history(
        workspace, years, scope=rule.scope, detail=needs_detail(rule), clinical=entries is None, ids=own is not None,
        progress=progress,
    )  # fmt: skip
    told_year = year if year is not None else max(years) + 1
    attributes = library.attributes(connection)
    exclusions = library.exclusions(
        connection, base or "", entries.year if entries is not None else told_year
    )
    said: Sequence[Finding] = ()
    if own is not None:
        if entries is None:
            raise Usage("scores_own_without_base")
        grouper = Grouper(rule_of(own), entries, attributes, exclusions)
        past, said = own_groups(past, connection, grouper, progress), grouper.findings
    names = dict(connection.execute("SELECT oprn_code, oprn_name FROM operation WHERE oprn_name <> ''"))
    found = derive(
        rule, past, entries, year=told_year, attributes=attributes, exclusions=exclusions, operation_names=names,
        progress=progress,
    )  # fmt: skip
    if own is None:
        return found
    pack = {"id": own.id, "hash": own.hash, "text": own.text, "parameters": dict(own.changed)}
    return replace(found, method={**found.method, "pack": pack}, findings=(*said, *found.findings))


def needs_detail(rule: ScoreRule) -> bool:
    """Whether the rule looks at ages, intensive care, deaths or the level of institutions."""
    return bool(rule.auxiliary) or rule.primary_deaths < 1 or rule.primary_share > 0
