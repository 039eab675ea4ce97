"""Batches: known files, withdrawing and returning, refunds against a plain reference, findings, mappings."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from case_rows import content, put_batch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.faults import Cancelled, Refused
from core.findings import Finding
from core.storage import batches, engine
from core.storage.ledger import Change, Edit, arrival
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.create(tmp_path / "a.dz") as made:
        yield made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory):
    """An empty one for all examples of a property: each takes back what it did, or works on a copy."""
    with Workspace.create(tmp_path_factory.mktemp("untouched") / "a.dz") as made:
        yield made


def bring(workspace: Workspace, cases: list[dict[str, Any]], file: str = "cases.csv") -> int:
    """An import as the importer does it."""
    with workspace.transaction("import", file) as connection:
        batch_id = put_batch(connection, cases, file)
        connection.execute(
            "INSERT INTO diagnosis (setl_id, ord, diag_code, batch_id, row) VALUES (?, 1, 'K35.3', ?, 2)",
            (f"D{file}", batch_id),
        )
        workspace.ledger.record(connection, "import", file, [arrival(batch_id)])
    return batch_id


def copied(workspace: Workspace, path: Path) -> Workspace:
    with workspace.at_rest() as connection:
        connection.execute("VACUUM INTO ?", (str(path),))
    return Workspace.open(path)


def netting(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
    return {(s, sign): n for s, sign, n in connection.execute("SELECT setl_id, sign, netting FROM cases")}


# Known files


def test_the_same_bytes_come_once(workspace: Workspace) -> None:
    given = ("cases", "一月.csv", "", "ab" * 32, 2024, {"结算ID": "setl_id", "备注": None}, "gb18030")
    with workspace.transaction("import", "一月.csv") as connection:
        number = batches.begin(connection, *given)
        batches.finish(connection, number, 3, 2, 1)
    (batch,) = batches.batches(workspace.reader())
    assert (batch.id, batch.kind, batch.file, batch.year) == (number, "cases", "一月.csv", 2024)
    assert batch.mapping == {"结算ID": "setl_id", "备注": None}
    assert (batch.rows_read, batch.accepted, batch.refused, batch.withdrawn) == (3, 2, 1, False)
    with (
        pytest.raises(Refused, match="file_known") as caught,
        workspace.transaction("import", "x") as connection,
    ):
        batches.begin(connection, "cases", "别名.csv", "", "ab" * 32, None, {}, "")
    assert caught.value.values["batch"] == number
    with workspace.transaction("import", "x") as connection:  # another kind or sheet of it is another matter
        batches.begin(connection, "budget", "一月.csv", "", "ab" * 32, None, {}, "")
        batches.begin(connection, "cases", "一月.csv", "Sheet2", "ab" * 32, None, {}, "")


def test_counts_have_to_close(workspace: Workspace) -> None:
    with workspace.transaction("import", "f") as connection:
        number = batches.begin(connection, "cases", "f", "", "ab", None, {}, "")
        with pytest.raises(engine.IntegrityError):
            batches.finish(connection, number, 3, 2, 0)


# Withdrawing and returning


def test_withdrawing_leaves_what_was_before_and_returning_what_was_after(workspace: Workspace) -> None:
    bring(workspace, [{"setl_id": "A"}, {"setl_id": "B"}], "first.csv")
    before = content(workspace.reader())
    second = bring(
        workspace,
        [
            {"setl_id": "C"},
            {"setl_id": "X", "sign": -1, "init_setl_id": "A"},
            {"setl_id": "D", "refd_setl_flag": 1},
        ],
        "second.csv",
    )
    after = content(workspace.reader())
    assert netting(workspace.reader())["A", 1] == 1
    workspace.ledger.undo()
    assert [batch.withdrawn for batch in batches.batches(workspace.reader())] == [False, True]
    assert netting(workspace.reader()) == {("A", 1): 0, ("B", 1): 0}
    assert workspace.reader().execute("SELECT count(*) FROM withdrawn_cases").fetchone() == (3,)
    with workspace.transaction("look", "") as connection:  # apart from the rows that rest
        connection.execute("DELETE FROM withdrawn_cases")
        connection.execute("DELETE FROM withdrawn_diagnosis")
        assert content(connection) == before
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
    workspace.ledger.redo()
    assert content(workspace.reader()) == after
    assert not batches.batches(workspace.reader())[second - 1].withdrawn


def test_withdrawing_by_a_line_of_its_own(workspace: Workspace) -> None:
    number = bring(workspace, [{"setl_id": "A"}])
    workspace.ledger.commit(
        Edit("edit", "", (Change("special_case", {"setl_id": "A"}, None, {"decision": "by_item"}),))
    )
    withdrawal = Edit("withdraw", "cases.csv", (arrival(number).inverse(),), why="重复报送")
    workspace.ledger.commit(withdrawal)
    assert netting(workspace.reader()) == {}
    with pytest.raises(Refused, match="stale_edit"):
        workspace.ledger.commit(withdrawal)
    workspace.ledger.commit(Edit("return", "cases.csv", (arrival(number),)))
    assert netting(workspace.reader()) == {("A", 1): 0}
    with pytest.raises(Refused, match="stale_edit"):
        workspace.ledger.commit(Edit("withdraw", "", (arrival(99).inverse(),)))


def test_a_withdrawn_file_may_come_again_and_then_the_old_batch_cannot_return(workspace: Workspace) -> None:
    first = bring(workspace, [{"setl_id": "A"}])
    workspace.ledger.undo()
    second = bring(workspace, [{"setl_id": "A"}])
    assert second != first
    with pytest.raises(Refused, match="file_known"):
        workspace.ledger.commit(Edit("return", "", (arrival(first),)))


def test_a_key_taken_meanwhile_refuses_the_return_and_changes_nothing(workspace: Workspace) -> None:
    first = bring(workspace, [{"setl_id": "A"}, {"setl_id": "B"}], "first.csv")
    workspace.ledger.undo()
    bring(workspace, [{"setl_id": "B"}], "second.csv")
    before = content(workspace.reader())
    with pytest.raises(Refused, match="key_taken") as caught:
        workspace.ledger.commit(Edit("return", "", (arrival(first),)))
    assert caught.value.values["key"] == "setl_id = B, sign = 1"
    assert content(workspace.reader()) == before


def test_numbers_taken_meanwhile_do_not_hinder_the_return(workspace: Workspace) -> None:
    """case_id only tells rows apart: a later import is given those of the withdrawn rows."""
    first = bring(
        workspace, [{"setl_id": "A"}, {"setl_id": "X", "sign": -1, "init_setl_id": "B"}], "first.csv"
    )
    workspace.ledger.undo()
    bring(workspace, [{"setl_id": "B"}], "second.csv")
    workspace.ledger.commit(Edit("return", "", (arrival(first),)))
    assert netting(workspace.reader()) == {("A", 1): 0, ("B", 1): 1, ("X", -1): 1}


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(3)))
def test_any_order_of_withdrawals_and_returns_leaves_the_content(
    untouched: Workspace, seed: int, order: list[int]
) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, copied(untouched, Path(folder) / "a.dz") as workspace:
        rows = [
            some_case(chance, f"S{i}", sign) for i in range(5) for sign in (1, -1) if chance.random() < 0.7
        ]
        numbers = [bring(workspace, rows[i::3], f"{i}.csv") for i in range(3)]
        before = content(workspace.reader(), surrogate=False)
        for i in order:
            workspace.ledger.commit(Edit("withdraw", "", (arrival(numbers[i]).inverse(),)))
            assert netting(workspace.reader()) == reference(workspace.reader())
        assert netting(workspace.reader()) == {}
        for i in reversed(range(3)):
            workspace.ledger.commit(Edit("return", "", (arrival(numbers[i]),)))
        assert content(workspace.reader(), surrogate=False) == before
        assert workspace.integrity() == []


class Impatient:
    """Wants to stop once the work has asked `patience` times whether to go on."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.stages: list[str] = []

    def report(self, code: str, done: int, total: int | None = None) -> None:
        self.stages.append(code)

    @property
    def cancelled(self) -> bool:
        self.patience -= 1
        return self.patience < 0


