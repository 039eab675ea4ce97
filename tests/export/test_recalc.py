"""The workbook lives: LibreOffice, made to recalculate on load, gives the run's value in every formula cell.

LibreOffice trusts stored values unless OOXMLRecalcMode is 0. So the tests first show that what they look at
has really been recalculated, and that a wrong formula would be seen.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from clearings import many, vector_d

from core import demo
from core.export import workbook
from core.rules import packs
from core.rules.sheet import Clearing
from core.settlement.clearing import clear
from core.texts import Texts

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = pytest.mark.skipif(
    SOFFICE is None, reason="not recalculated: LibreOffice is missing (libreoffice-calc-nogui)"
)
ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>{mode}</value></prop></item>
</oor:items>
"""
# What a double may differ by where a step is not rounded, relative.
UNROUNDED = 1e-12
Cells = dict[tuple[str, str], object]
Recalculated = Callable[..., Cells]


@pytest.fixture(scope="module")
def recalculated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Cells]:
    """Runs a file through LibreOffice; gives the values of all cells of the result by sheet and cell."""
    profiles: dict[int, Path] = {}

    def run(path: Path, mode: int = 0) -> Cells:
        if mode not in profiles:
            profiles[mode] = tmp_path_factory.mktemp(f"profile{mode}")
            (profiles[mode] / "user").mkdir()
            setting = profiles[mode] / "user" / "registrymodifications.xcu"
            setting.write_text(ALWAYS.format(mode=mode), "utf-8")
        out = tmp_path_factory.mktemp("recalculated")
        assert SOFFICE is not None
        subprocess.run(
            [
                SOFFICE, f"-env:UserInstallation={profiles[mode].as_uri()}", "--headless",
                "--convert-to", "xlsx", "--outdir", str(out), str(path),
            ],
            check=True, capture_output=True, timeout=240,
        )
        return values(out / path.name)

    return run


def values(path: Path, formulas: bool = False) -> Cells:
    """What stands in every cell; `formulas`: of the formula cells alone, their formulas."""
    book = openpyxl.load_workbook(path, data_only=not formulas)
    return {
        (page.title, cell.coordinate): cell.value
        for page in book for row in page.iter_rows() for cell in row
        if cell.value is not None and (not formulas or cell.data_type == "f")
    }


def formula_cells(path: Path) -> Cells:
    return values(path, formulas=True)


def differing(run: Cells, again: Cells, formulas: Cells) -> list[str]:
    """Formula cells whose recalculated value is not the stored one: rounded ones to the last place."""
    wrong: list[str] = []
    for at, formula in formulas.items():
        expected, got = run[at], again.get(at)
        places = re.fullmatch(r"=ROUND\(.*,(\d+)\)", str(formula))
        assert isinstance(expected, int | float), (at, expected)
        if not isinstance(got, int | float):
            wrong.append(f"{at} {formula}: {expected} became {got!r}")
        elif places:
            if round(got * 10 ** int(places[1])) != round(expected * 10 ** int(places[1])):
                wrong.append(f"{at} {formula}: {expected} became {got}")
        elif abs(got - expected) > UNROUNDED * max(1.0, abs(expected), abs(got)):
            wrong.append(f"{at} {formula}: {expected} became {got}")
    return wrong


def tampered(path: Path, out: Path, change: Callable[[str], str]) -> Path:
    """The workbook with the XML of its sheets changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.startswith("xl/worksheets/sheet"):
                data = change(data.decode("utf-8")).encode("utf-8")
            new.writestr(item, data)
    return out


def shipped() -> list[str]:
    return [head.id for head in packs.available() if not head.abstract]


def written(clearing: Clearing, path: Path, lang: str = "zh") -> Path:
    workbook.write(clearing, path, lang)
    return path


def test_a_planted_value_is_seen_only_when_recalculated(recalculated: Recalculated, tmp_path: Path) -> None:
    """A wrong stored value: without recalculation it stays and the check fails, with it the run's is back."""
    right = written(vector_d(), tmp_path / "right.xlsx")
    formulas, run = formula_cells(right), values(right)
    planted = tampered(
        right, tmp_path / "planted.xlsx", lambda xml: xml.replace("<v>48546654.07</v>", "<v>12345.67</v>")
    )
    assert values(planted) != run
    never = differing(run, recalculated(planted, mode=1), formulas)
    assert never, "the planted value was not found: the check cannot fail"
    assert all("12345.67" in said for said in never)
    assert differing(run, recalculated(planted), formulas) == []


def test_a_wrong_formula_is_seen(recalculated: Recalculated, tmp_path: Path) -> None:
    right = written(vector_d(), tmp_path / "right.xlsx")
    formulas, run = formula_cells(right), values(right)
    at = next(at for at, value in run.items() if value == 48546654.07 and at in formulas)
    text = str(formulas[at])[1:]
    wrong = tampered(
        right, tmp_path / "wrong.xlsx", lambda xml: xml.replace(f"<f>{text}</f>", f"<f>{text}+0.01</f>")
    )
    found = differing(run, recalculated(wrong), formulas)
    assert any(str(at) in said for said in found)
    assert any("48546654.08" in said for said in found)


@pytest.mark.parametrize("source", shipped())
def test_vector_d_lives(recalculated: Recalculated, tmp_path: Path, source: str) -> None:
    path = written(vector_d(source), tmp_path / "d.xlsx", "en")
    formulas = formula_cells(path)
    assert differing(values(path), recalculated(path), formulas) == []
    assert len(formulas) > 3 * 8


def test_whole_region_lives(recalculated: Recalculated, tmp_path: Path) -> None:
    """155 institutions, both funds: every formula cell, to the fen."""
    path = written(many(), tmp_path / "many.xlsx")
    formulas = formula_cells(path)
    assert differing(values(path), recalculated(path), formulas) == []
    assert len(formulas) > 2 * 155 * 7


def test_demonstration_lives(recalculated: Recalculated, tmp_path: Path) -> None:
    """What a clearing of a workspace writes: both funds of the synthetic region, every formula cell."""
    with demo.build(tmp_path / "demo.dianzhi", scale=100) as workspace:
        made = clear(workspace, 2024, packs.load("ningde-2024"), store=False)
    path = written(made, tmp_path / "demo.xlsx")
    formulas, run = formula_cells(path), values(path)
    assert differing(run, recalculated(path), formulas) == []
    for fund in made.funds:
        shown = [value for (page, _), value in run.items() if page == Texts("zh")(f"fund.{fund.fund}")]
        for name in ("due", "final"):
            assert set(map(float, fund.values[name])) <= set(shown)


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


def test_tiers_and_shares_live(recalculated: Recalculated, tmp_path: Path) -> None:
    """Vector D's tiers and vector E by largest remainder, values in the file as written there."""
    pack = tmp_path / "tiered.toml"
    pack.write_text(TIERED, "utf-8")
    made = vector_d(pack)
    sheet = made.fund("employee")
    assert [float(x) for x in sheet.values["after_share"]] == [51459453.31, 36635280.76, 19818065.47]
    assert [float(x) for x in sheet.values["bonus_part"]] == [499978.40, 333345.90, 166675.70]
    assert float(sum(sheet.values["taken"])) == -333333.33
    path = written(made, tmp_path / "tiered.xlsx")
    formulas = formula_cells(path)
    assert differing(values(path), recalculated(path), formulas) == []

    many_path = written(many(pack, 40), tmp_path / "many.xlsx")
    assert differing(values(many_path), recalculated(many_path), formula_cells(many_path)) == []
