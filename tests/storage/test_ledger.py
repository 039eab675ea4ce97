"""Edits and their inverse, undo and redo over restarts, and the chain."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from case_rows import content
from hypothesis import given, settings
from hypothesis import strategies as st

from core import settings as choices
from core.faults import Refused
from core.storage import engine
from core.storage import ledger as ledger_room
from core.storage.engine import library as sqlite3
from core.storage.ledger import Change, Edit
from core.storage.workspace import Workspace
from core.texts import LANGUAGES, Texts


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.create(tmp_path / "a.dz") as made:
        yield made


def coefficient(part: str, before: Any, after: Any, code: str = "H1", set_name: str = "imported") -> Change:
    key = {"set_name": set_name, "fixmedins_code": code, "fund": "all", "part": part, "valid_from": ""}
    return Change(
        "coefficient",
        key,
        None if before is None else {"value": before},
        None if after is None else {"value": after},
    )


def edit(*changes: Change, why: str = "") -> Edit:
    return Edit("edit", "H1", changes, why)


def values(workspace: Workspace) -> dict[str, str]:
    return dict(
        workspace.reader().execute("SELECT fixmedins_code || part, value FROM coefficient").fetchall()
    )


def test_an_edit_and_its_line_are_one(workspace: Workspace) -> None:
    line = workspace.ledger.commit(edit(coefficient("base", None, "0.93"), why="鉴定"))
    assert values(workspace) == {"H1base": "0.93"}
    assert workspace.ledger.lines(limit=1) == [line]
    assert (line.action, line.subject, line.why, line.answers) == ("edit", "H1", "鉴定", None)
    assert line.previous == workspace.ledger.lines()[1].hash
    assert line.at.endswith("+00:00")


def test_who_is_the_user_of_the_settings(workspace: Workspace) -> None:
    choices.save(choices.Settings(user="审计员甲"))
    assert workspace.ledger.commit(edit(coefficient("base", None, "1"))).who == "审计员甲"


def test_a_stale_before_is_refused_naming_key_and_both_values(workspace: Workspace) -> None:
    workspace.ledger.commit(edit(coefficient("base", None, "0.93")))
    before = content(workspace.reader())
    for stale, expected, found in [
        (coefficient("base", "0.90", "1"), "value = 0.90", "value = 0.93"),
        (coefficient("base", None, "1"), "—", "value = 0.93"),
        (coefficient("base", "0.90", None), "value = 0.90", "value = 0.93"),
        (coefficient("none", "0.90", "1"), "value = 0.90", "—"),
    ]:
        with pytest.raises(Refused, match="stale_edit") as caught:
            workspace.ledger.commit(
                edit(coefficient("bonus:x", None, "1"), stale)
            )  # the first change goes too
        said = caught.value.values
        assert said["expected"] == expected
        assert str(said["found"]).startswith(found)
        assert "fixmedins_code = H1" in str(said["key"])
        for lang in LANGUAGES:
            assert str(said["found"]) in Texts(lang)("fault.stale_edit", **said)
    assert content(workspace.reader()) == before


def test_undo_of_a_deletion_brings_back_the_whole_row(workspace: Workspace) -> None:
    key = {"year": 2024, "fund": "resident", "item": "dip_topup", "document": "N116", "date": "2024-06-01"}
    workspace.ledger.commit(Edit("edit", "", (Change("budget", key, None, {"amount": 8_000_000_000}),)))
    before = content(workspace.reader())
    workspace.ledger.commit(Edit("edit", "", (Change("budget", key, {}, None),)))
    assert workspace.reader().execute("SELECT count(*) FROM budget").fetchone() == (0,)
    workspace.ledger.undo()
    assert content(workspace.reader()) == before


def test_undo_and_redo_walk_as_users_expect(workspace: Workspace) -> None:
    ledger = workspace.ledger
    first = ledger.commit(edit(coefficient("base", None, "1")))
    second = ledger.commit(edit(coefficient("base", "1", "2")))
    assert ledger.redoable() is None
    undone = ledger.undo(why="看错")
    assert (undone.action, undone.answers, undone.why) == ("undo", second.id, "看错")
    assert ledger.undo().answers == first.id
    assert values(workspace) == {}
    assert ledger.undoable() is None
    with pytest.raises(Refused, match="nothing_to_undo"):
        ledger.undo()
    ledger.redo()
    redone = ledger.redo()
    assert (redone.action, redone.answers) == ("redo", undone.id)
    assert values(workspace) == {"H1base": "2"}
    assert ledger.undo().answers == redone.id
    ledger.commit(edit(coefficient("bonus:x", None, "0.1")))  # clears what could be redone
    with pytest.raises(Refused, match="nothing_to_redo"):
        ledger.redo()
    with pytest.raises(Refused, match="nothing_to_redo"):
        ledger.redo(undone.id)
    assert values(workspace) == {"H1base": "1", "H1bonus:x": "0.1"}


def test_one_edit_in_the_middle_is_undone_by_name(workspace: Workspace) -> None:
    ledger = workspace.ledger
    a = ledger.commit(edit(coefficient("a", None, "1")))
    b = ledger.commit(edit(coefficient("b", None, "1")))
    ledger.commit(edit(coefficient("b", "1", "2")))
    ledger.undo(a.id)
    assert values(workspace) == {"H1b": "2"}
    with pytest.raises(Refused, match="nothing_to_undo"):
        ledger.undo(a.id)
    with pytest.raises(Refused, match="stale_edit"):
        ledger.undo(b.id)  # a later edit stands on it
    ledger.redo(a.id)
    assert values(workspace) == {"H1b": "2", "H1a": "1"}
    with pytest.raises(Refused, match="nothing_to_undo"):
        ledger.undo(999)


def test_lines_that_change_nothing_are_passed_over(workspace: Workspace) -> None:
    ledger = workspace.ledger
    ledger.commit(edit(coefficient("base", None, "1")))
    ledger.undo()
    with workspace.transaction("clear", "2024") as connection:
        ledger.record(connection, "run", "2024")
    ledger.redo()  # a run in between clears nothing
    assert values(workspace) == {"H1base": "1"}


def test_many_changes_are_one_edit_with_one_undo(workspace: Workspace) -> None:
    before = content(workspace.reader())
    pasted = [coefficient(f"bonus:{i}", None, f"0.0{i}") for i in range(200)]
    twice = [coefficient("bonus:7", "0.07", "0.7"), coefficient("bonus:7", "0.7", None)]
    workspace.ledger.commit(edit(*pasted, *twice))
    assert len(values(workspace)) == 199
    workspace.ledger.undo()
    assert content(workspace.reader()) == before
    workspace.ledger.redo()
    assert len(values(workspace)) == 199


def test_a_published_set_is_frozen_even_to_undo(workspace: Workspace) -> None:
    ledger = workspace.ledger

    def state(before: str | None, after: str) -> Change:
        row = {"state": after} if before else {"state": after, "at": "2025-01-01"}
        return Change("coefficient_set", {"name": "2024"}, {"state": before} if before else None, row)

    ledger.commit(
        Edit("edit", "2024", (state(None, "draft"), coefficient("base", None, "1", set_name="2024")))
    )
    ledger.commit(Edit("publish", "2024", (state("draft", "published"),)))
    before = content(workspace.reader())
    for attempt in (
        lambda: ledger.commit(edit(coefficient("base", "1", "2", set_name="2024"))),
        lambda: ledger.commit(edit(coefficient("bonus:x", None, "2", set_name="2024"))),
        lambda: ledger.commit(edit(coefficient("base", "1", None, set_name="2024"))),
        lambda: ledger.commit(Edit("edit", "2024", (state("published", "draft"),))),
        lambda: ledger.undo(),
    ):
        with pytest.raises(Refused, match="published_frozen"):
            attempt()
    with pytest.raises(Refused, match="nothing_to_undo"):
        ledger.undo(ledger.lines(limit=1)[0].id)
    assert content(workspace.reader()) == before


def test_only_named_tables_and_columns_are_edited(workspace: Workspace) -> None:
    key = {"name": "imported"}
    for table, at, row in [
        ("cases", {"setl_id": "S"}, {"fee": 1}),
        ("ledger", {"id": 1}, {"why": "x"}),
        ("meta", {"key": "region"}, {"value": "1"}),
        ("sqlite_master", {"name": "x"}, {"sql": ""}),
        ('budget"; DROP TABLE cases; --', {"year": 1}, {"amount": 1}),
        ("coefficient_set", {**key, "extra": 1}, {"state": "draft"}),
        ("coefficient_set", {}, {"state": "draft"}),
        ("coefficient_set", key, {'state" = 1 --': "draft"}),
        ("batch", {"id": 1}, {"accepted": 5}),
    ]:
        with pytest.raises(Refused, match="not_editable"):
            workspace.ledger.commit(edit(Change(table, at, row, row)))


def test_what_is_no_fact_is_a_bug(workspace: Workspace) -> None:
    for value in (0.93, True, b"1", ["1"]):
        with pytest.raises(TypeError):
            workspace.ledger.commit(edit(coefficient("base", None, value)))
    workspace.ledger.commit(edit(coefficient("base", None, "1")))
    blind = Change("coefficient", coefficient("base", "1", "2").key, {"value": "1"}, {"basis": "N90"})
    with pytest.raises(ValueError, match="lacks"):
        workspace.ledger.commit(edit(blind))
    key = {"year": 2024, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}
    with pytest.raises(TypeError, match="keeps other values"):  # text into a column of integers
        workspace.ledger.commit(edit(Change("budget", key, None, {"amount": "12"})))
    assert values(workspace) == {"H1base": "1"}


# Any sequence of edits, undos, redos and restarts against a plain model of the same


PARTS = ("base", "bonus:a", "deduction:b")
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("edit"),
            st.dictionaries(
                st.sampled_from(PARTS), st.none() | st.sampled_from(["0.9", "1", "1.05"]), min_size=1
            ),
        ),
        st.sampled_from([("undo", None), ("redo", None), ("restart", None), ("note", None)]),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty workspace: a copy of it costs a fifth of a new one."""
    path = tmp_path_factory.mktemp("unused") / "a.dz"
    Workspace.create(path).close()
    return path


