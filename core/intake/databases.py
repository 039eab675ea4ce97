"""Tables of a SQLite file that another program made: read only, and nothing of its schema is run on our behalf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.faults import Refused
from core.storage import engine

STEPS = 1000  # million steps of the database's machine, some 10 s, that one row may take
DATABASE_ROWS = 50_000_000


def tables(path: Path) -> tuple[str, ...]:
    """Its tables and views, in the order of their making. Refused: file_damaged."""
    with _database(path) as database:
        try:
            rows = database.connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            )
            return tuple(str(row[0]) for row in rows)
        except (engine.DatabaseError, UnicodeDecodeError) as fault:
            raise Refused("file_damaged", file=path.name) from fault


def rows(path: Path, table: str) -> Iterator[list[object]]:
    """The names of its columns, then every row. Refused: file_bomb, file_damaged."""
    with _database(path) as database:
        try:
            cursor = database.connection.execute(f"SELECT * FROM {_quote(table)}")
            yield [str(column[0]) for column in cursor.description]
            for count, row in enumerate(cursor):
                database.steps = 0
                if count > DATABASE_ROWS:
                    raise Refused("file_bomb", file=path.name, part=table, size=count)
                yield list(row)
        except (engine.DatabaseError, UnicodeDecodeError) as fault:
            raise Refused("file_damaged", file=path.name) from fault


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _database:  # noqa: N801 - used like the function `contextlib.closing`
    def __init__(self, path: Path) -> None:
        self.connection = engine.connect(path.resolve(), "ro")
        # What another program put into its schema is not run on our behalf.
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.steps = 0
        self.connection.set_progress_handler(self._tick, 1_000_000)

    def _tick(self) -> bool:
        """A view that never ends is stopped: so many steps for one row are none of a table's."""
        self.steps += 1
        return self.steps > STEPS

    def __enter__(self) -> _database:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
