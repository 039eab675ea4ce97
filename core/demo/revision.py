"""The catalogue of the coming year: what became of the groups, so that this year's cases can be tried against it.

Some are renumbered, split, merged, gone or new; all are scored anew. The bureau publishes a map of the renumbered ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.demo.draws import mixed
from core.demo.region import Groups
from core.money import plain, rounded

RENUMBERED = "H"  # this chapter's keys are written another way from now on
MERGED, SPLIT, GONE, NEW = 9, 8, 26, 14
CLOSE = Fraction(12, 100)  # operations are merged whose mean fees differ by no more


@dataclass(frozen=True, slots=True)
class Revision:
    """rows: by column. maps: old key, new key, note. kept: old key -> the key it goes on under, same group."""

    rows: list[dict[str, str]]
    maps: list[tuple[str, str, str]]
    kept: Mapping[str, str]


def revise(groups: Groups, rows: list[dict[str, str]]) -> Revision:
    """The version of the year after from this year's groups, scored already. rows: by the columns of the file."""
    weight = {row["dip_code"]: int(row["weight"]) for row in groups.rows}
    core = [row for row in rows if row["kind"] == "core" and not row["stage"] and not row["rel_oprn_code"]]
    order = sorted(core, key=lambda row: mixed(row["dip_code"], "revised"))
    taken = {row["equal_to"] for row in rows}
    maps: list[tuple[str, str, str]] = []
    into: list[dict[str, str]] = []

    def free(row: Mapping[str, str]) -> bool:
        return row["dip_code"] not in taken and not row["dip_code"].startswith(RENUMBERED)

    # Merged: two operations of one diagnosis that cost about the same.
    operated: dict[tuple[str, str], dict[str, str]] = {}
    pairs = 0
    for two in order:
        where = (two["diag_code"], two["attribute"])
        one = operated.setdefault(where, two) if two["oprn_code"] and free(two) else two
        if one is two or pairs == MERGED or not (free(one) and _close(one["score"], two["score"])):
            continue
        old = tuple(sorted((one, two), key=lambda row: row["oprn_code"]))
        many = [weight[row["dip_code"]] for row in old]
        codes = "|".join(row["oprn_code"] for row in old)
        into.append({
            **old[0], "dip_code": f"{two['diag_code']}:{codes}", "stage": "merged", "oprn_code": codes,
            "dip_name": f"{old[0]['dip_name']}或{old[1]['dip_name'].split(':')[-1]}", "cases": str(sum(many)),
            **{name: _mean(old, name, many) for name in ("score", "mean_fee", "mean_days")},
        })  # fmt: skip
        taken |= {row["dip_code"] for row in old}
        pairs += 1
    # Split: those under fifteen apart, and cheaper.
    apart = [row for row in order if free(row) and not row["oprn_code"] and weight[row["dip_code"]] > 150][:SPLIT]
    for row in apart:
        taken.add(row["dip_code"])
        for key, name, condition, share in (
            (f"{row['dip_code']}:儿童", "儿童", "age < 15", Fraction(84, 100)),
            (f"{row['dip_code']}:成人", "成人", "age >= 15", Fraction(103, 100)),
        ):
            into.append({
                **row, "dip_code": key, "dip_name": f"{row['dip_name']}（{name}）", "stage": "assisted", "condition": condition,
                **{column: _times(row[column], share) for column in ("score", "mean_fee")},
            })  # fmt: skip
    # Gone: the rarest, whose cases fall back to the composite group of their category.
    roofs = {(row["diag_code"], row["attribute"]) for row in rows if row["kind"] == "composite"}
    rare = sorted((row for row in order if free(row)), key=lambda row: weight[row["dip_code"]])
    gone = [row for row in rare if (row["diag_code"][:3], row["attribute"]) in roofs][:GONE]
    taken |= {row["dip_code"] for row in gone}
    # New: a diagnosis with its operation leaves the composite group.
    there = {row["dip_code"] for row in rows}
    by_code = {row["dip_code"]: row for row in groups.rows}
    dear = sorted((row for row in rows if row["kind"] == "composite"), key=lambda row: -weight[row["dip_code"]])
    for row in dear:
        own = by_code[row["dip_code"]]
        diagnosis, operation = own["case_diag"].split("|")[0][:5], own["case_oprn"].split("|")[0]
        key = f"{diagnosis}:{operation or '保守治疗'}"
        if len(into) - MERGED - 2 * len(apart) >= NEW or key in there or "-" in row["diag_code"] or "等" not in row["dip_name"]:
            continue
        there.add(key)
        into.append({
            **row, "dip_code": key, "dip_name": row["dip_name"].replace("等", ""), "kind": "core", "diag_code": diagnosis,
            "oprn_code": operation, **{column: _times(row[column], Fraction(107, 100)) for column in ("score", "mean_fee")},
        })  # fmt: skip
    kept: dict[str, str] = {}
    ended = {row["dip_code"] for row in gone} | {row["dip_code"] for row in apart}
    alive: list[dict[str, str]] = []
    for row in rows:
        old = row["dip_code"]
        if old in ended or (old in taken and old not in {line["equal_to"] for line in rows}):
            continue
        new = old.replace(":", "_") if old.startswith(RENUMBERED) else old
        kept[old] = new
        if new != old:
            maps.append((old, new, "编码格式调整"))
        alive.append({**row, "dip_code": new})
    for row in alive:
        row["equal_to"] = kept.get(row["equal_to"], "")
    return Revision(sorted([*alive, *into], key=lambda row: row["dip_code"]), maps, kept)


def _close(one: str, two: str) -> bool:
    a, b = Fraction(one), Fraction(two)
    return abs(a - b) <= CLOSE * min(a, b)


def _mean(rows: tuple[dict[str, str], ...], name: str, weights: list[int]) -> str:
    total = sum((Fraction(row[name]) * many for row, many in zip(rows, weights, strict=True)), Fraction(0))
    places = {"score": 4, "mean_fee": 2}.get(name, 1)
    return plain(rounded(total / sum(weights), places), places)


def _times(text: str, share: Fraction) -> str:
    places = len(text.partition(".")[2])
    return plain(rounded(Fraction(text) * share, places), places)
