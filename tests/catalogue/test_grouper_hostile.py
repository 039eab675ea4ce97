"""Whatever stands in a catalogue's cells or a case's fields: a group or none, a finding, a path; never a crash."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import telling
from core.catalogue.entries import Entries, Entry, Exclusions
from core.catalogue.grouper import REASONS, WHYS, Grouper
from core.catalogue.stays import Stay, many
from core.faults import Cancelled
from core.rules import packs
from core.rules.grouping import ATTRIBUTES, KINDS, STAGES, rule_of
from core.texts import Texts

CELL = st.text(alphabet="A0K3.5-+/|,. x＋、'\"\n", max_size=14)
PACKS = [head.id for head in packs.available()]
ENTRY = st.builds(
    Entry, dip_code=st.text(alphabet="AB01:", min_size=1, max_size=4), dip_name=st.just("名"), kind=st.sampled_from(KINDS),
    stage=st.sampled_from(["", *STAGES]), diag_code=CELL, oprn_code=CELL, rel_oprn_code=CELL, oth_diag_code=CELL,
    condition=st.sampled_from(["", "age < 1", "age", "1 / age > 0", "age <", "fee / days > 100", "not not gender == 1", "((("]),
    attribute=st.sampled_from(["", *ATTRIBUTES]), score=st.sampled_from([None, Fraction(0), Fraction(1, 3)]),
    mean_fee=st.sampled_from([0, 1, 10**15]), equal_to=st.sampled_from(["", "A", "nobody"]), primary_care=st.booleans(),
)  # fmt: skip
STAY = st.builds(
    Stay, diagnosis=CELL, operations=st.lists(CELL, max_size=4), main=CELL, others=st.lists(CELL, max_size=3),
    fee=st.sampled_from([0, 1, 10**15]), age=st.integers(-1, 2), days=st.integers(-1, 2), gender=st.integers(-1, 2),
    setl_id=st.text(alphabet="ab", max_size=2),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(pack=st.sampled_from(PACKS), rows=st.lists(ENTRY, max_size=8, unique_by=lambda one: one.dip_code), stays=st.lists(STAY, max_size=6))
def test_anything_in_the_cells(pack: str, rows: list[Entry], stays: list[Stay]) -> None:
    entries = Entries("v", 2024, tuple(sorted(rows, key=lambda one: one.dip_code)))
    grouper = Grouper(rule_of(packs.load(pack)), entries, {"0": "surgery", "": "intervention"}, Exclusions(frozenset({""}), frozenset({"x"})))
    arrays = many(stays)
    grouping = grouper.group(arrays)
    assert {finding.code for finding in grouper.findings} <= {"group_condition"}
    broken = {one.dip_code for one in rows if one.condition in ("age", "age <", "(((")}
    assert {finding.subject for finding in grouper.findings} == broken
    texts = Texts("zh")
    trails = telling.trails(grouper, arrays, texts)
    for i in range(len(arrays)):
        path = grouper.path(arrays, i)
        assert path.entry == grouping.entry[i]
        assert (grouping.entry[i] >= 0) == (REASONS[grouping.reason[i]] == "grouped") == (grouping.search[i] >= 0)
        assert path.entry < 0 or entries.rows[path.entry].dip_code not in broken
        for j in range(len(entries)):
            why = grouper.why_not(arrays, i, j)
            assert (why is None) == (j == path.entry)
            if why is not None:
                assert why.why.partition(".")[0] in WHYS
                assert not telling.why(grouper.rule, why, texts).startswith("grouping.")
        assert "grouping." not in trails.of(i)
        assert trails.of(i) == "；".join(telling.step(grouper.rule, one, texts) for one in path.steps)


def test_a_case_with_hundreds_of_operations_and_a_group_with_hundreds_of_parts() -> None:
    codes = [f"{i // 100:02d}.{i % 100:02d}00" for i in range(600)]
    rows = (Entry("A", "甲", "core", diag_code="K35.3", oprn_code="+".join(codes)), Entry("B", "乙", "core", diag_code="K35.3", oprn_code=codes[0]))
    grouper = Grouper(rule_of(packs.load("hubei-2023")), Entries("v", 2024, rows), {})
    found = grouper.group(many([Stay("K35.300", codes, setl_id="1"), Stay("K35.300", codes[:599], setl_id="2")]))
    stays = many([Stay("K35.300", codes, setl_id="1"), Stay("K35.300", codes[:599], setl_id="2")])
    assert {str(stays.setl_id[i]): int(found.entry[i]) for i in range(2)} == {"1": 0, "2": 1}


def test_empty_catalogue_and_no_cases() -> None:
    grouper = Grouper(rule_of(packs.load("ningde-2024")), Entries("v", 2024, ()), {})
    assert grouper.group(many([Stay("K35.3")])).entry.tolist() == [-1]
    assert len(grouper.group(many([])).entry) == 0


def test_it_can_be_stopped() -> None:
    class Stopped:
        cancelled = True

        def report(self, code: str, done: int, total: int | None = None) -> None:
            raise AssertionError(code)

    grouper = Grouper(rule_of(packs.load("ningde-2024")), Entries("v", 2024, ()), {})
    with pytest.raises(Cancelled):
        grouper.group(many([Stay("K35.3")]), Stopped())


def test_fees_at_the_edge_of_what_counts() -> None:
    """Even distances, a missing mean and the largest fee: integers decide."""
    rows = tuple(
        Entry(code, code, "core", diag_code="K35.3", oprn_code="47.0100", mean_fee=mean)
        for code, mean in (("A", 0), ("B", 10**15), ("C", 10**15 - 2))
    )
    grouper = Grouper(rule_of(packs.load("hubei-2023")), Entries("v", 2024, rows), {})
    fees = {"1": 10**15 - 1, "2": 10**15, "3": 0, "4": 10**15 - 2, "5": 10**17}
    stays = many([Stay("K35.300", ("47.0100",), fee=fee, setl_id=id) for id, fee in fees.items()])
    found = grouper.group(stays).entry
    assert {str(stays.setl_id[i]): rows[found[i]].dip_code for i in range(5)} == {"1": "B", "2": "B", "3": "C", "4": "C", "5": "B"}
    assert found.dtype == np.int32 and not found.flags.writeable
