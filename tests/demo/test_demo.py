"""The demonstration region gives the published figures through the product's own clearing, and a second way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from inspect import signature
from pathlib import Path

import pytest
from second_way import Sums, second_way

from core.catalogue import library, lineage, lint, stays
from core.catalogue.grouper import Grouper
from core.demo import PACK, build
from core.demo.region import Groups, Institutions
from core.demo.year import FIGURES, draw
from core.intake.kinds import KINDS
from core.rules import grouping, packs
from core.rules.sheet import Clearing
from core.settlement.clearing import clear
from core.settlement.control import control_totals
from core.storage import batches
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace

FUNDS = ("employee", "resident")
SCORE_2024 = {"employee": Decimal("86835.01"), "resident": Decimal("369415.04")}
GROWTH = {"employee": "17.96", "resident": "13.95"}
FIVE = {
    "澄溪市医院": ("64.70", "79.75"), "竹源县中医院": ("50.84", "50.14"), "鹭屿市医院": ("38.76", "34.38"),
    "云岫区医院": ("25.33", "27.85"), "霞岭县医院": ("20.59", "26.00"),
}


def shown(value: Fraction, places: int = 2) -> str:
    """As a report prints it."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def percent(new: Fraction, old: Fraction) -> str:
    return shown((new / old - 1) * 100)


def both(workspace: Workspace) -> tuple[Clearing, Clearing]:
    pack = packs.load(PACK)
    return clear(workspace, 2023, pack, store=False), clear(workspace, 2024, pack, store=False)


def hold_published(workspace: Workspace, scale: int) -> tuple[Sums, Sums]:
    """Every published figure, by the clearing and by the second way; the two agree for each institution."""
    path = workspace.path
    earlier, now = both(workspace)
    way = {2023: second_way(path, 2023), 2024: second_way(path, 2024)}
    for place, fund in enumerate(FUNDS):
        old, new = earlier.fund(fund), now.fund(fund)
        tenth = (SCORE_2024[fund] / scale).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        assert new.region["score_total"] == Fraction(tenth)
        assert percent(new.region["score_total"], old.region["score_total"]) == GROWTH[fund]
        for year, sheet in ((2023, old), (2024, new)):
            mine = {i.code: value for i, value in zip(sheet.institutions, sheet.values["score"], strict=True)}
            assert mine == {i.code: way[year].score.get((fund, i.code), 0) for i in sheet.institutions}
            assert sum(mine.values()) == sum(v for key, v in way[year].score.items() if key[0] == fund)
        assert new.region["point_value"] < old.region["point_value"]
        before = {i.name: value for i, value in zip(old.institutions, old.values["score"], strict=True)}
        after = {i.name: value for i, value in zip(new.institutions, new.values["score"], strict=True)}
        assert {name: percent(after[name], before[name]) for name in FIVE} == {n: pair[place] for n, pair in FIVE.items()}
        assert len(new.institutions) == 155
    for year, fee, own, days in ((2024, "6186.82", "2240.32", "6.82"), (2023, "6631.81", "2615.88", "6.97")):
        sums, sheets = way[year], (now if year == 2024 else earlier).funds
        assert shown(Fraction(sums.fee, 100 * sums.cases)) == fee
        assert shown(Fraction(sums.own, 100 * sums.cases)) == own
        assert shown(Fraction(sums.days, sums.cases)) == days
        assert sums.cases == sum(sum(sheet.values["cases"]) for sheet in sheets)
        assert Fraction(sums.fee, 100) == sum(sum(sheet.values["total_cost"]) for sheet in sheets)
        assert Fraction(sums.own, 100) == sum(sum(sheet.values["own_pay"]) for sheet in sheets)
    old, new = way[2023], way[2024]
    assert percent(Fraction(new.fee, new.cases), Fraction(old.fee, old.cases)) == "-6.71"
    assert percent(Fraction(new.days, new.cases), Fraction(old.days, old.cases)) == "-2.15"
    assert percent(Fraction(new.own, new.cases), Fraction(old.own, old.cases)) == "-14.36"
    return old, new


def test_published_figures_at_one_to_fifty(region: tuple[Workspace, int]) -> None:
    hold_published(*region)


def test_published_figures_at_the_default_scale(demonstration_copy: Callable[[int, Path], Path], folder: Path) -> None:
    scale = signature(build).parameters["scale"].default
    assert scale == 10
    with Workspace.open(demonstration_copy(scale, folder)) as workspace:
        _, now = hold_published(workspace, scale)
    assert sum(v for (fund, _), v in now.score.items() if fund == "employee") == Fraction("8683.501")
    assert sum(v for (fund, _), v in now.score.items() if fund == "resident") == Fraction("36941.504")


