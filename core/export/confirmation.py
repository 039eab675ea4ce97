"""One institution's confirmation sheet: the chain from its cases to what is paid or taken back, to be signed and sealed.

The Chinese form: one fund or both side by side, every line with the way it is computed and the document it rests on, the
result in figures and in capitals, then the two parties' boxes. The same lines make the PDF here and the workbook of
`confirmation_book`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from core.export.capitals import capitals
from core.export.clearing_table import figure, open_items, titled
from core.export.document import GREY, Document, Field, set_named, stamped
from core.export.tables import marks
from core.faults import Usage
from core.findings import ALOUD
from core.progress import SILENT, Progress, step
from core.rules import spelling
from core.rules.circular import Pack, Step
from core.rules.sheet import Clearing, FundSheet, Institution, Scope
from core.texts import Texts

HEADING = 7.0  # mm of a heading within the sheet
SIGNING, LEAST_SIGNING = 66.0, 54.0  # mm for the boxes of both parties, and where a page has no more left for them
# What the two funds of an institution may be added up in; points of two funds have two worths.
ADDED = ("yuan", "cases")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the sheet: a step with its value in each fund, None where the institution is not in that fund."""

    step: Step
    values: Mapping[str, Fraction | None]

    @property
    def total(self) -> Fraction | None:
        """Of both funds, where adding them up means something."""
        there = [value for value in self.values.values() if value is not None]
        return sum(there, Fraction(0)) if self.step.unit in ADDED and len(self.values) > 1 and there else None


@dataclass(frozen=True)
class Confirmation:
    """What an institution's sheet says. region: the figures of all institutions; result: the last line, what is paid."""

    clearing: Clearing
    institution: Institution
    funds: tuple[str, ...]
    region: tuple[Line, ...]
    chain: tuple[Line, ...]

    @property
    def result(self) -> Line:
        by_id = {line.step.id: line for line in self.chain}
        return by_id.get("final") or by_id.get("due") or self.chain[-1]


def institutions(clearing: Clearing, funds: Sequence[str] = ()) -> list[Institution]:
    """Everybody who gets a sheet, by code."""
    found = {one.code: one for sheet in clearing.funds if not funds or sheet.fund in funds for one in sheet.institutions}
    return [found[code] for code in sorted(found)]


def of(clearing: Clearing, code: str, funds: Sequence[str] = ()) -> Confirmation:
    """The sheet of one institution, of these funds or all that were cleared. Usage `not_in_clearing`."""
    sheets = [sheet for sheet in clearing.funds if not funds or sheet.fund in funds]
    place = {sheet.fund: {one.code: i for i, one in enumerate(sheet.institutions)}.get(code) for sheet in sheets}
    known = next((one for one in institutions(clearing, funds) if one.code == code), None)
    if known is None:
        raise Usage("not_in_clearing", institution=code)
    region = tuple(
        Line(one, {sheet.fund: sheet.region.get(one.id) for sheet in sheets})
        for one in clearing.pack.scope("region") if any(one.id in sheet.region for sheet in sheets)
    )
    chain = tuple(
        Line(one, {sheet.fund: _value(sheet, one.id, place[sheet.fund]) for sheet in sheets})
        for one in clearing.pack.scope("institution") if any(one.id in sheet.values for sheet in sheets)
    )
    return Confirmation(clearing, known, tuple(sheet.fund for sheet in sheets), region, chain)


def _value(sheet: FundSheet, id: str, at: int | None) -> Fraction | None:
    return None if at is None or id not in sheet.values else sheet.values[id][at]


def write(
    clearing: Clearing, path: Path | str, codes: Sequence[str] = (), lang: str = "", progress: Progress = SILENT,
    *, funds: Sequence[str] = (),
) -> int:  # fmt: skip
    """The sheets of these institutions, or of all, in one PDF, each with its own page numbers; returns how many.

    Cancelled leaves an older file as it was; WorldFault as `Document` and `whole_file` say.
    """
    document, names = _together(clearing, codes, lang, progress, funds)
    document.save(path)
    return len(names)


def write_each(
    clearing: Clearing, folder: Path | str, codes: Sequence[str] = (), lang: str = "", progress: Progress = SILENT,
    *, funds: Sequence[str] = (),
) -> list[Path]:  # fmt: skip
    """A PDF for each institution in a folder that exists, named by code and name; all of them or, cancelled, none."""
    document, names = _together(clearing, codes, lang, progress, funds)
    return document.save_parts(folder, [f"{name}.pdf" for name in names])


def _together(
    clearing: Clearing, codes: Sequence[str], lang: str, progress: Progress, funds: Sequence[str]
) -> tuple[Document, list[str]]:
    """The sheets as parts of one document, and what each is called."""
    texts = Texts(lang)
    stamps = clearing.stamps
    document = Document(texts, mark=marks(stamps, texts), foot=stamped(stamps, texts))
    wanted = list(codes) or [one.code for one in institutions(clearing, funds)]
    if not wanted:
        raise Usage("nobody_to_confirm")
    named: list[str] = []
    for number, code in enumerate(wanted):
        step(progress, "confirmations", number, len(wanted))
        said = of(clearing, code, funds)
        put(document, said)
        named.append(file_name(said.institution))
    return document, named