@pytest.mark.parametrize("patience", [0, 3, 10])
def test_cancelling_a_withdrawal_changes_nothing(workspace: Workspace, patience: int) -> None:
    bring(workspace, [{"setl_id": f"S{i}"} for i in range(3000)])
    before, generation = content(workspace.reader()), workspace.generation()
    impatient = Impatient(patience)
    with pytest.raises(Cancelled):
        workspace.ledger.undo(progress=impatient)
    assert len(impatient.stages) <= patience
    assert (content(workspace.reader()), workspace.generation()) == (before, generation)
    with pytest.raises(Cancelled), workspace.transaction("look", "", Impatient(2)) as connection:
        connection.execute("SELECT count(*) FROM cases AS a, cases AS b, cases AS c").fetchall()
    workspace.ledger.undo()
    for lang in LANGUAGES:
        assert Texts(lang).has("progress.withdraw")
        assert Texts(lang).has("progress.put_back")


# Refunds


def some_case(chance: random.Random, setl_id: str, sign: int) -> dict[str, Any]:
    amount = chance.choice([100_00, 100_00, 30_00])
    return {
        "setl_id": setl_id,
        "sign": sign,
        "init_setl_id": chance.choice([None, "", "S0", "S1", "S2", setl_id, "not here"])
        if sign < 0
        else None,
        "medfee_sumamt": amount * sign,
        "year": chance.choice([2024, 2024, 2023]),
        "refd_setl_flag": chance.choice([None, 0, 1]),
        "vali_flag": chance.choice([None, 1, 1, 1, 0]),
    }


