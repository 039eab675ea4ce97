"""Workspaces locked by a passphrase: what opens them, what does not, and what a conversion leaves."""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
import random
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import pytest

from core.faults import Cancelled, Refused, WorldFault
from core.settings import ROOT
from core.storage import backups, batches, engine, keys, leftovers, protection, recognised
from core.storage.workspace import Workspace
from tests.storage.case_rows import put_case

PASSPHRASE = "正确的 马 电池 钉"
MARKS = ("MARKPSN1188", "标记姓名赵钱孙", "MARKDIAG7719")


def fill(workspace: Workspace, cases: int = 50) -> None:
    with workspace.transaction("import", "f") as connection:
        batch = batches.begin(connection, "cases", "f", "", os.urandom(8).hex(), None, {}, "")
        for row in range(cases):
            put_case(connection, batch, row, setl_id=f"{MARKS[0]}-{batch}-{row}")
        batches.finish(connection, batch, cases, cases, 0)


def ids(path: Path, passphrase: str | keys.Key | None = None) -> list[str]:
    with Workspace.open(path, write=False, passphrase=passphrase) as workspace:
        return [one for (one,) in workspace.reader().execute("SELECT setl_id FROM cases ORDER BY case_id")]


def bytes_with(folder: Path, marks: tuple[str, ...]) -> list[str]:
    """Every file under the folder in whose bytes a mark stands, in either of the encodings that this program writes."""
    wanted = [mark.encode(code) for mark in marks for code in ("utf-8", "utf-16-le", "gb18030")]
    return [
        str(file) for file in sorted(folder.rglob("*")) if file.is_file() and any(one in file.read_bytes() for one in wanted)
    ]


def fault(code: str, call: object, *given: object) -> None:
    with pytest.raises((WorldFault, Refused)) as raised:
        call(*given)  # type: ignore[operator]
    assert raised.value.code == code


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "市.dianzhi"
    with Workspace.create(path, "350900", "市") as workspace:
        fill(workspace)
    return path


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    path = tmp_path / "锁.dianzhi"
    with Workspace.create(path, "350900", "锁", passphrase=PASSPHRASE) as workspace:
        fill(workspace)
    return path


def test_only_its_passphrase_opens_it(locked: Path) -> None:
    assert recognised.protected(locked)
    assert len(ids(locked, PASSPHRASE)) == 50
    fault("locked_by_passphrase", Workspace.open, locked)
    for wrong in ("", PASSPHRASE + " ", PASSPHRASE[:-1], PASSPHRASE.upper() + "x"):
        fault("wrong_passphrase", Workspace.open, locked, True, False, wrong)
    with Workspace.open(locked, passphrase=PASSPHRASE) as workspace:
        assert workspace.integrity() == [] and workspace.ledger.check() == []
        assert workspace.reader().execute("PRAGMA temp_store").fetchone() == (2,)
        with workspace.transaction("import", "f") as connection:
            assert connection.execute("PRAGMA temp_store").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_is_sqlcipher_s_own(locked: Path) -> None:
    """Another tool that knows SQLCipher 4 opens it with the passphrase itself, told nothing but the size of pages."""
    connection = engine.library.connect(str(locked))
    connection.execute(f"PRAGMA key = '{PASSPHRASE}'")
    connection.execute("PRAGMA cipher_page_size = 8192")
    assert connection.execute("SELECT count(*) FROM cases").fetchone() == (50,)
    assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
    connection.close()


def test_the_key_is_pbkdf2_and_stays_in_memory(locked: Path) -> None:
    salt = locked.read_bytes()[:16]
    raw = hashlib.pbkdf2_hmac("sha512", PASSPHRASE.encode(), salt, 256_000, 32)
    key = keys.given(locked, PASSPHRASE)
    assert hmac.compare_digest(key.digits, raw.hex() + salt.hex())
    assert key.made_from(PASSPHRASE) and not key.made_from(PASSPHRASE + "x")
    with pytest.raises(TypeError):
        pickle.dumps(key)
    wrong = "".join(("fal", "sch geraten"))
    try:
        keys.given(locked, wrong)
    except WorldFault as error:
        said = "".join(traceback.format_exception(error)) + repr(error.values) + repr(key) + str(key)
        assert wrong not in said and raw.hex() not in said