def file_name(one: Institution) -> str:
    """Code and name, fit for every system."""
    return "".join("_" if sign in '\\/:*?"<>|' or sign < " " else sign for sign in f"{one.code} {one.name}").strip(" .")[:100]


# --- the page -----------------------------------------------------------------------------------------------


def put(document: Document, said: Confirmation) -> None:
    """One institution as a part of a document."""
    texts, clearing = document.texts, said.clearing
    pack = clearing.pack
    title, one = texts("confirm.title", year=clearing.year), said.institution
    under = texts("confirm.under", issuer=pack.issuer, region=clearing.stamps.region)
    document.begin(title, under, f"{title} · {one.code} {one.name}")
    _named(document, said)
    document.heading(texts("confirm.region"))
    _lines(document, said, [line for line in said.region if not line.step.part], "region")
    document.heading(texts("confirm.chain"))
    _lines(document, said, [line for line in said.chain if not line.step.part], "institution")
    if beside := beside_dip(said):
        document.heading(texts("confirm.beside"))
        _lines(document, said, beside, "institution")
    notes = [*notices(said, texts), *open_items(pack, texts)]
    document.heading(texts("confirm.notes"))
    for number, note in enumerate(notes, 1):
        document.paragraph(f"{number}. {note}", 7, indent=1)
    papers, evidence = documents(said, texts), texts("print.evidence")
    listed = HEADING + sum(document.tall(one, document.width - 1, 7) for one in (*papers, evidence))
    signed = 2 * HEADING + _result_height(document, said)
    # What is signed never stands alone: where it needs the next page, the documents go along.
    document.room(listed + signed + LEAST_SIGNING)
    document.heading(texts("confirm.documents"))
    for cited in papers:
        document.paragraph(cited, 7, indent=1)
    document.paragraph(evidence, 7, colour=GREY, indent=1)
    document.room(signed + LEAST_SIGNING)
    document.heading(texts("confirm.result"))
    _result(document, said)
    document.heading(texts("confirm.opinions"))
    _signing(document, min(SIGNING, document.bottom - document.y))


def _named(document: Document, said: Confirmation) -> None:
    """Who it is about, and what it stands on."""
    texts, one, clearing = document.texts, said.institution, said.clearing
    stamps, state = clearing.stamps, texts(f"state.{clearing.stamps.set_state}")
    pairs = [
        (texts("print.name"), one.name), (texts("print.code"), one.code),
        (texts("print.level"), texts(f"workbook.grade.{one.level}")), (texts("print.county"), one.county),
        (texts("confirm.funds"), texts.listed(texts(f"fund.{fund}") for fund in said.funds)),
        (texts("confirm.pack"), clearing.pack.title.get(texts.lang, clearing.pack.id)),
        (texts("confirm.set"), texts("confirm.set_state", set=set_named(stamps, texts), state=state)),
        (texts("workbook.catalogue"), stamps.catalogue),
    ]  # fmt: skip
    rows = [[*pairs[i], *pairs[i + 1]] for i in range(0, len(pairs), 2)]
    wide = document.width
    fields = [Field("", wide * share) for share in (0.13, 0.4, 0.13, 0.34)]
    document.table(fields, rows, size=8.5, shaded=(0, 2))


def _lines(document: Document, said: Confirmation, lines: Sequence[Line], scope: Scope) -> None:
    """Number, item, each fund, both, and how it is computed with its document."""
    texts, funds = document.texts, said.funds
    summed = len(funds) > 1
    money = 29.0
    fixed = 8 + money * (len(funds) + summed)
    fields = [Field(texts("print.number"), 8, "C"), Field(texts("confirm.item"), (document.width - fixed) * 0.47)]
    fields += [Field(texts(f"fund.{fund}"), money, "R") for fund in funds]
    fields += [Field(texts("print.total"), money, "R")] if summed else []
    fields.append(Field(texts("confirm.basis"), (document.width - fixed) * 0.53))
    rows: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        there = [value for value in line.values.values() if value is not None]
        row = [str(number), titled(line.step, texts)]
        row += [texts("confirm.none") if value is None else figure(line.step, value, there) for value in line.values.values()]
        if summed:
            row.append("" if line.total is None else figure(line.step, line.total, there))
        rows.append([*row, basis(said.clearing.pack, line.step, scope, texts)])
    last = rows.pop() if lines and lines[-1] is said.result else []
    document.table(fields, rows, total=last, size=7.5)


def beside_dip(said: Confirmation) -> list[Line]:
    """What the fund pays beside DIP and in all, where there is anything beside it; lines of nothing are left out."""
    beside = [line for line in said.chain if line.step.part]
    if not any(any(line.values.values()) for line in beside if line.step.part == "outside"):
        return []
    return [line for line in beside if any(line.values.values())]


