"""Grouping one case at a time, straight from the texts of the rules, as slowly and plainly as they read.

Written beside the product and without any of it except the data classes of rows and cases. `hubei` follows the seven
points of the rule, `shandong` the order of choice of Jining and Tai'an, `draft` the national draft's order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from core.catalogue.entries import Entry
from core.catalogue.stays import Stay

ORDER = ["conservative", "diagnostic", "therapeutic", "surgery"]
FAR = 10**30


@dataclass
class World:
    """What a case is looked at with. tie: nearest_fee or higher_score. digits: lengths at which codes compare."""

    rows: Sequence[Entry]
    attributes: Mapping[str, str]
    excluded_operations: Set[str] = frozenset()
    excluded_diagnoses: Set[str] = frozenset()
    tie: str = "nearest_fee"
    digits: Sequence[int] = ()
    composite_first: bool = False
    seen: dict[str, int] = field(default_factory=dict)  # what really happened, counted

    def happened(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


# --- words of the rules ---


def attribute_of(world: World, operation: str) -> str:
    found = world.attributes.get(operation, "conservative")
    return "surgery" if found == "intervention" else found


def highest(attributes: Sequence[str]) -> str:
    return max(attributes, key=ORDER.index, default="conservative")


def kind_of(row: Entry) -> str:
    return "primary_care" if row.kind == "core" and row.primary_care else row.kind


def usable(world: World, case: Stay) -> list[str]:
    """Operations that are left, each once; a main one that the list lacks comes first."""
    listed = list(case.operations)
    if case.main and case.main not in listed:
        listed.insert(0, case.main)
    kept: list[str] = []
    for operation in listed:
        if operation in world.excluded_operations:
            world.happened("operation excluded")
        elif operation in kept:
            world.happened("operation repeated")
        elif operation:
            kept.append(operation)
    return kept


def main_of(world: World, case: Stay, left: Sequence[str]) -> str:
    flagged = case.main or (next((one for one in case.operations if one), ""))
    if flagged in left:
        return flagged
    if flagged and left:
        world.happened("main excluded")
    return left[0] if left else ""


def same(world: World, wanted: str, operation: str) -> bool:
    if wanted == operation:
        return True
    count = sum(sign.isdigit() for sign in wanted)
    if count in world.digits and operation.startswith(wanted) and wanted[-1].isdigit():
        world.happened("matched on a prefix")
        return True
    return False


def parts_of(text: str, all_signs: str, any_signs: str) -> list[list[str]]:
    """`a/b+c` -> [[a, b], [c]]; empty or a lone dot asks for nothing."""
    parts: list[list[str]] = [[""]]
    for sign in text:
        if sign in all_signs:
            parts.append([""])
        elif sign in any_signs:
            parts[-1].append("")
        else:
            parts[-1][-1] += sign
    cleaned = [[one.strip() for one in part if one.strip() not in ("", ".")] for part in parts]
    return [part for part in cleaned if part]


def met(world: World, part: Sequence[str], operations: Sequence[str]) -> bool:
    return any(same(world, wanted, operation) for wanted in part for operation in operations)


def named(world: World, parts: Sequence[Sequence[str]], operations: Sequence[str]) -> list[str]:
    return [one for one in operations if met(world, [w for part in parts for w in part], [one])]


def distance(row: Entry, case: Stay) -> int:
    return abs(case.fee - row.mean_fee) if row.mean_fee else FAR


def by_tie(world: World, row: Entry, case: Stay) -> object:
    if world.tie == "higher_score":
        return FAR if row.score is None else -row.score
    return distance(row, case)


def holds(row: Entry, case: Stay) -> bool:
    """The few conditions that the tests' rows carry, each written out."""
    conditions: dict[str, Callable[[], bool]] = {
        "": lambda: True,
        "age_days < 29 and birth_weight < 750": lambda: 0 <= case.age_days < 29 and 0 <= case.birth_weight < 750,
        "age_days < 29 and birth_weight >= 750": lambda: 0 <= case.age_days < 29 and case.birth_weight >= 750,
        "age >= 18": lambda: case.age >= 18,
        "age < 18 or days > 10": lambda: 0 <= case.age < 18 or case.days > 10,
        "not gender == 1": lambda: case.gender == 2,
        "tcm_fee >= 0.6 * fee": lambda: case.tcm_fee >= 0 and 10 * case.tcm_fee >= 6 * case.fee,
    }
    return conditions[row.condition]()


