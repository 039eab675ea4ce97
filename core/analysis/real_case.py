"""A case of the files as if it had been typed: what the calculator's form is filled in from."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.faults import Refused
from core.money import decimal
from core.rules.cases import FUNDS
from core.settlement.one_case import TypedCase
from core.storage.workspace import Workspace

NUMBER = re.compile(r"\d{1,6}(\.\d+)?")
_SELECT = Path(__file__).with_suffix(".sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class RealCase:
    """fund: employee or resident, "" for neither. group: the official one, "" where none is stated."""

    setl_id: str
    year: int
    fund: str
    institution: str
    group: str
    case: TypedCase


def real_case(workspace: Workspace, setl_id: str) -> RealCase:
    """The settlement of this id. Refused: case_unknown.

    The platform's own lists of diagnoses and operations win over the case's columns, as in grouping.
    """
    connection = workspace.reader()
    row = _row(connection, setl_id)
    if row is None:
        raise Refused("case_unknown", case=setl_id)
    diagnoses = [code for code in str(row["diagnoses"]).split("|") if code]
    operations = [code for code in str(row["operations"]).split("|") if code]
    weights = {decimal(part) for part in re.split(r"[,，|]", str(row["weight"] or "")) if NUMBER.fullmatch(part.strip())}
    return RealCase(
        setl_id=setl_id,
        year=int(row["year"]),
        fund=FUNDS[int(row["fund"]) - 1] if row["fund"] else "",
        institution=str(row["fixmedins_code"]),
        group=str(row["stated"] or ""),
        case=TypedCase(
            diagnosis=diagnoses[0] if diagnoses else "",
            operations=tuple(operations),
            other_diagnoses=tuple(diagnoses[1:]),
            fee=int(row["fee"]),
            own_pay=int(row["own_pay"]),
            other_pay=int(row["other_pay"]),
            booked=int(row["hifp_pay"]),
            age=row["age"],
            age_days=row["nwb_age"],
            birth_weight=int(weights.pop()) if len(weights) == 1 else None,  # several: a mother's twins
            gender=row["gend"],
            days=row["act_ipt_days"],
            icu_days=row["icu_days"],
            tcm_fee=row["tcm_fee"],
            detail=str(row["detail"] or ""),
            born=str(row["born"] or ""),
            admitted=str(row["admitted"] or ""),
            day=int(row["day"]),
        ),
    )


def _row(connection: sqlite3.Connection, setl_id: str) -> dict[str, Any] | None:
    cursor = connection.execute(_SELECT, (setl_id,))
    found = cursor.fetchone()
    names = [column[0] for column in cursor.description]
    return None if found is None else dict(zip(names, found, strict=True))
