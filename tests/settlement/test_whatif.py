"""The what-if against the clearing itself: equal to the last figure, closed, harmless, and whole after anything that happens."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from region import Region
from test_clearing import CODES, GROUPS, facts, rows

from core.faults import Cancelled, Refused
from core.progress import SILENT
from core.rules import case_scores, packs
from core.rules.circular import Pack
from core.rules.deriving import limits_of
from core.settlement import annual, coefficients, gather
from core.settlement.changes import NONE, Changes
from core.settlement.clearing import cases_of, clear
from core.settlement.coefficients import Cell, draft, edit, publish
from core.settlement.whatif import Outcome, Pool
from core.settlement.whatif_sheets import by_county, by_level, institutions, region, worksheets
from core.storage import ledger
from core.storage.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["base", "bonus:x", "deduction:y"]
FUNDS = ("employee", "resident")
PARAMETERS = {
    "case.places": ["2", "none", "6"],
    "point_value.places": ["2", "none"],
    "own_pay": ["all"],
    "ungrouped": ["actual_fee", "zero"],
    "primary_care_coefficient": ["true"],
    "low.when": ["x <= 0.5", "x < 0.7"],
    "high.when": ["x >= 2", "x > 3"],
    "reference_min_cases": ["1", "400"],
}

# Most of them can be cleared: now and then a base is taken away, or a deduction is more than the base.
CELLS = st.builds(
    lambda part, size, **rest: Cell(
        part=part, value=None if size is None else f"{(size + 5_000 * (part == 'base')) / 10_000:.4f}", **rest
    ),
    code=st.sampled_from(CODES),
    fund=st.sampled_from([*FUNDS, "all"]),
    part=st.sampled_from(PARTS),
    size=st.one_of(*[st.integers(0, 1_500)] * 9, st.integers(0, 20_000), st.none()),
    valid_from=st.sampled_from(["", "", "2024-04-01", "2024-09-15", "2025-01-01"]),
)
CHANGES = st.builds(
    Changes,
    cells=st.lists(CELLS, max_size=4).map(tuple),
    scores=st.dictionaries(
        st.sampled_from(GROUPS), st.decimals("0.01", "5", places=3).map(Fraction), max_size=2
    ),
    parameters=st.one_of(
        st.just({}),
        st.sampled_from([(name, value) for name, own in PARAMETERS.items() for value in own]).map(
            lambda pair: dict([pair])
        ),
    ),
    budget=st.dictionaries(
        st.tuples(st.sampled_from(FUNDS), st.sampled_from(["dip_budget", "dip_topup", "outside_card"])),
        st.integers(0, 10**9),
        max_size=1,
    ),
)


def made(path: Path, count: int = 120) -> Workspace:
    """A small region whose coefficients are published as `P`, with `D` as the draft that is edited."""
    region = Region(path)
    facts(region)
    region.cases(*rows(3, count))
    publish(region.workspace, "imported", "P")
    draft(region.workspace, "D", "P")
    return region.workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    annual.forget()
    gather.forget()
    one = made(tmp_path / "w.dz")
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Pack, Pool]]:
    annual.forget()
    gather.forget()
    one = made(tmp_path_factory.mktemp("shared") / "w.dz")
    pack = packs.load("ningde-2024", {"reference_min_cases": "3"})
    yield one, pack, Pool.open(one, 2024, pack, set_name="P")
    one.close()


def tried(pool: Pool, changes: Changes) -> object:
    """The funds' sheets as the pool gives them, or what it refuses."""
    try:
        return pool.outcome(changes).funds
    except Refused as refused:
        return refused.code, refused.findings


def whole(pool: Pool, changes: Changes) -> object:
    try:
        return pool.clearing(changes).funds
    except Refused as refused:
        return refused.code, refused.findings


def same_figures(one: object, other: object) -> None:
    """Refusals: the same code and the same institutions; a full clearing may list more of the same kind at once."""
    if isinstance(one, tuple) and one and isinstance(one[0], str):
        assert isinstance(other, tuple)
        assert one[0] == other[0]
        assert {f.code for f in one[1]} == {f.code for f in other[1]}
        assert {f.subject for f in one[1]} == {f.subject for f in other[1]}
    else:
        assert one == other


