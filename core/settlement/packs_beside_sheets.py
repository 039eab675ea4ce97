"""Packs side by side as worksheets: the chain with every pack's figure, what differs and why, the cases, the institutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from core.money import total
from core.settlement.packs_beside import ROOTS, Beside, CaseMove, Side, StepRow
from core.texts import LANGUAGES, Texts
from core.worksheet import Column, Kind, Worksheet, column_of

if TYPE_CHECKING:
    from core.rules.circular import Pack

FIGURES = ("due", "final", "score", "surplus", "after_share", "gross")


def chain(found: Beside, lang: str = "", fund: str = "") -> Worksheet:
    """Every step with its figure under every pack; of an institution's step the sum. keys: FUND.SCOPE.STEP"""
    texts = Texts(lang)
    columns = [_column("fund"), _column("scope"), _column("step"), _column("unit")]
    for i, pack in enumerate(found.packs):
        columns.append(_titled(f"value_{i}", _name(pack), "exact"))
        if i:
            columns.append(_titled(f"change_{i}", _words("difference", pack=pack), "exact"))
            columns.append(_titled(f"how_{i}", _words("how", pack=pack)))
    rows = [row for row in found.rows if fund in ("", row.fund)]
    lines: list[list[object]] = []
    for row in rows:
        line = _head(row, texts)
        for i, side in enumerate(row.sides):
            line.append(side.value)
            if i:
                line += [_less(side.value, row.sides[0].value), _how(side, texts)]
        lines.append(line)
    return _sheet("chain", columns, lines, [_key(row) for row in rows])


def reasons(found: Beside, lang: str = "", fund: str = "", every: bool = False) -> Worksheet:
    """A line for each step and pack where a difference begins, the first one marked: both formulas, documents, values.
    `every`: also where it is only carried on. keys: FUND.SCOPE.STEP.PACK"""
    texts = Texts(lang)
    columns = [
        *(_column(one) for one in ("pack", "fund", "first", "scope", "step", "how")),
        *(_column(one, "exact") for one in ("value_before", "value_after", "difference")), _column("institutions", "exact"),
        *(_column(one) for one in ("formula_before", "formula_after", "rests_on_before", "rests_on_after")),
    ]  # fmt: skip
    lines: list[list[object]] = []
    keys: list[str] = []
    for i in range(1, len(found.packs)):
        for row in found.in_turn(i):
            side, base = row.sides[i], row.sides[0]
            if fund not in ("", row.fund) or not (side.how in ROOTS or (every and side.how in ("carried", "alike"))):
                continue
            first = found.first(row.fund, i)
            texts_of = [
                found.packs[i].title[texts.lang], texts(f"fund.{row.fund}"), texts("beside.first") if first is row else "",
                texts(f"beside.scope.{row.scope}"), row.title[texts.lang], _how(side, texts),
            ]  # fmt: skip
            lines.append([
                *texts_of, base.value, side.value, _less(side.value, base.value),
                Fraction(side.institutions) if side.institutions else None,
                _rule(found.packs[0], base, texts), _rule(found.packs[i], side, texts),
                texts.listed(base.rests_on), texts.listed(side.rests_on),
            ])  # fmt: skip
            keys.append(f"{_key(row)}.{i}")
    return _sheet("reasons", columns, lines, keys)


def cases(found: Beside, lang: str = "", fund: str = "") -> Worksheet:
    """Cases that the packs score differently, by the way they were scored, with both formulas. keys: the case that moves most"""
    texts = Texts(lang)
    columns = [
        *(_column(one) for one in ("pack", "fund", "way_before", "way_after")), _column("cases", "int"),
        _column("score_before", "exact"), _column("score_after", "exact"),
        _column("difference", "exact"), _column("formula_before"), _column("formula_after"),
        _column("rests_on_before"), _column("rests_on_after"), _column("biggest", "code"),
        _column("biggest_before", "exact"), _column("biggest_after", "exact"),
    ]  # fmt: skip
    moves = [one for one in found.moves if fund in ("", one.fund)]
    lines = [_case_line(found, one, texts) for one in moves]
    return _sheet("cases", columns, lines, [one.biggest for one in moves])


def institutions(found: Beside, lang: str = "", fund: str = "", figure: str = "due") -> Worksheet:
    """A figure of every institution under every pack, who gains or loses most first. keys: FUND.CODE"""
    texts = Texts(lang)
    step = found.packs[0].find("institution", figure)
    unit, places = (step.unit, step.places) if step is not None else ("", None)
    columns = [_column("fund"), _column("fixmedins_code", "code"), _column("fixmedins_name"), _column("level", "int")]
    for i, pack in enumerate(found.packs):
        columns.append(Column(f"value_{i}", _name(pack), "exact", unit, places, total=True))
        if i:
            columns.append(Column(f"change_{i}", _words("difference", pack=pack), "exact", unit, places, total=True))
    rows: list[tuple[Fraction, str, list[object]]] = []
    for name in found.funds:
        if fund not in ("", name):
            continue
        sides: list[dict[str, Fraction]] = []
        known: dict[str, tuple[str, int]] = {}
        for clearing in found.clearings:
            sheet = clearing.fund(name)
            values = sheet.values.get(figure, ())
            sides.append({one.code: value for one, value in zip(sheet.institutions, values, strict=False)})
            known |= {one.code: (one.name, one.level) for one in sheet.institutions}
        for code, (title, level) in sorted(known.items()):
            line: list[object] = [texts(f"fund.{name}"), code, title, level]
            moved = Fraction(0)
            for i, side in enumerate(sides):
                line.append(side.get(code))
                if i:
                    change = _less(side.get(code), sides[0].get(code))
                    line.append(change)
                    moved = max(moved, abs(change or Fraction(0)))
            rows.append((moved, f"{name}.{code}", line))
    rows.sort(key=lambda one: (-one[0], one[1]))
    made = _sheet("institutions", columns, [one[2] for one in rows], [one[1] for one in rows])
    what = found.packs[0].title_of("institution", figure)
    title = {lang: Texts(lang)("beside.sheet.institutions_by", what=what[lang]) for lang in LANGUAGES}
    return Worksheet(made.id, title, made.columns, made.cells, made.rows, made.totals, keys=made.keys)