@settings(max_examples=60)
@given(steps=steps)
def test_any_sequence_is_what_a_plain_model_says(
    unused: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    path = Path(shutil.copy(unused, tmp_path_factory.mktemp("model") / "a.dz"))
    workspace = Workspace.open(path)
    now: dict[str, str] = {}
    past: list[dict[str, str]] = []
    future: list[dict[str, str]] = []
    try:
        for what, wanted in steps:
            match what:
                case "edit":
                    new = {k: v for k, v in (now | wanted).items() if v is not None}
                    changes = [
                        coefficient(part, now.get(part), new.get(part))
                        for part in wanted
                        if part in {*now, *new}
                    ]
                    workspace.ledger.commit(edit(*changes))
                    if changes:
                        past.append(now)
                        future.clear()
                    now = new
                case "undo" | "redo":
                    source, target = (past, future) if what == "undo" else (future, past)
                    if source:
                        target.append(now)
                        now = source.pop()
                        getattr(workspace.ledger, what)()
                    else:
                        with pytest.raises(Refused, match=f"nothing_to_{what}"):
                            getattr(workspace.ledger, what)()
                case "note":
                    with workspace.transaction("clear", "") as connection:
                        workspace.ledger.record(connection, "run", "")
                case _:
                    workspace.close()
                    workspace = Workspace.open(path)
            assert values(workspace) == {f"H1{part}": value for part, value in now.items()}
            assert (workspace.ledger.undoable() is None) == (not past)
            assert (workspace.ledger.redoable() is None) == (not future)
        assert workspace.ledger.check() == []
    finally:
        workspace.close()


def test_a_clock_that_runs_backwards_breaks_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards(ledger_room.datetime):
        years = iter(range(2040, 2000, -1))

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return ledger_room.UTC and cls(next(cls.years), 1, 1, tzinfo=tz)

    monkeypatch.setattr(ledger_room, "datetime", Backwards)
    workspace.ledger.commit(edit(coefficient("base", None, "1")))
    workspace.ledger.commit(edit(coefficient("base", "1", "2")))
    workspace.ledger.undo()
    workspace.ledger.redo()
    assert [line.at[:4] for line in workspace.ledger.lines(limit=4)] == ["2037", "2038", "2039", "2040"]
    assert values(workspace) == {"H1base": "2"}
    assert workspace.ledger.check() == []


# The chain


def test_lines_are_paged_newest_first(workspace: Workspace) -> None:
    for i in range(5):
        workspace.ledger.commit(edit(coefficient(f"bonus:{i}", None, "1")))
    page = workspace.ledger.lines(limit=2)
    assert [line.id for line in page] == [6, 5]
    assert [line.id for line in workspace.ledger.lines(limit=9, before=page[-1].id)] == [4, 3, 2, 1]


def test_triggers_refuse_to_alter_it(workspace: Workspace) -> None:
    workspace.ledger.commit(edit(coefficient("base", None, "1")))
    before = workspace.ledger.lines()
    row = "at, who, action, subject, changes, why, answers, previous, hash FROM ledger WHERE id = "
    for statement in (
        "UPDATE ledger SET why = 'x' WHERE id = 2",
        "DELETE FROM ledger",
        f"INSERT OR REPLACE INTO ledger SELECT 2, {row} 1",
        f"INSERT INTO ledger SELECT 9, {row} 1",
        "INSERT INTO ledger VALUES (3, '', '', '', '', '[]', '', NULL, 'not the hash before', 'x')",
    ):
        with (
            pytest.raises(engine.IntegrityError, match="append-only"),
            workspace.transaction("x", "") as connection,
        ):
            connection.execute(statement)
    assert workspace.ledger.lines() == before


@pytest.mark.parametrize(
    ("statement", "code", "line"),
    [
        (
            "UPDATE ledger SET changes = replace(changes, '0.93', '0.94') WHERE id = 3",
            "ledger_line_altered",
            "3",
        ),
        ("UPDATE ledger SET who = who || ' ' WHERE id = 2", "ledger_line_altered", "2"),
        ("UPDATE ledger SET at = '1999' WHERE id = 5", "ledger_line_altered", "5"),
        ("DELETE FROM ledger WHERE id = 3", "ledger_line_missing", "3"),
        ("DELETE FROM ledger WHERE id = 5", "ledger_line_missing", "5"),
        ("DELETE FROM ledger WHERE id = 1", "ledger_line_missing", "1"),
        ("UPDATE ledger SET hash = 'x' WHERE id = 3", "ledger_chain_broken", "4"),
    ],
)
def test_tampering_is_found_with_its_line(tmp_path: Path, statement: str, code: str, line: str) -> None:
    path = tmp_path / "a.dz"
    with Workspace.create(path) as workspace:
        for i in range(4):
            workspace.ledger.commit(edit(coefficient(f"bonus:{i}", None, f"0.9{i + 2}")))
        assert workspace.ledger.check() == []
    raw = sqlite3.connect(path)
    guards = [
        sql
        for (sql,) in raw.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'"
        )
    ]
    for name in ("ledger_no_update", "ledger_no_delete"):
        raw.execute(f"DROP TRIGGER {name}")
    raw.execute(statement)
    raw.commit()
    with Workspace.open(path, write=False) as workspace:
        assert "ledger_unguarded" in {finding.code for finding in workspace.ledger.check()}
    for sql in guards:
        if "ledger_appends" not in sql:
            raw.execute(sql)
    raw.commit()
    raw.close()
    with Workspace.open(path) as workspace:
        found = workspace.ledger.check()
        assert (code, line) in {(finding.code, finding.subject) for finding in found}
        assert "ledger_unguarded" not in {finding.code for finding in found}
        for finding in found:
            assert all(Texts(lang).has(f"finding.{finding.code}") for lang in LANGUAGES)


