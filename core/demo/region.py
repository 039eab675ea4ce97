"""The region itself, before any case: institutions, disease groups by year, coefficients, reference means.

Everything is whole numbers: money in fen, scores in ten-thousandths, coefficients in thousandths, factors in
hundredths, shares in thousandths.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.demo.draws import mixed
from core.money import Ints, round_ratios
from core.settings import RESOURCES

FOLDER = RESOURCES / "demo"
REGION, NAME = "350900", "岚屿市（演示）"
YEARS = (2021, 2022, 2023, 2024)
REVISED = 2025  # its catalogue is out already, its cases are not
FUNDS = ("employee", "resident")

# What a year's mean cost is to that of 2023, in thousandths; 2020 only feeds the catalogue of 2021.
COST_INDEX = {2020: 1035, 2021: 1030, 2022: 1012, 2023: 1000, 2024: 933}
# What the same disease costs by level of hospital, in thousandths of the group's mean.
LEVEL_COST = (0, 820, 990, 1110)
# The all-case mean that a catalogue's scores are ratios to, in fen, at the cost of 2023.
ALL_CASE_MEAN = 663_181
# From these days on coefficients change; a case's period is how many of them it has reached.
COEFFICIENT_DAYS = (20210101, 20240101, 20240701)

# How often a kind of hospital treats what: by attribute, then by kind of group, then by the group's patients.
CONSERVATIVE, DIAGNOSTIC, THERAPEUTIC, SURGERY = "conservative", "diagnostic", "therapeutic", "surgery"
PROFILES: dict[str, dict[str, int]] = {
    "tertiary": {CONSERVATIVE: 80, DIAGNOSTIC: 150, THERAPEUTIC: 150, SURGERY: 170, "primary_care": 45, "bed_day": 0,
                 "tcm": 5, "肿瘤": 190, "儿科": 70, "重症": 150},
    "county": {CONSERVATIVE: 100, DIAGNOSTIC: 95, THERAPEUTIC: 95, SURGERY: 90, "primary_care": 105, "bed_day": 0, "tcm": 10,
               "肿瘤": 70},
    "tcm": {CONSERVATIVE: 100, DIAGNOSTIC: 70, THERAPEUTIC: 70, SURGERY: 65, "primary_care": 100, "bed_day": 30, "tcm": 700,
            "儿科": 60, "产科": 30, "骨科": 190, "康复": 260, "神内": 140, "肛肠": 180},
    "maternity": {CONSERVATIVE: 25, DIAGNOSTIC: 15, THERAPEUTIC: 40, SURGERY: 30, "primary_care": 45, "bed_day": 0, "tcm": 5,
                  "儿科": 300, "产科": 1500, "妇科": 1000, "新生儿": 1000},
    "psychiatric": {CONSERVATIVE: 8, DIAGNOSTIC: 1, THERAPEUTIC: 1, SURGERY: 0, "primary_care": 10, "bed_day": 900, "tcm": 1,
                    "精神": 900},
    "ortho": {CONSERVATIVE: 10, DIAGNOSTIC: 2, THERAPEUTIC: 5, SURGERY: 15, "primary_care": 12, "bed_day": 0, "tcm": 20,
              "骨科": 900},
    "eye": {CONSERVATIVE: 1, DIAGNOSTIC: 0, THERAPEUTIC: 0, SURGERY: 0, "primary_care": 1, "bed_day": 0, "tcm": 0, "眼科": 1500},
    "rehab": {CONSERVATIVE: 30, DIAGNOSTIC: 5, THERAPEUTIC: 10, SURGERY: 2, "primary_care": 30, "bed_day": 500, "tcm": 200,
              "康复": 800, "神内": 300},
    "township": {CONSERVATIVE: 60, DIAGNOSTIC: 8, THERAPEUTIC: 12, SURGERY: 5, "primary_care": 330, "bed_day": 0, "tcm": 40,
                 "肿瘤": 3, "重症": 5, "新生儿": 2, "心内": 90, "呼吸": 110},
}


def rows_of(name: str) -> list[dict[str, str]]:
    """A file of the demonstration's own codes and names."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a coefficient, in thousandths, from a day on."""

    institution: int
    fund: str
    name: str
    day: int
    value: int
    basis: str


