"""How many values that know nothing of each other a series is worth: what follows a slow answer is seldom quick.

The share of successes in blocks of time varies more than chance alone makes it where neighbours resemble each other: by
so many times, values are worth less. Blocks of several lengths are looked at, and the worst of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from statistics import NormalDist, variance

FEWEST_BLOCKS = 8
"""The spread of fewer blocks tells nothing."""

MISSED = 1.5
"""Blocks so short still resemble each other: of what they tell of resemblance, so many times as much is believed.

Drawn series of known percentiles say so: of intervals of 95 %, fewer than 93 % held theirs without it.
"""

SURE = NormalDist().inv_cdf(0.975)


def repeated(successes: Iterable[bool]) -> float:
    """Return how many neighbours of a series, in the order of time, are worth one that stands alone: 1 at the least."""
    sums = [0, *accumulate(map(int, successes))]
    count = len(sums) - 1
    share = sums[-1] / count if count else 0.0
    if not 0 < share < 1:
        return 1.0
    lengths = (2**power for power in range(count.bit_length()) if count // 2**power >= FEWEST_BLOCKS)
    worst = max((_worth(sums, length) / (share * (1 - share)) for length in lengths), default=1.0)
    return max(1 + MISSED * (worst - 1), 1.0)


def _worth(sums: Sequence[int], length: int) -> float:
    """Return the variance of blocks, by their length; the fewer there are, the more of it may have been missed."""
    ends = sums[::length]
    counts = [end - start for start, end in pairwise(ends)]
    return variance(counts) / length * (_student(len(counts) - 1) / SURE) ** 2


def _student(freedom: int) -> float:
    """Return what 97.5 % of Student's t lie below, within 0.3 % from 7 degrees of freedom on (Abramowitz, 26.7.5)."""
    z = SURE
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
