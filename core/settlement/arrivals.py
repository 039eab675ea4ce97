"""The case rows of one year as arrays: net of refunds, in scope, in one canonical order.

The year is read once, in stretches, a column at a time; texts that repeat become indices on the way, so that
2.5 million cases fit. The order is that of a 64-bit hash of the settlement's id: whatever order the rows were
imported in, the arrays are the same to the byte.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.core.util.hashing import hash_array

from core.progress import Progress, step
from core.rules.cases import Index, Ints, Small, Texts
from core.settlement import outside
from core.settlement.outside import Tally

STRETCH = 65_536  # case ids that are read at once, and between two looks at whether it is still wanted
# What `cases.netting` and `cases.scope` say, as reasons in counts and findings.
NETTING = {
    1: "refund_pair",
    2: "refund_flag_alone",
    3: "reversal_alone",
    4: "refund_across_years",
    5: "invalid",
}
SCOPE = {1: "insutype", 2: "hi_paymtd", 3: "med_type"}
AREA, UNREGISTERED = "area", "unregistered"
REASONS = (*NETTING.values(), *SCOPE.values(), AREA, UNREGISTERED)
MISSING = -1


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a year is wanted. province: patients of the whole province are in scope.

    days, persons, own: also read the stay; age, intensive care and auxiliary detail; the share of full own pay.
    """

    year: int
    region: str
    province: bool
    days: bool = False
    persons: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One element a case. institutions, groups, details, dates, given_scores are sorted; indices point into them.

    group -1: none stated. fund: 0 employee, 1 resident. days, nwb_age, age, icu_days, ownpay: -1 where empty.
    out: rows left out by reason; out_fee: their cost; unregistered: rows and cost by institution. tally: every row of
    the year by what became of it.
    """

    institutions: tuple[str, ...]
    groups: tuple[str, ...]
    setl_id: Texts
    fund: Small
    institution: Index
    group: Index
    given_score: Index
    given_scores: tuple[str, ...]
    day: Ints
    fee: Ints
    booked: Ints
    own_pay: Ints
    other_pay: Ints
    ownpay: Ints | None
    days: Ints | None
    nwb_age: Ints | None
    age: Ints | None
    icu_days: Ints | None
    born: Index | None
    admitted: Index | None
    dates: tuple[str, ...]
    detail: Index | None
    details: tuple[str, ...]
    rows: int
    out: Mapping[str, int]
    out_fee: Mapping[str, int]
    unregistered: Mapping[str, tuple[int, int]]
    tally: Tally

    def __len__(self) -> int:
        return len(self.fee)


class Codes(defaultdict[str, int]):
    """Text to index in order of appearance, at the speed of a dictionary."""

    def __missing__(self, key: str) -> int:
        index = self[key] = len(self)
        return index


def read(
    connection: sqlite3.Connection, wanted: Reading, registered: Mapping[str, object], progress: Progress
) -> Arrivals:
    """All cases of a year that count, and what was left out by reason."""
    select = _selection(wanted, _joined(connection))
    raw, codes, setl_id = _columns(connection, select, "year = ?", wanted.year, "read_cases", progress)
    institutions = _sorted(codes["institution"], raw, "institution")
    reason, line = _reasons(raw, institutions, registered)
    tally = outside.tally(raw["fund"], raw["institution"], institutions, line, raw["booked"])
    keep = reason == 0
    out = {
        name: int(n)
        for name, n in zip(REASONS, np.bincount(reason, minlength=len(REASONS) + 1)[1:], strict=True)
    }
    out_fee = {name: int(raw["fee"][reason == i + 1].sum()) for i, name in enumerate(REASONS) if out[name]}
    stray: dict[str, tuple[int, int]] = {}
    for index in np.unique(raw["institution"][reason == len(REASONS)]):
        rows = (reason == len(REASONS)) & (raw["institution"] == index)
        stray[institutions[index]] = (int(rows.sum()), int(raw["fee"][rows].sum()))

    ids = np.array(setl_id, dtype=object)
    del setl_id
    rows = len(ids)
    ids, order = _canonical(ids, keep)
    kept = {name: values[order] for name, values in raw.items()}
    del raw
    groups = _sorted(codes["group"], kept, "group")
    if groups and groups[0] == "":  # no group stated
        groups = groups[1:]
        kept["group"] = kept["group"] - 1
    scores = _sorted(codes["given_score"], kept, "given_score")
    dates = details = ()
    if wanted.persons:
        both: list[str] = sorted(set(codes["born"]) | set(codes["admitted"]))
        place = {text: i for i, text in enumerate(both)}
        for name in ("born", "admitted"):
            kept[name] = np.array([place[text] for text in codes[name]] or [0], np.int32)[kept[name]]
        dates = tuple(both)
        details = _sorted(codes["detail"], kept, "detail")
    institutions, kept["institution"] = _used(institutions, kept["institution"])
    groups, kept["group"] = _used(groups, kept["group"])
    return Arrivals(
        institutions=institutions,
        groups=groups,
        setl_id=frozen(ids),
        fund=frozen((kept["fund"] - 1).astype(np.int8)),
        institution=frozen(kept["institution"]),
        group=frozen(kept["group"]),
        given_score=frozen(kept["given_score"]),
        given_scores=scores,
        day=frozen(kept["day"]),
        fee=frozen(kept["fee"]),
        booked=frozen(kept["booked"]),
        own_pay=frozen(kept["own_pay"]),
        other_pay=frozen(kept["other_pay"]),
        ownpay=kept.get("ownpay"),
        days=kept.get("days"),
        nwb_age=kept.get("nwb_age"),
        age=kept.get("age"),
        icu_days=kept.get("icu_days"),
        born=kept.get("born"),
        admitted=kept.get("admitted"),
        dates=dates,
        detail=kept.get("detail"),
        details=details,
        rows=rows,
        out=out,
        out_fee=out_fee,
        unregistered=stray,
        tally=tally,
    )


@dataclass(frozen=True, slots=True)
class Fees:
    """The fees of a year's net in-scope cases: what means by hospital level are made from. setl_id: where asked for."""

    institutions: tuple[str, ...]
    groups: tuple[str, ...]
    institution: Index
    group: Index
    fee: Ints
    setl_id: Texts | None = None


