"""Every command on a protected workspace, and what is left on the disk by them: nothing that can be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from core import cli
from core.settings import ROOT
from core.storage import recognised
from tests.cli.test_commands import CLEAR, FILES

PASSPHRASE = "vier-woerter-ohne-sinn"
READING = "spawn_main"  # in the command line of the process that reads the file
MARKS = ("MARKSETL77", "MARKPSN88", "标记患者", "标记诊断", "MARKHOSP甲")
CASES = (
    "setl_id,psn_no,psn_name,insutype,fixmedins_code,dscg_time,diag_code,diag_name,medfee_sumamt,fund_pay_sumamt,hifp_pay,"
    "psn_part_amt,dip_dise_grp_code\n"
)


def marked(start: int, count: int) -> str:
    """Cases whose every word about a patient carries a mark."""
    return CASES + "".join(
        f"MARKSETL77-{n},MARKPSN88-{n},标记患者{n},310,H{n % 2 + 1},2024-02-01,K35.301,标记诊断{n},6000.00,4000.00,4000.00,2000.00,K35.3:g\n"
        for n in range(start, start + count)
    )


def readable_bytes(*folders: Path) -> list[str]:
    wanted = [mark.encode(code) for mark in MARKS for code in ("utf-8", "utf-16-le", "gb18030")]
    return [
        f"{file}: {one!r}"
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for one in wanted
        if one in file.read_bytes()
    ]


class Machine:
    """Folders of a user: the workspace's, the temporary files', the settings', and one for what is handed in and out."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.work, self.temp, self.home, self.out = (root / name for name in ("work", "temp", "home", "out"))
        for folder in (self.work, self.temp, self.home, self.out):
            folder.mkdir()
        self.path = self.work / "w.dianzhi"
        for name, value in (
            ("TMPDIR", self.temp), ("SQLITE_TMPDIR", self.temp), ("DIANZHI_HOME", self.home), ("DIANZHI_PASSPHRASE", PASSPHRASE)
        ):  # fmt: skip
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(tempfile, "tempdir", str(self.temp))

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "main.py", *map(str, words)], cwd=ROOT, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words: object) -> None:
        assert cli.main([str(word) for word in words]) == 0

    def leaks(self) -> list[str]:
        return readable_bytes(self.work, self.temp, self.home)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, monkeypatch)
    machine.run("new", machine.path, "--region", "350900", "--protect")
    for kind, text in FILES.items():
        file = machine.out / f"{kind}.csv"
        file.write_text(marked(0, 2_000) if kind == "cases" else text.replace("甲医院", "MARKHOSP甲"), "utf-8")
        machine.run("import", machine.path, kind, file, "--year", 2024)
    return machine


