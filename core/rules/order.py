"""Which steps a step asks for, and the steps so that each comes after those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.rules import formula as language
from core.rules.circular import SCOPES, Step
from core.rules.formula import Table
from core.rules.sheet import Scope

Key = tuple[Scope, str]


class Circle(Exception):
    def __init__(self, path: Sequence[Key]) -> None:
        super().__init__(path)
        self.path = path


def needs(step: Step, tables: Mapping[str, Table]) -> set[Key]:
    """Every step that the formula may ask for; names of parameters are among them and match no step."""
    if step.expr is None:
        return set()
    used = language.uses(step.expr)
    plain_names = set(used.names)
    for id in used.tables:
        table = tables[id]
        for expr in (
            *(row.value for row in table.rows),
            *((table.otherwise,) if table.otherwise is not None else ()),
        ):
            plain_names |= set(language.names(expr))
    needed: set[Key] = {(scope, name) for name in plain_names for scope in SCOPES}
    columns: set[Key] = {("institution", column) for column in used.columns}
    return needed | columns


def ordered(steps: Sequence[Step], tables: Mapping[str, Table]) -> tuple[Step, ...]:
    """The steps so that each comes after what it needs, else as given; raises on a circle."""
    by_key: dict[Key, Step] = {(step.scope, step.id): step for step in steps}
    done: dict[Key, Step] = {}

    def needed(step: Step) -> list[Key]:
        used = language.uses(step.expr) if step.expr is not None else language.Uses((), (), ())
        columns: set[Key] = {("institution", column) for column in used.columns}
        found: list[Key] = []
        wanted = needs(step, tables)
        for key in by_key:
            if key not in wanted:
                continue
            scope, id = key
            own = (step.scope, id)
            # A plain name means the own scope's step, else the region's; only columns cross the other way.
            if scope == step.scope or (scope == "region" and own not in by_key) or key in columns:
                if scope == "institution" and step.scope == "region" and key not in columns:
                    continue
                found.append(key)
        return found

    def visit(key: Key, path: list[Key]) -> None:
        if key in done:
            return
        if key in path:
            raise Circle([*path[path.index(key) :], key])
        path.append(key)
        for before in needed(by_key[key]):
            visit(before, path)
        path.pop()
        done[key] = by_key[key]

    for key in by_key:
        visit(key, [])
    return tuple(done.values())
