"""What lies on the auditor's desk: the workspace in hand, the choices that hold for all pages, the words.

Two verbs for data: `ask` reads and `change` writes, both in the background (`ui.jobs`). After a change
everyone hears of it through `changed`. Pages hold the desk and nothing else of the window.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from core import settings as kept
from core.faults import Cancelled, Fault
from core.texts import LANGUAGES, Texts
from ui.jobs import Job, Jobs
from ui.look import Look

if TYPE_CHECKING:
    from core.storage.contents import Contents
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
    choices: year, fund or coefficient set. display: yuan or 万元.
    """

    workspace: bool = False
    tables: frozenset[str] = field(default_factory=frozenset)
    choices: bool = False
    display: bool = False

    def touches(self, *tables: str) -> bool:
        """Whether data that comes from these tables may be different."""
        return self.workspace or "*" in self.tables or not self.tables.isdisjoint(tables)

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            self.workspace or other.workspace,
            self.tables | other.tables,
            self.choices or other.choices,
            self.display or other.display,
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
    asked = Signal(str)  # do the action of this id (`ui.actions`)
    retranslated = Signal()  # the language is another: rebuild

    def __init__(self, language: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = kept.load()
        self.texts = Texts(language or self.settings.language)
        self.look = Look(self.settings.theme, self)
        self.jobs = Jobs(self)
        self.jobs.broken.connect(self.broken)
        self.workspace: Workspace | None = None
        self.contents: Contents | None = None
        self.year: int | None = None
        self.fund = FUNDS[0]
        self.set_name = ""
        self.opening: Path | None = None  # under way

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
            return work(workspace, job)

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
            value = work(workspace, job)
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

    # The workspace in hand

    def open(self, path: str | Path) -> None:
        """Take this workspace in hand; the one before is put away. Opening may migrate, so it is a job."""
        from core.storage.workspace import Workspace

        self._take(
            Path(path), lambda job: Workspace.open(path), self.texts("ui.opening", name=Path(path).name)
        )

    def new(self, path: str | Path, region: str, name: str) -> None:
        from core.storage.workspace import Workspace

        self._take(
            Path(path),
            lambda job: Workspace.create(path, region=region, name=name),
            self.texts("ui.creating", name=Path(path).name),
        )

    def demonstrate(self, path: str | Path, scale: int) -> None:
        """Build the demonstration region at 1:scale into `path` and take it in hand; kept and reused."""
        path = Path(path)

        def build(job: Job) -> Any:
            from core.storage.workspace import Workspace

            if path.exists():
                return Workspace.open(path)
            from core import demo

            path.parent.mkdir(parents=True, exist_ok=True)
            return demo.build(path, scale=scale, progress=job)

        self._take(path, build, self.texts("ui.demonstrating", scale=scale))

    def put_away(self, then: Callable[[], None] | None = None) -> None:
        """Close the workspace in hand, after whoever still reads it has stopped."""
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
        if self.workspace is not None and Path(self.workspace.path) == path:
            return
        self.opening = path

        def work(job: Job) -> tuple[Workspace, Contents]:
            workspace = make(job)
            return workspace, _contents(workspace)

        def have(both: tuple[Workspace, Contents]) -> None:
            self.opening = None
            self.workspace, contents = both
            self._remember(path)
            self.year, self.set_name = None, ""
            self._count(contents, Changes(workspace=True))

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
        self, *, year: int | None = None, fund: str | None = None, set_name: str | None = None
    ) -> None:
        """Change one or more of the three choices; what is not given stays."""
        before = (self.year, self.fund, self.set_name)
        if year is not None:
            self.year = year
        if fund is not None:
            self.fund = fund
        if set_name is not None:
            self.set_name = set_name
        if before != (self.year, self.fund, self.set_name):
            self.changed.emit(Changes(choices=True))

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
            self.jobs.drop_all()
            self.retranslated.emit()

        self.jobs.when_idle(switch, writes_only=True)

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

    def go(self, page: str, target: object = None) -> None:
        """Ask the window for another page, and there for what that page understands (`XPage.show_target`)."""
        self.wanted.emit(page, target)

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


def _contents(workspace: Workspace) -> Contents:
    from core.storage.contents import contents

    return contents(workspace.reader())
