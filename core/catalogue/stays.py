"""The clinical side of cases as arrays: what grouping looks at, and nothing that money is booked by.

In one canonical order, that of a 64-bit hash of the settlement's id, so that the order in which rows were imported does
not matter. Codes are indices into vocabularies. Where the platform's own lists of diagnoses and operations are there
they win over the case's columns; Chinese-medicine diagnoses (diag_type 2, 3) take no part. Where no operation is flagged
as the main one the first stands for it.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.core.util.hashing import hash_array

from core.money import decimal
from core.progress import SILENT, Progress, step
from core.rules.bands import UNSAID, ages, dates
from core.rules.cases import Index, Ints, Small, Texts

SELECT = Path(__file__).with_name("stays.sql").read_text("utf-8")
CHUNK = 512
UNKNOWN = UNSAID
_AGE, _DAY = (1 << 12) - 1, (1 << 20) - 1  # what of `packed` in stays.sql holds years, and days


@dataclass(frozen=True, slots=True)
class Stays:
    """One element a case, read-only.

    diagnosis: index of the principal one into `diagnoses`, whose texts may be ''. other[other_start[i]:other_start[i + 1]]: the
    other diagnoses of case i, indices into the same. operation, operation_start: all operations of a case in their
    order, indices into `operations`. main: of the flagged main operation, -1 without operations. fee, tcm_fee: fen.
    age: years; age_days; birth_weight: grams; days: of the stay; gender: 1 male, 2 female. UNKNOWN (-1) where the case
    does not say. keys: hash of setl_id, ascending.
    """

    setl_id: Texts
    keys: NDArray[np.uint64]
    diagnoses: tuple[str, ...]
    diagnosis: Index
    other_start: Ints
    other: Index
    operations: tuple[str, ...]
    operation_start: Ints
    operation: Index
    main: Index
    fee: Ints
    age: Ints
    age_days: Ints
    birth_weight: Ints
    days: Ints
    gender: Small
    tcm_fee: Ints

    def __len__(self) -> int:
        return len(self.fee)

    def diagnosis_of(self, i: int) -> str:
        return self.diagnoses[int(self.diagnosis[i])]

    def others_of(self, i: int) -> tuple[str, ...]:
        return tuple(self.diagnoses[j] for j in self.other[self.other_start[i] : self.other_start[i + 1]])

    def operations_of(self, i: int) -> tuple[str, ...]:
        found = self.operation[self.operation_start[i] : self.operation_start[i + 1]]
        return tuple(self.operations[j] for j in found)

    def main_of(self, i: int) -> str:
        return self.operations[int(self.main[i])] if self.main[i] >= 0 else ""

    def facts_of(self, i: int) -> dict[str, int]:
        """What conditions speak of, by name; UNKNOWN where the case does not say."""
        names = ("age", "age_days", "birth_weight", "days", "gender", "fee", "tcm_fee")
        return {name: int(getattr(self, name)[i]) for name in names}

    def single(self, i: int) -> Stays:
        """Case i alone."""
        numbers = self.facts_of(i)
        return one(Stay(
            self.diagnosis_of(i), self.operations_of(i), self.main_of(i), self.others_of(i),
            setl_id=str(self.setl_id[i]), **numbers,
        ))  # fmt: skip

    def locate(self, setl_id: Texts) -> Ints:
        """The place of each settlement here, -1 where it is not."""
        if not len(self) or not len(setl_id):
            return np.full(len(setl_id), -1, np.int64)
        keys = hash_array(setl_id, categorize=False)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self) - 1).astype(np.int64)
        hit = self.keys[place] == keys
        other = np.flatnonzero(hit)[self.setl_id[place[hit]] != setl_id[hit]]
        place[~hit] = -1
        for i in other:  # ids of one hash
            wanted, key = setl_id[i], self.keys[place[i]]
            at, found = int(place[i]), -1
            while at < len(self) and self.keys[at] == key:
                if self.setl_id[at] == wanted:
                    found = at
                    break
                at += 1
            place[i] = found
        return place


@dataclass(frozen=True, slots=True)
class Stay:
    """One case as a person writes it down. operations: all in order; main: '' takes the first."""

    diagnosis: str
    operations: Sequence[str] = ()
    main: str = ""
    others: Sequence[str] = ()
    fee: int = 0
    age: int = UNKNOWN
    age_days: int = UNKNOWN
    birth_weight: int = UNKNOWN
    days: int = UNKNOWN
    gender: int = UNKNOWN
    tcm_fee: int = UNKNOWN
    setl_id: str = ""


def one(stay: Stay) -> Stays:
    """A single case typed by hand."""
    return many([stay])


def many(stays: Iterable[Stay]) -> Stays:
    """Cases as arrays, in canonical order. A main operation that the operations lack stands before them."""
    listed = list(stays)
    diagnoses, operations = _Codes(), _Codes()
    other, other_length = array("i"), array("q")
    done, done_length, main = array("i"), array("q"), array("i")
    for stay in listed:
        codes = [code for code in stay.operations if code]
        if stay.main and stay.main not in codes:
            codes.insert(0, stay.main)
        others = [code for code in stay.others if code]
        other.extend(map(diagnoses.__getitem__, others))
        other_length.append(len(others))
        done.extend(map(operations.__getitem__, codes))
        done_length.append(len(codes))
        main.append(operations[stay.main or codes[0]] if codes else -1)
    numbers = {
        name: np.array([getattr(stay, name) for stay in listed], np.int64)
        for name in ("fee", "age", "age_days", "birth_weight", "days", "gender", "tcm_fee")
    }
    ids = np.array([stay.setl_id for stay in listed] or [""], object)[: len(listed)]
    diagnosis = np.array([diagnoses[stay.diagnosis] for stay in listed], np.int32)
    return _ordered(
        ids, diagnoses, diagnosis, (_lengths(other_length), _index(other)), operations,
        (_lengths(done_length), _index(done)), _index(main), numbers,
    )  # fmt: skip


def read(
    connection: sqlite3.Connection,
    year: int,
    progress: Progress = SILENT,
    *,
    only: Sequence[str] | None = None,
) -> Stays:
    """The year's cases that count, wherever the patients are insured and whoever treated them; `only`: of these
    settlements."""
    select = SELECT.format(diagnoses=_diagnoses(connection), operations=_operations(connection))
    asked: tuple[object, ...] = (year,)
    if only is None:
        total = connection.execute("SELECT count(*) FROM cases WHERE year = ?", (year,)).fetchone()[0]
    else:
        wanted = "FROM json_each(?) AS wanted CROSS JOIN cases INDEXED BY cases_key ON cases.setl_id = wanted.value"
        select, asked, total = select.replace("FROM cases\n", f"{wanted}\n"), (json.dumps(list(only)), year), len(only)
    diagnoses, operations, whole = _Codes(), _Codes(), _Codes()
    texts = {name: _Codes() for name in ("weight", "born", "admitted")}
    ids: list[str] = []
    numbers: dict[str, list[NDArray[Any]]] = {}
    done = 0
    cursor = connection.execute(select, asked)
    while rows := cursor.fetchmany(CHUNK):
        columns = list(zip(*rows, strict=True))
        ids.extend(columns[0])
        codes = "|".join(columns[1]).split("|")  # the lists of all rows in one
        listed = [text.count("|") + 1 for text in columns[1]]
        values: dict[str, Any] = {"operations": map(whole.__getitem__, columns[2])}
        values |= zip(("fee", "packed", "tcm_fee"), columns[3:6], strict=True)
        values |= {
            name: map(index.__getitem__, column)
            for (name, index), column in zip(texts.items(), columns[6:], strict=True)
        }
        for name, column in values.items():
            numbers.setdefault(name, []).append(np.fromiter(column, np.int64, len(rows)))
        numbers.setdefault("listed", []).append(np.array(listed, np.int64))
        numbers.setdefault("codes", []).append(np.fromiter(map(diagnoses.__getitem__, codes), np.int32, len(codes)))
        done += len(rows)
        step(progress, "read_stays", done, total)
    empty = np.empty(0, np.int64)
    found = defaultdict(lambda: empty, {name: np.concatenate(pieces) for name, pieces in numbers.items()})
    packed = found["packed"]
    born, admitted = (dates(texts[name])[found[name]] for name in ("born", "admitted"))
    age, age_days = ages(born, admitted, (packed & _AGE) - 1, (packed >> 32 & _DAY) - 1)
    measures = {"fee": found["fee"], "tcm_fee": found["tcm_fee"], "days": (packed >> 12 & _DAY) - 1}
    measures |= {"age": age, "age_days": age_days}
    measures["gender"] = (packed >> 52) - 1
    diagnosis, others = _parted(found["codes"].astype(np.int32), found["listed"], diagnoses[""])
    weights = np.array([_grams(text) for text in texts["weight"]] or [UNKNOWN], np.int64)
    measures["birth_weight"] = weights[found["weight"]]
    lists, main = _lists(whole, operations, found["operations"])
    id_array = np.array(ids or [""], object)[: len(ids)]
    return _ordered(
        id_array, diagnoses, diagnosis, others, operations, lists, main, measures,
    )  # fmt: skip


class _Codes(dict[str, int]):
    """Text to index in order of appearance."""

    def __missing__(self, key: str) -> int:
        index = self[key] = len(self)
        return index


_Lists = tuple[Ints, Index]  # lengths, values


def _index(values: array[int]) -> Index:
    return np.frombuffer(values, np.int32).copy() if len(values) else np.empty(0, np.int32)


def _lengths(values: array[int]) -> Ints:
    return np.frombuffer(values, np.int64).copy() if len(values) else np.empty(0, np.int64)


def _diagnoses(connection: sqlite3.Connection) -> str:
    own = "diag_code || '|' || coalesce(oth_diag_codes, '')"
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM diagnosis)").fetchone()[0]:
        return own
    beside = (
        "(SELECT group_concat(diag_code, '|') FROM (SELECT diag_code FROM diagnosis WHERE setl_id = cases.setl_id"
        " AND coalesce(diag_type, 1) = 1 ORDER BY coalesce(maindiag_flag, 0) <> 1, ord))"
    )
    return f"coalesce({beside}, {own})"


def _operations(connection: sqlite3.Connection) -> str:
    own = "coalesce(oprn_code, '') || '|' || coalesce(oth_oprn_codes, '')"
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM operation_done)").fetchone()[0]:
        return own
    beside = (
        "(SELECT group_concat(oprn_oprt_code, '|') FROM (SELECT oprn_oprt_code FROM operation_done"
        " WHERE setl_id = cases.setl_id ORDER BY coalesce(oprn_oprt_type, 2) <> 1, ord))"
    )
    return f"coalesce({beside}, {own})"


def _lists(whole: _Codes, operations: _Codes, index: Ints) -> tuple[_Lists, Index]:
    """The operations of each case from the distinct lists, and the first of them as the main one."""
    split = [[operations[code] for code in text.split("|") if code] for text in whole]
    if not split:
        return (np.zeros(len(index), np.int64), np.empty(0, np.int32)), np.full(len(index), -1, np.int32)
    lengths = np.array([len(codes) for codes in split], np.int64)
    start = np.concatenate(([0], np.cumsum(lengths)))
    values = np.array([code for codes in split for code in codes], np.int32)
    first = np.array([codes[0] if codes else -1 for codes in split], np.int32)
    taken = values[spread(start[index], lengths[index])] if len(values) else values
    return (lengths[index], taken), first[index]


def spread(start: Ints, length: Ints) -> Ints:
    """start[i], start[i] + 1 ... for each i, one after the other."""
    total = int(length.sum())
    before = np.cumsum(length) - length
    return np.arange(total, dtype=np.int64) + np.repeat(start - before, length)


def _parted(codes: Index, listed: Ints, nothing: int) -> tuple[Index, _Lists]:
    """The first of each list of diagnoses, and the others that say something."""
    start = np.cumsum(listed) - listed
    other = codes != nothing
    other[start] = False
    owner = np.repeat(np.arange(len(listed)), listed)[other]
    return codes[start], (np.bincount(owner, minlength=len(listed)).astype(np.int64), codes[other])


def _grams(text: str) -> int:
    """A birth weight; several that differ (a mother's twins) say nothing of one newborn."""
    found: set[int] = set()
    for part in text.replace("，", ",").replace("|", ",").split(","):
        try:
            if part.strip():
                found.add(int(decimal(part)))
        except ValueError:
            return UNKNOWN
    return found.pop() if len(found) == 1 else UNKNOWN


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.setflags(write=False)
    return values


def _ordered(
    ids: Texts,
    diagnoses: _Codes,
    diagnosis: Index,
    others: _Lists,
    operations: _Codes,
    done: _Lists,
    main: Index,
    numbers: Mapping[str, Ints],
) -> Stays:
    """In the order of the ids' hash, then of the ids."""
    keys = hash_array(ids, categorize=False) if len(ids) else np.empty(0, np.uint64)
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    if bool((sorted_keys[1:] == sorted_keys[:-1]).any()):
        by_id = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
        order = by_id[np.argsort(keys[by_id], kind="stable")]
        sorted_keys = keys[order]

    def lists(length: Ints, values: Index) -> tuple[Ints, Index]:
        start = np.cumsum(length) - length
        taken = values[spread(start[order], length[order])] if len(values) else values
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(length[order]))), taken

    other_start, other = lists(*others)
    operation_start, operation = lists(*done)
    kept = {name: _frozen(values[order]) for name, values in numbers.items()}
    return Stays(
        setl_id=_frozen(ids[order]),
        keys=_frozen(sorted_keys),
        diagnoses=tuple(diagnoses),
        diagnosis=_frozen(diagnosis[order]),
        other_start=_frozen(other_start),
        other=_frozen(other),
        operations=tuple(operations),
        operation_start=_frozen(operation_start),
        operation=_frozen(operation),
        main=_frozen(main[order]),
        fee=kept["fee"],
        age=kept["age"],
        age_days=kept["age_days"],
        birth_weight=kept["birth_weight"],
        days=kept["days"],
        gender=_frozen(kept["gender"].astype(np.int8)),
        tcm_fee=kept["tcm_fee"],
    )
