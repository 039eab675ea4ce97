"""Runs the steps of a pack on a fund's facts, and explains any cell of the result. Pure, exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from core.faults import Refused
from core.findings import Finding
from core.money import allocate, is_terminating, plain, rounded
from core.rules import evaluation, spelling
from core.rules import formula as language
from core.rules.circular import OF_YEAR, Pack, Step
from core.rules.columns import Column, Rows, column_of
from core.rules.evaluation import Env
from core.rules.formula import Expr, RuleFault, Share, Value
from core.rules.sheet import Explanation, FundSheet, Part, Scope, Title

# Places of an endless value in a sentence; the exact value stands in the sheet.
SHOWN_PLACES = 8


@dataclass(frozen=True)
class Values:
    """`region[step]`; `institutions[step]` aligned with the codes that `run` was given. Inputs are among them."""

    region: Mapping[str, Fraction]
    institutions: Mapping[str, tuple[Fraction, ...]]


def run(
    pack: Pack,
    region: Mapping[str, Fraction],
    institutions: Mapping[str, Sequence[Fraction]],
    codes: Sequence[str],
    fund: str = "",
) -> Values:
    """Every step of the pack in dependency order, rounded where it says so.

    region, institutions: the facts of `pack.inputs(scope)`, amounts in yuan; institutions aligned with `codes`, which are
    sorted (ties of share() go to the earlier); what only a year's file gives is 0 where there is no file.
    Refused("pack_abstract") for a pack without all formulas;
    Refused("rule_failed", findings) naming the step and the institution where the values do not fit a formula.
    """
    if pack.abstract:
        lacking = [step.id for step in pack.steps if step.expr is None and not step.input]
        raise Refused("pack_abstract", pack=pack.id, steps=", ".join(lacking))
    in_region: dict[str, Fraction] = {}
    in_institutions: dict[str, tuple[Fraction, ...]] = {}
    columns: dict[str, Column] = {}

    def column(id: str) -> Column | None:
        if id not in columns and id in in_institutions:
            columns[id] = column_of(in_institutions[id])
        return columns.get(id)

    for step in pack.order:
        if step.scope == "region":
            if step.expr is None:
                in_region[step.id] = Fraction(region.get(step.id, 0) if step.id in OF_YEAR["region"] else region[step.id])
                continue
            env = Env({**pack.values, **in_region}, in_institutions, pack.tables)
            try:
                in_region[step.id] = _rounded(step, evaluation.number(step.expr, env))
            except RuleFault as fault:
                raise _failed([_finding(step, fault, "", fund)]) from fault
            continue
        if step.expr is None:
            bare = step.id in OF_YEAR["institution"] and step.id not in institutions
            given = tuple(Fraction(0) for _ in codes) if bare else tuple(institutions[step.id])
            assert len(given) == len(codes), step.id
            in_institutions[step.id] = given
            continue
        shares = _shares(pack, step, in_region, in_institutions, fund)
        rows = Rows(len(codes), column, {**pack.values, **in_region}, pack.tables, shares)
        try:
            found = rows.number(step.expr) if codes else Column([])
        except RuleFault as fault:
            # Of all together a denominator can grow beyond measure where that of none alone does.
            each = _faults(pack, step, in_region, in_institutions, shares, codes, fund)
            raise _failed(each or [_finding(step, fault, "", fund)]) from fault
        columns[step.id] = found if step.places is None else found.rounded(step.places)
        in_institutions[step.id] = columns[step.id].fractions()
    return Values(
        {step.id: in_region[step.id] for step in pack.scope("region")},
        {step.id: in_institutions[step.id] for step in pack.scope("institution")},
    )


def _faults(
    pack: Pack,
    step: Step,
    region: Mapping[str, Fraction],
    institutions: Mapping[str, Sequence[Fraction]],
    shares: Mapping[Share, Sequence[Fraction]],
    codes: Sequence[str],
    fund: str,
) -> list[Finding]:
    """Which institutions a step's formula does not fit, one by one."""
    findings: list[Finding] = []
    for i, code in enumerate(codes):
        env = Env(_own(pack, region, institutions, i), {}, pack.tables, shares, i)
        try:
            evaluation.number(step.expr, env) if step.expr is not None else None
        except RuleFault as fault:
            findings.append(_finding(step, fault, code, fund))
    return findings


