"""How many special cases may be approved: 5 per mille of all cases of the region, never counted for one hospital."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.findings import Finding

PER_MILLE = 5  # of all counted cases [V] S2, art. 19 to 24


@dataclass(frozen=True, slots=True)
class Quota:
    """Counted over the whole region, both funds. cases: all that count in the year, by-item ones too."""

    cases: int
    by_item: int
    adjusted: int
    rejected: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Quota:
        """Of the counts that a clearing carries."""
        return cls(counts.get("in_scope", 0), counts.get("by_item", 0), counts.get("adjusted", 0))

    @property
    def approved(self) -> int:
        return self.by_item + self.adjusted

    @property
    def allowed(self) -> int:
        """The greatest number that is not above 5 per mille."""
        return self.cases * PER_MILLE // 1000

    def after(self, kinds: Iterable[tuple[str, str]]) -> Quota:
        """Once these are decided: of each case the kind that stands and the one that is to stand, "" for none."""
        counts = {"by_item": self.by_item, "adjusted": self.adjusted, "rejected": self.rejected, "": 0}
        for was, now in kinds:
            counts[was] -= 1
            counts[now] += 1
        return Quota(self.cases, counts["by_item"], counts["adjusted"], counts["rejected"])

    @property
    def share(self) -> Fraction:
        """Approved per mille of the cases."""
        return Fraction(self.approved * 1000, self.cases) if self.cases else Fraction(0)

    @property
    def finding(self) -> Finding | None:
        """Where more are approved than may be."""
        if self.approved <= self.allowed:
            return None
        values = {
            "cases": str(self.cases), "allowed": str(self.allowed), "by_item": str(self.by_item),
            "adjusted": str(self.adjusted), "over": str(self.approved - self.allowed),
        }  # fmt: skip
        return Finding("special_over_limit", "warning", value=str(self.approved), values=values)
