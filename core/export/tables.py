"""A clearing and any worksheet as plain files: json, csv, and an xlsx without formulas.

Numbers are plain decimals, codes are text, a text cell can never become a formula, and no clock stands in a
file: the same inputs give the same bytes.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from core.export.rows_book import A4, RowBook, Sheet, row_book
from core.export.target import whole_file
from core.faults import Usage
from core.findings import Finding
from core.money import plain
from core.progress import SILENT, Progress, step
from core.rules.circular import Pack, Step
from core.rules.sheet import Clearing, FundSheet, Institution, Stamps, Title
from core.texts import Texts
from core.worksheet import Cells, Column, Worksheet, text_of

EXCEL_ROWS = 1_048_576
# Digits that a spreadsheet's number holds; what needs more is written as text, so that nothing is lost.
EXCEL_DIGITS = 10**15
CHUNK = 20_000


def clearing_json(clearing: Clearing, codes: Sequence[str] = ()) -> str:
    """The run as one object (`interfaces.md` 4), keys sorted. Every number is a plain decimal in a string.

    codes: the institutions that are shown; then `part` names them, and nothing of the others is left.
    """
    region = {one.id: one for one in clearing.pack.scope("region")}
    columns = {one.id: one for one in clearing.pack.scope("institution")}
    document = {
        "pack": clearing.stamps.pack,
        "year": str(clearing.year),
        "set": clearing.stamps.set_name,
        "synthetic": clearing.stamps.synthetic,
        "stamps": _strings(_stamped(_own(clearing.stamps, codes)) | {"tags": tags(clearing.pack)}),
        **({"part": sorted(codes)} if codes else {}),
        "funds": {
            sheet.fund: {
                "region": {name: figure(region[name], value) for name, value in sheet.region.items()},
                "institutions": [
                    {"fixmedins_code": institution.code}
                    | {name: figure(columns[name], values[i]) for name, values in sheet.values.items()}
                    for i, institution in _chosen(sheet, codes)
                ],
            }
            for sheet in clearing.funds
            if not codes or any(_chosen(sheet, codes))
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _chosen(sheet: FundSheet, codes: Sequence[str]) -> Iterator[tuple[int, Institution]]:
    """Rows of a fund with their numbers: all, or those of these institutions."""
    return ((i, one) for i, one in enumerate(sheet.institutions) if not codes or one.code in codes)


def _own(stamps: Stamps, codes: Sequence[str]) -> Stamps:
    """A trial's changes of other institutions' coefficients are theirs alone."""
    if not codes or not stamps.changes:
        return stamps
    said = json.loads(stamps.changes)
    said["cells"] = [one for one in said.get("cells", ()) if one[0] in codes]
    return replace(stamps, changes=json.dumps(said, ensure_ascii=False))


def check_there(clearing: Clearing, codes: Sequence[str]) -> None:
    """Usage: not_in_clearing, for the first of the institutions that no fund has."""
    for code in codes:
        if not any(True for sheet in clearing.funds for _ in _chosen(sheet, [code])):
            raise Usage("not_in_clearing", institution=code)


def _stamped(stamps: Stamps) -> dict[str, Any]:
    """A scenario's name and changes are there only where something was tried, nothing else may be taken for one; the period
    only of a month; who confirmed it only of what is confirmed: without, it is a draft."""
    said = asdict(stamps)
    absent = {
        *(() if stamps.tried else ("scenario", "changes")),
        *(() if stamps.period else ("period",)),
        *(() if stamps.confirmed_at else ("confirmed_by", "confirmed_at", "confirmed_line")),
    }
    return {name: value for name, value in said.items() if name not in absent}


def figure(one: Step, value: Fraction) -> str:
    """A step's value in full: at least the decimals that it is rounded to, amounts at least two."""
    least = one.places if one.places is not None else 2 if one.unit == "yuan" else 0
    padded = plain(value, least)
    return padded if Fraction(padded) == value else plain(value)


def tags(pack: Pack) -> dict[str, object]:
    """What no policy says, or what it leaves open, by its place in the pack: evidence tag and open text."""
    tagged: list[tuple[str, str, Title]] = []
    tagged += [(f"{one.scope}.{one.id}", one.evidence, one.open) for one in pack.steps]
    tagged += [(f"case.{one.id}", one.evidence, one.open) for one in pack.case.branches]
    tagged += [(f"measure.{one.id}", one.evidence, one.open) for one in pack.case.measures]
    tagged += [(f"parameter.{one.id}", one.evidence, one.open) for one in pack.parameters.values()]
    tagged += [(f"table.{one.id}", one.evidence, one.open) for one in pack.tables.values()]
    return {
        place: {"evidence": evidence} | ({"open": dict(left)} if any(left.values()) else {})
        for place, evidence, left in tagged
        if evidence not in ("", "V") or any(left.values())
    }


