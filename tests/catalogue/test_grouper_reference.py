"""The fast grouper against the slow, obvious one: every case of large random catalogues and case sets, in each preset.

Codes are few and fees are even numbers out of few, so that ties of every kind really occur; that they did is asserted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest
from reference_grouper import World, draft, hubei, shandong

from core.catalogue import telling
from core.catalogue.entries import ATTRIBUTES, Entries, Entry, Exclusions
from core.catalogue.grouper import Grouper
from core.catalogue.stays import Stay, many
from core.rules import packs
from core.rules.grouping import rule_of
from core.texts import Texts

CATEGORIES = ["A00", "A09", "B20", "C34", "C50", "J18", "J65", "K35", "P07", "S06", "T20", "Z51"]
OPERATIONS = [f"{a:02d}.{b}{c}00" for a in (36, 45, 47, 86) for b in (0, 1, 4) for c in (0, 1)] + ["33.6x00", "99.2500"]
CONDITIONS = [
    "age_days < 29 and birth_weight < 750", "age_days < 29 and birth_weight >= 750", "age >= 18", "age < 18 or days > 10",
    "not gender == 1",
]  # fmt: skip
SHAPES: Mapping[str, tuple[str, str]] = {"hubei-2023": ("+", "/"), "jining-2023": (",", ""), "taian-2023": (",", ""),
                                         "national-draft-3": ("+,", "|/"), "ningde-2024": ("+,", "|/")}  # fmt: skip


def expression(chance: random.Random, signs: tuple[str, str], prefixes: bool) -> str:
    all_of, any_of = signs

    def code() -> str:
        whole = chance.choice(OPERATIONS)
        return whole[: chance.choice((4, 5))] if prefixes and chance.random() < 0.5 else whole

    parts = []
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3))):
        choices = [code() for _ in range(chance.choice((1, 2, 3)) if any_of else 1)]
        parts.append((chance.choice(any_of) if any_of else "").join(choices))
    return chance.choice(all_of).join(parts)


def catalogue(chance: random.Random, preset: str, size: int, prefixes: bool) -> list[Entry]:
    signs = SHAPES[preset]
    national = preset in ("national-draft-3", "ningde-2024")
    rows: list[Entry] = []
    for number in range(size):
        category = chance.choice(CATEGORIES)
        subcategory = f"{category}.{chance.choice('01x')}"
        kind = chance.choice(["core"] * 5 + ["primary_care"] * 2 + ["composite"] * 3 + ["tcm", "bed_day", "day_case"])
        stage = chance.choice(["", "", "", "", "basic", "basic", "pre", "merged", "assisted"]) if national and kind == "core" else ""
        if kind == "composite":
            diagnosis = chance.choice([category] * 5 + [category[:2], category[:1], "A00-B99", "A00-A19", "C00-D48", "J00-K99", ""])
        elif stage in ("pre", "merged", "assisted") or kind in ("tcm", "bed_day", "day_case"):
            diagnosis = chance.choice(
                [category, subcategory, f"{category}|{chance.choice(CATEGORIES)}", f"C00-C97|{category}"]
                + ([""] if stage == "pre" and chance.random() < 0.3 else [])
            )
        else:
            diagnosis = chance.choice([subcategory] * 8 + ["", category])
        operation = chance.choice(["", "."]) if chance.random() < 0.3 else expression(chance, signs, prefixes)
        related = expression(chance, signs, prefixes) if chance.random() < (0.4 if national else 0.05) else ""
        if kind == "composite" or (stage == "pre" and diagnosis):
            operation = related = ""
        condition = chance.choice(CONDITIONS) if stage in ("pre", "assisted") or chance.random() < 0.05 else ""
        if kind in ("tcm", "bed_day", "day_case"):
            condition = chance.choice(["", "tcm_fee >= 0.6 * fee", "age < 18 or days > 10"])
        other = ""
        if stage == "assisted" or chance.random() < 0.04:
            other = chance.choice(["C00-C97", "C34|C50.1", "I10", "C00-C97+I10", "."])
        rows.append(Entry(
            f"G{number:05d}", f"病种{number}", kind, stage=stage, diag_code=diagnosis, oprn_code=operation,
            rel_oprn_code=related, oth_diag_code=other, condition=condition,
            attribute=chance.choice([*ATTRIBUTES, ""]) if kind == "composite" else chance.choice(["", "surgery"]),
            score=None if chance.random() < 0.1 else Fraction(chance.randrange(1, 9), 4),
            mean_fee=chance.choice([0, 200000, 400000, 400000, 600000, 1000000]),
            primary_care=kind == "primary_care" or (kind == "core" and not stage and chance.random() < 0.1), row=number + 2,
        ))  # fmt: skip
    return rows


def cases(chance: random.Random, size: int) -> list[Stay]:
    found: list[Stay] = []
    for number in range(size):
        category = chance.choice([*CATEGORIES, "Q99"])
        diagnosis = f"{category}.{chance.choice('01x')}{chance.choice(['', '00', '00x001'])}"
        if chance.random() < 0.02:
            diagnosis = chance.choice([category, category[:2], ""])
        operations = [chance.choice([*OPERATIONS, "88.7600", "00.0000"]) for _ in range(chance.choice((0, 0, 1, 1, 2, 3, 5)))]
        if operations and chance.random() < 0.2:
            operations.append(operations[0])
        found.append(Stay(
            diagnosis, tuple(operations), main=chance.choice(operations) if operations and chance.random() < 0.5 else "",
            others=tuple(chance.choice(["I10", "I10.x00", "C34.900", "C50.100", "E11"]) for _ in range(chance.choice((0, 0, 1, 2)))),
            fee=chance.choice([100000, 300000, 300001, 500000, 500000, 700000, 900000]), age=chance.choice([-1, 0, 17, 18, 70]),
            age_days=chance.choice([-1, 0, 28, 29, 400]), birth_weight=chance.choice([-1, -1, 600, 749, 750, 2000]),
            days=chance.choice([-1, 3, 10, 11]), gender=chance.choice([-1, 1, 2]), tcm_fee=chance.choice([-1, 0, 180000, 300000]),
            setl_id=f"S{number:06d}",
        ))  # fmt: skip
    return found


def world_of(chance: random.Random, preset: str, prefixes: bool, size: int) -> tuple[World, Exclusions]:
    known = ["conservative", "diagnostic", "therapeutic", "surgery", "intervention"]
    attributes = {code: chance.choice(known) for code in OPERATIONS if chance.random() < 0.85}
    excluded = Exclusions(frozenset({"K35.000", "C34.100x001"}), frozenset(chance.sample(OPERATIONS, 2)))
    world = World(catalogue(chance, preset, size, prefixes), attributes, excluded.operation, excluded.diagnosis)
    return world, excluded


Slow = Callable[[World, Stay], str]
PRESETS: list[tuple[str, Slow, dict[str, str], set[str]]] = [
    ("hubei-2023", hubei, {}, {
        "operation excluded", "operation repeated", "unknown attribute", "no operation", "row without expression",
        "several core", "several primary_care", "one of several kinds", "composite by 3", "composite by 2", "composite by 1",
        "composite by range", "narrower range", "parted by key 0", "parted by key 1", "parted by key 2", "parted by the code",
    }),
    ("hubei-2023", hubei, {"grouping_tie": "higher_score", "grouping_codes": "digits_3_4"}, {
        "matched on a prefix", "several core", "parted by key 2", "parted by the code",
    }),
    ("hubei-2023", hubei, {"grouping_unnamed": "surgery_named"}, {"composite surgery first"}),
    ("jining-2023", shandong, {}, {
        "main excluded", "one of several kinds", "parted by key 0", "parted by key 1", "parted by key 2", "parted by key 3",
        "parted by the code",
    }),
    ("taian-2023", shandong, {"grouping_codes": "digits_3"}, {"matched on a prefix", "one of several kinds"}),
    ("national-draft-3", draft, {}, {
        "diagnosis excluded", "operation excluded", "main excluded", "main operation not named", "pre", "merged", "assisted",
        "special", "full match", "most related", "composite", "parted by key 0", "parted by key 1", "parted by key 2",
        "parted by the code",
    }),
    ("ningde-2024", draft, {"grouping_tie": "higher_score"}, {"full match", "composite", "parted by the code"}),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "slow", "parameters", "must"), PRESETS, ids=[f"{preset} {' '.join(given)}".strip() for preset, _, given, _ in PRESETS])
def test_every_case_agrees(preset: str, slow: Slow, parameters: dict[str, str], must: set[str]) -> None:
    seen: dict[str, int] = {}
    grouped, texts = 0, Texts("en")
    rule = rule_of(packs.load(preset, parameters))
    digits = {"digits_3": (3,), "digits_4": (4,), "digits_3_4": (3, 4)}.get(parameters.get("grouping_codes", ""), ())
    for seed in range(12):
        chance = random.Random(f"{preset} {seed}")
        world, excluded = world_of(chance, preset, bool(digits), chance.choice((40, 300, 900)))
        world.tie = parameters.get("grouping_tie", "nearest_fee")
        world.digits = digits
        world.composite_first = "grouping_unnamed" in parameters
        world.seen = seen
        if preset in ("hubei-2023", "jining-2023", "taian-2023"):
            world.excluded_diagnoses = frozenset()
        entries = Entries("v", 2024, tuple(sorted(world.rows, key=lambda row: row.dip_code)))
        stays = cases(chance, 200)
        grouper = Grouper(rule, entries, world.attributes, excluded)
        arrays = many(stays)
        grouping = grouper.group(arrays)
        by_id = {stay.setl_id: stay for stay in stays}
        trails = telling.trails(grouper, arrays, texts)
        for i in range(len(arrays)):
            case = by_id[str(arrays.setl_id[i])]
            entry = int(grouping.entry[i])
            mine = entries.rows[entry].dip_code if entry >= 0 else ""
            assert mine == slow(world, case), (seed, case)
            grouped += entry >= 0
            if i % 7 == 0:
                path = grouper.path(arrays, i)
                assert path.entry == entry, (seed, case, path)
                assert entry not in {one.entry for one in path.alternatives}
                # Made together or alone, a path is the case's own: its codes, its fee.
                assert trails.of(i) == "; ".join(telling.step(rule, one, texts) for one in path.steps)
        # Neither the order of the catalogue's rows nor that of the cases matters.
        chance.shuffle(stays)
        again = many(stays)
        assert (again.setl_id == arrays.setl_id).all()
        assert (Grouper(rule, entries, world.attributes, excluded).group(again).entry == grouping.entry).all()
        shuffled = list(world.rows)
        chance.shuffle(shuffled)
        other = Entries("v", 2024, tuple(shuffled))
        found = Grouper(rule, other, world.attributes, excluded).group(again)
        codes = [other.rows[e].dip_code if e >= 0 else "" for e in found.entry.tolist()]
        assert codes == [entries.rows[e].dip_code if e >= 0 else "" for e in grouping.entry.tolist()]
    assert {what for what in must if seen.get(what, 0) < 5} == set(), seen
    assert grouped > 600