def test_figures_hang_on_no_seed_and_cases_do(
    folder: Path, demonstration: Path
) -> None:
    fees = "SELECT medfee_sumamt FROM cases ORDER BY case_id LIMIT 500"
    with build(folder / "other.dianzhi", scale=100, seed=2**40 + 7) as workspace:
        hold_published(workspace, 100)
        with Workspace.open(demonstration, write=False) as usual:
            assert workspace.reader().execute(fees).fetchall() != usual.reader().execute(fees).fetchall()


@pytest.mark.parametrize("scale", [100, 41])
def test_every_seed_closes(scale: int) -> None:
    institutions, groups = Institutions(), Groups()
    for seed in range(0, 2**45, 2**43):
        cases = draw(institutions, groups, 2024, scale, seed)
        whole = [round(score / scale) for score in FIGURES[2024].score]
        assert [int(cases.score[cases.fund == fund].sum()) for fund in (0, 1)] == whole
        assert int(cases.fee.sum()) == FIGURES[2024].fee * len(cases)
        assert int(cases.own.sum()) == FIGURES[2024].own * len(cases)
        assert bool((cases.own <= cases.fee).all())


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_published_figures_in_full(folder: Path) -> None:
    with build(folder / "full.dianzhi", scale=1) as workspace:
        old, now = hold_published(workspace, 1)
    assert sum(v for (fund, _), v in now.score.items() if fund == "employee") == Fraction("86835.01")
    assert sum(v for (fund, _), v in now.score.items() if fund == "resident") == Fraction("369415.04")
    print(f"\n2023: {old.cases} cases, 2024: {now.cases} cases, deviating {now.deviating}, ungrouped {now.ungrouped}")


def test_whole_year_figures_hold_with_by_item_cases_too(region: tuple[Workspace, int]) -> None:
    from second_way import IN_SCOPE

    rows = region[0].reader().execute(
        f"SELECT count(*), sum(fee), sum(own_pay), sum(act_ipt_days) FROM cases WHERE year = 2024 AND {IN_SCOPE}"
    ).fetchone()
    assert shown(Fraction(rows[1], 100 * rows[0])) == "6186.82"
    assert shown(Fraction(rows[2], 100 * rows[0])) == "2240.32"
    assert shown(Fraction(rows[3], rows[0])) == "6.82"


