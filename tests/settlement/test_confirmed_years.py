"""A confirmed year: what its clearing rests on holds still, everything else can be worked on, reopening is a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from region import Region, case

from core.catalogue import library
from core.faults import Refused
from core.rules import packs
from core.settlement import coefficients, confirmed, own_packs, runs
from core.settlement.annual import clear
from core.storage import closed, migrations
from core.storage.ledger import Change, Edit, arrival

GROUP = "K35.3:g"
BUDGET = {"fund": "employee", "item": "dip_topup", "document": "", "date": ""}


@pytest.fixture
def year(region: Region) -> Region:
    region.institutions(("H1", "甲", 5), ("H2", "乙", 9))
    region.groups({"dip_code": GROUP, "score": "1.5", "mean_fee": 1_000_000})
    region.coefficients(("H1", "all", "base", "", "1"), ("H2", "all", "base", "", "0.8"))
    region.funded("employee", "resident")
    region.cases(
        {"setl_id": "A", "institution": "H1", "fee": "10000.00"},
        {"setl_id": "B", "institution": "H2", "fee": "9000.00"},
        {"setl_id": "C", "institution": "H2", "fee": "8000.00", "fund": "resident"},
    )
    clear(region.workspace, 2024, packs.load("ningde-2024"))
    return region


def refused(code: str, do: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        do()
    assert caught.value.code == code
    return caught.value


def edit(region: Region, table: str, key: dict[str, str | int | None], after: dict[str, str | int | None]) -> None:
    region.workspace.ledger.commit(Edit("edit", table, (Change(table, key, None, after),)))


def test_confirming_names_the_run_and_reopening_is_a_line_of_its_own(year: Region) -> None:
    workspace = year.workspace
    (run,) = runs.runs(workspace)
    line = confirmed.confirm(workspace, 2024, "核对无误")
    assert (line.action, line.subject, line.why) == ("confirm", "2024", "核对无误")
    assert json.loads(str((line.changes[0].after or {})["runs"])) == [run.hash]
    held = confirmed.confirmed(workspace.reader())[2024]
    assert (held.runs, held.at, held.why) == ((run.hash,), line.at, "核对无误")
    refused("year_confirmed_already", lambda: confirmed.confirm(workspace, 2024, ""))
    refused("reopen_reason", lambda: confirmed.reopen(workspace, 2024, "  "))
    refused("nothing_to_undo", lambda: workspace.ledger.undo(line.id))
    again = confirmed.reopen(workspace, 2024, "预算有误")
    assert (again.action, again.why, again.answers) == ("reopen", "预算有误", None)
    refused("nothing_to_undo", lambda: workspace.ledger.undo(again.id))
    refused("year_not_confirmed", lambda: confirmed.reopen(workspace, 2024, "再来"))
    confirmed.confirm(workspace, 2024, "")
    assert [one.action for one in workspace.ledger.lines(3)] == ["confirm", "reopen", "confirm"]
    assert workspace.ledger.check() == []


def test_what_stands_on_nothing_is_not_confirmed(year: Region) -> None:
    workspace = year.workspace
    refused("confirm_no_run", lambda: confirmed.confirm(workspace, 2023))
    refused("confirm_no_run", lambda: confirmed.confirm(workspace, 2024, run="beef"))
    edit(year, "budget", {"year": 2024, **BUDGET}, {"amount": 100})
    refused("confirm_stale", lambda: confirmed.confirm(workspace, 2024))
    clear(workspace, 2024, packs.load("ningde-2024"), funds=("employee",))
    assert refused("confirm_fund", lambda: confirmed.confirm(workspace, 2024)).values["fund"] == "resident"
    clear(workspace, 2024, packs.load("ningde-2024"), funds=("resident",))
    confirmed.confirm(workspace, 2024)
    assert len(confirmed.confirmed(workspace.reader())[2024].runs) == 2


def test_a_run_that_comes_out_otherwise_is_not_confirmed(year: Region) -> None:
    with year.workspace.transaction("x", "past the ledger") as connection:
        connection.execute("UPDATE budget SET amount = amount + 1 WHERE item = 'dip_budget' AND fund = 'employee'")
    refused("confirm_differs", lambda: confirmed.confirm(year.workspace, 2024))


# One row a table of what may not change, and beside it the nearest that may.
HELD: list[tuple[str, dict[str, str | int | None], dict[str, str | int | None]]] = [
    ("budget", {"year": 2024, **BUDGET}, {"amount": 1}),
    ("payment", {"fixmedins_code": "H1", "fund": "employee", "period": "202412", "kind": "monthly"}, {"amount": 1}),
    ("deduction", {"fixmedins_code": "H1", "fund": "employee", "period": "2024", "kind": "audit", "note": ""}, {"amount": 1}),
    ("assessment", {"fixmedins_code": "H1", "year": 2024, "indicator": "x"}, {"max_points": "1", "points": "1"}),
    ("special_case", {"setl_id": "A"}, {"decision": "by_item"}),
    ("reference_mean", {"year": 2023, "dip_code": GROUP, "level": "all", "fund": "all"}, {"mean_fee": 1, "batch_id": 1, "row": 1}),
    ("catalogue", {"version": "v2024", "dip_code": "new"}, {"year": 2024, "dip_name": "x", "kind": "core", "score": "1", "batch_id": 1, "row": 1}),
    ("auxiliary", {"version": "v2024", "dip_code": GROUP, "type": "age", "band": "66+"}, {"year": 2024, "factor": "2", "batch_id": 1, "row": 1}),
    ("auxiliary", {"version": "辅助目录", "dip_code": GROUP, "type": "age", "band": "66+"}, {"year": 2024, "factor": "2", "batch_id": 1, "row": 1}),
    ("coefficient", {"set_name": "imported", "fixmedins_code": "H1", "fund": "all", "part": "base", "valid_from": "2024-12-31"}, {"value": "2"}),
]  # fmt: skip
FREE: list[tuple[str, dict[str, str | int | None], dict[str, str | int | None]]] = [
    ("budget", {"year": 2025, **BUDGET}, {"amount": 1}),
    ("payment", {"fixmedins_code": "H1", "fund": "employee", "period": "202501", "kind": "monthly"}, {"amount": 1}),
    ("deduction", {"fixmedins_code": "H1", "fund": "employee", "period": "2023", "kind": "audit", "note": ""}, {"amount": 1}),
    ("assessment", {"fixmedins_code": "H1", "year": 2025, "indicator": "x"}, {"max_points": "1", "points": "1"}),
    ("special_case", {"setl_id": "Z"}, {"decision": "by_item"}),
    ("reference_mean", {"year": 2024, "dip_code": GROUP, "level": "all", "fund": "all"}, {"mean_fee": 1, "batch_id": 1, "row": 1}),
    ("catalogue", {"version": "v2025", "dip_code": "new"}, {"year": 2024, "dip_name": "x", "kind": "core", "score": "1", "batch_id": 1, "row": 1}),
    ("auxiliary", {"version": "辅助目录2025", "dip_code": GROUP, "type": "age", "band": "66+"}, {"year": 2025, "factor": "2", "batch_id": 1, "row": 1}),
    ("coefficient_set", {"name": "next"}, {"state": "draft", "at": "2025-01-01"}),
    ("coefficient", {"set_name": "next", "fixmedins_code": "H1", "fund": "all", "part": "base", "valid_from": "2025-01-01"}, {"value": "2"}),
    ("institution", {"fixmedins_code": "H3"}, {"fixmedins_name": "丙", "hosp_lv": 5, "batch_id": 1, "row": 1}),
    ("operation", {"oprn_code": "47.0"}, {"batch_id": 1, "row": 1}),
    ("official_clearing", {"fixmedins_code": "H1", "fund": "employee", "year": 2024, "column_id": "due"}, {"amount": "1"}),
    ("fund_month", {"fund": "employee", "month": "202401"}, {"income": 1, "expenditure": 1, "balance": 1}),
]  # fmt: skip


def test_what_the_clearing_rests_on_holds_still(year: Region) -> None:
    workspace = year.workspace
    confirmed.confirm(workspace, 2024)
    before = workspace.generation()
    for table, key, after in HELD:
        said = refused("year_confirmed", lambda t=table, k=key, a=after: edit(year, t, k, a))
        assert (said.values["year"], said.values["table"]) == (2024, table)
    change = Change("institution", {"fixmedins_code": "H2"}, {"hosp_lv": 9}, {"hosp_lv": 5})
    refused("year_confirmed", lambda: workspace.ledger.commit(Edit("edit", "H2", (change,))))
    assert workspace.generation() == before
    assert [f for f in runs.verify(workspace) if f.severity == "blocked"] == []
    for table, key, after in FREE:
        edit(year, table, key, after)
    assert [(one.year, one.stale) for one in runs.runs(workspace)] == [(2024, "")]
    assert [f.code for f in runs.verify(workspace)] == []
    confirmed.reopen(workspace, 2024, "更正")
    for table, key, after in HELD:
        edit(year, table, key, after)


def test_only_confirming_and_reopening_say_which_years_are_confirmed(year: Region) -> None:
    confirmed.confirm(year.workspace, 2024)
    row = {"runs": "[]", "at": "2024-12-31T00:00:00+00:00", "who": "x", "why": ""}
    change = Change("confirmed_year", {"year": 2023}, None, row)
    refused("not_editable", lambda: year.workspace.ledger.commit(Edit("edit", "2023", (change,))))
    assert list(confirmed.confirmed(year.workspace.reader())) == [2024]


def test_files_of_the_year_neither_come_nor_go(year: Region) -> None:
    workspace = year.workspace
    cases = workspace.reader().execute("SELECT max(id) FROM batch WHERE kind = 'cases'").fetchone()[0]
    confirmed.confirm(workspace, 2024)
    row = {"institution": "H1", "fee": "10000.00"}
    for day in ("2024-07-01", "2023-07-01"):  # the year before gives the level means
        refused("year_confirmed", lambda d=day: year.cases({"setl_id": "N", "day": d, **row}))
    refused("year_confirmed", lambda: year.budget(("employee", "chronic", "1.00")))
    refused("year_confirmed", lambda: workspace.ledger.commit(Edit("withdraw", "x", (arrival(cases).inverse(),))))
    # A reversal of the next year that takes a settlement of this one out of it.
    gone = {**case("R", "H1", "10000.00", day="2025-01-05", sign=-1), "init_setl_id": "A"}
    refused("year_confirmed", lambda: year.batch("cases", [gone], "cases"))
    year.cases({"setl_id": "N", "day": "2025-01-05", **row})
    assert runs.runs(workspace)[0].stale == ""
    assert runs.verify(workspace) == []


def test_older_lines_are_not_undone_past_it(year: Region) -> None:
    workspace = year.workspace
    edit(year, "payment", {"fixmedins_code": "H1", "fund": "employee", "period": "202512", "kind": "monthly"}, {"amount": 1})
    other = workspace.ledger.lines(1)[0]
    clear(workspace, 2024, packs.load("ningde-2024"))
    confirmed.confirm(workspace, 2024)
    workspace.ledger.undo(other.id)  # another year's
    refused("year_confirmed", workspace.ledger.undo)  # the import of the cases


def test_packs_of_the_workspace_that_it_was_cleared_by(year: Region) -> None:
    workspace = year.workspace
    own_packs.copy(workspace, "ningde-2024", "ours", "自用")
    own_packs.copy(workspace, "ningde-2024", "other", "自用")
    clear(workspace, 2024, own_packs.load(workspace, "ours"))
    confirmed.confirm(workspace, 2024)
    refused("year_confirmed", lambda: own_packs.drop(workspace, "ours", "不用了"))
    own_packs.drop(workspace, "other", "不用了")


def test_verify_says_what_was_done_past_the_ledger(year: Region) -> None:
    workspace = year.workspace
    confirmed.confirm(workspace, 2024)
    with workspace.transaction("x", "past the ledger") as connection:
        connection.execute("UPDATE budget SET amount = amount + 1 WHERE item = 'dip_budget' AND fund = 'employee'")
    assert "run_differs_figures" in {f.code for f in runs.verify(workspace)}
    with workspace.transaction("x", "past the ledger") as connection:
        connection.execute("DELETE FROM confirmed_year")
    assert "confirmed_altered" in {f.code for f in runs.verify(workspace)}


def test_every_table_of_facts_has_a_rule_or_concerns_no_clearing(year: Region) -> None:
    tables = set(migrations.fact_tables(year.workspace.reader()))
    assert tables - set(closed.RULES) == {"official_clearing", "official_case", "control_total", "fund_month", "code_map"}


def test_what_was_undone_before_is_not_redone_into_it(year: Region) -> None:
    workspace = year.workspace
    line = {"year": 2024, "fund": "employee", "item": "chronic", "document": "", "date": ""}
    edit(year, "budget", line, {"amount": 100})
    undone = workspace.ledger.undo()
    confirmed.confirm(workspace, 2024)
    refused("nothing_to_redo", workspace.ledger.redo)  # confirming is an edit since then
    refused("nothing_to_redo", lambda: workspace.ledger.redo(undone.id))
    confirmed.reopen(workspace, 2024, "更正")
    edit(year, "budget", line, {"amount": 100})


def test_what_is_published_in_a_confirmed_year_concerns_no_run_of_it(year: Region) -> None:
    """A set or a version is published under a name of its own, or as it stands: what the year was cleared by stays."""
    workspace = year.workspace
    confirmed.confirm(workspace, 2024)
    held = confirmed.confirmed(workspace.reader())[2024]
    coefficients.publish(workspace, "imported", "2024 核定")
    coefficients.draft(workspace, "另一套", "imported")
    key = {"set_name": "另一套", "fixmedins_code": "H1", "fund": "all", "part": "base", "valid_from": ""}
    workspace.ledger.commit(Edit("edit", "另一套", (Change("coefficient", key, {"value": "1"}, {"value": "2"}),)))
    coefficients.publish(workspace, "另一套", "另一套 发布")
    library.publish(workspace, "v2024")
    own_packs.copy(workspace, "ningde-2024", "ours", "自用")
    assert [(one.year, one.stale) for one in runs.runs(workspace)] == [(2024, "")]
    assert runs.verify(workspace) == []
    assert confirmed.confirmed(workspace.reader()) == {2024: held}
    refused("catalogue_frozen", lambda: edit(year, "catalogue", {"version": "v2024", "dip_code": "new"}, HELD[6][2]))
