"""A small region written straight into a workspace: what the tests of clearings stand on.

Amounts are yuan as text, as a person writes them; every row is a named argument that the national fields know.
"""

from __future__ import annotations

from pathlib import Path

from core.money import fen
from core.storage.workspace import Workspace

FUND = {"employee": (1, 310), "resident": (2, 390), "": (0, 340)}


class Region:
    """Rows are inserted at once; `commit` writes an import line per batch, as the importer does."""

    def __init__(self, path: Path, region: str = "350900") -> None:
        self.workspace = Workspace.create(path, region=region, name="试验")
        self._batches = 0

    def batch(self, kind: str, rows: list[dict[str, object]], table: str) -> int:
        from core.storage import batches, ledger

        self._batches += 1
        with self.workspace.transaction("import", kind) as connection:
            number = batches.begin(
                connection,
                kind,
                f"{kind}-{self._batches}.csv",
                "",
                f"{self._batches:064d}",
                None,
                {},
                "utf-8",
            )
            for at, row in enumerate(rows, start=2):
                full = {**row, "batch_id": number, "row": at}
                names = ", ".join(full)
                marks = ", ".join("?" * len(full))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(full.values()))
            batches.finish(connection, number, len(rows), len(rows), 0)
            if table == "cases":
                batches.net_refunds(connection)
            self.workspace.ledger.record(connection, "import", kind, (ledger.arrival(number),))
        return number

    def institutions(self, *rows: tuple[str, str, int]) -> int:
        return self.batch(
            "institutions",
            [
                {"fixmedins_code": code, "fixmedins_name": name, "hosp_lv": level}
                for code, name, level in rows
            ],
            "institution",
        )

    def groups(self, *rows: dict[str, object], version: str = "v2024", year: int = 2024) -> int:
        return self.batch(
            "catalogue",
            [
                {"version": version, "year": year, "dip_name": str(row["dip_code"]), "kind": "core", **row}
                for row in rows
            ],
            "catalogue",
        )

    def auxiliary(self, *rows: tuple[str, str, str, str], version: str = "v2024") -> int:
        return self.batch(
            "auxiliary",
            [
                {
                    "version": version,
                    "year": 2024,
                    "dip_code": code,
                    "type": kind,
                    "band": band,
                    "factor": factor,
                }
                for code, kind, band, factor in rows
            ],
            "auxiliary",
        )

    def coefficients(self, *rows: tuple[str, str, str, str, str]) -> int:
        """code, fund, part, valid_from, value, into the imported draft."""
        with self.workspace.transaction("import", "set") as connection:
            connection.execute(
                "INSERT OR IGNORE INTO coefficient_set (name, state, at) VALUES ('imported', 'draft', '2024-01-01')"
            )
        return self.batch(
            "coefficients",
            [
                {
                    "set_name": "imported",
                    "fixmedins_code": code,
                    "fund": fund,
                    "part": part,
                    "valid_from": day,
                    "value": value,
                }
                for code, fund, part, day, value in rows
            ],
            "coefficient",
        )

    def budget(self, *rows: tuple[str, str, str], year: int = 2024) -> int:
        return self.batch(
            "budget",
            [
                {"year": year, "fund": fund, "item": item, "amount": fen(amount), "document": str(i)}
                for i, (fund, item, amount) in enumerate(rows)
            ],
            "budget",
        )

    def funded(self, *funds: str, amount: str = "100000.00") -> None:
        """A plain budget without outside treatment."""
        self.budget(
            *(
                (fund, item, value)
                for fund in funds
                for item, value in (("dip_budget", amount), ("outside_card", "0"), ("outside_manual", "0"))
            )
        )

    def payments(self, *rows: tuple[str, str, str, str, str]) -> int:
        return self.batch(
            "payments",
            [
                {"fixmedins_code": code, "fund": fund, "period": period, "kind": kind, "amount": fen(amount)}
                for code, fund, period, kind, amount in rows
            ],
            "payment",
        )

    def deductions(self, *rows: tuple[str, str, str, str, str]) -> int:
        return self.batch(
            "deductions",
            [
                {"fixmedins_code": code, "fund": fund, "period": period, "kind": kind, "amount": fen(amount)}
                for code, fund, period, kind, amount in rows
            ],
            "deduction",
        )

    def assessments(self, *rows: tuple[str, str, str], year: int = 2024) -> int:
        return self.batch(
            "assessments",
            [
                {"fixmedins_code": code, "year": year, "indicator": "总分", "max_points": most, "points": got}
                for code, most, got in rows
            ],
            "assessment",
        )

    def special(self, *rows: tuple[str, str, str | None]) -> int:
        return self.batch(
            "special_cases",
            [{"setl_id": setl_id, "decision": decision, "score": score} for setl_id, decision, score in rows],
            "special_case",
        )

    def reference_means(self, *rows: tuple[str, str, str, str], year: int = 2023) -> int:
        return self.batch(
            "reference_means",
            [
                {"year": year, "dip_code": code, "level": level, "fund": fund, "mean_fee": fen(mean)}
                for code, level, fund, mean in rows
            ],
            "reference_mean",
        )

    def cases(self, *rows: dict[str, object]) -> int:
        return self.batch("cases", [case(**row) for row in rows], "cases")


def case(
    setl_id: str,
    institution: str,
    fee: str,
    *,
    group: str | None = "K35.3:g",
    fund: str = "employee",
    booked: str | None = None,
    own: str | None = None,
    other: str = "0",
    day: str = "2024-03-05",
    sign: int = 1,
    **more: object,
) -> dict[str, object]:
    """One row of `cases` as the importer derives it; booked and own are 60 % and the rest unless given."""
    amount = fen(fee)
    paid = fen(booked) if booked is not None else amount * 6 // 10
    beside = fen(other)
    rest = fen(own) if own is not None else amount - paid - beside
    number, insutype = FUND[fund]
    return {
        "setl_id": setl_id,
        "sign": sign,
        "insutype": insutype,
        "fixmedins_code": institution,
        "insu_admdvs": "350902",
        "dscg_time": f"{day}T10:00:00",
        "setl_time": f"{day}T11:00:00",
        "adm_time": f"{day}T08:00:00",
        "diag_code": "K35.3",
        "medfee_sumamt": amount,
        "fund_pay_sumamt": paid + beside,
        "hifp_pay": paid,
        "psn_part_amt": rest,
        "dip_dise_grp_code": group,
        "fund": number,
        "year": int(day[:4]),
        "day": int(day.replace("-", "")),
        "fee": amount,
        "own_pay": rest,
        "other_pay": beside,
        "scope": 0,
        **more,
    }