def worksheets(found: Beside, lang: str = "") -> list[Worksheet]:
    """All, as they are exported."""
    return [chain(found, lang), reasons(found, lang), cases(found, lang), institutions(found, lang)]


def told(found: Beside, fund: str, pack: int, texts: Texts) -> str:
    """In a sentence: where the chain first parts from that of the first pack, and what comes of it."""
    row, lang = found.first(fund, pack), texts.lang
    one, other = found.packs[0].title[lang], found.packs[pack].title[lang]
    if row is None:
        return texts("beside.told_same", fund=texts(f"fund.{fund}"), pack=one, other=other)
    side = row.sides[pack]
    return texts(
        "beside.told", fund=texts(f"fund.{fund}"), pack=one, other=other, step=row.title[lang], how=_how(side, texts)
    )


# -- cells -------------------------------------------------------------------------------------------------------


def _case_line(found: Beside, one: CaseMove, texts: Texts) -> list[object]:
    base, other = found.packs[0], found.packs[one.pack]
    return [
        other.title[texts.lang], texts(f"fund.{one.fund}"), _way(base, one.before, texts), _way(other, one.after, texts),
        one.cases, one.score_before, one.score_after, one.score_after - one.score_before, _branch(base, one.before, texts),
        _branch(other, one.after, texts), _branch_rests_on(base, one.before, texts), _branch_rests_on(other, one.after, texts),
        one.biggest, one.biggest_before, one.biggest_after,
    ]  # fmt: skip


def _way(pack: Pack, id: str, texts: Texts) -> str:
    branch = next((one for one in pack.case.branches if one.id == id), None)
    return branch.title[texts.lang] if branch is not None else texts(f"beside.way.{id or 'none'}")


def _branch(pack: Pack, id: str, texts: Texts) -> str:
    branch = next((one for one in pack.case.branches if one.id == id), None)
    if branch is None:
        return ""
    return f"{branch.score_text}  ({branch.when_text or texts('rules.describe.otherwise')})"


def _branch_rests_on(pack: Pack, id: str, texts: Texts) -> str:
    branch = next((one for one in pack.case.branches if one.id == id), None)
    if branch is None:
        return ""
    cited = pack.cited(branch.cite)
    return texts.listed(" ".join(filter(None, (number, article, f"[{branch.evidence}]"))) for number, _, _, article in cited)


def _how(side: Side, texts: Texts) -> str:
    return texts(f"beside.how.{side.how}") if side.how != "same" else ""


def _rule(pack: Pack, side: Side, texts: Texts) -> str:
    """The formula with its decimals and the parameters that it names; of a fact where it comes from."""
    if side.step is None:
        return texts("beside.no_step")
    if side.step.input:
        return texts(f"rules.describe.input_{side.step.input}")
    said = [side.formula]
    if side.step.places is not None:
        said.append(texts("rules.describe.places", places=side.step.places))
    for id, one in pack.parameters.items():
        if id in side.formula and id in pack.values:
            value = str(pack.values[id])
            said.append(f"{one.title[texts.lang]} = {one.options[value][texts.lang] if value in one.options else value}")
    return "  ·  ".join(said)


def _head(row: StepRow, texts: Texts) -> list[object]:
    return [
        texts(f"fund.{row.fund}"), texts(f"beside.scope.{row.scope}"), row.title[texts.lang],
        texts(f"unit.{row.unit}") if row.unit else "",
    ]  # fmt: skip


def _key(row: StepRow) -> str:
    return f"{row.fund}.{row.scope}.{row.id}"


def _less(value: Fraction | None, base: Fraction | None) -> Fraction | None:
    return None if value is None or base is None else value - base


def _name(pack: Pack) -> Mapping[str, str]:
    return pack.title


def _words(key: str, pack: Pack | None = None) -> Mapping[str, str]:
    if pack is None:
        return {lang: Texts(lang)(f"beside.column.{key}") for lang in LANGUAGES}
    return {lang: Texts(lang)(f"beside.column.{key}_of", pack=pack.title[lang]) for lang in LANGUAGES}


def _titled(id: str, title: Mapping[str, str], kind: Kind = "text") -> Column:
    return Column(id, title, kind, places=None)


def _column(id: str, kind: Kind = "text") -> Column:
    return Column(id, _words(id), kind)


def _sheet(id: str, columns: Sequence[Column], lines: Sequence[Sequence[object]], keys: Sequence[str]) -> Worksheet:
    cells = {column.id: column_of([line[i] for line in lines], column.kind) for i, column in enumerate(columns)}
    totals: dict[str, object] = {}
    for column in columns:
        if column.total:
            told = [value for value in cells[column.id].tolist() if value is not None]
            totals[column.id] = sum(told) if column.kind in ("int", "fixed") else total(told)
    title = {lang: Texts(lang)(f"beside.sheet.{id}") for lang in LANGUAGES}
    return Worksheet(f"packs_{id}", title, tuple(columns), cells, len(lines), totals, keys=column_of(keys, "code"))
