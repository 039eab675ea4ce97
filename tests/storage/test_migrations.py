"""Files of every older layout come up to what a new workspace is: layout_N.sql is the schema as it was then."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from core.storage import backups, migrations
from core.storage.engine import library as sqlite3
from core.storage.ledger import Change, Edit, arrival
from core.storage.workspace import Workspace
from tests.storage.test_workspace import layout


def make(path: Path, old: int) -> None:
    """A workspace of that layout: a ledger that holds, a budget line, a file withdrawn and a run."""
    with Workspace.create(path, "350900", "宁德") as workspace:
        workspace.ledger.commit(
            Edit("edit", "2024", (Change("budget", {"year": 2024, "fund": "employee", "item": "dip_budget", "document": "", "date": ""}, None, {"amount": 123}),))
        )
        told = workspace.reader().execute("SELECT * FROM ledger").fetchall()
        meta = workspace.reader().execute("SELECT * FROM meta").fetchall()
    path.unlink()
    connection = sqlite3.connect(path)
    connection.executescript(Path(__file__).with_name(f"layout_{old}.sql").read_text("utf-8"))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    connection.executemany(f"INSERT INTO ledger VALUES ({', '.join('?' * 10)})", told)
    connection.executescript(
        """
        INSERT INTO coefficient_set (name, state, at) VALUES ('imported', 'draft', '2024-01-01');
        INSERT INTO budget VALUES (2024, 'employee', 'dip_budget', '', '', 123, NULL, NULL);
        INSERT INTO batch VALUES (1, 'fund_months', '收支.csv', '', 'ab', NULL, '{}', 'utf-8', 1, 1, 0, 1, '2024-01-01');
        INSERT INTO run (at, who, year, pack, pack_hash, pack_text, set_name, set_hash, catalogue, grouping, funds, parameters,
            data_hash, batches, result, result_hash, hash)
            VALUES ('2025-01-01', '甲', 2024, 'p', '', '', 'imported', '', '2024', 'official', 'employee', '{}', '', '[]', '{}', '', 'h');
        """
    )
    # The shadows of withdrawn rows, made by the same function as then.
    migrations._make_shadows(Database(connection, execute_plugins=False))  # pyright: ignore[reportPrivateUsage]
    connection.execute("INSERT INTO withdrawn_fund_month VALUES ('employee', '202401', 1, 2, 3, 1, 2)")
    connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {old}")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("old", range(1, migrations.LAYOUT))
def test_every_older_layout_becomes_the_newest(tmp_path: Path, old: int) -> None:
    path = tmp_path / "市.dianzhi"
    make(path, old)
    with Workspace.open(path) as workspace, Workspace.create(tmp_path / "new", "350900", "新") as new:
        reader = workspace.reader()
        assert layout(reader) == layout(new.reader())
        assert workspace.ledger.check() == []
        assert workspace.integrity() == []
        assert reader.execute("SELECT hash, period FROM run").fetchall() == [("h", "")]
        assert reader.execute("SELECT count(*) FROM confirmed_year").fetchone() == (0,)
        workspace.ledger.commit(Edit("put_back", "收支.csv", (arrival(1),)))
        assert reader.execute("SELECT balance FROM fund_month").fetchall() == [(3,)]
        workspace.ledger.undo()
        workspace.ledger.undo()  # the edit from before the migration
        assert reader.execute("SELECT count(*) FROM budget").fetchone() == (0,)
    assert len(backups.listed(path)) == 1
