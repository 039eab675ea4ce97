"""What the window asks and tells outside of its pages: faults, bugs, reasons, a new workspace, and empty pages."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core import settings as kept
from core.faults import Fault, Refused
from core.texts import Texts
from ui.desk import Changes, Desk
from ui.jobs import Job
from ui.look import EDGE, GAP, TIGHT, count, set_role

if TYPE_CHECKING:
    from core.storage.ledger import LedgerLine

SUFFIX = ".dianzhi"
REGION = re.compile(r"[0-9]{6}")
SCALES = (100, 10, 1)
SMALL = 460  # width of a dialog that asks one thing


# Words for what went wrong


def words(texts: Texts, error: Exception) -> str:
    """A fault's sentence: what happened, where, what to do."""
    if not isinstance(error, Fault):
        return f"{type(error).__name__}: {error}"
    return texts.fault(error)


def detail(texts: Texts, error: Exception) -> str:
    """The findings that a refusal carries, a line each."""
    if not isinstance(error, Refused):
        return ""
    lines: list[str] = []
    for finding in error.findings:
        place = [
            finding.file,
            finding.sheet,
            texts("ui.row", row=finding.row) if finding.row else "",
            texts.field(finding.column) if texts.has(f"fields.{finding.column}") else texts.column(finding.column),
            "" if finding.subject in texts.finding(finding) else finding.subject,  # not said twice
        ]
        where = " ".join(part for part in place if part)
        lines.append(f"{where}: {texts.finding(finding)}" if where else texts.finding(finding))
    return "\n".join(lines)


