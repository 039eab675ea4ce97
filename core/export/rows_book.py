"""A workbook of plain rows, written as they come: no row is kept, so its length costs no memory.

What lists need and nothing else: texts, numbers and formulas, widths, a frozen and filtered heading, page setup. Every cell
names its place, texts stand in their cells, no formula can arise from them, and no clock is in the file.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter.utility import xl_col_to_name

from core.export.target import whole_file


class Formula(NamedTuple):
    """said: without the sign =. value: what it gives, stored beside it, so that the file is right before it is recalculated."""

    said: str
    value: str | int | float


Value = str | int | float | Formula | None
CELL_SIGNS = 32_767  # that a cell holds
SHEET_NAME, HEADER_SIGNS = 31, 255  # at most, of a sheet's name and of what stands on top of its pages
TABBED = ' tabSelected="1"'
A4, A3 = 9, 8  # of Excel's numbers for paper
_LEVEL = 1  # of compression: rows are alike, more effort makes the file a fifth smaller in four times the time
_ROWS, _PIECE = 500, 1 << 18  # rows, and signs, that are held at once
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What a text may not hold as it is: XML's own signs, signs that XML has not, and what a reader would take for such a sign.
_HARD = re.compile("[&<>\x00-\x1e\ud800-\udfff\ufffe\uffff]")
_LOST = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_TAKEN = re.compile("_(x[0-9A-Fa-f]{4}_)")


class RowBook:
    """Sheets one after another. Styles are numbers: `style` gives one for a look."""

    def __init__(self, archive: ZipFile) -> None:
        self._zip = archive
        self._looks: dict[tuple[str, bool, bool], int] = {("", False, False): 0}
        self._names: list[str] = []
        self._given: set[str] = set()
        self._order: list[int] = []
        self._filters: dict[int, str] = {}
        self._repeated: dict[int, int] = {}

    def style(self, number_format: str = "", *, bold: bool = False, head: bool = False) -> int:
        """number_format: Excel's, "@" for text. head: a heading's ground and line."""
        return self._looks.setdefault((number_format, bold or head, head), len(self._looks))

    def name(self, title: str, number: int = 0, of: int = 1) -> str:
        """A sheet name that Excel takes and that no other sheet was given: it knows no capitals."""
        found, again = sheet_name(title, number, of), 1
        while found.lower() in self._given:
            again += 1
            found = sheet_name(title, again - 1, again)
        self._given.add(found.lower())
        return found

    @contextmanager
    def sheet(
        self, name: str, widths: Sequence[float], *, frozen: tuple[int, int] = (0, 0), filtered: str = "",
        header: str = "", paper: int = A4, repeated: int = 0, first: bool = False, spans: str = "",
    ) -> Generator[Sheet]:  # fmt: skip
        """The sheet to write now, until it is left. frozen: rows and columns; filtered, spans: cells, as A2:F9, of the filter
        and of all there are; repeated: the row that every printed page begins with, from 1; first: before the others."""
        number = len(self._names) + 1
        self._names.append(name)
        self._order.insert(0 if first else len(self._order), number)
        if filtered:
            self._filters[number] = filtered
        if repeated:
            self._repeated[number] = repeated
        with self._zip.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as out:
            out.write(_opened(widths, frozen, spans, chosen=self._order[0] == number).encode())
            page = Sheet(out)
            yield page
            page.flush()
            out.write(_closed(filtered, header, paper).encode())

    def finish(self) -> None:
        """What holds the sheets together."""
        sheets = "".join(
            f'<sheet name="{_quoted(self._names[number - 1])}" sheetId="{number}" r:id="rId{number}"/>' for number in self._order
        )
        place = {number: at for at, number in enumerate(self._order)}
        named: list[tuple[str, int, str]] = []
        for number, cells in self._filters.items():
            fixed = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", cells)
            named.append(("_xlnm._FilterDatabase", number, fixed))
        named += [("_xlnm.Print_Titles", number, f"${row}:${row}") for number, row in self._repeated.items()]
        hidden = ' hidden="1"'
        defined = "".join(
            f'<definedName name="{name}" localSheetId="{place[number]}"{hidden if "Filter" in name else ""}>'
            f"{escape(reference(self._names[number - 1]))}!{cells}</definedName>"
            for name, number, cells in sorted(named, key=lambda one: (one[0], place[one[1]]))
        )
        relations = "".join(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in sorted(self._order)
        )
        count = len(self._names)
        parts = {
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{sheets}</sheets>{f'<definedNames>{defined}</definedNames>' if defined else ''}</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}'
            f'<Relationship Id="rId{count + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
            "xl/styles.xml": self._styles(),
            "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:creator>Dianzhi</dc:creator>'
            '<dcterms:created xsi:type="dcterms:W3CDTF">2000-01-01T00:00:00Z</dcterms:created></cp:coreProperties>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
            "</Relationships>",
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
            '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_KIND}.worksheet+xml"/>'
                for number in range(1, count + 1)
            )
            + "</Types>",
        }
        for path, said in parts.items():
            self._zip.writestr(_entry(path), _HEAD + said)

    def _styles(self) -> str:
        formats = list(dict.fromkeys(code for code, _, _ in self._looks if code and code != "@"))
        numbers = {"": 0, "@": 49} | {code: 164 + at for at, code in enumerate(formats)}
        told = "".join(f'<numFmt numFmtId="{numbers[code]}" formatCode="{_quoted(code)}"/>' for code in formats)
        cells = "".join(
            f'<xf numFmtId="{numbers[code]}" fontId="{int(bold)}" fillId="{2 if head else 0}" borderId="{int(head)}" xfId="0"'
            ' applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1"'
            + (' applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>' if head else "/>")
            for code, bold, head in self._looks
        )
        font = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
        edges, under = "<left/><right/><top/>{}<diagonal/>", '<bottom style="thin"/>'
        return (
            f'<styleSheet xmlns="{_MAIN}">' + (f'<numFmts count="{len(formats)}">{told}</numFmts>' if formats else "")
            + f'<fonts count="2"><font>{font}</font><font><b/>{font}</font></fonts>'
            '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
            '<fill><patternFill patternType="solid"><fgColor rgb="FFE7EDF3"/><bgColor indexed="64"/></patternFill></fill></fills>'
            f'<borders count="2"><border>{edges.format("<bottom/>")}</border>'
            f"<border>{edges.format(under)}</border></borders>"
            '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
            f'<cellXfs count="{len(self._looks)}">{cells}</cellXfs>'
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
        )


class Sheet:
    """A sheet under way. at: the row that comes next, from 1."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._held, self._size = out, list[str](), 0
        self.at = 1

    def row(self, values: Iterable[Value], styles: Sequence[int]) -> None:
        """One row; a cell that is None or "" is not there."""
        self.block([[value] for value in values], styles)

    def block(self, columns: Sequence[Sequence[Value]], styles: Sequence[int]) -> None:
        """Rows given by column, all equally long: each a cell's text or number."""
        for start in range(0, len(columns[0]) if columns else 0, _ROWS):
            self._rows([values[start : start + _ROWS] for values in columns], styles)

    def _rows(self, columns: Sequence[Sequence[Value]], styles: Sequence[int]) -> None:
        numbers = list(map(str, range(self.at, self.at + len(columns[0]))))
        cells = [
            _cells(values, numbers, xl_col_to_name(at), style)
            for at, (values, style) in enumerate(zip(columns, styles, strict=True))
        ]
        rows = map("".join, zip(*cells, strict=True))
        said = "".join([f'<row r="{number}">{row}</row>' for number, row in zip(numbers, rows, strict=True)])
        self._held.append(said)
        self._size += len(said)
        self.at += len(numbers)
        if self._size > _PIECE:
            self.flush()

    def skip(self, rows: int = 1) -> None:
        self.at += rows

    def flush(self) -> None:
        self._out.write("".join(self._held).encode())
        self._held, self._size = [], 0


