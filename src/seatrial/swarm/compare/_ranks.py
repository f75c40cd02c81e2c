"""Wilcoxon's signed ranks, exactly: between which values the middle of paired differences certainly lies.

Of n differences that are as likely to be above a value as below it, every choice of signs is equally likely: how many
averages of two of them (Walsh averages) lie below the value is then a sum of some of the numbers 1 to n, each of which
is in it or not. Nothing is assumed of how wildly they differ, or how often.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, combinations_with_replacement
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The Hodges-Lehmann estimate of the middle, and what it is not below and not above, each with its own certainty.

    Infinite where there are too few differences for that certainty.
    """

    lower: float
    estimate: float
    upper: float


def bounds(differences: Sequence[float], alpha: float) -> Bounds:
    """Return the bounds of at least one difference; each is wrong in at most `alpha` of all cases."""
    averages, most = _walsh(differences), critical(len(differences), alpha)
    if most < 0:
        return Bounds(lower=-math.inf, estimate=median(averages), upper=math.inf)
    return Bounds(lower=averages[most], estimate=median(averages), upper=averages[-1 - most])


def p_greater(differences: Sequence[float], than: float) -> float:
    """Return how probable it is at the most that so many of the differences exceed a value by chance alone.

    It is at most `alpha` exactly where the lower bound for that `alpha` exceeds the value.
    """
    below = bisect.bisect_right(_walsh(differences), than)
    return _at_most(len(differences))[below]


def critical(pairs: int, alpha: float) -> int:
    """Return the largest sum of ranks that occurs, with all smaller ones, in at most `alpha` of all cases; -1: none."""
    return bisect.bisect_right(_at_most(pairs), alpha) - 1


def _walsh(differences: Sequence[float]) -> list[float]:
    return sorted((first + second) / 2 for first, second in combinations_with_replacement(differences, 2))


@cache
def _at_most(pairs: int) -> tuple[float, ...]:
    """Return, for each sum of ranks, the probability of that sum or a smaller one."""
    ways = [1]
    for rank in range(1, pairs + 1):
        padded = [0] * rank
        ways = [without + with_it for without, with_it in zip(ways + padded, padded + ways, strict=True)]
    return tuple(count / 2**pairs for count in accumulate(ways))
