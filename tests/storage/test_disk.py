"""A disk that is full, gone or forbidden in the midst of the work: a word, nothing lost, nothing half."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "fuzz"
sys.path.insert(0, str(FUZZ))

from killing import HEAD  # noqa: E402
from small_region import build, figures, pack  # noqa: E402

from core import cli  # noqa: E402
from core.faults import Fault, WorldFault  # noqa: E402
from core.intake.load import import_file  # noqa: E402
from core.settlement.clearing import clear  # noqa: E402
from core.settlement.runs import verify  # noqa: E402
from core.storage import backups  # noqa: E402
from core.storage.ledger import Change, Edit  # noqa: E402
from core.storage.workspace import Workspace, world_fault  # noqa: E402


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "w.dz"
    build(path, cleared=False)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "t", str(folder)], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def fill(folder: Path, leave: int = 0) -> Path:
    filler = folder / "filler"
    filler.write_bytes(b"x" * max(shutil.disk_usage(folder).free - leave, 0))
    return filler


def case_file(path: Path, rows: int = 8000) -> Path:
    path.write_text(
        HEAD + "".join(f"k{n},310,H01,2024-03-05,2024-03-05 10:00:00,K35.300,1000.00,600.00,400.00,K35.3:g\n" for n in range(rows))
    )
    return path


def large_edit(workspace: Workspace) -> None:
    def change(n: int) -> Change:
        key = {"year": 2019, "fund": "employee", "item": "dip_budget", "document": f"{n}", "date": ""}
        return Change("budget", key, None, {"amount": n})

    workspace.ledger.commit(Edit("edit", "2019", tuple(change(n) for n in range(8000))))


WORK: dict[str, Callable[[Workspace, Path], object]] = {
    "import": lambda workspace, away: import_file(workspace, "cases", case_file(away / "more.csv")),
    "edit": lambda workspace, away: large_edit(workspace),
    "clear": lambda workspace, away: clear(workspace, 2024, pack()),
    "backup": lambda workspace, away: backups.take(workspace),
}


@pytest.mark.parametrize("what", WORK)
def test_a_full_disk_leaves_it_as_it_was(whole: Path, small: Path, tmp_path: Path, what: str) -> None:
    path = small / "w.dz"
    shutil.copyfile(whole, path)
    with Workspace.open(path) as workspace:
        before = figures(workspace)
        generation = workspace.generation()
        filler = fill(small, 0 if what in ("clear", "backup") else 60_000)
        with pytest.raises(WorldFault) as caught:
            WORK[what](workspace, tmp_path)
        assert caught.value.code in ("disk_full", "disk_error", "no_backup_room", "no_backup")
        assert workspace.generation() == generation
        filler.unlink()
        assert figures(workspace) == before
        assert [one for one in verify(workspace) if one.severity == "blocked"] == []
        if what != "backup":
            WORK[what](workspace, tmp_path)  # and now there is room
    with Workspace.open(path) as workspace:
        assert workspace.integrity() == []
        assert workspace.ledger.check() == []


# zipfile closes what is left of a workbook when it is collected, and meets the full disk once more.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_export_to_a_full_disk_is_told_and_leaves_no_half_file(
    whole: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.dz"
    shutil.copyfile(whole, path)
    fill(small)
    for ending in ("csv", "xlsx", "json"):
        out = small / f"sheet.{ending}"
        words = ["clear", str(path), "--year", "2024", "--pack", "ningde-2024", "--param", "reference_min_cases=1", "--out", str(out)]
        assert cli.main(words) == 3
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert said.strip()
        assert not out.exists() or out.stat().st_size == 0


def in_a_child(work: Callable[[], None]) -> int:
    """Exit status of the work in a forked process: limits and lost files do not reach the tests."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            work()
            status = 0
        except Fault:
            status = 3
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("what", ["import", "edit", "backup"])
def test_a_limit_on_files_is_a_full_disk(whole: Path, tmp_path: Path, what: str) -> None:
    """Where nothing may be mounted: writes fail beyond a size."""
    path = tmp_path / "w.dz"
    shutil.copyfile(whole, path)
    case_file(tmp_path / "more.csv")
    limit = path.stat().st_size - 8192 if what == "backup" else path.stat().st_size + 100_000

    def work() -> None:
        workspace = Workspace.open(path)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if what == "import":
            import_file(workspace, "cases", tmp_path / "more.csv")
        else:
            WORK[what](workspace, tmp_path)

    assert in_a_child(work) == 3
    with Workspace.open(path) as workspace:
        assert [one for one in verify(workspace) if one.severity == "blocked"] == []
        assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (40,)
        assert workspace.reader().execute("SELECT count(*) FROM budget WHERE year = 2019").fetchone() == (0,)


