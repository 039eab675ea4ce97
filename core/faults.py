"""What the world or the user can do wrong, as exceptions that carry a code and values, never words.

the words are in `resources/translations/*/fault_*.toml` under the code. A row's fault is no exception:
see `core.findings`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.findings import Finding


class Fault(Exception):
    """Something that can happen without a bug. `status` is the exit status of the command."""

    status = 3

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return f"{self.code} {self.values}" if self.values else self.code

    def __reduce__(self) -> tuple[Callable[..., Fault], tuple[type[Fault], dict[str, Any]]]:
        """As it is in another process too: that one knows names of arguments only by this."""
        return _again, (type(self), self.__dict__)


def _again(kind: type[Fault], said: dict[str, Any]) -> Fault:
    fault = kind.__new__(kind, said["code"], said["values"])
    fault.__dict__.update(said)
    return fault


class Refused(Fault):
    """The data or the rules forbid it (blocked clearing, stale edit, bad pack): status 1."""

    status = 1

    def __init__(self, code: str, findings: Sequence[Finding] = (), **values: object) -> None:
        super().__init__(code, **values)
        self.findings = tuple(findings)


class Usage(Fault):
    """Asked for wrongly (unknown kind, missing year): status 2."""

    status = 2


class WorldFault(Fault):
    """Disk, lock, permission, damaged file: status 3."""

    status = 3


class Cancelled(Exception):
    """The user pressed Esc; whatever ran leaves everything as it was."""
