"""Everything that is handed over with formulas lives: recalculated, every formula cell gives the value stored beside it.

The clearing under every pack, a month, the advance, confirmation sheets and the bridge to the official result. In one of each
kind a wrong value and a wrong formula are planted.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from clearings import many, vector_d
from recalculation import BUILDERS, FORMULA, Recalculated, needs_office, planted, tampered, workbook

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "settlement"))

import bureau
from region import Region

from core.export import confirmation_book
from core.export import workbook as annual_book
from core.rules import packs
from core.settlement import advance, annual, gather, monthly, reconcile, reconcile_book
from core.settlement.clearing import clear
from core.storage.workspace import Workspace
from core.texts import Texts

pytestmark = needs_office
F = Fraction
RATES = {"month_rate_employee": "9000", "month_rate_resident": "6000"}


def shipped() -> list[str]:
    return [head.id for head in packs.available() if not head.abstract]


def _vector(path: Path, source: str) -> None:
    annual_book.write(vector_d(source), path, "en")


for _source in shipped():
    workbook(f"d {_source}")(lambda path, _, source=_source: _vector(path, source))


@workbook("clearing")
def _clearing(path: Path, demonstration: Path) -> None:
    """155 institutions, both funds."""
    with Workspace.open(demonstration, write=False) as workspace:
        annual_book.write(clear(workspace, 2024, packs.load("ningde-2024"), store=False), path, "zh")


@workbook("month")
def _month(path: Path, demonstration: Path) -> None:
    with Workspace.open(demonstration, write=False) as workspace:
        made = monthly.settle(workspace, "2024-03", packs.load("ningde-2024", RATES), store=False)
    annual_book.write(made.clearing, path, "zh")


@workbook("advance")
def _advance(path: Path, demonstration: Path) -> None:
    with Workspace.open(demonstration, write=False) as workspace:
        made = advance.advance(workspace, 2024, packs.load("ningde-2024", RATES))
    annual_book.write(made.clearing, path, "zh")


@workbook("confirmations")
def _confirmations(path: Path, _: Path) -> None:
    confirmation_book.write(many("ningde-2024", 4), path, lang="zh")


@workbook("confirmations national")
def _confirmations_national(path: Path, _: Path) -> None:
    confirmation_book.write(many("national-draft-3", 4), path, lang="en")


def bridged(folder: Path) -> reconcile.Reconciliation:
    """A town whose bureau lacks a case, has another coefficient and another deduction."""
    annual.forget()
    gather.forget()
    region = Region(folder / "town.dz")
    bureau.settle(region)
    told = [one for one in bureau.changed(bureau.town(), "H2-G1-4", k=F("0.93")) if one.setl_id != "H3-G2-2"]
    result = bureau.clear(told)
    result.institutions["H1"]["audit_deduction"] += 100
    result.institutions["H1"]["final"] -= 90
    bureau.publish(region, result, told)
    found = reconcile.reconcile(region.workspace, 2024, packs.load("ningde-2024"), tolerance={"final": F(1)})
    region.workspace.close()
    return found


@workbook("bridge")
def _bridge(path: Path, _: Path) -> None:
    folder = path.parent / "town"
    folder.mkdir()
    reconcile_book.write(bridged(folder), path, Texts("zh"))


@workbook("bridge typed over", "bridge")
def _typed_over(path: Path, whole: Path) -> None:
    """The bureau's last figure of H1 on its own sheet, 1,000 more than it said."""
    zh = Texts("zh")
    sheet = openpyxl.load_workbook(whole, data_only=True)[zh("reconcile.sheet.official", fund=zh("fund.employee"))]
    stated = next(row[-1].value for row in sheet.iter_rows() if row[0].value == "H1")
    tampered(whole, path, lambda xml: xml.replace(f"<v>{stated}</v></c></row>", f"<v>{stated + 1000}</v></c></row>", 1))


KINDS = ("clearing", "month", "advance", "confirmations", "bridge")


for _kind in KINDS:
    workbook(f"{_kind} with a wrong value and a wrong formula", _kind)(lambda path, whole: planted(whole, path))

# The product's own workbooks as they were written; other modules register what they typed over, or formulas alone.
LIVING = [name for name in BUILDERS if not any(word in name for word in ("with a wrong", "typed over", "capitals"))]


@pytest.mark.parametrize("name", LIVING)
def test_every_formula_gives_what_is_stored(books: dict[str, Recalculated], name: str) -> None:
    book = books[name]
    assert len(book.formulas) > 3 * 8
    assert book.wrong() == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_seen(books: dict[str, Recalculated], kind: str) -> None:
    """The value is overwritten by the recalculation, it alone; the formula goes on into what stands on it."""
    book, whole = books[f"{kind} with a wrong value and a wrong formula"], books[kind]
    stored = [at for at in whole.formulas if book.run.get(at) != whole.run.get(at)]
    assert len(stored) == 1 and book.again[stored[0]] == pytest.approx(whole.run[stored[0]], abs=2)
    said = [one for one in book.wrong() if not one.startswith(str(stored[0]))]
    assert len(said) < len(book.wrong()) and any(f"{FORMULA}:" in one for one in said)


