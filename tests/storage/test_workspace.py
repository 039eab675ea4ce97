"""The door: what opens, what does not and why, one writer, all or nothing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from case_rows import put_batch, put_case

from core.catalogue import library
from core.faults import Cancelled, Refused, WorldFault
from core.storage import backups, batches, contents, engine, migrations, recognised
from core.storage import workspace as room
from core.storage.engine import library as sqlite3
from core.storage.ledger import Change, Edit, arrival
from core.storage.workspace import Workspace

if TYPE_CHECKING:
    from sqlite_utils import Database

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a closed workspace, in a folder whose name needs quoting in an address."""
    folder = tmp_path / ("宁德 100%#" if os.name == "nt" else "宁德 100%#?")
    folder.mkdir()
    Workspace.create(folder / "市.dianzhi", region="350900", name="宁德").close()
    return folder / "市.dianzhi"


def budget(amount: int, year: int = 2024) -> Edit:
    key = {"year": year, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}
    return Edit("edit", str(year), (Change("budget", key, None, {"amount": amount}),))


def fault(code: str, path: Path, **open_as: bool) -> WorldFault:
    with pytest.raises(WorldFault) as caught:
        Workspace.open(path, **open_as).close()
    assert caught.value.code == code
    return caught.value


def test_a_new_workspace_is_what_was_asked_for(path: Path) -> None:
    with Workspace.open(path) as workspace:
        assert (workspace.region, workspace.name, workspace.synthetic) == ("350900", "宁德", False)
        assert len(workspace.person_key) == 32
        assert not workspace.read_only
        assert workspace.interrupted == ()
        assert workspace.integrity() == []
        assert [line.action for line in workspace.ledger.lines()] == ["new"]
        reader = workspace.reader()
        assert reader.execute("PRAGMA application_id").fetchone() == (migrations.APPLICATION_ID,)
        assert reader.execute("PRAGMA user_version").fetchone() == (migrations.LAYOUT,)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        with workspace.transaction("look", "") as writer:
            assert writer.execute("PRAGMA foreign_keys").fetchone() == (1,)
            with pytest.raises(engine.IntegrityError):
                put_case(writer, 77, 2, setl_id="of no batch")


def test_what_is_final_is_written_through(path: Path) -> None:
    """Confirming, reopening, publishing: told when it is on the disk. 1 is NORMAL, 2 is FULL."""
    with Workspace.open(path) as workspace:
        for what, level in (("edit", 1), ("confirm", 2), ("reopen", 2), ("publish", 2), ("import", 1)):
            for fails in (False, True):
                with suppress(RuntimeError), workspace.transaction(what, "") as writer:
                    assert writer.execute("PRAGMA synchronous").fetchone() == (level,)
                    if fails:
                        raise RuntimeError
                with workspace.at_rest() as writer:
                    assert writer.execute("PRAGMA synchronous").fetchone() == (1,)