def test_budget_of_2024_is_the_published_total(region: tuple[Workspace, int]) -> None:
    workspace, scale = region
    ask = workspace.reader().execute
    for fund, total, topups in (("employee", "944960000", ["40000000"]), ("resident", "2190090000", ["53000000", "80000000"])):
        items = ("dip_budget", "dip_topup", "alliance")
        found = ask(
            f"SELECT item, amount, document, date FROM budget WHERE year = 2024 AND fund = ? AND item IN {items}", (fund,)
        ).fetchall()
        assert Fraction(sum(row[1] for row in found), 100) == Fraction(total) / scale
        assert sorted(row[1] for row in found if row[0] == "dip_topup") == [int(t) * 100 // scale for t in topups]
        assert all(row[2] and row[3] for row in found)


def test_clearing_is_plausible(region: tuple[Workspace, int]) -> None:
    """The fund is overspent: most institutions get less than was booked, some more; nobody's share is absurd."""
    _, now = both(region[0])
    for sheet in now.funds:
        booked, due = sum(sheet.values["booked"]), sum(sheet.values["due"])
        assert Fraction(93, 100) < due / booked < Fraction(98, 100)
        winners = sum(value > 0 for value in sheet.values["surplus"])
        assert 10 < winners < 78
        assert all(value > 0 for value in sheet.values["coefficient"])
        assert {institution.level for institution in sheet.institutions} == {1, 2, 3}
        assert any(value < 0 for value in sheet.values["final"])
        assert any(value > 0 for value in sheet.values["final"])
        withheld, paid = sum(sheet.values["retention"]), sum(sheet.values["monthly_paid"])
        assert 0 < withheld <= paid * 5 / 100
    assert now.stamps.synthetic
    assert all(now.stamps.references[name] > 0 for name in ("given", "catalogue"))


def test_all_earlier_years_clear_too(region: tuple[Workspace, int]) -> None:
    for year, institutions in ((2021, 22), (2022, 106)):
        sheet = clear(region[0], year, packs.load(PACK), store=False).fund("resident")
        assert len(sheet.institutions) == institutions


def test_shapes(region: tuple[Workspace, int]) -> None:
    workspace, _ = region
    ask = workspace.reader().execute
    sums = second_way(workspace.path, 2024)
    assert 0.02 < sums.deviating / sums.cases < 0.07
    assert 0 < sums.ungrouped / sums.cases < 0.01
    months = [n for (n,) in ask("SELECT count(*) FROM cases WHERE year = 2024 GROUP BY day / 100 ORDER BY day / 100")]
    assert len(months) == 12
    assert months[1] == min(months)  # the new year's holidays
    persons = ask("SELECT count(DISTINCT person), count(*) FROM cases WHERE netting = 0").fetchone()
    assert persons[0] < persons[1] * 85 // 100
    # A person has one sex and one date of birth in all stays.
    assert ask(
        "SELECT count(*) FROM (SELECT person FROM cases GROUP BY person HAVING count(DISTINCT brdy) > 1 OR count(DISTINCT gend) > 1)"
    ).fetchone() == (0,)
    assert ask("SELECT count(*) FROM cases WHERE brdy > adm_time OR adm_time > dscg_time OR dscg_time > setl_time"
               ).fetchone() == (0,)
    # What a case's fee is made of is never more than the fee, special wards aside.
    items = "drug_fee + consumable_fee + coalesce(therapy_fee, 0) + tcm_fee"
    over = f"SELECT count(*) FROM cases WHERE sign = 1 AND {items} > medfee_sumamt - coalesce(excluded_fee, 0)"
    assert ask(over).fetchone() == (0,)
    kinds = dict(ask("SELECT kind, count(*) FROM catalogue WHERE year = 2024 GROUP BY kind"))
    assert set(kinds) == {"core", "composite", "primary_care", "tcm", "bed_day", "day_case"}
    assert kinds["primary_care"] == 100
    used = {kind for (kind,) in ask(
        "SELECT DISTINCT kind FROM catalogue WHERE year = 2024 AND dip_code IN (SELECT dip_dise_grp_code FROM cases WHERE year = 2024)")}
    assert used == set(kinds)
    versions = [{code for (code,) in ask("SELECT dip_code FROM catalogue WHERE year = ?", (year,))} for year in (2023, 2024)]
    assert versions[1] - versions[0]
    assert versions[0] - versions[1]


def test_every_kind_arrives_and_every_sort_of_finding(region: tuple[Workspace, int]) -> None:
    workspace, _ = region
    there = {batch.kind for batch in batches.batches(workspace.reader()) if batch.accepted}
    assert there == set(KINDS) - {"official_cases"}  # the cases themselves carry the official scores
    said = {(f.severity, f.code) for f in batches.standing_findings(workspace.reader())}
    assert {
        ("refused", "amount_unreadable"), ("refused", "value_missing"), ("refused", "date_unreadable"), ("refused", "key_repeated"),
        ("refused", "fields_missing"), ("warning", "refund_without_reversal"), ("warning", "reversal_without_original"),
        ("warning", "pair_across_years"), ("warning", "fund_identity"), ("note", "settlement_invalid"),
    } <= said
    for batch in batches.batches(workspace.reader()):
        assert batch.rows_read == batch.accepted + batch.refused
        assert batch.kind == "cases" or not batch.refused, batch
        assert None not in batch.mapping.values(), (batch.file, batch.mapping)
    scopes = {scope for (scope,) in workspace.reader().execute("SELECT DISTINCT scope FROM cases")}
    assert scopes == {0, 1, 2, 3}


def test_sender_and_bureau_disagree_in_two_places_each(region: tuple[Workspace, int]) -> None:
    workspace, _ = region
    sheet = control_totals(workspace)
    differing = [
        row for row in range(sheet.rows)
        if sheet.cells["rows_difference"][row] or sheet.cells["medfee_difference"][row] or sheet.cells["hifp_difference"][row]
    ]
    assert len(differing) == 2
    earlier, _ = both(workspace)
    own = {("REGION", s.fund, step): value for s in earlier.funds for step, value in s.region.items()} | {
        (i.code, s.fund, step): value
        for s in earlier.funds for step, values in s.values.items() for i, value in zip(s.institutions, values, strict=True)
    }
    official = {
        row[:3]: Fraction(row[3]) for row in workspace.reader().execute(
            "SELECT fixmedins_code, fund, column_id, amount FROM official_clearing WHERE year = 2023")
    }
    assert set(official) == set(own)
    wrong = [key for key, value in official.items() if abs(value - own[key]) > Fraction(1, 10**9)]
    assert len(wrong) == 2


def test_names_are_nobodys(region: tuple[Workspace, int]) -> None:
    """Neither the real region's counties nor its hospitals; codes of counties that do not exist."""
    real = ("宁德", "蕉城", "福安", "福鼎", "霞浦", "古田", "屏南", "寿宁", "周宁", "柘荣")
    for code, name, county in region[0].reader().execute("SELECT fixmedins_code, fixmedins_name, county FROM institution"):
        assert not any(word in name + county for word in real)
        assert 350930 <= int(code[1:7]) <= 350939


def test_nothing_is_read_from_outside_the_product() -> None:
    root = Path(__file__).resolve().parents[2]
    for path in (root / "core" / "demo").glob("*.py"):
        assert "shared" not in path.read_text("utf-8").replace("shared out", "")


def test_workspace_is_one_whole_file(region: tuple[Workspace, int]) -> None:
    workspace, _ = region
    assert workspace.synthetic
    assert workspace.region == "350900"
    assert not workspace.integrity()
    assert not workspace.ledger.check()
    with sqlite3.connect(workspace.path) as connection:
        assert connection.execute("SELECT count(*) FROM activity").fetchone() == (0,)


# The catalogue work: versions over the years, what became of groups, and the platform's groups against a rule


def test_versions_differ_as_catalogues_do(region: tuple[Workspace, int]) -> None:
    reader = region[0].reader()
    there = library.versions(reader)
    assert [(one.name, one.year, one.state) for one in there] == [(str(y), y, "imported") for y in range(2021, 2026)]
    by_year = {one.year: library.entries(reader, one.name) for one in there}
    assert {entry.stage for entry in by_year[2024].rows} == {"", "pre", "merged", "assisted"}
    assert any("-" in entry.diag_code and entry.kind == "composite" for entry in by_year[2024].rows)
    assert any(entry.rel_oprn_code for entry in by_year[2024].rows)
    alike = [entry for entry in by_year[2024].rows if entry.equal_to]
    assert alike
    assert all(entry.score == by_year[2024].rows[by_year[2024].by_code[entry.equal_to]].score for entry in alike)
    maps = library.code_maps(reader, "group")
    assert maps
    for one in maps:
        old, new = by_year[2024].get(one.from_code), by_year[2025].get(one.to_code)
        assert old is not None and new is not None and old.diag_code == new.diag_code, one
        assert by_year[2025].get(one.from_code) is None
    for year, entries in by_year.items():
        assert lint.lint(entries, library.bands(reader, str(year), year), library.attributes(reader)) == []
        assert library.exclusions(reader, str(year), year).operation
    changes = Counter(one.change for one in lineage.relate(by_year[2024], by_year[2025], maps=maps))
    assert changes["renumbered"] > 30
    assert {"gone", "new", "rescored"} <= set(changes)


def test_the_platform_groups_by_the_rule_with_a_realistic_share_of_differences(region: tuple[Workspace, int]) -> None:
    workspace, _ = region
    reader = workspace.reader()
    entries = library.entries(reader, "2024")
    rule = grouping.rule_of(packs.load("national-draft-3"))
    grouper = Grouper(rule, entries, library.attributes(reader), library.exclusions(reader, "2024", 2024))
    cases = stays.read(reader, 2024)
    place = grouper.group(cases).entry.tolist()
    official = dict(reader.execute("SELECT setl_id, dip_dise_grp_code FROM cases WHERE year = 2024 AND netting = 0"))
    own = [entries.rows[at].dip_code if at >= 0 else "" for at in place]
    by_rule = {"core", "primary_care", "composite"}
    same, all_of = 0, 0
    for setl_id, code in zip(cases.setl_id, own, strict=True):
        theirs = entries.get(official[setl_id] or "")
        if theirs is not None and theirs.kind in by_rule:
            all_of += 1
            same += theirs.dip_code == code
    assert 0.97 < same / all_of < 0.995
    newborns = [entries.get(official[setl_id] or "") for setl_id in cases.setl_id]
    assert all(
        code == theirs.dip_code for code, theirs in zip(own, newborns, strict=True) if theirs is not None and theirs.stage == "pre"
    )


def test_operations_beside_the_main_one_matter_to_the_rule(region: tuple[Workspace, int]) -> None:
    ask = region[0].reader().execute
    assert ask("SELECT count(*) FROM cases WHERE oth_oprn_codes <> ''").fetchone()[0] > 100
    # Without the exclusion list a naso-gastric tube would make a conservative stay therapeutic.
    assert ask(
        "SELECT count(*) FROM cases JOIN exclusion ON code = oprn_code AND list = 'operation' AND version = '2024' WHERE cases.year = 2024"
    ).fetchone()[0] > 20


def test_balances_cover_the_published_months(region: tuple[Workspace, int]) -> None:
    """31.68 and 8.27 months at the end of 2022, by plain SQL."""
    reader = region[0].reader()
    for fund, months in (("employee", 31.68), ("resident", 8.27)):
        (balance,) = reader.execute("SELECT balance FROM fund_month WHERE fund = ? AND month = '202212'", (fund,)).fetchone()
        (spent,) = reader.execute(
            "SELECT avg(expenditure) FROM fund_month WHERE fund = ? AND month LIKE '2022%'", (fund,)
        ).fetchone()
        assert round(balance / spent, 2) == months