def test_a_whole_region_has_all_its_formulas(books: dict[str, Recalculated]) -> None:
    assert len(books["clearing"].formulas) > 2 * 155 * 7
    assert len(books["confirmations"].formulas) > 4 * 30


def test_the_demonstrations_amounts_are_shown(books: dict[str, Recalculated], demonstration: Path) -> None:
    with Workspace.open(demonstration, write=False) as workspace:
        made = clear(workspace, 2024, packs.load("ningde-2024"), store=False)
    for fund in made.funds:
        shown = [value for (page, _), value in books["clearing"].run.items() if page == Texts("zh")(f"fund.{fund.fund}")]
        for name in ("due", "final"):
            assert set(map(float, fund.values[name])) <= set(shown)


def test_the_bridges_checks_are_zero_and_what_is_typed_over_is_seen_in_them(books: dict[str, Recalculated]) -> None:
    """1,000 more on the bureau's sheet: the difference, the region's sum and the verdict follow; the parts no longer do."""
    zh, before, after = Texts("zh"), books["bridge"], books["bridge typed over"]
    front = zh("living.checks")
    checks = [at for at in before.formulas if at[0] == front and at[1].startswith("C")]
    assert len(checks) > 10 and all(before.again[at] == 0 for at in checks)
    assert zh("living.agrees") in before.again.values()
    assert zh("living.agrees") not in after.again.values() and zh("living.differs") in after.again.values()
    assert sorted({after.again[at] for at in checks}) == [-1000, 0, 1000]
    moved = {at for at in before.formulas if isinstance(was := before.again[at], float | int) and after.again[at] == was + 1000}
    steps, bridge = (zh(f"reconcile.sheet.{name}", fund=zh("fund.employee"), what="清算应拨（应退）") for name in ("steps", "bridge"))
    assert {page for page, _ in moved} >= {steps, bridge}


@workbook("tiers")
def _tiers(path: Path, _: Path) -> None:
    annual_book.write(vector_d(tiered(path.parent)), path, "zh")


@workbook("many tiers")
def _many_tiers(path: Path, _: Path) -> None:
    annual_book.write(many(tiered(path.parent), 15), path, "zh")


TIERED = """
[pack]
id = "tiered"
extends = "ningde-2024"
title = { zh = "分档与分摊", en = "tiers and shares" }

[[document]]
key = "T"
number = "测试"
title = "测试"
evidence = "U"

[[parameter]]
id = "bonus"
title = { zh = "奖励总额", en = "bonus" }
default = 1000000
cite = "T"
evidence = "U"

[[table]]
id = "sharing"
title = { zh = "分担表", en = "sharing" }
cite = "T"
evidence = "U"
[[table.row]]
to = 0.8
value = "booked"
[[table.row]]
from = 0.8
to = 1
closed = true
value = "due"
[[table.row]]
from = 1
value = "due + 0.6 * min(booked - audit_deduction - due, 0.1 * due)"

[[institution]]
id = "bonus_part"
title = { zh = "奖励分配", en = "bonus" }
unit = "yuan"
formula = "share(bonus, score)"
places = 2
cite = "T"
evidence = "U"

[[institution]]
id = "taken"
title = { zh = "扣回分摊", en = "taken back" }
unit = "yuan"
formula = "share(-bonus / 3, cases) if ceil(score / 7) >= floor(score / 7) else 0"
places = 2
cite = "T"
evidence = "U"
"""


def tiered(folder: Path) -> Path:
    pack = folder / "tiered.toml"
    pack.write_text(TIERED, "utf-8")
    return pack


def test_tiers_and_shares_live(books: dict[str, Recalculated], tmp_path: Path) -> None:
    """Vector D's tiers and vector E by largest remainder, values in the file as written there."""
    sheet = vector_d(tiered(tmp_path)).fund("employee")
    assert [float(x) for x in sheet.values["after_share"]] == [51459453.31, 36635280.76, 19818065.47]
    assert [float(x) for x in sheet.values["bonus_part"]] == [499978.40, 333345.90, 166675.70]
    assert float(sum(sheet.values["taken"])) == -333333.33
    assert {51459453.31, 499978.40} <= {value for value in books["tiers"].again.values() if isinstance(value, float)}
    assert books["tiers"].wrong() == [] and books["many tiers"].wrong() == []
