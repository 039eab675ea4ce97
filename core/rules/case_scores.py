"""The score of every case by the pack's branches: all cases at once, equal to the exact one for each of them.

Values are rationals held as integer arrays. A bound on the magnitudes is carried along, and int64 is used only
where the bound proves that nothing overflows; rows that could go on in Python's integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.faults import Refused
from core.findings import Finding
from core.money import round_ratios
from core.progress import SILENT, Progress, step
from core.rules import evaluation, spelling
from core.rules import formula as language
from core.rules.cases import SPECIAL_ADJUSTED, CaseScores, CaseTable, Ints, Scaled
from core.rules.circular import CaseRule, needs_reference
from core.rules.evaluation import Env
from core.rules.formula import Expr, Value
from core.rules.sheet import Title
from core.rules.spelling import Phrases
from core.rules.steps import shown

ADJUSTED, UNGROUPED = -1, -2
_PENDING = -3
# Sums of two such magnitudes still fit int64.
_LIMIT = 2**61
_INT64 = 2**63 - 1
# Rows that are computed at once: what is held on the way costs no more than for so many.
_STRETCH = 65_536
# Below this many rows Python's integers cost less than looking for the few rows that need them.
_FEW = 2_000

Numbers = NDArray[Any]  # int64, or objects holding Python's integers
Truth = NDArray[np.bool_]


class _Wide(Exception):
    """The bound does not prove that int64 holds."""


class _RowFault(Exception):
    def __init__(self, code: str, at: int, row: int) -> None:
        super().__init__(code, at, row)
        self.code = code
        self.at = at
        self.row = row


# --- rationals over rows ---


@dataclass(frozen=True, slots=True)
class _Ratio:
    """num / (scale * den) a row, den positive, None for 1. top, low: bounds of |num| and den."""

    num: Numbers | int
    top: int
    scale: int = 1
    den: Numbers | None = None
    low: int = 1


def _bound(values: Numbers | int) -> int:
    if isinstance(values, int):
        return abs(values)
    return max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a name's values come from: num / by / (scale * den), by dividing every num."""

    num: Numbers
    scale: int
    den: Numbers | None = None
    by: int = 1


