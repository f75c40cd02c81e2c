"""How fast something grows: a slope that no single step decides, with the interval that it lies in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.config import Rule

LEAST_POINTS = 8
"""Fewer have no interval that would say anything."""

SURE_Z = 1.96
"""Of 95 intervals in a hundred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value, and where it lies: exact ones lie nowhere else."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Interval:
        """Return a value that is known."""
        return cls(value=value, low=value, high=value)

    def keeps(self, rule: Rule) -> bool:
        """Return whether a rule holds wherever the value lies."""
        return rule.holds(self.low) and rule.holds(self.high)

    def breaks(self, rule: Rule) -> bool:
        """Return whether a rule holds nowhere the value lies."""
        return not (rule.holds(self.low) or rule.holds(self.high))


def slope_of(points: Sequence[tuple[float, float]]) -> Interval | None:
    """Return by how much y grows with x (Theil and Sen): the median slope of all pairs, and Kendall's interval of it.

    One step up, or a point far off, moves it little. None where there are too few points.
    """
    if len(points) < LEAST_POINTS:
        return None
    pairs = itertools.combinations(sorted(points), 2)
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs if x2 > x1)
    count, middle = len(points), len(slopes) // 2
    spread = SURE_Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(math.floor((len(slopes) - spread) / 2) - 1, 0)
    median = slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2
    return Interval(value=median, low=slopes[low], high=slopes[len(slopes) - 1 - low])