def written_out(code: str) -> str:
    """`I10` has no fourth character: in full it is `I10.x`. The national draft alone reads it so."""
    return code + ".x" if len(code) == 3 else code


def same_five(row: Entry, diagnosis: str) -> bool:
    """The row's diagnosis is the first five characters of the case's, both written out."""
    return bool(row.diag_code) and written_out(row.diag_code) == written_out(diagnosis)[:5]


def fits(expression: str, code: str) -> bool:
    """Codes, beginnings and ranges, any of them."""
    for token in expression.replace("/", "|").split("|"):
        first, dash, last = token.partition("-")
        if dash and first <= code[: len(first)] and code[: len(last)] <= last:
            return True
        if not dash and token and code.startswith(token):
            return True
    return False


def others_fit(row: Entry, case: Stay, spelled: Callable[[str], str] = str) -> bool:
    if row.oth_diag_code in ("", "."):
        return True
    return all(
        any(fits(part, spelled(code)) for code in case.others if code)
        for part in row.oth_diag_code.replace(",", "+").split("+")
    )


def best(world: World, rows: Sequence[Entry], *keys: Callable[[Entry], object]) -> Entry:
    """The one with the least keys, then the smallest code; notes what decided."""
    left = list(rows)
    for number, key in enumerate((*keys, lambda row: row.dip_code)):
        if len(left) > 1:
            least = min(key(row) for row in left)  # type: ignore[type-var]
            fewer = [row for row in left if key(row) == least]
            if len(fewer) < len(left):
                world.happened(f"parted by key {number}" if number < len(keys) else "parted by the code")
            left = fewer
    return left[0]


# --- hubei-2023, point by point ---


def hubei(world: World, case: Stay) -> str:
    operations = usable(world, case)  # 1
    attribute = highest([attribute_of(world, one) for one in operations])  # 2
    if any(one not in world.attributes for one in operations):
        world.happened("unknown attribute")
    if not operations:
        world.happened("no operation")
    taken: dict[str, Entry] = {}
    types: dict[str, tuple[str, str]] = {}
    for kind in ("core", "primary_care"):
        with_parts: list[Entry] = []
        without: list[Entry] = []
        for row in world.rows:  # 3
            if kind_of(row) != kind or not row.diag_code or row.diag_code != case.diagnosis[:5]:
                continue
            if not others_fit(row, case) or not holds(row, case):
                continue
            parts = hubei_parts(row)
            if not parts:
                without.append(row)
            elif all(met(world, part, operations) for part in parts):
                with_parts.append(row)
        belonging = with_parts
        if not with_parts and attribute == "conservative":
            belonging = without
            if without:
                world.happened("row without expression")
        if belonging:  # 4
            if len(belonging) > 1:
                world.happened(f"several {kind}")
            row = best(
                world, belonging,
                lambda row: -len(hubei_parts(row)),
                lambda row: -len(named(world, hubei_parts(row), operations)),
                lambda row: by_tie(world, row, case),
            )  # fmt: skip
            taken[kind] = row
            matched = named(world, hubei_parts(row), operations)
            types[kind] = (kind, highest([attribute_of(world, one) for one in matched]))
    composite = hubei_composite(world, case, attribute)  # 5
    if composite is not None:
        taken["composite"], types["composite"] = composite, ("composite", composite.attribute)
    order = [  # 6
        ("core", "surgery"), ("primary_care", "surgery"), ("core", "therapeutic"), ("primary_care", "therapeutic"),
        ("core", "diagnostic"), ("primary_care", "diagnostic"), ("composite", "surgery"), ("composite", "therapeutic"),
        ("composite", "diagnostic"), ("core", "conservative"), ("primary_care", "conservative"), ("composite", "conservative"),
    ]  # fmt: skip
    if world.composite_first and "composite" in taken and types["composite"][1] == "surgery":
        surgeries = {one for one in operations if attribute_of(world, one) == "surgery"}
        for kind in ("core", "primary_care"):
            if kind in taken and surgeries - set(named(world, hubei_parts(taken[kind]), operations)):
                del taken[kind]
                world.happened("composite surgery first")
    if len(taken) > 1:
        world.happened("one of several kinds")
    for kind, with_attribute in order:
        if kind in taken and types[kind] == (kind, with_attribute):
            return taken[kind].dip_code
    return ""  # 7


