"""A small region with catalogue versions and cases, written straight into a workspace as an import leaves it."""

from __future__ import annotations

from pathlib import Path

from core.storage import batches, ledger
from core.storage.workspace import Workspace

INSTITUTIONS = (("H1", "第一医院", 2), ("H2", "县医院", 6), ("H3", "卫生院", 9))


class Grouped:
    def __init__(self, path: Path, region: str = "350900") -> None:
        self.workspace = Workspace.create(path, region=region, name="试验")
        self._files = 0
        self.put(
            "institutions",
            "institution",
            [{"fixmedins_code": code, "fixmedins_name": name, "hosp_lv": level} for code, name, level in INSTITUTIONS],
        )

    def put(self, kind: str, table: str, rows: list[dict[str, object]], file: str = "") -> int:
        """One batch, rows from line 2 on, and its ledger line."""
        self._files += 1
        file = file or f"{kind}-{self._files}.csv"
        with self.workspace.transaction("import", kind) as writer:
            batch = batches.begin(writer, kind, file, "", f"{self._files:064d}", None, {}, "utf-8")
            for line, row in enumerate(rows, start=2):
                full = {**row, "batch_id": batch, "row": line}
                marks = ", ".join("?" * len(full))
                writer.execute(f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", tuple(full.values()))
            batches.finish(writer, batch, len(rows), len(rows), 0)
            self.workspace.ledger.record(writer, "import", file, (ledger.arrival(batch),))
        return batch

    def version(self, name: str, year: int, *rows: dict[str, object]) -> None:
        full = [{"version": name, "year": year, "dip_name": row["dip_code"], "kind": "core", "score": "1", **row} for row in rows]
        self.put("catalogue", "catalogue", full)

    def cases(self, *rows: dict[str, object], file: str = "") -> None:
        self.put("cases", "cases", [case(**row) for row in rows], file)  # type: ignore[arg-type]


def case(setl_id: str, group: str | None, fee: int, **more: object) -> dict[str, object]:
    """fee: yuan."""
    day = str(more.pop("day", "2024-03-05"))
    return {
        "setl_id": setl_id, "sign": 1, "insutype": 310, "fixmedins_code": "H1", "insu_admdvs": "350902",
        "dscg_time": f"{day}T10:00:00", "setl_time": f"{day}T11:00:00", "adm_time": f"{day}T08:00:00",
        "diag_code": "K35.300", "medfee_sumamt": fee * 100, "hifp_pay": 0, "dip_dise_grp_code": group, "fund": 1,
        "year": int(day[:4]), "day": int(day.replace("-", "")), "fee": fee * 100, "own_pay": 0, "other_pay": 0,
        "scope": 0, "netting": 0, **more,
    }  # fmt: skip
