"""The bureau's books around the cases: register, catalogue, coefficients, budget, payments, deductions, assessments.

Each function gives the rows of one file, all cells as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from core.demo.draws import mixed
from core.demo.files import EXCLUDED_OPERATIONS, Sent
from core.demo.region import FUNDS, REVISED, YEARS, Groups, Institutions, rows_of
from core.demo.revision import Revision, revise
from core.money import plain, round_ratio, yuan

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Book:
    """One file: its kind, name and rows. An ending .xlsx is written as a workbook."""

    kind: str
    name: str
    headings: Sequence[str]
    rows: Rows


# Thousandths of what the fund booked that the year's DIP budget leaves for it: overspent a little more every year.
COVERED = {2021: (1012, 1008), 2022: (1001, 998), 2023: (986, 982), 2024: (966, 959)}
# 2024, fen: totals back-cast from the 2025 budget (N116), which cover alliances and DIP together.
TOTAL_2024 = (94_496_000_000, 219_009_000_000)
ALLIANCE_2024 = (31_000_000_000, 42_000_000_000)
MANUAL_2024 = (4_600_000_000, 9_400_000_000)
# Top-ups within the year, fen: fund, amount, date, document. 2023 and 2024 as published, with invented documents.
TOPUPS = {
    2023: ((0, 3_500_000_000, "2023-11-20", "演示医保函〔2023〕118号"), (1, 8_000_000_000, "2023-11-20", "演示医保函〔2023〕118号")),
    2024: ((0, 4_000_000_000, "2024-09-12", "演示医保函〔2024〕87号"), (1, 8_000_000_000, "2024-09-12", "演示医保函〔2024〕87号"),
           (1, 5_300_000_000, "2024-12-16", "演示医保函〔2024〕129号")),
}
WAN = 1_000_000  # fen in 万元
ALIKE_SINCE = 2024  # from when on some TCM groups are declared equal in score to Western ones
EXCLUDED_DIAGNOSES = (
    ("Z37.000", "单一活产"), ("Z37.100", "单一死产"), ("Z38.000", "在医院内出生的单一婴儿"), ("R69.x00", "原因不知和未特指的疾病"),
    ("Z53.900", "未进行操作，未特指原因"), ("Z76.500", "装病"),
)


def points(value: int) -> str:
    return plain(Fraction(value, 10_000), 4)


def hundredths(value: int) -> str:
    return plain(Fraction(value, 100), 2)


def thousandths(value: int) -> str:
    return plain(Fraction(value, 1_000), 3)


def register(institutions: Institutions) -> Book:
    names = ("fixmedins_code", "fixmedins_name", "hosp_lv", "hi_setl_lv", "category", "county", "ownership", "beds_authorised",
             "beds_open", "credit", "alliance")
    rows = [
        [str(institutions.level[i]) if name == "hi_setl_lv" else row[name] for name in names]
        for i, row in enumerate(institutions.rows)
    ]
    headings = ("定点医药机构编号", "定点医药机构名称", "医院等级", "医保结算等级", "机构类别")
    return Book("institutions", "定点医疗机构名册.xlsx", (*headings, *names[5:]), rows)


CATALOGUE = (
    "version", "year", "dip_code", "dip_name", "kind", "stage", "diag_code", "oprn_code", "rel_oprn_code", "oth_diag_code",
    "condition", "attribute", "score", "mean_fee", "mean_days", "coef_3", "coef_2", "coef_1", "primary_care", "equal_to",
    "drug_score", "consumable_score", "cases",
)


def catalogue(groups: Groups, year: int) -> Book:
    """A year's version. Disease-level coefficients stand on a few groups; the pack decides whether they hold."""
    return Book("catalogue", f"病种目录{year}.csv", CATALOGUE, catalogue_rows(groups, year))