def _rounded(step: Step, value: Fraction) -> Fraction:
    return value if step.places is None else rounded(value, step.places)


def _own(
    pack: Pack, region: Mapping[str, Fraction], institutions: Mapping[str, Sequence[Fraction]], i: int
) -> dict[str, Value]:
    """What the plain names of an institution's formula mean: its own figures before the region's."""
    return {**pack.values, **region, **{id: column[i] for id, column in institutions.items()}}


def _shares(
    pack: Pack,
    step: Step,
    region: Mapping[str, Fraction],
    institutions: Mapping[str, Sequence[Fraction]],
    fund: str,
) -> dict[Share, Sequence[Fraction]]:
    """Every share() of the step split over all institutions, in units of the step's last place."""
    split: dict[Share, Sequence[Fraction]] = {}
    if step.expr is None:
        return split
    for node in language.walk(step.expr):
        if not isinstance(node, Share):
            continue
        assert step.places is not None  # the checker of packs asks for it
        unit = Fraction(10) ** step.places
        try:
            total = rounded(evaluation.number(node.total, Env({**pack.values, **region})), step.places)
            weights = institutions[node.column]
            if not total:
                split[node] = [Fraction(0)] * len(weights)
            else:
                split[node] = [part / unit for part in allocate((total * unit).numerator, weights)]
        except ValueError as error:
            fault = RuleFault("share_weights", node.at, column=node.column)
            raise _failed([_finding(step, fault, "", fund)]) from error
        except RuleFault as fault:
            raise _failed([_finding(step, fault, "", fund)]) from fault
    return split


def _finding(step: Step, fault: RuleFault, code: str, fund: str) -> Finding:
    values = {
        "step": step.id,
        "formula": step.formula,
        "place": str(fault.at + 1),
        "fund": fund,
        **fault.values,
    }
    return Finding(f"rule_{fault.code}", "blocked", column=step.id, subject=code or step.id, values=values)


def _failed(findings: Sequence[Finding]) -> Refused:
    return Refused("rule_failed", findings, step=findings[0].column, count=len(findings))


# --- why a cell is what it is ---


def explain_step(pack: Pack, sheet: FundSheet, scope: Scope, code: str, step_id: str) -> Explanation:
    """The cell of `step_id`: formula in words, the same with its values, documents, and where each value leads.

    code: the institution's, ignored for the region. KeyError for a step or code that the sheet lacks.
    """
    step = next((one for one in pack.scope(scope) if one.id == step_id), None)
    if step is None:
        raise KeyError(step_id)
    codes = [institution.code for institution in sheet.institutions]
    if scope == "institution":
        if code not in codes:
            raise KeyError(code)
        i = codes.index(code)
        value = sheet.values[step_id][i]
        names = _own(pack, sheet.region, sheet.values, i)
    else:
        i, code = 0, ""
        value = sheet.region[step_id]
        names: dict[str, Value] = {**pack.values, **sheet.region}
    if step.expr is None:
        parts: tuple[Part, ...] = ()
        sentence: Title = step.title
        filled: Title = {
            lang: f"{words} = {shown(value, step.places, step.unit)}" for lang, words in step.title.items()
        }
    else:
        shares = _shares(pack, step, sheet.region, sheet.values, sheet.fund)
        env = Env(names, sheet.values, pack.tables, shares, i)
        sentence = {
            lang: f"{step.title[lang]} = {in_words(pack, step, step.expr, lang)}" for lang in step.title
        }
        counted = evaluation.reduce(step.expr, env)
        filled = {lang: _filled(pack, step, counted, env, value, lang) for lang in step.title}
        parts = _parts(pack, step, env)
    return Explanation(
        fund=sheet.fund,
        scope=scope,
        code=code,
        step=step_id,
        title=step.title,
        value=value,
        unit=step.unit,
        places=step.places,
        sentence=sentence,
        filled=filled,
        note=step.note,
        cite=step.cite,
        evidence=step.evidence,
        documents=pack.cited(step.cite),
        open=step.open,
        parts=parts,
        beneath=step.input or ("institutions" if step.expr and language.uses(step.expr).columns else ""),
    )


