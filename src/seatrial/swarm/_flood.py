"""More requests than a service can take, so that it has all it can do while something else is looked at."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from seatrial.config import FloodSettings
from seatrial.swarm._honesty import BUSY_PERCENT
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import START_TIMEOUT_S, LoadProcess, Message

POLL_S = 0.1
TURNED_AWAY_PERCENT = 5
"""Of a flood: where fewer of its arrivals found all their places taken, the service kept up with it."""


class Hammer:
    """Send a plan's arrivals from entering until leaving; what they measure is not judged.

    Entering blocks until they came for a second, and raises UsageError for a load file that cannot be used.
    """

    def __init__(self, plan: Plan, process: LoadProcess) -> None:
        self._plan, self._process = plan, process
        self._ticked = threading.Event()
        self._ends_s = 0.0
        self._counts: Message = {}

    def __enter__(self) -> Self:
        """Begin."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hammer")
        self._running = pool.submit(self._process.run, self._plan, self._tick)
        pool.shutdown(wait=False)  # its one thread ends with the process
        while not (self._ticked.wait(POLL_S) or self._running.done()):
            pass
        if self._running.done():
            self._running.result()
        return self

    def _tick(self, tick: Message) -> None:
        self._counts = tick
        self._ends_s = time.monotonic() - tick["elapsed_s"] + self._plan.duration_s
        self._ticked.set()

    @property
    def due(self) -> int:
        """Return how many arrivals were due."""
        return int(self._counts.get("due", 0))

    @property
    def started(self) -> int:
        """Return how many of them began; the others were turned away, as too many were under way."""
        return int(self._counts.get("started", 0))

    @property
    def busy(self) -> float:
        """Return which share of a processor sending took."""
        return float(self._counts.get("busy", 0.0))

    @property
    def ended(self) -> bool:
        """Return whether no more arrivals are due."""
        return self._running.done() or time.monotonic() > self._ends_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the process, whatever is under way."""
        self._process.interrupt()
        wait([self._running])


@dataclass(slots=True, kw_only=True)
class Flooded:
    """What became of a flood meanwhile: `due` arrivals, `sent` ones, and how busy (of 1) its own process was."""

    settings: FloodSettings
    due: int = 0
    sent: int = 0
    busy: float = 0.0
    ended: bool = False

    @property
    def doubt(self) -> str:
        """Return why the service was not saturated, empty where it was: as many as may be were always under way."""
        if self.ended:
            return "the flood beside it ended before it did"
        if self.busy * 100 > BUSY_PERCENT:
            return f"the flood beside it took {self.busy:.0%} of a processor: the generator was at its limit first"
        if (self.due - self.sent) * 100 < self.due * TURNED_AWAY_PERCENT or not self.due:
            return (
                f"the service was not saturated: it took {self.sent} of {self.due} further requests, "
                f"with room for {self.settings.in_flight} at a time; raise `rate_per_s` of its flood"
            )
        return ""


@dataclass(slots=True)
class Flood:
    """Keep the places of a scenario's flood taken from entering until leaving; what it measures is not judged."""

    settings: FloodSettings
    hammer: Hammer
    counts: Flooded = field(init=False)

    def __enter__(self) -> Flooded:
        """Begin, and return what will have become of it when it is left."""
        self.hammer.__enter__()
        self.counts = Flooded(settings=self.settings, due=-self.hammer.due, sent=-self.hammer.started)
        return self.counts

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        self.counts.due += self.hammer.due
        self.counts.sent += self.hammer.started
        self.counts.busy, self.counts.ended = self.hammer.busy, self.hammer.ended
        self.hammer.__exit__(kind, error, traceback)


def make_flood(settings: FloodSettings, plan: Plan, process: LoadProcess, *, work: Path) -> Flood:
    """Return the flood beside a plan: its requests as nobody, for longer than the plan can take.

    Where the scenario has paths, they are asked for without its own class: that costs the generator the least.
    """
    more = replace(
        plan,
        user="" if plan.paths else plan.user,
        rate_per_s=settings.rate_per_s,
        knots=(),
        most_in_flight=settings.in_flight,
        identities=(),
        duration_s=plan.duration_s + plan.patience_s + START_TIMEOUT_S,
        requests=str(work / f"flood-{plan.name}.csv"),
    )
    return Flood(settings, Hammer(more, process))