def _strings(value: object) -> object:
    """Numbers as decimal strings, however deep; true and false stay."""
    if isinstance(value, Mapping):
        return {str(key): _strings(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strings(inner) for inner in value]
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return plain(value)
    return value


def write_json(clearing: Clearing, path: Path | str, codes: Sequence[str] = ()) -> None:
    check_there(clearing, codes)
    with whole_file(path) as beside:
        beside.write_text(clearing_json(clearing, codes), "utf-8", newline="\n")


def marks(stamps: Stamps, texts: Texts) -> str:
    """What stands on top of every page: that it is a scenario, that the data are synthetic; "" for what is neither."""
    said = [texts("export.scenario", name=stamps.scenario or texts("export.unnamed_scenario"))] if stamps.tried else []
    return " · ".join([*said, *([texts("export.synthetic")] if stamps.synthetic else [])])


def confirmation_of(stamps: Stamps, texts: Texts) -> list[str]:
    """Who confirmed the year's clearing, when, and by which line of the ledger, or that it is a draft; nothing of a month or
    of a trial."""
    if stamps.tried or stamps.period:
        return []
    if not stamps.confirmed_at:
        return [texts("export.draft")]
    at = stamps.confirmed_at[:16].replace("T", " ") + " UTC"
    return [
        texts("export.confirmed", who=stamps.confirmed_by, at=at),
        texts("export.confirmed_line", hash=stamps.confirmed_line),
    ]


def inert(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _write_rows(path: Path | str, rows: Iterable[Iterable[str]]) -> None:
    with whole_file(path) as beside, beside.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, lineterminator="\r\n").writerows(rows)


def write_csv(clearing: Clearing, path: Path | str, texts: Texts, codes: Sequence[str] = ()) -> None:
    """Institutions one row each, the fund in the first column, then a row TOTAL per fund; step ids on top.

    A total stands where a sum means something: cases, points and amounts. An institution without a step that
    another fund has keeps an empty cell. A scenario's last row says so, with its name and changes.
    codes: the rows of these institutions alone, without totals.
    """
    check_there(clearing, codes)
    steps = list(dict.fromkeys(name for sheet in clearing.funds for name in sheet.values))
    known = {one.id: one for one in clearing.pack.scope("institution")}
    rows: list[list[str]] = [["fund", "fixmedins_code", "fixmedins_name", "level", "county", *steps]]
    for sheet in clearing.funds:
        for i, one in _chosen(sheet, codes):
            figures = [
                figure(known[name], sheet.values[name][i]) if name in sheet.values else "" for name in steps
            ]
            named = (inert(one.code), inert(one.name), str(one.level), inert(one.county))
            rows.append([sheet.fund, *named, *figures])
        totals = [
            figure(known[name], sum(sheet.values[name], Fraction(0)))
            if name in sheet.values and is_summed(known[name]) else ""
            for name in steps
        ]
        if not codes:
            rows.append([sheet.fund, "TOTAL", "", "", "", *totals])
    if clearing.stamps.tried:  # nobody shall take it for what holds
        said = (clearing.stamps.scenario, _own(clearing.stamps, codes).changes)
        rows.append(["SCENARIO", *(inert(one) for one in said), *[""] * (len(rows[0]) - 3)])
    _write_rows(path, rows)


def is_summed(one: Step) -> bool:
    """Whether an institution step's sum over the region means something: cases, points, amounts."""
    return one.unit in ("yuan", "points", "cases")


def write_findings(findings: Sequence[Finding], path: Path | str, texts: Texts) -> None:
    """One row a finding: severity, file, sheet, row, column, value, subject, reason, code."""
    names = ("severity", "file", "sheet", "row", "column", "value", "subject", "reason", "code")
    rows: list[list[str]] = [[texts(f"export.finding.{name}") for name in names]]
    for one in findings:
        row = "" if one.row is None else str(one.row)
        place = (texts(f"severity.{one.severity}"), one.file, one.sheet, row, one.column)
        said = (one.value, texts.subject(one), texts.finding(one), one.code)
        rows.append([inert(cell) for cell in (*place, *said)])
    _write_rows(path, rows)


# --- any worksheet -------------------------------------------------------------------------------------


def heading(column: Column, texts: Texts) -> str:
    """The column's title with its unit."""
    title = column.title.get(texts.lang) or column.title.get("en") or column.id
    unit = texts(f"unit.{column.unit}") if column.unit else ""
    return f"{title} ({unit})" if unit else title


def totals_of(worksheet: Worksheet) -> dict[str, object]:
    """The control totals: those of the worksheet, and exact sums of the columns that have one and lack it."""
    totals = dict(worksheet.totals)
    for column in worksheet.columns:
        if column.total and column.id not in totals:
            cells = worksheet.cells[column.id]
            if column.kind in ("int", "fixed"):
                totals[column.id] = int(cells.sum())
            elif column.kind == "exact":
                totals[column.id] = sum((value for value in cells if value is not None), Fraction(0))
    return totals


def _texts_of(column: Column, cells: Cells) -> list[str]:
    """A stretch of cells as text; fixed columns by integer arithmetic, a tenth of the time of `text_of`."""
    if column.kind == "int":
        return [str(value) for value in cells.tolist()]
    if column.kind == "fixed" and (places := column.places or 0) > 0:
        scale = 10**places
        return [
            f"{'-' if value < 0 else ''}{abs(value) // scale}.{abs(value) % scale:0{places}d}"
            for value in cells.tolist()
        ]
    if column.kind in ("text", "code"):
        return [inert("" if value is None else str(value)) for value in cells]
    return [text_of(column, value) for value in cells]


def _closing(worksheet: Worksheet, texts: Texts) -> tuple[str, dict[str, object]]:
    return texts("export.rows", rows=worksheet.rows), totals_of(worksheet)


def worksheet_csv(
    worksheet: Worksheet,
    path: Path | str,
    lang: str = "",
    progress: Progress = SILENT,
    synthetic: bool = False,
) -> None:
    """All rows, then one line with their number and the control totals. UTF-8 with BOM."""
    texts = Texts(lang)
    columns = worksheet.columns

    def rows() -> Iterator[list[str]]:
        yield [inert(heading(column, texts)) for column in columns]
        for start in range(0, worksheet.rows, CHUNK):
            step(progress, "export", start, worksheet.rows)
            stretch = [_texts_of(c, worksheet.cells[c.id][start : start + CHUNK]) for c in columns]
            yield from (list(row) for row in zip(*stretch, strict=True))
        said, totals = _closing(worksheet, texts)
        said += _mark(texts, synthetic)
        closing = [text_of(c, totals[c.id]) if c.id in totals else "" for c in columns]
        yield [said, *closing[1:]] if not closing or not closing[0] else [*closing, said]

    _write_rows(path, rows())


def worksheets_json(
    worksheets: Sequence[Worksheet],
    path: Path | str,
    lang: str = "",
    progress: Progress = SILENT,
    synthetic: bool = False,
) -> None:
    """One object: each worksheet by its id, with title, columns, rows as objects by column id, and control totals.

    Numbers are plain decimals in strings, an empty cell is null.
    """
    texts = Texts(lang)
    document = {"synthetic": synthetic, "worksheets": {one.id: _as_object(one, texts, progress) for one in worksheets}}
    with whole_file(path) as beside:
        beside.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8", newline="\n")


def _as_object(worksheet: Worksheet, texts: Texts, progress: Progress) -> dict[str, object]:
    columns = worksheet.columns
    rows: list[dict[str, str | None]] = []
    for start in range(0, worksheet.rows, CHUNK):
        step(progress, "export", start, worksheet.rows)
        stretch = [worksheet.cells[column.id][start : start + CHUNK].tolist() for column in columns]
        rows += [
            {column.id: None if value is None else text_of(column, value) for column, value in zip(columns, row, strict=True)}
            for row in zip(*stretch, strict=True)
        ]
    told = {column.id: column for column in columns}
    return {
        "title": worksheet.title.get(texts.lang) or worksheet.id,
        "columns": [{"id": column.id, "title": heading(column, texts)} for column in columns],
        "rows": rows,
        "totals": {id: text_of(told[id], value) for id, value in totals_of(worksheet).items() if id in told},
    }


def _mark(texts: Texts, synthetic: bool) -> str:
    return f" · {texts('export.synthetic')}" if synthetic else ""


def number_format(places: int | None) -> str:
    """Thousands separators and exactly `places` decimals; without places all that are there, at most 12."""
    if places is None:
        return "#,##0.############"
    return "#,##0" + ("." + "0" * places if places else "")


def worksheet_xlsx(
    worksheet: Worksheet,
    path: Path | str,
    lang: str = "",
    progress: Progress = SILENT,
    synthetic: bool = False,
) -> None:
    """All rows in constant memory, over several sheets where Excel's end at 1,048,576; codes are text."""
    worksheets_xlsx([worksheet], path, lang, progress, synthetic)


def worksheets_xlsx(
    worksheets: Sequence[Worksheet],
    path: Path | str,
    lang: str = "",
    progress: Progress = SILENT,
    synthetic: bool = False,
) -> None:
    """Several worksheets in one workbook, each as `worksheet_xlsx` writes it, in their order."""
    texts = Texts(lang)
    with row_book(path) as book:
        for worksheet in worksheets:
            _put(book, worksheet, texts, progress, _mark(texts, synthetic))


def style_of(book: RowBook, column: Column) -> int:
    if column.kind in ("text", "code"):
        return book.style("@")
    return book.style(number_format(0 if column.kind == "int" else column.places))


def listing(
    book: RowBook, title: str, columns: Sequence[Column], number: int, of: int, rows: int, mark: str, *, paper: int = A4,
    name: str = "", beneath: int = 0,
) -> AbstractContextManager[Sheet]:  # fmt: skip
    """The sheet `number` of `of` for `rows` rows of these columns, under a line of words and the headings, which are the
    frozen second row; the last one has a closing row, and `beneath` it further ones. name: that it was given before."""
    last = xl_col_to_name(max(len(columns) - 1, 0))
    return book.sheet(
        name or book.name(title, number, of), [column_width(column) for column in columns], frozen=(2, 1), repeated=2,
        filtered=f"A2:{last}{rows + 2}" if rows and columns else "", header=title + mark, paper=paper,
        spans=f"A1:{last}{rows + 2 + (number == of - 1) * (1 + beneath)}",
    )  # fmt: skip


def _put(book: RowBook, worksheet: Worksheet, texts: Texts, progress: Progress, mark: str) -> None:
    columns = worksheet.columns
    title = worksheet.title.get(texts.lang) or worksheet.id
    styles, bold, head = [style_of(book, column) for column in columns], book.style(bold=True), book.style(head=True)
    per_sheet = EXCEL_ROWS - 3
    sheets = max(1, -(-worksheet.rows // per_sheet))
    said, totals = _closing(worksheet, texts)
    for number in range(sheets):
        first, last = number * per_sheet, min((number + 1) * per_sheet, worksheet.rows)
        with listing(book, title, columns, number, sheets, last - first, mark) as page:
            page.row([f"{title} · {said}{mark}"], [bold])
            page.row([heading(column, texts) for column in columns], [head] * len(columns))
            for start in range(first, last, CHUNK):
                step(progress, "export", start, worksheet.rows)
                end = min(start + CHUNK, last)
                page.block([cell_values(column, worksheet.cells[column.id][start:end]) for column in columns], styles)
            if number == sheets - 1:
                closing(page, columns, styles, totals, said, bold)


def closing(
    page: Sheet, columns: Sequence[Column], styles: Sequence[int], totals: Mapping[str, object], said: str, bold: int
) -> None:
    """The last row: what is said of all rows, and the totals under their columns."""
    summed = [column.id in totals for column in columns]
    values = [cell_values(column, [totals[column.id]])[0] if own else None for column, own in zip(columns, summed, strict=True)]
    looks = list(styles)
    if columns and not summed[0]:
        values[0], looks[0] = said, bold
    page.row(values, looks)


def column_width(column: Column) -> int:
    return {"text": 22, "code": 18, "int": 10}.get(column.kind, 16)


def cell_values(column: Column, cells: Any) -> list[Any]:
    """What goes into the cells: a number where a spreadsheet's holds the value, else text; None is empty."""
    if column.kind in ("text", "code"):
        return [None if value is None else str(value) for value in cells]
    places = 0 if column.kind == "int" else column.places or 0
    scale = 10**places
    if isinstance(cells, np.ndarray) and cells.dtype == np.int64 and len(cells) and int(np.abs(cells).max()) < EXCEL_DIGITS:
        return (cells / scale if places else cells).tolist()  # both are whole numbers that a double holds
    values: list[Any] = []
    for value in cells:
        if value is None:
            values.append(None)
        elif column.kind == "exact":
            values.append(float(value) if abs(value) < EXCEL_DIGITS else text_of(column, value))
        else:
            whole = int(value)
            if abs(whole) >= EXCEL_DIGITS:
                values.append(text_of(column, whole))
            else:
                values.append(whole / scale if places else whole)
    return values
