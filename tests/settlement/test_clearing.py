"""Properties of a clearing: order means nothing, remembered equals computed, plain SQL agrees, a killed one leaves no trace."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from region import Region

from core.export.tables import clearing_json
from core.faults import Refused
from core.money import decimal, plain, yuan
from core.rules import packs
from core.rules.circular import Pack
from core.settlement import annual, arrivals, gather, runs
from core.settlement.clearing import cases_of, clear, last_run, verify
from core.settlement.coefficients import Cell, draft, edit, publish
from core.storage.engine import library as sqlite3
from core.storage.workspace import Workspace
from core.texts import Texts

ROOT = Path(__file__).resolve().parents[2]
CODES = [f"H{i:02d}" for i in range(6)]
GROUPS = [f"K{i:02d}.1:g" for i in range(8)]


def rows(seed: int, count: int = 300) -> list[dict[str, object]]:
    """Cases of both years and funds, some without group, some deviating, refund pairs among them."""
    dice = random.Random(seed)
    made: list[dict[str, object]] = []
    for i in range(count):
        year = 2023 if i % 3 == 0 else 2024
        made.append(
            {
                "setl_id": f"S{seed}-{i:05d}",
                "institution": dice.choice(CODES),
                "fee": yuan(dice.randint(10_000, 4_000_000)),
                "group": dice.choice([*GROUPS, *GROUPS, None]),
                "fund": dice.choice(["employee", "resident"]),
                "day": f"{year}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}",
                "other": yuan(dice.randint(0, 5_000)),
                "age": dice.randint(0, 90),
                "icu_days": dice.choice([None, 0, 3, 9]),
                "grp_dise_sco": dice.choice([None, "1", "0.7"]),
            }
        )
        if i % 40 == 0:
            made.append(
                {
                    **made[-1],
                    "setl_id": f"R{seed}-{i:05d}",
                    "fee": f"-{made[-1]['fee']}",
                    "sign": -1,
                    "other": "0",
                    "init_setl_id": made[-1]["setl_id"],
                }
            )
    return made


def facts(region: Region) -> None:
    region.institutions(*((code, f"医院{code}", 2 + 3 * (i % 3)) for i, code in enumerate(CODES)))
    region.groups(
        *(
            {"dip_code": group, "score": f"0.{i + 3}57", "mean_fee": 900_000, "primary_care": int(i == 0)}
            for i, group in enumerate(GROUPS)
        )
    )
    region.auxiliary(
        (GROUPS[1], "age", "66+", "1.25"),
        (GROUPS[1], "icu_days", "2-7", "1.5"),
        (GROUPS[2], "age", "0-28d", "2"),
    )
    region.coefficients(
        *((code, "all", "base", "", f"0.{70 + i}") for i, code in enumerate(CODES)),
        ("H01", "resident", "bonus:a", "2024-05-01", "0.0125"),
    )
    region.funded("employee", "resident", amount="2000000.00")


@pytest.fixture
def mixed(region: Region) -> Region:
    facts(region)
    region.cases(*rows(1))
    return region


@given(st.randoms(use_true_random=False), st.integers(1, 5))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_batches_mean_nothing(
    tmp_path_factory: pytest.TempPathFactory, dice: random.Random, pieces: int
) -> None:
    pack = packs.load("ningde-2024", {"reference_min_cases": "3"})
    said: list[str] = []
    findings: list[object] = []
    for shuffled in (False, True):
        made = Region(tmp_path_factory.mktemp("order") / "o.dz")
        facts(made)
        own = rows(1)
        if shuffled:
            dice.shuffle(own)
        cut = [own[i::pieces] for i in range(pieces)] if shuffled else [own]
        for piece in cut:
            made.cases(*piece)
        clearing = clear(made.workspace, 2024, pack)
        said.append(clearing_json(clearing))
        findings.append(clearing.findings)
        sheet = cases_of(made.workspace, clearing, "resident", lang="zh")
        said.append(repr([list(sheet.cells[column.id]) for column in sheet.columns]))
        made.workspace.close()
    assert said[:2] == said[2:]
    assert findings[0] == findings[1]


CELLS = st.builds(
    Cell,
    code=st.sampled_from(CODES),
    fund=st.sampled_from(["employee", "resident", "all"]),
    part=st.sampled_from(["base", "bonus:x", "deduction:y"]),
    value=st.decimals("0.001", "1.9", places=4).map(str),
    valid_from=st.sampled_from(["", "2024-04-01", "2024-09-15"]),
)


def outcome(workspace: Workspace, pack: Pack, *, store: bool = True) -> object:
    """The clearing's bytes, or what blocks it: deductions may exceed the base."""
    try:
        return clearing_json(clear(workspace, 2024, pack, store=store))
    except Refused as refused:
        return refused.findings


