"""Lines over time as a drawing: lengths are in units of the drawing, and the template only writes them down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LEFT, WIDTH, HEIGHT, TOP, BOTTOM = 70, 560, 110, 8, 18
TICKS_ACROSS, TICKS_UP = 8, 4
Point = tuple[float, float | None]
POINTS = 600
"""So many points are drawn of one chart at most, those of all its lines."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is called, its highest value, and its pieces, between which nothing is known."""

    name: str
    most: float
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws.

    The drawing spans `span_s` seconds and goes up to `top`; where there are more moments than points, those of each
    `each_s` seconds are drawn as the lowest and the highest of them (0: every one is drawn).
    """

    title: str
    unit: str
    span_s: float
    top: float
    each_s: float
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: float = LEFT + WIDTH + 10
    height: float = TOP + HEIGHT + BOTTOM
    left: float = LEFT
    bottom: float = TOP + HEIGHT
    plotted: float = HEIGHT


def chart(
    title: str, unit: str, lines: Mapping[str, Sequence[Point]], *, span_s: float, most: int = POINTS
) -> Chart | None:
    """Return the drawing of lines over so many seconds, of at most so many points; None where no value is known."""
    values = [value for points in lines.values() for _, value in points if value is not None]
    if not values:
        return None
    each_s = _each_s(lines, span_s, most)
    step = nice(max(values) / TICKS_UP)
    top = step * max(math.ceil(max(values) / step), 1)
    return Chart(
        title=title,
        unit=unit,
        span_s=span_s,
        top=top,
        each_s=each_s,
        lines=tuple(_line(name, thinned(points, each_s), span_s, top) for name, points in lines.items()),
        across=tuple((_x(at, span_s), f"{at:g} s") for at in _ticks(nice(span_s / TICKS_ACROSS), span_s)),
        up=tuple((_y(value, top), f"{value:,.6g}") for value in _ticks(step, top)),
    )


def _each_s(lines: Mapping[str, Sequence[Point]], span_s: float, most: int) -> float:
    """Return how many seconds share two points, so that all lines have at most so many; 0 where each has its own."""
    if sum(map(len, lines.values())) <= most:
        return 0.0
    bins = max(most // (2 * len(lines)) - 1, 1)  # the last one may be a part of one
    return math.ceil(10 * span_s / bins) / 10


def thinned(points: Sequence[Point], each_s: float) -> list[Point]:
    """Return of each so many seconds the lowest and the highest value, at the middle of it, and gaps where all is."""
    if not each_s:
        return list(points)
    kept: list[Point] = []
    for number, together in itertools.groupby(points, lambda point: int(point[0] / each_s)):
        values = [value for _, value in together if value is not None]
        at_s = (number + 0.5) * each_s
        kept += [(at_s, value) for value in sorted({min(values), max(values)})] if values else [(at_s, None)]
    return kept


def nice(step: float) -> float:
    """Return a round number that is no less: 1, 2 or 5 and zeros."""
    if step <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(step))
    return next((factor * size for factor in (1, 2, 5, 10) if factor * size >= step * (1 - 1e-9)), 10 * size)


def _ticks(step: float, last: float) -> Iterator[float]:
    yield from (number * step for number in range(int(last / step + 1e-9) + 1))


def _line(name: str, points: Sequence[Point], span_s: float, top: float) -> Line:
    known = [value for _, value in points if value is not None]
    return Line(name, max(known, default=0.0), tuple(_pieces(points, span_s, top)))


def _pieces(points: Sequence[Point], span_s: float, top: float) -> Iterator[str]:
    """Yield what is drawn without a gap, as a polyline has it; one value alone is a short stroke."""
    piece: list[str] = []
    for at_s, value in [*points, (0.0, None)]:
        if value is not None:
            piece.append(f"{_x(at_s, span_s):g},{_y(value, top):g}")
        elif piece:
            yield " ".join(piece if len(piece) > 1 else piece * 2)
            piece = []


def _x(at_s: float, span_s: float) -> float:
    return round(LEFT + WIDTH * min(max(at_s / span_s, 0.0), 1.0), 1)


def _y(value: float, top: float) -> float:
    return round(TOP + HEIGHT * (1 - value / top), 1)