def catalogue_rows(groups: Groups, year: int) -> Rows:
    """The groups of a year as they stand in its file; those after the last year of cases keep the groups of it."""
    score, mean, present = groups.score(year), groups.catalogue_mean(year), groups.in_catalogue(min(year, YEARS[-1]))
    rows: Rows = []
    for g in np.flatnonzero(present).tolist():
        row = groups.rows[g]
        own = groups.kind[g] == "core" and mixed(row["dip_code"], "coef") % 40 == 0
        level = ["1.08", "0.98", "0.82"] if own else ["", "", ""]
        bed, value = bool(groups.bed_day[g]), int(score[g])
        drug = value * (18 + mixed(row["dip_code"], "drug") % 20)
        material = value * ({"surgery": 31, "therapeutic": 14}.get(row["attribute"], 6) + mixed(row["dip_code"], "material") % 9)
        rows.append([
            str(year), str(year), row["dip_code"], row["dip_name"].replace(",", "，"), row["kind"], row["stage"], row["diag_code"],
            row["oprn_code"], row["rel_oprn_code"], row["oth_diag_code"], row["condition"], row["attribute"], points(value),
            "" if bed else yuan(int(mean[g])), row["mean_days"], *level, "1" if groups.primary[g] else "0",
            row["equal_to"] if year >= ALIKE_SINCE else "", points(round_ratio(drug, 100)), points(round_ratio(material, 100)),
            str(15 + int(groups.weight[g])),
        ])
    return rows


def revision_of(groups: Groups) -> Revision:
    return revise(groups, [dict(zip(CATALOGUE, row, strict=True)) for row in catalogue_rows(groups, REVISED)])


def revised(revision: Revision) -> list[Book]:
    """The version of the year to come, and the bureau's map of the groups that it has under other codes."""
    rows = [[row[name] for name in CATALOGUE] for row in revision.rows]
    maps = [["group", str(YEARS[-1]), old, str(REVISED), new, note] for old, new, note in revision.maps]
    return [
        Book("catalogue", f"病种目录{REVISED}.csv", CATALOGUE, rows),
        Book("code_maps", f"病种编码对照{REVISED}.csv", ("system", "from_edition", "from_code", "to_edition", "to_code", "note"), maps),
    ]


def exclusions() -> Book:
    """Codes that take no part in grouping: diagnoses that are never a main one, operations of no consequence."""
    titles = {row["oprn_code"]: row["oprn_name"].replace(",", "，") for row in rows_of("operations.csv")}
    lists = [("diagnosis", code, name) for code, name in EXCLUDED_DIAGNOSES] + [
        ("operation", code, titles[code]) for code in EXCLUDED_OPERATIONS]
    rows = [[str(year), str(year), *line] for year in (*YEARS, REVISED) for line in lists]
    return Book("exclusions", "不参与分组编码.xlsx", ("version", "year", "list", "code", "note"), rows)


def auxiliary(groups: Groups, revision: Revision) -> Book:
    rows = [
        [str(year), str(year), groups.codes[g], kind, band, hundredths(factor)]
        for year in YEARS for g, kind, band, factor in groups.bands if groups.in_catalogue(year)[g]
    ]
    rows += [
        [str(REVISED), str(REVISED), code, kind, band, hundredths(factor)]
        for g, kind, band, factor in groups.bands if (code := revision.kept.get(groups.codes[g]))
    ]
    return Book("auxiliary", "辅助目录.csv", ("version", "year", "dip_code", "type", "band", "factor"), rows)


def operations() -> Book:
    rows = [
        [row["oprn_code"], row["oprn_name"].replace(",", "，"), row["attribute"], row["level"]] for row in rows_of("operations.csv")
    ]
    return Book("operations", "手术操作属性.xlsx", ("oprn_code", "oprn_name", "attribute", "level"), rows)


