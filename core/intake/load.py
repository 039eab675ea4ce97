"""A file into the workspace: all of its rows or none of them, with a receipt that closes.

A second process reads and checks large files while this one writes; small ones take one process. Either way the
rows, the findings and their order are the same.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.faults import Refused, Usage, WorldFault
from core.findings import Finding
from core.intake import beside, damage, readers
from core.intake.cells import Ints
from core.intake.kinds import KINDS, Kind, heading_forms, in_wan
from core.intake.plan import Checked, Plan
from core.intake.source import CHUNK, Source
from core.intake.values import Values
from core.intake.verdicts import PRIVATE, WARNINGS_KEPT
from core.progress import SILENT, Progress, step
from core.storage import batches, engine
from core.storage.ledger import arrival
from core.storage.workspace import Workspace

SAMPLE = 200  # findings that a receipt carries; all of them are in the workspace
ALONE = 4 << 20  # below this many bytes a second process, and indexes built last, cost more than they save
CASE_BYTES = 150  # of a row of cases in a file, more or less
_SPARING = 24576  # kB of cache while indexes are sorted
IMPORTED = "imported"  # the draft set that imported coefficients go to


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a file would be read. kinds: how many columns of each kind it has, best first. missing: required columns
    that no heading claims. sample: rows below the heading, persons masked."""

    kind: str
    kinds: tuple[tuple[str, int], ...]
    sheet: str
    sheets: tuple[str, ...]
    encoding: str
    separator: str
    heading_row: int
    titles: tuple[str, ...]
    headings: tuple[str, ...]
    mapping: Mapping[str, str | None]
    unclaimed: tuple[str, ...]
    missing: tuple[str, ...]
    wan: frozenset[str]
    sample: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Receipt:
    """What became of a file: rows_read = accepted + refused. findings: a sample, refused rows first; found: how many there
    are. Where nothing was accepted nothing is in the workspace either: no batch, whatever `dry_run` was.
    """

    batch_id: int | None
    kind: str
    rows_read: int = 0
    accepted: int = 0
    refused: int = 0
    warnings: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    found: int = 0
    mapping: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    unclaimed: tuple[str, ...] = ()


def read_mapping(path: Path) -> dict[str, str | None]:
    """The file of `--map`: which heading stands for which column.

    JSON: an object, `{"住院费用合计": "medfee_sumamt", "备用": null}`; CSV: two columns heading,column with or without
    those two words as a first line. null or an empty column: the heading is not taken. Usage: `map_unreadable`.
    """
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise WorldFault("file_unreadable", file=str(path), reason=fault.strerror or str(fault)) from fault
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as fault:
            raise Usage("map_unreadable", file=path.name) from fault
        if not all(value is None or isinstance(value, str) for value in found.values()):
            raise Usage("map_unreadable", file=path.name)
        return {str(heading): value or None for heading, value in found.items()}
    into: dict[str, str | None] = {}
    for row in csv.reader(text.splitlines()):
        if not row or row in (["heading", "column"], ["表头", "列名"]):
            continue
        if len(row) != 2:
            raise Usage("map_unreadable", file=path.name)
        into[row[0].strip()] = row[1].strip() or None
    if not into:
        raise Usage("map_unreadable", file=path.name)
    return into


def _contract(kind: str) -> Kind:
    if kind not in KINDS:
        raise Usage("kind_unknown", kind=kind, kinds=", ".join(KINDS))
    return KINDS[kind]


def _given(
    kind: Kind, headings: Iterable[str], mapping: Mapping[str, str | None], file: str
) -> dict[str, str | None]:
    """A mapping by the file's own spelling of its headings. Usage: names of columns or headings that are not there."""
    columns = {column.name for column in kind.columns}
    unknown = [
        column
        for column in mapping.values()
        if column and column not in columns and not column.startswith("step:")
    ]
    if unknown:
        raise Usage("map_column_unknown", columns=", ".join(unknown), kind=kind.name)
    by_form = {heading_forms(heading)[0]: heading for heading in reversed(list(headings))}
    into: dict[str, str | None] = {}
    for heading, column in mapping.items():
        own = heading if heading in headings else by_form.get(heading_forms(heading)[0])
        if own is None and column:
            raise Usage("map_heading_unknown", heading=heading, headings=tuple(headings), file=file)
        if own is not None:
            into[own] = column
    twice = [column for column, count in Counter(into.values()).items() if column and count > 1]
    if twice:
        raise Usage("map_column_twice", columns=", ".join(twice))
    return into