def hubei_parts(row: Entry) -> list[list[str]]:
    return parts_of(row.oprn_code, "+", "/") + parts_of(row.rel_oprn_code, "+", "/")


def hubei_composite(world: World, case: Stay, attribute: str) -> Entry | None:
    rows = [
        row for row in world.rows
        if row.kind == "composite" and row.attribute == attribute and others_fit(row, case) and holds(row, case)
    ]
    for count in (3, 2, 1):
        found = [row for row in rows if row.diag_code and row.diag_code == case.diagnosis[:count]]
        if found:
            world.happened(f"composite by {count}")
            return best(world, found)
    ranges: list[tuple[int, Entry]] = []
    for row in rows:
        first, dash, last = row.diag_code.partition("-")
        if dash and case.diagnosis and first[:3] <= case.diagnosis[:3] <= last[:3]:
            ranges.append((categories(last) - categories(first), row))
    if not ranges:
        return None
    narrowest = min(width for width, _ in ranges)
    if len({width for width, _ in ranges}) > 1:
        world.happened("narrower range")
    world.happened("composite by range")
    return best(world, [row for width, row in ranges if width == narrowest])


def categories(code: str) -> int:
    return (ord(code[0]) - ord("A")) * 100 + int(code[1:3])


# --- jining-2023, taian-2023 ---


def shandong(world: World, case: Stay) -> str:
    operations = usable(world, case)
    main = main_of(world, case, operations)
    attribute = highest([attribute_of(world, one) for one in operations])

    def parts(row: Entry) -> list[list[str]]:
        return parts_of(row.oprn_code, ",", "") + parts_of(row.rel_oprn_code, ",", "")

    with_parts, without, composites = [], [], []
    for row in world.rows:
        if not row.diag_code or not others_fit(row, case) or not holds(row, case):
            continue
        if kind_of(row) in ("core", "primary_care") and row.diag_code == case.diagnosis[:5]:
            if not parts(row):
                without.append(row)
            elif all(met(world, part, operations) for part in parts(row)):
                with_parts.append(row)
        if row.kind == "composite" and row.diag_code == case.diagnosis[:3] and row.attribute == attribute:
            composites.append(row)
    belonging = with_parts or (without if attribute == "conservative" else [])
    belonging = belonging + composites
    if not belonging:
        return ""
    if belonging and composites and len(belonging) > len(composites):
        world.happened("one of several kinds")

    def type_rank(row: Entry) -> int:
        kind = kind_of(row)
        matched = highest([attribute_of(world, one) for one in named(world, parts(row), operations)])
        names = [
            "core surgery", "primary_care surgery", "core therapeutic", "primary_care therapeutic", "core diagnostic",
            "primary_care diagnostic", "composite surgery", "composite therapeutic", "composite diagnostic",
            "core conservative", "primary_care conservative", "composite conservative",
        ]  # fmt: skip
        return names.index(f"{kind} {row.attribute if kind == 'composite' else matched}")

    return best(
        world, belonging,
        lambda row: 0 if main and named(world, parts(row), [main]) else 1,
        lambda row: -len(named(world, parts(row), operations)),
        lambda row: by_tie(world, row, case),
        type_rank,
    ).dip_code  # fmt: skip


# --- the national draft ---