def cut_off(process: subprocess.Popen[str], wal: Path) -> list[str]:
    """Kill it while it writes, once its second process has been seen; the command lines of the process and its children."""
    lines = {process.pid: f"{process.args}"}
    while process.poll() is None:
        if not any(READING in line for line in lines.values()):
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                with suppress(OSError):  # between its birth and its own line it may be gone again
                    lines[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        elif wal.exists() and wal.stat().st_size > 100_000:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return list(lines.values())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_nothing_about_a_patient_can_be_read_afterwards(machine: Machine) -> None:
    assert recognised.protected(machine.path) and machine.leaks() == []
    machine.run("clear", machine.path, *CLEAR, "--out", machine.out / "o.xlsx", "--case-list", machine.out / "list.xlsx")
    machine.run("findings", machine.path, "--out", machine.out / "f.csv")
    machine.run("backup", machine.path, "make")
    machine.run("verify", machine.path)
    assert readable_bytes(machine.out), "the test looks for what is really there"
    assert machine.leaks() == []
    more = machine.out / "more.csv"
    more.write_text(marked(50_000, 40_000), "utf-8")
    lines = cut_off(machine.start("import", machine.path, "cases", more, "--year", 2024), Path(f"{machine.path}-wal"))
    assert any(READING in line for line in lines), "the importer's second process was not seen"
    assert not any(PASSPHRASE in line for line in lines)
    assert Path(f"{machine.path}-wal").stat().st_size > 100_000, "killed with pages under way"
    assert machine.leaks() == []
    machine.run("verify", machine.path)
    machine.run("protect", machine.path, "--remove")
    assert machine.leaks(), "and without a passphrase it could be read"
    machine.run("protect", machine.path, "--drop-backups")
    assert machine.leaks() == []
    # Person numbers are hashes in any case; names are never taken over.
    machine.run("protect", machine.path, "--remove")
    raw = machine.path.read_bytes()
    assert b"MARKSETL77-" in raw and b"MARKPSN88" not in raw and "标记患者".encode() not in raw


def test_a_wrong_passphrase_and_none(tmp_path: Path, capsys, monkeypatch) -> None:
    path = tmp_path / "w.dianzhi"
    monkeypatch.setenv("DIANZHI_PASSPHRASE", PASSPHRASE)
    assert cli.main(["new", str(path), "--protect", "--lang", "en"]) == 0
    for said, word in (("not this one", "Wrong passphrase"), ("", "locked with a passphrase")):
        monkeypatch.setenv("DIANZHI_PASSPHRASE", said)
        for command in (["verify"], ["findings"], ["protect", "--change"], ["protect", "--remove"], ["backup"]):
            words = [command[0], str(path), *command[1:], *(["make"] if command[0] == "backup" else []), "--lang", "en"]
            capsys.readouterr()
            assert cli.main(words) == 3
            told = capsys.readouterr()
            assert word in told.err and len(told.err.splitlines()) == 1 and (not said or said not in told.err)
    monkeypatch.setenv("DIANZHI_PASSPHRASE", "kurz")
    assert cli.main(["new", str(tmp_path / "x.dianzhi"), "--protect"]) == 1
    assert not (tmp_path / "x.dianzhi").exists()
    monkeypatch.setenv("DIANZHI_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("DIANZHI_NEW_PASSPHRASE", "an entirely new one")
    assert cli.main(["protect", str(path), "--change"]) == 0
    assert cli.main(["verify", str(path)]) == 3
    monkeypatch.setenv("DIANZHI_PASSPHRASE", "an entirely new one")
    assert cli.main(["verify", str(path)]) == 0
    assert cli.main(["protect", str(path)]) == 1, "it has one already"


def test_typed_on_a_terminal_without_echo_and_twice(tmp_path: Path) -> None:
    """Through a real terminal: what is typed never comes back on it."""
    pty = pytest.importorskip("pty")
    path = tmp_path / "w.dianzhi"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DIANZHI_")}
    environment["DIANZHI_HOME"] = str(tmp_path)

    def typed(words: list[str], *lines: str) -> tuple[int, str]:
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            os.execve(sys.executable, [sys.executable, "main.py", *words, "--lang", "en"], environment)
        told = b""
        for line in lines:
            while not told.rstrip().endswith(b":"):
                told += os.read(terminal, 1000)
            time.sleep(0.1)  # the prompt comes before echo is off
            os.write(terminal, line.encode() + b"\n")
            told += b"|"
        while True:
            try:
                came = os.read(terminal, 1000)
            except OSError:
                break
            if not came:
                break
            told += came
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told.decode()

    status, told = typed(["new", str(path), "--protect"], PASSPHRASE, PASSPHRASE + "x")
    assert status == 2 and not path.exists() and "differ" in told
    status, told = typed(["new", str(path), "--protect"], PASSPHRASE, PASSPHRASE)
    assert status == 0 and recognised.protected(path) and PASSPHRASE not in told
    status, told = typed(["verify", str(path)], PASSPHRASE)
    assert status == 0 and PASSPHRASE not in told
    status, told = typed(["verify", str(path)], "falsch geraten")
    assert status == 3 and "falsch" not in told


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [(b"abcdefgh\xff\xfe", 3, "UTF-8"), (b"", 3, "DIANZHI_PASSPHRASE"), (b"abcdefgh\x01x", 1, "控制字符")],
    ids=["no UTF-8", "none", "a control sign"],
)
def test_a_passphrase_that_cannot_be_one_has_its_word(tmp_path: Path, given: bytes, status: int, said: str) -> None:
    path = tmp_path / "w.dianzhi"
    ended = subprocess.run(
        [sys.executable, "main.py", "new", str(path), "--protect", "--lang", "zh"], cwd=ROOT, check=False,
        env={**os.environ, "DIANZHI_PASSPHRASE": os.fsdecode(given)}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n"), path.exists()) == (status, 1, False)
    assert said in ended.stderr and "锁定" not in ended.stderr