def _recognise(
    workspace: Workspace | None,
    kind: Kind,
    path: Path,
    sheet: str | None,
    mapping: Mapping[str, str | None] | None,
) -> Source:
    """The source with its mapping: given, else remembered for these headings, else matched."""
    if mapping is None:
        source = readers.read(path, sheet, kind)
        recalled = (
            batches.recall_mapping(workspace.reader(), kind.name, source.headings) if workspace else None
        )
        if not recalled:
            return source
        mapping = {heading: column for heading, column in recalled.items() if heading in source.headings}
        return readers.read(path, source.sheet or None, kind, mapping)
    source = readers.read(path, sheet, kind, mapping)
    own = _given(kind, source.headings, mapping, path.name)
    return readers.read(path, source.sheet or None, kind, own)


def _missing(kind: Kind, source: Source, year: int | None) -> list[str]:
    claimed = {column for column in source.mapping.values() if column}
    absent = [column.name for column in kind.columns if column.required and column.name not in claimed]
    if any(column.startswith("step:") for column in claimed):
        absent = [name for name in absent if name not in ("column", "amount")]
    if year is not None:
        absent = [name for name in absent if name not in ("year", "period")]
    return absent


def _wan(kind: Kind, source: Source) -> frozenset[str]:
    """Columns given in 万元: by their own heading, else by a title row that says so of the whole sheet."""
    whole = any("万元" in title and ("单位" in title or len(title) <= 8) for title in source.titles)
    into: set[str] = set()
    for heading, column in source.mapping.items():
        if not column:
            continue
        contract = kind.field(column)
        amount = column.startswith("step:") or (
            contract is not None
            and (contract.type == "money" or (kind.name == "official_clearing" and column == "amount"))
        )
        if amount and (in_wan(heading) or (whole and "元" not in heading)):
            into.add(column)
    return frozenset(into)


def _unclaimed(source: Source) -> tuple[str, ...]:
    return tuple(heading for heading in source.headings if source.mapping.get(heading) is None)


def propose(
    workspace: Workspace | None,
    path: Path,
    kind: str | None = None,
    sheet: str | None = None,
    mapping: Mapping[str, str | None] | None = None,
) -> Proposal:
    """How the file would be read, before anything is. Without `kind` the one whose headings fit best."""
    ranks: list[tuple[str, int]] = []
    if kind is None:
        found = readers.read(path, sheet)
        if not found.matched:
            raise Refused("heading_not_found", file=path.name, headings=found.headings[:20])
        fits: list[tuple[bool, int, str]] = []
        for contract in KINDS.values():
            source = readers.read(path, found.sheet or None, contract)
            fits.append((not _missing(contract, source, 0), source.matched, contract.name))
        fits.sort(key=lambda fit: (fit[0], fit[1]), reverse=True)
        ranks = [(name, matched) for _, matched, name in fits if matched]
        kind = ranks[0][0]
        sheet = found.sheet or None
    contract = _contract(kind)
    source = _recognise(workspace, contract, path, sheet, mapping)
    places = [
        k for k, heading in enumerate(source.headings) if source.mapping.get(heading) not in PRIVATE
    ]
    sample = tuple(
        tuple(
            cell if k in places else "···" if cell else ""
            for k, cell in enumerate(row[: len(source.headings)])
        )
        for row in source.sample
    )
    return Proposal(
        kind,
        tuple(ranks) or ((kind, source.matched),),
        source.sheet,
        source.sheets,
        source.encoding,
        source.separator,
        source.heading_row,
        source.titles,
        source.headings,
        source.mapping,
        _unclaimed(source),
        tuple(_missing(contract, source, 0)),
        _wan(contract, source),
        sample,
    )


