"""The highest rate at which a promise still holds: a search by halves, in which two of three tries decide a step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from seatrial.swarm._slope import Interval

TRIES = 3
Vote = bool | None
"""Whether it held; None where nobody can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Between which rates it breaks; `best` is the highest that held, 0 for none.

    Where nothing above `best` is known to break, the interval is that rate alone: it is at least so high.
    `unknown_per_s` is the lowest rate above it at which nobody could say, 0 where there is none.
    """

    interval: Interval | None
    best: float
    unknown_per_s: float = 0.0


def search(holds: Callable[[float], Vote], *, low: float, high: float, within: float) -> Found:
    """Return where it breaks between two rates, to a share of the rate; `holds` is asked up to three times a rate."""
    floor = _decide(holds, low)
    if floor is None:
        return Found(interval=None, best=0.0, unknown_per_s=low)
    if not floor:
        return Found(interval=Interval(value=0.0, low=0.0, high=low), best=0.0)
    ceiling = _decide(holds, high)
    while not ceiling and high > low * (1 + within):
        middle = math.sqrt(low * high)
        step = _decide(holds, middle)
        if step:
            low = middle
        else:
            high, ceiling = middle, step
    return _bounded(low, high, ceiling)


def most_bursts(*, times: float, within: float) -> int:
    """Return how many bursts a search can take at the most: three at each end, and at each halving between."""
    rates, apart = 2, math.log(times)
    while apart > math.log1p(within):
        rates, apart = rates + 1, apart / 2
    return TRIES * rates


def _bounded(low: float, high: float, ceiling: Vote) -> Found:
    if ceiling:
        return Found(interval=Interval.exact(high), best=high)
    if ceiling is None:
        return Found(interval=Interval.exact(low), best=low, unknown_per_s=high)
    return Found(interval=Interval(value=low, low=low, high=high), best=low)


def _decide(holds: Callable[[float], Vote], rate_per_s: float) -> Vote:
    """Return what two tries of three agree on."""
    votes: list[Vote] = []
    while len(votes) < TRIES and max(votes.count(True), votes.count(False)) * 2 <= TRIES:
        votes.append(holds(rate_per_s))
    return next((vote for vote in (True, False) if votes.count(vote) * 2 > TRIES), None)
