"""The manual's pictures: the demonstration at 1:10 with its usual seed, the window led into each state, both languages.

`python tests/house/manual_pictures.py` draws them all anew into `resources/manual/LANG/pictures/`; `--only NAME ...` some.
Beside them `manual_pictures.json` keeps the words each one shows: `test_manual_pictures.py` finds those that are said
otherwise today without drawing anything (pixels differ from one computer's fonts to another's).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from core.settings import RESOURCES  # noqa: E402
from core.texts import LANGUAGES, catalogue  # noqa: E402

MANUAL = RESOURCES / "manual"
WORDS = Path(__file__).with_suffix(".json")
SCALE, PACK, YEAR = 10, "ningde-2024", 2024
SIZE = (1366, 768)
COLOURS = 32

Shoot = Callable[..., None]
State = Callable[[Any, Shoot], None]


# The states, by page, in the order in which one workspace comes into them


def start(window: Any, shoot: Shoot) -> None:
    window.show_page("start")
    shoot("start")


def data(window: Any, shoot: Shoot) -> None:
    window.show_page("data", "overview")
    shoot("data")
    panel = window.page().open_tab("files")
    panel.add([window.offered])
    shoot("files")
    panel._remove()
    window.show_page("data", "batches")
    shoot("batches")


def disease_groups(window: Any, shoot: Shoot) -> None:
    window.show_page("catalogue", "browse")
    tab = window.page().stack.currentWidget()
    shoot("", None)
    tab.search.setText("lwy")
    shoot("catalogue-search")
    tab.search.clear()
    often = window.desk.workspace.reader().execute(
        "SELECT dip_dise_grp_code FROM cases WHERE year = ? AND dip_dise_grp_code <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
        (YEAR,),
    )
    window.show_page("catalogue", ("group", often.fetchone()[0]))
    tab._widen(True)
    shoot("group")
    tab._close_panel()
    for key, asked in (("versions", "measure"), ("agreement", "compare"), ("scores", "derive")):
        window.show_page("catalogue", key)
        shoot("", None)
        getattr(window.page().stack.currentWidget(), asked)()
        shoot(key)
    window.show_page("catalogue", "browse")


def largest(window: Any, count: int) -> tuple[str, ...]:
    rows = window.desk.workspace.reader().execute(
        "SELECT fixmedins_code FROM cases WHERE year = ? GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ?", (YEAR, count)
    )
    return tuple(code for (code,) in rows)


def institutions(window: Any, shoot: Shoot) -> None:
    window.show_page("institutions")
    window.page().open_tab("league")
    shoot("institutions")
    window.show_page("institutions", ("institution", largest(window, 1)[0]))
    window.page().stack.currentWidget().chart.point(1, 24)
    shoot("institution")
    window.page().open_tab("why")
    shoot("why")
    window.page().stack.currentWidget().views.setCurrentIndex(1)
    shoot("why-scores")


def comparison(window: Any, shoot: Shoot) -> None:
    window.show_page("comparison")
    page = window.page()
    shoot("", None)
    page.chooser.choose(largest(window, 3))
    page.tabs.choose("indicators")
    shoot("comparison")
    page.tabs.choose("difference")
    shoot("difference")
    page.tabs.choose("charts")
    shoot("comparison-charts")


def coefficients(window: Any, shoot: Shoot) -> None:
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QDialog

    from ui.pages.coefficients.grid import Writing

    window.desk.choose(set_name=draft_of(window.desk.texts.lang))
    window.show_page("coefficients", "editor")
    editor = window.page().editor
    shoot("", None)
    editor.table.setFocus()
    editor.table.select(str(editor.table.model.key_at(3)), "base")
    QTest.keyClicks(editor.table.grid, "+")
    field = editor.table.grid.viewport().findChildren(Writing)[-1]
    QTest.keyClicks(field, "0.05")
    QTest.keyClick(field, "\t")
    shoot("", None)
    for dialog in QApplication.topLevelWidgets():
        if isinstance(dialog, QDialog) and dialog.isVisible():
            dialog.reject()
    shoot("coefficients")
    window.show_page("coefficients", "derive")
    shoot("", None)
    window.page().stack.currentWidget().derive()
    shoot("derive")
    window.show_page("coefficients", "sensitivity")
    tab = window.page().stack.currentWidget()
    tab.views.setCurrentIndex(1)
    shoot("", None)
    tab.run_tornado()
    shoot("sensitivity")
    window.show_page("coefficients", "editor")
    window.desk.choose(set_name="2024")


def budget(window: Any, shoot: Shoot) -> None:
    window.show_page("budget", "lines")
    shoot("budget")
    for key in ("points", "months"):
        window.show_page("budget", key)
        shoot(f"budget-{key}")


def assessment(window: Any, shoot: Shoot) -> None:
    window.show_page("assessment", "scoring")
    shoot("assessment")
    window.show_page("assessment", "sharing")
    shoot("sharing")


def clearing(window: Any, shoot: Shoot) -> None:
    window.show_page("clearing")
    page = window.page()
    shoot("", None)
    if page.clearing is None:
        page.clear()
    shoot("clearing")
    code = str(page.table.worksheet().keys[0])
    page.table.select(code, "final")
    page.explain_cell(code, "final")
    shoot("clearing-why")
    page.beside.show_findings(True)
    shoot("clearing-findings")
    page.beside.close_side()
    for key in ("months", "special"):
        page.show_target(("tab", key))
        shoot(key)
    window.desk.choose(year=YEAR - 1, set_name="imported")  # the year of which an official sheet has come
    page.show_target(("tab", "official"))
    shoot("official")
    window.desk.choose(year=YEAR, set_name="")
    page.show_target(("tab", "worksheet"))
    shoot("", None)
    published(window)
    shoot("", None)


def published(window: Any) -> None:
    """From here on there is a published set, cleared by, and a draft with two edits; a reader who goes through the first
    chapters has neither.
    """
    from core.rules import packs as rules
    from core.settlement import coefficients as sets
    from core.settlement.clearing import clear
    from core.settlement.coefficients import Cell

    lang = window.desk.texts.lang
    said = {"zh": ("年初发布", "年中调整", "评审"), "en": ("first of the year", "mid-year", "review")}[lang]

    def work(workspace: Any, _: Any) -> None:
        sets.publish(workspace, "imported", "2024", said[0])
        sets.draft(workspace, draft_of(lang), "2024", said[1])
        clear(workspace, YEAR, rules.load(PACK), set_name="2024")
        rows = workspace.reader().execute("SELECT fixmedins_code FROM institution ORDER BY 1 LIMIT 2").fetchall()
        cells = [Cell(code, "all", "base", "1.1", "2024-01-01") for (code,) in rows]
        sets.edit(workspace, draft_of(lang), cells, said[2])

    window.desk.change(work, lambda _: window.desk.choose(set_name="2024"))


def packs(window: Any, shoot: Shoot) -> None:
    window.show_page("packs", ("pack", PACK))
    shoot("packs")
    rules = window.page().open_tab("rules")
    rules.choose("xiamen-2024")
    rules.start_fill()
    shoot("packs-fill")
    rules._closed("")
    panel = window.page().open_tab("beside")
    shoot("", None)
    panel.choose([PACK, "national-draft-3"])
    panel.compare()
    shoot("packs-beside")
    case = window.desk.workspace.reader().execute(
        "SELECT setl_id FROM cases WHERE year = ? AND oprn_code <> '' AND netting = 0 AND scope = 0 ORDER BY 1 LIMIT 1", (YEAR,)
    )
    window.show_page("packs", ("calculate", case.fetchone()[0]))
    shoot("calculator")


def ledger(window: Any, shoot: Shoot) -> None:
    window.show_page("ledger")
    shoot("ledger")


def passphrase(window: Any, shoot: Shoot) -> None:
    from ui.passphrases import PassphraseDialog

    window.do("protect.protect")
    dialog = next(one for one in window.findChildren(PassphraseDialog) if one.isVisible())
    for field in dialog.fields.values():
        field.setText("四个不相干的词 2024")
    shoot("passphrase", dialog)
    dialog.reject()


def restoring(window: Any, shoot: Shoot) -> None:
    from ui.restoring import BackupsDialog

    dialog = BackupsDialog(window.desk, window.desk.workspace.path, window)
    dialog.show()
    shoot("backups", dialog)
    dialog.reject()


def locked(window: Any, shoot: Shoot) -> None:
    """The last: another workspace is opened for it."""
    from ui.passphrases import PassphraseDialog

    desk = window.desk
    window.show_page("ledger")
    desk.open(window.locked_path)
    dialog = next(one for one in window.findChildren(PassphraseDialog) if one.isVisible())
    shoot("unlock", dialog)
    dialog.reject()


STATES: tuple[tuple[State, tuple[str, ...]], ...] = (
    (clearing, ("clearing", "clearing-why", "clearing-findings", "months", "special", "official")),
    (start, ("start",)),
    (data, ("data", "files", "batches")),
    (disease_groups, ("catalogue-search", "group", "versions", "agreement", "scores")),
    (institutions, ("institutions", "institution", "why", "why-scores")),
    (comparison, ("comparison", "difference", "comparison-charts")),
    (coefficients, ("coefficients", "derive", "sensitivity")),
    (budget, ("budget", "budget-points", "budget-months")),
    (assessment, ("assessment", "sharing")),
    (packs, ("packs", "packs-fill", "packs-beside", "calculator")),
    (ledger, ("ledger",)),
    (passphrase, ("passphrase",)),
    (restoring, ("backups",)),
    (locked, ("unlock",)),
)
NAMES = tuple(name for _, names in STATES for name in names)


# What stands before the first picture


def draft_of(lang: str) -> str:
    return {"zh": "2024 年草稿", "en": "2024 draft"}[lang]


def prepare(path: Path, locked_path: Path) -> None:
    """The demonstration as a reader has it, cleared, with a backup; an empty locked workspace."""
    from core import demo
    from core.rules import packs as rules
    from core.settlement.clearing import clear
    from core.storage import backups
    from core.storage.workspace import Workspace

    with demo.build(path, scale=SCALE) as workspace:
        backups.take(workspace)
        clear(workspace, YEAR, rules.load(PACK))
    Workspace.create(locked_path, region="350900", name="", passphrase="四个不相干的词 2024").close()


def offered(path: Path) -> Path:
    """A sheet as a bureau sends it, to be imported: three institutions under the headings of its own system."""
    path.write_text(
        "定点医药机构编号,定点医药机构名称,医院等级,县区\n"
        "H35090100901,示例市第一医院,三级甲等,市本级\nH35090100902,示例市中医院,二级甲等,市本级\n"
        "H35090100903,示例镇卫生院,一级,示例县\n",
        "utf-8",
    )
    return path


# What a picture says


@cache
def known(lang: str) -> frozenset[str]:
    return frozenset(catalogue(lang).values())


def words_of(widget: Any, lang: str) -> list[str]:
    """Every text of the translations that is on screen: labels, buttons, tabs, headings of tables and trees."""
    from PySide6.QtWidgets import QAbstractButton, QGroupBox, QHeaderView, QLabel, QTabBar, QWidget

    from ui.table import Table

    said: set[str] = set()
    for one in (widget, *widget.findChildren(QWidget)):
        if not one.isVisible():
            continue
        if isinstance(one, (QLabel, QAbstractButton)):
            said.add(one.text())
        elif isinstance(one, QGroupBox):
            said.add(one.title())
        elif isinstance(one, QTabBar):
            said.update(one.tabText(at) for at in range(one.count()))
        elif isinstance(one, Table):
            said.update(column.title[lang] for column in one.worksheet().columns)
        elif isinstance(one, QHeaderView) and one.model() is not None:
            said.update(str(one.model().headerData(at, one.orientation())) for at in range(min(one.count(), 40)))
    return sorted(words for words in said if words and words in known(lang))


def save(picture: Any, path: Path) -> None:
    """As a PNG of few colours, the same bytes for the same picture."""
    from io import BytesIO

    from PIL import Image
    from PySide6.QtCore import QBuffer, QIODevice

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    drawn = Image.open(BytesIO(bytes(buffer.data()))).convert("RGB")
    few = drawn.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    few.save(path, optimize=True)


# Drawing


@contextmanager
def opened(path: Path, locked_path: Path, lang: str) -> Iterator[Any]:
    from PySide6.QtWidgets import QApplication

    from ui.desk import Desk
    from ui.jobs import Sweeper
    from ui.self_test import settle
    from ui.window import Window

    application = QApplication.instance() or QApplication([])
    sweeper = Sweeper(application)
    desk = Desk(lang)
    desk.settings.user = {"zh": "审计甲", "en": "Auditor A"}[lang]
    window = Window(desk)
    window.offered, window.locked_path = offered(path.parent / "机构名册.csv"), locked_path
    desk.settings.recent = [str(locked_path), str(path)]
    window.resize(*SIZE)
    window.show()
    window.after_first_paint()
    desk.speak(lang)
    desk.wear("light")
    desk.open(path)
    settle(desk)
    desk.choose(year=YEAR)
    settle(desk)
    yield window
    window.close()
    sweeper.stop()


def draw(lang: str, folder: Path, only: set[str]) -> dict[str, list[str]]:
    """The pictures of a language; the words that each shows."""
    from PySide6.QtWidgets import QApplication

    from ui.self_test import settle

    told: dict[str, list[str]] = {}
    home = Path(tempfile.mkdtemp(prefix="dianzhi-"))
    os.environ["DIANZHI_HOME"] = str(home)
    names = {"zh": ("演示.dianzhi", "外带.dianzhi"), "en": ("demonstration.dianzhi", "travelling.dianzhi")}[lang]
    path, locked_path = (home / name for name in names)
    prepare(path, locked_path)
    with opened(path, locked_path, lang) as window:

        def shoot(name: str, widget: Any = window) -> None:
            settle(window.desk)
            QApplication.instance().processEvents()
            if not name or (only and name not in only):
                return
            save(widget.grab(), folder / lang / "pictures" / f"{name}.png")
            told[name] = words_of(widget, lang)

        for state, made in STATES:
            if not only or only & set(made) or state is clearing:
                state(window, shoot)
    shutil.rmtree(home, ignore_errors=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], choices=NAMES, metavar="NAME")
    parser.add_argument("--languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--folder", type=Path, default=MANUAL)
    given = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    kept = json.loads(WORDS.read_text("utf-8")) if WORDS.exists() else {}
    for lang in given.languages:
        told = kept.get(lang, {}) | draw(lang, given.folder, set(given.only))
        kept[lang] = {name: told[name] for name in NAMES if name in told}
        if given.folder == MANUAL:
            WORDS.write_text(json.dumps(kept, ensure_ascii=False, indent=0, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
