"""How the rate of a scenario changes with time, as its configuration says: a multiple of `rate_per_s`."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.config import RampSettings, ScenarioSettings, SpikeSettings, StepsSettings
from seatrial.core import UsageError
from seatrial.swarm._rate import Knot

HEADER = ["t", "rate"]
MOST_LINES = 100_000


def knots_of(scenario: ScenarioSettings, *, root: Path) -> tuple[Knot, ...]:
    """Return the knots of a scenario's rate; raises UsageError for a recording that is none."""
    return tuple((at_s, times * scenario.rate_per_s) for at_s, times in _shape(scenario, root))


def _shape(scenario: ScenarioSettings, root: Path) -> Sequence[Knot]:
    if scenario.ramp:
        return _ramp(scenario.ramp)
    if scenario.steps:
        return _steps(scenario.steps)
    if scenario.spike:
        return _spike(scenario.spike)
    if scenario.recorded:
        return read_recording(root / scenario.recorded.file)
    return [(0.0, 1.0)]


def _ramp(ramp: RampSettings) -> Sequence[Knot]:
    return [(0.0, 1.0), (ramp.over_s, ramp.times)]


def _steps(steps: StepsSettings) -> Sequence[Knot]:
    return list(_stairs([(number * steps.each_s, times) for number, times in enumerate(steps.times)]))


def _spike(spike: SpikeSettings) -> Sequence[Knot]:
    return list(_stairs([(0.0, 1.0), (spike.at_s, spike.times), (spike.at_s + spike.for_s, 1.0)]))


def _stairs(levels: Sequence[Knot]) -> Iterator[Knot]:
    """Yield knots of a rate that stays at each level until the next one begins."""
    yield levels[0]
    for (_, before), (at_s, after) in itertools.pairwise(levels):
        yield at_s, before
        yield at_s, after


def read_recording(file: Path) -> Sequence[Knot]:
    """Return the knots of recorded rates as shares of the highest one; raises UsageError for what is no recording."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(f"the recording cannot be read: {error}", str(file)) from error
    if not lines or [cell.strip() for cell in lines[0].split(",")] != HEADER:
        raise _unusable("the recording does not begin with the line t,rate", f"{file}:1")
    if len(lines) > MOST_LINES:
        raise _unusable(f"the recording has more than {MOST_LINES:,} lines", str(file))
    levels = [_level(cells, f"{file}:{number}") for number, cells in enumerate(csv.reader(lines[1:]), 2) if cells]
    _check(levels, file)
    highest = max(per_s for _, per_s in levels)
    return list(_stairs([(at_s, per_s / highest) for at_s, per_s in levels]))


def _level(cells: Sequence[str], where: str) -> Knot:
    try:
        at_s, per_s = map(float, cells)
    except ValueError as error:
        raise _unusable(f"{','.join(cells)!r} is not two numbers", where) from error
    if not (0 <= at_s < math.inf and 0 <= per_s < math.inf):
        raise _unusable(f"{','.join(cells)!r} is no time and rate of 0 or more", where)
    return at_s, per_s


def _check(levels: Sequence[Knot], file: Path) -> None:
    if not levels or not any(per_s for _, per_s in levels):
        raise _unusable("the recording has no rate above 0", str(file))
    times = [at_s for at_s, _ in levels]
    if times[0] or any(after <= before for before, after in itertools.pairwise(times)):
        raise _unusable("the times of the recording do not ascend from 0", str(file))


def _unusable(what: str, where: str) -> UsageError:
    return UsageError(
        what,
        slug="load-recording-unusable",
        where=where,
        remedy="write a line t,rate, then a line for each change: seconds from 0 on, and arrivals per second from then",
    )