def reference_means(groups: Groups) -> Book:
    """Of the years before 2022 to 2024; a tenth of the groups is left to level means and catalogue."""
    rows: Rows = []
    for year in YEARS[:-1]:
        table = groups.design_mean(year)
        for g in np.flatnonzero(groups.given).tolist():
            cases = 15 + int(groups.weight[g])
            levels = ("all",) if groups.whole_city[g] else ("1", "2", "3")
            rows += [
                [str(year), groups.codes[g], level, "all", yuan(int(table[g, 2 if level == "all" else int(level)])), str(cases)]
                for level in levels
            ]
    return Book("reference_means", "同级均费.csv", ("year", "dip_code", "level", "fund", "mean_fee", "cases"), rows)


def coefficients(institutions: Institutions) -> Book:
    rows = [
        [institutions.codes[part.institution], part.fund, part.name, thousandths(part.value),
         f"{part.day // 10_000}-{part.day // 100 % 100:02d}-{part.day % 100:02d}", part.basis]
        for part in institutions.parts
    ]
    return Book("coefficients", "机构系数.xlsx", ("fixmedins_code", "fund", "part", "value", "valid_from", "basis"), rows)


def budget(sent: Mapping[int, Sent], scale: int) -> Book:
    """Lines that leave the DIP cases of each fund a little less, every year, than was booked for them."""
    rows: Rows = []
    for year in sent:
        for f, fund in enumerate(FUNDS):
            booked = int(sent[year].booked[f].sum())
            available = booked * COVERED[year][f] // 1000 + sent[year].by_item[f]
            topups = [line for line in TOPUPS.get(year, ()) if line[0] == f]
            added = sum(round_ratio(line[1], scale) for line in topups)
            if year == 2024:
                total = round_ratio(TOTAL_2024[f], scale)
                alliance = round_ratio(ALLIANCE_2024[f], scale)
                manual = round_ratio(MANUAL_2024[f], scale)
                dip = total - alliance - added
                card = dip + added - manual - available
            else:
                alliance = available * (72, 30)[f] // 100 // WAN * WAN
                manual = available * (115, 68)[f] // 1000
                card = available * (50, 25)[f] // 100
                dip = (available + manual + card - added + WAN - 1) // WAN * WAN
                card = dip + added - manual - available
            document = f"演示医保〔{year}〕15号"
            lines = [
                ("dip_budget", dip, f"{year}-03-15", document), ("alliance", alliance, f"{year}-03-15", document),
                ("outside_card", card, f"{year}-12-31", f"演示医保中心〔{year}〕决算表"),
                ("outside_manual", manual, f"{year}-12-31", f"演示医保中心〔{year}〕决算表"),
                ("outpatient", available * (62, 17)[f] // 100 // WAN * WAN, f"{year}-03-15", document),
                ("chronic", available * (31, 12)[f] // 100 // WAN * WAN, f"{year}-03-15", document),
                ("reserve", available * 3 // 100 // WAN * WAN, f"{year}-03-15", document),
                ("income:征缴收入", available * (310, 74)[f] // 100 // WAN * WAN, f"{year}-03-15", document),
                ("income:财政补助", available * (0, 128)[f] // 100 // WAN * WAN, f"{year}-03-15", document),
            ]
            lines += [("dip_topup", round_ratio(amount, scale), date, paper) for _, amount, date, paper in topups]
            rows += [[str(year), fund, item, yuan(amount), date, paper] for item, amount, date, paper in lines if amount]
    return Book("budget", "总额预算.xlsx", ("year", "fund", "item", "amount", "date", "document"), rows)


def payments(sent: Mapping[int, Sent], institutions: Institutions) -> Book:
    """An advance of most of a month, twelve months at somewhat less than was booked, retention money of 3 %."""
    rows: Rows = []
    for year in sent:
        for f, fund in enumerate(FUNDS):
            for i in institutions.open_in(year):
                months = sent[year].booked[f, i]
                whole = int(months.sum())
                if not whole:
                    continue
                code = institutions.codes[i]
                rows.append([code, fund, str(year), "advance", yuan(whole * 7 // 100 // 100 * 100)])
                for month in range(12):
                    paid = int(months[month]) * (862 + mixed(code, year, month) % 17) // 1000
                    if paid:
                        rows.append([code, fund, f"{year}{month + 1:02d}", "monthly", yuan(paid)])
                rows.append([code, fund, str(year), "retention", yuan(whole * 3 // 100)])
    return Book("payments", "拨付台账.csv", ("fixmedins_code", "fund", "period", "kind", "amount"), rows)


def deductions(sent: Mapping[int, Sent], institutions: Institutions) -> Book:
    rows: Rows = []
    for year in filter(YEARS[0].__ne__, sent):
        for f, fund in enumerate(FUNDS):
            for i in institutions.open_in(year):
                code, whole = institutions.codes[i], int(sent[year].booked[f, i].sum())
                for half, month in (("上半年", 6), ("下半年", 12)):
                    if mixed(code, fund, year, half) % 100 < 46:
                        amount = whole * (1 + mixed(code, "audit", year, half) % 5) // 2000
                        rows.append([code, fund, f"{year}{month:02d}", "audit", yuan(amount), f"{half}智能审核扣减"])
                if mixed(code, fund, year, "violation") % 100 < 6:
                    rows.append([code, fund, f"{year}10", "violation", yuan(whole * 3 // 1000), "低标准入院，专项检查"])
                if year == 2024 and mixed(code, fund, "refund") % 100 < 9:
                    rows.append([code, fund, f"{year}08", "refund", yuan(whole // 900), "自查自纠退回"])
    rows = [row for row in rows if row[4] not in ("0.00", "0")]
    return Book("deductions", "审核与违规扣减.xlsx", ("fixmedins_code", "fund", "period", "kind", "amount", "note"), rows)


INDICATORS = (("协议履行", 25), ("结算清单质量", 20), ("费用与病例数变化", 20), ("基层医疗机构服务量占比", 20), ("域外医保基金支出占比", 15))


def assessments(institutions: Institutions) -> Book:
    rows = [
        [institutions.codes[i], str(year), name, str(most), hundredths(most * (78 + mixed(institutions.codes[i], name, year) % 23))]
        for year in YEARS for i in institutions.open_in(year) for name, most in INDICATORS
    ]
    return Book("assessments", "绩效考核.xlsx", ("fixmedins_code", "year", "indicator", "max_points", "points"), rows)


def special_cases(sent: Mapping[int, Sent]) -> Book:
    rows = [list(line) for year in sent for line in sent[year].special]
    return Book("special_cases", "特病单议.xlsx", ("setl_id", "decision", "score", "document"), rows)


def control_totals(sent: Sent) -> Book:
    """What the sender of 2024 says it sent: true but for a month of one institution and a fee of another."""
    rows: Rows = []
    keys = sorted(sent.control)
    wrong = {keys[len(keys) // 3]: (3, 1_542_270, 871_300), keys[len(keys) * 2 // 3]: (0, 90_000, 0)}
    for key in keys:
        counted = sent.control[key]
        more = wrong.get(key, (0, 0, 0))
        n, fee, paid = (value + extra for value, extra in zip(counted, more, strict=True))
        rows.append([str(key[0]), key[1], "all", str(n), yuan(fee), yuan(paid)])
    return Book("control_totals", "报送控制总数2024.csv", ("period", "fixmedins_code", "fund", "rows", "medfee_sumamt", "hifp_pay"), rows)


# What the balance at the end of 2022 covers, in hundredths of a month's expenditure of that year (NFund).
MONTHS_COVERED = (3_168, 827)


def fund_months(scale: int) -> Book:
    """Income, expenditure and balance of both funds; at the end of 2022 the balances cover the published numbers of months."""
    rows: Rows = []
    spend = (7_600_000_000, 17_900_000_000)
    for f, fund in enumerate(FUNDS):
        flows: list[tuple[int, int, int, int]] = []
        for year in YEARS:
            for month in range(1, 13):
                grown = spend[f] * (100 + 5 * (year - 2021)) // 100
                out = round_ratio(grown * (940 + mixed(fund, year, month) % 121), 1000 * scale)
                # Residents pay in at the turn of the year, the treasury in summer.
                season = 1000 if f == 0 else {1: 2_500, 2: 2_000, 6: 2_400, 7: 1_900}.get(month, 470)
                flows.append((year, month, round_ratio(grown * season * (136, 111)[f], 100_000 * scale), out))
        spent = sum(out for year, _, _, out in flows if year == 2022)
        balance = round_ratio(MONTHS_COVERED[f] * spent, 1_200) - sum(taken - out for year, _, taken, out in flows if year <= 2022)
        for year, month, taken, out in flows:
            balance += taken - out
            rows.append([fund, f"{year}{month:02d}", yuan(taken), yuan(out), yuan(balance)])
    return Book("fund_months", "基金收支月报.xlsx", ("fund", "month", "income", "expenditure", "balance"), rows)


def beside(sent: Sent, groups: Groups) -> list[Book]:
    """Diagnoses, operations and group results of one institution's first cases, as the platform exports them apart."""
    diagnoses: Rows = []
    done: Rows = []
    grouped: Rows = []
    names = {row["dip_code"]: row["dip_name"].replace(",", "，") for row in groups.rows}
    titles = {row["oprn_code"]: row["oprn_name"].replace(",", "，") for row in rows_of("operations.csv")}
    for row in sent.sample:
        key = row["setl_id"]
        diagnoses.append([key, "1", row["diag_code"], row["diag_name"], "1"])
        diagnoses += [[key, "1", code, "", "0"] for code in row["oth_diag_codes"].split("|") if code]
        if row["oprn_code"]:
            done.append([key, "1", row["oprn_code"], titles.get(row["oprn_code"], ""), row["adm_time"][:10]])
        done += [
            [key, "2", code, titles.get(code, ""), row["adm_time"][:10]] for code in row["oth_oprn_codes"].split("|") if code
        ]
        if row["dip_dise_grp_code"]:
            code = row["dip_dise_grp_code"]
            grouped.append([key, "1", code, names[code], row["grp_dise_sco"], row["asst_list_detl"]])
    return [
        Book("diagnoses", f"诊断明细{sent.year}.csv", ("setl_id", "diag_type", "diag_code", "diag_name", "maindiag_flag"), diagnoses),
        Book("operations_done", f"手术明细{sent.year}.csv", (
            "setl_id", "oprn_oprt_type", "oprn_oprt_code", "oprn_oprt_name", "oprn_oprt_date"), done),
        Book("groups", f"分组结果{sent.year}.csv", (
            "setl_id", "grp_stas", "dip_dise_grp_code", "dip_dise_grp_name", "grp_dise_sco", "asst_list_detl"), grouped),
    ]


def official_clearing(year: int, found: Sequence[tuple[str, str, str, Fraction]]) -> Book:
    """The bureau's own result: (code, fund, step, value), as computed, but for two figures that it has otherwise."""
    rows: Rows = []
    wanted = sorted(found)
    dues = [i for i, line in enumerate(wanted) if line[2] == "due" and line[0] != "REGION"]
    scores = [i for i, line in enumerate(wanted) if line[2] == "score" and line[0] != "REGION"]
    moved = {dues[len(dues) // 4]: Fraction(-125_000, 100), scores[len(scores) // 2]: Fraction(21_750, 10_000)}
    for i, (code, fund, step, value) in enumerate(wanted):
        rows.append([code, fund, str(year), step, plain(value + moved.get(i, Fraction(0)))])
    return Book("official_clearing", f"官方清算结果{year}.csv", ("fixmedins_code", "fund", "year", "column", "amount"), rows)
