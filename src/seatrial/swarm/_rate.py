"""Arrivals per second that change with time: how many are due by an instant, and when so many are."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence

Knot = tuple[float, float]
"""Seconds since the start, and arrivals per second there."""


class Rate:
    """A rate that goes straight from knot to knot and stays as it is at the last one; two at one instant are a jump.

    The first knot is at 0, and no rate is negative.
    """

    def __init__(self, knots: Sequence[Knot]) -> None:
        self._times = [at_s for at_s, _ in knots]
        self._rates = [per_s for _, per_s in knots]
        areas = ((end - at) * (one + other) / 2 for (at, one), (end, other) in itertools.pairwise(knots))
        self._counts = list(itertools.accumulate(areas, initial=0.0))

    def count(self, at_s: float) -> float:
        """Return how many arrivals are due by an instant, broken numbers and all: the integral of the rate."""
        piece = bisect_right(self._times, at_s) - 1
        since_s = at_s - self._times[piece]
        return self._counts[piece] + since_s * (self._rates[piece] + self._slope(piece) * since_s / 2)

    def when(self, count: float) -> float:
        """Return the instant by which so many are due, the inverse of `count`; infinity when they never are."""
        piece = bisect_right(self._counts, count) - 1
        missing, rate, slope = count - self._counts[piece], self._rates[piece], self._slope(piece)
        # The root of a quadratic, in the form that loses no digits where the slope is small or 0.
        below = rate + math.sqrt(max(rate * rate + 2 * slope * missing, 0.0))
        if below <= 0:
            return self._times[piece] if not missing else self._end(piece)
        return min(self._times[piece] + 2 * missing / below, self._end(piece))

    def highest(self, until_s: float) -> float:
        """Return the highest rate before an instant."""
        ahead = [per_s for at_s, per_s in zip(self._times, self._rates, strict=True) if at_s < until_s]
        piece = len(ahead) - 1
        return max(*ahead, ahead[-1] + self._slope(piece) * (until_s - self._times[piece]))

    def mean(self, until_s: float) -> float:
        """Return the mean rate up to an instant."""
        return self._rates[0] if len(self._rates) == 1 else self.count(until_s) / until_s

    def _slope(self, piece: int) -> float:
        if piece + 1 == len(self._times) or self._times[piece] == self._times[piece + 1]:
            return 0.0
        return (self._rates[piece + 1] - self._rates[piece]) / (self._times[piece + 1] - self._times[piece])

    def _end(self, piece: int) -> float:
        return self._times[piece + 1] if piece + 1 < len(self._times) else math.inf
