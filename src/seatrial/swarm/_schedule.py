"""When arrivals are due: a pure function of rate, duration and seed, never of what the server does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Literal

Spacing = Literal["constant", "poisson"]


def due_times(rate_per_s: float, *, duration_s: float, seed: int, spacing: Spacing = "constant") -> Iterator[float]:
    """Yield the instants (seconds from the start, ascending, below `duration_s`) at which arrivals are due.

    `constant` spaces them evenly from a seeded phase; `poisson` draws independent gaps with the same mean.
    """
    draw = random.Random(seed)  # noqa: S311 - a schedule that can be repeated, not a secret
    times = _constant(rate_per_s, draw.random()) if spacing == "constant" else _poisson(rate_per_s, draw)
    return itertools.takewhile(lambda due: due < duration_s, times)


def _constant(rate_per_s: float, phase: float) -> Iterator[float]:
    # Multiplied out for each arrival: adding up a gap would drift over a long run.
    return ((number + phase) / rate_per_s for number in itertools.count())


def _poisson(rate_per_s: float, draw: random.Random) -> Iterator[float]:
    return itertools.accumulate(draw.expovariate(rate_per_s) for _ in itertools.count())
