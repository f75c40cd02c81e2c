"""What somebody who watches is told of a scenario once a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from seatrial.core import Progress
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import Message

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 30
"""How many seconds the last line of bars goes back."""


class Teller:
    """Turn ticks of the load process into lines."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        self._slowest: deque[float] = deque(maxlen=WIDTH)

    def __call__(self, tick: Message) -> None:
        """Tell how far it is, at which rate, how the last second went, and p99 of the seconds before."""
        self._progress(", ".join((self._how_far(tick), *self._how_well(tick))))

    def _how_far(self, tick: Message) -> str:
        plan, elapsed_s = self._plan, tick["elapsed_s"]
        seconds = f"{min(round(elapsed_s), plan.duration_s):g} s of {plan.duration_s:g} s"
        achieved = tick["started"] / min(elapsed_s, plan.duration_s)
        return f"{plan.name} {plan.rate_per_s:g}/s {seconds}, {achieved:.1f}/s began"

    def _how_well(self, tick: Message) -> Sequence[str]:
        left = tick["started"] - tick["answered"] - tick["failed"]
        told = [f"{tick['failures']} failures", f"{tick['limited']} x 429"]
        if tick["p99_ms"] is not None:
            self._slowest.append(tick["p99_ms"])
            told.append(f"p50 {tick['p50_ms']:.2f} ms, p99 {tick['p99_ms']:.2f} ms {bars(self._slowest)}")
        return [*told, f"waiting for {left}"] if left and tick["elapsed_s"] > self._plan.duration_s else told


def bars(values: Sequence[float]) -> str:
    """Return one bar a value, the highest for the largest of them."""
    top = max(values) or 1.0
    return "".join(BARS[min(int(value / top * len(BARS)), len(BARS) - 1)] for value in values)