class Institutions:
    """All that ever took part, sorted by code."""

    def __init__(self) -> None:
        self.rows = sorted(rows_of("institutions.csv"), key=lambda row: row["fixmedins_code"])
        self.codes = [row["fixmedins_code"] for row in self.rows]
        self.county = [code[1:7] for code in self.codes]
        self.profile = [row["profile"] for row in self.rows]
        grade = np.array([int(row["hosp_lv"]) for row in self.rows], np.int64)
        self.level = np.select([np.isin(grade, (1, 2, 3, 4, 12)), np.isin(grade, (5, 6, 7, 13))], [3, 2], 1)
        self.size = np.array([[int(row[fund]) for row in self.rows] for fund in FUNDS], np.int64)
        # The five that carry a published pair of growth rates: in ten-thousandths, 0 for the others.
        self.growth = np.array(
            [[int(row[f"growth_{fund}"].replace(".", "") or 0) for row in self.rows] for fund in FUNDS], np.int64
        )
        # What a hospital spends on the same disease, in thousandths of its level's mean.
        self.intensity = np.array([925 + mixed(code, "intensity") % 151 for code in self.codes], np.int64)

    def __len__(self) -> int:
        return len(self.codes)

    def open_in(self, year: int) -> list[int]:
        return [
            i for i, row in enumerate(self.rows)
            if int(row["opened"]) <= year and (not row["closed"] or year <= int(row["closed"]))
        ]

    @cached_property
    def parts(self) -> list[Part]:
        """Base by grade, a new base for a third of them in 2024, bonuses, and deductions within the year."""
        base = {1: 1120, 2: 1105, 3: 1080, 4: 1060, 12: 1070, 5: 1000, 6: 980, 7: 960, 13: 965,
                8: 860, 9: 835, 10: 810, 11: 790, 14: 815}
        parts: list[Part] = []
        for i, row in enumerate(self.rows):
            code = row["fixmedins_code"]
            value = base[int(row["hosp_lv"])] + mixed(code, "base") % 21 - 10
            parts.append(Part(i, "all", "base", 20210101, value, "演示医保〔2020〕88号"))
            if mixed(code, "resident") % 12 == 0:
                parts.append(Part(i, "resident", "base", 20210101, value - 10, "演示医保〔2020〕88号"))
            elif mixed(code, "renewed") % 3 == 0:
                parts.append(Part(i, "all", "base", 20240101, value + mixed(code, "new") % 19 - 11, "演示医保〔2023〕96号"))
            if self.level[i] > 1 and mixed(code, "key") % 3 == 0:
                parts.append(Part(i, "all", "bonus:重点专科", 20210101, 10 + mixed(code, "k") % 3 * 5, "演示医保〔2020〕88号"))
            if row["profile"] == "tcm":
                parts.append(Part(i, "all", "bonus:中医特色", 20210101, 20, "演示医保〔2020〕88号"))
            if self.level[i] == 2 and mixed(code, "review") % 9 == 0:
                parts.append(Part(i, "all", "bonus:等级评审", 20240101, 10, "演示医保〔2023〕96号"))
            if row["credit"] == "E" or mixed(code, "broken") % 61 == 0:
                parts.append(Part(i, "all", "deduction:违规扣减", 20240701, 15, "演示医保〔2024〕41号"))
        return parts

    @cached_property
    def k(self) -> Ints:
        """fund x institution x period."""
        table = np.zeros((2, len(self), len(COEFFICIENT_DAYS)), np.int64)
        for f, fund in enumerate(FUNDS):
            for p, day in enumerate(COEFFICIENT_DAYS):
                valid: dict[tuple[int, str], Part] = {}
                for part in self.parts:
                    if part.fund in (fund, "all") and part.day <= day:
                        kept = valid.get((part.institution, part.name))
                        if kept is None or (part.fund != "all", part.day) > (kept.fund != "all", kept.day):
                            valid[part.institution, part.name] = part
                for (i, name), part in valid.items():
                    table[f, i, p] += -part.value if name.startswith("deduction:") else part.value
        return table