@pytest.mark.parametrize("moment", ["there", "lost"])
def test_a_workspace_that_somebody_else_makes_meanwhile_is_theirs(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and locking another process makes the file; between locking and writing a copy of one appears."""
    path = tmp_path / "w.dz"
    real = room.locked

    def slow(asked: Path) -> object:
        if moment == "there":
            monkeypatch.setattr(room, "locked", real)
            with Workspace.create(path, name="theirs") as theirs:
                theirs.ledger.commit(budget(5))
            return real(asked)
        lock = real(asked)
        path.write_bytes(b"theirs")
        return lock

    monkeypatch.setattr(room, "locked", slow)
    with pytest.raises(WorldFault, match="exists"):
        Workspace.create(path, name="ours")
    if moment == "lost":
        assert path.read_bytes() == b"theirs"
        return
    with Workspace.open(path) as workspace:
        assert workspace.name == "theirs" and len(workspace.ledger.lines()) == 2


def test_each_workspace_has_a_key_of_its_own(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "a.dz") as a, Workspace.create(tmp_path / "b.dz") as b:
        assert a.person_key != b.person_key


def test_closed_it_is_one_file(path: Path) -> None:
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(budget(1))
    with Workspace.open(path, write=False) as workspace:
        assert workspace.reader().execute("SELECT amount FROM budget").fetchall() == [(1,)]
    assert sorted(p.name for p in path.parent.iterdir()) == ["市.dianzhi", "市.dianzhi.lock"]


def test_create_overwrites_nothing(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(WorldFault, match="exists"):
        Workspace.create(path)
    assert path.read_bytes() == before
    with pytest.raises(WorldFault, match="folder_missing"):
        Workspace.create(path.parent / "none" / "a.dz")
    for attempt in (Workspace.create, Workspace.open):
        with pytest.raises(WorldFault, match="cannot_open"):
            attempt(path.parent / ("x" * 300))
    with pytest.raises(Refused, match="region_form"):
        Workspace.create(path.parent / "b.dz", region="3509")
    assert not (path.parent / "b.dz").exists()


def test_what_is_no_workspace_is_refused_and_left_alone(tmp_path: Path) -> None:
    fault("missing", tmp_path / "none.dz")
    fault("missing", tmp_path / "no folder" / "none.dz")
    fault("not_a_workspace", tmp_path)
    for name, data in {
        "empty": b"",
        "text": b"setl_id,medfee\n" * 200,
        "short": b"SQLite format 3\0",
    }.items():
        (tmp_path / name).write_bytes(data)
        fault("not_a_workspace", tmp_path / name)
        assert (tmp_path / name).read_bytes() == data
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE meta (key, value)")
    connection.close()
    before = other.read_bytes()
    fault("other_application", other)
    assert other.read_bytes() == before
    assert not (tmp_path / "other.sqlite.lock").exists()


def test_a_cut_or_scrambled_file_is_damaged(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    fault("damaged", path)
    fault("damaged", path, write=False)
    path.write_bytes(whole[:100] + bytes(range(256)) * ((len(whole) - 100) // 256))
    fault("damaged", path)
    path.write_bytes(whole)
    with Workspace.open(path) as workspace:
        assert workspace.integrity() == []


def test_damage_deep_inside_is_found_by_the_check(path: Path) -> None:
    with Workspace.open(path) as workspace, workspace.transaction("import", "f") as writer:
        put_batch(writer, ({"setl_id": f"S{i:05}"} for i in range(3000)))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)
    with Workspace.open(path, write=False) as workspace:
        found = workspace.integrity()
        assert found
        assert {finding.code for finding in found} == {"file_damaged"}


def test_a_newer_layout_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {migrations.LAYOUT + 1}")
    connection.close()
    caught = fault("newer_layout", path)
    assert caught.values["layout"] == migrations.LAYOUT + 1
    fault("newer_layout", path, write=False)


# Migration, from a file as layout 1 was: layout_1.sql is its schema, the rest what a workspace of it held.
LAYOUT_1 = Path(__file__).with_name("layout_1.sql")


def make_layout_1(path: Path) -> None:
    """The workspace at the path again as one of layout 1: its ledger and batches, a catalogue, a withdrawn one."""
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(budget(123))
        told = workspace.reader().execute("SELECT * FROM ledger").fetchall()
        meta = workspace.reader().execute("SELECT * FROM meta").fetchall()
    path.unlink()
    connection = sqlite3.connect(path)
    connection.executescript(LAYOUT_1.read_text("utf-8"))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    connection.executemany(f"INSERT INTO ledger VALUES ({', '.join('?' * 10)})", told)
    connection.executescript(
        """
        INSERT INTO coefficient_set (name, state, at) VALUES ('imported', 'draft', '2024-01-01');
        INSERT INTO budget VALUES (2024, 'employee', 'dip_budget', '', '', 123, NULL, NULL);
        INSERT INTO batch VALUES (1, 'catalogue', '目录2024.csv', '', 'ab', NULL, '{}', 'utf-8', 2, 2, 0, 0, '2024-01-01');
        INSERT INTO catalogue (version, year, dip_code, dip_name, kind, score, mean_fee, primary_care, batch_id, row) VALUES
            ('2024', 2024, 'K35.3:47.0100', '急性阑尾炎', 'core', '1.2', 900000, 0, 1, 2),
            ('2024', 2024, 'J18.9:保守治疗', '肺炎', 'primary_care', '0.5', NULL, 1, 1, 3);
        CREATE TABLE withdrawn_catalogue (
            version TEXT, year INTEGER, dip_code TEXT, dip_name TEXT, kind TEXT, diag_code TEXT, oprn_code TEXT, rel_oprn_code TEXT,
            attribute TEXT, score TEXT, mean_fee INTEGER, mean_days TEXT, coef_3 TEXT, coef_2 TEXT, coef_1 TEXT,
            primary_care INTEGER, batch_id INTEGER, row INTEGER);
        INSERT INTO batch VALUES (2, 'catalogue', '目录2023.csv', '', 'cd', NULL, '{}', 'utf-8', 1, 1, 0, 1, '2024-01-02');
        INSERT INTO withdrawn_catalogue (version, year, dip_code, dip_name, kind, score, batch_id, row)
            VALUES ('2023', 2023, 'A', '甲', 'core', '1', 2, 2);
        """
    )
    connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()


def layout(connection: sqlite3.Connection) -> object:
    """What a file is made of: tables with their columns, and the text of indexes and triggers."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    columns = {
        name: connection.execute(
            'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', (name,)
        ).fetchall()
        for (name,) in tables
    }
    return columns, connection.execute(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') ORDER BY name"
    ).fetchall()