def reference(connection: sqlite3.Connection) -> dict[tuple[str, int], int]:
    """The rule of interfaces 2 and the decisions of netting.sql, one row after the other."""
    rows = [
        dict(zip(("setl_id", "sign", "init", "fee", "year", "flag", "valid"), row, strict=True))
        for row in connection.execute(
            "SELECT setl_id, sign, init_setl_id, medfee_sumamt, year, refd_setl_flag, vali_flag FROM cases"
        )
    ]
    originals = {row["setl_id"]: row for row in rows if row["sign"] > 0}
    state: dict[tuple[str, int], int] = {}
    claims: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        at = row["setl_id"], row["sign"]
        state[at] = 5 if row["valid"] == 0 else 3 if row["sign"] < 0 else 2 if row["flag"] == 1 else 0
        if row["sign"] > 0 or row["valid"] == 0:
            continue
        named = row["init"] in originals
        original = originals.get(row["init"] if named else row["setl_id"])
        if original is None or original["valid"] == 0:
            continue
        worse = (not named, original["fee"] != -row["fee"], original["year"] != row["year"], row["setl_id"])
        claims.setdefault(original["setl_id"], []).append((worse, row))
    for setl_id, claim in claims.items():
        _, reversal = min(claim, key=lambda c: c[0])
        pair = 1 if reversal["year"] == originals[setl_id]["year"] else 4
        state[setl_id, 1] = state[reversal["setl_id"], -1] = pair
    return state


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9))
def test_refunds_are_what_the_obvious_way_says_in_any_order(untouched: Workspace, seed: int) -> None:
    chance = random.Random(seed)
    rows = [some_case(chance, f"S{i}", sign) for i in range(7) for sign in (1, -1) if chance.random() < 0.6]
    seen = []
    for _ in range(2):
        with untouched.transaction("import", "f") as connection:
            put_batch(connection, rows)
            seen.append(netting(connection))
            assert seen[-1] == reference(connection)
            batches.net_refunds(connection)  # and again changes nothing
            assert netting(connection) == seen[-1]
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
        chance.shuffle(rows)
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([{"setl_id": "A"}, {"setl_id": "A", "sign": -1}], "1 1"),
        ([{"setl_id": "A"}, {"setl_id": "B", "sign": -1, "init_setl_id": "A"}], "1 1"),
        ([{"setl_id": "A"}, {"setl_id": "B"}, {"setl_id": "B", "sign": -1, "init_setl_id": "A"}], "1 0 1"),
        ([{"setl_id": "A"}, {"setl_id": "A", "sign": -1, "init_setl_id": "elsewhere"}], "1 1"),
        ([{"setl_id": "A", "refd_setl_flag": 1}], "2"),
        ([{"setl_id": "A", "refd_setl_flag": 1}, {"setl_id": "A", "sign": -1, "refd_setl_flag": 1}], "1 1"),
        ([{"setl_id": "A", "sign": -1}], "3"),
        ([{"setl_id": "A", "year": 2023}, {"setl_id": "A", "sign": -1}], "4 4"),
        ([{"setl_id": "A", "vali_flag": 0}], "5"),
        # a reversal of an invalid row has nothing to cancel; an invalid reversal cancels nothing
        ([{"setl_id": "A", "vali_flag": 0}, {"setl_id": "B", "sign": -1, "init_setl_id": "A"}], "5 3"),
        ([{"setl_id": "A"}, {"setl_id": "A", "sign": -1, "vali_flag": 0}], "0 5"),
        ([{"setl_id": "A", "refd_setl_flag": 1}, {"setl_id": "A", "sign": -1, "vali_flag": 0}], "2 5"),
        # two reversals of one row: one cancels it
        (
            [
                {"setl_id": "A"},
                {"setl_id": "C", "sign": -1, "init_setl_id": "A"},
                {"setl_id": "B", "sign": -1, "init_setl_id": "A"},
            ],
            "1 3 1",
        ),
        # the one of the same amount
        (
            [
                {"setl_id": "A"},
                {"setl_id": "B", "sign": -1, "init_setl_id": "A", "medfee_sumamt": -1},
                {"setl_id": "C", "sign": -1, "init_setl_id": "A"},
            ],
            "1 3 1",
        ),
        # a part refund cancels all the same, and is told of
        ([{"setl_id": "A"}, {"setl_id": "A", "sign": -1, "medfee_sumamt": -30_00}], "1 1"),
        ([{"setl_id": "A"}, {"setl_id": "B", "refd_setl_flag": 0, "vali_flag": 1}], "0 0"),
    ],
)
def test_refunds_by_hand(workspace: Workspace, cases: list[dict[str, Any]], expected: str) -> None:
    bring(workspace, cases)
    found = [str(n) for (n,) in workspace.reader().execute("SELECT netting FROM cases ORDER BY row")]
    assert " ".join(found) == expected