@given(CHANGES)
@settings(max_examples=250)
def test_any_changes_equal_a_full_clearing(shared: tuple[Workspace, Pack, Pool], changes: Changes) -> None:
    _, _, pool = shared
    same_figures(tried(pool, changes), whole(pool, changes))


@pytest.mark.parametrize("seed", range(24))
def test_long_edit_sequences_equal_full_clearings(shared: tuple[Workspace, Pack, Pool], seed: int) -> None:
    """Edits on top of each other, turned back and done again, every state held against a clearing that remembers nothing."""
    _, pack, pool = shared
    dice = random.Random(seed)
    done: list[Changes] = [NONE]
    undone: list[Changes] = []
    cleared = 0
    for _ in range(100):
        chance = dice.random()
        if chance < 0.2 and len(done) > 1:
            undone.append(done.pop())
        elif chance < 0.3 and undone:
            done.append(undone.pop())
        else:
            part = dice.choice(PARTS)
            size = dice.randint(0, 1_500) + 5_000 * (part == "base")
            value = None if part != "base" and dice.random() < 0.1 else f"{size / 10_000:.4f}"
            cell = Cell(dice.choice(CODES), dice.choice([*FUNDS, "all"]), part, value, dice.choice(["", "2024-06-01"]))
            done.append(done[-1] | Changes((cell,)))
            undone.clear()
        annual.forget()
        same_figures(tried(pool, done[-1]), whole(pool, done[-1]))
        cleared += not isinstance(tried(pool, done[-1])[0], str)  # type: ignore[index]
    assert cleared == 100
    fresh = Pool.open(pool.workspace, 2024, pack, set_name="P")
    same_figures(tried(fresh, done[-1]), tried(pool, done[-1]))


@pytest.mark.parametrize("seed", range(4))
def test_the_ledger_and_the_pool_tell_the_same(tmp_path: Path, seed: int) -> None:
    """Edits of a draft through the ledger, with undo and redo: what the pool makes of the draft is the draft's own clearing, and a
    replay of the ledger's lines from nothing gives the same content and hash."""
    annual.forget()
    gather.forget()
    workspace = made(tmp_path / "w.dz", 60)
    pack = packs.load("ningde-2024", {"reference_min_cases": "3"})
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    dice = random.Random(seed)
    for _ in range(40):
        try:
            chance = dice.random()
            newest = workspace.ledger.undoable()
            if chance < 0.25 and newest is not None and newest.subject.startswith("D: "):
                workspace.ledger.undo()
            elif chance < 0.35:
                workspace.ledger.redo()
            else:
                cells = [
                    Cell(dice.choice(CODES), "all", dice.choice(PARTS), f"0.{dice.randint(1, 99):02d}")
                    for _ in range(dice.randint(1, 3))
                ]
                edit(workspace, "D", cells)
        except Refused as refused:
            assert refused.code in ("nothing_changed", "nothing_to_redo", "nothing_to_undo")
        try:
            full: object = clear(workspace, 2024, pack, set_name="D", store=False).funds
        except Refused as refused:
            full = refused.code, refused.findings
        same_figures(tried(pool, pool.towards("D")), full)
    assert pool.stands()
    assert replayed(workspace, "D") == {
        (one.code, one.fund, one.name, one.day): one.value for one in coefficients.parts(workspace.reader(), "D")
    }
    workspace.close()


def replayed(workspace: Workspace, set_name: str) -> dict[tuple[str, str, str, int], Fraction]:
    """The set's rows from the ledger's lines alone, oldest first."""
    found: dict[tuple[str, str, str, int], Fraction] = {}
    for line in reversed(workspace.ledger.lines()):
        for change in line.changes:
            if change.table == "coefficient" and change.key["set_name"] == set_name:
                key = change.key
                day = int(str(key["valid_from"]).replace("-", "") or 0)
                place = (str(key["fixmedins_code"]), str(key["fund"]), str(key["part"]), day)
                if change.after is None:
                    found.pop(place)
                else:
                    found[place] = Fraction(str(change.after["value"]))
    return found