def basis(pack: Pack, one: Step, scope: Scope, texts: Texts) -> str:
    """How a step is computed, in the field's words, and what it rests on."""
    said = ""
    if one.expr is not None:
        said = spelling.words(
            one.expr, lambda name: pack.title_of(scope, name).get(texts.lang, name), pack.phrases[texts.lang], texts.lang,
            column=lambda name: pack.title_of("institution", name).get(texts.lang, name), tables=pack.tables,
        )
    else:
        said = texts(f"confirm.given_{one.input}") if one.input else ""
    return texts("confirm.cited", how=said, cite=one.cite) if one.cite else said


def notices(said: Confirmation, texts: Texts) -> Iterator[str]:
    """What whoever signs has to know: a trial, a draft, changed parameters, a fund without this institution, loud findings."""
    clearing, one = said.clearing, said.institution
    stamps = clearing.stamps
    if stamps.tried:
        yield texts("workbook.scenario_notice", name=stamps.scenario or texts("export.unnamed_scenario"))
    if stamps.set_state != "published":
        yield texts("workbook.draft_set", set=set_named(stamps, texts))
    for name, value in stamps.parameters.items():
        yield texts("workbook.changed", name=name, value=value)
    for fund in said.funds:
        if all(line.values[fund] is None for line in said.chain):
            yield texts("confirm.not_in_fund", fund=texts(f"fund.{fund}"))
    for finding in clearing.findings:
        own = finding.subject == one.code
        if own or (finding.severity == "warning" and finding.code.startswith(ALOUD) and finding.subject in ("", *said.funds)):
            yield texts.finding(finding)
    yield texts("confirm.direction")


def documents(said: Confirmation, texts: Texts) -> list[str]:
    """The documents that the sheet's lines cite, by their keys."""
    cited = {part.strip().partition(",")[0].strip() for line in (*said.region, *said.chain) for part in line.step.cite.split(";")}
    return [
        texts("confirm.document", key=one.key, number=one.number, title=one.title, evidence=one.evidence)
        for one in said.clearing.pack.documents if one.key in cited
    ]


def _result(document: Document, said: Confirmation) -> None:
    """What is paid or taken back, in figures and in capitals."""
    texts = document.texts
    fields = [
        Field(texts("confirm.fund"), 26), Field(texts("confirm.way"), 22, "C"), Field(texts("confirm.amount"), 38, "R"),
        Field(texts("confirm.capitals"), document.width - 86),
    ]  # fmt: skip
    rows, total = _results(said, texts)
    document.table(fields, rows, total=total, size=9)


def _results(said: Confirmation, texts: Texts) -> tuple[list[list[str]], list[str]]:
    line = said.result
    rows = [_resulting(texts(f"fund.{fund}"), line.step, value, texts) for fund, value in line.values.items()]
    return rows, _resulting(texts("print.total"), line.step, line.total, texts) if line.total is not None else []


def _result_height(document: Document, said: Confirmation) -> float:
    """Of the table of results, its heading too, some air included."""
    rows, total = _results(said, document.texts)
    return 7 + sum(document.tall(row[-1] or row[0], document.width - 90, 9) + 2 for row in (*rows, total) if row)


def _resulting(named: str, one: Step, value: Fraction | None, texts: Texts) -> list[str]:
    if value is None:
        return [named, texts("confirm.none"), "", ""]
    fen = value * 100
    way = "pay" if value > 0 else "take_back" if value < 0 else "even"
    # A pack that leaves fractions of a fen has no amount that capitals could say.
    said = texts("confirm.renminbi", capitals=capitals(fen.numerator)) if fen.denominator == 1 else ""
    return [named, texts(f"confirm.{way}"), figure(one, value), said]


def _signing(document: Document, height: float) -> None:
    """Two boxes with space for opinions, signatures, seals and dates, all of that height."""
    texts = document.texts
    half, high, y = document.width / 2, height - 2, document.y
    for side, (who, asked, signed) in enumerate((("institution", "agree", 3), ("agency", "decide", 3))):
        x = side * half
        document.frame(x, y, half, high)
        document.write(texts(f"confirm.{who}"), x + 2, y + 1.5, 9, bold=True)
        at = y + 8
        for line in document.wrapped(texts(f"confirm.{asked}"), half - 4, 8.5):
            document.write(line, x + 2, at, 8.5)
            at += 5.2
        at = y + high - 7 - 6.2 * (signed + 1)
        document.write(texts("confirm.seal"), x, at + 8, 11, width=half * 1.45, align="C", grey=True)
        for number in range(1, signed + 1):
            document.write(texts(f"confirm.{who}_sign_{number}"), x + 2, at, 8.5)
            at += 6.2
        document.write(texts("confirm.date"), x, y + high - 6.5, 8.5, width=half - 4, align="R")
    document.y = y + high + 2