@given(st.lists(st.one_of(st.lists(CELLS, min_size=1, max_size=3), st.just("undo")), min_size=1, max_size=6))
@settings(max_examples=12)
def test_remembered_equals_computed(
    tmp_path_factory: pytest.TempPathFactory, changes: list[list[Cell] | str]
) -> None:
    """Coefficient edits and undo, each cleared from memory and from the tables: the same bytes."""
    made = Region(tmp_path_factory.mktemp("cache") / "c.dz")
    facts(made)
    made.cases(*rows(2, 100))
    pack = packs.load("ningde-2024", {"reference_min_cases": "3"})
    clear(made.workspace, 2024, pack)
    edits = 0
    for change in changes:
        try:
            if change == "undo":
                if not edits:
                    continue
                made.workspace.ledger.undo()
                edits -= 1
            else:
                edit(made.workspace, "imported", change)  # type: ignore[arg-type]
                edits += 1
        except Refused as refused:
            if refused.code != "nothing_changed":
                raise
            continue
        quick = outcome(made.workspace, pack)
        annual.forget()
        gather.forget()
        assert outcome(made.workspace, pack, store=False) == quick
    assert verify(made.workspace) == [f for f in verify(made.workspace) if f.severity == "note"]
    made.workspace.close()


def test_only_what_changed_is_scored_again(mixed: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = packs.load("ningde-2024")
    clear(mixed.workspace, 2024, pack)
    scored: list[int] = []
    whole = annual.case_scores.score
    monkeypatch.setattr(
        annual.case_scores,
        "score",
        lambda rule, cases, *rest: (scored.append(len(cases)), whole(rule, cases))[1],
    )
    monkeypatch.setattr(arrivals, "read", lambda *_: pytest.fail("the tables were read again"))
    edit(mixed.workspace, "imported", [Cell("H03", "employee", "base", "0.9")])
    clear(mixed.workspace, 2024, pack)
    assert len(scored) == 1
    assert 0 < scored[0] < 60


def test_a_new_file_is_read(mixed: Region) -> None:
    pack = packs.load("ningde-2024")
    before = clear(mixed.workspace, 2024, pack).stamps.counts["rows"]
    mixed.cases({"setl_id": "new", "institution": "H00", "fee": "100.00", "group": GROUPS[0]})
    assert clear(mixed.workspace, 2024, pack).stamps.counts["rows"] == before + 1


SQL = """
WITH scored AS (
    SELECT c.fund, c.fixmedins_code, c.own_pay + c.other_pay AS beside, CASE
        WHEN rw IS NULL THEN 0
        WHEN 2 * c.fee < ref THEN (2 * rw * k * c.fee + 1000 * ref) / (2000 * ref)
        WHEN c.fee > 2 * ref THEN (2 * rw * k * (c.fee - ref) + 1000 * ref) / (2000 * ref)
        ELSE (2 * rw * k + 1000) / 2000 END AS score  -- rw in 10^-4, k in 10^-3, so rw * k / 10^3 is in 10^-4
    FROM (
        SELECT cases.*, g.rw, m.mean_fee AS ref, CASE WHEN g.primary_care = 1 THEN 1000 ELSE k.k END AS k
        FROM cases
        LEFT JOIN (SELECT dip_code, primary_care, CAST(round(score * 10000) AS INTEGER) AS rw FROM catalogue) AS g
            ON g.dip_code = cases.dip_dise_grp_code
        LEFT JOIN reference_mean AS m ON m.dip_code = cases.dip_dise_grp_code AND m.year = 2023
        JOIN (SELECT fixmedins_code, CAST(round(value * 1000) AS INTEGER) AS k FROM coefficient) AS k
            ON k.fixmedins_code = cases.fixmedins_code
        WHERE cases.year = 2024 AND netting = 0
    ) AS c
)
SELECT fund, fixmedins_code, sum(score), sum(beside) FROM scored GROUP BY 1, 2
"""


def test_plain_sql_agrees_to_the_last_place(region: Region) -> None:
    """Scores and point value a second way: integers in one SELECT, no code of ours."""
    region.institutions(*((code, code, 5) for code in CODES))
    region.groups(
        *(
            {"dip_code": group, "score": f"1.{i}357", "primary_care": int(i < 2)}
            for i, group in enumerate(GROUPS)
        )
    )
    region.coefficients(*((code, "all", "base", "", f"0.{711 + i}") for i, code in enumerate(CODES)))
    region.reference_means(*((group, "all", "all", f"{9000 + 13 * i}.37") for i, group in enumerate(GROUPS)))
    region.funded("employee", "resident", amount="3333333.33")
    region.cases(*rows(7, 900))
    clearing = clear(region.workspace, 2024, packs.load("ningde-2024"))
    second = region.workspace.reader().execute(SQL).fetchall()
    for number, sheet in enumerate(clearing.funds, start=1):
        own = {code: (score, beside) for fund, code, score, beside in second if fund == number}
        codes = [one.code for one in sheet.institutions]
        assert codes == sorted(own)
        assert list(sheet.values["score"]) == [Fraction(own[code][0], 10_000) for code in codes]
        score, beside = (sum(values) for values in zip(*own.values(), strict=True))
        amount = 333_333_333 + beside  # fen
        assert sheet.region["point_value"] == Fraction((2 * amount * 10**6 + score) // (2 * score), 10_000)


def test_without_rounding_the_dues_sum_to_the_fund(mixed: Region) -> None:
    exact = {
        "case.places": "none",
        "point_value.places": "none",
        "gross.places": "none",
        "due.places": "none",
    }
    for sheet in clear(mixed.workspace, 2024, packs.load("ningde-2024", exact)).funds:
        assert sum(sheet.values["due"]) == sheet.region["fund_available"]
        assert sheet.region["residual"] == 0


def test_with_rounding_the_residual_is_what_the_sheet_says(mixed: Region) -> None:
    clearing = clear(mixed.workspace, 2024, packs.load("ningde-2024", {"point_value.places": "0"}))
    for sheet in clearing.funds:
        assert sheet.region["residual"] == sheet.region["fund_available"] - sum(sheet.values["due"])
        said = [f.value for f in clearing.findings if f.code == "residual" and f.subject == sheet.fund]
        assert said == [yuan(int(sheet.region["residual"] * 100))]


# -- runs ----------------------------------------------------------------------------------------------------


def test_the_same_run_is_stored_once_and_comes_back(mixed: Region) -> None:
    pack = packs.load("ningde-2024")
    first = clear(mixed.workspace, 2024, pack)
    again = clear(mixed.workspace, 2024, pack)
    assert again.stamps.run_hash == first.stamps.run_hash
    assert len(runs.runs(mixed.workspace)) == 1
    kept = last_run(mixed.workspace, 2024)
    assert kept is not None
    assert (kept.stamps, kept.findings) == (first.stamps, first.findings)
    for was, now in zip(first.funds, kept.funds, strict=True):
        # A ratio without end is stored as the decimals that json gives; nothing is computed from it again.
        endless = {"share_rate": tuple(decimal(plain(rate)) for rate in was.values["share_rate"])}
        assert now == replace(was, values={**was.values, **endless})
    assert clearing_json(kept) == clearing_json(first)


def test_read_only_clears_without_a_trace(mixed: Region) -> None:
    pack = packs.load("ningde-2024")
    with Workspace.open(mixed.workspace.path, write=False) as reading:
        clear(reading, 2024, pack)
    assert runs.runs(mixed.workspace) == []


def test_a_published_set_stands_while_the_draft_moves_on(mixed: Region) -> None:
    workspace, pack = mixed.workspace, packs.load("ningde-2024")
    clear(workspace, 2024, pack)
    frozen = publish(workspace, "imported", "2024 定稿")
    published = clear(workspace, 2024, pack)
    assert (published.stamps.set_name, published.stamps.set_hash) == ("2024 定稿", frozen.hash)
    edit(workspace, "imported", [Cell("H00", "all", "base", "1.5")])
    assert [run.stale for run in runs.runs(workspace)] == ["", "set_changed"]
    assert [f.code for f in verify(workspace)] == ["run_stale"]
    workspace.ledger.undo()
    assert verify(workspace) == []
    with pytest.raises(Refused, match="set_published"):
        edit(workspace, "2024 定稿", [Cell("H00", "all", "base", "1.5")])
    draft(workspace, "试算", "2024 定稿")
    edit(workspace, "试算", [Cell("H00", "all", "base", "1.5")])
    tried = clear(workspace, 2024, pack, set_name="试算")
    assert tried.fund("employee").values["coefficient"][0] == Fraction("1.5")


def test_withdrawn_and_returned(mixed: Region) -> None:
    workspace, pack = mixed.workspace, packs.load("ningde-2024")
    clear(workspace, 2024, pack)
    mixed.payments(("H00", "employee", "202401", "monthly", "10"))
    assert [run.stale for run in runs.runs(workspace)] == ["data_changed"]
    workspace.ledger.undo()
    assert [run.stale for run in runs.runs(workspace)] == [""]
    mixed.payments(("H00", "employee", "202401", "monthly", "10"))
    second = clear(workspace, 2024, pack)
    assert sum(second.fund("employee").values["monthly_paid"]) == 10
    workspace.ledger.undo()
    assert [run.stale for run in runs.runs(workspace)] == ["withdrawn", ""]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE cases SET own_pay = own_pay + 1 WHERE setl_id = 'S1-00001'", "run_differs_data"),
        ("UPDATE budget SET amount = amount + 1", "run_differs_data"),
        ("UPDATE run SET result = replace(result, '1', '2')", "run_differs_result"),
        ("UPDATE run SET hash = 'x'", "run_differs_ledger"),
    ],
)
def test_verify_sees_what_went_past_the_ledger(mixed: Region, change: str, said: str) -> None:
    clear(mixed.workspace, 2024, packs.load("ningde-2024"))
    assert verify(mixed.workspace) == []
    with closing(sqlite3.connect(mixed.workspace.path)) as connection, connection:
        connection.execute(change)
    assert said in [f.code for f in verify(mixed.workspace) if f.severity == "blocked"]