def import_file(
    workspace: Workspace,
    kind: str,
    path: Path,
    *,
    year: int | None = None,
    sheet: str | None = None,
    mapping: Mapping[str, str | None] | None = None,
    version: str | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    chunk: int = CHUNK,
) -> Receipt:
    """Import one file in one transaction. year: of rows that carry none. version: of a catalogue without that column
    (else the file's stem). dry_run: everything is checked and nothing stays. chunk: bytes at a time; changes nothing.

    Refused: file_empty, file_kind, file_damaged, file_known, heading_not_found, columns_missing.
    Usage: kind_unknown, sheet_unknown, sheet_needed, year_missing, map_*. WorldFault: from the disk or the workspace.
    """
    path = Path(path)
    contract = _contract(kind)
    step(progress, "import", 0, None)
    source = _recognise(workspace, contract, path, sheet, mapping)
    _refuse_unfit(contract, source, year)
    plan = Plan(
        kind=kind,
        file=path.name,
        sheet=source.sheet,
        places={
            column: place
            for place, heading in enumerate(source.headings)
            if (column := source.mapping.get(heading))
        },
        wan=_wan(contract, source),
        year=year,
        version=version or path.stem,
        person_key=_person_key(workspace),
        unnamed={
            heading: place
            for place, heading in enumerate(source.headings)
            if heading == f"#{place + 1}" and source.mapping.get(heading) is None
        },
    )
    receipt = Receipt(None, kind, mapping=dict(source.mapping), unclaimed=_unclaimed(source))
    stream = beside.blocks(source, plan, chunk, alone=source.size() < ALONE)
    try:
        with workspace.transaction("import", path.name) as connection:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            batch = batches.begin(
                connection, kind, path.name, source.sheet, sha256, year, source.mapping, source.encoding
            )
            _fill(connection, batch, source, plan, receipt, progress, stream)
            batches.finish(connection, batch, receipt.rows_read, receipt.accepted, receipt.refused)
            if kind == "cases":
                step(progress, "import_netting", 0, None)
                batches.net_refunds(connection)
                _tell_lone(receipt, batches.lone_reversals(connection, batch))
            if mapping is not None:
                batches.remember_mapping(connection, kind, source.headings, source.mapping)
            workspace.ledger.record(connection, "import", path.name, (arrival(batch),))
            receipt.batch_id = batch
            if dry_run or not receipt.accepted:
                raise _TakenBack
    except _TakenBack:
        receipt.batch_id = None
    except OSError as fault:
        raise WorldFault("file_unreadable", file=str(path), reason=fault.strerror or str(fault)) from fault
    finally:
        stream.close()
    return receipt


class _TakenBack(Exception):
    """Of a trial, and of a file of which nothing was taken."""


def _tell_lone(receipt: Receipt, lone: list[Finding]) -> None:
    """Reversals without original stand after the refused rows. Kept they are not: `standing_findings` finds what stands."""
    receipt.warnings += len(lone)
    receipt.found += len(lone)
    refused = sum(finding.severity == "refused" for finding in receipt.findings)
    receipt.findings[refused:refused] = lone
    del receipt.findings[SAMPLE:]


def _person_key(workspace: Workspace) -> bytes:
    key = workspace.person_key
    return bytes.fromhex(key) if isinstance(key, str) else key


def _refuse_unfit(kind: Kind, source: Source, year: int | None) -> None:
    headings = source.headings[:40]
    if not source.matched:
        raise Refused("heading_not_found", file=source.path.name, headings=headings)
    missing = _missing(kind, source, year)
    if missing in (["year"], ["period"]):
        raise Usage("year_missing", file=source.path.name)
    if missing:
        found = [
            Finding(
                "column_missing",
                "blocked",
                source.path.name,
                source.sheet,
                source.heading_row,
                name,
                values={"headings": " | ".join(headings)},
            )
            for name in missing
        ]
        raise Refused(
            "columns_missing", found, file=source.path.name, columns=tuple(missing), headings=headings
        )


def _notes(kind: Kind, source: Source, plan: Plan) -> list[Finding]:
    """What there is to say about the file as a whole."""
    row = source.heading_row
    own = {column: heading for heading, column in source.mapping.items() if column}

    def note(code: str, heading: str, severity: str = "note", **values: str) -> Finding:
        return Finding(code, severity, plan.file, plan.sheet, row, heading, "", "", values)  # type: ignore[arg-type]

    found = [note("heading_twice", heading, "warning") for heading in source.twice]
    found += [
        note("column_unclaimed", heading)
        for heading in _unclaimed(source)
        if heading not in source.twice and heading not in plan.unnamed
    ]
    for column, heading in own.items():
        contract = kind.field(column)
        if contract is not None and contract.type == "private":
            found.append(note("column_private", heading))
        elif contract is not None and contract.stored == "-":
            found.append(note("column_passed", heading))
    found += [note("wan_converted", own[column]) for column in sorted(plan.wan)]
    found += [note("sheet_left", "", sheet=other) for other in source.others]
    if kind.name == "cases" and "psn_part_amt" not in plan.places:
        found.append(note("own_pay_derived", "psn_part_amt"))
    return found


