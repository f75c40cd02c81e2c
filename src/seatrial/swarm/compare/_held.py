"""What two runs at two times say of a figure: worse or better for certain and by more than runs differ anyway, or open.

No interval within a run knows how much runs of one version differ from each other: warm caches, another placement in
memory, another neighbour on the machine. So a latency has to be certainly more than `APART` times the other one, and
that times how much later the generator itself began what was due: whatever kept it waiting kept the service waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.swarm._percentile import POINTS
from seatrial.swarm.compare._apart import Within, difference_of, percentile_within, ratio_of, share_within
from seatrial.swarm.compare._conclude import ERRORS
from seatrial.swarm.compare._recorded import Series
from seatrial.swarm.compare._sequential import SLOWER

State = Literal["worse", "better", "open"]

LATENCIES = ("p50", "p95", "p99")
RATE, ERROR_RATIO = "rate", "error_ratio"
APART = 2.5
"""How many times as long: runs of one version on one machine, idle for some and busy for others, differed by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """By how much a figure changed, as a ratio or (of shares) a difference, and what is certain of that."""

    change: Within
    state: State


def figures_within(series: Series, *, duration_s: float) -> dict[str, Within]:
    """Return each figure of an operation with its interval; there must be a timed request.

    The interval of the rate is that of how many went well: how many there were the schedule says, not the service.
    """
    well, per_s = share_within([*map(bool, series.good)]), len(series.good) / duration_s
    return {
        **{name: percentile_within(series.latencies_ms, POINTS[name]) for name in LATENCIES},
        RATE: Within(value=well.value * per_s, low=well.low * per_s, high=well.high * per_s),
        ERROR_RATIO: Within(value=1 - well.value, low=1 - well.high, high=1 - well.low),
    }


def hold(
    base: Mapping[str, Within], candidate: Mapping[str, Within], name: str, *, later: Sequence[float] = ()
) -> Held | None:
    """Return what can be said of a figure; None of one that is 0 in either run, of which no other is a multiple.

    `later` is how many times as late as the base's the generator of the candidate was, by each witness of that.
    """
    before, now = base[name], candidate[name]
    if name == ERROR_RATIO:
        more = difference_of(before, now)
        return Held(change=more, state=_state(more.low > ERRORS, more.high < -ERRORS))
    if not (before.value > 0 and now.value > 0):
        return None
    times = ratio_of(before, now)
    if name == RATE:
        return Held(change=times, state=_state(times.high < 1 / SLOWER, times.low > SLOWER))
    slower, faster = APART * max((1.0, *later)), min((1.0, *later)) / APART
    return Held(change=times, state=_state(times.low > slower, times.high < faster))


def _state(worse: bool, better: bool) -> State:
    return "worse" if worse else "better" if better else "open"