@contextmanager
def row_book(path: Path | str) -> Generator[RowBook]:
    """Written whole or not at all, the same bytes from the same rows: WorldFault as `core.export.target.whole_file` says."""
    with whole_file(path) as beside, beside.open("wb") as out:
        archive = ZipFile(out, "w", ZIP_DEFLATED, compresslevel=_LEVEL)
        try:
            book = RowBook(archive)
            yield book
            book.finish()
            archive.close()
        finally:
            archive.fp = None  # what a full disk refused is not tried once more when the archive is collected


def sheet_name(title: str, number: int = 0, of: int = 1) -> str:
    """Fit for Excel: 31 characters, none of `[]:*?/\\`."""
    clean = "".join("_" if sign in "[]:*?/\\" or sign < " " else sign for sign in title).strip("' ") or "sheet"
    tail = f" ({number + 1})" if of > 1 else ""
    return clean[: SHEET_NAME - len(tail)] + tail


def _cells(values: Sequence[Value], numbers: Sequence[str], column: str, style: int) -> list[str]:
    """A column's cells as they stand in the file."""
    look = f'" s="{style}"' if style else '"'
    start, number, text = f'<c r="{column}', f"{look}><v>", f'{look} t="inlineStr"><is><t>'
    kinds = set(map(type, values))
    if Formula in kinds:
        return [cell for row, value in zip(numbers, values, strict=True) for cell in (
            [_formula(f"{start}{row}{look}", value)] if isinstance(value, Formula) else _cells([value], [row], column, style)
        )]  # fmt: skip
    if str in kinds:
        written = [value if isinstance(value, str) else "" for value in values]
        if not _plain(written):
            text = text.replace("<t>", '<t xml:space="preserve">')
            written = [_text(word) for word in written]
        return [
            f"{start}{row}{text}{word}</t></is></c>" if word
            else "" if value is None or value == ""
            else f"{start}{row}{number}{value}</v></c>"
            for row, word, value in zip(numbers, written, values, strict=True)
        ]  # fmt: skip
    if type(None) in kinds:
        return [
            "" if value is None else f"{start}{row}{number}{value}</v></c>"
            for row, value in zip(numbers, values, strict=True)
        ]
    return [f"{start}{row}{number}{value}</v></c>" for row, value in zip(numbers, values, strict=True)]


