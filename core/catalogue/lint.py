"""What is wrong, or doubtful, in a stored version of the catalogue; and whether what a document prints about its own foots.

Damage that only raw cells show is found at import (`core.intake.damage`). Nothing is changed here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.catalogue.entries import CONDITION_NAMES, Band, Entries, Entry
from core.faults import Usage
from core.findings import Finding, Severity
from core.rules import formula, parsing
from core.rules.group_codes import (
    ALL,
    ANY,
    UNCLEAR,
    agrees,
    alien,
    diagnosis_of,
    folded_key,
    operations_in,
    operations_of,
    reading,
)
from core.rules.grouping import condition_of
from core.settings import RESOURCES

PRINTED = RESOURCES / "printed_catalogues.toml"

_OPERATION = re.compile(r"\d{2}(\.[0-9x][0-9A-Za-z]{0,4})?")
_DIAGNOSIS = re.compile(r"[A-Z]\d?|[A-Z]{1,2}\d[0-9A-NP-Z]?(\.[0-9x][0-9A-Za-z]*)?([+*].*)?")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a document prints. tag: its evidence (domain). counts: which entries it is the number of, "" none."""

    id: str
    value: int
    tag: str
    cite: str
    counts: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a document prints about its catalogue. sums: a figure and those that ought to add to it."""

    edition: str
    title: Mapping[str, str]
    figures: Mapping[str, Figure]
    sums: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def editions() -> Mapping[str, Printed]:
    """All documents whose printed figures are known."""
    found: dict[str, Printed] = {}
    for edition, told in tomllib.loads(PRINTED.read_text("utf-8")).items():
        figures = {figure["id"]: Figure(**figure) for figure in told["figures"]}
        sums = tuple((one["total"], tuple(one["parts"])) for one in told.get("sums", ()))
        found[edition] = Printed(edition, told["title"], figures, sums)
    return found


def printed(edition: str) -> Printed:
    """The figures of one document. Usage: edition_unknown."""
    if edition not in editions():
        raise Usage("edition_unknown", edition=edition, known=", ".join(editions()))
    return editions()[edition]


def foots(told: Printed) -> list[Finding]:
    """The sums that a document prints and that do not hold."""
    found: list[Finding] = []
    for total, parts in told.sums:
        stated, figure = [told.figures[part].value for part in parts], told.figures[total]
        if sum(stated) != figure.value:
            values = {
                "edition": told.edition,
                "parts": " + ".join(map(str, stated)),
                "sum": str(sum(stated)),
                "difference": str(figure.value - sum(stated)),
                "tag": figure.tag,
                "cite": figure.cite,
            }
            found.append(
                Finding("printed_does_not_foot", "warning", subject=told.edition, value=str(figure.value), values=values)
            )
    return found


def lint(
    entries: Entries,
    bands: Sequence[Band] = (),
    attributes: Mapping[str, str] | None = None,
    printed: Printed | None = None,
    *,
    file: str = "",
) -> list[Finding]:
    """Everything to be said of a version, by row: subject the group's code, row that of its file.

    attributes: of the operations known here; empty or None: nothing is said of unknown codes. printed: what the
    document prints about this version, compared with what is there and with itself. file: what the rows came with.
    """
    return list(_Lint(entries, bands, attributes or {}, printed, file).all())


@dataclass(frozen=True, slots=True)
class _Lint:
    entries: Entries
    bands: Sequence[Band]
    attributes: Mapping[str, str]
    printed: Printed | None
    file: str

    def all(self) -> Iterator[Finding]:
        yield from sorted(
            (finding for entry in self.entries.rows for finding in self._entry(entry)),
            key=lambda finding: (finding.row or 0, finding.subject),
        )
        yield from self._alike()
        yield from self._filled_down()
        yield from self._same_definition()
        for band in self.bands:
            if self.entries.get(band.dip_code) is None:
                yield Finding(
                    "band_without_entry", "warning", subject=band.dip_code, value=f"{band.type}:{band.band}"
                )
        if self.printed is not None:
            yield from foots(self.printed)
            yield from self._counts(self.printed)

    def _say(
        self, code: str, entry: Entry, column: str, value: object = "", severity: Severity = "warning", **values: str
    ) -> Finding:
        return Finding(
            code, severity, self.file, "", entry.row or None, column, str(value), entry.dip_code, values
        )

    # One entry

    def _entry(self, entry: Entry) -> Iterator[Finding]:
        if entry.score is None:
            yield self._say("score_empty", entry, "score")
        elif entry.score <= 0:
            yield self._say("score_zero", entry, "score", entry.score)
        if not entry.diag_code and entry.kind in ("core", "primary_care", "composite") and entry.stage != "pre":
            yield self._say("core_without_diagnosis", entry, "diag_code")
        bare = not (entry.oprn_code or entry.rel_oprn_code) and entry.stage in ("", "basic")
        if bare and entry.kind in ("core", "primary_care") and entry.attribute not in ("", "conservative"):
            yield self._say("bare_with_attribute", entry, "oprn_code", entry.attribute)
        if entry.kind == "composite" and not entry.attribute:
            yield self._say("composite_without_attribute", entry, "attribute")
        if entry.stage == "pre" and not (entry.diag_code or entry.oprn_code or entry.condition):
            yield self._say("pre_without_rule", entry, "condition")
        for column, text in (("diag_code", entry.diag_code), ("oth_diag_code", entry.oth_diag_code)):
            yield from self._signs(entry, column, text)
            yield from self._diagnoses(entry, column, text)
        for column, text in (("oprn_code", entry.oprn_code), ("rel_oprn_code", entry.rel_oprn_code)):
            yield from self._signs(entry, column, text)
            yield from self._operations(entry, column, text)
        yield from self._key(entry)
        yield from self._condition(entry)
        yield from self._equal(entry)

    def _signs(self, entry: Entry, column: str, text: str) -> Iterator[Finding]:
        if ALL.search(text) and ANY.search(text):
            yield self._say("precedence_read", entry, column, text, "note", reading=reading(text))
        if UNCLEAR.search(text):
            yield self._say("sign_unclear", entry, column, text)
        if re.search(r"^[+,|/]|[+,|/]$|[+,|/]{2}", text):
            yield self._say("sign_dangling", entry, column, text)

    def _diagnoses(self, entry: Entry, column: str, text: str) -> Iterator[Finding]:
        for part in filter(None, re.split(r"[+,|/;、]", text)):
            low, dash, high = part.partition("-")
            if not all(_DIAGNOSIS.fullmatch(code) for code in (low, high or low)):
                yield self._say("code_shape", entry, column, part)
            elif dash and low[:3] > high[:3]:
                yield self._say("range_reversed", entry, column, part)

    def _operations(self, entry: Entry, column: str, text: str) -> Iterator[Finding]:
        for code in filter(None, re.split(r"[+,|/;、]", text)):
            if not _OPERATION.fullmatch(code):
                yield self._say("code_shape", entry, column, code)
            elif self.attributes and code not in self.attributes:
                longer = [f"{code}{rest}" for rest in ("0", "00", "000", "x00") if f"{code}{rest}" in self.attributes]
                if len(longer) == 1:
                    yield self._say("zeros_lost_behind", entry, column, code, meant=longer[0])
                else:
                    yield self._say("operation_unknown", entry, column, code, "note")

    def _key(self, entry: Entry) -> Iterator[Finding]:
        """A key that carries codes of its own says the same as the columns."""
        shown = diagnosis_of(entry.dip_code)
        if shown and entry.diag_code and not agrees(shown, entry.diag_code):
            yield self._say("key_disagrees", entry, "diag_code", entry.diag_code, key=entry.dip_code)
        of_key = set(operations_of(entry.dip_code) or ())
        own = set(operations_in(f"{entry.oprn_code}+{entry.rel_oprn_code}"))
        if of_key and own and not of_key & own:
            yield self._say("key_disagrees", entry, "oprn_code", entry.oprn_code, key=entry.dip_code)

    def _condition(self, entry: Entry) -> Iterator[Finding]:
        if not entry.condition:
            return
        try:
            used = formula.names(parsing.parse(entry.condition))
            unknown = [name for name in used if name not in CONDITION_NAMES]
            if unknown:
                yield self._say(
                    "condition_name_unknown", entry, "condition", ", ".join(unknown), known=", ".join(CONDITION_NAMES)
                )
            else:
                condition_of(entry.condition)
        except formula.FormulaError:
            yield self._say("condition_unreadable", entry, "condition", entry.condition)

    def _equal(self, entry: Entry) -> Iterator[Finding]:
        if not entry.equal_to:
            return
        other = self.entries.get(entry.equal_to)
        if other is None:
            yield self._say("equal_unknown", entry, "equal_to", entry.equal_to)
        elif other.equal_to:
            yield self._say("equal_chained", entry, "equal_to", entry.equal_to, other=other.equal_to)
        elif other.score != entry.score:
            yield self._say(
                "equal_differs", entry, "score", entry.score, other=entry.equal_to, other_score=str(other.score)
            )

    # Entries beside each other

    def _alike(self) -> Iterator[Finding]:
        seen: dict[str, Entry] = {}
        for entry in sorted(self.entries.rows, key=lambda one: (one.row, one.dip_code)):
            first = seen.setdefault(folded_key(entry.dip_code), entry)
            if first is not entry:
                yield self._say(
                    "key_alike", entry, "dip_code", entry.dip_code, first=first.dip_code, first_row=str(first.row)
                )

    def _filled_down(self) -> Iterator[Finding]:
        """A diagnosis that stands on a row as on the one above, whose names have nothing in common."""
        rows = sorted((entry for entry in self.entries.rows if entry.row), key=lambda one: one.row)
        start: Entry | None = None
        for entry in rows:
            if start is None or entry.diag_code != start.diag_code or not entry.diag_code:
                start = entry
            elif not diagnosis_of(entry.dip_code) and alien(entry.dip_name, start.dip_name):
                yield self._say(
                    "filled_down_doubt", entry, "diag_code", entry.diag_code, key=entry.dip_code, name=entry.dip_name
                )

    def _same_definition(self) -> Iterator[Finding]:
        """Two groups that the same cases belong to."""
        seen: dict[tuple[object, ...], Entry] = {}
        for entry in sorted(self.entries.rows, key=lambda one: (one.row, one.dip_code)):
            if not (entry.diag_code or entry.oprn_code or entry.condition):
                continue
            own = entry.attribute if entry.kind == "composite" else ""
            key = (
                entry.kind, entry.stage, own, entry.condition,
                *(_sorted(text) for text in (entry.diag_code, entry.oprn_code, entry.rel_oprn_code, entry.oth_diag_code)),
            )  # fmt: skip
            first = seen.setdefault(key, entry)
            if first is not entry:
                yield self._say(
                    "same_definition", entry, "diag_code", entry.diag_code, first=first.dip_code, first_row=str(first.row)
                )

    def _counts(self, told: Printed) -> Iterator[Finding]:
        for figure in told.figures.values():
            if not figure.counts:
                continue
            what, _, wanted = figure.counts.partition(":")
            counted = sum(
                what == "all" or (entry.kind if what == "kind" else entry.stage or "basic") == wanted
                for entry in self.entries.rows
            )
            if counted != figure.value:
                values = {
                    "stated": str(figure.value),
                    "counted": str(counted),
                    "difference": str(counted - figure.value),
                    "what": figure.id,
                    "cite": figure.cite,
                    "tag": figure.tag,
                }
                yield Finding(
                    "printed_count_differs", "warning", self.file, subject=told.edition, value=figure.id, values=values
                )


def _sorted(expression: str) -> tuple[tuple[str, ...], ...]:
    """An expression without the order of its parts and alternatives."""
    return tuple(sorted(tuple(sorted(ANY.split(part))) for part in ALL.split(expression)))