def test_verify_says_once_what_keeps_a_run_from_coming_out_again(mixed: Region) -> None:
    """The same run kept twice is one finding, with its cause beside it, in words."""
    clear(mixed.workspace, 2024, packs.load("ningde-2024"))
    with closing(sqlite3.connect(mixed.workspace.path)) as connection, connection:
        connection.execute("DELETE FROM budget")
        names = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(run)") if row[1] != "id")
        connection.execute(f"INSERT INTO run ({names}) SELECT {names} FROM run")
    found = [one for one in verify(mixed.workspace) if one.severity == "blocked"]
    assert [one.code for one in found].count("run_not_computed") == 1 and len(found) > 1
    said = Texts("zh").finding(next(one for one in found if one.code == "run_not_computed"))
    assert "2024 年清算不能进行" in said and "blocked" not in said


KILLED = """
import os, sys
sys.path.insert(0, {root!r})
from core.rules import packs
from core.rules.circular import Pack
from core.settlement import annual
from core.storage.workspace import Workspace
workspace = Workspace.open({path!r}, strict=True)
class Dying:
    cancelled = False
    def report(self, code, done, total=None):
        if code == {stage!r}:
            os._exit(9)
if {stage!r} == "store":
    annual.batches.store_findings = lambda *rest, **more: os._exit(9)
annual.clear(workspace, 2024, packs.load("ningde-2024"), progress=Dying())
"""


@pytest.mark.parametrize("stage", ["read_cases", "score_cases", "steps", "store"])
def test_killed_while_clearing(mixed: Region, stage: str) -> None:
    path = mixed.workspace.path
    mixed.workspace.close()
    ran = subprocess.run(
        [sys.executable, "-c", KILLED.format(root=str(ROOT), path=str(path), stage=stage)],
        check=False,
        capture_output=True,
    )
    assert ran.returncode == 9, ran.stderr
    with Workspace.open(path, strict=True) as workspace:
        assert runs.runs(workspace) == []
        assert workspace.reader().execute("SELECT count(*) FROM finding").fetchone() == (0,)
        assert workspace.ledger.check() == []
        assert [one["what"] for one in workspace.interrupted] == (["clear"] if stage == "store" else [])
        clear(workspace, 2024, packs.load("ningde-2024"))
        assert verify(workspace) == []
