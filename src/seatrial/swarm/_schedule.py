"""When arrivals are due: a pure function of rate, duration and seed, never of what the server does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Literal

from seatrial.swarm._rate import Rate

Spacing = Literal["constant", "poisson"]


def due_times(
    rate_per_s: float | Rate, *, duration_s: float, seed: int, spacing: Spacing = "constant"
) -> Iterator[float]:
    """Yield the instants (seconds from the start, ascending, below `duration_s`) at which arrivals are due.

    One is due whenever the integral of the rate passes a whole number and a seeded phase (`constant`), or the next
    instant of a Poisson process that runs at one a second while the integral is the clock (`poisson`).
    """
    rate = rate_per_s if isinstance(rate_per_s, Rate) else Rate([(0.0, rate_per_s)])
    draw = random.Random(seed)  # noqa: S311 - a schedule that can be repeated, not a secret
    counts = itertools.count(draw.random()) if spacing == "constant" else _poisson(draw)
    # Rounding may put one of two close instants before the other: `max` keeps their order.
    times = itertools.accumulate(map(rate.when, counts), max)
    return itertools.takewhile(lambda due: due < duration_s, times)


def _poisson(draw: random.Random) -> Iterator[float]:
    return itertools.accumulate(draw.expovariate(1.0) for _ in itertools.count())


def share_of(times: Iterator[float], index: int, count: int) -> Iterator[tuple[int, float]]:
    """Yield number and instant of the arrivals that are one of `count` processes' own: together they send each once."""
    return itertools.islice(enumerate(times), index, None, count)