# --- writing -------------------------------------------------------------------------------------------


def _fill(
    connection: sqlite3.Connection,
    batch: int,
    source: Source,
    plan: Plan,
    receipt: Receipt,
    progress: Progress,
    stream: beside.Blocks,
) -> None:
    kind = plan.contract
    counts: Counter[tuple[str, str, str]] = Counter()
    samples: tuple[list[Finding], list[Finding]] = ([], [])

    def say(found: list[Finding]) -> None:
        batches.store_findings(connection, found, batch)
        for finding in found:
            kept = samples[finding.severity != "refused"]
            if len(kept) < SAMPLE:
                kept.append(finding)

    notes = _notes(kind, source, plan)
    counts.update((finding.severity, finding.code, finding.column) for finding in notes)
    say(notes)
    if kind.name == "coefficients":
        connection.execute(
            "INSERT INTO coefficient_set (name, state, at) VALUES (?, 'draft', ?) ON CONFLICT (name) DO NOTHING",
            (IMPORTED, datetime.now(UTC).isoformat(timespec="seconds")),
        )
    closing: list[Finding] = []
    size = source.size()
    table = _Table(connection, kind, batch, plan, size)
    for checked in stream:
        receipt.rows_read += checked.read
        counts.update(checked.counts)
        taken = table.insert(checked)
        if taken:
            counts.update(("refused", finding.code, "") for finding in taken)
            checked.findings = sorted([*checked.findings, *taken], key=lambda finding: finding.row or 0)
        receipt.accepted += checked.accepted - len(taken)
        closing += [finding for finding in checked.findings if finding.code in ("total_row", "footer_row")]
        say(checked.findings)
        step(progress, "import", min(checked.done, size), size)
    step(progress, "import_index", 0, None)
    late = table.finish()
    receipt.accepted -= len(late)
    counts.update(("refused", finding.code, "") for finding in late)
    say(late)
    if kind.name == "catalogue":
        say(totals := _totals(connection, batch, source, plan, closing))
        counts.update((finding.severity, finding.code, finding.column) for finding in totals)
    more = [
        Finding(
            "more_of_the_same",
            "note",
            plan.file,
            plan.sheet,
            None,
            column,
            values={"finding": code, "count": str(count)},
        )
        for (severity, code, column), count in sorted(counts.items())
        if severity != "refused" and count > WARNINGS_KEPT
    ]
    say(more)
    receipt.refused = receipt.rows_read - receipt.accepted
    receipt.warnings = sum(count for (severity, _, _), count in counts.items() if severity == "warning")
    receipt.found = sum(counts.values())
    receipt.findings = [*samples[0], *samples[1]][:SAMPLE]


def _totals(
    connection: sqlite3.Connection, batch: int, source: Source, plan: Plan, closing: list[Finding]
) -> list[Finding]:
    """What a catalogue file prints about itself, in a title or at its end, against its own parts and what came in."""
    rows = connection.execute(
        "SELECT kind, coalesce(stage, 'basic'), count(*) FROM catalogue WHERE batch_id = ? GROUP BY 1, 2", (batch,)
    ).fetchall()
    there: Counter[tuple[str, str]] = Counter()
    for kind, stage, count in rows:
        there["", ""] += count
        there["kind", kind] += count
        there["stage", stage] += count
    texts = [(text, None) for text in source.titles] + [(finding.value, finding.row) for finding in closing]
    found: list[Finding] = []
    for text, row in texts:
        told = damage.printed(text)
        if told is None or told.total is None:
            continue

        def say(code: str, row: int | None, stated: int, counted: int, what: str, text: str = text) -> None:
            values = {"stated": str(stated), "counted": str(counted), "difference": str(counted - stated), "what": what}
            found.append(Finding(code, "warning", plan.file, plan.sheet, row, "", text, values=values))

        if len(told.parts) > 1 and (total := sum(told.parts.values())) != told.total:
            say("printed_parts_differ", row, told.total, total, " + ".join(map(str, told.parts.values())))
        if there["", ""] != told.total:
            say("printed_total_differs", row, told.total, there["", ""], "")
        for word, stated in told.parts.items():
            if there[damage.PARTS[word]] != stated:
                say("printed_part_differs", row, stated, there[damage.PARTS[word]], word)
    return found


