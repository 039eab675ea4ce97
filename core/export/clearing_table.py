"""The region's clearing table for print, landscape: a part for each fund, its steps on top and every institution beneath.

On A4 where few institutions leave room for all of a fund's on its first page, else on A3.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from core.export.annual.pen import shown_places
from core.export.document import GREY, Align, Document, Field, Paper, grouped, stamped
from core.export.tables import is_summed, marks
from core.findings import ALOUD
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules import formula as language
from core.rules.circular import PARTS, Pack, Step
from core.rules.sheet import Clearing, FundSheet
from core.texts import Texts

REGION_COLUMNS = 4  # of the region's steps, each a title and a value
NARROW = 80.0  # mm of a step of the region, with its value, that is set in smaller letters
SIGNED = 13.0  # mm for the line of signatures
FEW = 12  # institutions, up to which A4 is tried


def write(clearing: Clearing, path: Path | str, lang: str = "", progress: Progress = SILENT) -> None:
    """WorldFault as `core.export.document.Document` and `core.export.target.whole_file` say."""
    texts = Texts(lang)
    papers: list[Paper] = ["A4", "A3"] if all(len(sheet.institutions) <= FEW for sheet in clearing.funds) else ["A3"]
    for paper in papers:
        document = Document(
            texts, paper=paper, landscape=True, mark=marks(clearing.stamps, texts), foot=stamped(clearing.stamps, texts)
        )
        fits = True
        for number, sheet in enumerate(clearing.funds):
            step(progress, "print", number, len(clearing.funds))
            fits &= put(document, clearing, sheet)
        if fits or paper == papers[-1]:
            document.save(path)
            return


def put(document: Document, clearing: Clearing, sheet: FundSheet) -> bool:
    """One fund as a part of a document; whether its institutions stand on the first page."""
    texts, pack = document.texts, clearing.pack
    title = texts("print.clearing_title", year=clearing.year, fund=texts(f"fund.{sheet.fund}"))
    named = pack.title.get(texts.lang, pack.id)
    document.begin(title, texts("print.clearing_under", region=clearing.stamps.region, pack=named, count=len(sheet.institutions)))
    _region(document, clearing, sheet)
    document.y += 2.5
    first, listed = document.pages, list(range(len(sheet.institutions)))
    _institutions(document, clearing, sheet, [one for one in pack.scope("institution") if one.part in ("", "closing")], listed)
    fits = document.pages == first
    beside = [one for one in pack.scope("institution") if one.part == "outside"]
    paid = [i for i in listed if any(sheet.values[one.id][i] for one in beside if one.id in sheet.values)]
    if paid:
        document.heading(texts("print.beside"))
        _institutions(document, clearing, sheet, beside, paid)
    document.room(SIGNED)
    document.y += 5
    document.write(texts("print.made_checked"), 0, document.y, 9, width=document.width)
    document.y += 8
    for said in (texts("print.evidence"), *open_items(pack, texts)):
        document.paragraph(said, 7, colour=GREY)
    for finding in clearing.findings:
        if finding.severity == "warning" and finding.code.startswith(ALOUD) and finding.subject in ("", sheet.fund):
            document.paragraph(texts.finding(finding), 7)
    return fits


def _institutions(
    document: Document, clearing: Clearing, sheet: FundSheet, steps: Sequence[Step], listed: Sequence[int]
) -> None:
    """A row for each of these institutions, by their place, and the sums over all."""
    texts = document.texts
    columns = [one for one in steps if one.id in sheet.values]
    fields = [Field(texts(f"print.{name}"), align=align) for name, align in _NAMED]
    fields += [Field(titled(one, texts), align="R") for one in columns]
    shown = {one.id: [figure(one, value, sheet.values[one.id]) for value in sheet.values[one.id]] for one in columns}
    rows: list[list[str]] = []
    for number, i in enumerate(listed, 1):
        one = sheet.institutions[i]
        named_cells = [str(number), one.code, one.name, texts(f"workbook.grade.{one.level}"), one.county]
        rows.append([*named_cells, *(shown[column.id][i] for column in columns)])
    total = ["", "", texts("print.total"), "", ""]
    total += [
        figure(one, sum(sheet.values[one.id], Fraction(0)), sheet.values[one.id]) if is_summed(one) else ""
        for one in columns
    ]
    document.table(fields, rows, total=total, frozen=3)


_NAMED: tuple[tuple[str, Align], ...] = (
    ("number", "C"), ("code", "L"), ("name", "L"), ("level", "C"), ("county", "C"),
)  # fmt: skip


def titled(one: Step, texts: Texts) -> str:
    """A step's title with its unit, and its evidence where no policy says it."""
    title, unit = one.title.get(texts.lang, one.id), texts(f"unit.{one.unit}") if one.unit else ""
    said = texts("print.with_unit", what=title, unit=unit) if unit else title
    return f"{said} {tag(one)}".rstrip()


def tag(one: Step) -> str:
    """[D] and the like: what a figure without a policy behind it carries."""
    return f"[{one.evidence}]" if one.evidence not in ("", "V") else ""


def open_items(pack: Pack, texts: Texts) -> list[str]:
    """What the documents leave open of what an annual clearing went by, a sentence each: steps, cases, tables, parameters."""
    exprs = [one.expr for one in pack.steps if one.expr is not None]
    exprs += [one.score for one in pack.case.branches] + [one.when for one in pack.case.branches if one.when is not None]
    nodes = [node for expr in exprs for node in language.walk(expr)]
    named = {node.id for node in nodes if isinstance(node, language.Name)}
    tables = {node.table for node in nodes if isinstance(node, language.Tiers)}
    opens = [(one.title, one.open) for one in (*pack.steps, *pack.case.branches)]
    opens += [(one.title, one.open) for id, one in pack.tables.items() if id in tables]
    # A setting of the cases is a parameter by the same name.
    opens += [(one.title, one.open) for id, one in pack.parameters.items() if id in named or hasattr(pack.case, id)]
    said = [
        texts("print.open_item", what=title.get(texts.lang, ""), why=left.get(texts.lang, "")).rstrip("。.") + texts("print.stop")
        for title, left in opens
        if any(left.values())
    ]
    return list(dict.fromkeys(said))


def figure(one: Step, value: Fraction, among: Sequence[Fraction] = ()) -> str:
    """A step's value with commas, to the decimals that its column shows."""
    return grouped(plain(value, shown_places(one, among or (value,))))


def _region(document: Document, clearing: Clearing, sheet: FundSheet) -> None:
    """The region's steps in rows of four: the chain's, then each part beside it under its own heading."""
    texts = document.texts
    across = 2 * REGION_COLUMNS
    each = document.width / REGION_COLUMNS
    for part in PARTS:
        cells: list[str] = []
        for one in clearing.pack.scope("region"):
            if one.id in sheet.region and one.part == part:
                cells += [titled(one, texts), figure(one, sheet.region[one.id])]
        if not cells:
            continue
        if part:
            document.heading(texts(f"closing.part.{part}"))
        cells += [""] * (-len(cells) % across)
        rows = [cells[i : i + across] for i in range(0, len(cells), across)]
        fields = [Field("", each * 0.58), Field("", each * 0.42, "R")] * REGION_COLUMNS
        document.table(fields, rows, size=8.5 if each > NARROW else 7, shaded=range(0, across, 2))