class Groups:
    """The disease groups over the years: index g everywhere. Years are indexed from 2020 (0) to 2024 (4)."""

    def __init__(self) -> None:
        rows = self.rows = rows_of("groups.csv")
        number = len(rows)
        self.codes = [row["dip_code"] for row in rows]
        self.kind = np.array([row["kind"] for row in rows], dtype=object)
        self.attribute = np.array([row["attribute"] for row in rows], dtype=object)
        self.dept = np.array([row["dept"] for row in rows], dtype=object)
        self.patients = np.array([row["profile"] for row in rows], dtype=object)
        self.diagnoses = [row["case_diag"].split("|") for row in rows]
        self.operations = [row["case_oprn"].split("|") for row in rows]
        self.weight = np.array([int(row["weight"]) for row in rows], np.int64)
        self.days = np.array([round(float(row["mean_days"]) * 10) for row in rows], np.int64)  # tenths
        self.since = np.array([int(row["since"]) for row in rows], np.int64)
        self.until = np.array([int(row["until"] or 9999) for row in rows], np.int64)
        self.bed_day = self.kind == "bed_day"
        self.primary = self.kind == "primary_care"
        base = np.array([int(row["mean_fee"]) * 100 for row in rows], np.int64)
        # Scaled so that the region's mix of hospitals comes near the all-case mean.
        self.base = base * 1000 // 985
        self.drift = np.full((number, 5), 1000, np.int64)
        for g, code in enumerate(self.codes):
            own = 1000
            for y in range(5):
                own = own * (985 + mixed(code, "drift", y) % 31) // 1000
                if mixed(code, "moved", y) % 100 < 4:
                    own = own * (880 + mixed(code, "by", y) % 261) // 1000
                self.drift[g, y] = own
        # Declared equal in score: the one group is priced as the other.
        for g, row in enumerate(rows):
            if row["equal_to"]:
                other = self.codes.index(row["equal_to"])
                self.base[g], self.drift[g] = self.base[other], self.drift[other]
        # A tenth has no given reference means: there the level's or the catalogue's mean steps in.
        self.given = np.array(
            [not (row["kind"] in ("core", "composite") and mixed(row["dip_code"], "given") % 10 == 0) for row in rows]
        )
        self.whole_city = (self.kind == "composite") | (self.kind == "primary_care")

    def __len__(self) -> int:
        return len(self.codes)

    def design_mean(self, year: int) -> Ints:
        """group x level: what a stay costs in a year; for bed-day groups a day's fee times the usual stay."""
        index = COST_INDEX[year]
        base = self.base * self.drift[:, year - 2020] * index
        stay = np.where(self.bed_day, self.days, 10)
        table = np.zeros((len(self), 4), np.int64)
        for level in (1, 2, 3):
            share = np.where(self.whole_city, 1000, LEVEL_COST[level])
            table[:, level] = round_ratios(base // 1000 * share * stay, 10_000_000)
        return table

    def in_catalogue(self, year: int) -> np.ndarray:
        return (self.since <= year) & (year <= self.until)

    def catalogue_mean(self, year: int) -> Ints:
        """Mean fee of a year's catalogue, from the years before; for bed-day groups of one day."""
        return round_ratios(self.base * self.drift[:, year - 2021] * COST_INDEX[year - 1], 1_000_000)

    def score(self, year: int) -> Ints:
        """Ratio to the all-case mean, four decimals; for bed-day groups a day's."""
        return round_ratios(self.catalogue_mean(year) * 10_000, ALL_CASE_MEAN * COST_INDEX[year - 1] // 1000)

    @cached_property
    def bands(self) -> list[tuple[int, str, str, int]]:
        """Auxiliary bands: group, type, band, factor in hundredths."""
        found: list[tuple[int, str, str, int]] = []
        for g, code in enumerate(self.codes):
            if self.kind[g] not in ("core", "composite", "day_case") or self.weight[g] < 60:
                continue
            roll, who = mixed(code, "band") % 100, self.patients[g]
            if who == "n" and roll < 70:
                found += [(g, "age", "0-28d", 112), (g, "age", "29d-1y", 106)]
            elif who == "c" and roll < 25:
                found += [(g, "age", "29d-1y", 110), (g, "age", "1-6", 106), (g, "age", "66+", 108)]
            elif who == "o" and roll < 9:
                found.append((g, "age", "66+", 103 + mixed(code, "66") % 6))
            elif code[0] in "C" and roll < 30:
                found += [(g, "tumour", str(n), 100 + 6 * n) for n in (1, 2, 3)]
            elif self.dept[g] in ("重症", "神外", "心内", "呼吸") and roll < 16:
                found += [(g, "icu_days", band, f) for band, f in (("2-7", 115), ("8-14", 130), ("15-30", 155), ("31+", 190))]
            elif roll > 92:
                found += [(g, "severity", str(n), 100 + 7 * n) for n in (1, 2, 3)]
            elif roll > 89:
                found += [(g, "cci", str(n), 100 + 5 * n) for n in (1, 2)]
        return found

    @cached_property
    def birth_weight(self) -> Ints:
        """group x (least, most) grams of a newborn; 0, 0 where the platform left it empty."""
        table = np.tile(np.array([1_450, 4_250], np.int64), (len(self), 1))
        for g, row in enumerate(self.rows):
            if row["stage"] == "pre":
                least = re.search(r"birth_weight >= (\d+)", row["condition"])
                most = re.search(r"birth_weight < (\d+)", row["condition"])
                table[g] = int(least[1]) if least else 480, int(most[1]) - 1 if most else 4_250
            elif row["diag_code"].startswith("P07"):
                # Those under 2,500 g have groups of their own.
                table[g] = (0, 0) if row["kind"] == "composite" else (2_500, 3_400)
        return table

    def mistaken_for(self, year: int) -> Ints:
        """A group of the same category whose case each may really be: what the platform's grouping is wrong about.
        Mostly a cheaper one; the group itself where there is none."""
        score, there = self.score(year), self.in_catalogue(year)
        found = np.arange(len(self))
        of_category: dict[str, list[int]] = {}
        for g, row in enumerate(self.rows):
            if there[g] and not row["stage"] and not row["rel_oprn_code"] and row["kind"] in ("core", "composite", "primary_care"):
                of_category.setdefault(row["diag_code"], []).append(g)
                of_category.setdefault(row["diag_code"][:3], []).append(g)
        for g, row in enumerate(self.rows):
            near = [o for o in dict.fromkeys(of_category.get(row["diag_code"][:3], [])) if o != g]
            cheaper = [o for o in near if score[o] < score[g]]
            choice = cheaper if cheaper and mixed(row["dip_code"], "mistaken") % 10 < 7 else near
            if choice and there[g] and not row["stage"]:
                found[g] = choice[mixed(row["dip_code"], "for", year) % len(choice)]
        return found

    def mix(self, profile: str, fund: int, year: int) -> Ints:
        """How often a kind of hospital treats each group in a year."""
        table = PROFILES[profile]
        weight = np.zeros(len(self), np.int64)
        for g in range(len(self)):
            kind = str(self.kind[g])
            share = table.get(kind, table[str(self.attribute[g])])
            if kind == "bed_day" and (self.dept[g] == "精神") != (profile == "psychiatric"):
                share = 0
            if kind not in ("bed_day", "tcm"):
                share = share * table.get(str(self.dept[g]), 100) // 100
            if fund == 0:
                share = {"n": 0, "b": 0, "c": share // 3, "p": share * 5 // 4}.get(str(self.patients[g]), share)
            weight[g] = int(self.weight[g]) * share
        return np.where(self.in_catalogue(year), weight, 0)


def reference_rows(groups: Groups, year: int) -> list[tuple[int, str, str, int, int]]:
    """The published reference means of a year: (year, dip_code, level, fen, cases)."""
    table = groups.design_mean(year)
    rows: list[tuple[int, str, str, int, int]] = []
    for g, code in enumerate(groups.codes):
        if groups.given[g]:
            cases = 15 + int(groups.weight[g])
            if groups.whole_city[g]:
                rows.append((year, code, "all", int(table[g, 2]), cases))
            else:
                rows += [(year, code, str(level), int(table[g, level]), cases * level // 3) for level in (1, 2, 3)]
    return rows


def diagnosis_names() -> dict[str, str]:
    return {row["code"]: row["name"].replace(",", "，") for row in rows_of("diagnoses.csv")}