def test_netting_visits_odd_rows_only(workspace: Workspace) -> None:
    bring(workspace, [{"setl_id": f"S{i}"} for i in range(50)] + [{"setl_id": "S3", "sign": -1}])
    statement, plans = "", []
    with workspace.transaction("look", "") as connection:
        for line in batches.NETTING.read_text("utf-8").splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                if "cases" in statement:
                    plans += [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement)]
                connection.execute(statement)
                statement = ""
    plans = [plan for plan in plans if any(name in plan for name in ("cases", "named", "own", "reversal"))]
    assert plans
    for plan in plans:
        assert "SCAN cases USING INDEX cases_odd" in plan or plan.startswith(
            ("SEARCH", "SCAN reversal", "SCAN netting")
        )


# Findings


def test_what_stands_is_said_once_with_its_place(workspace: Workspace) -> None:
    with workspace.transaction("import", "cases.csv") as connection:
        number = put_batch(
            connection,
            [
                {"setl_id": "OK"},
                {"setl_id": "PAIR"},
                {"setl_id": "PAIR", "sign": -1},
                {"setl_id": "FLAG", "refd_setl_flag": 1, "medfee_sumamt": 123_45},
                {"setl_id": "ALONE", "sign": -1},
                {"setl_id": "YEARS", "year": 2023},
                {"setl_id": "YEARS", "sign": -1},
                {"setl_id": "INVALID", "vali_flag": 0},
                {"setl_id": "PART"},
                {"setl_id": "PART", "sign": -1, "medfee_sumamt": -30_00},
            ],
        )
        stored = Finding("x", "refused", "cases.csv", "", 12, "medfee_sumamt", "abc", values={"reason": "字"})
        batches.store_findings(connection, iter([stored]), batch_id=number)
        workspace.ledger.record(connection, "import", "cases.csv", [arrival(number)])
    found = batches.standing_findings(workspace.reader())
    assert found[0] == stored
    assert [(f.code, f.subject, f.file, f.row) for f in found[1:]] == [
        ("refund_without_reversal", "FLAG", "cases.csv", 5),
        ("reversal_without_original", "ALONE", "cases.csv", 6),
        ("pair_across_years", "YEARS", "cases.csv", 7),
        ("pair_across_years", "YEARS", "cases.csv", 8),
        ("settlement_invalid", "INVALID", "cases.csv", 9),
        ("reversal_amount_differs", "PART", "cases.csv", 11),
    ]
    assert found[1].values["fee"] == "123.45"
    for lang in LANGUAGES:
        texts = Texts(lang)
        assert "123.45" in texts.finding(found[1])
        assert "-30.00" in texts.finding(found[-1])
        assert all("{" not in texts.finding(f) for f in found[1:])
    assert batches.findings(workspace.reader(), batch_id=number) == [stored]
    workspace.ledger.undo()
    assert batches.standing_findings(workspace.reader()) == []
    assert batches.findings(workspace.reader(), batch_id=number) == [stored]


# Mappings


def test_mappings_are_remembered_by_headings(workspace: Workspace) -> None:
    headings = ["结算ID", "医疗费总额（元）", "备注"]
    mapping = {"结算ID": "setl_id", "医疗费总额（元）": "medfee_sumamt", "备注": None}
    with workspace.transaction("import", "f") as connection:
        batches.remember_mapping(connection, "cases", headings, {"结算ID": "psn_no"})
        batches.remember_mapping(connection, "cases", headings, mapping)
    recall = batches.recall_mapping
    assert recall(workspace.reader(), "cases", headings) == mapping
    assert recall(workspace.reader(), "cases", ["备注 ", "医疗费总额(元)", "结算ＩＤ"]) == mapping
    assert recall(workspace.reader(), "budget", headings) is None
    assert recall(workspace.reader(), "cases", headings[:2]) is None