def read_fees(
    connection: sqlite3.Connection,
    wanted: Reading,
    registered: Mapping[str, object],
    progress: Progress,
    *,
    ids: bool = False,
) -> Fees:
    """Fees, institutions and groups of a year's cases that count; nothing else of them is looked at."""
    select = {
        "institution": "fixmedins_code",
        "group": _stated("dip_dise_grp_code", _joined(connection)),
        "fee": "fee",
        **({"setl_id": "setl_id"} if ids else {}),
    }
    where = f"year = ? AND netting = 0 AND scope = 0 AND NOT {_away(wanted)}"
    raw, codes, setl_id = _columns(connection, select, where, wanted.year, "read_earlier_cases", progress)
    institutions = _sorted(codes["institution"], raw, "institution")
    groups = _sorted(codes["group"], raw, "group")
    keep = np.array([code in registered for code in institutions] or [False])[raw["institution"]]
    named = np.array(setl_id, dtype=object)[keep] if ids else None
    return Fees(institutions, groups, raw["institution"][keep], raw["group"][keep], raw["fee"][keep], named)


def home_of(region: str, province: bool) -> tuple[str, str]:
    """The area codes of who is insured here: from the first up to, not with, the second; both "" where it is unknown."""
    home = region[: 2 if province else 4]
    return (home, home[:-1] + chr(ord(home[-1]) + 1)) if home.isdigit() else ("", "")


def iso_day(day: int) -> str:
    """A day of YYYYMMDD as it is written."""
    return f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}"


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.setflags(write=False)
    return values


# -- reading -----------------------------------------------------------------------------------------------

