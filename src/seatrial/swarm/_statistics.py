"""Figures of a run: exact percentiles from raw latencies, counts, histograms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from seatrial.core import Measurement
from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import Ledger
from seatrial.swarm._rows import Row

DEFINITION = {
    "latency": "milliseconds from the instant the arrival was due (further requests of it: from their own start) "
    "to the whole answer; a request without an answer counts at its deadline",
    "percentile": "nearest rank over the unrounded latencies of all requests, failed ones included",
    "error_ratio": "requests that failed, timed out or never ended, divided by all requests",
    "rate": "arrivals of which every request succeeded, per second of the scenario's duration",
    "operation_rate": "requests that succeeded, per second of the scenario's duration",
}
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
RESERVED = frozenset({*PERCENTILES, "error_ratio", "rate", *asdict(Ledger())})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one operation, or of all together."""

    latencies_ms: tuple[float, ...]
    good: int
    rate_per_s: float
    statuses: dict[int, int]

    @property
    def values(self) -> dict[str, float]:
        """Return p50, p95, p99, max (ms), error_ratio and rate, none of them rounded."""
        count = len(self.latencies_ms)
        found = {name: nearest_rank(self.latencies_ms, percent) for name, percent in PERCENTILES.items()}
        return {**found, "error_ratio": (count - self.good) / count, "rate": self.rate_per_s}


def figures_of(rows: Sequence[Row], *, rate_per_s: float) -> Figures:
    """Return the figures of these rows, of which there must be at least one."""
    return Figures(
        latencies_ms=tuple(sorted(row.latency_ms for row in rows)),
        good=sum(row.good for row in rows),
        rate_per_s=rate_per_s,
        statuses=dict(sorted(Counter(row.status for row in rows).items())),
    )


def by_operation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each operation, sorted by name."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.operation, []).append(row)
    return dict(sorted(groups.items()))


def word(operation: str, taken: set[str]) -> str:
    """Return an operation as a word of metric names, different from those taken: `GET-api-v1-analysis-id`."""
    base = re.sub(r"[^A-Za-z0-9_]+", "-", operation).strip("-") or "operation"
    found, number = base, 1
    while found in taken or found in RESERVED:
        number += 1
        found = f"{base}-{number}"
    taken.add(found)
    return found


def measure(name: str, rows: Sequence[Row], ledger: Ledger, *, duration_s: float) -> list[Measurement]:
    """Return every measurement of a scenario; empty when nothing was sent."""
    if not rows:
        return []
    total = figures_of(rows, rate_per_s=ledger.answered / duration_s)
    found = _measurements(f"load.{name}", total, rate="rate")
    taken: set[str] = set()
    for operation, group in by_operation(rows).items():
        own = figures_of(group, rate_per_s=sum(row.good for row in group) / duration_s)
        found += _measurements(f"load.{name}.{word(operation, taken)}", own, rate="operation_rate")
    return found + [
        Measurement(name=f"load.{name}.{fate}", value=count, unit="count", definition=f"arrivals {fate}")
        for fate, count in asdict(ledger).items()
    ]


def _measurements(prefix: str, figures: Figures, *, rate: str) -> list[Measurement]:
    count = len(figures.latencies_ms)
    units = {"error_ratio": "ratio", "rate": "per_s"}
    definitions = {"error_ratio": DEFINITION["error_ratio"], "rate": DEFINITION[rate]}
    latency = f"{DEFINITION['percentile']}; latency: {DEFINITION['latency']}"
    found = [
        Measurement(
            name=f"{prefix}.{key}", value=value, unit=units.get(key, "ms"),
            definition=definitions.get(key, latency), samples=count,
        )
        for key, value in figures.values.items()
    ]  # fmt: skip
    return found + [
        Measurement(
            name=f"{prefix}.status_{status}", value=number, unit="count", samples=count,
            definition="requests that got this status" if status else "requests that got no answer",
        )
        for status, number in figures.statuses.items()
    ]  # fmt: skip
