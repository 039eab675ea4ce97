"""What lies on the auditor's desk: the workspace in hand, the choices that hold for all pages, the words.

Two verbs for data: `ask` reads and `change` writes, both in the background (`ui.jobs`). After a change
everyone hears of it through `changed`. Pages hold the desk and nothing else of the window.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from core import settings as kept
from core.faults import Cancelled, Fault
from core.texts import LANGUAGES, Texts
from ui.jobs import Job, Jobs
from ui.look import Look
from ui.unsaved import Leaving, Unsaved
from ui.watching import Watch

if TYPE_CHECKING:
    from core.storage.contents import Contents
    from core.storage.keys import Key
    from core.storage.workspace import Workspace

FUNDS = ("employee", "resident")
RECENT = 12  # how many workspaces the start page remembers
ALL_TABLES = frozenset({"*"})

# work(workspace, progress): the workspace is the one in hand when it was asked for.
DeskWork = Callable[[Any, Job], Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different since a page last looked.

    workspace: another one, or none. tables: tables of the workspace that were written ("*": any).
    choices: year, fund or coefficient set. display: yuan or 万元. again: the workspace is the one from before, opened anew.
    """

    workspace: bool = False
    tables: frozenset[str] = field(default_factory=frozenset)
    choices: bool = False
    display: bool = False
    again: bool = False

    def touches(self, *tables: str) -> bool:
        """Whether data that comes from these tables may be different."""
        return self.workspace or "*" in self.tables or not self.tables.isdisjoint(tables)

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            self.workspace or other.workspace,
            self.tables | other.tables,
            self.choices or other.choices,
            self.display or other.display,
            self.again or other.again,
        )


