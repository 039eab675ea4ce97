"""The Coefficients page: which set and which pack, and the tabs over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui.desk import Changes, Desk
from ui.dialogs import Empty
from ui.look import EDGE, GAP, set_role
from ui.pages.coefficients import sets
from ui.pages.coefficients.editor import TABLES, Editor
from ui.pages.coefficients.pool import Pools
from ui.pages.coefficients.sets import SHORT, DifferenceDialog, NameDialog, free_name
from ui.tabs import Choice, PackField, Tabs, head_line, maker

if TYPE_CHECKING:
    from core.catalogue.library import Version
    from core.rules.circular import Pack
    from core.settlement.coefficients import SetHead

# (key, module, class), in the order of the tabs; made when first shown, as the pages are.
TABS = (
    ("editor", "ui.pages.coefficients.editor", "Editor"),
    ("disease", "ui.pages.coefficients.disease", "DiseaseTab"),
    ("derive", "ui.pages.coefficients.derive", "DeriveTab"),
    ("scenarios", "ui.pages.coefficients.scenarios", "ScenariosTab"),
    ("sensitivity", "ui.pages.coefficients.sensitivity", "SensitivityTab"),
)
KEYS = tuple(key for key, _, _ in TABS)


@dataclass(frozen=True, slots=True)
class Ground:
    heads: tuple[SetHead, ...]
    chosen: SetHead | None
    packs: tuple[Pack, ...]
    catalogues: tuple[Version, ...]


def _ground(workspace: Any, wanted: str, known: tuple[Pack, ...]) -> Ground:
    """known: the packs as they were read before; one that is still the same stays the same object."""
    from core.catalogue.library import versions
    from core.settlement import coefficients, own_packs

    connection = workspace.reader()
    heads = own_packs.available(workspace)
    before = {pack.hash: pack for pack in known}
    read = (own_packs.load(workspace, head.id) for head in heads if not head.abstract)
    found = tuple(before.get(pack.hash, pack) for pack in read)
    return Ground(
        tuple(coefficients.sets(connection)), coefficients.choose(connection, wanted or None), found,
        tuple(versions(connection)),
    )  # fmt: skip


class CoefficientsPage(QWidget):
    """Set, year and fund are the desk's, which hold for all pages; pack and catalogue version are chosen here."""

    key = "coefficients"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.texts = desk, desk.texts
        self.ground: Ground | None = None
        self._pack = ""  # what the user chose
        self._chosen_for: tuple[object, ...] = ()  # workspace and year that a catalogue version was chosen for
        self._build()

    def _build(self) -> None:
        texts = self.texts
        self.set_field = QComboBox()
        self.set_field.setAccessibleName(texts("coefficients.sets.set"))
        self.set_field.setToolTip(texts("coefficients.sets.set_tip"))
        self.set_field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.set_field.setMinimumContentsLength(18)
        self.set_field.activated.connect(lambda _: self._set_chosen())
        self.stamp = QLabel()
        set_role(self.stamp, "muted")
        self.stamp.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.pack_field = PackField(texts("coefficients.pack"), texts("coefficients.pack_tip"), 14)
        self.pack_field.activated.connect(lambda _: self._pack_chosen())
        self.catalogue = Choice(texts("clearing.catalogue"), texts("clearing.catalogue_tip"), 9)
        self.catalogue.activated.connect(lambda _: self._catalogue_chosen())
        self.new = QPushButton(texts("coefficients.sets.draft"))
        self.new.setToolTip(texts("coefficients.sets.draft_tip"))
        self.new.clicked.connect(lambda: self.new_draft())
        self.compare = QPushButton(texts("coefficients.sets.compare"))
        self.compare.setToolTip(texts("coefficients.sets.compare_tip"))
        self.compare.clicked.connect(self.compare_sets)
        self.publish = QPushButton(texts("coefficients.sets.publish"))
        self.publish.setToolTip(texts("coefficients.sets.publish_tip"))
        self.publish.setProperty("primary", True)
        self.publish.clicked.connect(self.publish_set)
        head = QHBoxLayout()
        head.setSpacing(GAP)
        for key, widget in (("coefficients.sets.set", self.set_field), ("", self.stamp)):
            if key:
                caption = QLabel(texts(key))
                set_role(caption, "muted")
                head.addWidget(caption)
            head.addWidget(widget)
        head.addStretch(1)
        for button in (self.new, self.compare, self.publish):
            head.addWidget(button)
        self.pools = Pools(self.desk)
        titles = {key: texts(f"coefficients.tab.{key}") for key in KEYS}
        self.tabs = Tabs(texts("coefficients.tabs"), titles, self._make)
        self.stack = self.tabs.stack
        self.editor: Editor = self.tabs.tab("editor")
        self.tabs.shown.connect(self._shown)
        caption = QLabel(texts("clearing.catalogue"))
        set_role(caption, "muted")
        across = head_line(self.tabs, self.pack_field.caption, self.pack_field, caption, self.catalogue)
        self.head = QWidget()
        inner = QVBoxLayout(self.head)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GAP)
        inner.addLayout(head)
        inner.addWidget(across)
        self.empty = Empty(self.desk, "coefficients")
        self.empty.pressed.connect(self._cure)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.empty)
        layout.addWidget(self.head)
        layout.addWidget(self.stack, 1)
        self.setFocusProxy(self.editor)

    # -- what the window asks ------------------------------------------------------------------------------------------

    def refresh(self, changes: Changes | None = None) -> None:
        texts, contents = self.texts, self.desk.contents
        ready = contents is not None and bool(contents.counts.get("institution")) and bool(contents.sets)
        self.empty.setVisible(not ready)
        self.head.setVisible(ready)
        self.stack.setVisible(ready)
        if not ready:
            self.editor.show_set((), None, None)
            key = (
                ("pages.no_workspace", "pages.to_start") if contents is None
                else ("coefficients.no_institutions", "coefficients.to_institutions")
                if not contents.counts.get("institution")
                else ("coefficients.no_sets", "coefficients.to_import")
            )  # fmt: skip
            self.empty.say(texts("pages.coefficients.title"), texts("pages.coefficients.holds"), texts(key[0]), texts(key[1]))
            return
        if self._chosen_for != (stands := (id(self.desk.workspace), self.desk.year)):
            self._chosen_for, self.pools.catalogue = stands, ""  # no year is cleared by a version chosen for another
        if changes is not None:
            self.pools.settled(changes)
            for tab in self.tabs.made.values():
                tab.settled(changes)
            if changes.display and not (changes.workspace or changes.tables or changes.choices):
                return
        wanted, known = self.desk.set_name, self.ground.packs if self.ground is not None else ()
        self.desk.ask(
            lambda workspace, _: _ground(workspace, wanted, known), self._have, place="coefficients.ground",
            title=texts("coefficients.reading"),
        )  # fmt: skip

    def show_target(self, target: object) -> None:
        """The key of a tab, or ("institution", code): that row of the grid."""
        if isinstance(target, tuple) and target and target[0] == "institution":
            self.tabs.choose("editor")
            self.editor.seek.setText(str(target[1]))
        elif target in KEYS:
            self.tabs.choose(str(target))

    def _have(self, ground: Ground) -> None:
        texts = self.texts
        self.ground = ground
        head = ground.chosen
        sets.fill(self.set_field, texts, ground.heads, head.name if head is not None else "")
        self.pack_field.put({pack.id: pack.title for pack in ground.packs}, self._pack or self._fitting(ground), texts)
        self.catalogue.clear()
        self.catalogue.addItem(texts("clearing.catalogue_of_year"), "")
        for version in ground.catalogues:
            state = texts(f"catalogue.state.{version.state}")
            self.catalogue.addItem(texts("catalogue.versions.named", name=version.name, state=state), version.name)
        self.catalogue.setCurrentIndex(max(0, self.catalogue.findData(self.pools.catalogue)))
        self.pools.catalogue = str(self.catalogue.currentData())  # one that was taken back is chosen no more
        said: list[str] = []
        if head is not None:
            said.append(texts("coefficients.sets.hash", hash=head.hash[:SHORT]))
            if head.based_on:
                said.append(texts("coefficients.sets.based_on", name=head.based_on))
            self.stamp.setToolTip(head.hash)
            held = self.desk.contents.held.sets.get(head.name) if self.desk.contents is not None else None
            if held is not None:
                said.append(texts("confirmed.holds", year=held))
                self.stamp.setToolTip(f"{texts('confirmed.holds_it', name=head.name, year=held)}\n{head.hash}")
        self.stamp.setText("  ·  ".join(said))
        workspace = self.desk.workspace
        write = workspace is not None and not workspace.read_only
        self.new.setEnabled(write)
        self.publish.setEnabled(write and head is not None and head.state == "draft")
        self.compare.setEnabled(len(ground.heads) > 1)
        self.tabs.show_current()

    def _fitting(self, ground: Ground) -> str:
        """The pack of the workspace's city and year, else of its city, else any."""
        region = str(getattr(self.desk.workspace, "region", ""))[:4]
        of_city = [one for one in ground.packs if region and one.region[:4] == region]
        of_year = [one for one in of_city if self.desk.year in one.years]
        found = of_year or of_city or list(ground.packs)
        return found[0].id if found else ""

    def chosen_pack(self) -> Pack | None:
        wanted = self.pack_field.chosen()
        return next((one for one in self.ground.packs if one.id == wanted), None) if self.ground is not None else None

    def _pack_chosen(self) -> None:
        self._pack = self.pack_field.chosen()
        self.tabs.show_current()

    def _catalogue_chosen(self) -> None:
        self.pools.catalogue = str(self.catalogue.currentData())
        self.tabs.show_current()

    def _take_catalogue(self, name: str) -> None:
        """A version that was just made."""
        self.pools.catalogue = name
        self.refresh()

    def _set_chosen(self) -> None:
        self.desk.choose(set_name=str(self.set_field.currentData()))

    def _make(self, key: str) -> QWidget:
        tab: Any = maker(TABS, self.desk, self.pools)(key)
        if key == "editor":
            tab.draft_wanted.connect(self.new_draft)
        elif key == "disease":
            tab.version_wanted.connect(self._take_catalogue)
        return tab

    def _shown(self, key: str) -> None:
        tab = self.tabs.made[key]
        self.setFocusProxy(tab)
        if self.ground is not None:
            tab.show_set(self.ground.heads, self.ground.chosen, self.chosen_pack())

    def _cure(self) -> None:
        contents = self.desk.contents
        if contents is None:
            self.desk.go("start")
        else:
            kind = "coefficients" if contents.counts.get("institution") else "institutions"
            self.desk.go("data", ("kind", kind))

    # -- sets ------------------------------------------------------------------------------------------------------------

    def new_draft(self, source: str = "") -> None:
        ground, texts = self.ground, self.texts
        if ground is None:
            return
        current = ground.chosen.name if ground.chosen is not None else ""
        taken = [head.name for head in ground.heads]
        name = free_name(texts("coefficients.sets.stem", year=self.desk.year or ""), taken)
        dialog = NameDialog(self.desk, "draft", ground.heads, source or current, name, self.window())

        def accepted() -> None:
            name, based_on, why = dialog.name, dialog.source, dialog.reason

            def work(workspace: Any, _: Any) -> None:
                from core.settlement import coefficients

                coefficients.draft(workspace, name, based_on, why)

            def done(_: object) -> None:
                self.desk.say(texts("coefficients.sets.drafted", name=name))
                self.desk.choose(set_name=name)

            self.desk.change(work, done, title=texts("coefficients.sets.drafting"), tables=TABLES)

        dialog.accepted.connect(accepted)
        dialog.open()

    def publish_set(self) -> None:
        ground, texts = self.ground, self.texts
        if ground is None or ground.chosen is None:
            return
        taken = [head.name for head in ground.heads]
        name = free_name(texts("coefficients.sets.published_stem", year=self.desk.year or ""), taken)
        dialog = NameDialog(self.desk, "publish", ground.heads, ground.chosen.name, name, self.window())

        def accepted() -> None:
            name, source, why = dialog.name, dialog.source, dialog.reason

            def work(workspace: Any, _: Any) -> SetHead:
                from core.settlement import coefficients

                return coefficients.publish(workspace, source, name, why)

            def done(head: SetHead) -> None:
                self.desk.say(texts("coefficients.sets.published", name=name, hash=head.hash[:SHORT]))
                self.desk.choose(set_name=name)

            self.desk.change(work, done, title=texts("coefficients.sets.publishing"), tables=TABLES)

        dialog.accepted.connect(accepted)
        dialog.open()

    def compare_sets(self) -> None:
        ground = self.ground
        if ground is None or len(ground.heads) < 2:
            return
        current = ground.chosen or ground.heads[0]
        names = [head.name for head in ground.heads]
        before = current.based_on if current.based_on in names else next(one for one in names if one != current.name)
        DifferenceDialog(self.desk, ground.heads, before, current.name, self.window()).open()
