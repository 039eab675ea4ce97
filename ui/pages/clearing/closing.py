"""Closing of money and cases: paid outside DIP, what the fund pays and keeps, what became of the file's rows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core.money import plain
from core.rules.circular import PARTS
from core.settlement.funds import overspent
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Worksheet, column_of
from ui.look import GAP, TIGHT, grouped, set_role
from ui.pages.clearing.side_heading import SideHeading
from ui.table import Table

if TYPE_CHECKING:
    from core.rules.circular import Pack
    from core.rules.sheet import Clearing, FundSheet
    from ui.desk import Desk

# What is to be nothing: the money, the rows.
OPEN = ("money_open", "rows_open")


def worksheet(clearing: Clearing, sheet: FundSheet, texts: Texts) -> Worksheet:
    """The region's steps beside the chain, cases and amount of a method in one row; keys are steps."""
    spoken = {lang: Texts(lang) for lang in LANGUAGES}
    steps = {one.id: one for one in clearing.pack.scope("region") if one.part and one.id in sheet.region}
    values: dict[str, list[object]] = {name: [] for name in ("part", "item", "cases", "amount")}
    keys: list[str] = []
    for part in PARTS:
        for id, one in steps.items():
            # Cases outside DIP stand beside their amount.
            paired = f"{id.removesuffix('_cases')}_paid" if id.endswith("_cases") else ""
            if one.part != part or (paired in steps and steps[paired].part == part):
                continue
            line = f"closing.line.{id.removesuffix('_paid')}"
            cases = f"{id.removesuffix('_paid')}_cases"
            beside = id.endswith("_paid") and cases in steps and steps[cases].part == part
            keys.append(id)
            values["part"].append(texts(f"closing.short.{part}"))
            values["item"].append(texts(line) if beside and texts.has(line) else one.title[texts.lang])
            amount = sheet.region[id] if one.unit == "yuan" else None
            values["amount"].append(amount)
            values["cases"].append(sheet.region[cases] if beside else None if amount is not None else sheet.region[id])
    columns = [
        Column("item", _title(spoken, "item")),
        Column("cases", _title(spoken, "cases"), "exact", "", 0),
        Column("amount", _title(spoken, "amount"), "exact", "yuan", 2),
        Column("part", _title(spoken, "part")),
    ]
    cells = {column.id: column_of(values[column.id], column.kind) for column in columns}
    title = {lang: say("closing.title") for lang, say in spoken.items()}
    return Worksheet("clearing.closing", title, columns, cells, len(keys), keys=column_of(keys, "code"))


def _title(spoken: Mapping[str, Texts], name: str) -> dict[str, str]:
    return {lang: say(f"closing.column.{name}") for lang, say in spoken.items()}


def verdict(pack: Pack, sheet: FundSheet, texts: Texts) -> tuple[str, str]:
    """What the closing comes to in words, and the role of its colour."""
    if "money_open" not in sheet.region:
        return texts("closing.old"), "muted"
    money, rows, left = (sheet.region.get(name, Fraction(0)) for name in (*OPEN, "outside_left"))
    said: list[str] = []
    if money:
        said.append(texts("closing.money", amount=grouped(plain(money, 2))))
    if rows:
        said.append(texts("closing.rows", count=grouped(plain(rows))))
    bad = bool(said)
    over = overspent(pack, sheet.region, len(sheet.institutions))
    if over:
        amounts = {name: grouped(plain(sheet.region[name], 2)) for name in ("dip_paid", "fund_available")}
        said.append(texts("closing.overspent", amount=grouped(plain(over, 2)), **amounts))
    if not bad:
        said.append(texts("closing.counted_once" if over else "closing.holds"))
    if left < 0:
        key = "closing.outside_over" if sheet.region["other_budget"] else "closing.outside_no_budget"
        said.append(texts(key, amount=grouped(plain(-left, 2))))
    return "\n".join(said), "bad" if bad or over else "warn" if left < 0 else "good"


class Closing(QWidget):
    """Beside the worksheet; a row asks why."""

    asked = Signal(str)  # step of the region
    closed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._texts = desk, desk.texts
        head = SideHeading(desk.texts, desk.texts("closing.title"))
        head.closed.connect(self.closed)
        self.verdict = QLabel(wordWrap=True)
        self.verdict.setMinimumWidth(10)
        self.table = Table(desk)
        self.table.activated.connect(lambda key, _: self.asked.emit(str(key)))
        box = QVBoxLayout(self)
        box.setContentsMargins(GAP, 0, 0, 0)
        box.setSpacing(TIGHT)
        box.addLayout(head)
        box.addWidget(self.verdict)
        box.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    def show_sheet(self, clearing: Clearing, sheet: FundSheet) -> None:
        said, role = verdict(clearing.pack, sheet, self._texts)
        self.verdict.setText(said)
        set_role(self.verdict, role)
        self.table.set_worksheet(worksheet(clearing, sheet, self._texts), frozen=1)
