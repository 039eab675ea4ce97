"""What a clearing hands over: files of the whole, confirmation sheets of one institution or of all, lists of cases.

The menu, the question where to, and the job with its progress and a way to stop it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QMenu

from ui.asking import Asking
from ui.desk import Desk
from ui.dialogs import documents
from ui.table import Table

if TYPE_CHECKING:
    from core.rules.sheet import Clearing

FORMS = ("xlsx", "pdf", "csv", "json")
# Kinds of sheets beside the whole clearing: of which institutions, and as what. A folder takes a PDF for each.
CONFIRMATIONS = (("one", "pdf"), ("one", "xlsx"), ("all", "pdf"), ("all", "folder"), ("all", "xlsx"))
CASES = ("one", "all")
BRIDGES = ("xlsx", "pdf")


class Handover:
    """asking: the strip that shows while something is written; it belongs on the page."""

    def __init__(self, desk: Desk, table: Table, clearing: Callable[[], Clearing | None]) -> None:
        self._desk, self._texts, self._table, self._clearing = desk, desk.texts, table, clearing
        self.asking = Asking(desk, "clearing.export")

    # -- the menu ------------------------------------------------------------------------------------------------

    def fill(self, menu: QMenu) -> None:
        texts, named = self._texts, self.institution()
        for form in FORMS:
            menu.addAction(texts(f"clearing.export_{form}"), lambda form=form: self.choose(form))
        menu.addSection(texts("clearing.confirmations"))
        for who, form in CONFIRMATIONS:
            key = f"clearing.confirm_{who}_{form}"
            self._entry(menu, key, who, named, lambda who=who, form=form: self.choose_confirmation(who, form))
        menu.addSection(texts("clearing.case_lists"))
        for who in CASES:
            self._entry(menu, f"clearing.cases_{who}", who, named, lambda who=who: self.choose_cases(who))
        menu.addSection(texts("clearing.bridges"))
        for form in BRIDGES:
            menu.addAction(texts(f"clearing.bridge_{form}"), lambda form=form: self.choose_bridge(form))
        menu.addSection(texts("confirmed.bundles"))
        for who in CASES:
            self._entry(menu, f"confirmed.bundle_{who}", who, named, lambda who=who: self.choose_bundle(who))

    def _entry(self, menu: QMenu, key: str, who: str, named: tuple[str, str], go: Callable[[], None]) -> None:
        """What is of one institution names it, and waits for a row to be chosen."""
        code, name = named
        said = self._texts(key, name=name or self._texts("clearing.no_institution")) if who == "one" else self._texts(key)
        entry = menu.addAction(said, go)
        entry.setEnabled(who == "all" or bool(code))

    def institution(self) -> tuple[str, str]:
        """Code and name of the current row; empty where there is none."""
        row, keys = self._table.current_row(), self._table.worksheet().keys
        clearing = self._clearing()
        if row < 0 or keys is None or clearing is None:
            return "", ""
        code = str(keys[row])
        named = (one for sheet in clearing.funds for one in sheet.institutions if one.code == code)
        one = next(named, None)
        return (one.code, one.name) if one is not None else ("", "")

    # -- where to ------------------------------------------------------------------------------------------------

    def choose(self, form: str = "xlsx") -> None:
        clearing = self._clearing()
        if clearing is None:
            self._desk.say(self._texts("clearing.nothing_to_export"))
        elif path := self._path(clearing.pack.title[self._texts.lang], form):
            self.write(path)

    def choose_confirmation(self, who: str, form: str) -> None:
        clearing = self._clearing()
        if clearing is None:
            return
        code, name = self.institution() if who == "one" else ("", "")
        if form == "folder":
            folder = QFileDialog.getExistingDirectory(self._table, self._texts("clearing.confirm_all_folder"), str(documents()))
            if folder:
                self.confirm(folder)
            return
        title = f"{clearing.year} {self._texts('confirm.file')} {code} {name}".strip()
        if path := self._path(title, form):
            self.confirm(path, code)

    def choose_cases(self, who: str) -> None:
        clearing = self._clearing()
        if clearing is None:
            return
        code, name = self.institution() if who == "one" else ("", "")
        who = f"{code} {name}" if code else self._texts("caselist.all")
        title = self._texts("caselist.title", year=clearing.year, who=who)
        if path := self._path(title, "xlsx"):
            self.list_cases(path, code)

    def choose_bridge(self, form: str) -> None:
        clearing = self._clearing()
        if clearing is not None and (path := self._path(self._texts("reconcile.file", year=clearing.year), form)):
            self.reconcile(path)

    def choose_bundle(self, who: str) -> None:
        clearing = self._clearing()
        if clearing is None:
            return
        code, name = self.institution() if who == "one" else ("", "")
        title = f"{clearing.year} {self._texts('confirmed.bundle_file')} {code} {name}".strip()
        if path := self._path(title, "zip"):
            self.bundle(path, code)

    def _path(self, title: str, form: str) -> Path | None:
        name = "".join("_" if sign in '\\/:*?"<>|' else sign for sign in title)
        start, fitting = str(documents() / f"{name}.{form}"), self._texts(f"clearing.files_{form}")
        path, _ = QFileDialog.getSaveFileName(self._table, self._texts("clearing.export"), start, fitting)
        if not path:
            return None
        return Path(path if path.lower().endswith(f".{form}") else f"{path}.{form}")

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, path: str | Path) -> None:
        """The clearing of all its funds, in the form that the name's ending picks."""
        clearing, texts, path = self._clearing(), self._texts, Path(path)
        if clearing is None:
            return

        def work(workspace: Any, job: Any) -> str:
            from core.export import clearing_table, tables, workbook
            from core.settlement.confirmed import marked

            shown = marked(workspace, clearing)

            match path.suffix.lower():
                case ".json":
                    tables.write_json(shown, path)
                case ".csv":
                    tables.write_csv(shown, path, texts)
                case ".pdf":
                    clearing_table.write(shown, path, texts.lang, job)
                case _:
                    workbook.write(shown, path, texts.lang, job)
            return texts("clearing.exported", path=str(path))

        self._ask(work, path.name)

    def confirm(self, path: str | Path, code: str = "") -> None:
        """Confirmation sheets of an institution, "" of all: into one file by its ending, into a folder one PDF each."""
        clearing, texts, path = self._clearing(), self._texts, Path(path)
        if clearing is None:
            return
        codes = (code,) if code else ()

        def work(workspace: Any, job: Any) -> str:
            from core.export import confirmation, confirmation_book
            from core.settlement.confirmed import marked

            shown = marked(workspace, clearing)

            if path.is_dir():
                count = len(confirmation.write_each(shown, path, codes, texts.lang, job))
            elif path.suffix.lower() == ".xlsx":
                count = confirmation_book.write(shown, path, codes, texts.lang, job)
            else:
                count = confirmation.write(shown, path, codes, texts.lang, job)
            return texts("clearing.confirmed", count=count, path=str(path))

        self._ask(work, path.name)

    def reconcile(self, path: str | Path) -> None:
        """The bridge from the clearing on screen to the bureau's, as its name's ending has it."""
        clearing, texts, path = self._clearing(), self._texts, Path(path)
        if clearing is None:
            return

        def work(workspace: Any, job: Any) -> str:
            from core.settlement import reconcile, reconcile_book

            stamps = clearing.stamps
            found = reconcile.reconcile(
                workspace, clearing.year, clearing.pack, set_name=stamps.set_name, catalogue=stamps.catalogue,
                grouping=stamps.grouping, progress=job,
            )  # fmt: skip
            (reconcile_book.write_pdf if path.suffix.lower() == ".pdf" else reconcile_book.write)(found, path, texts, job)
            return texts("cli.wrote", path=str(path))

        self._ask(work, path.name)

    def bundle(self, path: str | Path, code: str = "") -> None:
        """The sealed evidence of the clearing on screen, of one institution or of all."""
        clearing, texts, path = self._clearing(), self._texts, Path(path)
        if clearing is None:
            return

        def work(workspace: Any, job: Any) -> str:
            from core.settlement import evidence

            made = evidence.bundle(
                workspace, clearing.year, path, institution=code, run=clearing.stamps.run_hash, lang=texts.lang, progress=job
            )
            said = f"{texts('confirmed.bundled', path=str(path), seal=made.seal)}, {texts('cli.bundle_head', head=made.head)}"
            funds = texts.listed(texts(f"fund.{one}") for one in made.betrayed)
            return f"{said} {texts('cli.bundle_betrays', funds=funds)}" if funds else said

        self._ask(work, path.name)

    def list_cases(self, path: str | Path, code: str = "") -> None:
        """The list of an institution's cases, "" of all, with its control totals."""
        clearing, texts, path = self._clearing(), self._texts, Path(path)
        if clearing is None:
            return

        def work(workspace: Any, job: Any) -> str:
            from core.settlement import case_lines

            controls = case_lines.write(workspace, clearing, path, code, texts.lang, job)
            wrong = [one for one in controls if one.written != one.expected]
            rows = sum(int(one.written) for one in controls if one.column is None)
            key = "clearing.listed_wrong" if wrong else "clearing.listed"
            return texts(key, rows=f"{rows:,}", path=str(path))

        self._ask(work, path.name)

    def _ask(self, work: Callable[[Any, Any], str], name: str) -> None:
        self.asking.ask(work, self._desk.say, self._texts("clearing.exporting", name=name))