_TEXTS = frozenset(("institution", "group", "given_score", "born", "admitted", "detail", "setl_id"))
# Small numbers of a row in one: a value that Python never makes is half the cost of a row less.
_PACKED = "((((day * 16 + {method}) * 2 + {away}) * 4 + fund) * 4 + scope) * 8 + netting"


def _selection(wanted: Reading, joined: Collection[str]) -> dict[str, str]:
    """The columns of `read`, by name."""
    select = {
        "packed": _PACKED.format(away=_away(wanted), method=outside.METHOD_SQL),
        "institution": "fixmedins_code",
        "group": _stated("dip_dise_grp_code", joined),
        "given_score": _stated("grp_dise_sco", joined),
        "setl_id": "setl_id",
        "fee": "fee",
        "booked": "hifp_pay",
        "own_pay": "own_pay",
        "other_pay": "other_pay",
    }
    if wanted.own:
        select["ownpay"] = f"coalesce(psn_ownpay, {MISSING})"
    if wanted.days:
        select["days"] = f"coalesce(act_ipt_days, {MISSING})"
    if wanted.persons:
        select |= {name: f"coalesce({name}, {MISSING})" for name in ("nwb_age", "age", "icu_days")}
        select |= {
            "born": "coalesce(substr(brdy, 1, 10), '')",
            "admitted": "coalesce(substr(adm_time, 1, 10), '')",
            "detail": _stated("asst_list_detl", joined),
        }
    return select


def _columns(
    connection: sqlite3.Connection,
    select: Mapping[str, str],
    where: str,
    year: int,
    stage: str,
    progress: Progress,
) -> tuple[dict[str, NDArray[Any]], dict[str, Codes], list[str]]:
    """Columns of the year's rows: whole numbers as int64, repeating texts as indices, the ids as they are."""
    codes = {name: Codes() for name in select if name in _TEXTS and name != "setl_id"}
    pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in select if name != "setl_id"}
    setl_id: list[str] = []
    total, first, last = connection.execute(
        "SELECT count(*), min(case_id), max(case_id) FROM cases WHERE year = ?", (year,)
    ).fetchone()
    done = 0
    for start in range(first, last + 1, STRETCH) if total else ():
        source = f"FROM cases WHERE {where} AND case_id >= ? AND case_id < ?"
        rows, columns = columns_of(connection, select, _TEXTS, source, (year, start, start + STRETCH))
        for name, values in columns.items():
            if name == "setl_id":
                setl_id.extend(values)
            elif name in codes:
                pieces[name].append(np.fromiter(map(codes[name].__getitem__, values), np.int32, rows))
            else:
                pieces[name].append(np.asarray(values, np.int64))
        done += rows
        step(progress, stage, done, total)
    raw: dict[str, NDArray[Any]] = {}
    for name in list(pieces):
        kind = np.int32 if name in codes else np.int64
        raw[name] = np.concatenate(pieces.pop(name) or [np.empty(0, kind)])
    return raw, codes, setl_id


def columns_of(
    connection: sqlite3.Connection,
    select: Mapping[str, str],
    texts: Collection[str],
    source: str,
    of: Sequence[object] | Mapping[str, object],
) -> tuple[int, dict[str, Any]]:
    """How many rows, and their columns: sequences of text where named in `texts`, else int64. No cell may be NULL.

    select: expressions by name; source: from FROM on. Each column comes as one long text: a third of the time of as many rows.
    """
    listed = ", ".join(
        f"group_concat({one}, char(31))" if name in texts else f"group_concat({one})" for name, one in select.items()
    )
    rows, *told = connection.execute(f"SELECT count(*), {listed} {source}", of).fetchone()
    if not rows:
        return 0, {name: () if name in texts else np.empty(0, np.int64) for name in select}
    columns: dict[str, Any] = {
        name: text.split("\x1f") if name in texts else np.fromstring(text, np.int64, sep=",")
        for name, text in zip(select, told, strict=True)
    }
    if any(len(values) != rows for values in columns.values()):  # a text holds the separator itself: row by row
        found = connection.execute(f"SELECT {', '.join(select.values())} {source}", of).fetchall()
        columns = {
            name: values if name in texts else np.array(values, np.int64)
            for name, values in zip(select, zip(*found, strict=True), strict=True)
        }
    return rows, columns


