"""Coefficient sets as tables: the grid of institutions by parts, the difference of two sets."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.faults import Refused
from core.lookup import Lookup, Places
from core.money import plain
from core.rules.deriving import Limit
from core.rules.sheet import Title
from core.settlement.coefficients import (
    BASE,
    BONUS,
    DEDUCTION,
    Cell,
    Part,
    iso,
    on_day,
    parts,
    parts_on_day,
    state_of,
)
from core.settlement.year import LEVEL
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

K = "k"  # the column of the whole coefficient
FIXED = ("code", "name", "grade", "level", "county")


@dataclass(frozen=True)
class Grid:
    """Institutions by parts, as valid on a day in one fund (or in `all`).

    sheet: a row for each institution, keys their codes; columns FIXED, a column for each part by its name (`base`,
    `bonus:NAME`, `deduction:NAME`), k, and `outside`. standing: what each cell shows, by (code, part): the row of the set
    that holds there, which may be that of `all`. outside: cells (or K) beyond a limit, True where the pack refuses.
    """

    set_name: str
    state: str
    fund: str
    day: int
    sheet: Worksheet
    parts: tuple[str, ...]
    standing: Mapping[tuple[str, str], Part]
    outside: Mapping[tuple[str, str], bool]
    limits: Mapping[str, tuple[Limit, ...]]
    _rows: Mapping[tuple[str, str, str, int], Part]
    _lookup: Lookup

    def value(self, code: str, part: str) -> Fraction | None:
        """What a cell shows: what `parse_entry` starts from."""
        found = self.standing.get((code, part))
        return found.value if found else None

    @property
    def order(self) -> tuple[str, ...]:
        """The columns as they are read; the first is what a row is called, the first two stay in view."""
        return ("name", K, *self.parts, "code", "grade", "level", "county", "outside")

    def shared(self, code: str, part: str) -> bool:
        """Whether a cell shows the row of another fund, that is of both."""
        shown = self.standing.get((code, part))
        return shown is not None and shown.fund != self.fund

    def cell(self, code: str, part: str, value: Fraction | None, valid_from: str | None = None, basis: str = "") -> Cell:
        """The edit of a cell as it is seen: in the grid's fund, from the day on of the row that it shows, else `valid_from`.
        Without a basis of its own a value keeps the one that stands there."""
        shown = self.standing.get((code, part))
        basis = basis or (shown.basis if shown is not None and value is not None else "")
        if valid_from is None:
            valid_from = iso(shown.day) if shown else ""
        there = self._rows.get((code, self.fund, part, int(valid_from.replace("-", "") or 0)))
        return Cell(
            code, self.fund, part, None if value is None else plain(value), valid_from,
            basis, plain(there.value) if there else "",
        )  # fmt: skip

    def find(self, text: str) -> Places:
        """Rows whose code, name (pinyin too), grade, level or county hold every word of `text`, best first."""
        return self._lookup.find(text)[0]


def part_title(part: str) -> Title:
    """The name of a part in every language."""
    kind, _, name = part.partition(":")
    key = f"coefficients.part.{kind}"
    return {lang: catalogue(lang)[key].format(name=name) for lang in LANGUAGES}


def grid(
    connection: sqlite3.Connection,
    set_name: str,
    fund: str,
    day: int,
    limits: Sequence[Limit] = (),
    *,
    more: Sequence[str] = (),
    texts: Texts | None = None,
) -> Grid:
    """The grid of a set. fund: employee, resident, all; day: YYYYMMDD. more: parts that shall have a column though the set
    has none yet. Refused: set_unknown. 155 institutions: a few milliseconds."""
    texts = texts or Texts()
    state = state_of(connection, set_name)
    if state is None:
        raise Refused("set_unknown", set=set_name)
    content = parts(connection, set_name)
    own: dict[str, list[Part]] = {}
    for one in content:
        own.setdefault(one.code, []).append(one)
    register = connection.execute(
        "SELECT fixmedins_code, fixmedins_name, hosp_lv, hi_setl_lv, coalesce(county, '') FROM institution ORDER BY 1"
    ).fetchall()
    lost = sorted(set(own) - {row[0] for row in register})  # of which a set may still speak
    register += [(code, "", 0, None, "") for code in lost]
    names = _ordered({BASE, *(one.name for one in content), *more})
    standing: dict[tuple[str, str], Part] = {}
    totals: list[Fraction | None] = []
    for code, *_ in register:
        mine = own.get(code, [])
        for name, part in parts_on_day(mine, fund, day).items():
            standing[code, name] = part
        totals.append(on_day(mine, fund, day))
    beyond = _beyond([row[0] for row in register], standing, totals, limits)
    grades = [texts(f"coefficients.grade.{row[2]}") for row in register]
    levels = [row[3] if row[3] in (1, 2, 3) else LEVEL.get(row[2], 0) for row in register]
    words = [texts(f"coefficients.level.{level}") for level in levels]
    codes = [row[0] for row in register]
    cells: dict[str, Sequence[object]] = {
        "code": codes,
        "name": [row[1] for row in register],
        "grade": grades,
        "level": words,
        "county": [row[4] for row in register],
    }
    for name in names:
        cells[name] = [standing[code, name].value if (code, name) in standing else None for code in codes]
    cells[K] = totals
    cells["outside"] = [
        texts.listed(
            texts("coefficients.part.k") if part == K else part_title(part)[texts.lang]
            for part in (*names, K)
            if (code, part) in beyond
        )
        for code in codes
    ]
    kinds: dict[str, Kind] = {"code": "code", K: "exact"}
    kinds.update((name, "exact") for name in names)
    columns = [
        Column(
            id,
            part_title(id) if id in names else _title(f"coefficients.column.{id}"),
            kinds.get(id, "text"),
            "coefficient" if kinds.get(id) == "exact" else "",
        )
        for id in cells
    ]
    sheet = Worksheet(
        "coefficients", _title("coefficients.sheet.grid"), columns,
        {id: column_of(values, kinds.get(id, "text")) for id, values in cells.items()}, len(codes),
        keys=column_of(codes, "text"),
    )  # fmt: skip
    lookup = Lookup([
        ((row[0],), " ".join(filter(None, (row[1], row[4], grade, level))))
        for row, grade, level in zip(register, grades, words, strict=True)
    ])  # fmt: skip
    held = {name: tuple(limit for limit in limits if limit.part_holds(name)) for name in (*names, K)}
    rows = {(one.code, one.fund, one.name, one.day): one for one in content}
    return Grid(set_name, state, fund, day, sheet, tuple(names), standing, beyond, held, rows, lookup)


def _ordered(names: set[str]) -> list[str]:
    """Base, bonuses, deductions, each by name."""
    rank = {BASE: 0, BONUS: 1, DEDUCTION: 2}
    return sorted(names, key=lambda name: (rank.get(name.partition(":")[0] + (":" if ":" in name else ""), 3), name))


def _beyond(
    codes: Sequence[str],
    standing: Mapping[tuple[str, str], Part],
    totals: Sequence[Fraction | None],
    limits: Sequence[Limit],
) -> dict[tuple[str, str], bool]:
    """Cells beyond a limit, True where one of them refuses."""
    values = {place: part.value for place, part in standing.items()}
    values |= {(code, K): total for code, total in zip(codes, totals, strict=True) if total is not None}
    found: dict[tuple[str, str], bool] = {}
    for (code, part), value in values.items():
        for limit in limits:
            if limit.part_holds(part) and not limit.holds(value):
                found[code, part] = found.get((code, part), False) or limit.refuses
    return found


def difference(connection: sqlite3.Connection, one: str, other: str, texts: Texts | None = None) -> Worksheet:
    """What differs between two sets, a row for each cell, by institution: kind of change, both values, the change, the
    basis of the second. Refused: set_unknown. The remark alone (basis) is no difference, as with the sets' hash."""
    texts = texts or Texts()
    for name in (one, other):
        if state_of(connection, name) is None:
            raise Refused("set_unknown", set=name)
    register: dict[str, str] = dict(connection.execute("SELECT fixmedins_code, fixmedins_name FROM institution").fetchall())
    old, new = (
        {(part.code, part.fund, part.name, part.day): part for part in parts(connection, name)} for name in (one, other)
    )
    lines: list[tuple[object, ...]] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None and before.value == after.value:
            continue
        code, fund, part, day = key
        kind = "added" if before is None else "removed" if after is None else "changed"
        lines.append((
            code, register.get(code, ""), texts(f"coefficients.change.{kind}"), texts(f"coefficients.fund.{fund}"),
            part_title(part)[texts.lang], iso(day), before.value if before else None, after.value if after else None,
            after.value - before.value if before and after else None, after.basis if after else "",
        ))  # fmt: skip
    kinds: dict[str, Kind] = {"code": "code", "before": "exact", "after": "exact", "change": "exact"}
    return _table(
        "coefficient_difference", _title("coefficients.sheet.difference", one=one, other=other),
        ("code", "name", "what", "fund", "part", "valid_from", "before", "after", "change", "basis"), kinds, lines,
        [str(line[0]) for line in lines],
    )  # fmt: skip


def _title(key: str, **values: object) -> Title:
    return {lang: catalogue(lang)[key].format(**values) for lang in LANGUAGES}


def _table(
    id: str,
    title: Title,
    names: Sequence[str],
    kinds: Mapping[str, Kind],
    lines: Sequence[Sequence[object]],
    keys: Sequence[str],
) -> Worksheet:
    columns = [
        Column(
            name, _title(f"coefficients.column.{name}"), kinds.get(name, "text"),
            "coefficient" if kinds.get(name) == "exact" else "",
        )
        for name in names
    ]  # fmt: skip
    cells = {
        name: column_of([line[i] for line in lines], kinds.get(name, "text")) for i, name in enumerate(names)
    }
    return Worksheet(id, title, columns, cells, len(lines), keys=column_of(list(keys), "text"))
