"""How long work says how far it is, and learns that nobody wants it any more."""

from __future__ import annotations

from typing import Protocol

from core.faults import Cancelled


class Progress(Protocol):
    """Given to whatever may take over 100 ms. Call `report` as often as convenient: receivers throttle."""

    def report(self, code: str, done: int, total: int | None = None) -> None:
        """`code` names the stage (`progress.CODE` in the translations); `total` None means unknown."""
        ...

    @property
    def cancelled(self) -> bool: ...


class Silent:
    """Nobody is looking and nobody cancels."""

    def report(self, code: str, done: int, total: int | None = None) -> None:
        return

    @property
    def cancelled(self) -> bool:
        return False


SILENT = Silent()


def step(progress: Progress, code: str, done: int, total: int | None = None) -> None:
    """Report, and raise `Cancelled` when asked to stop."""
    if progress.cancelled:
        raise Cancelled(code)
    progress.report(code, done, total)
