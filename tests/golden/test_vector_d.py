"""Vector D of the specification through files, importer and clearing, to the fen; and its chain to `final`.

Three institutions, one fund, F = 130,000,000 - 20,000,000 - 5,000,000 = 105,000,000. Scores come out of several cases
each whose groups carry the scores; own payments are total cost less booked.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest
from invented_tiers import invented

from core.intake.load import import_file
from core.money import yuan
from core.rules import packs
from core.rules.sheet import Clearing
from core.settlement.clearing import clear
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
A, B, C = "H35090000001", "H35090000002", "H35090000003"
# institution -> cases of (group, score, fee, booked); S, T and A of the vector are their sums.
CASES = {
    A: [
        ("A01.0:g", "4000.0617", "40000000.00", "26100000.00"),
        ("A02.0:g", "5000.0617", "45000000.00", "30000000.00"),
    ],
    B: [
        ("B01.0:g", "2500.5678", "20000000.01", "15000000.00"),
        ("B02.0:g", "3500.0000", "29999999.99", "20000000.00"),
    ],
    C: [("C01.0:g", "3000.3333", "24000000.00", "18000000.00")],
}
SHARING = invented(assessment_factor=((None, 98.5, "0.98"), (98.5, 100, "0.99"), (100, None, "1")))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("d")
    made = Workspace.create(folder / "d.dz", region="350900")
    groups = [(g, s) for own in CASES.values() for g, s, _, _ in own]
    files: dict[str, list[list[str]]] = {
        "institutions": [
            ["fixmedins_code", "fixmedins_name", "hosp_lv"],
            [A, "甲医院", "2"],
            [B, "乙医院", "5"],
            [C, "丙医院", "8"],
        ],
        "catalogue": [["dip_code", "dip_name", "kind", "score"], *([g, g, "core", s] for g, s in groups)],
        "coefficients": [
            ["fixmedins_code", "fund", "part", "value"],
            *([code, "all", "base", "1"] for code in CASES),
        ],
        "cases": [
            [
                "setl_id",
                "insutype",
                "fixmedins_code",
                "dscg_time",
                "setl_time",
                "diag_code",
                "medfee_sumamt",
                "fund_pay_sumamt",
                "hifp_pay",
                "psn_part_amt",
                "dip_dise_grp_code",
            ],
            *(
                [
                    f"S{code[-1]}{i}",
                    "310",
                    code,
                    "2024-03-01",
                    "2024-03-01 10:00:00",
                    g[:5],
                    fee,
                    booked,
                    booked,
                    yuan(int((Fraction(fee) - Fraction(booked)) * 100)),
                    g,
                ]
                for code, own in CASES.items()
                for i, (g, _, fee, booked) in enumerate(own)
            ),
        ],
        "budget": [
            ["year", "fund", "item", "amount"],
            ["2024", "employee", "dip_budget", "100000000"],
            ["2024", "employee", "dip_topup", "30000000"],
            ["2024", "employee", "outside_card", "20000000"],
            ["2024", "employee", "outside_manual", "5000000"],
        ],
        "payments": [
            ["fixmedins_code", "fund", "period", "kind", "amount"],
            *(
                [code, "employee", f"2024{m:02d}", "monthly", amount]
                for code, amount in ((A, "4000000"), (B, "2500000"), (C, "1250000"))
                for m in range(1, 13)
            ),
            [A, "employee", "2024", "advance", "3000000"],
            [B, "employee", "2024", "advance", "2000000"],
            [C, "employee", "2024", "advance", "1000000"],
        ],
        "deductions": [
            ["fixmedins_code", "fund", "period", "kind", "amount"],
            [A, "employee", "202406", "audit", "120000.00"],
            [B, "employee", "202407", "audit", "80000.55"],
        ],
        "assessments": [
            ["fixmedins_code", "year", "indicator", "max_points", "points"],
            [A, "2024", "总分", "100", "99"],
            [B, "2024", "总分", "100", "100"],
            [C, "2024", "总分", "100", "98"],
        ],
    }
    for kind, rows in files.items():
        path = folder / f"{kind}.csv"
        with path.open("w", encoding="gb18030", newline="") as out:
            csv.writer(out).writerows(rows)
        receipt = import_file(made, kind, path, year=2024)
        assert (receipt.accepted, receipt.refused) == (len(rows) - 1, 0), receipt.findings
    yield made
    made.close()


def dues(clearing: Clearing, step: str = "due") -> list[str]:
    """Amounts of A, B, C as they print."""
    sheet = clearing.fund("employee")
    assert [one.code for one in sheet.institutions] == [A, B, C]
    return [yuan(int(value * 100)) for value in sheet.values[step]]


def test_inputs(workspace: Workspace) -> None:
    sheet = clear(workspace, 2024, packs.load("ningde-2024")).fund("employee")
    assert sheet.values["score"] == (Fraction("9000.1234"), Fraction("6000.5678"), Fraction("3000.3333"))
    assert [int(v) for v in sheet.values["total_cost"]] == [85_000_000, 50_000_000, 24_000_000]
    assert [int(v) for v in sheet.values["booked"]] == [56_100_000, 35_000_000, 18_000_000]
    assert sheet.region["fund_available"] == 105_000_000
    assert sheet.region["score_total"] == Fraction("18001.0245")


@pytest.mark.parametrize(
    ("places", "point_value", "expected", "residual"),
    [
        ("none", None, ["48546653.92", "36635280.66", "19818065.42"], "0.00"),
        ("4", "8605.0658", ["48546654.07", "36635280.76", "19818065.47"], "-0.30"),
        ("2", "8605.07", ["48546691.87", "36635305.96", "19818078.07"], "-75.90"),
    ],
)
def test_ningde(
    workspace: Workspace, places: str, point_value: str | None, expected: list[str], residual: str
) -> None:
    clearing = clear(workspace, 2024, packs.load("ningde-2024", {"point_value.places": places}))
    region = clearing.fund("employee").region
    # (105,000,000 + 159,000,000 - 109,100,000) / 18,001.0245 = 154,900,000 / 18,001.0245
    assert region["point_value"] == (
        Fraction(point_value) if point_value else Fraction(154_900_000) / Fraction("18001.0245")
    )
    assert dues(clearing) == expected
    assert yuan(int(region["residual"] * 100)) == residual


@pytest.mark.parametrize(
    ("mode", "expected", "residual"),
    [
        ("pooled", ["52497731.84", "35001320.01", "17500948.15"], "0.00"),
        # Each institution's own ratio does not sum to the fund: 105,332,236.14 against 105,000,000.
        ("hospital", ["50495985.14", "35707121.14", "19129129.86"], "-332236.14"),
    ],
)
def test_national(workspace: Workspace, mode: str, expected: list[str], residual: str) -> None:
    pack = packs.load("national-draft-3", {"point_value.places": "none", "ratio_mode": mode})
    clearing = clear(workspace, 2024, pack)
    region = clearing.fund("employee").region
    assert round(float(region["point_value"]), 8) == 8500.89104304
    assert dues(clearing) == expected
    assert yuan(int(region["residual"] * 100)) == residual


def test_chain_to_final(workspace: Workspace, tmp_path: Path) -> None:
    """r of A = 55,980,000.00 / 48,546,654.07 = 1.153118: the excess is capped, 48,546,654.07 x 1.06 = 51,459,453.3142."""
    path = tmp_path / "invented.toml"
    path.write_text(SHARING, "utf-8")
    clearing = clear(workspace, 2024, packs.load(path))
    assert dues(clearing) == ["48546654.07", "36635280.76", "19818065.47"]
    assert dues(clearing, "after_share") == ["51459453.31", "36635280.76", "19818065.47"]
    assert clearing.fund("employee").values["assessment"] == (Fraction("0.99"), 1, Fraction("0.98"))
    assert dues(clearing, "after_assessment") == ["50944858.78", "36635280.76", "19421704.16"]
    assert dues(clearing, "final") == ["-175141.22", "4555280.21", "3421704.16"]


def test_another_fund_is_left_out(workspace: Workspace) -> None:
    clearing = clear(workspace, 2024, packs.load("ningde-2024"))
    assert [sheet.fund for sheet in clearing.funds] == ["employee"]
    assert [f.subject for f in clearing.findings if f.code == "fund_absent"] == ["resident"]


def test_through_the_command_line(workspace: Workspace, tmp_path: Path) -> None:
    """The same figures from `main.py clear` on a copy, as the json that other programs read."""
    copy = tmp_path / "copy.dz"
    with closing(sqlite3.connect(workspace.path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    out = tmp_path / "x.json"
    ran = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "clear", str(copy), "--year", "2024", "--pack", "ningde-2024",
         "--param", "point_value.places=2", "--out", str(out), "--lang", "en"],
        check=False, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(out.read_text("utf-8"))
    own = told["funds"]["employee"]
    assert [one["due"] for one in own["institutions"]] == ["48546691.87", "36635305.96", "19818078.07"]
    assert (own["region"]["point_value"], own["region"]["residual"]) == ("8605.07", "-75.90")
    assert told["stamps"]["parameters"] == {"point_value.places": "2"}
