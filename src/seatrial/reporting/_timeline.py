"""The timeline of a proof as a drawing: one row a client, what was admitted above its line and what was refused below.

What was not answered stands on the line.

Requests of one moment stand on each other: a bar's height is their number, so that five hundred of them stay readable.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LABEL, WIDTH, ROW, TALL, TOP = 190, 700, 34, 13, 26
BINS = 280
MOST = 60
"""So many clients are drawn; all of them are in ratelimit.json."""
RUNS = 8
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
TICKS = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """Requests of one moment, and what came of them."""

    x: float
    y: float
    width: float
    height: float
    came: str
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """One client: its line, its declared window from the first request on, its bars."""

    client: str
    y: float
    window: tuple[float, float]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that the template draws; lengths are in units of the drawing."""

    width: float
    height: float
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    hidden: int
    left: float = LABEL
    across: float = WIDTH


def draw(timeline: Sequence[dict[str, Any]], window_s: float) -> Drawing:
    """Return the drawing of a policy's timeline (as ratelimit.json has it)."""
    shown = timeline[:MOST]
    lasts = [request["at_s"] + request["took_s"] for lane in timeline for request in lane["requests"]]
    span_s = max([*lasts, window_s])
    most = max((count for lane in shown for count in _binned(lane, span_s).values()), default=1)
    rows = tuple(_row(lane, number, window_s, span_s, most) for number, lane in enumerate(shown))
    height = TOP + ROW * len(shown) + 8
    return Drawing(LABEL + WIDTH + 10, height, rows, tuple(_ticks(span_s)), len(timeline) - len(shown))


def _binned(lane: dict[str, Any], span_s: float) -> Counter[tuple[int, str]]:
    """Return how many requests of a client were admitted, refused and not answered, by moment."""
    return Counter((_bin(request["at_s"], span_s), request["came"]) for request in lane["requests"])


def _bin(at_s: float, span_s: float) -> int:
    return min(BINS - 1, int(BINS * at_s / span_s))


def _x(at_s: float, span_s: float) -> float:
    return round(LABEL + WIDTH * min(at_s / span_s, 1.0), 1)


def _row(lane: dict[str, Any], number: int, window_s: float, span_s: float, most: int) -> Row:
    y = TOP + ROW * number + ROW / 2
    began_s = lane["requests"][0]["at_s"] if lane["requests"] else 0.0
    window = _x(began_s, span_s), _x(began_s + window_s, span_s)
    bars = tuple(_bar(*moment, count, y, span_s, most) for moment, count in sorted(_binned(lane, span_s).items()))
    return Row(lane["client"], y, window, bars)


def _bar(place: int, came: str, count: int, y: float, span_s: float, most: int) -> Bar:  # noqa: PLR0913, PLR0917 - one bar
    # By the root, so that one request is seen beside five hundred.
    height = round(max(2.0, TALL * math.sqrt(count / most)), 1)
    width = WIDTH / BINS
    says = f"{count} {came} at {place * span_s / BINS:.2f} s"
    top = {"admitted": y - height, "refused": y, "unanswered": y - height / 2}[came]
    return Bar(round(LABEL + place * width, 1), top, round(width, 1), height, came, says)


def _ticks(span_s: float) -> Iterator[tuple[float, str]]:
    step = next((step for step in STEPS if span_s / step <= TICKS), span_s / TICKS)
    for number in range(int(span_s / step) + 1):
        yield _x(number * step, span_s), f"{number * step:g} s"


def runs(lane: dict[str, Any]) -> str:
    """Return the order of a client's admissions and refusals, and of what was not answered, in words."""
    groups = [
        f"{sum(1 for _ in group)} {came}"
        for came, group in itertools.groupby(request["came"] for request in lane["requests"])
    ]
    return ", ".join(groups[:RUNS]) + (f" and {len(groups) - RUNS} turns more" if len(groups) > RUNS else "")
