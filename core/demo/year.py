"""The cases of one year: drawn with plausible shapes, then closed so that the published figures come out exactly.

Scores are made to close first: each class (one of the five institutions, or all others, in one fund) takes cases
while they fit under its target, and a last low-cost case, whose score follows its fee finely, fills the rest. Then
fees of ordinary cases move within their deviation bounds, where no score depends on them, until the mean cost is
right; then own payments, then days of stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.demo.draws import Draws, mixed
from core.demo.region import COEFFICIENT_DAYS, Groups, Institutions
from core.money import Ints, allocate, round_ratio, round_ratios

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """A year's figures at scale 1. score: ten-thousandths by fund; fee and own: fen a case; days: hundredths."""

    score: tuple[int, int]
    fee: int
    own: int
    days: int


# 2024: N116; 2023: from its growth rates (+17.96 and +13.95 %, -6.71 %, -2.15 %) and its patient burden; before: invented.
FIGURES = {
    2021: Figures((519_870_500, 2_051_332_200), 806_240, 320_150, 754),
    2022: Figures((668_412_700, 2_917_604_100), 671_984, 269_013, 708),
    2023: Figures((736_139_500, 3_241_904_700), 663_181, 261_588, 697),
    2024: Figures((868_350_100, 3_694_150_400), 618_682, 224_032, 682),
}
MONTHS = np.array([91, 72, 99, 98, 100, 99, 104, 103, 97, 93, 100, 104], np.int64)

SPECIAL_NONE, SPECIAL_ADJUSTED, SPECIAL_BY_ITEM, SPECIAL_REJECTED = 0, 1, 2, 3
# A last case closes a class: its score lies between these, in ten-thousandths.
LEAST_REST, MOST_REST = 600, 6_000
AGED_BANDS = ("0-28d", "29d-1y", "1-6", "7-17", "66+")


@dataclass
class Cases:
    """One year's in-scope cases, one element each. group: the shape; grouped False: no or no valid group stated.

    ref: reference mean in fen; band: the auxiliary detail as the platform writes it; special: a decision on it.
    """

    year: int
    institution: Ints
    fund: Ints
    group: Ints
    grouped: Mask
    sex: Ints
    born: Ints      # days since 1970
    age_class: Ints
    days: Ints
    lag: Ints       # days from discharge to settlement
    settled: Ints   # days since 1970
    k: Ints
    u: Ints
    rw: Ints
    ref: Ints
    fee: Ints
    icu: Ints
    detail: NDArray[np.object_]
    special: Ints
    score: Ints
    own: Ints
    person: Ints

    def taken(self, rows: Ints) -> Cases:
        """Only these rows, in this order."""
        return Cases(self.year, *(getattr(self, name)[rows] for name in ARRAYS))

    def __len__(self) -> int:
        return len(self.fee)


ARRAYS = tuple(name for name in Cases.__dataclass_fields__ if name != "year")