def test_short_and_simple_passphrases_are_refused(tmp_path: Path) -> None:
    for weak in ("", "1234567", "aaaaaaaaaaaa", "汉字口", "121212121212"):
        fault("passphrase_short", Workspace.create, tmp_path / "x.dianzhi", "", "", False, weak)
    assert list(tmp_path.iterdir()) == []
    assert keys.weight("汉字口令") == 8 and keys.weight("abcdefgh") == 8


def test_what_no_keyboard_gives_again_is_refused(tmp_path: Path, locked: Path) -> None:
    for typed, code in (("abcdefgh\0ij", "passphrase_signs"), ("abcdefghij\n", "passphrase_signs"), ("abcdefgh\udcff", "passphrase_bytes")):
        fault(code, lambda typed=typed: Workspace.create(tmp_path / "x.dianzhi", passphrase=typed))
        assert not (tmp_path / "x.dianzhi").exists()
    fault("passphrase_bytes", lambda: Workspace.open(locked, passphrase="abcdefgh\udcff"))
    fault("passphrase_same", protection.change, locked, PASSPHRASE, PASSPHRASE)


def test_a_random_file_and_a_zip_are_no_workspace_that_opens(tmp_path: Path) -> None:
    noise = random.Random(7).randbytes(5 * engine.PAGE)
    (tmp_path / "n.dianzhi").write_bytes(noise)
    fault("wrong_passphrase", Workspace.open, tmp_path / "n.dianzhi", True, False, PASSPHRASE)
    (tmp_path / "z.dianzhi").write_bytes(b"PK\3\4" + noise)
    (tmp_path / "s.dianzhi").write_bytes(noise[:500])
    (tmp_path / "t.dianzhi").write_bytes(b"text and more text " * 900)
    for name in "zst":
        fault("not_a_workspace", Workspace.open, tmp_path / f"{name}.dianzhi", True, False, PASSPHRASE)


def test_there_and_back_keeps_every_row(plain: Path) -> None:
    with Workspace.open(plain) as workspace:
        before = workspace.reader().execute("SELECT rowid, * FROM cases ORDER BY 1").fetchall()
        person_key, lines = workspace.person_key, len(workspace.ledger.lines())
    key = protection.protect(plain, PASSPHRASE)
    fault("already_protected", protection.protect, plain, PASSPHRASE)
    newer = protection.change(plain, key, "另外一个口令 2024")
    fault("wrong_passphrase", Workspace.open, plain, True, False, PASSPHRASE)
    assert newer.digits[-32:] != key.digits[-32:]  # a salt of its own
    protection.unprotect(plain, "另外一个口令 2024")
    fault("not_protected", protection.unprotect, plain, "x")
    with Workspace.open(plain) as workspace:
        assert workspace.reader().execute("SELECT rowid, * FROM cases ORDER BY 1").fetchall() == before
        assert workspace.person_key == person_key
        assert [line.action for line in workspace.ledger.lines()][: 3] == ["unprotect", "rekey", "protect"]
        assert len(workspace.ledger.lines()) == lines + 3 and workspace.ledger.check() == []
        assert workspace.integrity() == []
    assert sorted(one.suffix for one in plain.parent.iterdir()) == [".dianzhi", ".lock"]


def test_what_was_plain_is_overwritten(plain: Path) -> None:
    assert bytes_with(plain.parent, MARKS)
    with plain.open("rb") as before:  # the same bytes on the disk
        protection.protect(plain, PASSPHRASE)
        assert before.read().strip(b"\0") == b""
    assert bytes_with(plain.parent, MARKS) == []


def test_backups_stay_locked_and_plain_ones_are_named(plain: Path) -> None:
    with Workspace.open(plain) as workspace:
        early = backups.take(workspace)
    key = protection.protect(plain, PASSPHRASE)
    assert protection.open_copies(plain) == [early.path]
    with Workspace.open(plain, passphrase=key) as workspace:
        late = backups.take(workspace)
    assert recognised.protected(late.path) and len(ids(late.path, PASSPHRASE)) == 50
    assert protection.open_copies(plain) == [early.path]
    assert protection.drop_copies(plain) == [early.path] and not early.path.exists()
    assert [one.path for one in backups.listed(plain)] == [late.path]
    assert bytes_with(plain.parent, MARKS) == []


def test_a_workspace_in_use_is_not_converted(plain: Path) -> None:
    with Workspace.open(plain):
        fault("locked", protection.protect, plain, PASSPHRASE)
    assert len(ids(plain)) == 50