class TextDialog(QDialog):
    """Some text to read and copy: the details of a refusal, a bug's trace."""

    def __init__(self, desk: Desk, title: str, said: str, text: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        label = QLabel(said)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(label)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(title)
        layout.addWidget(self.text, 1)
        buttons = QDialogButtonBox()
        copy = buttons.addButton(desk.texts("ui.copy"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(f"{said}\n{self.text.toPlainText()}")
        )
        close = buttons.addButton(desk.texts("ui.close"), QDialogButtonBox.ButtonRole.AcceptRole)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        layout.addWidget(buttons)


class ErrorBar(QFrame):
    """A fault, across the window until it is put away: the work goes on beneath."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._details = ""
        self.setObjectName("errorbar")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(EDGE, TIGHT, GAP, TIGHT)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self.label, 1)
        self.more = QPushButton(desk.texts("ui.details"))
        self.more.clicked.connect(self._tell)
        self._error: Exception | None = None
        desk.changed.connect(self._changed)
        layout.addWidget(self.more)
        close = QToolButton()
        close.setIcon(desk.look.icon("close", "bad"))
        close.setToolTip(desk.texts("ui.close"))
        close.setAccessibleName(desk.texts("ui.close"))
        close.clicked.connect(self.hide)
        layout.addWidget(close)
        self.hide()

    def put(self, error: Exception) -> None:
        self._error = error
        self.label.setText(words(self._desk.texts, error))
        self._details = detail(self._desk.texts, error)
        self.more.setVisible(bool(self._details))
        self.show()

    def _changed(self, changes: Changes) -> None:
        if not self.isHidden() and outlived(self._error, changes):
            self.hide()

    def _tell(self) -> None:
        TextDialog(
            self._desk, self._desk.texts("ui.details"), self.label.text(), self._details, self.window()
        ).open()


def outlived(error: Exception | None, changes: Changes) -> bool:
    """Whether what was refused since a year is confirmed need not be said any more: a year was reopened, or confirmed, since."""
    return isinstance(error, Refused) and error.code == "year_confirmed" and changes.touches("confirmed_year")


class Waiting(QDialog):
    """A change that takes longer than half a second: how far it is; Esc cancels and nothing is changed."""

    def __init__(self, desk: Desk, job: Job, parent: QWidget) -> None:
        super().__init__(parent)
        self._desk, self.job = desk, job
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(job.title or desk.texts("ui.working"))
        self.setMinimumWidth(420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(QLabel(job.title or desk.texts("ui.working")))
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        layout.addWidget(self.bar)
        self.stage = QLabel(" ")
        set_role(self.stage, "muted")
        layout.addWidget(self.stage)
        self.stop = QPushButton(desk.texts("ui.cancel"))
        self.stop.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.stop)
        layout.addLayout(row)

    def update_from(self, job: Job) -> None:
        self.stage.setText(far(self._desk.texts, job))
        show_far(self.bar, job)

    def reject(self) -> None:
        self.job.cancel()
        self.stop.setEnabled(False)
        self.stage.setText(self._desk.texts("ui.cancelling"))

    def end(self) -> None:
        super().accept()
        self.deleteLater()


def far(texts: Texts, job: Job) -> str:
    """How far a job is, in words."""
    if not job.code:
        return " "
    said = texts(f"progress.{job.code}")
    if job.total:
        return f"{said}  {count(job.done)} / {count(job.total)}"
    return f"{said}  {count(job.done)}" if job.done else said


def show_far(bar: QProgressBar, job: Job) -> None:
    if job.total:
        bar.setRange(0, 1000)  # Qt's bars are 32 bit, a file's bytes need not be
        bar.setValue(min(1000, job.done * 1000 // job.total))
    else:
        bar.setRange(0, 0)


# Questions


def paragraph(text: str) -> QLabel:
    """Text over several lines at the width of a small dialog: Qt alone guesses their number from another width."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.ensurePolished()
    label.setFixedWidth(SMALL - 2 * EDGE)
    label.setMinimumHeight(label.heightForWidth(SMALL - 2 * EDGE))
    return label


class DoOrCancel(QDialogButtonBox):
    """The end of a dialog: the button that does what it is for, and the way out. Qt lets Enter press the first when it shows."""

    def __init__(self, dialog: QDialog, texts: Texts, words: str) -> None:
        super().__init__()
        self.do = self.addButton(words, QDialogButtonBox.ButtonRole.AcceptRole)
        self.do.setProperty("primary", True)
        self.addButton(texts("ui.cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.accepted.connect(dialog.accept)
        self.rejected.connect(dialog.reject)


class ReasonDialog(QDialog):
    """Says what will be done and takes a reason for the ledger; `reason` after it was accepted."""

    def __init__(
        self, desk: Desk, title: str, said: str, do: str, parent: QWidget, need_reason: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setFixedWidth(SMALL)
        self._need = need_reason
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(paragraph(said))
        self.field = QLineEdit()
        self.field.setPlaceholderText(desk.texts("ui.reason_hint"))
        self.field.setAccessibleName(desk.texts("ui.reason"))
        layout.addWidget(self.field)
        buttons = DoOrCancel(self, desk.texts, do)
        self.do = buttons.do
        layout.addWidget(buttons)
        self.field.textChanged.connect(self._check)
        self._check()
        self.field.setFocus()

    @property
    def reason(self) -> str:
        return self.field.text().strip()

    def _check(self) -> None:
        self.do.setEnabled(bool(self.reason) or not self._need)


def action_words(texts: Texts, action: str) -> str:
    """A ledger line's action in the user's language; one that nobody named stays as it is."""
    key = f"ledger.action.{action}"
    return texts(key) if texts.has(key) else action


def local_time(at: str) -> str:
    """UTC of the ledger as the time on the wall."""
    return datetime.datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def turn_back(desk: Desk, verb: str, line: LedgerLine, parent: QWidget) -> None:
    """Ask for a reason, then `undo` or `redo` this line of the ledger."""
    from ui import ledger_words  # as the Ledger page calls it

    texts = desk.texts
    said = texts(
        f"ledger.{verb}.about",
        line=line.id,
        action=ledger_words.done(line, texts),
        subject=ledger_words.subject(line, texts),
        at=local_time(line.at),
        who=line.who,
    )
    dialog = ReasonDialog(desk, texts(f"ledger.{verb}.title"), said, texts(f"ledger.{verb}.do"), parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def go() -> None:
        reason = dialog.reason
        desk.change(
            lambda workspace, job: getattr(workspace.ledger, verb)(line.id, why=reason),
            lambda _: desk.say(texts(f"ledger.{verb}.done", subject=ledger_words.subject(line, texts))),
            title=texts(f"ledger.{verb}.title"),
        )

    dialog.accepted.connect(go)
    dialog.open()


class SureDialog(QDialog):
    """What it means, before it is done."""

    def __init__(self, desk: Desk, title: str, said: str, do: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setFixedWidth(460)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(paragraph(said))
        buttons = QDialogButtonBox()
        self.do = buttons.addButton(do, QDialogButtonBox.ButtonRole.AcceptRole)
        self.do.setProperty("primary", True)
        stop = buttons.addButton(desk.texts("ui.cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        stop.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)


class NewWorkspaceDialog(QDialog):
    """Name, region and place of a new workspace; `path`, `region`, `name` after it was accepted."""

    def __init__(self, desk: Desk, parent: QWidget | None) -> None:
        super().__init__(parent)
        texts = desk.texts
        self._texts = texts
        self.setWindowTitle(texts("start.new.title"))
        self.setMinimumWidth(560)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        form = QFormLayout()
        form.setSpacing(GAP)
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText(texts("start.new.name_hint"))
        form.addRow(texts("start.new.name"), self.name_field)
        self.region_field = QLineEdit()
        self.region_field.setMaxLength(6)
        self.region_field.setPlaceholderText(texts("start.new.region_hint"))
        form.addRow(texts("start.new.region"), self.region_field)
        self.path_field = QLineEdit()
        browse = QPushButton(texts("start.new.browse"))
        browse.setAutoDefault(False)  # Enter creates
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.path_field, 1)
        row.addWidget(browse)
        self.path_field.setAccessibleName(texts("start.new.path"))
        form.addRow(texts("start.new.path"), row)
        layout.addLayout(form)
        self.protect = QCheckBox(texts("protect.at_birth"))
        self.protect.setToolTip(texts("protect.unprotected"))
        layout.addWidget(self.protect)
        self.problem = QLabel(" ")
        self.problem.setWordWrap(True)
        set_role(self.problem, "bad")
        layout.addWidget(self.problem)
        buttons = DoOrCancel(self, texts, texts("start.new.create"))
        self.create_button = buttons.do
        layout.addWidget(buttons)
        self._folder = documents()
        self._followed = ""
        self.name_field.textChanged.connect(self._follow)
        for field in (self.name_field, self.region_field, self.path_field):
            field.textChanged.connect(self._check)
        self._follow()
        self._check()

    @property
    def path(self) -> Path:
        text = self.path_field.text().strip()
        return Path(text if Path(text).suffix else text + SUFFIX)

    @property
    def region(self) -> str:
        return self.region_field.text().strip()

    @property
    def name(self) -> str:
        return self.name_field.text().strip()

    def _follow(self) -> None:
        """The file's name follows the workspace's, until somebody writes another."""
        if self.path_field.text() != self._followed:
            return
        stem = re.sub(r'[\\/:*?"<>|\s]+', "_", self.name) or self._texts("start.new.stem")
        self._followed = str(self._folder / f"{stem}{SUFFIX}")
        self.path_field.setText(self._followed)

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, self._texts("start.new.path"), str(self.path), file_filter(self._texts)
        )
        if chosen:
            self.path_field.setText(chosen)

    def _trouble(self) -> str:
        if not self.name:
            return "name_missing"
        if not REGION.fullmatch(self.region):
            return "region_wrong"
        if not self.path_field.text().strip():
            return "path_missing"
        if self.path.exists():
            return "path_taken"
        if not self.path.parent.is_dir():
            return "folder_missing"
        return ""

    def _check(self) -> None:
        trouble = self._trouble()
        self.create_button.setEnabled(not trouble)
        untouched = not self.name and not self.region
        self.problem.setText(self._texts(f"start.new.{trouble}") if trouble and not untouched else " ")


class DemoDialog(QDialog):
    """How large the demonstration is to be; `scale` after it was accepted."""

    def __init__(self, desk: Desk, parent: QWidget | None) -> None:
        super().__init__(parent)
        texts = desk.texts
        self.setWindowTitle(texts("start.demo.title"))
        self.setFixedWidth(SMALL)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(paragraph(texts("start.demo.about")))
        self.choices: dict[int, QRadioButton] = {}
        for scale in SCALES:
            ready = demo_path(scale).exists()
            said = texts(f"start.demo.scale_{scale}")
            self.choices[scale] = QRadioButton(f"{said}  ({texts('start.demo.ready')})" if ready else said)
            layout.addWidget(self.choices[scale])
        self.choices[10].setChecked(True)
        self.choices[10].setFocus()
        buttons = DoOrCancel(self, texts, texts("start.demo.go"))
        layout.addWidget(buttons)

    @property
    def scale(self) -> int:
        return next(scale for scale, choice in self.choices.items() if choice.isChecked())


def demo_path(scale: int) -> Path:
    """Where the demonstration at 1:scale is kept between sessions."""
    return kept.home() / "demonstration" / f"demo-{scale}{SUFFIX}"


def documents() -> Path:
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    folder = Path(place) if place else Path.home()
    return folder if folder.is_dir() else Path.home()


def file_filter(texts: Texts) -> str:
    return f"{texts('ui.workspaces')} (*{SUFFIX} *.db *.sqlite);;{texts('ui.all_files')} (*)"


def ask_workspace(desk: Desk, parent: QWidget) -> Path | None:
    """Which workspace to open."""
    recent = desk.settings.recent
    folder = Path(recent[0]).parent if recent else documents()
    chosen, _ = QFileDialog.getOpenFileName(
        parent, desk.texts("start.open"), str(folder), file_filter(desk.texts)
    )
    return Path(chosen) if chosen else None


# Empty pages


class Empty(QWidget):
    """A page without content: what it will hold, what is missing for it, and the button that brings it."""

    pressed = Signal()

    def __init__(self, desk: Desk, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._icon = desk, icon
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        middle = QVBoxLayout()
        middle.setSpacing(GAP)
        self.picture = QLabel()
        self.title = QLabel()
        self.holds = QLabel()
        self.missing = QLabel()
        set_role(self.title, "title")
        set_role(self.holds, "muted")
        self.holds.setMinimumWidth(420)  # else Qt wraps a short sentence into a narrow column
        for label in (self.picture, self.title, self.holds, self.missing):
            label.setWordWrap(label is self.holds or label is self.missing)
            label.setMaximumWidth(560)
            middle.addWidget(label)
        self.button = QPushButton()
        self.button.setProperty("primary", True)
        self.button.clicked.connect(self.pressed)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        middle.addSpacing(GAP)
        middle.addLayout(row)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addLayout(middle)
        across.addStretch(1)
        outer.addLayout(across)
        outer.addStretch(3)
        desk.look.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self.picture.setPixmap(self._desk.look.icon(self._icon, "accent").pixmap(24, 24))

    def say(self, title: str, holds: str, missing: str = "", button: str = "") -> None:
        self.title.setText(title)
        self.holds.setText(holds)
        self.missing.setText(missing)
        self.missing.setVisible(bool(missing))
        self.button.setText(button)
        self.button.setVisible(bool(button))


class EscapeField(QLineEdit):
    """A field that filters as you type; Esc empties it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)
