"""Budget lines while they are being entered: what stood there, what is to stand, what is wrong. No Qt.

Nothing is written here; `changes` is the one edit that a reason makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from core.faults import Refused
from core.findings import Finding
from core.money import plain
from core.settlement.budget import INCOME, NAMED, OTHER, PLAIN, Line, LineEdit, amount_of, faults, order
from core.settlement.budget_chain import item_name, titles
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Worksheet, column_of

if TYPE_CHECKING:
    from core.storage.batches import Batch

COLUMNS = ("item", "amount", "date", "document")  # that are written into, in their order
_DAYS = (re.compile(r"(\d{4})(\d\d)(\d\d)"), re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?"))  # with any sign between


@dataclass(frozen=True, slots=True)
class Row:
    """before: as it stands in the workspace, None of a new one. amount: fen, None while nobody entered one."""

    number: int
    before: Line | None
    item: str = ""
    amount: int | None = None
    date: str = ""
    document: str = ""
    removed: bool = False

    @property
    def line(self) -> Line | None:
        """What is to stand; None where it is taken away or not whole."""
        if self.removed or not self.item or self.amount is None:
            return None
        return Line(self.item, self.amount, self.date, self.document)

    @property
    def blank(self) -> bool:
        return self.before is None and not self.item and self.amount is None and not self.date and not self.document

    @property
    def state(self) -> str:
        """removed, new, changed, or "" as it stands."""
        if self.removed:
            return "removed"
        if self.before is None:
            return "new"
        return "" if (self.item, self.amount, self.date, self.document) == (
            self.before.item, self.before.amount, self.before.date, self.before.document
        ) else "changed"  # fmt: skip


class Draft:
    """The lines of one fund and year under the pen."""

    def __init__(self, found: Iterable[Line]) -> None:
        self.rows = [Row(i, one, one.item, one.amount, one.date, one.document) for i, one in enumerate(found)]
        self._next = len(self.rows)

    @property
    def pending(self) -> int:
        return sum(bool(row.state) and not row.blank for row in self.rows)

    def row(self, number: int) -> Row:
        return next(row for row in self.rows if row.number == number)

    def enter(self, number: int, column: str, text: str) -> None:
        """Put what was typed into a cell. Refused: budget_amount, budget_day_unreadable, budget_item_unreadable."""
        row = self.row(number)
        text = text.strip()
        match column:
            case "item":
                row = replace(row, item=item_of(text))
            case "amount":
                row = replace(row, amount=amount_of(text) if text else None)
            case "date":
                row = replace(row, date=day_of(text))
            case "document":
                row = replace(row, document=" ".join(text.split()))
            case _:
                raise AssertionError(column)
        self._put(replace(row, removed=False))

    def add(self, item: str = "", amount: int | None = None, day: str = "", document: str = "") -> int:
        """A new row at the end; its number."""
        number, self._next = self._next, self._next + 1
        self.rows.append(Row(number, None, item, amount, day, document))
        return number

    def propose(self, edit: LineEdit) -> None:
        """A proposed line in the place of the one that it replaces. A change of that one that waits goes."""
        assert edit.after is not None
        after, before = edit.after, edit.before
        at = next((row for row in self.rows if before is not None and row.before is not None and row.before.key == before.key),
                  None)  # fmt: skip
        number = at.number if at is not None else self.add()
        self._put(replace(self.row(number), item=after.item, amount=after.amount, date=after.date, document=after.document,
                          removed=False))  # fmt: skip

    def remove(self, numbers: Iterable[int]) -> None:
        """Take lines away, or, where all of them are, bring them back; new ones simply go."""
        rows = [self.row(number) for number in numbers]
        back = bool(rows) and all(row.removed for row in rows)
        for row in rows:
            if row.before is None:
                self.rows.remove(row)
            else:
                self._put(replace(row, removed=not back))

    def paste(self, number: int | None, column: str, block: Sequence[Sequence[str]]) -> None:
        """A block of text from that cell on, downward in the order of the rows; below the last one rows are new. All or
        nothing."""
        kept, following = list(self.rows), self._next
        shown = [row.number for row in self.rows]
        at = shown.index(number) if number is not None else len(shown)
        first = COLUMNS.index(column) if column in COLUMNS else 0
        try:
            for i, cells in enumerate(block):
                target = shown[at + i] if at + i < len(shown) else self.add()
                for name, text in zip(COLUMNS[first:], cells, strict=False):
                    self.enter(target, name, text)
        except Refused:
            self.rows, self._next = kept, following
            raise

    def changes(self) -> list[LineEdit]:
        """The edit. Refused: budget_refused with a finding for each row that is not whole or wrong."""
        findings: list[Finding] = []
        made: list[LineEdit] = []
        for row in self.rows:
            if row.blank or not row.state:
                continue
            line = row.line
            if line is None and not row.removed:
                findings.append(Finding("budget_incomplete", "refused", column=row.item, value=row.document or "—"))
            elif line is not None:
                findings += faults(line)
            made.append(LineEdit(row.before, line))
        if findings:
            raise Refused("budget_refused", findings, count=len(findings))
        return made

    def saved(self, written: Sequence[Row]) -> Draft:
        """What is left once these rows were written: they stand now, and what was entered since waits over them."""
        was = {row.number: row for row in written}
        left = Draft(())
        left._next = self._next
        for row in self.rows:
            then = was.get(row.number)
            if then is None or not then.state or then.blank:
                left.rows.append(row)
            elif not (then.removed and row.removed):
                left.rows.append(replace(row, before=then.line))
        return left

    def onto(self, found: Iterable[Line]) -> Draft:
        """What waits, over lines that were read anew; one whose line is there no more is refused as stale once it is saved."""
        made = Draft(found)
        for row in self.rows:
            if row.state and not row.blank:
                key = row.before.key if row.before is not None else None
                at = next((one.number for one in made.rows if one.before is not None and one.before.key == key), None)
                made._put(replace(row, number=made.add() if at is None else at))
        return made

    def lines(self) -> list[Line]:
        """As they would stand, in the order of the chain; rows that are not whole are not among them."""
        found = [line for row in self.rows if (line := row.line) is not None]
        return sorted(found, key=lambda one: (order(one.item), one.date, one.document))

    def sheet(self, year: int, fund: str, texts: Texts, batches: Mapping[int, Batch]) -> Worksheet:
        """The rows as a table, keys their numbers. batches: by id, to say where a line was read."""
        values: dict[str, list[object]] = {
            "item": [item_name(row.item, texts) if row.item else "" for row in self.rows],
            "amount": [None if row.amount is None else Fraction(row.amount, 100) for row in self.rows],
            "date": [row.date for row in self.rows],
            "document": [row.document for row in self.rows],
            "state": [texts(f"budget.state.{row.state}") if row.state else "" for row in self.rows],
            "source": [_source(row, texts, batches) for row in self.rows],
        }
        columns = [
            Column(id, titles(f"budget.column.{id}"), "exact" if id == "amount" else "text", "yuan" if id == "amount" else "",
                   2 if id == "amount" else None)
            for id in values
        ]  # fmt: skip
        cells = {one.id: column_of(values[one.id], one.kind) for one in columns}
        title = titles("budget.sheet.lines", year=year, fund=fund)
        keys = column_of([row.number for row in self.rows], "text")
        return Worksheet("budget_lines", title, columns, cells, len(self.rows), keys=keys)

    def text(self, number: int, column: str, texts: Texts) -> str:
        """A cell as it is edited."""
        row = self.row(number)
        if column == "amount":
            return "" if row.amount is None else plain(Fraction(row.amount, 100), 2)
        return item_name(row.item, texts) if column == "item" and row.item else str(getattr(row, column))

    def _put(self, row: Row) -> None:
        self.rows[[one.number for one in self.rows].index(row.number)] = row


def _source(row: Row, texts: Texts, batches: Mapping[int, Batch]) -> str:
    if row.before is None:
        return ""
    if row.before.batch_id is None:
        return texts("budget.source.entered")
    batch = batches.get(row.before.batch_id)
    return texts("budget.source.file", file=batch.file if batch is not None else "?", row=row.before.row or 0)


def item_of(text: str) -> str:
    """An item by its code or by its words in either language. Refused: budget_item_unreadable."""
    said = text.strip()
    if not said:
        return ""
    kind, colon, name = said.replace("\N{FULLWIDTH COLON}", ":").partition(":")
    kind, name = kind.strip(), name.strip()
    known = _words()
    code = known.get(kind.casefold().replace(" ", ""))
    if code is None or (code in NAMED) != bool(colon and name):
        raise Refused("budget_item_unreadable", value=text)
    return f"{code}:{name}" if code in NAMED else code


def _words() -> dict[str, str]:
    found: dict[str, str] = {}
    for code in (*PLAIN, INCOME, OTHER):
        found[code] = code
        for lang in LANGUAGES:
            for area in ("budget.item", "item"):
                texts = Texts(lang)
                if texts.has(f"{area}.{code}"):
                    found[texts(f"{area}.{code}").casefold().replace(" ", "")] = code
    return found


def offered(texts: Texts, found: Iterable[Line]) -> list[str]:
    """What is offered for an item: the plain ones, and the named ones that are there or begin one."""
    named = sorted({one.item for one in found if one.kind in NAMED}, key=order)
    starts = [texts("budget.item.named", kind=texts(f"budget.item.{kind}"), name="") for kind in NAMED]
    return [*(item_name(code, texts) for code in sorted(PLAIN, key=order)), *(item_name(one, texts) for one in named), *starts]


def day_of(text: str) -> str:
    """A date in the ways that people and sheets write it, as ISO; "" none. Refused: budget_day_unreadable."""
    said = text.strip()
    if not said:
        return ""
    parts = next((found for one in _DAYS if (found := one.fullmatch(said))), None)
    if parts is not None:
        try:
            return date(int(parts[1]), int(parts[2]), int(parts[3])).isoformat()
        except ValueError:
            pass
    raise Refused("budget_day_unreadable", value=text)


def block_of(text: str) -> list[list[str]]:
    """What a sheet put on the clipboard, row by row."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    return [line.split("\t") for line in lines] if text.strip() else []