@given(CHANGES)
@settings(max_examples=150)
def test_nothing_comes_from_nowhere(shared: tuple[Workspace, Pack, Pool], changes: Changes) -> None:
    """The sum of the changes of due is what the fund has more less what stays over, counted from the gains one by one."""
    _, _, pool = shared
    try:
        outcome = pool.outcome(changes)
    except Refused:
        return
    for closing in outcome.closings():
        assert closing.rest == 0
        moved = sum((one.changes["due"] for one in outcome.gains(closing.fund)), Fraction(0))
        assert moved == closing.due
        residual = [
            one.region["residual"] for sheets in (outcome.before, outcome.funds) for one in sheets if one.fund == closing.fund
        ]
        assert closing.residual == residual[-1] - residual[0]
        if not changes.budget and not changes.parameters:
            assert closing.fund_available == 0
            assert closing.due == -closing.residual


@given(st.lists(CELLS, min_size=2, max_size=6, unique_by=lambda c: (c.code, c.fund, c.part, c.valid_from)), st.randoms())
@settings(max_examples=80)
def test_order_of_edits_means_nothing(
    shared: tuple[Workspace, Pack, Pool], cells: list[Cell], dice: random.Random
) -> None:
    _, _, pool = shared
    other = list(cells)
    dice.shuffle(other)
    one_by_one = NONE
    for cell in other:
        one_by_one = one_by_one | Changes((cell,))
    assert one_by_one.text == Changes(tuple(cells)).text
    assert tried(pool, Changes(tuple(cells))) == tried(pool, one_by_one)


@given(CHANGES)
def test_text_of_changes_is_read_as_written(changes: Changes) -> None:
    again = Changes.of(changes.text)
    assert again.text == changes.text
    assert (again.scores, again.parameters, again.budget) == (changes.scores, changes.parameters, changes.budget)


