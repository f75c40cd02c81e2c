"""Every value that an objective can be about: as it was, and as the service can have earned it at the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypedDict

from seatrial.config import ScenarioSettings
from seatrial.core import Measurement
from seatrial.swarm._recovery import RECOVERY, recovery_of
from seatrial.swarm._rows import Row
from seatrial.swarm._statistics import Figures, by_operation, figures_of, least_of, total_of, word

LIMITED = "limited_ratio"
BESIDES = frozenset({LIMITED, RECOVERY})
"""What no generator can spoil, or what is looked at second by second: the figures of all rows do not have them."""

LIMITED_DEFINITION = "requests that got the rejection status, divided by all requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of a scenario or of one operation; `least` without whatever the generator may have spoilt."""

    seen: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)


class Circumstances(TypedDict):
    """How a scenario was sent, and with which status one request too many is refused."""

    rejection: int
    duration_s: float
    deadline_s: float


def values_of(
    rows: Sequence[Row], scenario: ScenarioSettings, *, rejection: int, duration_s: float, deadline_s: float
) -> Values:
    """Return the values of a scenario; none where nothing was sent."""
    if not rows:
        return Values()
    least = least_of(rows, duration_s=duration_s, deadline_s=deadline_s)
    found = _values(rows, total_of(rows, duration_s=duration_s), least, rejection)
    if scenario.spike is None:
        return found
    seen = recovery_of(rows, scenario, attrgetter("latency_ms"))
    best = recovery_of(rows, scenario, lambda row: row.service_ms if row.began else 0.0)
    return Values(seen={**found.seen, RECOVERY: seen}, least={**found.least, RECOVERY: best})


def operation_values(rows: Sequence[Row], *, rejection: int, duration_s: float, deadline_s: float) -> dict[str, Values]:
    """Return the values of each operation."""
    found = {}
    for operation, group in by_operation(rows).items():
        least = least_of(group, duration_s=duration_s, deadline_s=deadline_s)
        found[operation] = _values(group, figures_of(group, duration_s=duration_s), least, rejection)
    return found


def _values(rows: Sequence[Row], figures: Figures, least: Figures, rejection: int) -> Values:
    limited = {LIMITED: limited_ratio(rows, rejection)}
    return Values(seen={**figures.values, **limited}, least={**least.values, **limited})


def limited_ratio(rows: Sequence[Row], rejection: int) -> float:
    """Return which share of the requests was refused as one too many."""
    sent = [row.status for row in rows if row.is_http]
    return sent.count(rejection) / len(sent) if sent else 0.0


def measure_limited(name: str, rows: Sequence[Row], rejection: int) -> list[Measurement]:
    """Return the share of refusals of a scenario and of each of its operations; empty when nothing was sent."""
    taken: set[str] = set()
    groups = {f"load.{name}.{word(operation, taken)}": group for operation, group in by_operation(rows).items()}
    found = {f"load.{name}": rows, **groups}
    return [
        Measurement(
            name=f"{prefix}.{LIMITED}", value=limited_ratio(group, rejection), unit="ratio",
            definition=LIMITED_DEFINITION, samples=len(group),
        )
        for prefix, group in found.items()
        if group
    ]  # fmt: skip
