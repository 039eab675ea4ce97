"""Total scores a second way: a plain loop over rows and Fractions, sharing nothing with generator or clearing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from core.storage.engine import library as sqlite3

LEVEL = {1: 3, 2: 3, 3: 3, 4: 3, 12: 3, 5: 2, 6: 2, 7: 2, 13: 2, 8: 1, 9: 1, 10: 1, 11: 1, 14: 1}
IN_SCOPE = """netting = 0 AND insutype IN (310, 510, 390) AND coalesce(hi_paymtd, 3) = 3
    AND coalesce(med_type, 21) IN (21, 22, 24, 52, 92) AND substr(coalesce(insu_admdvs, '3509'), 1, 4) = '3509'
    AND fixmedins_code IN (SELECT fixmedins_code FROM institution)"""


@dataclass(frozen=True)
class Sums:
    """score: (fund, institution) -> points. The rest over both funds, by-item cases apart."""

    score: Mapping[tuple[str, str], Fraction]
    cases: int
    fee: int
    own: int
    days: int
    deviating: int
    ungrouped: int


def half_up(value: Fraction, places: int) -> Fraction:
    scaled = value * 10**places
    return Fraction((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), 10**places)


def age_band(born: str, admitted: str, connection: sqlite3.Connection) -> str:
    years = int(admitted[:4]) - int(born[:4]) - (admitted[5:10] < born[5:10])
    if years < 1:
        days = connection.execute("SELECT julianday(?) - julianday(?)", (admitted[:10], born[:10])).fetchone()[0]
        return "0-28d" if days <= 28 else "29d-1y"
    return "1-6" if years <= 6 else "7-17" if years <= 17 else "" if years < 66 else "66+"


def icu_band(days: int) -> str:
    return "" if days < 2 else "2-7" if days <= 7 else "8-14" if days <= 14 else "15-30" if days <= 30 else "31+"


def second_way(path: Path, year: int) -> Sums:
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        return _sums(connection, year)


def _sums(connection: sqlite3.Connection, year: int) -> Sums:
    ask = connection.execute
    level = {code: own or LEVEL[grade] for code, grade, own in ask(
        "SELECT fixmedins_code, hosp_lv, hi_setl_lv FROM institution")}
    catalogue = {row[0]: row[1:] for row in ask(
        "SELECT dip_code, score, kind, mean_fee, primary_care FROM catalogue WHERE year = ?", (year,))}
    given = {row[:2]: row[2] for row in ask(
        "SELECT dip_code, level, mean_fee FROM reference_mean WHERE year = ? AND fund = 'all'", (year - 1,))}
    before: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for code, dip, fee in ask(f"SELECT fixmedins_code, dip_dise_grp_code, fee FROM cases WHERE year = ? AND {IN_SCOPE}", (year - 1,)):
        before[dip, level[code]][0] += 1
        before[dip, level[code]][1] += fee
    bands: dict[str, dict[tuple[str, str], Fraction]] = defaultdict(dict)
    for dip, kind, band, factor in ask("SELECT dip_code, type, band, factor FROM auxiliary WHERE year = ?", (year,)):
        bands[dip][kind, band] = Fraction(factor)
    parts: dict[str, list[tuple[str, str, str, Fraction]]] = defaultdict(list)
    for code, fund, part, day, value in ask("SELECT fixmedins_code, fund, part, valid_from, value FROM coefficient"):
        parts[code].append((fund, part, day.replace("-", ""), Fraction(value)))

    @cache
    def coefficient(code: str, fund: str, day: str) -> Fraction:
        total = Fraction(0)
        for part in {p[1] for p in parts[code]}:
            for of in (fund, "all"):
                valid = [p for p in parts[code] if p[1] == part and p[0] == of and p[2] <= day]
                if valid:
                    newest = max(valid, key=lambda p: p[2])[3]
                    total += -newest if part.startswith("deduction:") else newest
                    break
        return total

    decided = {row[0]: row[1:] for row in ask("SELECT setl_id, decision, score FROM special_case")}
    score: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    cases = fees = owns = days_sum = deviating = ungrouped = 0
    for setl_id, insutype, code, day, fee, own, days, born, admitted, icu, detail, dip in ask(
        "SELECT setl_id, insutype, fixmedins_code, day, medfee_sumamt - coalesce(excluded_fee, 0),"
        " psn_part_amt - coalesce(excluded_fee, 0), act_ipt_days, brdy, adm_time, coalesce(icu_days, 0),"
        f" coalesce(asst_list_detl, ''), dip_dise_grp_code FROM cases WHERE year = ? AND {IN_SCOPE}", (year,),
    ):
        decision, fixed = decided.get(setl_id, ("", None))
        if decision == "by_item":
            continue
        fund = "resident" if insutype == 390 else "employee"
        cases, fees, owns, days_sum = cases + 1, fees + fee, owns + own, days_sum + days
        if decision == "adjusted":
            score[fund, code] += Fraction(fixed)
            continue
        if dip not in catalogue:
            ungrouped += 1
            continue
        rw_text, kind, mean_fee, primary = catalogue[dip]
        rw = Fraction(rw_text) * (days if kind == "bed_day" else 1)
        k = Fraction(1) if primary or kind == "primary_care" else coefficient(code, fund, str(day))
        u = Fraction(1)
        if dip in bands and kind not in ("tcm", "bed_day"):
            fits = [("age", age_band(born, admitted, connection)), ("icu_days", icu_band(icu)), tuple(detail.split(":"))]
            u = max((bands[dip][fit] for fit in fits if fit in bands[dip]), default=u)
        count, total = before.get((dip, level[code]), (0, 0))
        reference = given.get((dip, str(level[code])), given.get((dip, "all"), 0))
        if not reference and count >= 15:
            reference = int(half_up(Fraction(total, count), 0))
        if not reference and mean_fee:
            reference = int(half_up(mean_fee * k, 0))
        x = Fraction(fee, reference) if reference else Fraction(1)
        deviating += x < Fraction(1, 2) or x > 2
        weight = rw * k * u * (x if x < Fraction(1, 2) else x - 1 if x > 2 else 1)
        score[fund, code] += half_up(weight, 4)
    return Sums(score, cases, fees, owns, days_sum, deviating, ungrouped)
