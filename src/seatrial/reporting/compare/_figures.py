"""The figures of one operation in two runs, and what is certain of how they differ, as JSON data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.swarm.compare import LATENCIES, Held, Within, hold

FIGURES: Mapping[str, str] = {"p50": "ms", "p95": "ms", "p99": "ms", "rate": "per_s", "error_ratio": "ratio"}
"""What is held against each other, with its unit."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one run, none where it was not sent; `certain` are those whose intervals are known."""

    values: Mapping[str, Within]
    certain: bool


def figures_between(base: Figures, candidate: Figures, *, compared: bool, later: Sequence[float]) -> dict[str, Any]:
    """Return each figure with both values; what is not `compared` has no change, and neither has what has no interval.

    A bound is null where there are too few requests for one.
    """
    held = compared and base.certain and candidate.certain
    changes = {name: hold(base.values, candidate.values, name, later=later) if held else None for name in FIGURES}
    return {name: _between(name, base, candidate, found) for name, found in changes.items()}


def _between(name: str, base: Figures, candidate: Figures, found: Held | None) -> dict[str, Any]:
    return {
        "base": _shown(base, name),
        "candidate": _shown(candidate, name),
        "change": _within(found.change, name) if found else None,
        "state": found.state if found else "not-compared",
    }


def _shown(side: Figures, name: str) -> dict[str, float | None] | None:
    if name not in side.values:
        return None
    found = side.values[name]
    return _within(found, name) if side.certain else {"value": found.value, "low": None, "high": None}


def _within(found: Within, name: str) -> dict[str, float | None]:
    """Return an interval whose bounds are null where there is none; a latency that is only above 0 has none below."""
    low = None if name in LATENCIES and found.low <= 0 else found.low
    return {"value": found.value, "low": low, "high": found.high if math.isfinite(found.high) else None}
