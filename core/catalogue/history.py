"""The years behind a catalogue as arrays: every inpatient case that counts, with its full cost, read once.

Net of refunds by the same rule as a clearing. Scope `all` is 全口径: inpatients whoever pays and wherever they are insured;
`settled` is what DIP settles. What is left out is counted by reason with its cost, so that rows close. Nothing that is
made from these arrays depends on the order of rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue import stays
from core.catalogue.grouper import Grouper
from core.faults import Usage
from core.progress import SILENT, Progress, step
from core.rules.bands import age_bands, ages, dates
from core.rules.cases import Index, Ints, Small
from core.storage.workspace import Workspace

# Why a row of these years is not in the history.
NETTING = ("refund_pair", "refund_flag_alone", "reversal_alone", "refund_across_years", "invalid")
OUT = (*NETTING, "med_type", "insutype", "hi_paymtd", "area", "unregistered", "no_cost", "beyond_cost")
BEYOND = 1 << 40  # fen: eleven thousand million yuan is no case; below it sums of squares are exact in 64 bits
_CHUNK = 512  # rows that stay in the processor's cache while they are turned into columns
INPATIENT = "21, 22, 24, 52, 92"


@dataclass(frozen=True, slots=True)
class Detail:
    """What sub-types and primary-care criteria look at. age: index into AGE, -1 none, -2 unknown; icu: days; listed: index
    into `lists` (asst_list_detl); died, first: 1 for a death, for a first-level institution."""

    age: Small
    icu: Index
    listed: Index
    lists: tuple[str, ...]
    died: Small
    first: Small


@dataclass(frozen=True, slots=True)
class Clinical:
    """What groups are built from: the principal diagnosis, '' for none, and the operations, the main one first, joined by `|`.

    The platform's own lists win over the case's columns. names: of each diagnosis code, the first in order of those written.
    """

    diagnosis: Index
    diagnoses: tuple[str, ...]
    operated: Index
    operation_lists: tuple[str, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """One element a case. year: index into years (ascending); group: index into groups (sorted), -1 where none is stated.

    fee: fen, positive. days, drug, consumable: -1 where empty. rows: rows read of each year. out: cases and cost left out, by
    reason and year. grouping: whose groups, `official` or the product's own.
    """

    years: tuple[int, ...]
    scope: str
    grouping: str
    year: Small
    group: Index
    groups: tuple[str, ...]
    fee: Ints
    days: Ints
    drug: Ints
    consumable: Ints
    detail: Detail | None
    clinical: Clinical | None
    setl_id: NDArray[Any] | None
    rows: tuple[int, ...]
    out: Mapping[str, tuple[tuple[int, int], ...]]

    def __len__(self) -> int:
        return len(self.fee)


class _Codes(defaultdict[str, int]):
    """Text to index in order of appearance."""

    def __missing__(self, key: str) -> int:
        index = self[key] = len(self)
        return index


def history(
    workspace: Workspace,
    years: Sequence[int],
    *,
    scope: str = "all",
    detail: bool = True,
    clinical: bool = False,
    ids: bool = False,
    progress: Progress = SILENT,
) -> History:
    """The cases of `years`. detail, clinical, ids: also read those parts (sub-types; building groups; own grouping).

    Usage("scores_years") without years or with one named twice, Usage("scores_scope").
    """
    if not years or len(set(years)) != len(years):
        raise Usage("scores_years", years=", ".join(map(str, years)))
    if scope not in ("all", "settled"):
        raise Usage("scores_scope", scope=scope)
    ordered = tuple(sorted(years))
    connection = workspace.reader()
    select = _selection(connection, workspace.region, detail=detail, clinical=clinical, ids=ids)
    codes = {name: _Codes() for name in select if name in _TEXTS}
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in select}
    rows: list[int] = []
    marks = ", ".join("?" * len(ordered))
    total = connection.execute(f"SELECT count(*) FROM cases WHERE year IN ({marks})", ordered).fetchone()[0]
    done = 0
    for year in ordered:
        cursor = connection.execute(f"SELECT {', '.join(select.values())} FROM cases WHERE year = ?", (year,))
        before = done
        while chunk := cursor.fetchmany(_CHUNK):
            for name, values in zip(select, zip(*chunk, strict=True), strict=True):
                if name in codes:
                    pieces[name].append(np.fromiter(map(codes[name].__getitem__, values), np.int32, len(chunk)))
                elif name == "setl_id":
                    pieces[name].append(np.array(values, dtype=object))
                else:
                    pieces[name].append(np.fromiter(values, np.int64, len(chunk)))
            done += len(chunk)
            step(progress, "read_history", done, total)
        rows.append(done - before)
    raw: dict[str, NDArray[Any]] = {}
    for name in list(pieces):
        kind = np.int32 if name in codes else object if name == "setl_id" else np.int64
        raw[name] = np.concatenate(pieces.pop(name) or [np.empty(0, kind)])
    year_of = np.repeat(np.arange(len(ordered), dtype=np.int8), rows)
    packed = raw.pop("packed")
    reason = _reasons(packed, raw["fee"], scope)
    out = _left_out(reason, year_of, raw["fee"], len(ordered))
    keep = reason == 0
    kept = raw if bool(keep.all()) else {name: values[keep] for name, values in raw.items()}
    bits = packed[keep]
    texts = {name: _sorted(codes[name], kept, name) for name in codes}
    groups = texts["group"]
    if groups and groups[0] == "":
        groups = groups[1:]
        kept["group"] = kept["group"] - 1
    found = History(
        years=ordered,
        scope=scope,
        grouping="official",
        year=year_of[keep],
        group=kept["group"].astype(np.int32),
        groups=groups,
        fee=kept["fee"],
        days=(bits >> _SHIFT["days"]) - 1,
        drug=kept["drug"],
        consumable=kept["consumable"],
        detail=_detail(kept, texts, bits) if detail else None,
        clinical=_clinical(connection, kept, texts) if clinical else None,
        setl_id=kept.get("setl_id"),
        rows=tuple(rows),
        out=out,
    )
    for values in (found.year, found.group, found.fee, found.days, found.drug, found.consumable):
        values.setflags(write=False)
    return found


def own_groups(past: History, connection: sqlite3.Connection, grouper: Grouper, progress: Progress = SILENT) -> History:
    """The same cases with the product's own groups; those that grouping does not look at (not settled by DIP) have none.

    Usage("scores_without_ids") where the history was read without ids.
    """
    if past.setl_id is None:
        raise Usage("scores_without_ids")
    entry = np.full(len(past), -1, np.int64)
    for y, year in enumerate(past.years):
        rows = np.flatnonzero(past.year == y)
        found = stays.read(connection, year, progress)
        of_stay = np.append(grouper.group(found, progress).entry.astype(np.int64), -1)
        entry[rows] = of_stay[found.locate(past.setl_id[rows])]
    used = np.unique(entry[entry >= 0])
    place = np.full(len(grouper.entries) + 1, -1, np.int32)
    place[used] = np.arange(len(used))
    groups = tuple(grouper.entries.rows[i].dip_code for i in used.tolist())
    return replace(past, grouping="own", group=place[entry], groups=groups)


# -- reading -------------------------------------------------------------------------------------------------

_TEXTS = ("group", "listed", "born", "admitted", "diagnosis", "operated")
# Small numbers of a row in one: a value that Python never makes is half the cost of a row less.
_SHIFT = {"netting": 0, "scope": 3, "visit": 5, "away": 6, "stray": 7, "died": 8, "first": 9, "icu": 10, "days": 24}
_MOST_ICU = (1 << 14) - 1
_MOST_AGE = (1 << 20) - 2


def _selection(
    connection: sqlite3.Connection, region: str, *, detail: bool, clinical: bool, ids: bool
) -> dict[str, str]:
    bits = {
        "netting": "netting",
        "scope": "scope",
        "visit": f"coalesce(med_type IN ({INPATIENT}), 1)",
        "away": away(region),
        "stray": "(fixmedins_code NOT IN (SELECT fixmedins_code FROM institution))",
        "days": "(max(coalesce(act_ipt_days, -1), -1) + 1)",
    }
    if detail:
        bits |= {
            "died": "coalesce(dscg_way = 5, 0)",
            "first": f"(fixmedins_code IN (SELECT fixmedins_code FROM institution WHERE {_LEVEL} = 1))",
            "icu": f"min(max(coalesce(icu_days, 0), 0), {_MOST_ICU})",
        }
    joined = bool(connection.execute("SELECT EXISTS (SELECT 1 FROM case_group)").fetchone()[0])
    select = {
        "packed": " + ".join(f"({sql}) * {1 << _SHIFT[name]}" for name, sql in bits.items()),
        "group": stated("dip_dise_grp_code", joined),
        "fee": "fee",
        "drug": "coalesce(drug_fee, -1)",
        "consumable": "coalesce(consumable_fee, -1)",
    }
    if detail:
        select |= {
            "listed": stated("asst_list_detl", joined),
            "born": "coalesce(substr(brdy, 1, 10), '')",
            "admitted": "coalesce(substr(adm_time, 1, 10), '')",
            "ages": " + ".join(
                f"(min(max(coalesce({name}, -1), -1), {_MOST_AGE}) + 1) * {1 << shift}"
                for name, shift in (("nwb_age", 0), ("age", 20))
            ),
        }
    if clinical:
        diagnosis, operated = "coalesce(diag_code, '')", "coalesce(oprn_code, '') || '|' || coalesce(oth_oprn_codes, '')"
        if connection.execute("SELECT EXISTS (SELECT 1 FROM diagnosis)").fetchone()[0]:
            diagnosis = f"coalesce({_PRINCIPAL}, {diagnosis})"
        if connection.execute("SELECT EXISTS (SELECT 1 FROM operation_done)").fetchone()[0]:
            operated = f"coalesce({_OPERATED}, {operated})"
        select |= {"diagnosis": diagnosis, "operated": operated}
    if ids:
        select["setl_id"] = "setl_id"
    return select


# The platform's own lists, where they came.
_PRINCIPAL = (
    "(SELECT diag_code FROM diagnosis WHERE setl_id = cases.setl_id AND coalesce(diag_type, 1) = 1"
    " ORDER BY coalesce(maindiag_flag, 0) <> 1, ord LIMIT 1)"
)
_OPERATED = (
    "(SELECT group_concat(oprn_oprt_code, '|') FROM (SELECT oprn_oprt_code FROM operation_done"
    " WHERE setl_id = cases.setl_id ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord))"
)
# interfaces 4: hi_setl_lv; else hosp_lv 1-4 and 12: 3; 5-7 and 13: 2; 8-11 and 14: 1.
_LEVEL = "coalesce(hi_setl_lv, CASE WHEN hosp_lv IN (1, 2, 3, 4, 12) THEN 3 WHEN hosp_lv IN (5, 6, 7, 13) THEN 2 ELSE 1 END)"


def away(region: str) -> str:
    """SQL: whether a case is of somebody insured elsewhere; a workspace without region cannot tell."""
    home = region[:4]
    if not home.isdigit():
        return "0"
    beyond = home[:-1] + chr(ord(home[-1]) + 1)
    return f"coalesce(insu_admdvs <> '' AND (insu_admdvs < '{home}' OR insu_admdvs >= '{beyond}'), 0)"


def stated(column: str, joined: bool) -> str:
    """SQL: a column of the case's own row, else of the platform's group results; a failed grouping states none."""
    own = f"nullif({column}, '')"
    if not joined:
        return f"coalesce({own}, '')"
    beside = (
        f"(SELECT {column} FROM case_group WHERE case_group.setl_id = cases.setl_id AND coalesce(grp_stas, 1) <> 0)"
    )
    return f"coalesce({own}, {beside}, '')"


def _bit(packed: Ints, name: str, width: int = 1) -> Ints:
    return packed >> _SHIFT[name] & ((1 << width) - 1)


def _reasons(packed: Ints, fee: Ints, scope: str) -> Small:
    """0 for a case that counts, else 1 + index into OUT."""
    netting, own_scope = _bit(packed, "netting", 3), _bit(packed, "scope", 2)
    tests = [
        (netting != 0, netting),
        (_bit(packed, "visit") == 0, OUT.index("med_type") + 1),
    ]
    if scope == "settled":
        tests += [
            (own_scope == 1, OUT.index("insutype") + 1),
            (own_scope == 2, OUT.index("hi_paymtd") + 1),
            (_bit(packed, "away") != 0, OUT.index("area") + 1),
            (_bit(packed, "stray") != 0, OUT.index("unregistered") + 1),
        ]
    tests += [(fee <= 0, OUT.index("no_cost") + 1), (fee >= BEYOND, OUT.index("beyond_cost") + 1)]
    return np.select([test for test, _ in tests], [value for _, value in tests], 0).astype(np.int8)


def _left_out(
    reason: Small, year: Small, fee: Ints, years: int
) -> dict[str, tuple[tuple[int, int], ...]]:
    out: dict[str, tuple[tuple[int, int], ...]] = {}
    for i, name in enumerate(OUT):
        rows = np.flatnonzero(reason == i + 1)
        if len(rows):
            where = year[rows]
            out[name] = tuple(
                (int((where == y).sum()), sum(fee[rows[where == y]].tolist())) for y in range(years)
            )
    return out


def _sorted(codes: _Codes, columns: dict[str, NDArray[Any]], name: str) -> tuple[str, ...]:
    """The texts that kept rows name, in order, and the column's indices pointing into them."""
    used = np.zeros(len(codes), bool)
    used[columns[name]] = True
    texts = sorted(text for text, i in codes.items() if used[i])
    place = {text: i for i, text in enumerate(texts)}
    columns[name] = np.array([place.get(text, 0) for text in codes] or [0], np.int32)[columns[name]]
    return tuple(texts)