def test_a_stick_pulled_while_the_workspace_is_open(whole: Path, small: Path, tmp_path: Path) -> None:
    """The file ends in the middle, as pages of a lost device do not come: a fault, and no figure in silence."""
    path = small / "w.dz"
    shutil.copyfile(whole, path)

    def work() -> None:
        with Workspace.open(path) as workspace:
            os.truncate(path, 8192 * 3)
            said = verify(workspace)
            assert [one for one in said if one.code == "file_damaged"]
            try:
                figures(workspace)
            except Exception as error:
                assert isinstance(error, Fault) or world_fault(error, path), repr(error)
            else:
                raise AssertionError("figures out of nothing")

    assert in_a_child(work) == 0


@pytest.mark.parametrize("what", ["edit", "clear", "backup"])
def test_a_stick_pulled_in_the_middle_of_the_work(whole: Path, small: Path, tmp_path: Path, what: str) -> None:
    """Every way that a window has of writing ends in a fault, which it tells; none in a bug, and none in silence."""
    path = small / "w.dz"
    shutil.copyfile(whole, path)

    def work() -> None:
        with Workspace.open(path) as workspace:
            os.truncate(path, 8192 * 3)
            try:
                WORK[what](workspace, tmp_path)
            except Exception as error:
                said = world_fault(error, path)
                assert isinstance(error, WorldFault) or isinstance(said, WorldFault), repr(error)
            else:
                raise AssertionError("done on a disk that is gone")

    assert in_a_child(work) == 0


def test_a_stick_pulled_during_an_import(whole: Path, small: Path, tmp_path: Path) -> None:
    """The source ends while it is read, the folder vanishes from its name: all of the rows or none."""
    source = case_file(small / "more.csv", 20_000)
    path = tmp_path / "w.dz"
    shutil.copyfile(whole, path)

    class Pulling:
        cancelled = False

        def report(self, code: str, done: int, total: int | None = None) -> None:
            if source.exists() and code == "import" and done:
                os.truncate(source, 0)
                subprocess.run(["umount", "-l", str(small)], capture_output=True)

    with Workspace.open(path) as workspace:
        try:
            receipt = import_file(workspace, "cases", source, progress=Pulling(), chunk=100_000)
            assert receipt.rows_read == receipt.accepted + receipt.refused
        except Fault:
            assert workspace.reader().execute("SELECT count(*) FROM cases").fetchone() == (40,)
        assert [one for one in verify(workspace) if one.severity == "blocked"] == []


def test_the_writer_dies_and_the_other_takes_over(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.dz"
    shutil.copyfile(whole, path)
    ready, started = os.pipe()
    child = os.fork()
    if child == 0:
        workspace = Workspace.open(path)
        assert not workspace.read_only
        os.write(started, b".")
        signal.pause()
    os.read(ready, 1)
    with Workspace.open(path) as second:
        assert second.read_only_why == "locked"
        with pytest.raises(WorldFault, match="read_only"):
            large_edit(second)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with Workspace.open(path, strict=True) as taken:
        large_edit(taken)
        assert taken.ledger.check() == []


def test_a_clock_that_goes_back_changes_no_order(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are in the order of their numbers, and what is stale is known by them."""
    from core.settlement.staleness import stale
    from core.storage import ledger

    path = tmp_path / "w.dz"
    shutil.copyfile(whole, path)
    real = ledger.datetime

    class Jumping(real):  # type: ignore[misc, valid-type]
        years = 2031

        @classmethod
        def now(cls, tz: object = None) -> object:
            return real.now(tz).replace(year=cls.years, day=1)

    with Workspace.open(path) as workspace:
        monkeypatch.setattr(ledger, "datetime", Jumping)
        clear(workspace, 2024, pack())
        Jumping.years = 1999
        import_file(workspace, "cases", case_file(tmp_path / "more.csv", 20))
        lines = workspace.ledger.lines()
        assert lines[0].at < lines[1].at
        assert lines[0].id > lines[1].id
        assert workspace.ledger.check() == []
        run = workspace.reader().execute("SELECT id FROM run").fetchone()[0]
        assert stale(workspace, run)
        workspace.ledger.undo()
        assert not stale(workspace, run)
        assert [one for one in verify(workspace) if one.severity == "blocked"] == []