class _View:
    """The formulas' names over some rows. `wide`: in Python's integers, without bounds."""

    def __init__(
        self,
        columns: Mapping[str, _Column],
        values: Mapping[str, Value],
        rows: NDArray[np.intp],
        wide: bool = False,
    ) -> None:
        self.columns = columns
        self.values = values
        self.rows = rows
        self.wide = wide
        self._taken: dict[str, _Ratio] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, chosen: Truth) -> _View:
        return _View(self.columns, self.values, self.rows[chosen], self.wide)

    def name(self, id: str) -> _Ratio:
        if id not in self.columns:
            return self.constant(self.values[id])
        if id not in self._taken:
            column = self.columns[id]
            num = self._take(column.num)
            if column.by != 1:
                num //= column.by
            den = None if column.den is None else self._take(column.den)
            self._taken[id] = _Ratio(num, _bound(num), column.scale, den, 1 if den is None else _bound(den))
        return self._taken[id]

    def _take(self, values: Numbers) -> Numbers:
        taken = values[self.rows]
        return taken.astype(object) if self.wide else taken

    @staticmethod
    def constant(value: Value) -> _Ratio:
        assert isinstance(value, Fraction), value
        return _Ratio(value.numerator, abs(value.numerator), value.denominator)

    # arithmetic

    def fits(self, *bounds: int) -> None:
        if not self.wide and max(bounds) >= _LIMIT:
            raise _Wide

    def times(self, left: _Ratio, right: _Ratio) -> _Ratio:
        top, low = left.top * right.top, left.low * right.low
        self.fits(top, low, left.top, right.top)
        if left.den is None or right.den is None:
            den = right.den if left.den is None else left.den
        else:
            den = left.den * right.den
        return _Ratio(left.num * right.num, top, left.scale * right.scale, den, low)

    def scaled(self, value: _Ratio, factor: int) -> _Ratio:
        """num times a positive integer."""
        if factor == 1:
            return value
        self.fits(value.top * factor, factor)
        return _Ratio(value.num * factor, value.top * factor, value.scale, value.den, value.low)

    def aligned(self, left: _Ratio, right: _Ratio) -> tuple[_Ratio, _Ratio]:
        """Both over the same denominators."""
        common = math.lcm(left.scale, right.scale)
        first, second = self.scaled(left, common // left.scale), self.scaled(right, common // right.scale)
        a, b = first.den, second.den
        if a is b:
            return _Ratio(first.num, first.top, common, a, first.low), _Ratio(
                second.num, second.top, common, a, first.low
            )
        low = first.low * second.low
        tops = first.top * second.low, second.top * first.low
        self.fits(*tops, low)
        den = b if a is None else a if b is None else a * b
        first_num = first.num if b is None else first.num * b
        second_num = second.num if a is None else second.num * a
        return _Ratio(first_num, tops[0], common, den, low), _Ratio(second_num, tops[1], common, den, low)

    def plus(self, left: _Ratio, right: _Ratio, sign: int) -> _Ratio:
        a, b = self.aligned(left, right)
        self.fits(a.top + b.top)
        num = a.num + b.num if sign > 0 else a.num - b.num
        return _Ratio(num, a.top + b.top, a.scale, a.den, a.low)

    def divide(self, left: _Ratio, right: _Ratio, at: int) -> _Ratio:
        if isinstance(right.num, int):
            if not right.num:
                raise _RowFault("division", at, int(self.rows[0]))
            sign = 1 if right.num > 0 else -1
            inverse = _Ratio(sign * right.scale, right.scale, abs(right.num))
        else:
            zeros = np.flatnonzero(right.num == 0)
            if len(zeros):
                raise _RowFault("division", at, int(self.rows[zeros[0]]))
            signs = np.where(right.num > 0, 1, -1)
            self.fits(right.scale)
            inverse = _Ratio(
                (signs.astype(object) if self.wide else signs) * right.scale,
                right.scale,
                1,
                np.abs(right.num),
                right.top,
            )
        if right.den is not None:
            inverse = self.times(inverse, _Ratio(right.den, right.low))
        return self.times(left, inverse)

    def rounded(self, value: _Ratio, places: int) -> _Ratio:
        """Half away from zero to `places`: an integer num over 10**places (negative places: times 10**-places)."""
        up = 10 ** max(places, 0)
        down = value.scale * 10 ** max(-places, 0)
        common = math.gcd(up, down)
        lifted = self.scaled(value, up // common)
        divisor = self._divisor(down // common, value.den, value.low)
        self.fits(2 * lifted.top + down // common * value.low)
        if isinstance(lifted.num, int) and isinstance(divisor, int):
            whole: Numbers | int = int(round_ratios(np.array([lifted.num], object), divisor)[0])
        elif isinstance(divisor, int) and divisor == 1:
            whole = lifted.num
        else:
            whole = round_ratios(np.asarray(lifted.num, dtype=object if self.wide else np.int64), divisor)
        result = _Ratio(whole, _bound(whole), up)
        return self.scaled(result, 10 ** max(-places, 0))

    def _divisor(self, scale: int, den: Numbers | None, low: int) -> Any:
        self.fits(scale * low)
        return scale if den is None else den if scale == 1 else den * scale

    def whole(self, value: _Ratio, up: bool) -> _Ratio:
        """floor, or ceil."""
        divisor = self._divisor(value.scale, value.den, value.low)
        num = -(-value.num // divisor) if up else value.num // divisor
        return _Ratio(num, _bound(num))

    # formulas

    def number(self, expr: Expr) -> _Ratio:
        match expr:
            case language.Num(value):
                return self.constant(value)
            case language.Name(id):
                return self.name(id)
            case language.Neg(value):
                inner = self.number(value)
                return _Ratio(-inner.num, inner.top, inner.scale, inner.den, inner.low)
            case language.Arith(op, left, right):
                a, b = self.number(left), self.number(right)
                if op == "*":
                    return self.times(a, b)
                if op == "/":
                    return self.divide(a, b, expr.at)
                return self.plus(a, b, 1 if op == "+" else -1)
            case language.If(then, condition, other):
                return self._either(self.truth(condition), then, other)
            case language.Call("abs", (argument,)):
                inner = self.number(argument)
                return _Ratio(abs(inner.num), inner.top, inner.scale, inner.den, inner.low)
            case language.Call("floor" | "ceil" as function, (argument,)):
                return self.whole(self.number(argument), function == "ceil")
            case language.Call(function, arguments):
                pick = np.minimum if function == "min" else np.maximum
                best = self.number(arguments[0])
                for argument in arguments[1:]:
                    a, b = self.aligned(best, self.number(argument))
                    num: Any = pick(a.num, b.num)
                    num = num if isinstance(num, np.ndarray) else int(num)
                    best = _Ratio(num, max(a.top, b.top), a.scale, a.den, a.low)
                return best
            case language.Round(value, places):
                return self.rounded(self.number(value), places)
            case _:
                raise AssertionError(expr)

    def truth(self, expr: Expr) -> Truth:
        match expr:
            case language.Compare(op, language.Name(left), language.Name(right)) if (
                left in self.values and isinstance(symbol := self.values[left], str)
            ):
                return np.full(len(self), (symbol == self.values[right]) == (op == "=="))
            case language.Compare(op, left, right):
                num = self.plus(self.number(left), self.number(right), -1).num
                return np.broadcast_to(np.asarray(_COMPARE[op](num, 0), dtype=np.bool_), (len(self),))
            case language.Not(value):
                return ~self.truth(value)
            case language.Logic(op, left, right):
                # The right side is looked at only where the left one leaves it open: it may not be defined elsewhere.
                found = self.truth(left).copy()
                open_rows = found if op == "and" else ~found
                if open_rows.any():
                    found[open_rows] = self.at(open_rows).truth(right)
                return found
            case _:
                raise AssertionError(expr)

    def _either(self, condition: Truth, then: Expr, other: Expr) -> _Ratio:
        if condition.all():
            return self.number(then)
        if not condition.any():
            return self.number(other)
        sides = [self.at(condition).number(then), self.at(~condition).number(other)]
        common = math.lcm(sides[0].scale, sides[1].scale)
        kind = object if self.wide else np.int64
        num, den = np.zeros(len(self), kind), np.ones(len(self), kind)
        for where, side in zip((condition, ~condition), sides, strict=True):
            lifted = self.scaled(side, common // side.scale)
            num[where] = lifted.num
            if lifted.den is not None:
                den[where] = lifted.den
        plain = all(side.den is None for side in sides)
        return _Ratio(num, _bound(num), common, None if plain else den, 1 if plain else _bound(den))


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def _over_rows(
    view: _View, work: Callable[[_View], Any], merge: Callable[[list[tuple[Truth | None, Any]]], Any]
) -> Any:
    """`work` in int64 where that is proven, the few rows with extreme values apart, all in Python's integers at last."""

    def wide(some: _View) -> Any:
        return work(_View(some.columns, some.values, some.rows, wide=True))

    try:
        return merge([(None, work(view))])
    except _Wide:
        pass
    if len(view) > _FEW:
        usual = np.ones(len(view), dtype=np.bool_)
        for column in view.columns.values():
            for values in (column.num, column.den):
                if values is not None and values.dtype != object:
                    size = np.abs(values[view.rows])
                    usual &= size <= np.partition(size, len(size) * 999 // 1000)[len(size) * 999 // 1000]
        if not usual.all():
            try:
                return merge([(usual, work(view.at(usual))), (~usual, wide(view.at(~usual)))])
            except _Wide:
                pass
    return merge([(None, wide(view))])


# --- the cases ---


def _stripped(scaled: Scaled) -> _Column:
    """Without the decimals that no case uses: factors are mostly 1, scores mostly short."""
    scale = 10**scaled.places
    common = math.gcd(int(np.gcd.reduce(scaled.values)) if len(scaled.values) else 0, scale)
    return _Column(scaled.values, scale // common, by=common)


def _columns(cases: CaseTable) -> dict[str, _Column]:
    return {
        "rw": _stripped(cases.rw),
        "k": _stripped(cases.k),
        "u": _stripped(cases.u),
        "fee": _Column(cases.fee, 100),
        "reference": _Column(cases.reference, 100),
        "x": _Column(cases.fee, 1, cases.reference),
    }


def score(rule: CaseRule, cases: CaseTable, progress: Progress = SILENT) -> CaseScores:
    """Branch, score and measures of every case; independent of the others, so any subset may be scored alone.

    Rounded half away from zero to `rule.places`, or exact Fractions where that is None. Adjusted special cases have
    the score of the decision as it is (the scale grows where it has more places), ungrouped ones score 0, whatever
    `rule.ungrouped` makes of them. Without a reference mean a branch that asks for x does not hold.
    Refused("rule_failed", findings) names the settlement where a formula cannot be computed.
    """
    count = len(cases)
    columns = _columns(cases)
    branch = np.full(count, _PENDING, dtype=np.int8)
    branch[cases.group < 0] = UNGROUPED
    branch[cases.special == SPECIAL_ADJUSTED] = ADJUSTED
    review = np.zeros(count, dtype=np.int8)
    known = cases.reference > 0
    places = _result_places(rule, cases, branch)
    values = np.zeros(count, dtype=np.int64)
    exact: list[Fraction] | None = [Fraction(0)] * count if rule.places is None else None
    at = ""
    try:
        for number, one in enumerate(rule.branches):
            step(progress, "scores", number, len(rule.branches))
            at = one.id
            rows = np.flatnonzero(branch == _PENDING)
            if one.when is not None:
                rows = _holding(one.when, columns, rule, rows, known)
            branch[rows] = number
            if not len(rows):
                continue
            view = _View(columns, rule.values, rows)
            if exact is None:
                values[rows] = _lifted(
                    _rounded(view, one.score, rule.places or 0), places - (rule.places or 0), rows
                )
            else:
                for row, value in zip(rows, _exactly(view, one.score), strict=True):
                    exact[row] = value
            if one.review is not None:
                review[_holding(one.review, columns, rule, rows, known)] = 1
        adjusted = np.flatnonzero(branch == ADJUSTED)
        if exact is None:
            decided = cases.special_score.values[adjusted]
            more = places - cases.special_score.places
            values[adjusted] = _lifted(decided, more, adjusted) if more >= 0 else decided // 10**-more
            result = Scaled(values, places)
            columns["score"] = _Column(values, 10**places)
        else:
            result = None
            for row in adjusted:
                exact[row] = cases.special_score.at(int(row))
            columns["score"] = _fractions(exact)
        columns["booked"] = _Column(cases.booked, 100)
        columns["own_pay"] = _Column(cases.own_pay, 100)
        columns["other_pay"] = _Column(cases.other_pay, 100)
        every = np.arange(count, dtype=np.intp)
        measures: dict[str, Scaled] = {}
        for measure in rule.measures:
            at = measure.id
            figures = _rounded(_View(columns, rule.values, every), measure.expr, measure.places)
            measures[measure.id] = Scaled(figures, measure.places)
    except _RowFault as fault:
        setl_id = str(cases.setl_id[fault.row])
        details = {"step": at, "place": str(fault.at + 1)}
        finding = Finding(f"rule_{fault.code}", "blocked", column=at, subject=setl_id, values=details)
        raise Refused("rule_failed", [finding], step=at, count=1) from fault
    step(progress, "scores", len(rule.branches), len(rule.branches))
    return CaseScores(result, None if exact is None else tuple(exact), branch, review, measures)


def _result_places(rule: CaseRule, cases: CaseTable, branch: NDArray[np.int8]) -> int:
    """The pack's places, or more where a decided score has more."""
    decided = cases.special_score.values[branch == ADJUSTED]
    places = cases.special_score.places
    while places > (rule.places or 0) and (decided % 10 == 0).all():
        decided, places = decided // 10, places - 1
    return max(places, rule.places or 0)


def _holding(
    when: Expr, columns: Mapping[str, _Column], rule: CaseRule, rows: NDArray[np.intp], known: Truth
) -> NDArray[np.intp]:
    """Those of `rows` for which the condition holds."""
    if needs_reference(when):
        rows = rows[known[rows]]
    if not len(rows):
        return rows

    found = np.zeros(len(rows), dtype=np.bool_)
    for some in _stretches(len(rows)):
        view, into = _View(columns, rule.values, rows[some]), found[some]
        _over_rows(view, lambda part: part.truth(when), lambda parts, into=into: _put(parts, into))
    return rows[found]


def _stretches(count: int) -> Iterator[slice]:
    return (slice(start, start + _STRETCH) for start in range(0, count, _STRETCH))


def holds(rule: CaseRule, cases: CaseTable, condition: Expr) -> Truth:
    """For which cases a condition on the case holds; without a reference mean none that asks for x does."""
    rows = _holding(condition, _columns(cases), rule, np.arange(len(cases), dtype=np.intp), cases.reference > 0)
    found = np.zeros(len(cases), dtype=np.bool_)
    found[rows] = True
    return found


def _put(parts: list[tuple[Truth | None, Any]], into: Any) -> Any:
    for where, values in parts:
        into[slice(None) if where is None else where] = values
    return into


def _rounded(view: _View, expr: Expr, places: int) -> Ints:
    """The formula over the view's rows as integers over 10**places."""

    def work(some: _View) -> Ints:
        num = some.rounded(some.number(expr), places).num
        if not isinstance(num, int) and num.dtype == np.int64:
            return num
        whole = np.broadcast_to(np.asarray(num, dtype=object), (len(some),))
        for row, value in zip(some.rows, whole, strict=True):
            if abs(value) > _INT64:
                raise _RowFault("score_too_large", 0, int(row))
        return whole.astype(np.int64)

    found = np.zeros(len(view), dtype=np.int64)
    for some in _stretches(len(view)):
        part, into = _View(view.columns, view.values, view.rows[some], view.wide), found[some]
        _over_rows(part, work, lambda parts, into=into: _put(parts, into))
    return found


def _exactly(view: _View, expr: Expr) -> list[Fraction]:
    value = _View(view.columns, view.values, view.rows, wide=True).number(expr)
    nums = np.broadcast_to(np.asarray(value.num, dtype=object), (len(view),))
    dens = np.broadcast_to(np.asarray(1 if value.den is None else value.den, dtype=object), (len(view),))
    return [Fraction(int(num), value.scale * int(den)) for num, den in zip(nums, dens, strict=True)]


def _fractions(values: list[Fraction]) -> _Column:
    num, den = np.empty(len(values), dtype=object), np.empty(len(values), dtype=object)
    num[:] = [value.numerator for value in values]
    den[:] = [value.denominator for value in values]
    return _Column(num, 1, den)


def _lifted(values: Ints, more: int, rows: NDArray[np.intp]) -> Ints:
    """The values over `more` further places."""
    if _bound(values) * 10**more > _INT64:
        raise _RowFault("score_too_large", 0, int(rows[int(np.argmax(np.abs(values)))]))
    return values * 10**more


# --- one case, in words ---


@dataclass(frozen=True)
class CaseExplanation:
    """How a case came to its score.

    values: what went in, by name (`rw`, `k`, `u`, `fee`, `reference`, `x`), amounts in yuan, x absent without a reference.
    sentence: the branch's formula in words; filled: the same with values and result.
    """

    branch: str
    title: Title
    value: Fraction
    values: Mapping[str, Fraction]
    sentence: Title
    filled: Title
    note: Title
    review: bool
    cite: str
    evidence: str
    open: Title


def explain_case(rule: CaseRule, cases: CaseTable, i: int, scores: CaseScores) -> CaseExplanation:
    """Case `i` of `cases`, whose scores are `scores`."""
    number = int(scores.branch[i])
    value = scores.score.at(i) if scores.score is not None else (scores.exact or ())[i]
    values = case_values(cases, i)
    review = bool(scores.review[i])
    if number < 0:
        key = "adjusted" if number == ADJUSTED else f"ungrouped_{rule.ungrouped}"
        title = {lang: phrases[key] for lang, phrases in rule.phrases.items()}
        filled = {
            lang: f"{phrases['case.score']} = {shown(value, None)}" for lang, phrases in rule.phrases.items()
        }
        return CaseExplanation(
            key, title, value, values, title, filled, {}, review, rule.cite, rule.evidence, rule.open
        )
    branch = rule.branches[number]
    env = Env({**rule.values, **values})
    counted = evaluation.reduce(branch.score, env)
    exact = evaluation.number(counted, env)
    sentence: dict[str, str] = {}
    said: dict[str, str] = {}
    for lang, phrases in rule.phrases.items():

        def title_of(name: str, phrases: Phrases = phrases) -> str:
            return phrases.get(f"case.{name}", name)

        def value_of(name: str, phrases: Phrases = phrases) -> str:
            own = env.values[name]
            unit = "yuan" if name in ("fee", "reference") else ""
            return shown(own, None, unit) if isinstance(own, Fraction) else title_of(str(own), phrases)

        head = phrases["case.score"]
        sentence[lang] = f"{head} = {spelling.words(branch.score, title_of, phrases, lang)}"
        text = spelling.filled(counted, value_of, value_of, phrases, lang, column=title_of)
        sign = "=" if exact == value else "≈"
        said[lang] = f"{head} = {text} {sign} {shown(value, rule.places)}"
    return CaseExplanation(
        branch.id,
        branch.title,
        value,
        values,
        sentence,
        said,
        branch.note,
        review,
        branch.cite,
        branch.evidence,
        branch.open,
    )


def case_values(cases: CaseTable, i: int) -> dict[str, Fraction]:
    """What the formulas' names stand for in case `i`; no x without a reference mean."""
    reference = int(cases.reference[i])
    values = {
        "rw": cases.rw.at(i), "k": cases.k.at(i), "u": cases.u.at(i),
        "fee": Fraction(int(cases.fee[i]), 100), "reference": Fraction(reference, 100),
    }  # fmt: skip
    return values | ({"x": Fraction(int(cases.fee[i]), reference)} if reference > 0 else {})