@pytest.mark.parametrize(
    "changes",
    [
        Changes((Cell("H99", "all", "base", "1"),)),
        Changes((Cell("H01", "all", "base", "-1"),)),
        Changes((Cell("H01", "all", "base", "much"),)),
        Changes((Cell("H01", "county", "base", "1"),)),
        Changes((Cell("H01", "all", "base", "1", "2024-02-31"),)),
        Changes(scores={"Z99:g": Fraction(1)}),
        Changes(scores={GROUPS[0]: Fraction(0)}),
        Changes(parameters={"no_such": "1"}),
        Changes(parameters={"low.when": "x <"}),
        Changes(parameters={"low.when": "rw > 0"}),
        Changes(budget={("employee", "sweets"): 1}),
        Changes(budget={("employee", "dip_budget"): -1}),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(workspace: Workspace, changes: Changes) -> None:
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    before, line = pool.outcome(NONE).funds, workspace.generation()
    with pytest.raises(Refused) as refused:
        pool.outcome(changes)
    assert refused.value.code == "changes_refused"
    assert refused.value.findings
    with pytest.raises(Refused):
        pool.clearing(changes)
    assert (pool.outcome(NONE).funds, workspace.generation()) == (before, line)


def test_missing_base_and_negative_coefficient_block(workspace: Workspace) -> None:
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    for cell, code in (
        (Cell("H02", "all", "base", None), "coefficient_missing"),
        (Cell("H02", "all", "deduction:z", "1.5"), "coefficient_negative"),
    ):
        with pytest.raises(Refused) as refused:
            pool.outcome(Changes((cell,)))
        assert refused.value.code == "blocked"
        assert {(f.code, f.subject) for f in refused.value.findings} == {(code, "H02")}
    assert pool.outcome(Changes((Cell("H02", "all", "base", "0.9"),))).funds


def test_a_draft_is_compared_with_what_is_published(workspace: Workspace) -> None:
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    edit(workspace, "D", [Cell("H00", "all", "base", "1.5"), Cell("H01", "resident", "bonus:a", None, "2024-05-01")])
    changes = pool.towards("D")
    assert [(c.code, c.part, c.value, c.valid_from) for c in changes.cells] == [
        ("H00", "base", "1.5", ""),
        ("H01", "bonus:a", None, "2024-05-01"),
    ]
    assert pool.outcome(changes).funds == clear(workspace, 2024, pool.pack, set_name="D", store=False).funds


def test_cases_of_the_clearing_are_never_a_scenarios(workspace: Workspace) -> None:
    """A scenario has the same set and data by hash; what is looked into is still the right one."""
    pack = packs.load("ningde-2024")
    clearing = clear(workspace, 2024, pack, set_name="P", store=False)
    k = [str(value) for value in cases_of(workspace, clearing, "employee", "H00").cells["k"]]
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    scenario = pool.clearing(Changes((Cell("H00", "all", "base", "1.5"),)), "甲")
    assert scenario.stamps.data_hash == clearing.stamps.data_hash
    assert scenario.stamps.run_hash != clearing.stamps.run_hash
    assert [str(value) for value in cases_of(workspace, clearing, "employee", "H00").cells["k"]] == k
    assert {str(value) for value in cases_of(workspace, scenario, "employee", "H00").cells["k"]} != set(k)
    annual.forget()
    assert [str(value) for value in cases_of(workspace, clearing, "employee", "H00").cells["k"]] == k


def test_worksheets_close(workspace: Workspace) -> None:
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    outcome = pool.outcome(Changes((Cell("H00", "all", "base", "1.1"),)))
    listed = institutions(outcome, lang="en")
    assert listed.rows == sum(len(one.institutions) for one in outcome.funds)
    changes = list(listed.cells["due_change"])
    assert changes == sorted(changes, reverse=True)
    assert max(changes) > 0 > min(changes)
    total = sum(one.due for one in outcome.closings())
    for made_sheet in (listed, by_level(outcome), by_county(outcome)):
        assert made_sheet.totals["due_change"] == total
    told = region(outcome, lang="en")
    assert [told.cells["change"][i] for i, key in enumerate(told.keys) if key.endswith(".closing")] == [0, 0]  # type: ignore[arg-type]
    for lang in ("zh", "en"):
        for one in worksheets(outcome, lang):
            assert all(column.title[lang] and "." not in column.title[lang] for column in one.columns)


def test_cancelled_in_the_middle(workspace: Workspace) -> None:
    class Impatient:
        cancelled = False

        def report(self, code: str, done: int, total: int | None = None) -> None:
            self.cancelled = True

    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    changes = Changes(tuple(Cell(code, "all", "base", "0.8") for code in CODES))
    with pytest.raises(Cancelled):
        pool.outcome(changes, Impatient())
    assert pool.outcome(changes, SILENT).funds == pool.clearing(changes).funds


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from core.rules import case_scores, packs
from core.settlement.coefficients import Cell, edit
from core.settlement.whatif import Pool
from core.storage.workspace import Workspace
workspace = Workspace.open(sys.argv[1])
pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
edit(workspace, "D", [Cell("H00", "all", "base", "1.234")], "reason")
print("edited", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_killed_between_edit_and_what_if(workspace: Workspace) -> None:
    path = workspace.path
    pack = packs.load("ningde-2024")
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    lines = len(workspace.ledger.lines())
    workspace.close()
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(ROOT)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert "edited" in ran.stdout, ran.stderr
    with Workspace.open(path) as again:
        assert len(again.ledger.lines()) == lines + 1
        assert not [f for f in again.ledger.check() if f.severity == "blocked"]
        after = Pool.open(again, 2024, pack, set_name="P")
        changes = after.towards("D")
        assert [(c.code, c.value) for c in changes.cells] == [("H00", "1.234")]
        assert after.outcome(changes).funds == clear(again, 2024, pack, set_name="D", store=False).funds
        assert after.base.funds == pool.base.funds


def test_what_changes_beneath_is_noticed(workspace: Workspace) -> None:
    """The pool's own set is edited, then cases arrive: it says that it no longer stands, and never mixes two states."""
    pack = packs.load("ningde-2024")
    pool = Pool.open(workspace, 2024, pack, set_name="D")
    assert pool.stands()
    edit(workspace, "D", [Cell("H00", "all", "base", "1.3")])
    assert not pool.stands()
    workspace.ledger.undo()
    assert pool.stands()
    publish(workspace, "D", "Q")
    assert pool.stands()
    before = pool.outcome(Changes((Cell("H00", "all", "base", "0.8"),))).funds
    region = Region.__new__(Region)  # more cases arrive by way of another hand
    region.workspace, region._batches = workspace, 90
    region.cases({"setl_id": "late", "institution": "H00", "fee": "800.00", "group": GROUPS[0]})
    assert not pool.stands()
    assert pool.outcome(Changes((Cell("H00", "all", "base", "0.8"),))).funds == before
    for work in (
        lambda: pool.outcome(Changes(scores={GROUPS[0]: Fraction(2)})),
        lambda: pool.clearing(NONE),
    ):
        with pytest.raises(Refused) as refused:
            work()
        assert refused.value.code == "whatif_stale"


def test_a_clock_that_goes_backwards(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every edit is a minute before the one it follows: order is the ledger's, not the clock's."""

    class Backwards(datetime):
        ticks = 0

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            cls.ticks += 1
            return datetime(2024, 6, 1, tzinfo=UTC) - timedelta(minutes=cls.ticks)

    monkeypatch.setattr(ledger, "datetime", Backwards)
    monkeypatch.setattr(coefficients, "datetime", Backwards)
    pack = packs.load("ningde-2024")
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    for value in ("0.8", "0.9", "1.1"):
        edit(workspace, "D", [Cell("H00", "all", "base", value)])
    workspace.ledger.undo()
    assert [c.value for c in pool.towards("D").cells] == ["0.9"]
    workspace.ledger.redo()
    assert [c.value for c in pool.towards("D").cells] == ["1.1"]
    assert not workspace.ledger.check()
    assert pool.outcome(pool.towards("D")).funds == clear(workspace, 2024, pack, set_name="D", store=False).funds


def test_what_was_not_touched_is_not_computed_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool.open(workspace, 2024, packs.load("ningde-2024"), set_name="P")
    looked: list[int] = []
    score = case_scores.score
    monkeypatch.setattr(
        case_scores, "score", lambda rule, cases, *rest: (looked.append(len(cases)), score(rule, cases, *rest))[1]
    )
    first: Outcome = pool.outcome(Changes((Cell("H00", "all", "base", "0.8"),)))
    assert looked == [int((pool.standing.rows.institution == pool.standing.rows.institutions.index("H00")).sum())]
    pool.outcome(Changes(budget={("employee", "dip_budget"): 10**8}))
    pool.outcome(Changes(parameters={"point_value.places": "2"}))
    assert len(looked) == 1
    assert pool.outcome(Changes((Cell("H00", "all", "base", "0.80"),))).funds == first.funds
    assert len(looked) == 1


def test_what_an_edit_may_not_be_is_not_tried_either(workspace: Workspace, tmp_path: Path) -> None:
    """A limit of the whole coefficient: base 1.1 is inside, with the bonus it is not."""
    path = tmp_path / "city.toml"
    path.write_text(
        '[pack]\nid = "city"\nextends = "ningde-2024"\ntitle = { zh = "市", en = "City" }\n'
        '[coefficients]\n[[coefficients.limit]]\npart = "k"\nmax = 1.15\n',
        "utf-8",
    )
    pack = packs.load(path)
    pool = Pool.open(workspace, 2024, pack, set_name="P")
    inside = (Cell("H00", "all", "base", "1.1"),)
    both = (*inside, Cell("H00", "all", "bonus:专科", "0.1"))
    assert pool.outcome(Changes(inside)).funds != pool.base.funds
    with pytest.raises(Refused, match="changes_refused") as tried_so:
        pool.outcome(Changes(both))
    with pytest.raises(Refused, match="cells_refused") as edited_so:
        edit(workspace, "D", both, limits=limits_of(pack))
    assert [(one.subject, one.column) for one in tried_so.value.findings] == [("H00", "k")]
    assert tried_so.value.findings == edited_so.value.findings