def test_cancelled_leaves_it_as_it_was(plain: Path) -> None:
    class Stopped:
        cancelled = False

        def report(self, code: str, done: int, total: int | None = None) -> None:
            self.cancelled = True

    with pytest.raises(Cancelled):
        protection.protect(plain, PASSPHRASE, Stopped())
    assert len(ids(plain)) == 50 and not leftovers.converting(plain).exists()


def test_without_the_cipher_it_is_refused_in_words(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CIPHER", False)
    fault("no_cipher", Workspace.open, locked, True, False, PASSPHRASE)
    fault("no_cipher", Workspace.create, locked.parent / "x.dianzhi", "", "", False, PASSPHRASE)
    assert not (locked.parent / "x.dianzhi").exists()


def test_the_standard_library_s_engine_takes_plain_workspaces(tmp_path: Path) -> None:
    """A Python without sqlcipher3: everything as before, a protected one refused."""
    program = (
        "import sys; sys.modules['sqlcipher3'] = None\n"
        "from core.storage import engine; from core.storage.workspace import Workspace; assert not engine.CIPHER\n"
        "w = Workspace.create(sys.argv[1]); w.close(); w = Workspace.open(sys.argv[1]); print(w.integrity()); w.close()"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "w.dianzhi")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"
    with Workspace.open(tmp_path / "w.dianzhi") as workspace:
        assert workspace.integrity() == []


# Killed


@pytest.mark.parametrize("point", ["copied", "linked", "replaced"])
def test_each_step_of_a_killed_conversion_is_finished_by_the_next_opening(plain: Path, point: str) -> None:
    """As kills, but at the three moments that a random one seldom hits."""
    before = ids(plain)
    program = (
        "import os, sys, signal; from core.storage import protection\n"
        "die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "at = {'copied': 'link', 'linked': 'replace'}.get(sys.argv[3])\n"
        "if at: setattr(protection.os, at, die)\n"
        "else: protection.leftovers.wipe = die\n"
        "protection.protect(sys.argv[1], sys.argv[2])"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(plain), PASSPHRASE, point], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    protected = point == "replaced"
    assert recognised.protected(plain) == protected
    assert leftovers.leaving(plain).exists() == (point != "copied") and leftovers.converting(plain).exists() == (point != "replaced")
    Workspace.open(plain, passphrase=PASSPHRASE).close()
    assert ids(plain, PASSPHRASE) == before
    assert not leftovers.converting(plain).exists() and not leftovers.leaving(plain).exists()
    if protected:
        assert bytes_with(plain.parent, MARKS) == []


def test_what_lies_there_in_clear_is_gone_at_any_opening(locked: Path) -> None:
    """Half of a plain file, as a killed `protect --remove` leaves it: reading alone, or a wrong passphrase, is enough."""
    half = leftovers.converting(locked)
    for write, typed in ((False, PASSPHRASE), (False, "another passphrase"), (True, None)):
        half.write_text("".join(MARKS), "utf-8")
        with suppress(WorldFault):
            Workspace.open(locked, write=write, passphrase=typed).close()
        assert not half.exists()
    with Workspace.open(locked, passphrase=PASSPHRASE):  # somebody has the lock
        half.write_text("".join(MARKS), "utf-8")
        with Workspace.open(locked, write=False, passphrase=PASSPHRASE) as beside:
            assert [(one.code, one.values["path"]) for one in beside.notices] == [("conversion_left", half)]
    assert half.exists()
    with Workspace.open(locked, write=False, passphrase=PASSPHRASE) as after:
        assert not half.exists() and not after.notices


def test_a_protected_one_killed_in_the_middle_of_writing_leaks_nothing(locked: Path) -> None:
    program = (
        "import os, signal, sys; from core.storage.workspace import Workspace\n"
        "from tests.storage.test_protection import fill, PASSPHRASE\n"
        "w = Workspace.open(sys.argv[1], passphrase=PASSPHRASE); fill(w, 400)\n"
        "with w.transaction('x', 'y') as c:\n"
        "    c.execute('PRAGMA cache_size = 10'); c.execute(\"UPDATE cases SET setl_id = setl_id || 'x'\")\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(locked)], cwd=ROOT, check=False)
    assert Path(f"{locked}-wal").stat().st_size > 100_000
    assert bytes_with(locked.parent, MARKS) == []
    with Workspace.open(locked, passphrase=PASSPHRASE) as workspace:
        assert workspace.interrupted and workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (450,)
