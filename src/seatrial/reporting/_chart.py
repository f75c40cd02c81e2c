"""Lines over time as a drawing: lengths are in units of the drawing, and the template only writes them down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

LEFT, WIDTH, HEIGHT, TOP, BOTTOM = 70, 560, 110, 8, 18
TICKS_ACROSS, TICKS_UP = 8, 4
Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is called, its highest value, and its pieces, between which nothing is known."""

    name: str
    most: float
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: float = LEFT + WIDTH + 10
    height: float = TOP + HEIGHT + BOTTOM
    left: float = LEFT
    bottom: float = TOP + HEIGHT


def chart(title: str, unit: str, lines: Mapping[str, Sequence[Point]], *, span_s: float) -> Chart | None:
    """Return the drawing of lines over so many seconds; None where no value is known."""
    values = [value for points in lines.values() for _, value in points if value is not None]
    if not values:
        return None
    step = nice(max(values) / TICKS_UP)
    top = step * max(math.ceil(max(values) / step), 1)
    return Chart(
        title=title,
        unit=unit,
        lines=tuple(_line(name, points, span_s, top) for name, points in lines.items()),
        across=tuple((_x(at, span_s), f"{at:g} s") for at in _ticks(nice(span_s / TICKS_ACROSS), span_s)),
        up=tuple((_y(value, top), f"{value:,.6g}") for value in _ticks(step, top)),
    )


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
