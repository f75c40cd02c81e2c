"""Which of two things takes longer, decided by pairs that were measured one right after the other.

Whatever disturbs the machine disturbs both of a pair, and either of them is as likely to be the one that it hits: where
neither takes longer, the one is longer in half of the pairs, however wildly they differ. How far half of them can be
missed by chance is exact arithmetic (the sign test), with no assumption about how long anything takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

CERTAIN = 1e-6
"""How probable it may be at the most that chance alone decides a comparison."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds of two things in pairs: what is asked about comes first, what it is held against second."""

    pairs: Sequence[tuple[float, float]]

    @property
    def ours_s(self) -> float:
        """Return the median of what is asked about."""
        return median(ours for ours, _ in self.pairs)

    @property
    def other_s(self) -> float:
        """Return the median of what it is held against."""
        return median(other for _, other in self.pairs)

    @property
    def factor(self) -> float:
        """Return the median of how many times as long ours takes."""
        return median(ours / max(other, 1e-9) for ours, other in self.pairs)

    def longer(self, factor: float = 1.0, slack_s: float = 0.0) -> bool:
        """Return whether ours certainly takes longer than so many times the other, and so many seconds."""
        return certain(sum(ours > factor * other + slack_s for ours, other in self.pairs), len(self.pairs))

    def shorter(self, factor: float = 1.0, slack_s: float = 0.0) -> bool:
        """Return whether ours certainly takes less than that."""
        return certain(sum(ours < factor * other + slack_s for ours, other in self.pairs), len(self.pairs))


def certain(count: int, pairs: int) -> bool:
    """Return whether so many of the pairs, or more, are hardly ever alike by chance."""
    ways = sum(math.comb(pairs, more) for more in range(count, pairs + 1))
    return math.ldexp(ways, -pairs) <= CERTAIN
