"""What the clearing on screen stands on, in one line: confirmed or draft, pack, set, catalogue, data, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy

from ui.look import set_role
from ui.pages.clearing import sheets

if TYPE_CHECKING:
    from core.rules.sheet import Clearing
    from core.texts import Texts


class Stamps(QLabel):
    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts
        set_role(self, "muted")
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, clearing: Clearing, confirmed: str) -> None:
        """confirmed: who confirmed this very run, in words; "" of a draft. The tip counts what was scored and how."""
        stamps, texts = clearing.stamps, self._texts
        parts = [
            confirmed or texts("confirmed.draft"),
            texts("clearing.stamp.pack", pack=stamps.pack, hash=stamps.pack_hash[:8]),
            texts(
                "clearing.stamp.set",
                set=sheets.set_words(stamps.set_name, texts),
                state=texts(f"state.{stamps.set_state}"),
            ),
            texts("clearing.stamp.catalogue", catalogue=stamps.catalogue),
            texts(f"clearing.grouping.{stamps.grouping}"),
            texts("clearing.stamp.data", hash=stamps.data_hash[:8]),
        ]
        parts += [f"{name} = {value}" for name, value in sorted(stamps.parameters.items())]
        if stamps.synthetic:
            parts.append(texts("clearing.stamp.synthetic"))
        self.setText("  ·  ".join(parts))
        counted = [
            f"{texts(f'clearing.count.{name}') if texts.has(f'clearing.count.{name}') else name}: {n:,}"
            for name, n in stamps.counts.items()
            if n
        ]
        counted += [
            texts("clearing.reference_used", source=texts(f"reference.{name}"), count=f"{n:,}")
            for name, n in stamps.references.items()
            if n
        ]
        self.setToolTip("\n".join([*parts, *counted]))
