"""A document for print: pages with title, marks and stamps, tables whose headings stand on every page, page numbers.

PDF on A4 or A3, its text selectable, a subset of a Chinese font within; no clock in it: the same content gives the same
bytes. A document has parts (one institution's sheet, one worksheet), each with page numbers of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from weakref import finalize

from fpdf import FPDF
from fpdf.fonts import TTFFont

from core.export.cut import cut
from core.export.lettering import faces
from core.export.tables import confirmation_of, heading, marks, totals_of
from core.export.target import whole_file, whole_files
from core.progress import SILENT, Progress, step
from core.rules.sheet import Stamps
from core.texts import Texts
from core.worksheet import Worksheet, text_of

Paper = Literal["A4", "A3"]
Align = Literal["L", "C", "R"]

MM = 72 / 25.4  # points
MARGIN, TOP, FOOT = 11.0, 12.0, 15.0  # mm; FOOT is kept free for stamps and page number
LEAD = 1.32  # line to line, of the letters' size
PAD = 0.9  # mm between a cell's edge and its text
SIZES = (8.0, 7.5, 7.0, 6.5, 6.0)  # points that a table may be set in, the largest that fits the paper
HEADED = 18.0  # mm that a heading needs with what stands under it
BANDED = 7.0  # points of one that is set in bands
WIDEST = 52.0  # mm of a column of words before it is set in several lines
INK, GREY, RED, SHADE, LINE = (0, 0, 0), (95, 95, 95), (176, 0, 0), (232, 237, 243), (120, 120, 120)
# Signs that never begin a line, signs that never end one, and runs that are never broken.
OPENING = "（【《「『“‘〔(["
CLOSING = "，。；：、！？）】》」』”’〕%,.;:!?)]}"
_RUNS = re.compile(r"[A-Za-z0-9_.,+\-/%=(\[¥$]*[A-Za-z0-9_%)\]]|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a printed table. width in mm; 0: as wide as its cells need. Words wrap, figures never do."""

    title: str
    width: float = 0.0
    align: Align = "L"


def grouped(number: str) -> str:
    """A plain decimal with commas between thousands; anything else as it is."""
    found = re.fullmatch(r"(-?)(\d+)(\.\d+)?", number)
    return f"{found[1]}{int(found[2]):,}{found[3] or ''}" if found else number


def set_named(stamps: Stamps, texts: Texts) -> str:
    """The coefficient set, in words where it is the imported one."""
    return texts(f"set.{stamps.set_name}") if texts.has(f"set.{stamps.set_name}") else stamps.set_name


def stamped(stamps: Stamps, texts: Texts) -> list[str]:
    """What a sheet stands on, as its foot says it: data, pack, set, run, and whether it is confirmed."""
    changed = [f"{name} = {value}" for name, value in sorted(stamps.parameters.items())]
    return [
        texts("print.stands_on", pack=stamps.pack, pack_hash=stamps.pack_hash[:16], data=stamps.data_hash[:16]),
        texts(
            "print.of_run", set=set_named(stamps, texts), state=texts(f"state.{stamps.set_state}"), set_hash=stamps.set_hash[:16],
            catalogue=stamps.catalogue, run=stamps.run_hash[:16],
        ),
        *([texts("print.parameters", changed=texts.listed(changed))] if changed else []),
        # In full: what is on paper and what is in a file are held against each other by it.
        *([" · ".join([texts("print.run", hash=stamps.run_hash), *confirmation_of(stamps, texts)])] if stamps.run_hash else []),
    ]


