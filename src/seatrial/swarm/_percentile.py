"""Exact percentiles: a value that was measured, never one between two and never a rounded one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Protocol

POINTS: Mapping[str, int | Fraction] = {
    "p50": 50, "p90": 90, "p95": 95, "p99": 99, "p999": Fraction(999, 10), "max": 100,
}  # fmt: skip
"""The percentiles of whatever is measured, by name."""


class Ascending(Protocol):
    """Values by their place, the smallest at 0."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> float: ...


def nearest_rank(ordered: Ascending, percent: int | Fraction) -> float:
    """Return the smallest of the ascending values that at least `percent` of 100 of them do not exceed.

    Raises ValueError without values: no data is never a number.
    """
    if not ordered or not 0 <= percent <= 100:  # noqa: PLR2004 - the ends of the percent scale
        raise ValueError(f"no {percent}th percentile of {len(ordered)} values")
    rank = -(-len(ordered) * percent // 100)  # exactly: 0.99 * 100 is more than 99
    return ordered[max(rank, 1) - 1]
