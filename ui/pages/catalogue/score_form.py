"""The choices by which scores are made from history: every parameter with what it means and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.faults import Usage
from core.rules.scoring import CHOICES, Choice, ScoreRule, chosen
from ui.desk import Desk
from ui.look import GAP, TIGHT, set_role

if TYPE_CHECKING:
    from core.rules.circular import Pack

# A choice that only another one gives a sense: key -> (the other, the texts of it that do).
ONLY_WITH: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "benchmark": ("method", ("benchmark",)),
    "quota": ("method", ("quota",)),
    "overall": ("method", ("mean",)),
    "parts_scale": ("parts", ("true",)),
    "percentiles": ("trimming", ("percentile",)),
    "interpolation": ("trimming", ("percentile", "iqr")),
    "fence": ("trimming", ("iqr",)),
    "trim_by": ("trimming", ("percentile", "iqr")),
    "trim_least": ("trimming", ("percentile", "iqr")),
    "coverage": ("threshold", ("coverage",)),
    "total_years": ("keep_total", ("true",)),
}
# These shape groups that are made from the cases; a catalogue that is scored anew has its groups.
BUILDING = ("threshold", "coverage", "threshold_years", "related_rise", "attribute")
SCORING = ("thin", "absent")
TAG_ROLE = {"V": "good", "C": "muted", "S": "muted", "D": "muted", "U": "warn"}


class ScoreForm(QWidget):
    """`changes()` are the choices that are not the pack's. `edited` after every change; `wrong()` names what is unreadable."""

    edited = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.rule = ScoreRule()
        self.pack: Pack | None = None
        self.building = False
        self.fields: dict[str, QWidget] = {}
        self._parts: dict[str, dict[str, QCheckBox]] = {}
        self._rows: dict[str, tuple[QWidget, ...]] = {}
        self._tags: dict[str, QLabel] = {}
        self._headings: dict[str, tuple[QLabel, list[str]]] = {}
        self._about = "method"
        self._putting = False
        texts = self.texts
        body = QWidget()
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(0, 0, GAP, 0)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(TIGHT)
        self._grid.setColumnStretch(1, 1)
        part = ""
        for choice in CHOICES:
            if choice.part != part:
                part = choice.part
                heading = QLabel(texts(f"scores.part.{part}"))
                set_role(heading, "heading")
                heading.setContentsMargins(0, GAP if self._headings else 0, 0, 0)
                self._grid.addWidget(heading, self._grid.rowCount(), 0, 1, 3)
                self._headings[part] = (heading, [])
            self._headings[part][1].append(choice.key)
            self._row(choice)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll = scroll
        self.about_title = QLabel()
        set_role(self.about_title, "heading")
        self.about = QLabel(wordWrap=True)
        self.source = QLabel(wordWrap=True)
        set_role(self.source, "muted")
        for label in (self.about, self.source):
            label.setMinimumWidth(10)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.back = QPushButton(texts("catalogue.scores.back"))
        self.back.clicked.connect(lambda: self.put(self.rule, self.pack))
        rule = QFrame()
        set_role(rule, "rule")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(TIGHT)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule)
        for widget in (self.about_title, self.about, self.source):
            outer.addWidget(widget)
        outer.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        self._tell(self._about)

    def _row(self, choice: Choice) -> None:
        texts, row = self.texts, self._grid.rowCount()
        caption = QLabel(texts(f"scores.choice.{choice.key}"))
        caption.setWordWrap(True)
        caption.setMinimumWidth(122)
        set_role(caption, "muted")
        field = self._field(choice)
        field.setAccessibleName(caption.text())
        tip = texts(f"catalogue.scores.means.{choice.key}")
        caption.setToolTip(tip)
        field.setToolTip(tip)
        tag = QLabel()
        self._grid.addWidget(caption, row, 0)
        self._grid.addWidget(field, row, 1)
        self._grid.addWidget(tag, row, 2)
        self.fields[choice.key], self._tags[choice.key] = field, tag
        self._rows[choice.key] = (caption, field, tag)
        for widget in (field, *self._parts.get(choice.key, {}).values()):
            widget.setProperty("choice", choice.key)
            widget.installEventFilter(self)

    def _field(self, choice: Choice) -> QWidget:
        texts = self.texts
        if choice.kind == "option":
            combo = QComboBox()
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(8)
            for option in choice.options:
                combo.addItem(texts(f"scores.option.{choice.key}.{option}"), option)
            combo.activated.connect(lambda _: self._edited())
            return combo
        if choice.kind == "flag":
            flag = QCheckBox()
            flag.toggled.connect(lambda _: self._edited())
            return flag
        if choice.kind == "options":
            box = QWidget()
            inner = QVBoxLayout(box)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(0)
            self._parts[choice.key] = {}
            for option in choice.options:
                tick = QCheckBox(texts(f"scores.option.{choice.key}.{option}"))
                tick.toggled.connect(lambda _: self._edited())
                self._parts[choice.key][option] = tick
                inner.addWidget(tick)
            return box
        line = QLineEdit()
        line.textEdited.connect(lambda _: self._edited())
        return line

    # -- what stands there -------------------------------------------------------------------------------------

    def put(self, rule: ScoreRule, pack: Pack | None) -> None:
        """The choices of a pack's rule."""
        self.rule, self.pack = rule, pack
        self._putting = True
        for choice in CHOICES:
            self._write(choice.key, rule.text(choice.key))
        self._putting = False
        self._edited()
        self._tell(self._about)

    def choose(self, key: str, text: str) -> None:
        """One choice as text, as if somebody had made it."""
        self._write(key, text)
        self._edited()

    def _write(self, key: str, text: str) -> None:
        field = self.fields[key]
        if isinstance(field, QComboBox):
            field.setCurrentIndex(max(0, field.findData(text)))
        elif isinstance(field, QCheckBox):
            field.setChecked(text == "true")
        elif isinstance(field, QLineEdit):
            field.setText(text)
        else:
            ticked = text.split()
            for option, tick in self._parts[key].items():
                tick.setChecked(option in ticked)

    def text(self, key: str) -> str:
        field = self.fields[key]
        if isinstance(field, QComboBox):
            return str(field.currentData())
        if isinstance(field, QCheckBox):
            return "true" if field.isChecked() else "false"
        if isinstance(field, QLineEdit):
            return field.text().strip()
        return " ".join(option for option, tick in self._parts[key].items() if tick.isChecked())

    def changes(self) -> dict[str, str]:
        """Choices that differ from the pack's."""
        return {choice.key: text for choice in CHOICES if (text := self.text(choice.key)) != self.rule.text(choice.key)}

    def wrong(self) -> list[str]:
        """Captions of what cannot be read."""
        return [self.texts(f"scores.choice.{key}") for key in self.fields if self._unreadable(key)]

    def _unreadable(self, key: str) -> bool:
        if not isinstance(self.fields[key], QLineEdit) or not self._applies(key):
            return False
        try:
            chosen(ScoreRule(quota=1), {key: self.text(key)})
        except Usage:
            return True
        return False

    def _applies(self, key: str) -> bool:
        if (key in BUILDING and not self.building) or (key in SCORING and self.building):
            return False
        if key.startswith("auxiliary_") and not self.text("auxiliary"):
            return False
        other, options = ONLY_WITH.get(key, ("", ()))
        return not other or self.text(other) in options

    def set_building(self, on: bool) -> None:
        """Whether groups are made from the cases, or a catalogue's are scored anew."""
        self.building = on
        self._edited()

    def _edited(self) -> None:
        if self._putting:
            return
        shown = {key for key in self.fields if self._applies(key)}
        for key, widgets in self._rows.items():
            for widget in widgets:
                widget.setVisible(key in shown)
        for heading, keys in self._headings.values():
            heading.setVisible(any(key in shown for key in keys))
        for key, field in self.fields.items():
            changed = self.text(key) != self.rule.text(key)
            tag = self._tags[key]
            evidence = next(one.evidence for one in CHOICES if one.key == key)
            tag.setText("●" if changed else f"[{evidence}]")
            tag.setToolTip(self.texts("catalogue.scores.changed") if changed else self.texts(f"table.evidence.{evidence}"))
            set_role(tag, "accent" if changed else TAG_ROLE[evidence])
            bad = self._unreadable(key)
            if isinstance(field, QLineEdit) and bool(field.property("bad")) != bad:
                field.setProperty("bad", bad)
                field.style().unpolish(field)
                field.style().polish(field)
        self.back.setEnabled(bool(self.changes()))
        self.edited.emit()

    # -- what it means -----------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.Enter):
            key = watched.property("choice")
            if key:
                self._tell(str(key))
        return super().eventFilter(watched, event)

    def _tell(self, key: str) -> None:
        self._about = key
        texts, pack, rule = self.texts, self.pack, self.rule
        evidence = next(one.evidence for one in CHOICES if one.key == key)
        self.about_title.setText(texts(f"scores.choice.{key}"))
        self.about.setText(texts(f"catalogue.scores.means.{key}"))
        lines = [f"[{evidence}] {texts(f'table.evidence.{evidence}')}"]
        if pack is not None and rule.text(key) != ScoreRule().text(key):
            cited = texts.listed(number for number, *_ in pack.cited(rule.cite)) if rule.cite else pack.title[texts.lang]
            lines.append(texts("catalogue.scores.of_pack", cite=cited))
        self.source.setText("\n".join(lines))