class Desk(QObject):
    """See the module.

    workspace: the one in hand, or None. contents: what it holds, in brief (years, sets, counts), or None.
    year, fund, set_name: the three choices; set_name "" takes the latest published set, else the imported draft.
    """

    changed = Signal(object)  # Changes
    troubled = Signal(object)  # an Exception that the user should hear of (Fault, Cancelled)
    broken = Signal(object, str)  # a bug: the error and its trace
    said = Signal(str)  # one line for the status line
    wanted = Signal(str, object)  # show the page of this key, and there what the page understands
    unlock_asked = Signal(object)  # Path: this workspace wants its passphrase
    asked = Signal(str)  # do the action of this id (`ui.actions`)
    retranslated = Signal()  # the language is another: rebuild
    stayed = Signal()  # what was wanted did not come about: fields show again what stands
    leaving_asked = Signal(object)  # Leaving: unsaved work is in the way, ask

    def __init__(self, language: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = kept.load()
        self.texts = Texts(language or self.settings.language)
        self.look = Look(self.settings.theme, self)
        self.look.speak(self.texts.lang)
        self.jobs = Jobs(self)
        self.jobs.broken.connect(self.broken)
        self.workspace: Workspace | None = None
        self.contents: Contents | None = None
        self.year: int | None = None
        self.fund = FUNDS[0]
        self.set_name = ""
        self.opening: Path | None = None  # under way
        self._holders: list[Unsaved] = []
        self.watch = Watch(self)

    def ask(
        self,
        work: DeskWork,
        answer: Callable[[Any], None],
        *,
        place: str,
        failed: Callable[[Exception], None] | None = None,
        title: str = "",
    ) -> Job:
        """Read: `work(workspace, progress)` in a thread, then `answer(value)` here.

        The newest question of a `place` wins; `place` is the page's key, a dot and a word. Without `failed`
        the window shows a fault; with it, faults and `Cancelled` go there. A bug is always shown.
        """
        workspace = self.workspace

        def read(job: Job) -> Any:
            if workspace is not None:
                job.interruptible(workspace.reader())
            return _of_the_world(workspace, lambda: work(workspace, job))

        return self.jobs.ask(read, answer, place=place, failed=failed or self._trouble, title=title)

    def change(
        self,
        work: DeskWork,
        done: Callable[[Any], None] | None = None,
        *,
        failed: Callable[[Exception], None] | None = None,
        title: str = "",
        tables: Iterable[str] = ALL_TABLES,
    ) -> Job:
        """Write: `work(workspace, progress)` in the writer's thread, then `changed` to all, then `done(value)`.

        `tables`: what the work may touch. A cancelled or failed change has changed nothing.
        """
        workspace = self.workspace
        touched = frozenset(tables)

        def write(job: Job) -> Any:
            value = _of_the_world(workspace, lambda: work(workspace, job))
            return value, (_contents(workspace) if workspace is not None else None)

        def finish(both: tuple[Any, Contents | None]) -> None:
            value, contents = both
            if workspace is self.workspace and contents is not None:
                self._count(contents, Changes(tables=touched))
            if done is not None:
                self.jobs.hand(done, value)

        return self.jobs.change(write, finish, failed=failed or self._trouble, title=title)

    def _trouble(self, error: Exception) -> None:
        if isinstance(error, Fault | Cancelled):
            self.troubled.emit(error)

    # Unsaved work

    def guard(self, holder: Unsaved) -> None:
        """From now on nothing takes away unasked what this widget holds unsaved."""
        self._holders = [one for one in self._holders if isValid(one)]
        self._holders.append(holder)

    def leaving(
        self, then: Callable[[], None], *, holders: Iterable[Unsaved] | None = None, choices: bool = False
    ) -> None:
        """Do `then` at once where nothing unsaved is in its way, else as the user decides.

        holders: whose work it would take away; by itself everybody's. choices: it only changes year, fund or set.
        """
        if waiting := self.waiting(holders, choices=choices):
            self.leaving_asked.emit(Leaving(waiting, then, lambda: self.stayed.emit()))
        else:
            then()

    def waiting(self, holders: Iterable[Unsaved] | None = None, *, choices: bool = False) -> list[Unsaved]:
        """Those that hold something unsaved."""
        asked = self._holders if holders is None else holders
        return [one for one in asked if isValid(one) and one.unsaved() and (one.of_choices or not choices)]

    # The workspace in hand

    def open(self, path: str | Path, key: Key | None = None) -> None:
        """Take this workspace in hand; the one before is put away. Opening may migrate, so it is a job.

        key: of a protected one; without it, its passphrase is asked for first.
        """
        from core.storage.workspace import Workspace

        path = Path(path).absolute()
        if self._in_hand(path):
            self.read_again()
            return
        if key is None and not self._in_hand(path) and _locked(path):
            self.unlock_asked.emit(path)
            return
        self._take(
            path, lambda job: Workspace.open(path, passphrase=key), self.texts("ui.opening", name=path.name)
        )

    def read_again(self) -> None:
        """A read-only workspace as its file is now; for writing, where the program that kept us from it has ended. Year,
        fund and set stay. One that we write is as we read it.
        """
        from core.storage.workspace import Workspace, may_write

        workspace = self.workspace
        if workspace is None or not workspace.read_only:
            return
        path, choices = Path(workspace.path), (self.year, self.set_name)
        if may_write(path):
            title, key = self.texts("ui.opening", name=path.name), workspace.key

            def then() -> None:
                if self.workspace is not None and not self.workspace.read_only:
                    self.say(self.texts("ui.writes_now"))

            self.leaving(
                lambda: self._begin(path, lambda job: Workspace.open(path, passphrase=key), title, then, choices)
            )
            return
        self.ask(
            lambda workspace, job: _contents(workspace),
            lambda contents: self._count(contents, Changes(tables=ALL_TABLES)),
            place="desk.read_again",
        )

    def convert(
        self, work: Callable[[Job], Key | None], title: str, said: str, told: Sequence[Fault] = ()
    ) -> None:
        """Put the workspace in hand away, do `work` on its file, and open it by the key that this gives; where it fails, by
        the one it had. said: the news of its success; told: what `work` adds to them.
        """
        from core.storage.workspace import Workspace

        assert self.workspace is not None
        path, before = Path(self.workspace.path), self.workspace.key
        failed: list[Exception] = []

        def make(job: Job) -> Workspace:
            try:
                key = work(job)
            except (Fault, Cancelled) as error:
                failed.append(error)
                key = before
            workspace = Workspace.open(path, passphrase=key)
            workspace.notices += told
            return workspace

        def tell() -> None:
            if failed:
                self._trouble(failed[0])
            else:
                self.say(said)

        choices = (self.year, self.set_name)
        self.leaving(lambda: self._begin(path, make, title, tell, choices))

    def new(self, path: str | Path, region: str, name: str, passphrase: str | None = None) -> None:
        from core.storage.workspace import Workspace

        self._take(
            Path(path),
            lambda job: Workspace.create(path, region=region, name=name, passphrase=passphrase),
            self.texts("ui.creating", name=Path(path).name),
        )

    def demonstrate(self, path: str | Path, scale: int) -> None:
        """Build the demonstration region at 1:scale into `path` and take it in hand; kept and reused."""
        path = Path(path)

        if path.exists():
            self.open(path)
            return

        def build(job: Job) -> Any:
            from core import demo

            path.parent.mkdir(parents=True, exist_ok=True)
            return demo.build(path, scale=scale, progress=job)

        self._take(path, build, self.texts("ui.demonstrating", scale=scale))

    def put_away(self, then: Callable[[], None] | None = None) -> None:
        """Close the workspace in hand, after whoever still reads it has stopped. Unsaved work is not asked about here."""
        workspace, self.workspace, self.contents = self.workspace, None, None
        self.jobs.drop_all()
        if workspace is None:
            if then is not None:
                then()
            return
        self.changed.emit(Changes(workspace=True))

        def close() -> None:
            self.jobs.change(
                lambda job: workspace.close(),
                lambda _: then() if then is not None else None,
                failed=self._trouble,
            )

        self.jobs.when_idle(close)

    def _take(self, path: Path, make: Callable[[Job], Workspace], title: str) -> None:
        if self.opening is not None:
            return
        path = path.absolute()
        if self._in_hand(path):
            return
        self.leaving(lambda: self._begin(path, make, title))

    def _in_hand(self, path: Path) -> bool:
        return self.workspace is not None and Path(self.workspace.path) == path

    def _begin(
        self,
        path: Path,
        make: Callable[[Job], Workspace],
        title: str,
        then: Callable[[], None] = lambda: None,
        choices: tuple[int | None, str] | None = None,
    ) -> None:
        """choices: of the same workspace opened anew, the year and set to stay with where they are still there."""
        self.opening = path

        def work(job: Job) -> tuple[Workspace, Contents]:
            workspace = make(job)
            return workspace, _contents(workspace)

        def have(both: tuple[Workspace, Contents]) -> None:
            self.opening = None
            self.workspace, contents = both
            self.workspace.tell = self.troubled.emit
            for fault in self.workspace.notices:
                self.troubled.emit(fault)
            self._remember(path)
            self.year, self.set_name = choices or (None, "")
            self._count(contents, Changes(workspace=True, again=choices is not None))
            then()

        def failed(error: Exception) -> None:
            self.opening = None
            self.changed.emit(Changes(workspace=True))
            self._trouble(error)

        self.put_away(lambda: self.jobs.change(work, have, failed=failed, title=title))

    def _count(self, contents: Contents, changes: Changes) -> None:
        """New contents: keep the choices if they still stand, and tell everyone."""
        self.contents = contents
        if self.year not in contents.years:
            self.year = contents.years[-1] if contents.years else None
        if self.set_name not in contents.sets:
            self.set_name = ""
        self.changed.emit(changes)

    def _remember(self, path: Path) -> None:
        recent = [str(path), *(other for other in self.settings.recent if other != str(path))]
        self.settings.recent = recent[:RECENT]
        self.save()

    def forget(self, path: str) -> None:
        """Off the list of recent workspaces; the file stays."""
        self.settings.recent = [other for other in self.settings.recent if other != path]
        self.save()

    # Choices

    def choose(
        self,
        *,
        year: int | None = None,
        fund: str | None = None,
        set_name: str | None = None,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Change one or more of the three choices, and `then`; what is not given stays. Nothing of it while the user stays
        with what is not saved.
        """
        wanted = (
            self.year if year is None else year, self.fund if fund is None else fund,
            self.set_name if set_name is None else set_name,
        )  # fmt: skip

        def take() -> None:
            self.year, self.fund, self.set_name = wanted
            self.changed.emit(Changes(choices=True))
            then()

        if wanted != (self.year, self.fund, self.set_name):
            self.leaving(take, choices=True)
        else:
            then()

    @property
    def wan(self) -> bool:
        """Whether amounts are shown in 万元."""
        return self.settings.amounts_in_wan

    def show_wan(self, on: bool) -> None:
        if on != self.settings.amounts_in_wan:
            self.settings.amounts_in_wan = on
            self.save()
            self.changed.emit(Changes(display=True))

    def speak(self, language: str) -> None:
        """Another language, at once; waits for a change under way, whose answer goes to a page of the old one."""
        if language not in LANGUAGES or language == self.texts.lang:
            return

        def switch() -> None:
            self.settings.language = language
            self.save()
            self.texts = Texts(language)
            self.look.speak(language)
            self.jobs.drop_all()
            self.retranslated.emit()

        self.leaving(lambda: self.jobs.when_idle(switch, writes_only=True))

    def wear(self, theme: str) -> None:
        """system, light or dark, at once."""
        if theme != self.settings.theme:
            self.settings.theme = theme
            self.save()
            self.look.wear(theme)

    def save(self) -> None:
        """Keep the settings; a full or read-only disk costs the memory of them, not the work."""
        try:
            kept.save(self.settings)
        except OSError as error:
            self.said.emit(self.texts("ui.settings_not_kept", reason=str(error)))

    # Small things

    def say(self, text: str) -> None:
        self.said.emit(text)

    def go(self, page: str, target: object = None, *, year: int | None = None) -> None:
        """Ask the window for another page, and there for what that page understands (`XPage.show_target`).

        year: what is wanted is of that year. Where another was chosen, it changes for all pages, and that is said.
        """
        before = self.year

        def there() -> None:
            self.wanted.emit(page, target)
            if year is not None and year != before:
                self.say(self.texts("ui.year_changed", year=year, before=before))

        self.choose(year=year, then=there)

    def act(self, action: str) -> None:
        """Ask the window to do an action by its id."""
        self.asked.emit(action)

    @property
    def who(self) -> str:
        return self.settings.user or getpass.getuser()

    def close(self) -> bool:
        """At the end of the program: stop everything, close the workspace."""
        ended = self.jobs.close()
        if ended and self.workspace is not None:
            self.workspace.close()
            self.workspace = None
        return ended


def _locked(path: Path) -> bool:
    """Whether a passphrase has to be asked for; what else may be wrong with the file its opening says."""
    from core.storage import recognised

    try:
        return recognised.protected(path)
    except Fault:
        return False


def _of_the_world(workspace: Workspace | None, work: Callable[[], Any]) -> Any:
    """A damaged page, a full or lost disk in the midst of the work as the fault that it is, not as a bug."""
    try:
        return work()
    except Exception as error:
        if workspace is None:
            raise
        from core.storage.workspace import world_fault

        fault = world_fault(error, workspace.path)
        if fault is None:
            raise
        raise fault from error


def _contents(workspace: Workspace) -> Contents:
    from core.storage.contents import contents

    return contents(workspace.reader())