def draft(world: World, case: Stay) -> str:
    operations = usable(world, case)
    main = main_of(world, case, operations)
    attribute = attribute_of(world, main) if main else "conservative"
    diagnosis = case.diagnosis
    if diagnosis in world.excluded_diagnoses:
        world.happened("diagnosis excluded")
        diagnosis = ""

    def mains(row: Entry) -> list[list[str]]:
        return parts_of(row.oprn_code, "+,", "|/")

    def related(row: Entry) -> list[list[str]]:
        return parts_of(row.rel_oprn_code, "+,", "|/")

    def by_expression(row: Entry) -> bool:
        return not row.diag_code or (bool(diagnosis) and fits(row.diag_code, written_out(diagnosis)))

    def candidates(
        rows: Sequence[Entry], fit: Callable[[Entry], bool], *, flagged: bool, all_related: bool, bare: bool
    ) -> list[Entry]:
        """Rows that ask for operations and are met; only where there are none, those that ask for none."""
        asking, free = [], []
        for row in rows:
            if not fit(row) or not others_fit(row, case, written_out) or not holds(row, case):
                continue
            if not mains(row) and not related(row):
                free.append(row)
                continue
            if not all(met(world, part, operations) for part in mains(row)):
                continue
            if flagged and mains(row) and not any(main and met(world, part, [main]) for part in mains(row)):
                world.happened("main operation not named")
                continue
            matched = sum(met(world, part, operations) for part in related(row))
            if matched == len(related(row)) or (matched and not all_related):
                asking.append(row)
        return asking or (free if bare else [])

    def full(row: Entry) -> int:
        return 0 if related(row) and all(met(world, part, operations) for part in related(row)) else 1

    def most(row: Entry) -> int:
        return -sum(met(world, part, operations) for part in related(row))

    def parts(row: Entry) -> int:
        return most(row) - sum(met(world, part, operations) for part in mains(row))

    def tie(row: Entry) -> object:
        return by_tie(world, row, case)

    def stage(name: str, *kinds: str) -> list[Entry]:
        return [row for row in world.rows if kind_of(row) in kinds and (row.stage or "basic") == name]

    # 1 pre-groups
    found = candidates(stage("pre", "core"), by_expression, flagged=False, all_related=True, bare=True)
    if found:
        world.happened("pre")
        return best(
            world, found, parts, lambda row: -len(named(world, mains(row) + related(row), operations)), tie
        ).dip_code
    # 2 merged groups
    found = candidates(
        stage("merged", "core"), by_expression, flagged=True, all_related=False, bare=attribute == "conservative"
    )
    if found:
        world.happened("merged")
        return best(world, found, full, most, parts, tie).dip_code
    # 3 diagnosis-assisted groups
    found = candidates(stage("assisted", "core"), by_expression, flagged=False, all_related=False, bare=True)
    if found:
        world.happened("assisted")
        return best(world, found, full, most, parts, tie).dip_code
    # TCM, bed-day and day-case rows that carry a condition
    found = candidates(
        [row for row in world.rows if row.kind in ("tcm", "bed_day", "day_case") and row.condition],
        by_expression, flagged=False, all_related=False, bare=True,
    )  # fmt: skip
    if found:
        world.happened("special")
        return best(world, found, full, most, parts, tie).dip_code
    # 4 basic rule
    found = candidates(
        stage("basic", "core", "primary_care"), lambda row: same_five(row, diagnosis),
        flagged=True, all_related=False, bare=attribute == "conservative",
    )  # fmt: skip
    if found:
        if any(full(row) == 0 for row in found):
            world.happened("full match")
        elif any(most(row) < 0 for row in found):
            world.happened("most related")
        return best(world, found, full, most, tie).dip_code
    # 5 composite: category times attribute of the main operation
    found = [
        row for row in world.rows
        if row.kind == "composite" and row.diag_code and row.diag_code == diagnosis[:3] and row.attribute == attribute
        and others_fit(row, case, written_out) and holds(row, case)
    ]  # fmt: skip
    if found:
        world.happened("composite")
        return best(world, found, tie).dip_code
    return ""
