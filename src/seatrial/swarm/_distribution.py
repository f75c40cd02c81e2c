"""How latencies are distributed: counts in bins that are equally wide on a logarithmic scale."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from seatrial.swarm._histogram import Histogram

PER_DECADE = 8
"""A bin ends a third above where it begins: fine enough to see two humps, and few enough to be drawn."""


def distribution_of(counted: Histogram) -> list[dict[str, Any]]:
    """Return the bins (ms) from the shortest time to the longest, with how many requests took so long; empty ones too.

    Where HdrHistogram put a time decides, which is within a thousandth of it.
    """
    bins: Counter[int] = Counter()
    for microseconds, count in counted.counts.items():
        bins[math.floor(PER_DECADE * math.log10(microseconds / 1000))] += count
    span = range(min(bins), max(bins) + 1) if bins else ()
    return [{"from_ms": _edge(at), "to_ms": _edge(at + 1), "requests": bins[at]} for at in span]


def _edge(at: int) -> float:
    return float(f"{10 ** (at / PER_DECADE):.4g}")
