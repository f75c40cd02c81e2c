"""Two runs at two times: in which interval each figure lies, and in which the ratio or the difference of two.

latencies in the order of time --ranks that a binomial count cannot miss--> interval of a percentile
two intervals --both distances from their estimates (MOVER, Zou and Donner 2008)--> interval of ratio or difference

Nothing is assumed of how latencies are distributed. What differs between the runs besides the service, the machine and
what else it did, is in no interval: the two are not paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm.compare._binomial import middle_of
from seatrial.swarm.compare._dependence import SURE, repeated

UNSURE = 0.05
"""The share of intervals, at the most, that do not hold what they are of."""

FEWEST_ALONE = 12
"""What is worth fewer values that know nothing of each other (a queue that grows, say) lies above the least of them.

That is all that is certain then: so little does not show how few it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """An estimate and the interval that it lies in; infinite where there are too few values for a bound."""

    value: float
    low: float
    high: float


def percentile_within(series: Sequence[float], percent: int | Fraction) -> Within:
    """Return a percentile of values above 0, of which there must be one, in the order of time, with its interval."""
    values = sorted(series)
    found, middle = nearest_rank(values, percent), nearest_rank(values, 50)
    worth = max(repeated(each <= level for each in series) for level in (found, middle))
    count = len(values)
    alone = max(int(count / worth), 1)
    if alone < FEWEST_ALONE:
        return Within(value=found, low=values[0], high=math.inf)
    low, high = middle_of(alone, float(percent) / 100, UNSURE)
    first, last = math.floor(low * count / alone), math.ceil((high + 1) * count / alone)
    return Within(
        value=found,
        low=values[first - 1] if low else 0.0,
        high=values[last - 1] if high < alone else math.inf,
    )


def share_within(series: Sequence[bool]) -> Within:
    """Return the share of successes of a series in the order of time, with its interval (Wilson's)."""
    share, alone = sum(series) / len(series), len(series) / repeated(series)
    z2 = SURE**2
    centre, spread = share + z2 / (2 * alone), SURE * math.sqrt(share * (1 - share) / alone + z2 / (4 * alone**2))
    low, high = ((centre + way * spread) / (1 + z2 / alone) for way in (-1, 1))
    return Within(value=share, low=max(min(low, share), 0.0), high=min(max(high, share), 1.0))


def ratio_of(base: Within, now: Within) -> Within:
    """Return how many times the base's figure another one is."""
    logs = difference_of(*(Within(value=_log(w.value), low=_log(w.low), high=_log(w.high)) for w in (base, now)))
    return Within(value=math.exp(logs.value), low=math.exp(logs.low), high=_exp(logs.high))


def difference_of(base: Within, now: Within) -> Within:
    """Return by how much another figure exceeds the base's."""
    value = now.value - base.value
    below = math.hypot(now.value - now.low, base.high - base.value)
    above = math.hypot(now.high - now.value, base.value - base.low)
    return Within(value=value, low=value - below, high=value + above)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _exp(value: float) -> float:
    return math.exp(value) if value < math.inf else math.inf