def test_the_hash_can_be_redone_by_anyone(workspace: Workspace) -> None:
    """Written out here independently, as a stranger would who distrusts the program."""
    import hashlib

    workspace.ledger.commit(edit(coefficient("base", None, "1"), why="依据 N90"))
    workspace.ledger.undo()
    names = ("id", "at", "who", "action", "subject", "changes", "why", "answers", "previous")
    before = ""
    for *row, hashed in workspace.reader().execute(
        f"SELECT {', '.join(names)}, hash FROM ledger ORDER BY id"
    ):
        line = json.dumps(
            dict(zip(names, row, strict=True)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        assert hashlib.sha256(line.encode("utf-8")).hexdigest() == hashed
        assert row[-1] == before
        before = hashed


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT 1; END",
        "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger WHEN 0 BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END",
    ],
)
def test_a_guard_that_guards_nothing_is_none(tmp_path: Path, made: str) -> None:
    path = tmp_path / "a.dz"
    Workspace.create(path).close()
    raw = sqlite3.connect(path)
    raw.execute("DROP TRIGGER ledger_no_update")
    raw.execute(made)
    raw.close()
    with Workspace.open(path) as workspace:
        assert [finding.code for finding in workspace.ledger.check()] == ["ledger_unguarded"]


def test_the_name_of_confirming_opens_no_door(workspace: Workspace) -> None:
    """A confirmed year's runs are held whatever an edit is called; confirming and reopening are one change of their list."""
    row = {"runs": "[]", "at": "2026-01-01T00:00:00+00:00", "who": "x", "why": ""}
    say = Change("confirmed_year", {"year": 2024}, None, row)
    other = coefficient("base", None, "0.93")
    before = workspace.generation()
    for action in ("confirm", "reopen"):
        for changes in ((other,), (say, other), (), (say, Change("confirmed_year", {"year": 2025}, None, row))):
            with pytest.raises(Refused, match="not_editable"):
                workspace.ledger.commit(Edit(action, "2024", changes))
    with pytest.raises(Refused, match="not_editable"):
        workspace.ledger.commit(Edit("reopen", "2024", (say,)))
    assert workspace.generation() == before
    workspace.ledger.commit(Edit("confirm", "2024", (say,)))
    with pytest.raises(Refused, match="not_editable"):
        workspace.ledger.commit(Edit("confirm", "2024", (say.inverse(),)))
    workspace.ledger.commit(Edit("reopen", "2024", (say.inverse(),)))
