"""A figure over the runs that asked for the same: what it was before, by how much it differs, and a small drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial.core import GateResult
from seatrial.record import PastRun
from seatrial.reporting._numbers import figure

WIDTH, HEIGHT, EDGE = 96, 20, 2
BETTER = {"<": -1, "<=": -1, ">": 1, ">=": 1}
"""Which way a figure becomes better, by the operator of the rule about it."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """What the template draws: the pieces between which nothing was measured, the last value, and the same in words."""

    pieces: tuple[str, ...]
    last: tuple[float, float]
    says: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Trend:
    """What a figure was in the last run before this one that has it, and the way since; empty where there is none.

    `course` is better, worse, the same, or changed where a rule does not say which way is better.
    """

    previous: float | None = None
    run: str = ""
    change: str = ""
    course: str = ""
    drawing: Sparkline | None = None


def trend_of(gate: GateResult, earlier: Sequence[PastRun]) -> Trend:
    """Return how the value of a rule came about, from earlier runs (the oldest first)."""
    return trend(gate.value, gate.unit, earlier, lambda run: _measured(run, gate), better=BETTER.get(gate.operator, 0))


def _measured(run: PastRun, gate: GateResult) -> float | None:
    """Return what an earlier run measured of the metric of a rule, whatever its rule was."""
    alike = (past.value for past in run.gates if (past.metric, past.unit) == (gate.metric, gate.unit))
    return next((value for value in alike if value is not None), None)


def trend(
    value: float | None,
    unit: str,
    earlier: Sequence[PastRun],
    measured: Callable[[PastRun], float | None],
    *,
    better: int = 0,
) -> Trend:
    """Return how a figure came about; `better` is 1 where more is, -1 where less is, 0 where nobody knows."""
    before = [measured(run) for run in earlier]
    known = [(run.run, found) for run, found in zip(earlier, before, strict=True) if found is not None]
    if not known:
        return Trend()
    run, previous = known[-1]
    drawing = sparkline([*before, value], unit)
    if value is None:
        return Trend(previous, run, drawing=drawing)
    return Trend(previous, run, _change(value - previous), _course(value - previous, better), drawing)


def _change(by: float) -> str:
    """Return a difference with its sign, in the unit of the figure; nothing where there is none."""
    return f"{'+' if by > 0 else '-'}{figure(abs(by))}" if by else ""


def _course(by: float, better: int) -> str:
    if not by:
        return "the same"
    return {1: "better", -1: "worse", 0: "changed"}[(by > 0) * better - (by < 0) * better]


def sparkline(values: Sequence[float | None], unit: str) -> Sparkline | None:
    """Return a line through values, evenly spaced, as high as they differ; None where fewer than two are known."""
    known = [value for value in values if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - no line without two ends
        return None
    low, high = min(known), max(known)
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    points = [None if v is None else (round(EDGE + n * step, 1), _y(v, low, high)) for n, v in enumerate(values)]
    last = next(point for point in reversed(points) if point is not None)
    ends = f"{figure(known[0], unit)} to {figure(known[-1], unit)}"
    says = f"{len(known)} runs, from {ends}, between {figure(low, unit)} and {figure(high, unit)}"
    return Sparkline(tuple(_pieces(points)), last, says)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE), 1)


def _pieces(points: Sequence[tuple[float, float] | None]) -> list[str]:
    """Return what is drawn without a gap, as a polyline has it; one value alone is a short stroke."""
    pieces: list[list[str]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{point[0]:g},{point[1]:g}")
    return [" ".join(piece if len(piece) > 1 else piece * 2) for piece in pieces if piece]
