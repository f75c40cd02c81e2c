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
"""So many moments are told apart at most."""

BARS = 600
"""So many bars are drawn at most: where there were more, fewer moments are told apart."""

MOST = 60
"""So many clients are drawn; all of them are in ratelimit.json."""
RUNS = 8
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
TICKS = 10


Counts = Counter[tuple[int, str]]
"""How many requests came of each kind, by moment."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What bars are drawn by: the seconds of the whole drawing, its moments, and the most requests of one."""

    span_s: float
    bins: int
    most: int


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
    """Everything that the template draws; lengths are in units of the drawing.

    `each_s` is how long the moment of a bar is, where moments are longer than they have to be (else 0).
    """

    width: float
    height: float
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    hidden: int
    each_s: float = 0.0
    left: float = LABEL
    across: float = WIDTH


def draw(timeline: Sequence[dict[str, Any]], window_s: float) -> Drawing:
    """Return the drawing of a policy's timeline (as ratelimit.json has it)."""
    shown = timeline[:MOST]
    lasts = [request["at_s"] + request["took_s"] for lane in timeline for request in lane["requests"]]
    span_s = max([*lasts, window_s])
    bins, counted = _told_apart(shown, span_s)
    most = max((count for counts in counted for count in counts.values()), default=1)
    scale = Scale(span_s, bins, most)
    rows = tuple(
        _row(lane, number, window_s, counts, scale)
        for number, (lane, counts) in enumerate(zip(shown, counted, strict=True))
    )
    height = TOP + ROW * len(shown) + 8
    each_s = span_s / bins if bins < BINS else 0.0
    return Drawing(LABEL + WIDTH + 10, height, rows, tuple(_ticks(span_s)), len(timeline) - len(shown), each_s)


def _told_apart(shown: Sequence[dict[str, Any]], span_s: float) -> tuple[int, list[Counts]]:
    """Return how many moments are told apart, as many as there is room for their bars, and what came in each."""
    bins = BINS
    while sum(map(len, counted := [_binned(lane, span_s, bins) for lane in shown])) > BARS and bins > 1:
        bins = bins * 4 // 5
    return bins, counted


def _binned(lane: dict[str, Any], span_s: float, bins: int) -> Counts:
    """Return how many requests of a client were admitted, refused and not answered, by moment."""
    return Counter((min(bins - 1, int(bins * one["at_s"] / span_s)), one["came"]) for one in lane["requests"])


def _x(at_s: float, span_s: float) -> float:
    return round(LABEL + WIDTH * min(at_s / span_s, 1.0), 1)


def _row(lane: dict[str, Any], number: int, window_s: float, counts: Counts, scale: Scale) -> Row:
    span_s = scale.span_s
    y = TOP + ROW * number + ROW / 2
    began_s = lane["requests"][0]["at_s"] if lane["requests"] else 0.0
    window = _x(began_s, span_s), _x(began_s + window_s, span_s)
    bars = tuple(_bar(*moment, count, y, scale) for moment, count in sorted(counts.items()))
    return Row(lane["client"], y, window, bars)


def _bar(place: int, came: str, count: int, y: float, scale: Scale) -> Bar:
    # By the root, so that one request is seen beside five hundred.
    height = round(max(2.0, TALL * math.sqrt(count / scale.most)), 1)
    width = WIDTH / scale.bins
    says = f"{count} {came} at {place * scale.span_s / scale.bins:.2f} s"
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
