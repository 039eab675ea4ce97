"""The region's settlement files as a bureau would send them: cases of a year with their refunds, strangers and damage.

Text is made column by column from tables and row by row from one format, 1.5 million rows in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.demo.draws import Draws, mixed
from core.demo.region import Groups, Institutions, diagnosis_names
from core.demo.year import SPECIAL_BY_ITEM, Cases, age_at, number_of_day
from core.money import Ints, round_ratio
from core.progress import Progress, step

Words = NDArray[np.object_]
CHUNK = 20_000
SAMPLED = 0  # the institution whose diagnoses, operations and groups also come in files of their own

HEADINGS = (
    "setl_id", "init_setl_id", "medcasno", "psn_no", "insutype", "med_type", "hi_paymtd", "fixmedins_code", "insu_admdvs",
    "dept", "doctor", "gend", "brdy", "nwb_age", "nwb_bir_wt", "adm_time", "dscg_time", "setl_time", "act_ipt_days",
    "dscg_way", "diag_code", "diag_name", "oth_diag_codes", "oprn_code", "oth_oprn_codes", "medfee_sumamt", "fund_pay_sumamt", "hifp_pay",
    "hifmi_pay", "hifob_pay", "cvlserv_pay", "maf_pay", "psn_part_amt", "acct_pay", "psn_cash_pay", "psn_ownpay",
    "excluded_fee", "drug_fee", "consumable_fee", "therapy_fee", "tcm_fee", "icu_days", "refd_setl_flag", "vali_flag",
    "dip_dise_grp_code", "grp_dise_sco", "asst_list_detl",
)
MONEY = ("medfee_sumamt", "fund_pay_sumamt", "hifp_pay", "psn_part_amt", "psn_cash_pay", "psn_ownpay", "drug_fee",
         "consumable_fee", "therapy_fee", "tcm_fee")
RARE_MONEY = ("hifmi_pay", "hifob_pay", "cvlserv_pay", "maf_pay", "acct_pay", "excluded_fee")
WHOLE = ("insutype", "med_type", "hi_paymtd", "gend", "act_ipt_days", "dscg_way", "refd_setl_flag", "vali_flag")
# One year is sent with the national interface's Chinese headings, in UTF-8.
CHINESE_YEAR = 2022
CHINESE = {
    "setl_id": "结算ID", "psn_no": "人员编号", "insutype": "险种类型", "med_type": "医疗类别", "hi_paymtd": "医保支付方式",
    "fixmedins_code": "定点医药机构编号", "insu_admdvs": "参保所属医保区划", "gend": "性别", "brdy": "出生日期",
    "adm_time": "入院时间", "dscg_time": "出院时间", "setl_time": "结算时间", "act_ipt_days": "实际住院天数",
    "dscg_way": "离院方式", "diag_code": "主要诊断代码", "diag_name": "主要诊断名称", "oprn_code": "主要手术操作代码",
    "medfee_sumamt": "医疗费总额（元）", "fund_pay_sumamt": "基金支付总额（元）", "hifp_pay": "基本医疗保险统筹基金支出（元）",
    "psn_part_amt": "个人负担总金额（元）", "acct_pay": "个人账户支出（元）", "psn_cash_pay": "个人现金支出（元）",
    "psn_ownpay": "全自费金额（元）", "refd_setl_flag": "退费结算标志", "vali_flag": "有效标志",
    "dip_dise_grp_code": "DIP病种编码", "grp_dise_sco": "病种分值",
}
# Operations of many stays that the bureau's list keeps out of grouping.
EXCLUDED_OPERATIONS = ("38.9300", "96.0700", "93.9600", "03.9100", "96.0900")
_BESIDE_SURGERY = "04.8100"
_OTHER_DIAGNOSES = ("I10.x00", "E11.900", "I25.103", "E78.500", "N18.900", "K29.500", "I63.900", "J44.900", "M81.900",
                    "E87.600", "D64.900", "K76.000", "I48.x00", "H25.900", "N40.x00", "G47.000")


@dataclass
class Sent:
    """What one year's file holds, for the books that have to agree with it. Money in fen.

    control: (month, institution) -> rows, fee, fund of the rows that will be accepted. booked: fund x institution x
    month, of cases that enter the clearing. by_item: booked by fund. special: settlement, decision, score, document.
    sample: lines of one institution, by heading.
    """

    path: Path
    year: int
    control: dict[tuple[int, str], tuple[int, int, int]]
    booked: Ints
    by_item: tuple[int, int]
    special: list[tuple[str, str, str, str]]
    sample: list[dict[str, str]]


def _dates(days: Ints) -> Words:
    """ISO days, through a table of the few thousand there are."""
    low = int(days.min())
    table = np.array(np.arange(low, int(days.max()) + 1), "datetime64[D]").astype(str).astype(object)
    return table[days - low]


def _rare(values: Ints) -> Words:
    """Fen as yuan, an empty cell for nothing."""
    texts = np.full(len(values), "", dtype=object)
    rows = np.flatnonzero(values)
    texts[rows] = [f"{value // 100}.{value % 100:02d}" for value in values[rows].tolist()]
    return texts


def write_year(
    folder: Path, cases: Cases, institutions: Institutions, groups: Groups, scale: int, seed: int, progress: Progress
) -> Sent:
    """`cases-YEAR.csv`: the cases that count, by-item cases, and around them what a real file has."""
    year = cases.year
    dice = Draws(seed, "rows", year)
    columns, special_rows = _columns(dice, cases, institutions, groups, scale)
    number = len(columns["fee"])
    booked = _by_month(columns, "hifp_pay", len(cases), len(institutions))

    apart = slice(len(cases), None)
    by_item = (
        int(columns["hifp_pay"][apart][columns["fund"][apart] == 0].sum()),
        int(columns["hifp_pay"][apart][columns["fund"][apart] == 1].sum()),
    )

    # Copies of cases around the cases themselves: refunded and reversed ones, and those that are out of scope.
    few = max(2, 4 // scale)
    pairs = dice.below(number, max(6, number * 36 // 10_000))
    flagged = dice.below(number, few)
    strays = dice.below(number, few)
    invalid = dice.below(number, few)
    outside = dice.below(number, max(8, number * 190 // 10_000))
    blocks = [np.arange(number), pairs, pairs, flagged, strays, invalid, outside]
    source = np.concatenate(blocks)
    place = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    columns = {name: values[source] for name, values in columns.items()}
    total = len(source)
    sign = np.ones(total, np.int64)
    first_pair, reversal = np.flatnonzero(place == 1), np.flatnonzero(place == 2)
    stray, out = np.flatnonzero(place == 4), np.flatnonzero(place == 6)
    sign[reversal] = sign[stray] = -1
    columns["refd_setl_flag"][np.isin(place, (1, 2, 3, 4))] = 1
    columns["vali_flag"][place == 5] = 0
    # A reversal settles some days after its original, within the year.
    last = int(np.datetime64(f"{year}-12-31").astype(np.int64))
    columns["settled"][reversal] = np.minimum(last, columns["settled"][reversal] + dice.between(1, 9, len(reversal)))
    _out_of_scope(dice, columns, out)

    order = np.argsort(columns["settled"] * 4_000_000 + dice.below(4_000_000, total), kind="stable")
    serial = np.empty(total, np.int64)
    serial[order] = np.arange(1, total + 1)
    half = len(reversal) // 2
    init = np.full(total, "", dtype=object)
    ids = np.array([f"350900{year}{number:08d}" for number in serial.tolist()], dtype=object)
    init[reversal[:half]] = ids[first_pair[:half]]  # by name ...
    ids[reversal[half:]] = ids[first_pair[half:]]   # ... or as the opposite row of the same settlement
    init[stray] = [f"350900{year - 1}9{number:07d}" for number in range(len(stray))]
    columns["setl_id"], columns["init_setl_id"] = ids, init
    if year > 2021:
        # One pair lies across the turn of the year: its original is the last line of the year before.
        across = stray[:1]
        init[across] = _across(year - 1)
        columns["medfee_sumamt"][across] = _ACROSS_FEE
        _repay(columns, across)
    _damage_warnings(dice, columns, number)

    special = [
        (str(ids[row]), decision, score, document) for row, decision, score, document in special_rows
    ]
    path = folder / f"cases-{year}.csv"
    columns = {name: values[order] for name, values in columns.items()}
    sign = sign[order]
    texts = _texts(columns, institutions, groups, year)
    encoding = "utf-8-sig" if year == CHINESE_YEAR else "gb18030"
    headings = [CHINESE.get(name, name) for name in HEADINGS] if year == CHINESE_YEAR else list(HEADINGS)
    extra = _damaged_lines(texts, columns, year, scale)
    if year < 2024:
        extra.append(_line_across(texts, columns, year))
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(",".join(headings) + "\r\n")
        for done, lines in _lines(texts, columns, sign):
            step(progress, "demo_write", done, total)
            file.write("\r\n".join(lines) + "\r\n")
        file.write("\r\n".join(extra) + "\r\n")

    counted = (columns["refd_setl_flag"] == 0) & (columns["vali_flag"] == 1)
    one = (columns["institution"] == SAMPLED) & counted
    sample: list[dict[str, str]] = [
        dict(zip(HEADINGS, _one(texts, columns, int(row)), strict=True)) for row in np.flatnonzero(one)[:120]
    ]
    control = _control(columns, sign, institutions, year)
    return Sent(path, year, control, booked, by_item, special, sample)


def _columns(
    dice: Draws, cases: Cases, institutions: Institutions, groups: Groups, scale: int
) -> tuple[dict[str, NDArray[Any]], list[tuple[int, str, str, str]]]:
    """Numbers and indices by column for the cases that count, by-item cases last; and the decisions on special ones."""
    cases, special = _with_by_item(dice, cases, groups, scale)
    number = len(cases)
    fund, fee, own = cases.fund, cases.fee, cases.own
    group = cases.group
    pay = fee - own
    large = fee > 1_500_000
    columns: dict[str, NDArray[Any]] = {
        "institution": cases.institution, "group": group, "grouped": cases.grouped.astype(np.int64), "fund": fund,
        "fee": fee, "person": cases.person, "born": cases.born, "settled": cases.settled.copy(),
        "lag": cases.lag, "act_ipt_days": cases.days, "gend": cases.sex, "icu": cases.icu, "detail": cases.detail,
        "score": groups.score(cases.year)[group],
    }
    columns["hifmi_pay"] = np.where((fund == 1) & large, pay * 16 // 100, 0)
    columns["maf_pay"] = np.where((fund == 1) & dice.chance(900, number), pay * 9 // 100, 0)
    columns["hifob_pay"] = np.where((fund == 0) & (fee > 3_000_000), pay * 14 // 100, 0)
    columns["cvlserv_pay"] = np.where((fund == 0) & dice.chance(2_600, number), pay * 7 // 100, 0)
    others = sum(columns[name] for name in ("hifmi_pay", "maf_pay", "hifob_pay", "cvlserv_pay"))
    columns["fund_pay_sumamt"] = pay
    columns["hifp_pay"] = pay - others
    account = np.where((fund == 0) & dice.chance(7_600, number), own * dice.between(15, 95, number) // 100, 0)
    wards = (institutions.level[cases.institution] == 3) & dice.chance(90, number)
    excluded = np.where(wards, dice.between(20, 300, number) * 1_000, 0)
    columns["excluded_fee"] = excluded
    columns["medfee_sumamt"] = fee + excluded
    columns["psn_part_amt"] = own + excluded
    columns["acct_pay"] = account
    columns["psn_cash_pay"] = own + excluded - account
    columns["psn_ownpay"] = own * dice.between(18, 52, number) // 100 + excluded
    attribute = groups.attribute[group]
    material = np.where(attribute == "surgery", 31, np.where(attribute == "therapeutic", 14, 6))
    columns["drug_fee"] = fee * dice.between(18, 38, number) // 100
    columns["consumable_fee"] = fee * (material + dice.below(9, number)) // 100
    columns["therapy_fee"] = fee * dice.between(4, 15, number) // 100
    tcm = (groups.kind[group] == "tcm") | (np.array(institutions.profile, dtype=object)[cases.institution] == "tcm")
    left = fee - sum(columns[name] for name in ("drug_fee", "consumable_fee", "therapy_fee"))  # for beds, examinations and the like
    columns["tcm_fee"] = np.minimum(left, fee * np.where(tcm, 8 + dice.below(12, number), dice.below(4, number)) // 100)
    pregnant = groups.patients[group] == "p"
    columns["insutype"] = np.where(fund == 1, 390, np.where(pregnant & dice.chance(7_000, number), 510, 310))
    hurt = np.isin(np.array([code[0] for code in groups.codes], dtype=object)[group], ("S", "T"))
    columns["med_type"] = np.where(pregnant, 52, np.where(hurt & dice.chance(6_000, number), 22,
                                   np.where(dice.chance(90, number), 24, 21)))
    columns["hi_paymtd"] = np.full(number, 3, np.int64)
    columns["dscg_way"] = np.array([1, 4, 2, 3, 5], np.int64)[dice.weighted(np.array([918, 52, 15, 10, 5], np.int64), number)]
    columns["refd_setl_flag"] = np.zeros(number, np.int64)
    columns["vali_flag"] = np.ones(number, np.int64)
    counties = np.array([int(code) for code in institutions.county], np.int64)[cases.institution]
    columns["area"] = np.where(dice.chance(800, number), 350931 + dice.below(9, number), counties)
    columns["doctor"] = dice.below(40, number)
    columns["file_number"] = dice.below(900_000, number) + 100_000
    columns["diagnosis"] = dice.below(1_000_000, number)
    columns["beside"] = dice.below(len(_beside()), number)
    columns["unit"] = dice.below(1_440, number)
    least, most = groups.birth_weight[group].T
    columns["weight"] = least + dice.below(1_000_000, number) % (most - least + 1)
    # What was done and found; in a few cases that of another group than the platform says, in some hospitals of more.
    keen = np.array([level > 1 and mixed(code, "keen") % 9 == 0 for code, level in zip(
        institutions.codes, institutions.level, strict=True)])[cases.institution]
    mistaken = cases.grouped & (dice.chance(110, number) | (keen & dice.chance(450, number)))
    columns["clinical"] = np.where(mistaken, groups.mistaken_for(cases.year)[group], group)
    columns["operation"] = dice.below(1_000_000, number)
    columns["more_done"] = dice.below(1_000, number)
    columns["unset"] = dice.chance(12, number).astype(np.int64) * (cases.lag == 0)
    columns["wrong_score"] = np.zeros(number, np.int64)
    columns["wrong_score"][dice.below(number, max(2, 12 // scale))] = 1
    columns["bad"] = np.zeros(number, np.int64)
    columns["odd_part"] = np.zeros(number, np.int64)
    return columns, special


def _with_by_item(dice: Draws, cases: Cases, groups: Groups, scale: int) -> tuple[Cases, list[tuple[int, str, str, str]]]:
    """By-item cases, one dear and the others cheap, whose means are the year's: figures hold with and without them."""
    special: list[tuple[int, str, str, str]] = []
    if cases.year < 2023:
        return cases, special
    count = max(4, 14 // scale)
    fee, own = int(cases.fee.sum()) // len(cases), int(cases.own.sum()) // len(cases)
    mild = np.flatnonzero((cases.fee > fee // 3) & (cases.fee < fee * 3 // 4) & (cases.special == 0) & cases.grouped)
    rows = mild[dice.below(len(mild), count)]
    more = cases.taken(rows)
    more.fee[-1] = fee * count - int(more.fee[:-1].sum())
    more.own = more.fee * own // fee
    more.own[-1] += own * count - int(more.own.sum())
    more.days[-1] += round_ratio(int(cases.days.sum()) * count, len(cases)) - int(more.days.sum())
    more.days[-1] = max(1, int(more.days[-1]))
    more.special[:] = SPECIAL_BY_ITEM
    both = Cases(cases.year, *(
        np.concatenate([getattr(cases, name), getattr(more, name)]) for name in Cases.__dataclass_fields__ if name != "year"
    ))
    for row in np.flatnonzero(both.special).tolist():
        decision = ("", "adjusted", "by_item", "rejected")[int(both.special[row])]
        score = _points(int(both.score[row])) if decision == "adjusted" else ""
        special.append((row, decision, score, f"岚屿医保特例〔{cases.year}〕{row % 4 + 1}号"))
    return both, special


def _points(value: int) -> str:
    return f"{value // 10_000}.{value % 10_000:04d}"


def _out_of_scope(dice: Draws, columns: dict[str, NDArray[Any]], out: Ints) -> None:
    """Rows that belong to the bureau's files and not to the clearing: other insurance, payment, visit, area."""
    kind = dice.below(100, len(out))
    columns["insutype"][out[kind < 12]] = 340
    columns["hi_paymtd"][out[(kind >= 12) & (kind < 24)]] = 1
    columns["hi_paymtd"][out[(kind >= 24) & (kind < 30)]] = 7
    columns["med_type"][out[(kind >= 30) & (kind < 36)]] = 51
    columns["area"][out[(kind >= 36) & (kind < 98)]] = 350102
    columns["area"][out[(kind >= 85) & (kind < 98)]] = 330304
    columns["institution"][out[kind >= 98]] = -1  # an institution outside the register


_ACROSS_FEE = 518_820


def _across(year: int) -> str:
    return f"350900{year}99999999"


def _repay(columns: dict[str, NDArray[Any]], rows: Ints) -> None:
    """All money of these rows made anew from the fee, so that they match their originals."""
    fee = columns["medfee_sumamt"][rows]
    for name in (*MONEY, *RARE_MONEY):
        if name != "medfee_sumamt":
            columns[name][rows] = 0
    columns["psn_part_amt"][rows] = columns["psn_cash_pay"][rows] = fee * 4 // 10
    columns["fund_pay_sumamt"][rows] = columns["hifp_pay"][rows] = fee - fee * 4 // 10


def _damage_warnings(dice: Draws, columns: dict[str, NDArray[Any]], number: int) -> None:
    """A few cells that cannot be read or do not add up, where no figure hangs on them."""
    few = max(4, number // 40_000)
    columns["bad"][dice.below(number, few)] = 1
    columns["odd_part"][dice.below(number, few)] = 1


def _beside() -> list[str]:
    return ["", "", "", *_OTHER_DIAGNOSES, *(
        f"{a}|{b}" for a in _OTHER_DIAGNOSES[:6] for b in _OTHER_DIAGNOSES[6:11]
    )]


def _texts(
    columns: dict[str, NDArray[Any]], institutions: Institutions, groups: Groups, year: int
) -> dict[str, Words]:
    """Every column that is no plain amount or whole number, as text."""
    names = diagnosis_names()
    number = len(columns["fee"])
    group, clinical = columns["group"], columns["clinical"]
    flat = [code for codes in groups.diagnoses for code in codes]
    starts = np.cumsum([0, *(len(codes) for codes in groups.diagnoses)])
    lengths = np.diff(starts)
    diagnosis = starts[clinical] + columns["diagnosis"] % lengths[clinical]
    main, beside = _operations(columns, groups)
    discharged = columns["settled"] - columns["lag"]
    admitted = discharged - columns["act_ipt_days"]
    age = age_at(columns["born"], admitted)
    newborn = (admitted - columns["born"] <= 28) & (age < 1)
    named = [one if one.endswith("科") or one == "新生儿" else f"{one}科" for one in groups.dept]
    profile_dept = np.array(named, dtype=object)[group]
    codes = np.array([*institutions.codes, "H35093900999"], dtype=object)
    score = np.array([_points(int(value)) for value in groups.score(year)], dtype=object)[group]
    wrong = np.flatnonzero(columns["wrong_score"])
    score[wrong] = [_points(int(value) + 1_000) for value in columns["score"][wrong]]
    dip = np.array(groups.codes, dtype=object)[group]
    ungrouped = columns["grouped"] == 0
    dip[ungrouped] = ""
    score[ungrouped] = ""
    clock = np.array([f" {minute // 60:02d}:{minute % 60:02d}:00" for minute in range(1_440)], dtype=object)
    setl_time = _dates(columns["settled"]) + clock[720 + columns["unit"] * 7 % 330]
    setl_time[columns["unset"] == 1] = ""
    texts: dict[str, Words] = {
        "setl_id": columns["setl_id"], "init_setl_id": columns["init_setl_id"],
        "medcasno": columns["file_number"].astype(object),
        "psn_no": np.array([f"35{value:015d}" for value in columns["person"].tolist()], dtype=object),
        "fixmedins_code": codes[columns["institution"]],
        "insu_admdvs": columns["area"].astype(object),
        "dept": profile_dept,
        "doctor": np.array([f"D{n:04d}" for n in range(1, 41)], dtype=object)[columns["doctor"]],
        "brdy": _dates(columns["born"]),
        "nwb_age": np.where(newborn, (admitted - columns["born"]).astype(object), ""),
        "nwb_bir_wt": np.where(newborn & (columns["weight"] > 0), columns["weight"].astype(object), ""),
        "adm_time": _dates(admitted) + clock[columns["unit"]],
        "dscg_time": _dates(discharged) + clock[480 + columns["unit"] * 3 % 240],
        "setl_time": setl_time,
        "diag_code": np.array(flat, dtype=object)[diagnosis],
        "diag_name": np.array([names[code] for code in flat], dtype=object)[diagnosis],
        "oth_diag_codes": _other_diagnoses(columns, groups),
        "oprn_code": main, "oth_oprn_codes": beside,
        "icu_days": np.where(columns["icu"] > 0, columns["icu"].astype(object), ""),
        "dip_dise_grp_code": dip, "grp_dise_sco": score, "asst_list_detl": columns["detail"],
    }
    for name in RARE_MONEY:
        texts[name] = _rare(columns[name] + 1_000 * columns["odd_part"] * (name == "hifmi_pay"))
    texts["therapy_fee"] = _rare(columns["therapy_fee"])
    texts["therapy_fee"][columns["bad"] == 1] = "见明细"
    if len(texts["setl_id"]) != number:
        raise AssertionError("columns of unequal length")
    return texts


def _operations(columns: dict[str, NDArray[Any]], groups: Groups) -> tuple[Words, Words]:
    """The main operation and the others: what the group asks for, and now and then something of no consequence."""
    clinical, roll = columns["clinical"], columns["more_done"]
    flat = [code for codes in groups.operations for code in codes]
    starts = np.cumsum([0, *(len(codes) for codes in groups.operations)])
    lengths = np.diff(starts)
    main = np.array(flat, dtype=object)[starts[clinical] + columns["operation"] % lengths[clinical]]
    related = np.array([row["case_rel"] for row in groups.rows], dtype=object)[clinical]
    trifle = np.array([*EXCLUDED_OPERATIONS, _BESIDE_SURGERY], dtype=object)[
        np.where(groups.attribute[clinical] == "surgery", roll % 6, roll % 5)]
    operated, more = main != "", roll < 240
    beside = np.where(operated & more & (related == ""), trifle, related)
    both = operated & more & (related != "")
    beside[both] = related[both] + "|" + trifle[both]
    # Without an operation that counts, the trifle stands first.
    alone = ~operated & (roll < 85)
    main[alone] = np.array(EXCLUDED_OPERATIONS, dtype=object)[roll % 5][alone]
    return main, beside


def _other_diagnoses(columns: dict[str, NDArray[Any]], groups: Groups) -> Words:
    """Usual companions; before them the tumour that a course of chemotherapy is for."""
    texts = np.array(_beside(), dtype=object)[columns["beside"]]
    tumours = [row["case_oth"].split("|") for row in groups.rows]
    for g in np.flatnonzero([codes != [""] for codes in tumours]).tolist():
        rows = np.flatnonzero(columns["clinical"] == g)
        own = np.array(tumours[g], dtype=object)[columns["diagnosis"][rows] % len(tumours[g])]
        texts[rows] = np.where(texts[rows] == "", own, own + "|" + texts[rows])
    return texts


_PLAIN_MONEY = tuple(name for name in MONEY if name != "therapy_fee")
_FORMAT = ",".join("%d.%02d" if name in _PLAIN_MONEY else "%d" if name in WHOLE else "%s" for name in HEADINGS)
_MONEY_PLACES = tuple(i for i, name in enumerate(HEADINGS) if name in MONEY or name in RARE_MONEY)


def _lines(
    texts: dict[str, Words], columns: dict[str, NDArray[Any]], sign: Ints
) -> Iterator[tuple[int, list[str]]]:
    """The lines of the file, chunk by chunk; a reversal's amounts with their sign."""
    for start in range(0, len(sign), CHUNK):
        rows = slice(start, start + CHUNK)
        fields: list[list[object]] = []
        for name in HEADINGS:
            if name in texts:
                fields.append(texts[name][rows].tolist())
            elif name in _PLAIN_MONEY:
                whole, cents = np.divmod(columns[name][rows], 100)
                fields += [whole.tolist(), cents.tolist()]
            else:
                fields.append(columns[name][rows].tolist())
        lines = list(map(_FORMAT.__mod__, zip(*fields, strict=True)))
        for place in np.flatnonzero(sign[rows] < 0).tolist():
            lines[place] = _negative(lines[place])
        yield start, lines


def _negative(line: str) -> str:
    cells = line.split(",")
    for place in _MONEY_PLACES:
        if cells[place] and cells[place] != "0.00":
            cells[place] = "-" + cells[place]
    return ",".join(cells)


def _one(texts: dict[str, Words], columns: dict[str, NDArray[Any]], row: int) -> list[str]:
    """The cells of one line."""
    some = {name: values[row:row + 1] for name, values in texts.items()}
    numbers = {name: values[row:row + 1] for name, values in columns.items()}
    return next(_lines(some, numbers, np.ones(1, np.int64)))[1][0].split(",")


def _line_across(texts: dict[str, Words], columns: dict[str, NDArray[Any]], year: int) -> str:
    """The settlement of late December that is reversed in January."""
    row = int(np.flatnonzero(columns["settled"] >= columns["settled"].max() - 20)[0])
    numbers = {name: values[row:row + 1].copy() for name, values in columns.items()}
    numbers["medfee_sumamt"][:] = _ACROSS_FEE
    _repay(numbers, np.arange(1))
    some = {name: values[row:row + 1].copy() for name, values in texts.items()}
    for name in (*RARE_MONEY, "therapy_fee", "init_setl_id"):
        some[name][0] = ""
    some["setl_id"][0] = _across(year)
    numbers["refd_setl_flag"][:] = 1
    return next(_lines(some, numbers, np.ones(1, np.int64)))[1][0]


def _damaged_lines(
    texts: dict[str, Words], columns: dict[str, NDArray[Any]], year: int, scale: int
) -> list[str]:
    """Lines that the importer has to refuse, each for its own reason, the last one cut off."""
    hurts = (
        ("medfee_sumamt", "12,3x4".replace(",", "，")), ("diag_code", ""), ("fixmedins_code", ""), ("dscg_time", "2024-02-31"),
        ("setl_time", "下月补"), ("hifp_pay", "——"), ("insutype", "abc"), ("psn_part_amt", "1.234"),
        ("refd_setl_flag", "?"), ("fund_pay_sumamt", "三千"), ("setl_id", ""), ("hi_paymtd", "x"),
    )
    lines: list[str] = []
    sound = np.flatnonzero((columns["refd_setl_flag"] == 0) & (columns["vali_flag"] == 1))
    for number in range(max(len(hurts), 3 * len(hurts) // scale) + 2):
        row = int(sound[mixed("damaged", year, number) % len(sound)])
        cells = _one(texts, columns, row)
        if number == len(hurts):
            lines.append(",".join(cells))  # a settlement sent twice
            continue
        cells[HEADINGS.index("setl_id")] = f"350900{year}8{number:07d}"
        name, value = hurts[number % len(hurts)]
        cells[HEADINGS.index(name)] = value
        lines.append(",".join(cells))
    cut = _one(texts, columns, int(sound[mixed("cut", year) % len(sound)]))
    cut[0] = f"350900{year}89999999"
    lines.append(",".join(cut[:20]))
    return lines


def _control(
    columns: dict[str, NDArray[Any]], sign: Ints, institutions: Institutions, year: int
) -> dict[tuple[int, str], tuple[int, int, int]]:
    """Rows, fee and fund of every month and institution, reversals with their sign. A row without settlement time
    counts by its discharge, which is the same day there."""
    number = len(institutions) + 1
    codes = ["H35093900999", *institutions.codes]
    month = number_of_day(columns["settled"]) // 100 % 100
    found, where = np.unique(month * number + columns["institution"] + 1, return_inverse=True)
    rows = np.bincount(where)
    fee = np.zeros(len(found), np.int64)
    paid = np.zeros(len(found), np.int64)
    np.add.at(fee, where, columns["medfee_sumamt"] * sign)
    np.add.at(paid, where, columns["hifp_pay"] * sign)
    return {
        (year * 100 + key // number, codes[key % number]): (int(rows[i]), int(fee[i]), int(paid[i]))
        for i, key in enumerate(found.tolist())
    }


def _by_month(columns: dict[str, NDArray[Any]], name: str, number: int, institutions: int) -> Ints:
    """fund x institution x month, of the cases that enter the clearing."""
    table = np.zeros((2, institutions, 12), np.int64)
    month = number_of_day(columns["settled"][:number]) // 100 % 100 - 1
    np.add.at(table, (columns["fund"][:number], columns["institution"][:number], month), columns[name][:number])
    return table