def _formula(opened: str, formula: Formula) -> str:
    said = f"<f>{_text(formula.said)}</f>"
    if isinstance(formula.value, str):
        return f'{opened} t="str">{said}<v>{_text(formula.value)}</v></c>'
    return f"{opened}>{said}<v>{formula.value}</v></c>"


def reference(sheet: str) -> str:
    """A sheet as a formula names it."""
    return "'" + sheet.replace("'", "''") + "'"


def _plain(words: Sequence[str]) -> bool:
    """Whether these texts may stand as they are, looked for in all of them at once."""
    together = "\x1f".join(["", *words, ""])
    return (
        _HARD.search(together) is None and "_x" not in together and together.count("\x1f") == len(words) + 1
        and "\x1f " not in together and " \x1f" not in together and max(map(len, words)) <= CELL_SIGNS
    )  # fmt: skip


def _text(word: str) -> str:
    """A text as XML, signs that XML has not in Excel's own writing. What is longer than a cell ends with …"""
    if len(word) > CELL_SIGNS:
        word = word[: CELL_SIGNS - 1] + "…"
    return escape(_LOST.sub(lambda found: f"_x{ord(found[0]):04X}_", _TAKEN.sub(r"_x005F_\1", word)))


def _opened(widths: Sequence[float], frozen: tuple[int, int], spans: str, *, chosen: bool) -> str:
    rows, columns = frozen
    place = f"{xl_col_to_name(columns)}{rows + 1}"
    pane = "bottomRight" if rows and columns else "bottomLeft" if rows else "topRight"
    split = (f' xSplit="{columns}"' if columns else "") + (f' ySplit="{rows}"' if rows else "")
    held = f'<pane{split} topLeftCell="{place}" activePane="{pane}" state="frozen"/><selection pane="{pane}"/>' if split else ""
    wide = "".join(f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>' for at, width in enumerate(widths, 1))
    view = f'<sheetView{TABBED if chosen else ""} workbookViewId="0">{held}</sheetView>'
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        + (f'<dimension ref="{spans}"/>' if spans else "")
        + f'<sheetViews>{view}</sheetViews><sheetFormatPr defaultRowHeight="15"/>'
        + (f"<cols>{wide}</cols>" if wide else "")
        + "<sheetData>"
    )


def _closed(filtered: str, header: str, paper: int) -> str:
    said = "&L" + header.replace("&", "&&")
    return (
        "</sheetData>"
        + (f'<autoFilter ref="{filtered}"/>' if filtered else "")
        + '<pageMargins left="0.4" right="0.4" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
        f'<pageSetup paperSize="{paper}" orientation="landscape" fitToHeight="0"/><headerFooter>'
        + (f"<oddHeader>{escape(said)}</oddHeader>" if header and len(said) <= HEADER_SIGNS else "")
        + "<oddFooter>&amp;C&amp;P / &amp;N</oddFooter></headerFooter></worksheet>"
    )


def _entry(path: str) -> ZipInfo:
    entry = ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o600 << 16
    entry._compresslevel = _LEVEL  # pyright: ignore[reportAttributeAccessIssue] an entry with a date of its own asks for it
    return entry


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