def dates(year: int) -> tuple[Ints, Ints]:
    """First day of the year since 1970, and how often each of its days settles."""
    first = int(np.datetime64(f"{year}-01-01").astype(np.int64))
    days = np.arange(first, int(np.datetime64(f"{year + 1}-01-01").astype(np.int64)))
    month = np.array(days, "datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    lengths = np.bincount(month, minlength=12)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    weight = MONTHS[month] * 1000 // lengths[month] * np.where(weekday >= 5, 70, 112)
    return np.array([first], np.int64), weight


def parts_of(days: Ints) -> tuple[Ints, Ints]:
    """Year and month*100+day."""
    stamp = np.array(days, "datetime64[D]")
    months = stamp.astype("datetime64[M]")
    year = months.astype(np.int64) // 12 + 1970
    return year, (months.astype(np.int64) % 12 + 1) * 100 + (stamp - months).astype(np.int64) + 1


def age_at(born: Ints, day: Ints) -> Ints:
    """Full years."""
    born_year, born_day = parts_of(born)
    year, of_year = parts_of(day)
    return year - born_year - (of_year < born_day)


def number_of_day(days: Ints) -> Ints:
    year, of_year = parts_of(days)
    return year * 10_000 + of_year


def targets(institutions: Institutions, year: int, scale: int) -> Ints:
    """fund x institution: score in ten-thousandths. The five grow by their published rates; the rest share the rest."""
    table = np.zeros((2, len(institutions)), np.int64)
    open_now = institutions.open_in(year)
    for f in (0, 1):
        whole = round_ratio(FIGURES[year].score[f], scale)
        five = [i for i in open_now if institutions.growth[f, i]]
        for i in five:
            base = round_ratio(int(institutions.size[f, i]) * 10_000 + mixed(i, f) % 9_000, scale)
            table[f, i] = {
                2024: round_ratio(base * (10_000 + int(institutions.growth[f, i])), 10_000),
                2023: base, 2022: base * 905 // 1000, 2021: base * 812 // 1000,
            }[year]
        others = [i for i in open_now if not institutions.growth[f, i]]
        weights = [int(institutions.size[f, i]) * (920 + mixed(i, f, year) % 161) for i in others]
        table[f, others] = allocate(whole - int(table[f].sum()), weights)
    return table


def draw(institutions: Institutions, groups: Groups, year: int, scale: int, seed: int) -> Cases:
    """The year's cases, closed to its figures."""
    target = targets(institutions, year, scale)
    score = groups.score(year)
    stay_score = np.where(groups.bed_day, score * groups.days // 10, score)
    # How many cases each institution needs to reach its target, with a little more to choose from.
    counts = np.zeros_like(target)
    mixes: dict[tuple[str, int], Ints] = {}
    for f in (0, 1):
        for i in institutions.open_in(year):
            kind = (institutions.profile[i], f)
            if kind not in mixes:
                mixes[kind] = groups.mix(*kind, year)
            mix = mixes[kind]
            k = np.where(groups.primary, 1000, institutions.k[f, i, 1 if year >= 2024 else 0])
            total = int((mix // 8 * (stay_score * k // 1000)).sum())
            mean = max(1, total // max(1, int((mix // 8).sum())))
            counts[f, i] = max(1, round_ratio(int(target[f, i]), mean)) if target[f, i] else 0
    surplus = counts * 104 // 100 + (counts > 0) * (np.sqrt(counts).astype(np.int64) * 6 + 4)
    fund = np.repeat(np.arange(2), surplus.sum(axis=1))
    institution = np.concatenate([np.repeat(np.arange(len(institutions)), surplus[f]) for f in (0, 1)])
    number = len(fund)

    dice = Draws(seed, "cases", year)
    group = np.zeros(number, np.int64)
    profile = np.array(institutions.profile, dtype=object)[institution]
    for (name, f), mix in mixes.items():
        rows = np.flatnonzero((fund == f) & (profile == name))
        scaled = mix * 1_000_000 // max(1, int(mix.max()))
        group[rows] = dice.weighted(scaled, len(rows))

    level = institutions.level[institution]
    grouped = ~dice.chance(35, number)
    bed_day = groups.bed_day[group]
    day_case = (groups.kind == "day_case")[group]
    settled = int(dates(year)[0][0]) + dice.weighted(dates(year)[1], number)
    lag = np.where(dice.chance(7_000, number), dice.below(2, number), dice.below(6, number))
    shrink = FIGURES[year].days * 93 // 100
    spread = dice.peaked(550, 1_450, number)
    days = np.maximum(2, round_ratios(groups.days[group] * spread * shrink, 10_000 * 680))
    days = np.where(bed_day, np.maximum(3, groups.days[group] * dice.between(800, 1_200, number) // 10_000), days)
    days = np.where(day_case, 1, days)

    born, age_class, sex = _people(dice, groups, group, fund, settled - lag - days)
    person, born = _persons(dice, institutions, institution, fund, sex, born, age_class, settled - lag - days)

    period = np.searchsorted(np.array(COEFFICIENT_DAYS[1:]), number_of_day(settled), side="right")
    primary = groups.primary[group] & grouped
    k = np.where(primary, 1000, institutions.k[fund, institution, period])
    u, icu, detail = _auxiliary(dice, groups, group, grouped, born, settled - lag - days)
    rw = np.where(bed_day, score[group] * days, score[group]) * grouped
    design = groups.design_mean(year - 1)[group, level]
    catalogue = np.where(bed_day, design, groups.catalogue_mean(year)[group])
    certain = groups.given[group] if year > 2021 else ~bed_day
    if year > 2021:
        ref = np.where(certain, np.where(groups.whole_city[group], groups.design_mean(year - 1)[group, 2], design), design)
    else:
        ref = np.where(bed_day, design, round_ratios(catalogue * k, 1000))
    ratio = _ratios(dice, institutions, institution, certain & grouped & ~bed_day, year)
    ratio = np.where(bed_day, ratio * days * 10 // np.maximum(1, groups.days[group]), ratio)
    ratio = np.where(~(certain & grouped), np.clip(ratio, 690, 1_440), ratio)
    fee = ref * ratio // 1000 + dice.below(97, number)
    high = certain & grouped & (ratio > 2_050)
    special = np.where(high & dice.chance(60, number), SPECIAL_ADJUSTED, SPECIAL_NONE)
    special = np.where(high & (special == 0) & dice.chance(15, number), SPECIAL_REJECTED, special)

    zeros = np.zeros(number, np.int64)
    cases = Cases(year, institution, fund, group, grouped, sex, born, age_class, days, lag, settled, k, u, rw, ref,
                  fee, icu, detail, special, zeros, zeros, person)
    cases.score = scores(cases)
    cases = _close_scores(cases, institutions, groups, target, dice)
    _close_fees(cases, groups, FIGURES[year].fee)
    _close_own(cases, institutions, dice, FIGURES[year].own)
    _close_days(cases, groups, dice, FIGURES[year].days)
    return cases


def scores(cases: Cases) -> Ints:
    """The national 1.0 deviation rule on all cases, exact, in ten-thousandths."""
    low = 2 * cases.fee < cases.ref
    high = cases.fee > 2 * cases.ref
    weight = cases.rw * cases.k * cases.u
    over = np.where(low, cases.fee, np.where(high, cases.fee - cases.ref, 1))
    under = np.where(low | high, cases.ref, 1) * 100_000
    plain = round_ratios(weight * over, under)
    adjusted = cases.special == SPECIAL_ADJUSTED
    return np.where(adjusted, plain * 4 // 5, plain)


def _people(
    dice: Draws, groups: Groups, group: Ints, fund: Ints, admitted: Ints
) -> tuple[Ints, Ints, Ints]:
    """Year of birth (day of birth for those under one), age as drawn (0 for those), sex."""
    number = len(group)
    who = groups.patients[group]
    adult = np.where(fund == 0, dice.peaked(24, 76, number), dice.peaked(20, 88, number))
    age = adult
    age = np.where(who == "o", dice.peaked(44, 93, number), age)
    age = np.where(np.isin(who, ("w", "p")), np.where(who == "p", dice.peaked(20, 41, number), dice.peaked(22, 68, number)), age)
    child = (who == "c") & (fund == 1) & dice.chance(6_400, number)
    age = np.where(child, 1 + dice.below(13, number) * dice.below(13, number) // 13, age)
    infant = (child & dice.chance(900, number)) | ((who == "n") & dice.chance(2_600, number))
    newborn = ((who == "n") & ~infant) | (who == "b")
    small = np.where(newborn, dice.below(26, number), 35 + dice.below(290, number))
    age = np.where(infant | newborn, 0, age)
    sex = np.where(dice.chance(5_200, number), 1, 2)
    sex = np.where(np.isin(who, ("w", "p")), 2, np.where(who == "m", np.where(dice.chance(9_000, number), 1, 2), sex))
    born = np.where(infant | newborn, admitted - small, parts_of(admitted)[0] - age - 1)
    return born, np.where(infant | newborn, 0, age), sex


def _persons(
    dice: Draws, institutions: Institutions, institution: Ints, fund: Ints, sex: Ints, born: Ints, age: Ints, admitted: Ints
) -> tuple[Ints, Ints]:
    """Who it is and when born: people of a county, fund, sex and years of birth come again, those under one do not.

    A person's date of birth follows from the number, so that all stays of one agree.
    """
    number = len(fund)
    grown = age > 0
    block = np.where(born >= 2000, born, born // 5 * 5)  # `born` is a year for all but infants
    counties = sorted(set(institutions.county))
    place = np.array([counties.index(county) for county in institutions.county])[institution]
    kin = ((place * 2 + fund) * 2 + sex - 1) * 400 + np.where(grown, block - 1900, 0)
    _, where, size = np.unique(kin, return_inverse=True, return_counts=True)
    pool = np.maximum(1, size[where] * 71 // 100)
    serial = np.where(grown, dice.below(pool, number), 0)
    person = kin * 100_000 + serial
    span = np.where(block >= 2000, 330, 1_800)
    first = (np.where(grown, block, 2000) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    hashed = (person * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) >> 33 & 0x3FFFFFFF
    known = first + hashed % span
    alone = 900_000_000_000 + admitted * 1_000_000 + dice.below(1_000_000, number)
    return np.where(grown, person, alone), np.where(grown, known, born)


def _auxiliary(
    dice: Draws, groups: Groups, group: Ints, grouped: Mask, born: Ints, admitted: Ints
) -> tuple[Ints, Ints, NDArray[np.object_]]:
    """Factor in hundredths, days of intensive care, and the platform's detail."""
    number = len(group)
    kinds: dict[str, dict[str, Ints]] = {}
    for g, kind, band, factor in groups.bands:
        table = kinds.setdefault(kind, {}).setdefault(band, np.zeros(len(groups), np.int64))
        table[g] = factor
    u = np.full(number, 100, np.int64)
    age = age_at(born, admitted)
    old_days = admitted - born
    young = age < 1
    age_band = np.select([young & (old_days <= 28), young, age <= 6, age <= 17, age < 66], [0, 1, 2, 3, -1], 4)
    for index, band in enumerate(AGED_BANDS):
        if band in kinds["age"]:
            u = np.maximum(u, np.where(age_band == index, kinds["age"][band][group], 0))
    has_icu = kinds["icu_days"]["2-7"][group] > 0
    critical = has_icu & dice.chance(1_900, number)
    stay = np.where(dice.chance(8_000, number), dice.between(2, 7, number), dice.between(8, 18, number))
    icu = np.where(critical, stay, 0)
    for low, high, band in ((2, 7, "2-7"), (8, 14, "8-14"), (15, 30, "15-30")):
        u = np.maximum(u, np.where((icu >= low) & (icu <= high), kinds["icu_days"][band][group], 0))
    detail = np.full(number, "", dtype=object)
    for kind in ("severity", "tumour", "cci"):
        bands = sorted(kinds[kind])
        has = (kinds[kind][bands[0]][group] > 0) & dice.chance(4_200, number)
        which = dice.weighted(np.array([60, 28, 12][: len(bands)], np.int64), number)
        for index, band in enumerate(bands):
            rows = has & (which == index)
            detail[rows] = f"{kind}:{band}"
            u = np.maximum(u, np.where(rows, kinds[kind][band][group], 0))
    u = np.where(grouped & ~groups.bed_day[group] & (groups.kind != "tcm")[group], u, 100)
    return u, icu, detail


def _ratios(dice: Draws, institutions: Institutions, institution: Ints, free: Mask, year: int) -> Ints:
    """Fee to reference mean, in thousandths: most around the hospital's own level of cost, a few far off."""
    number = len(institution)
    own = institutions.intensity[institution]
    ratio = dice.peaked(600, 1_330, number) + np.where(dice.chance(1_300, number), dice.below(560, number), 0)
    ratio = np.clip(ratio * own // 1000, 530, 1_900)
    roll = dice.below(10_000, number)
    low = free & (roll < 215)
    high = free & (roll >= 215) & (roll < 455)
    extreme = free & (roll >= 455) & (roll < 467)
    ratio = np.where(low, dice.peaked(130, 480, number), ratio)
    tail = dice.below(1_000, number)
    ratio = np.where(high, 2_060 + tail * tail // 1_000 * 28 // 10, ratio)
    return np.where(extreme, dice.between(5_100, 8_200, number), ratio)


# -- closing -----------------------------------------------------------------------------------------------


def _close_scores(cases: Cases, institutions: Institutions, groups: Groups, target: Ints, dice: Draws) -> Cases:
    """Cases chosen class by class, and one made to measure for each."""
    own_class = np.where(institutions.growth[cases.fund, cases.institution] > 0, cases.institution, -1)
    order = dice.order(len(cases))
    # One case of every institution and fund is never cut.
    key = cases.fund[order] * len(institutions) + cases.institution[order]
    _, firsts = np.unique(key, return_index=True)
    head = np.zeros(len(order), bool)
    head[firsts] = True
    order = np.concatenate([order[head], order[~head]])
    chosen: list[Ints] = []
    last: list[int] = []
    last_fee: list[int] = []
    for f in (0, 1):
        for who in [-1, *np.flatnonzero(institutions.growth[f] > 0).tolist()]:
            rows = order[(cases.fund[order] == f) & (own_class[order] == who)]
            if not len(rows):
                continue
            if who >= 0:
                goal = int(target[f, who])
            else:
                goal = int(target[f][institutions.growth[f] == 0].sum())
            running = np.cumsum(cases.score[rows])
            cut = int(np.searchsorted(running, goal - LEAST_REST, side="right"))
            if cut == len(rows):
                raise AssertionError(f"{cases.year} {f} {who}: cases run out {int(running[-1])} < {goal}")
            rest = goal - (int(running[cut - 1]) if cut else 0)
            more: list[int] = []
            for row in rows[cut:].tolist():
                if rest <= MOST_REST:
                    break
                if cases.score[row] <= rest - LEAST_REST:
                    more.append(row)
                    rest -= int(cases.score[row])
            chosen += [rows[:cut], np.array(more, np.int64)]
            row, fee = _made_to_measure(cases, groups, rows, rest)
            last.append(row)
            last_fee.append(fee)
    closed = cases.taken(np.concatenate([*chosen, np.array(last, np.int64)]))
    made = slice(len(closed) - len(last), None)
    closed.fee[made] = last_fee
    closed.special[made] = SPECIAL_NONE
    closed.score = scores(closed)
    return closed


def _made_to_measure(cases: Cases, groups: Groups, rows: Ints, rest: int) -> tuple[int, int]:
    """A case of the class, taken again as a low-cost one, and the fee at which its score is exactly the rest."""
    weight = cases.rw[rows] * cases.k[rows] * cases.u[rows]
    whole = weight // 100_000
    sound = (
        cases.grouped[rows] & groups.given[cases.group[rows]] & ~groups.bed_day[cases.group[rows]]
        & (cases.special[rows] == SPECIAL_NONE) & (whole * 46 > rest * 100) & (whole * 9 < rest * 100)
    )
    for place in np.flatnonzero(sound).tolist():
        row = int(rows[place])
        fee = round_ratio(rest * 100_000 * int(cases.ref[row]), int(weight[place]))
        if round_ratio(int(weight[place]) * fee, 100_000 * int(cases.ref[row])) == rest and 2 * fee < int(cases.ref[row]):
            return row, fee
    raise AssertionError(f"nothing closes {rest}")


def _bounds(cases: Cases, groups: Groups) -> tuple[Ints, Ints, Mask]:
    """Between what fees a case keeps its score, and which cases may move at all."""
    ordinary = (2 * cases.fee >= cases.ref) & (cases.fee <= 2 * cases.ref)
    firm = (groups.given[cases.group] if cases.year > 2021 else ~groups.bed_day[cases.group]) & cases.grouped
    low = np.where(firm, (cases.ref * 51 + 99) // 100, cases.ref * 68 // 100)
    high = np.where(firm, cases.ref * 195 // 100, cases.ref * 146 // 100)
    movable = (ordinary | ~cases.grouped) & (cases.special == SPECIAL_NONE)
    return low, high, movable


def _spread(values: Ints, low: Ints, high: Ints, movable: Mask, total: int) -> Ints:
    """Values moved in proportion, then by ones, within their bounds, until they sum to the total."""
    values = values.copy()
    rows = np.flatnonzero(movable)
    for _ in range(12):
        missing = total - int(values.sum())
        if abs(missing) <= len(rows):
            break
        free = rows[(values[rows] < high[rows]) if missing > 0 else (values[rows] > low[rows])]
        base = int(values[free].sum())
        if base <= 0:
            break
        # Shares of a million keep products within 64 bits.
        share = missing * 1_000_000 // base
        step = values[free] * share // 1_000_000
        if not bool(step.any()):
            step = np.full(len(free), missing // len(free), np.int64)
        values[free] = np.clip(values[free] + step, low[free], high[free])
    missing = total - int(values.sum())
    while missing:
        sign = 1 if missing > 0 else -1
        free = rows[(values[rows] + sign <= high[rows]) & (values[rows] + sign >= low[rows])]
        if not len(free):
            raise AssertionError(f"no room left for {missing}")
        step = max(1, abs(missing) // len(free))
        if step > 1:
            before = values[free]
            values[free] = np.clip(before + sign * step, low[free], high[free])
        else:
            values[free[: abs(missing)]] += sign
        missing = total - int(values.sum())
    return values


def _close_fees(cases: Cases, groups: Groups, mean: int) -> None:
    low, high, movable = _bounds(cases, groups)
    cases.fee = _spread(cases.fee, low, high, movable, mean * len(cases))


def _close_own(cases: Cases, institutions: Institutions, dice: Draws, mean: int) -> None:
    """Own payments: a share of the fee by fund, level and chance."""
    share = np.where(cases.fund == 0, 262, 425) * np.array([0, 74, 98, 116])[institutions.level[cases.institution]] // 100
    share = share * dice.peaked(620, 1_380, len(cases)) // 1000
    own = cases.fee * share // 1000
    cases.own = _spread(own, cases.fee * 4 // 100, cases.fee * 86 // 100, np.ones(len(cases), bool), mean * len(cases))


def _close_days(cases: Cases, groups: Groups, dice: Draws, hundredths: int) -> None:
    """A day more or less where neither score nor age band hangs on it."""
    aged = np.zeros(len(groups), bool)
    aged[[g for g, kind, _, _ in groups.bands if kind == "age"]] = True
    group = cases.group
    movable = ~groups.bed_day[group] & (groups.kind != "day_case")[group] & ~aged[group] & (cases.age_class > 0)
    total = round_ratio(hundredths * len(cases), 100)
    low = np.maximum(2, cases.days - 2)
    high = cases.days + 2
    missing = total - int(cases.days.sum())
    rows = np.flatnonzero(movable)
    rows = rows[dice.order(len(rows))]
    while missing:
        sign = 1 if missing > 0 else -1
        free = rows[(cases.days[rows] + sign <= high[rows]) & (cases.days[rows] + sign >= low[rows])]
        if not len(free):
            raise AssertionError(f"no stay left to change for {missing} days")
        cases.days[free[: abs(missing)]] += sign
        missing = total - int(cases.days.sum())