class Document:
    """Write parts one after another, then `save`. Measures are mm, sizes of letters points.

    mark: what stands framed on top of every page (synthetic data, a scenario); foot: lines under every page.
    WorldFault `no_chinese_font`.
    """

    def __init__(
        self, texts: Texts, *, paper: Paper = "A4", landscape: bool = False, mark: str = "", foot: Sequence[str] = ()
    ) -> None:
        self.texts, self.mark, self.foot = texts, mark, tuple(foot)
        self._pdf = FPDF(orientation="landscape" if landscape else "portrait", unit="mm", format=paper)
        self._pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
        self._pdf.set_producer("Dianzhi")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margins(0, 0)
        regular, bold = faces()
        for style, face in (("", regular), ("B", bold)):
            self._pdf.add_font("han", style, face.path, collection_font_number=face.number)
            font: Any = self._pdf.fonts[f"han{style}"]
            # The face's own bounds hold for a part of it too; to draw every glyph for new ones takes most of the time.
            font.ttfont.recalcBBoxes = False
            finalize(self, font.ttfont.close)  # whether it is saved or given up
        self._widths = {style: _measure(self._pdf, style) for style in ("", "B")}
        self._pdf.set_line_width(0.15)
        self._firsts: list[int] = []  # pages that parts begin with
        self._title = ""
        self.y = TOP

    @property
    def width(self) -> float:
        """Of what may be written on."""
        return float(self._pdf.w) - 2 * MARGIN

    @property
    def bottom(self) -> float:
        return float(self._pdf.h) - FOOT

    @property
    def pages(self) -> int:
        return int(self._pdf.page)

    # -- parts and pages -----------------------------------------------------------------------------------------

    def begin(self, title: str, subtitle: str = "", running: str = "") -> None:
        """A new part, on a new page. running: what its further pages say on top; the title where it is empty."""
        self._end()
        self._title = running or title
        self._pdf.add_page()
        self._firsts.append(self.pages)
        self.y = TOP
        self._put_mark()
        for line in self.wrapped(title, self.width - (34 if self.mark else 0), 15, bold=True):
            self._text(line, MARGIN, self.y, 15, width=self.width, align="C", bold=True)
            self.y += _line(15)
        if subtitle:
            self.paragraph(subtitle, 8.5, align="C", colour=GREY)
        self.y += 1.5

    def new_page(self) -> None:
        """The next page of the part, in small letters on top what it is a page of."""
        self._pdf.add_page()
        self.y = TOP
        self._put_mark()
        self._text(self.shortened(self._title, self.width, 8, bold=True), MARGIN, self.y, 8, bold=True)
        self.y += _line(8) + 1.5

    def room(self, height: float) -> None:
        """Go to the next page where less than that is left."""
        if self.y + height > self.bottom:
            self.new_page()

    def save(self, path: Path | str) -> None:
        """Written whole or not at all: `core.export.target.whole_file`."""
        self._end()
        with whole_file(path) as beside:
            self._pdf.output(str(beside))

    def save_parts(self, folder: Path | str, names: Sequence[str]) -> list[Path]:
        """Each part as a file of its own, all of them or none: `core.export.target.whole_files`."""
        self._end()
        ends = [*self._firsts[1:], self.pages + 1]
        counts = [end - first for first, end in zip(self._firsts, ends, strict=True)]
        with whole_files(folder) as beside:
            for name, part in zip(names, cut(bytes(self._pdf.output()), counts), strict=True):
                (beside / name).write_bytes(part)
        return [Path(folder) / name for name in names]

    def _end(self) -> None:
        """Under every page of the part: what it stands on, and its number among the part's pages."""
        last = self.pages
        if not last:
            return
        first = self._firsts[-1]
        for page in range(first, last + 1):
            self._turn_to(page)
            y = self.bottom + 2.5
            number = self.texts("print.page", page=page - first + 1, pages=last - first + 1)
            self._text(number, MARGIN, y, 7.5, width=self.width, align="R")
            for said in self.foot:
                for line in self.wrapped(said, self.width - 28, 6.5):
                    self._text(line, MARGIN, y, 6.5, colour=GREY)
                    y += _line(6.5)
        self._turn_to(last)

    def _turn_to(self, page: int) -> None:
        self._pdf.page = page
        self._pdf.current_font_is_set_on_page = False  # what was set before belongs to another page

    def _put_mark(self) -> None:
        if self.mark:
            wide = self.measured(self.mark, 8, bold=True) + 3
            x = float(self._pdf.w) - MARGIN - wide
            self._pdf.set_draw_color(*RED)
            self._pdf.rect(x, TOP - 6.2, wide, 5)
            self._text(self.mark, x, TOP - 5.6, 8, width=wide, align="C", bold=True, colour=RED)

    # -- words ---------------------------------------------------------------------------------------------------

    def measured(self, text: str, size: float, *, bold: bool = False) -> float:
        return self._widths["B" if bold else ""](text) * size / 1000 / MM

    def wrapped(self, text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
        """Lines no wider than that: broken between Chinese characters and words, inside a word only where it is wider."""
        lines: list[str] = []
        of = self._widths["B" if bold else ""]
        room = width * 1000 * MM / size
        for paragraph in text.split("\n"):
            line, used = "", 0.0
            for piece in _pieces(paragraph, of, room):
                wide = of(piece)
                if line and used + wide > room and piece not in CLOSING:
                    kept = line.rstrip().rstrip(OPENING)  # what opens goes along with what it opens
                    opened = line.rstrip()[len(kept) :]
                    along = bool(kept) and of(opened + piece.lstrip()) <= room
                    lines.append(kept.rstrip() if along else line.rstrip())
                    piece = (opened if along else "") + piece.lstrip()
                    line, used, wide = "", 0.0, of(piece)
                line, used = line + piece, used + wide
            lines.append(line.rstrip())
        return lines

    def shortened(self, text: str, width: float, size: float, *, bold: bool = False) -> str:
        """The text, or as much of its beginning as one line of that width holds, ending with …"""
        if self.measured(text, size, bold=bold) <= width:
            return text
        while text and self.measured(f"{text}…", size, bold=bold) > width:
            text = text[:-1]
        return f"{text}…"

    def paragraph(
        self, text: str, size: float = 8.5, *, bold: bool = False, align: Align = "L",
        colour: tuple[int, int, int] = INK, indent: float = 0.0,
    ) -> None:  # fmt: skip
        for line in self.wrapped(text, self.width - indent, size, bold=bold):
            self.room(_line(size))
            self._text(line, MARGIN + indent, self.y, size, width=self.width - indent, align=align, bold=bold, colour=colour)
            self.y += _line(size)

    def tall(self, text: str, width: float, size: float) -> float:
        """How high it stands in lines of that width."""
        return len(self.wrapped(text, width, size)) * _line(size)

    def heading(self, text: str) -> None:
        """A heading within a part; it never stands alone at the bottom of a page."""
        self.room(HEADED)
        self.y += 1.6
        self._text(text, MARGIN, self.y, 9.5, bold=True)
        self.y += _line(9.5) + 0.6

    def write(
        self, text: str, x: float, y: float, size: float, *, width: float = 0.0, align: Align = "L", bold: bool = False,
        grey: bool = False,
    ) -> None:  # fmt: skip
        """One line at a place of its own, x from the left margin."""
        self._text(text, MARGIN + x, y, size, width=width, align=align, bold=bold, colour=GREY if grey else INK)

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        self._pdf.set_draw_color(*LINE)
        self._pdf.rect(MARGIN + x, y, width, height)

    def _text(
        self, text: str, x: float, y: float, size: float, *, width: float = 0.0, align: Align = "L", bold: bool = False,
        colour: tuple[int, int, int] = INK,
    ) -> None:  # fmt: skip
        """One line, y its upper edge."""
        if not text:
            return
        if align != "L":
            free = width - self.measured(text, size, bold=bold)
            x += free if align == "R" else free / 2
        self._pdf.set_font("han", "B" if bold else "", size)
        self._pdf.set_text_color(*colour)
        self._pdf.text(x, y + size / MM * 1.02, text)

    # -- tables --------------------------------------------------------------------------------------------------

    def table(
        self, fields: Sequence[Field], rows: Sequence[Sequence[str]], *, total: Sequence[str] = (), frozen: int = 0,
        size: float = 0.0, shaded: Sequence[int] = (), progress: Progress = SILENT,
    ) -> None:  # fmt: skip
        """Rows under headings that every page repeats; `total` is the last row.

        Where the columns are too wide for the paper they are set smaller, then in bands one after another, as few as can be
        and about equally wide, each with the first `frozen` columns. shaded: columns that name what stands beside them.
        """
        shown = [*rows, total] if total else rows
        for size_now in (size,) if size else SIZES:
            widths = self._wide(fields, shown, size_now)
            if sum(widths) <= self.width + 0.01:
                break
        else:
            size_now = size or BANDED
            widths = self._wide(fields, shown, size_now)
        for number, band in enumerate(self._bands(widths, frozen)):
            if number:
                self._next_band(len(shown), size_now)
            wide = [widths[i] for i in band]
            scale = self.width / sum(wide)
            if scale < 1 or any(not fields[i].width for i in band):
                wide = [one * min(scale, 1.6) for one in wide]
            self._run(_Run(self, [fields[i] for i in band], wide, size_now, [band.index(i) for i in shaded if i in band]),
                      [[row[i] for i in band] for row in rows], [total[i] for i in band] if total else [], progress)

    def _next_band(self, rows: int, size: float) -> None:
        """Under the last one where all of its rows, and a heading of some lines, have room there; else on the next page."""
        if self.y + (rows * 2 + 4) * _line(size) > self.bottom:
            self.new_page()
        else:
            self.y += 2.5

    def _wide(self, fields: Sequence[Field], rows: Sequence[Sequence[str]], size: float) -> list[float]:
        """What each column needs: its widest figure; of words as much, up to a bound."""
        widths: list[float] = []
        for i, field in enumerate(fields):
            if field.width:
                widths.append(field.width)
                continue
            widest = max((self.measured(row[i], size, bold=True) for row in rows), default=0.0)
            titled = max((self.measured(piece, size, bold=True) for piece in _RUNS.findall(field.title)), default=0.0)
            least = max(titled, self.measured(field.title, size, bold=True) / 5, self.measured(field.title[:2], size, bold=True))
            if field.align != "R":
                widest = min(widest, WIDEST)
            widths.append(max(widest, least) + 2 * PAD + 0.2)
        return widths

    def _bands(self, widths: Sequence[float], frozen: int) -> list[list[int]]:
        """Which columns stand on the paper together."""
        if sum(widths) <= self.width * 1.02:
            return [list(range(len(widths)))]
        kept = sum(widths[:frozen])
        room = self.width - kept
        bands = self._filled(widths, frozen, room)
        narrow, wide = (sum(widths) - kept) / len(bands), room
        for _ in range(12):  # the narrowest band that needs no further one
            middle = (narrow + wide) / 2
            if len(tried := self._filled(widths, frozen, middle)) == len(bands):
                bands, wide = tried, middle
            else:
                narrow = middle
        return [[*range(frozen), *band] for band in bands]

    @staticmethod
    def _filled(widths: Sequence[float], frozen: int, room: float) -> list[list[int]]:
        """Columns one after another, a new band where the next one has no room."""
        bands: list[list[int]] = [[]]
        used = 0.0
        for i in range(frozen, len(widths)):
            if bands[-1] and used + widths[i] > room:
                bands.append([])
                used = 0.0
            bands[-1].append(i)
            used += widths[i]
        return bands

    def _run(self, run: _Run, rows: Sequence[Sequence[str]], total: Sequence[str], progress: Progress) -> None:
        run.head()
        for number, row in enumerate(rows):
            if number % 200 == 0 and number:
                step(progress, "print", number, len(rows))
            run.row(row)
        if total:
            run.row(total, bold=True)
        run.close()


class _Run:
    """A table under way over the pages."""

    def __init__(
        self, document: Document, fields: Sequence[Field], widths: Sequence[float], size: float, shaded: Sequence[int]
    ) -> None:
        self.document, self.fields, self.widths, self.size = document, fields, widths, size
        self.shaded = frozenset(shaded)
        self.began = 0.0  # where the upright lines of this page begin

    @property
    def _pdf(self) -> FPDF:
        return self.document._pdf  # pyright: ignore[reportPrivateUsage]

    def head(self) -> None:
        titles = [one.title for one in self.fields]
        if not any(titles):
            self._begin()
            return
        lines = [self._lines(title, width, bold=True) for title, width in zip(titles, self.widths, strict=True)]
        height = self._height(lines)
        if self.document.y + 2.5 * height > self.document.bottom:
            self.document.new_page()
        self._begin()
        self._cells(lines, height, bold=True, shade=True, centred=True)

    def row(self, cells: Sequence[str], *, bold: bool = False) -> None:
        lines = [
            [cell] if field.align == "R" else self._lines(cell, width, bold=bold)
            for cell, field, width in zip(cells, self.fields, self.widths, strict=True)
        ]
        height = self._height(lines)
        if self.document.y + height > self.document.bottom:
            self.close()
            self.document.new_page()
            self.head()
        self._cells(lines, height, bold=bold, shade=bold)

    def close(self) -> None:
        """The upright lines of what stands on this page."""
        x = MARGIN
        self._pdf.set_draw_color(*LINE)
        for width in (0.0, *self.widths):
            x += width
            self._pdf.line(x, self.began, x, self.document.y)

    def _begin(self) -> None:
        self.began = self.document.y
        self._level()

    def _level(self) -> None:
        self._pdf.set_draw_color(*LINE)
        self._pdf.line(MARGIN, self.document.y, MARGIN + sum(self.widths), self.document.y)

    def _lines(self, text: str, width: float, *, bold: bool) -> list[str]:
        return self.document.wrapped(text, width - 2 * PAD, self.size, bold=bold)

    def _height(self, lines: Sequence[Sequence[str]]) -> float:
        return max(map(len, lines), default=1) * _line(self.size) + 2 * PAD * 0.8

    def _cells(
        self, lines: Sequence[Sequence[str]], height: float, *, bold: bool, shade: bool = False, centred: bool = False
    ) -> None:
        document = self.document
        x, y = MARGIN, document.y
        for i, (field, width, own) in enumerate(zip(self.fields, self.widths, lines, strict=True)):
            if shade or i in self.shaded:
                self._pdf.set_fill_color(*SHADE)
                self._pdf.rect(x, y, width, height, style="F")
            at = y + (height - len(own) * _line(self.size)) / 2
            for line in own:
                size = self.size
                wide = document.measured(line, size, bold=bold)
                if wide > width - 2 * PAD:  # a figure is never cut nor broken: smaller letters
                    size *= (width - 2 * PAD) / wide
                document.write(
                    line, x - MARGIN + PAD, at, size, width=width - 2 * PAD, bold=bold,
                    align="C" if centred else field.align,
                )
                at += _line(self.size)
            x += width
        document.y += height
        self._level()


def _line(size: float) -> float:
    return size / MM * LEAD


def _measure(pdf: FPDF, style: str) -> Callable[[str], float]:
    """The width of a text in thousandths of the letters' size."""
    font: Any = pdf.fonts["han" + style]
    assert isinstance(font, TTFFont)
    wide, known = font.cw, dict[str, float]()

    def measure(text: str) -> float:
        found = known.get(text)
        if found is None:
            found = known[text] = sum(wide[ord(sign)] for sign in text)
        return found

    return measure


def _pieces(text: str, of: Callable[[str], float], room: float) -> list[str]:
    """What stays together when a line is broken; a word wider than the room in its letters."""
    found: list[str] = []
    for piece in _RUNS.findall(text):
        found += [piece] if of(piece) <= room else list(piece)
    return found


# --- any worksheet ------------------------------------------------------------------------------------------


def worksheets_pdf(
    worksheets: Sequence[Worksheet],
    path: Path | str,
    lang: str = "",
    progress: Progress = SILENT,
    synthetic: bool = False,
    *,
    paper: Paper = "A4",
    landscape: bool = True,
    frozen: int = 2,
    stamps: Stamps | None = None,
) -> None:
    """Each worksheet as a part: all rows, their number, the control totals. Stamps where they are known."""
    texts = Texts(lang)
    mark = marks(replace(stamps, synthetic=stamps.synthetic or synthetic), texts) if stamps else (
        texts("export.synthetic") if synthetic else ""
    )
    foot = stamped(stamps, texts) if stamps else ()
    document = Document(texts, paper=paper, landscape=landscape, mark=mark, foot=foot)
    for worksheet in worksheets:
        put(document, worksheet, frozen, progress)
    document.save(path)


def put(document: Document, worksheet: Worksheet, frozen: int = 2, progress: Progress = SILENT) -> None:
    """A worksheet as a part of a document, columns of figures to the right."""
    texts = document.texts
    document.begin(worksheet.title.get(texts.lang) or worksheet.id, texts("export.rows", rows=f"{worksheet.rows:,}"))
    columns = worksheet.columns
    if not columns:
        return
    words = [column.kind in ("text", "code") for column in columns]
    fields = [Field(heading(c, texts), align="L" if w else "R") for c, w in zip(columns, words, strict=True)]
    cells = [
        [
            ("" if value is None else str(value)) if word else grouped(text_of(column, value))
            for value in worksheet.cells[column.id]
        ]
        for column, word in zip(columns, words, strict=True)
    ]
    totals = totals_of(worksheet)
    last = [grouped(text_of(c, totals[c.id])) if c.id in totals else "" for c in columns]
    if totals and not last[0]:
        last[0] = texts("print.total")
    rows = [list(row) for row in zip(*cells, strict=True)]
    document.table(fields, rows, total=last if totals else (), frozen=min(frozen, len(columns) - 1), progress=progress)