def test_layout_1_is_migrated_after_a_backup_to_what_a_new_workspace_is(path: Path, tmp_path: Path) -> None:
    make_layout_1(path)
    fault("older_layout", path, write=False)
    with Workspace.open(path) as workspace, Workspace.create(tmp_path / "new", "350900", "新") as new:
        assert workspace.name == "宁德"
        reader = workspace.reader()
        assert layout(reader) == layout(new.reader())
        assert reader.execute("PRAGMA user_version").fetchone() == (migrations.LAYOUT,)
        assert reader.execute("SELECT amount FROM budget").fetchall() == [(123,)]
        assert reader.execute(
            "SELECT dip_code, score, mean_fee, stage, condition, cv FROM catalogue ORDER BY 1"
        ).fetchall() == [
            ("J18.9:保守治疗", "0.5", None, None, None, None),
            ("K35.3:47.0100", "1.2", 900000, None, None, None),
        ]
        newest = workspace.ledger.lines()[0]
        (made,) = backups.listed(path)
        assert made.reason == "migration"
        assert (newest.action, newest.why) == ("migrate", f"1 -> {migrations.LAYOUT}; {made.name}")
        assert workspace.ledger.check() == []
        assert workspace.integrity() == []
        workspace.ledger.undo()  # an edit from before the migration
        workspace.ledger.commit(Edit("put_back", "目录2023.csv", (arrival(2),)))
        assert reader.execute("SELECT dip_name, stage FROM catalogue WHERE version = '2023'").fetchall() == [("甲", None)]
        assert library.choose(reader, 2024) == "2024"
        assert library.publish(workspace, "2024").state == "published"
    backup = sqlite3.connect(made.path)
    assert backup.execute("SELECT amount FROM budget").fetchall() == [(123,)]
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    backup.close()
    with Workspace.open(path) as workspace:
        assert workspace.ledger.lines()[0].action == "publish"


