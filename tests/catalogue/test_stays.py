"""The clinical side of cases from a workspace: which cases, which lists win, ages from dates, the order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.catalogue import stays
from core.catalogue.stays import UNKNOWN, Stay, Stays, many, one
from core.storage.workspace import Workspace

ROWS: list[dict[str, Any]] = [
    {"setl_id": "A", "diag_code": "K35.300", "oth_diag_codes": "I10.x00|E11.900", "oprn_code": "47.0100",
     "oth_oprn_codes": "54.5100|54.2100", "fee": 1234, "age": 40, "gend": 2, "act_ipt_days": 7, "tcm_fee": 12},
    {"setl_id": "B", "diag_code": "P07.001", "brdy": "2024-02-01", "adm_time": "2024-02-29 08:00", "nwb_bir_wt": "740"},
    {"setl_id": "C", "diag_code": "J18.9", "oth_oprn_codes": "88.0100", "brdy": "2004-02-29", "adm_time": "2024-02-28"},
    {"setl_id": "D", "diag_code": "O30.000", "nwb_bir_wt": "2400,2300", "brdy": "2024-03-01", "adm_time": "2024-02-01"},
    {"setl_id": "E", "diag_code": "P07.100", "nwb_age": 3, "age": 0, "nwb_bir_wt": "2400，2400", "brdy": "2023-12-31",
     "adm_time": "2024-01-01"},
    {"setl_id": "out", "scope": 2}, {"setl_id": "last", "year": 2023}, {"setl_id": "void", "netting": 5, "vali_flag": 0},
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create(tmp_path / "w.dianzhi", region="350900") as made:
        yield made


def put(workspace: Workspace, rows: list[dict[str, Any]]) -> None:
    with workspace.transaction("import", "test") as out:
        out.execute(
            "INSERT INTO batch (id, kind, file, sha256, mapping, rows_read, accepted, refused, at)"
            " VALUES (1, 'cases', 'cases.csv', '', '{}', 0, 0, 0, '')"
        )
        for number, row in enumerate(rows):
            values: dict[str, Any] = {
                "batch_id": 1, "row": number, "sign": 1, "insutype": 310, "fixmedins_code": "H1", "dscg_time": "2024-03-01",
                "diag_code": "K35.3", "medfee_sumamt": 100, "hifp_pay": 60, "fund": 1, "year": 2024, "day": 20240301, "fee": 100,
                "own_pay": 40, "other_pay": 0, "scope": 0,
            } | row  # fmt: skip
            out.execute(
                f"INSERT INTO cases ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
            )


def said(found: Stays) -> dict[str, tuple[object, ...]]:
    return {
        str(found.setl_id[i]): (
            found.diagnosis_of(i), found.others_of(i), found.operations_of(i), found.main_of(i), found.facts_of(i),
        )
        for i in range(len(found))
    }  # fmt: skip


def test_what_is_read(workspace: Workspace) -> None:
    put(workspace, ROWS)
    found = said(stays.read(workspace.reader(), 2024))
    assert sorted(found) == ["A", "B", "C", "D", "E"]  # out of scope, of another year, invalid: not here
    assert found["A"] == (
        "K35.300", ("I10.x00", "E11.900"), ("47.0100", "54.5100", "54.2100"), "47.0100",
        {"age": 40, "age_days": UNKNOWN, "birth_weight": UNKNOWN, "days": 7, "gender": 2, "fee": 1234, "tcm_fee": 12},
    )  # fmt: skip
    assert found["B"][4]["age_days"] == 28 and found["B"][4]["age"] == 0 and found["B"][4]["birth_weight"] == 740  # type: ignore[index]
    assert found["C"][2:4] == (("88.0100",), "88.0100")  # nothing flagged: the first stands for it
    assert found["C"][4]["age"] == 19  # type: ignore[index]  # a day before the twentieth birthday
    assert found["D"][4]["birth_weight"] == UNKNOWN  # type: ignore[index]  # two that differ say nothing of one
    assert found["D"][4]["age_days"] == UNKNOWN  # type: ignore[index]  # born after admission
    assert (found["E"][4]["age_days"], found["E"][4]["birth_weight"]) == (3, 2400)  # type: ignore[index]


def test_the_platforms_own_lists_win(workspace: Workspace) -> None:
    put(workspace, ROWS)
    with workspace.transaction("import", "lists") as out:
        out.executemany(
            "INSERT INTO diagnosis (setl_id, ord, diag_type, diag_code, maindiag_flag, batch_id, row) VALUES (?, ?, ?, ?, ?, 1, 1)",
            [("A", 1, 1, "I10.x00", 0), ("A", 2, 1, "K36.x00", 1), ("A", 3, 2, "BNW010", 1), ("C", 1, 2, "BNF010", 1)],
        )
        out.executemany(
            "INSERT INTO operation_done (setl_id, ord, oprn_oprt_type, oprn_oprt_code, batch_id, row) VALUES (?, ?, ?, ?, 1, 1)",
            [("A", 1, 2, "54.5100"), ("A", 2, 1, "47.0901"), ("B", 1, 2, "96.7100")],
        )
    found = said(stays.read(workspace.reader(), 2024))
    assert found["A"][:4] == ("K36.x00", ("I10.x00",), ("47.0901", "54.5100"), "47.0901")
    assert found["B"][2:4] == (("96.7100",), "96.7100")
    assert found["C"][:3] == ("J18.9", (), ("88.0100",))  # Chinese-medicine diagnoses alone replace nothing


def test_any_order_of_import_gives_the_same_cases_in_the_same_order(tmp_path: Path) -> None:
    results = []
    for seed in range(3):
        rows = [{**row, "setl_id": f"{row['setl_id']}{n}"} for row in ROWS[:5] for n in range(40)]
        random.Random(seed).shuffle(rows)
        with Workspace.create(tmp_path / f"{seed}.dianzhi", region="350900") as workspace:
            put(workspace, rows)
            found = stays.read(workspace.reader(), 2024)
            results.append((found.setl_id.tolist(), list(said(found).items())))
    assert results[0] == results[1] == results[2]


def test_nothing_there(workspace: Workspace) -> None:
    found = stays.read(workspace.reader(), 2024)
    assert len(found) == 0
    assert found.locate(np.array(["x"], object)).tolist() == [-1]
    assert len(many([])) == 0


def test_places_and_single_cases() -> None:
    listed = [
        Stay("K35.3", ("47.0100", "", "54.5100"), main="99.9900", others=("", "I10"), fee=n, setl_id=f"S{n}") for n in range(500)
    ]
    found = many(listed)
    wanted = np.array(["S499", "nobody", "S0", ""], object)
    places = found.locate(wanted)
    assert [str(found.setl_id[p]) if p >= 0 else "" for p in places.tolist()] == ["S499", "", "S0", ""]
    assert found.operations_of(3) == ("99.9900", "47.0100", "54.5100") and found.main_of(3) == "99.9900"
    alone = found.single(7)
    assert said(alone) == {str(found.setl_id[7]): said(found)[str(found.setl_id[7])]}
    assert one(Stay("K35.3")).main.tolist() == [-1]


def test_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        many([Stay("K35.3")]).fee[0] = 1
