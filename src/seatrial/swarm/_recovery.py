"""How long a service needs after a spike until those who come are served as they were before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Self

from seatrial.config import Rule, ScenarioSettings, SpikeSettings
from seatrial.core import Measurement, UsageError
from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import DROPPED, OK, RAISED
from seatrial.swarm._rows import Row, Visit
from seatrial.swarm._spool import Series, Spool, ordered

RECOVERY = "recovery_s"
DEFINITION = (
    "seconds from the end of the spike to the end of the last second in which more than half of the requests that were "
    "due failed, or took more than 100 ms and twice what nine of ten took before the spike"
)
FLOOR_MS, FACTOR = 100.0, 2


class Recovery:
    """The seconds that a service needed after a spike, by one of its latencies, taken in by due time."""

    def __init__(self, spike: SpikeSettings, before: Series, latency: Callable[[Row], float]) -> None:
        self._begins_s, self._ends_s = spike.at_s, spike.at_s + spike.for_s
        self._before, self._latency = before, latency
        self._bound_ms: float | None = None
        self._served: Counter[int] = Counter()
        self._well: Counter[int] = Counter()

    def take(self, visit: Visit) -> None:
        """Take in an arrival."""
        for row in visit:
            if row.outcome == RAISED:
                continue
            if row.due_s < self._begins_s:
                self._before.add(self._latency(row))
            elif row.due_s >= self._ends_s:
                second = int(row.due_s - self._ends_s)
                self._served[second] += 1
                self._well[second] += row.outcome == OK and self._latency(row) <= self._bound()

    def _bound(self) -> float:
        """Return the longest latency of a request that is served well: all before the spike were due before this."""
        if self._bound_ms is None:
            before = ordered([self._before])
            self._bound_ms = max(FLOOR_MS, FACTOR * nearest_rank(before, 90)) if len(before) else FLOOR_MS
        return self._bound_ms

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        bad = (second + 1 for second, served in self._served.items() if 2 * self._well[second] < served)
        return float(max(bad, default=0))


@dataclass(frozen=True, slots=True)
class Recoveries:
    """How long it took by what clients saw, and at the least: without what the generator was late by."""

    seen: Recovery
    least: Recovery

    @classmethod
    def of(cls, scenario: ScenarioSettings, spool: Spool) -> Self | None:
        """Return both of a scenario with a spike; None of any other."""
        if scenario.spike is None:
            return None
        seen = Recovery(scenario.spike, spool.series(), attrgetter("latency_ms"))
        return cls(seen, Recovery(scenario.spike, spool.series(), _earned_ms))

    def take(self, visit: Visit) -> None:
        """Take in an arrival."""
        self.seen.take(visit)
        self.least.take(visit)


def _earned_ms(row: Row) -> float:
    return 0.0 if row.outcome in DROPPED else row.service_ms


def check_recovery(name: str, scenario: ScenarioSettings, rule: Rule, duration_s: float) -> None:
    """Raise UsageError where an objective on recovery could not be broken: no spike, or too little time after it."""
    after_s = duration_s - (scenario.spike.at_s + scenario.spike.for_s) if scenario.spike else 0.0
    if rule.holds(after_s):
        raise UsageError(
            f"the objective {RECOVERY} of {name!r} could not be broken: {max(after_s, 0):g} s are left after a spike",
            slug="objective-recovery",
            where=f"[load.{name}.objectives] {RECOVERY}",
            remedy="write a [load.NAME.spike] that ends well before the duration, or ask for less",
        )


def measure_recovery(name: str, value: float | None, *, samples: int) -> list[Measurement]:
    """Return the measurement of a scenario with a spike; empty of any other."""
    if value is None:
        return []
    return [Measurement(name=f"load.{name}.{RECOVERY}", value=value, unit="s", definition=DEFINITION, samples=samples)]
