"""How long a service needs after a spike until those who come are served as they were before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seatrial.config import Rule, ScenarioSettings
from seatrial.core import Measurement, UsageError
from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._rows import Row

RECOVERY = "recovery_s"
DEFINITION = (
    "seconds from the end of the spike to the end of the last second in which more than half of the requests that were "
    "due failed, or took more than 100 ms and twice what nine of ten took before the spike"
)
FLOOR_MS, FACTOR = 100.0, 2


def recovery_of(rows: Sequence[Row], scenario: ScenarioSettings, latency: Callable[[Row], float]) -> float:
    """Return the seconds that a service needed after the scenario's spike, by the latency that is meant."""
    if scenario.spike is None:
        raise ValueError("a scenario without a spike")
    begins_s, ends_s = scenario.spike.at_s, scenario.spike.at_s + scenario.spike.for_s
    timed = [row for row in rows if row.timed]
    before = sorted(latency(row) for row in timed if row.due_s < begins_s)
    bound_ms = max(FLOOR_MS, FACTOR * nearest_rank(before, 90)) if before else FLOOR_MS
    seconds: dict[int, list[bool]] = {}
    for row in timed:
        if row.due_s >= ends_s:
            seconds.setdefault(int(row.due_s - ends_s), []).append(row.good and latency(row) <= bound_ms)
    return float(max((second + 1 for second, well in seconds.items() if 2 * sum(well) < len(well)), default=0))


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
