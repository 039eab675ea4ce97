"""How derived coefficients came about, for a reader: a table of all hospitals, and one hospital's working in words."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from core.money import plain
from core.rules.deriving import MEANS, DeriveRule, Sourced, Step
from core.rules.sheet import Title
from core.settlement.coefficient_sheets import part_title
from core.settlement.deriving import Derived, Piece, Series, Working
from core.texts import LANGUAGES, Texts, catalogue
from core.worksheet import Column, Kind, Worksheet, column_of

_FIGURES = {"fee": (100, 2), "cmi": (1, 4), "age_share": (1, 6), "tcm_share": (1, 6)}  # divided by, decimals shown


def sheet(derived: Derived, texts: Texts | None = None) -> Worksheet:
    """A row for each hospital and fund: what went in, each part, the whole, source and evidence. Keys: (code, fund)."""
    texts = texts or Texts()
    rule, workings = derived.rule, list(derived.working.items())
    columns: list[Column] = []
    cells: dict[str, list[object]] = {}
    tag = rule.source.evidence

    def add(
        id: str, title: Title, values: Sequence[object], kind: Kind = "text", unit: str = "", places: int | None = None
    ) -> None:
        columns.append(Column(id, title, kind, unit, places, tag if kind == "exact" else ""))
        cells[id] = list(values)

    add("code", _title("code"), [one.hospital.code for _, one in workings], "code")
    add("name", _title("name"), [one.hospital.name for _, one in workings])
    add("grade", _title("grade"), [texts(f"coefficients.grade.{one.hospital.grade}") for _, one in workings])
    add("counted", _title("counted"), [texts(f"coefficients.grade.{one.hospital.counted}") for _, one in workings])
    add("fund", _title("fund"), [texts(f"coefficients.fund.{one.fund}") for _, one in workings])
    if rule.method in MEANS:
        pieces = [one.pieces[0] for _, one in workings]
        measure = "fee" if rule.method == "level_mean" else "cmi"
        unit, places = ("yuan", 2) if measure == "fee" else ("points", 4)
        for y, year in enumerate(derived.figures.years if derived.figures is not None else ()):
            for whose in ("own", "mean"):
                series = [getattr(piece, whose) for piece in pieces]
                values = [None if one is None else _shown(one.measure, one.lines[y].value) for one in series]
                add(f"{whose}_{year}", _title(f"{whose}_year", year=year), values, "exact", unit, places)
        for whose in ("own", "mean"):
            values = [_shown(one.measure, one.value) if (one := getattr(piece, whose)) is not None else None for piece in pieces]
            add(whose, _title(whose), values, "exact", unit, places)
        add("exact", _title("exact"), [piece.exact for piece in pieces], "exact", "ratio", 8)
    for part in _parts(rule):
        found = [next((piece for piece in one.pieces if piece.part == part), None) for _, one in workings]
        if any(piece is not None and piece.step is not None for piece in found):
            add(f"{part}.excess", _of_part("excess", part), [
                piece.excess * 100 if piece is not None and piece.excess is not None else None for piece in found
            ], "exact", "percent", 2)  # fmt: skip
            add(f"{part}.taken", _of_part("taken", part), [
                Fraction(piece.taken) if piece is not None and piece.excess is not None else None for piece in found
            ], "exact", "", 0)  # fmt: skip
        add(part, part_title(part), [piece.value if piece is not None else None for piece in found], "exact", "coefficient")
    if rule.method == "steps":
        add("k", {lang: catalogue(lang)["coefficients.part.k"] for lang in LANGUAGES}, [one.total for _, one in workings],
            "exact", "coefficient")  # fmt: skip
    add("source", _title("source"), [
        texts.listed(dict.fromkeys(piece.source.cite for piece in one.pieces)) for _, one in workings
    ])  # fmt: skip
    add("evidence", _title("evidence"), [
        texts.listed(dict.fromkeys(piece.source.evidence for piece in one.pieces)) for _, one in workings
    ])  # fmt: skip
    keys = column_of([key for key, _ in workings], "text")
    return Worksheet(
        "derived_coefficients", _title("sheet", pack=derived.pack.id, year=derived.year), columns,
        {column.id: column_of(cells[column.id], column.kind) for column in columns}, len(workings), keys=keys,
    )  # fmt: skip


def words(derived: Derived, key: tuple[str, str], texts: Texts | None = None) -> list[str]:
    """One hospital's working, line by line: as what it counts, figures of each year, mean, ratio or steps, cap, the formula
    filled in, source, tag and what is left open. KeyError: nothing was derived for (code, fund)."""
    texts = texts or Texts()
    one, rule = derived.working[key], derived.rule
    hospital = one.hospital
    lines = [texts(
        "coefficients.working.head", name=hospital.name, code=hospital.code, year=derived.year,
        grade=texts(f"coefficients.grade.{hospital.grade}"), fund=texts(f"coefficients.fund.{one.fund}"),
        pack=derived.pack.title[texts.lang], method=texts(f"coefficients.method.{rule.method}"),
    )]  # fmt: skip
    if hospital.counted != hospital.grade:
        lines.append(texts("coefficients.working.counted", grade=texts(f"coefficients.grade.{hospital.counted}")))
    for piece in one.pieces:
        lines += ["", *_piece(piece, rule, texts)]
    if rule.method == "steps":
        lines += ["", _whole(one, texts)]
    if opened := rule.source.open.get(texts.lang):
        lines += ["", texts("coefficients.working.open", text=opened)]
    return lines


def _piece(piece: Piece, rule: DeriveRule, texts: Texts) -> list[str]:
    title = part_title(piece.part)[texts.lang]
    if piece.value is None:
        lines = [texts("coefficients.working.none", part=title, why=texts(f"coefficients.working.why.{piece.why}"))]
        for series in (piece.own, piece.mean):
            lines += [] if series is None else _series(series, rule, series is piece.mean, piece, texts)
        return [*lines, _source(piece.source, rule, texts)]
    lines = [f"{title} = {plain(piece.value)}"]
    if piece.row is not None:
        lines.append(texts("coefficients.working.row", row=piece.row.title[texts.lang], value=plain(piece.row.value)))
    if piece.own is not None and piece.mean is not None:
        lines += _series(piece.own, rule, False, piece, texts) + _series(piece.mean, rule, True, piece, texts)
        if piece.step is None:
            values = [_figure(one.measure, one.value, texts) for one in (piece.own, piece.mean)]
            lines.append(f"    {values[0]} / {values[1]} = {plain(piece.value, rule.places)}")
        else:
            lines += _steps(piece, piece.step, rule, texts)
    return [*lines, _source(piece.source, rule, texts)]


def _series(series: Series, rule: DeriveRule, mean: bool, piece: Piece, texts: Texts) -> list[str]:
    """The figures of each year and the weighted value filled in."""
    if piece.step is None:
        whose = "city" if mean else ("level" if rule.by == "level" else "grade")
    else:
        whose = "hospital" if not mean else piece.step.against or rule.against
    head = texts(
        "coefficients.working.series", whose=texts(f"coefficients.working.whose.{whose}", count=series.among),
        measure=texts(f"coefficients.measure.{series.measure}"),
    )  # fmt: skip
    lines = [head]
    for line in series.lines:
        value = texts("coefficients.working.no_cases") if line.value is None else _figure(series.measure, line.value, texts)
        lines.append("    " + texts(
            f"coefficients.working.year.{series.measure}", year=line.year, weight=plain(line.weight), value=value,
            above=_amount(series.measure, line.above), below=_amount(series.measure, Fraction(line.below), below=True),
        ))  # fmt: skip
    there = [line for line in series.lines if line.below and line.weight > 0]
    if series.value is not None and len(there) > 1:
        lines.append(f"    {_filled(series, rule, texts)} = {_figure(series.measure, series.value, texts)}")
    return lines


def _filled(series: Series, rule: DeriveRule, texts: Texts) -> str:
    there = [line for line in series.lines if line.below and line.weight > 0]
    if rule.weighting == "totals":
        above = " + ".join(f"{plain(one.weight)} × {_amount(series.measure, one.above)}" for one in there)
        below = " + ".join(
            f"{plain(one.weight)} × {_amount(series.measure, Fraction(one.below), below=True)}" for one in there
        )
        return f"({above}) / ({below})"
    above = " + ".join(f"{plain(one.weight)} × {_figure(series.measure, one.value, texts)}" for one in there)
    return f"({above}) / {plain(sum((one.weight for one in there), Fraction(0)))}"


def _steps(piece: Piece, step: Step, rule: DeriveRule, texts: Texts) -> list[str]:
    assert piece.excess is not None
    assert piece.exact is not None
    assert piece.value is not None
    assert piece.own is not None
    assert piece.mean is not None
    own, mean = (_figure(one.measure, one.value, texts) for one in (piece.own, piece.mean))
    formula = f"{own} / {mean} - 1" if (step.excess or rule.excess) == "ratio" else f"{own} - {mean}"
    percent = f"{plain(piece.excess * 100, 4)}%"
    lines = [f"    {texts('coefficients.working.excess')} {formula} = {percent}"]
    if piece.excess <= 0:
        return [*lines, "    " + texts("coefficients.working.not_above")]
    lines.append("    " + texts(
        f"coefficients.working.taken.{rule.rounding}", excess=percent, every=f"{plain(step.every * 100)}%",
        steps=plain(piece.excess / step.every, 4), taken=piece.taken,
    ))  # fmt: skip
    first = f"{plain(step.first)} + " if step.first else ""
    said = f"{first}{piece.taken} × {plain(step.add)} = {plain(piece.exact)}"
    if piece.cap is not None:
        said = texts("coefficients.working.cap", sum=said, cap=plain(piece.cap), value=plain(piece.value))
    return [*lines, f"    {said}"]


def _whole(one: Working, texts: Texts) -> str:
    title = texts("coefficients.part.k")
    if one.total is None:
        return texts("coefficients.working.incomplete", part=title)
    return f"{title} = {' + '.join(plain(piece.value) for piece in one.pieces if piece.value is not None)} = {plain(one.total)}"


def _source(source: Sourced, rule: DeriveRule, texts: Texts) -> str:
    """What the whole rule leaves open is said once, at the end."""
    said = "    " + texts("coefficients.working.source", cite=source.cite, evidence=source.evidence)
    opened = source.open.get(texts.lang) if source is not rule.source else None
    return said + texts("coefficients.working.left_open", text=opened) if opened else said


def _parts(rule: DeriveRule) -> list[str]:
    return [rule.part, *(step.part for step in rule.steps if rule.method == "steps")]


def _shown(measure: str, value: Fraction | None) -> Fraction | None:
    """A value as a table has it: yuan, not fen."""
    return None if value is None else value / _FIGURES[measure][0]


def _figure(measure: str, value: Fraction | None, texts: Texts) -> str:
    if value is None:
        return texts("coefficients.working.no_cases")
    if measure.endswith("_share"):
        return f"{plain(value * 100, 4)}%"
    scale, places = _FIGURES[measure]
    shown = value / scale
    return plain(shown, places if (shown * 10**places).denominator == 1 else places + 2)


def _amount(measure: str, value: Fraction, *, below: bool = False) -> str:
    """What stands above or below the line: yuan with two decimals, points, cases."""
    if (measure == "fee" and not below) or measure == "tcm_share":
        return plain(value / 100, 2)
    return plain(value)


def _title(key: str, **values: object) -> Title:
    return {lang: catalogue(lang)[f"coefficients.column.{key}"].format(**values) for lang in LANGUAGES}


def _of_part(key: str, part: str) -> Title:
    return {lang: catalogue(lang)[f"coefficients.column.{key}"].format(part=part_title(part)[lang]) for lang in LANGUAGES}
