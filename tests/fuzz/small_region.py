"""A region so small that it is cleared in a moment: what packs and workspaces are fuzzed on."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "settlement"))

from region import Region

from core.rules import packs
from core.rules.circular import Pack
from core.settlement import annual, gather, month_cases
from core.settlement.clearing import clear
from core.storage.workspace import Workspace

PACK = "ningde-2024"
GIVEN = {"month_rate_employee": "81.5", "month_rate_resident": "63", "reference_min_cases": "1"}


def forget() -> None:
    for room in (annual, gather, month_cases):
        room.forget()


def pack() -> Pack:
    return packs.load(PACK, GIVEN)


def build(path: Path, cases: int = 40, cleared: bool = True) -> None:
    forget()
    region = Region(path)
    codes = ("H01", "H02", "H03")
    region.institutions(*((code, f"医院{code}", 2 + 3 * i) for i, code in enumerate(codes)))
    region.groups(
        {"dip_code": "K35.3:g", "score": "97.53", "mean_fee": 900_000},
        {"dip_code": "J18.9:g", "score": "41.7", "mean_fee": 400_000},
    )
    region.coefficients(*((code, "all", "base", "", f"0.{90 + 3 * i}") for i, code in enumerate(codes)))
    region.funded("employee", "resident", amount="700000.00")
    region.cases(
        *(
            {
                "setl_id": f"s{i:04d}", "institution": codes[i % 3], "fund": ("employee", "resident")[i % 2],
                "fee": f"{1000 + 37 * i}.{i % 100:02d}", "day": f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}",
                "group": ("K35.3:g", "J18.9:g")[i // 2 % 2],
            }
            for i in range(cases)
        )
    )  # fmt: skip
    region.payments(("H01", "employee", "2024", "monthly", "50000.00"))
    if cleared:
        clear(region.workspace, 2024, pack())
    region.workspace.close()


def figures(workspace: Workspace) -> str:
    """Of the clearing made anew, as it is stored."""
    from core.export.tables import clearing_json

    forget()
    return clearing_json(clear(workspace, 2024, pack(), store=False))