def test_a_layout_that_no_step_knows_is_left_alone(path: Path) -> None:
    make_layout_1(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    fault("no_migration", path)


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_layout_1(path)
    step = migrations.STEPS[1]

    def halfway(db: Database) -> None:
        step(db)
        raise KeyboardInterrupt

    def orphan(db: Database) -> None:
        step(db)
        db.execute("INSERT INTO exclusion VALUES ('2024', 2024, 'diagnosis', 'Z37.0', NULL, 99, 1)")

    monkeypatch.setitem(migrations.STEPS, 1, halfway)
    with pytest.raises(KeyboardInterrupt):
        Workspace.open(path)
    monkeypatch.setitem(migrations.STEPS, 1, orphan)
    fault("migration_broken", path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM catalogue").fetchone() == (2,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'exclusion'").fetchone() == (0,)
    connection.close()
    assert len(backups.listed(path)) == 2  # no backup overwrites another


# One writer


def test_the_second_to_open_reads_only(path: Path) -> None:
    with Workspace.open(path) as first:
        with Workspace.open(path) as second:
            assert second.read_only
            assert second.read_only_why == "locked"
            first.ledger.commit(budget(5))
            assert second.reader().execute("SELECT amount FROM budget").fetchall() == [(5,)]
            assert second.generation() == first.generation()
            with pytest.raises(WorldFault, match="read_only"):
                second.ledger.commit(budget(6, 2025))
            with pytest.raises(WorldFault, match="read_only"), second.transaction("import", "f"):
                pass
        fault("locked", path, strict=True)
    with Workspace.open(path, strict=True) as third:
        assert not third.read_only


def test_the_lock_holds_across_processes(path: Path) -> None:
    code = (
        "import sys; from core.storage.workspace import Workspace\n"
        "ws = Workspace.open(sys.argv[1]); print(ws.read_only_why or 'writes', flush=True)\n"
        "sys.stdin.read(); ws.close()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        assert child.stdout.readline().strip() == "writes"
        with Workspace.open(path) as mine:
            assert mine.read_only
        fault("locked", path, strict=True)
        child.stdin.close()
        assert child.wait() == 0
    with Workspace.open(path) as mine:
        assert not mine.read_only


def test_asked_to_read_it_leaves_the_lock_to_others(path: Path) -> None:
    with Workspace.open(path, write=False) as reading, Workspace.open(path, strict=True) as writing:
        assert reading.read_only_why == "read_only_asked"
        writing.ledger.commit(budget(5))
        assert reading.generation() == writing.generation()


def test_a_place_that_forbids_writing_is_read(path: Path) -> None:
    """As nobody, since root may write anywhere."""
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(budget(7))
    code = (
        "import os, sys; from core.faults import WorldFault; from core.storage.workspace import Workspace\n"
        "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)\n"
        "ws = Workspace.open(sys.argv[1])\n"
        "print(ws.read_only_why, ws.reader().execute('SELECT amount FROM budget').fetchall()); ws.close()\n"
        "for what in (lambda: Workspace.open(sys.argv[1], strict=True),"
        " lambda: Workspace.create(sys.argv[2])):\n"
        "    try: what()\n"
        "    except WorldFault as fault: print(fault.code)\n"
    )
    folder = (
        Path("/tmp") / f"dianzhi-read-only-{os.getpid()}"
    )  # pytest's own folders are closed to other users
    folder.mkdir()
    try:
        there = folder / "a.dz"
        shutil.copy(path, there)
        there.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        folder.chmod(0o555)
        said = subprocess.run(
            [sys.executable, "-c", code, str(there), str(folder / "new.dz")],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert said.stdout.split("\n")[:3] == ["read_only_place [(7,)]", "read_only_place", "read_only_place"]
        assert [p.name for p in folder.iterdir()] == ["a.dz"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


# Readers


def test_readers_are_one_a_thread_and_cannot_write(path: Path) -> None:
    with Workspace.open(path) as workspace:
        mine = workspace.reader()
        assert workspace.reader() is mine
        with pytest.raises(engine.OperationalError, match="readonly"):
            mine.execute("DELETE FROM meta")
        theirs: list[sqlite3.Connection] = []
        thread = threading.Thread(target=lambda: theirs.append(workspace.reader()))
        thread.start()
        thread.join()
        assert theirs[0] is not mine
    with pytest.raises(Cancelled):
        workspace.reader()
    for connection in (mine, theirs[0]):
        with pytest.raises(engine.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    workspace.close()


def test_a_reader_sees_what_is_committed_only(path: Path) -> None:
    with Workspace.open(path) as workspace:
        before = workspace.generation()
        with workspace.transaction("edit", "x") as writer:
            workspace.ledger.commit(budget(5), writer)
            assert workspace.generation() == before
            assert workspace.reader().execute("SELECT count(*) FROM budget").fetchone() == (0,)
        assert workspace.generation() != before


# All or nothing


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled, ValueError, Refused])
def test_any_exception_leaves_everything_as_it_was(path: Path, error: type[BaseException]) -> None:
    with Workspace.open(path) as workspace:
        generation = workspace.generation()

        def work() -> None:
            with workspace.transaction("import", "f") as writer:
                put_batch(writer, [{"setl_id": "A"}])
                workspace.ledger.record(writer, "import", "f")
                raise error("x")

        with pytest.raises(error):
            work()
        assert workspace.generation() == generation
        for table in ("activity", "cases", "batch"):
            assert workspace.reader().execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        workspace.ledger.commit(budget(1))
    with Workspace.open(path) as workspace:
        assert workspace.interrupted == ()


def test_a_transaction_does_not_nest(path: Path) -> None:
    with Workspace.open(path) as workspace:
        with pytest.raises(RuntimeError), workspace.transaction("a", ""), workspace.transaction("b", ""):
            pass
        workspace.ledger.commit(budget(1))


def test_a_full_disk_is_a_fault_and_changes_nothing(path: Path) -> None:
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(budget(1))
        with workspace.transaction("look", "") as writer:
            pages = writer.execute("PRAGMA page_count").fetchone()[0]
            writer.execute(f"PRAGMA max_page_count = {pages + 10}")  # SQLite's own full disk
        with pytest.raises(WorldFault, match="disk_full"), workspace.transaction("import", "big") as writer:
            put_batch(writer, ({"setl_id": f"S{i}", "diag_name": "x" * 500} for i in range(10_000)))
        assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (0,)
        assert workspace.reader().execute("SELECT count(*) FROM activity").fetchone() == (0,)
        workspace.ledger.undo()
    with Workspace.open(path) as workspace:
        assert workspace.interrupted == ()
        assert workspace.integrity() == []


# Killed


WORK = {
    "import": (
        "from case_rows import put_case\n"
        "with ws.transaction('import', 'cases.csv') as c:\n"
        "    b = batches.begin(c, 'cases', 'cases.csv', '', 'ab', None, {}, 'utf-8')\n"
        "    for i in range(10**9):\n"
        "        put_case(c, b, i + 2, setl_id=f'S{i}', diag_name='x' * 400)\n"
        "        if i == 60000: print('now', flush=True)\n"
    ),
    "edit": (
        "with ws.transaction('edit', 'cases.csv') as c:\n"
        "    ws.ledger.commit(Edit('edit', '2025', (Change('budget', {'year': 2025, 'fund': 'employee',"
        " 'item': 'dip_budget', 'document': '', 'date': ''}, None, {'amount': 9}),)), c)\n"
        "    print('now', flush=True); time.sleep(60)\n"
    ),
    "undo": (
        "with ws.transaction('undo', 'cases.csv') as c:\n"
        "    c.execute('DELETE FROM budget')\n"
        "    print('now', flush=True); time.sleep(60)\n"
    ),
}


@pytest.mark.parametrize("what", sorted(WORK))
def test_a_killed_process_leaves_it_whole_and_is_told_of(path: Path, what: str) -> None:
    with Workspace.open(path) as workspace:
        workspace.ledger.commit(budget(5))
        generation = workspace.generation()
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[2])\n"
        "from core.storage import batches\n"
        "from core.storage.ledger import Change, Edit\n"
        "from core.storage.workspace import Workspace\n"
        "ws = Workspace.open(sys.argv[1], strict=True)\n"
    ) + WORK[what]
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path), str(Path(__file__).parent)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == "now\n"
        child.kill()
    with Workspace.open(path, write=False) as workspace:  # may read, must not clear
        assert workspace.interrupted == ()
        assert workspace.generation() == generation
    with Workspace.open(path) as workspace:
        (left,) = workspace.interrupted
        assert (left["what"], left["subject"]) == (what, "cases.csv")
        newest, before = workspace.ledger.lines(limit=2)
        assert (newest.action, newest.subject, before.hash) == ("interrupted", "cases.csv", generation)
        assert workspace.reader().execute("SELECT year, amount FROM budget").fetchall() == [(2024, 5)]
        assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (0,)
        assert batches.batches(workspace.reader()) == []
        assert workspace.ledger.check() == []
        assert workspace.integrity() == []
    with Workspace.open(path) as workspace:
        assert workspace.interrupted == ()


def test_a_process_killed_while_creating_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.dz"
    path.touch()  # what a kill before the first commit leaves
    with Workspace.create(path) as workspace:
        assert workspace.integrity() == []


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX belong to the process")
def test_another_program_leaves_the_log_alone(tmp_path: Path) -> None:
    """Whoever looks at the workspace and closes it must not take itself for the last one while this process has it open,
    though this process looked at the file's head again and again meanwhile (Start page, passphrases)."""
    path = tmp_path / "a.dianzhi"
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM ledger').fetchone(); c.close()"
    Workspace.create(path).close()
    with Workspace.open(path) as workspace:
        for year in (2023, 2024):
            assert not recognised.protected(path)
            assert not contents.glance(path).unfinished
            workspace.ledger.commit(budget(100, year))
            subprocess.run([sys.executable, "-c", look, path], check=True, timeout=60)
            assert path.with_name("a.dianzhi-wal").exists()
    with Workspace.open(path) as workspace:
        assert workspace.reader().execute("SELECT year FROM budget ORDER BY 1").fetchall() == [(2023,), (2024,)]
        assert workspace.ledger.check() == []
