"""A bucket that fills at a steady rate: how much of something there is room for now."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Bucket:
    """Holds `most`, gains `per_s`; how much was in it at some moment."""

    most: float
    per_s: float
    level: float
    at_s: float

    @classmethod
    def full(cls, most: float, per_s: float, now_s: float) -> Self:
        """One that nothing was taken of."""
        return cls(most, per_s, most, now_s)

    def level_at(self, now_s: float) -> float:
        """How much is in it then."""
        return min(self.most, self.level + self.per_s * (now_s - self.at_s))

    def holding(self, level: float, now_s: float) -> Self:
        """The same with so much in it."""
        return replace(self, level=level, at_s=now_s)