class _Table:
    """Writes the accepted rows of block after block; a row whose natural key is there already comes back as a finding.

    Where a file of cases outweighs what the table holds, its indexes are built once at the end, from sorted keys: that
    costs half of keeping them row by row. Keys that come twice are then found and taken out before the index is.
    """

    def __init__(self, connection: sqlite3.Connection, kind: Kind, batch: int, plan: Plan, size: int) -> None:
        self._connection = connection
        self._kind = kind
        self._batch = batch
        self._plan = plan
        self._counted: Counter[str] = (
            Counter()
        )  # lines of a settlement so far, where the file does not number them
        self._indexes: list[tuple[str, str]] = []
        if kind.name == "cases" and size > ALONE:
            held = connection.execute("SELECT coalesce(max(case_id), 0) FROM cases").fetchone()[0]
            if size > held * CASE_BYTES:
                self._indexes = connection.execute(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'cases' AND sql IS NOT NULL"
                    " AND sql NOT LIKE '% WHERE %'"  # a partial one has hardly a row
                ).fetchall()
                for name, _ in self._indexes:
                    connection.execute(f"DROP INDEX {name}")

    def insert(self, checked: Checked) -> list[Finding]:
        """Write a block. The rows that did not go in: of a published version, or their key is taken (none yet
        while the indexes wait)."""
        kind, connection = self._kind, self._connection
        frozen = self._frozen(checked) if kind.field("version") else []
        rows = len(checked.rows)
        if rows == 0:
            return frozen
        values = dict(checked.values)
        if "ord" in kind.key and "ord" not in values:
            values["ord"] = Values(numbers=self._numbered(values["setl_id"].listed()))
        values["row"] = Values(numbers=checked.rows)
        names, marks, bound = self._bound(values)
        newest = 0
        if kind.name == "cases":
            newest = connection.execute("SELECT coalesce(max(case_id), 0) FROM cases").fetchone()[0]
        before = connection.total_changes
        conflict = "" if self._indexes else f" ON CONFLICT ({', '.join(kind.key)}) DO NOTHING"
        connection.executemany(
            f"INSERT INTO {kind.table} ({names}) VALUES ({marks}){conflict}", zip(*bound, strict=True)
        )
        if connection.total_changes - before == rows:
            return frozen
        columns = {name: values[name].listed() for name in kind.key if name in values}
        return frozen + self._taken(checked.rows, columns, newest)

    def _frozen(self, checked: Checked) -> list[Finding]:
        """Take out the rows of versions that are published: nothing more comes into them."""
        published = {
            name
            for (name,) in self._connection.execute("SELECT version FROM catalogue_version WHERE state = 'published'")
        }
        named = checked.values["version"].listed() if published and len(checked.rows) else []
        keep = np.array([name not in published for name in named], dtype=np.bool_)
        if bool(keep.all()):
            return []
        plan = self._plan
        found = [
            Finding("version_frozen", "refused", plan.file, plan.sheet, row, "version", str(name))
            for row, name, stays in zip(checked.rows.tolist(), named, keep.tolist(), strict=True)
            if not stays
        ]
        checked.values = {name: column.kept(keep) for name, column in checked.values.items()}
        checked.rows = checked.rows[keep]
        return found

    def _bound(self, values: Mapping[str, Values]) -> tuple[str, str, list[list[str | int | None]]]:
        """Names, marks and columns to bind: a number that all rows share stands in the statement, and a column under
        two names is bound once. Each column bound costs 0.1 microseconds a row, a third of all writing."""
        names = ["batch_id"]
        marks = [str(self._batch)]
        bound: list[list[str | int | None]] = []
        places: dict[int, int] = {}
        for name, column in values.items():
            names.append(name)
            same = column.constant()
            if same is not None and name != "row":
                marks.append(str(same))
                continue
            if id(column) not in places:
                bound.append(column.listed())
                places[id(column)] = len(bound)
            marks.append(f"?{places[id(column)]}")
        return ", ".join(names), ", ".join(marks), bound

    def finish(self) -> list[Finding]:
        """Build the indexes that waited; what they show to be there twice comes back as findings."""
        connection = self._connection
        if not self._indexes:
            return []
        usual = connection.execute("PRAGMA cache_size").fetchone()[0]
        connection.execute(f"PRAGMA cache_size = -{_SPARING}")
        try:
            return self._indexed()
        finally:
            connection.execute(f"PRAGMA cache_size = {usual}")

    def _indexed(self) -> list[Finding]:
        connection, found = self._connection, list[Finding]()
        for _, sql in self._indexes:
            try:
                connection.execute(sql)
            except engine.IntegrityError:
                found = self._taken_out()
                connection.execute(sql)
        return found

    def _taken_out(self) -> list[Finding]:
        """Delete the later rows of a key, all from this batch: the earliest holds it."""
        connection = self._connection
        connection.execute("CREATE INDEX cases_twice ON cases (setl_id, sign)")
        rows = connection.execute(
            "SELECT c.case_id, c.row, c.setl_id, o.batch_id, o.row, batch.file FROM ("
            " SELECT setl_id, sign, min(case_id) AS holder FROM cases INDEXED BY cases_twice"
            " GROUP BY setl_id, sign HAVING count(*) > 1) AS t"
            " JOIN cases AS c INDEXED BY cases_twice ON c.setl_id = t.setl_id AND c.sign = t.sign"
            " AND c.case_id <> t.holder"
            " JOIN cases AS o ON o.case_id = t.holder JOIN batch ON batch.id = o.batch_id ORDER BY c.row"
        ).fetchall()
        connection.executemany("DELETE FROM cases WHERE case_id = ?", ((row[0],) for row in rows))
        connection.execute("DROP INDEX cases_twice")
        return [self._repeated(row, key, key, owner, held, file) for _, row, key, owner, held, file in rows]

    def _repeated(
        self, row: int, key: str, shown: str, owner: int | None, held: int | None, file: str
    ) -> Finding:
        code = "key_repeated" if owner == self._batch else "key_taken"
        values = {"first_row": str(held or ""), "first_file": file}
        plan, column = self._plan, "setl_id" if self._kind.name == "cases" else key
        return Finding(code, "refused", plan.file, plan.sheet, row, column, shown, shown, values)

    def _numbered(self, settlements: list[str | int | None]) -> Ints:
        order: list[int] = []
        for settlement in settlements:
            self._counted[str(settlement)] += 1
            order.append(self._counted[str(settlement)])
        return np.array(order, dtype=np.int64)

    def _taken(
        self, rows: Ints, columns: Mapping[str, list[str | int | None]], newest: int
    ) -> list[Finding]:
        """The rows that did not go in, each with the row that has its key; of a wide row nothing stays then."""
        kind, connection = self._kind, self._connection
        if kind.name == "cases":
            where, having = "case_id > ?", (newest,)
        else:
            where, having = (
                "batch_id = ? AND row BETWEEN ? AND ?",
                (self._batch, int(rows.min()), int(rows.max())),
            )
        present = Counter(
            row for (row,) in connection.execute(f"SELECT row FROM {kind.table} WHERE {where}", having)
        )
        wanted = Counter(rows.tolist())
        lacking = {row for row, count in wanted.items() if present[row] < count}
        names = [name for name in kind.key if name in columns]
        holder = f"SELECT batch_id, row FROM {kind.table} WHERE " + " AND ".join(
            f"{name} = ?" for name in names
        )
        files: dict[int | None, str] = {}
        done: set[int] = set()
        found: list[Finding] = []
        for place, row in enumerate(rows.tolist()):
            if row not in lacking or row in done:
                continue
            key = [columns[name][place] for name in names]
            owner, held = connection.execute(holder, key).fetchone() or (self._batch, row)
            if owner == self._batch and held == row:
                continue  # a step of a wide row that did go in; another of its steps did not
            done.add(row)
            if owner not in files:
                got = connection.execute("SELECT file FROM batch WHERE id = ?", (owner,)).fetchone()
                files[owner] = str(got[0]) if got else ""
            shown = " · ".join(
                str(part) for name, part in zip(names, key, strict=True) if name not in ("sign", "set_name")
            )
            found.append(self._repeated(row, names[0], shown, owner, held, files[owner]))
        if "column_id" in columns:
            connection.executemany(
                f"DELETE FROM {kind.table} WHERE batch_id = ? AND row = ?",
                [(self._batch, row) for row in lacking],
            )
        return found
