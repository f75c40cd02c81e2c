"""How many of so many trials succeed: the tails of the binomial distribution, exactly, for whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

FAR = 12
"""So many standard deviations from the mean, what is left of a tail is less than any certainty that is asked for."""


def middle_of(trials: int, chance: float, alpha: float) -> tuple[int, int]:
    """Return the counts between which all but `alpha` of the cases lie, at most half of that beyond each of them."""
    low, high, below = 0, trials, 0.0
    for count, probability in _probabilities(trials, chance):
        if below <= alpha / 2:
            low = count
        below += probability
        if 1 - below <= alpha / 2:
            return low, count
    return low, high


def _probabilities(trials: int, chance: float) -> Iterator[tuple[int, float]]:
    """Yield the counts that occur, ascending, each with its probability; `chance` lies between 0 and 1."""
    far = FAR * math.sqrt(trials * chance * (1 - chance)) + FAR
    first, last = max(math.floor(trials * chance - far), 0), min(math.ceil(trials * chance + far), trials)
    whole, success, failure = math.lgamma(trials + 1), math.log(chance), math.log1p(-chance)
    for count in range(first, last + 1):
        ways = whole - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
        yield count, math.exp(ways + count * success + (trials - count) * failure)