def _joined(connection: sqlite3.Connection) -> set[str]:
    """What the platform's group results state beside the cases' own rows, if they came as a file of their own."""
    columns = ("dip_dise_grp_code", "grp_dise_sco", "asst_list_detl")
    told = ", ".join(f"EXISTS (SELECT 1 FROM case_group WHERE {one} IS NOT NULL)" for one in columns)
    return {name for name, there in zip(columns, connection.execute(f"SELECT {told}").fetchone(), strict=True) if there}


def _away(wanted: Reading) -> str:
    """1 for a patient insured outside the region (or the province), as SQL; nobody where the region is unknown."""
    home, beyond = home_of(wanted.region, wanted.province)
    if not home:
        return "0"
    return f"coalesce(insu_admdvs <> '' AND (insu_admdvs < '{home}' OR insu_admdvs >= '{beyond}'), 0)"


def _stated(column: str, joined: Collection[str]) -> str:
    """A group column of the case's own row, else of the platform's results; a failed grouping states none."""
    own = f"nullif({column}, '')"
    if column not in joined:
        return f"coalesce({own}, '')"
    beside = (
        f"(SELECT {column} FROM case_group WHERE case_group.setl_id = cases.setl_id"
        " AND coalesce(grp_stas, 1) <> 0)"
    )
    return f"coalesce({own}, {beside}, '')"


def _reasons(
    raw: dict[str, NDArray[Any]], institutions: Sequence[str], registered: Mapping[str, object]
) -> tuple[Small, Small]:
    """0 for a row that counts, else 1 + index into REASONS; and its line in `outside.LINES`. Unpacks `packed`. A refund is
    never anything else."""
    packed = raw.pop("packed")
    netting, scope = packed & 7, packed >> 3 & 3
    raw["fund"] = packed >> 5 & 3
    raw["day"] = packed >> 12
    stray = np.array([code not in registered for code in institutions] or [False])[raw["institution"]]
    reason = np.select(
        [netting != 0, scope != 0, (packed >> 7 & 1) != 0, stray],
        [netting, scope + len(NETTING), REASONS.index(AREA) + 1, REASONS.index(UNREGISTERED) + 1],
        0,
    )
    away = (packed >> 7 & 1) != 0
    line = outside.lines(netting != 0, away, scope, packed >> 8 & 15, stray)
    return reason.astype(np.int8), line


def _sorted(codes: Codes, columns: dict[str, NDArray[Any]], name: str) -> tuple[str, ...]:
    """The texts in order, and the column's indices pointing into it."""
    texts = sorted(codes)
    place = {text: i for i, text in enumerate(texts)}
    columns[name] = np.array([place[text] for text in codes] or [0], np.int32)[columns[name]]
    return tuple(texts)


def _used(texts: tuple[str, ...], index: Index) -> tuple[tuple[str, ...], Index]:
    """Only the texts that cases in scope name: rows that were left out leave no trace in the order."""
    present = np.zeros(len(texts) + 1, bool)
    present[index] = True  # -1, no group, falls on the last place
    present = present[:-1]
    place = np.full(len(texts) + 1, -1, np.int32)
    place[:-1][present] = np.arange(int(present.sum()), dtype=np.int32)
    return tuple(text for text, used in zip(texts, present, strict=True) if used), place[index]


def _canonical(ids: Texts, keep: NDArray[np.bool_]) -> tuple[Texts, Ints]:
    """The kept ids and their positions, in the order of their hash, then of the id itself."""
    positions = np.flatnonzero(keep)
    ids = ids[positions]
    keys = hash_array(ids, categorize=False)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    if bool((keys[1:] == keys[:-1]).any()):
        order = np.array(sorted(order.tolist(), key=ids.__getitem__), dtype=np.int64)
        keys = hash_array(ids[order], categorize=False)
        order = order[np.argsort(keys, kind="stable")]
    return ids[order], positions[order]
