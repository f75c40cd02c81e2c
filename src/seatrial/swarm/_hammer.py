"""A scenario's load, so much of it that the service has all it can do, while something else is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from seatrial.config import SHAPES, LimitSettings, ScenarioSettings
from seatrial.core import Identities, Target
from seatrial.swarm._order import prepare
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import LoadProcess, Message
from seatrial.swarm._scenario import make_plan, start_ahead
from seatrial.swarm.traffic import Traffic

POLL_S = 0.1


def make_hammer(  # noqa: PLR0913 - as run_scenario, and how much of it
    name: str,
    scenario: ScenarioSettings,
    *,
    rate_per_s: float,
    duration_s: float,
    most_in_flight: int,
    target: Target,
    identities: Identities,
    seed: int,
    run: str,
    work: Path,
    root: Path,
    limits: Sequence[LimitSettings],
    environment: Mapping[str, str],
    traffic: Traffic | None = None,
) -> Hammer:
    """Start the process that sends a scenario's arrivals at another rate; nobody who sends them comes to a quota.

    Raises UsageError for a scenario that cannot be used, EnvironmentFailure when no process can be started.
    """
    more = {"rate_per_s": rate_per_s, "duration_s": {"quick": duration_s}, "objectives": {}, **dict.fromkeys(SHAPES)}
    changed = scenario.model_copy(update=more)
    order = prepare(name, changed, profile="quick", root=root, limits=limits, environment=environment)
    plan = make_plan(order, target, identities, seed=seed, out=work, traffic=traffic)
    process = start_ahead(f"hammer-{name}", run=run, work=work, root=root)
    return Hammer(replace(plan, most_in_flight=most_in_flight), process)


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
    def ended(self) -> bool:
        """Return whether no more arrivals are due."""
        return self._running.done() or time.monotonic() > self._ends_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the process, whatever is under way."""
        self._process.interrupt()
        wait([self._running])
