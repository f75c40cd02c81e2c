"""More requests than a service can take, so that it has all it can do while something else is looked at."""

from __future__ import annotations

import math
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from seatrial.config import FloodSettings
from seatrial.swarm._honesty import BUSY_PERCENT
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import START_TIMEOUT_S, LoadProcess, Message

POLL_S = 0.1
HEAR_S = 5.0
"""How long a tick, due every second, is waited for."""

TURNED_AWAY_PERCENT = 5
"""Of a flood: where fewer of its arrivals found all their places taken, the service kept up with it."""

SATURATED_PERCENT = 90
"""Of the seconds in which the load was due: one stall turns many away, and leaves a service idle in the others."""

LATE_MS = 500
"""So late may 99 % of a flood's arrivals begin: only how many are under way is judged by them, second by second."""


class Hammer:
    """Send a plan's arrivals from entering until leaving; what they measure is not judged.

    Entering blocks until they came for a second, and raises UsageError for a load file that cannot be used.
    """

    def __init__(self, plan: Plan, process: LoadProcess) -> None:
        self._plan, self._process = plan, process
        self._ticked = threading.Event()
        self.began_s = math.inf
        self.ticks: list[Message] = []

    def __enter__(self) -> Self:
        """Begin."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hammer")
        self._running = pool.submit(self._process.run, self._plan, self._tick)
        pool.shutdown(wait=False)  # its one thread ends with the process
        try:
            while not (self._ticked.wait(POLL_S) or self._running.done()):
                pass
        except BaseException:  # Ctrl-C: nobody leaves what was not entered
            self._end()
            raise
        if self._running.done():
            self._running.result()
        return self

    def _tick(self, tick: Message) -> None:
        self.began_s = min(self.began_s, time.monotonic() - tick["elapsed_s"])
        self.ticks.append(tick)
        self._ticked.set()

    def last(self, figure: str) -> float:
        """Return a figure as it was last told, 0 before anything was."""
        return float(self.ticks[-1][figure]) if self.ticks else 0.0

    @property
    def due(self) -> int:
        """Return how many arrivals were due."""
        return int(self.last("due"))

    @property
    def started(self) -> int:
        """Return how many of them began; the others were turned away, as too many were under way."""
        return int(self.last("started"))

    @property
    def ended(self) -> bool:
        """Return whether no more arrivals are due."""
        return self._running.done() or time.monotonic() > self.began_s + self._plan.duration_s

    def catch_up(self) -> None:
        """Wait until it was told how far it is by now; not for long, and not for one that has ended."""
        now_s = time.monotonic()
        while self.began_s + self.last("elapsed_s") < now_s and not self.ended and time.monotonic() < now_s + HEAR_S:
            time.sleep(POLL_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the process, whatever is under way."""
        self._end()

    def _end(self) -> None:
        self._process.interrupt()
        wait([self._running])


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How far a flood was, by seconds since the first judged arrival was due: arrivals that were due, and sent."""

    at_s: float
    due: float
    sent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flooded:
    """What became of a flood beside a load of `duration_s`.

    `beats` begin with it and came once a second; `busy` (of 1) is its own process, `lag_ms` what 99 % of its arrivals
    began late by, which may be `LATE_MS`.
    """

    settings: FloodSettings
    duration_s: float
    beats: Sequence[Beat] = ()
    busy: float = 0.0
    lag_ms: float = 0.0
    ended: bool = False

    @property
    def due(self) -> int:
        """Return how many of its arrivals were due while the load was."""
        return round(self._between(0, self.duration_s).due)

    @property
    def sent(self) -> int:
        """Return how many of these began."""
        return round(self._between(0, self.duration_s).sent)

    def sent_between(self, from_s: float, until_s: float) -> float | None:
        """Return how many began between two instants, None where it is not known up to the second one."""
        known = self.beats and self.beats[-1].at_s >= until_s
        return self._between(from_s, until_s).sent if known else None

    @property
    def doubt(self) -> str:
        """Return why the service was not saturated, empty where it was: as many as may be were always under way."""
        if self.ended or not self.beats or self.beats[-1].at_s < self.duration_s:
            return "the flood beside it ended before it did"
        if self.busy * 100 > BUSY_PERCENT:
            return f"the flood beside it took {self.busy:.0%} of a processor: the generator was at its limit first"
        if self.lag_ms > LATE_MS:
            return (
                f"99 % of the arrivals of the flood beside it began up to {self.lag_ms:.1f} ms late, "
                f"more than {LATE_MS} ms: the generator was at its limit first"
            )
        return self._idle()

    def _idle(self) -> str:
        seconds = [self._between(second, second + 1) for second in range(max(int(self.duration_s), 1))]
        full = sum(one.due > 0 and (one.due - one.sent) * 100 >= one.due * TURNED_AWAY_PERCENT for one in seconds)
        if full * 100 >= len(seconds) * SATURATED_PERCENT:
            return ""
        return (
            f"the service was not saturated: it took {self.sent} of {self.due} further requests, with room for "
            f"{self.settings.in_flight} at a time, and turned any away in {full} of {len(seconds)} seconds; "
            "raise `rate_per_s` of its flood"
        )

    def _between(self, from_s: float, until_s: float) -> Beat:
        first, last = self._at(from_s), self._at(until_s)
        return Beat(at_s=until_s - from_s, due=last.due - first.due, sent=last.sent - first.sent)

    def _at(self, at_s: float) -> Beat:
        """Return how far it was at an instant: between two beats evenly, and nothing is known before or after them."""
        after = bisect_left(self.beats, at_s, key=lambda beat: beat.at_s)
        if not 0 < after < len(self.beats):
            return self.beats[min(after, len(self.beats) - 1)] if self.beats else Beat(at_s=at_s, due=0, sent=0)
        old, new = self.beats[after - 1], self.beats[after]
        share = (at_s - old.at_s) / (new.at_s - old.at_s)
        return Beat(at_s=at_s, due=old.due + share * (new.due - old.due), sent=old.sent + share * (new.sent - old.sent))


class Flood:
    """Keep the places of a scenario's flood taken from entering until leaving; what it measures is not judged."""

    def __init__(self, settings: FloodSettings, plan: Plan, process: LoadProcess) -> None:
        self._settings = settings
        self._hammer = Hammer(plan, process)
        self._ended = True

    def __enter__(self) -> Self:
        """Begin."""
        self._hammer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it, when it was told what it sent by now."""
        try:
            if error is None:
                self._hammer.catch_up()
            self._ended = self._hammer.ended
        finally:
            self._hammer.__exit__(kind, error, traceback)

    def since(self, zero_s: float, *, duration_s: float) -> Flooded:
        """Return what became of it beside a load whose first arrival was due at `zero_s`, of the monotonic clock."""
        ticks, offset_s = self._hammer.ticks, self._hammer.began_s - zero_s
        told = [Beat(at_s=offset_s + one["elapsed_s"], due=one["due"], sent=one["started"]) for one in ticks]
        return Flooded(
            settings=self._settings,
            duration_s=duration_s,
            beats=[Beat(at_s=offset_s, due=0, sent=0), *told] if told else (),
            busy=self._hammer.last("busy"),
            lag_ms=self._hammer.last("lag_ms"),
            ended=self._ended,
        )


def make_flood(settings: FloodSettings, plan: Plan, process: LoadProcess) -> Flood:
    """Return the flood beside a plan: its requests as nobody, for longer than the plan can take, and without rows.

    Where the scenario has paths, they are asked for without its own class: that costs the generator the least.
    """
    more = replace(
        plan,
        user="" if plan.paths else plan.user,
        rate_per_s=settings.rate_per_s,
        knots=(),
        most_in_flight=settings.in_flight,
        identities=(),
        shown=False,
        duration_s=plan.duration_s + plan.patience_s + START_TIMEOUT_S,
        requests=os.devnull,
    )
    return Flood(settings, more, process)
