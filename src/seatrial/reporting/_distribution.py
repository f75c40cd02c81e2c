"""The distribution of a load's latencies as a drawing: bars over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.reporting._chart import BOTTOM, HEIGHT, LEFT, TOP, WIDTH
from seatrial.reporting._numbers import figure

FEW = (1, 2, 5)
MOST_TICKS = 12


@dataclass(frozen=True, slots=True)
class Distribution:
    """Everything that the template draws: one path of bars, what stands below them, and the same in words."""

    bars: str
    across: tuple[tuple[float, str], ...]
    says: str
    width: float = LEFT + WIDTH + 10
    height: float = TOP + HEIGHT + BOTTOM
    left: float = LEFT
    right: float = LEFT + WIDTH
    bottom: float = TOP + HEIGHT


def distribution(bins: Sequence[Mapping[str, Any]]) -> Distribution | None:
    """Return the drawing of bins as stats.json has them; None where there is none, or where these are no bins."""
    most = max((each["requests"] for each in bins), default=0)
    if not most:
        return None
    low, high = bins[0]["from_ms"], bins[-1]["to_ms"]
    bars = "".join(_bar(each, low, high, most) for each in bins if each["requests"])
    return Distribution(bars, tuple(_ticks(low, high)), _words(bins))


def _bar(each: Mapping[str, Any], low: float, high: float, most: int) -> str:
    # By the root, so that one slow request is seen beside a thousand.
    tall = max(HEIGHT * math.sqrt(each["requests"] / most), 1.5)
    begin, end = (_x(each[name], low, high) for name in ("from_ms", "to_ms"))
    return f"M{begin:g} {TOP + HEIGHT:g}V{round(TOP + HEIGHT - tall, 1):g}H{end:g}V{TOP + HEIGHT:g}Z"


def _x(value: float, low: float, high: float) -> float:
    share = math.log(value / low) / math.log(high / low) if high > low else 0.0
    return round(LEFT + WIDTH * min(max(share, 0.0), 1.0), 1)


def _ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = FEW if len(FEW) * len(decades) <= MOST_TICKS else FEW[:1]
    for value in (step * 10.0**decade for decade in decades for step in steps):
        if low <= value <= high:
            yield _x(value, low, high), f"{value:g}"


def _words(bins: Sequence[Mapping[str, Any]]) -> str:
    total, so_far, said = sum(each["requests"] for each in bins), 0, dict[int, float]()
    for each in bins:
        so_far += each["requests"]
        for percent in (50, 90, 99, 100):
            if so_far * 100 >= total * percent:
                said.setdefault(percent, each["to_ms"])
    return ", ".join(f"{percent} % within {figure(value, 'ms')}" for percent, value in said.items())