def in_words(pack: Pack, step: Step, expr: Expr, lang: str) -> str:
    """A formula of the step's scope in the field's words, without the step's own title."""
    return spelling.words(
        expr,
        lambda name: pack.title_of(step.scope, name)[lang],
        pack.phrases[lang],
        lang,
        column=lambda name: pack.title_of("institution", name)[lang],
        tables=pack.tables,
    )


def _filled(pack: Pack, step: Step, counted: Expr, env: Env, value: Fraction, lang: str) -> str:
    """`126,500.00 ÷ 12.5 = 10,120.00`; an exact result that was rounded says so by ≈."""

    def show(name: str) -> str:
        return _value_text(pack, step.scope, name, env.values[name], lang)

    def show_sum(column: str) -> str:
        source = pack.find("institution", column)
        return shown(
            sum(env.columns[column], Fraction(0)),
            source.places if source else None,
            source.unit if source else "",
        )

    def column(id: str) -> str:
        return pack.title_of("institution", id)[lang]

    text = spelling.filled(
        counted, show, show_sum, pack.phrases[lang], lang, column=column, tables=pack.tables
    )
    exact = evaluation.number(counted, env)
    sign = "=" if exact == value else "≈"
    return f"{step.title[lang]} = {text} {sign} {shown(value, step.places, step.unit)}"


def _value_text(pack: Pack, scope: Scope, name: str, value: Value, lang: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return pack.title_of(scope, value)[lang]
    step = pack.find(scope, name)
    return shown(value, step.places if step else None, step.unit if step else "")


def _parts(pack: Pack, step: Step, env: Env) -> tuple[Part, ...]:
    """The values that went in, each once, in the formula's order; of a table its argument's and the row's."""
    assert step.expr is not None
    parts: dict[tuple[str, bool], Part] = {}

    def visit(expr: Expr) -> None:
        match expr:
            case language.Name(id) if isinstance(value := env.values[id], Fraction):
                source = pack.find(step.scope, id)
                parts.setdefault((id, False), _part(pack, step.scope, id, value, source))
            case language.Sum(column):
                source = pack.find("institution", column)
                title = {
                    lang: pack.phrases[lang]["sum"].format(words)
                    for lang, words in pack.title_of("institution", column).items()
                }
                total = sum(env.columns[column], Fraction(0))
                unit, places = (source.unit, source.places) if source else ("", None)
                parts.setdefault(
                    (column, True), Part(column, title, total, unit, places, ("institution", column))
                )
            case language.If(then, condition, other):
                visit(condition)
                visit(then if evaluation.evaluate(condition, env) else other)
            case language.Tiers(argument, table) if pack.tables[table].rows:
                x = evaluation.number(argument, env)
                visit(argument)
                parts.setdefault((table, False), Part(table, pack.tables[table].title, x, "", None, None))
                visit(pack.tables[table].pick(x))
            case language.Tiers():
                visit(evaluation.reduce(expr, env))
            case _:
                for child in language.children(expr):
                    visit(child)

    visit(step.expr)
    return tuple(parts.values())


def _part(pack: Pack, scope: Scope, id: str, value: Fraction, source: Step | None) -> Part:
    """`link` leads to the cases or imported rows of a fact, else to the step's own explanation."""
    if source is None:
        return Part(id, pack.title_of(scope, id), value, "", None, None)
    origin = {"cases": "cases", "rows": "input", "": source.scope}[source.input]
    return Part(id, source.title, value, source.unit, source.places, (origin, id))


def shown(value: Fraction, places: int | None, unit: str = "") -> str:
    """A value for a sentence: grouped thousands, sign −, yuan with two decimals at least, endless ones cut with …"""
    if places is None and unit == "yuan" and (value * 100).denominator == 1:
        places = 2
    endless = places is None and not is_terminating(value)
    text = plain(value, SHOWN_PLACES if endless else places)
    whole, _, decimals = text.lstrip("-").partition(".")
    grouped = f"{int(whole):,}" + (f".{decimals}" if decimals else "") + ("…" if endless else "")
    return f"−{grouped}" if text.startswith("-") else grouped