def _detail(kept: Mapping[str, NDArray[Any]], texts: Mapping[str, tuple[str, ...]], bits: Ints) -> Detail:
    return Detail(
        age=_age_bands(kept, texts),
        icu=_bit(bits, "icu", 14).astype(np.int32),
        listed=kept["listed"],
        lists=texts["listed"],
        died=_bit(bits, "died").astype(np.int8),
        first=_bit(bits, "first").astype(np.int8),
    )


def _age_bands(kept: Mapping[str, NDArray[Any]], texts: Mapping[str, tuple[str, ...]]) -> Small:
    born, admitted = (dates(texts[name])[kept[name]] for name in ("born", "admitted"))
    newborn, age = (kept["ages"] & (1 << 20) - 1) - 1, (kept["ages"] >> 20) - 1
    return age_bands(*ages(born, admitted, age, newborn)).astype(np.int8)


def _clinical(
    connection: sqlite3.Connection, kept: Mapping[str, NDArray[Any]], texts: Mapping[str, tuple[str, ...]]
) -> Clinical:
    names = dict(
        connection.execute("SELECT diag_code, min(diag_name) FROM cases WHERE diag_name <> '' GROUP BY diag_code")
    )
    return Clinical(
        diagnosis=kept["diagnosis"],
        diagnoses=texts["diagnosis"],
        operated=kept["operated"],
        operation_lists=texts["operated"],
        names=names,
    )
