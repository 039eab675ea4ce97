"""A pack with its parameters applied: what was said on the command line or in a form, checked against what may be said.

Parameters, all as text:

    NAME                  a parameter that the pack declares: one of its options, or a plain decimal within its bounds
    STEP.places           decimals of a step or of a measure, 0..12, or `none` for not rounded
    case.places           decimals of the case score, or `none`
    BRANCH.when .score .review    the formulas of a way to score a case, where the pack has one there
    own_pay, ungrouped, reference, reference_min_cases, primary_care_coefficient, disease_level_coefficient,
    intra_province        the settings of [case]; yes/no ones take `true` or `false`, `reference` a comma list
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from core.faults import Usage
from core.money import decimal, plain
from core.rules import formula as language
from core.rules import parsing
from core.rules.circular import (
    CASE_NAMES,
    MAX_PLACES,
    SETTINGS,
    Pack,
    Parameter,
    needs_reference,
    with_setting,
)
from core.rules.formula import Expr, FormulaError, Sort, Value


def applied(pack: Pack, parameters: Mapping[str, str]) -> Pack:
    """The pack with its parameters; `changed` has those that make a difference, each by itself."""
    plain_pack = _chosen(pack, {})
    changed = {
        name: text.strip()
        for name, text in sorted(parameters.items())
        if _chosen(pack, {name: text}) != plain_pack
    }
    return replace(_chosen(pack, parameters), changed=changed)


def _chosen(pack: Pack, parameters: Mapping[str, str]) -> Pack:
    formal = {id: one for id, one in pack.parameters.items() if id not in SETTINGS}
    values: dict[str, Value] = {option: option for one in formal.values() for option in one.options}
    rule, chains = pack.case, {"": pack.steps, **pack.chapters}
    chosen = {id: one.default for id, one in pack.parameters.items()}
    every = {step.id for steps in chains.values() for step in steps if not step.input}
    placed = sorted({f"{id}.places" for id in every} | {"case.places"})
    placed += [f"{measure.id}.places" for measure in rule.measures]
    typed = [
        f"{branch.id}.{key}"
        for branch in rule.branches
        for key in ("when", "score", "review")
        if getattr(branch, f"{key}_text")
    ]
    known = ", ".join([*pack.parameters, *sorted(SETTINGS - set(pack.parameters)), *placed, *typed])
    for name, raw in parameters.items():
        text = raw.strip()
        if name in pack.parameters:
            chosen[name] = text
        elif name in SETTINGS:
            try:
                rule = with_setting(rule, name, text)
            except ValueError as error:
                raise Usage("parameter_value", name=name, value=text, known=str(error)) from None
        elif name in placed:
            places = _digits(name, text)
            target = name.removesuffix(".places")
            if target == "case":
                rule = replace(rule, places=places)
            measures = tuple(
                replace(one, places=_digits(name, text, none=False) or 0) if one.id == target else one
                for one in rule.measures
            )
            rule = replace(rule, measures=measures)
            chains = {
                chapter: tuple(
                    replace(step, places=places) if step.id == target and not step.input else step for step in steps
                )
                for chapter, steps in chains.items()
            }
        elif name in typed:
            target, _, key = name.rpartition(".")
            expr = _case_formula(pack, name, text, "number" if key == "score" else "truth")
            rule = replace(
                rule,
                branches=tuple(
                    replace(one, **{key: expr, f"{key}_text": text}) if one.id == target else one
                    for one in rule.branches
                ),
            )
        else:
            raise Usage("parameter_unknown", name=name, pack=pack.id, known=known)
    for branch in rule.branches:
        for key, expr in (("score", branch.score), ("review", branch.review)):
            if (
                parameters
                and expr is not None
                and needs_reference(expr)
                and (branch.when is None or not needs_reference(branch.when))
            ):
                name = f"{branch.id}.{key}"
                raise Usage("parameter_value", name=name, value=getattr(branch, f"{key}_text"), known="rw k u fee")
    for id, text in chosen.items():
        one = pack.parameters[id]
        try:
            if one.options and text not in one.options:
                raise ValueError(" ".join(one.options))
            if id in SETTINGS:
                rule = with_setting(rule, id, text)
            else:
                values[id] = text if one.options else _decimal_value(text, one)
        except ValueError as error:
            raise Usage("parameter_value", name=id, value=text, known=str(error)) from None
    steps = chains.pop("")
    return replace(pack, values=values, case=replace(rule, values=values), steps=steps, chapters=chains)


def _decimal_value(text: str, of: Parameter) -> Fraction:
    """ValueError says what can be given: the bounds where the pack states any."""
    bounded = of.least is not None or of.most is not None
    allowed = " … ".join("" if one is None else plain(one) for one in (of.least, of.most)).strip()
    try:
        value = decimal(text)
    except ValueError:
        raise ValueError(allowed if bounded else "0.5, 12, ...") from None
    if of.bounds(value) is not None:
        raise ValueError(allowed)
    return value


def _case_formula(pack: Pack, name: str, text: str, sort: Sort) -> Expr:
    """A case's formula as the builder of packs takes one; Usage says what is wrong with it."""
    formal = {id: one for id, one in pack.parameters.items() if id not in SETTINGS}
    sorts: dict[str, Sort] = {id: "symbol" for id, one in formal.items() if one.options}
    sorts.update({option: "symbol" for one in formal.values() for option in one.options})
    allowed = [*CASE_NAMES, *formal, *sorts]
    try:
        expr = parsing.parse(text)
        for node in language.walk(expr):
            if isinstance(node, language.Sum | language.Tiers | language.Share):
                raise FormulaError("scope", node.at, name="sum tiers share", scope="case")
            if isinstance(node, language.Name) and node.id not in allowed:
                raise FormulaError("name", node.at, name=node.id, known=" ".join(allowed))
        if language.sort_of(expr, sorts) != sort:
            raise FormulaError("sort", expr.at, wanted=sort, found="")
    except FormulaError as error:
        raise Usage("parameter_value", name=name, value=text, known=" ".join(CASE_NAMES)) from error
    return expr


def _digits(name: str, text: str, *, none: bool = True) -> int | None:
    if none and text == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MAX_PLACES:
        return int(text)
    raise Usage("parameter_value", name=name, value=text, known=f"0..{MAX_PLACES}{', none' if none else ''}")
