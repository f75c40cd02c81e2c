"""Figures of a run: exact percentiles from raw latencies, counts, histograms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from seatrial.core import Measurement
from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import OK, Ledger, is_spoilt
from seatrial.swarm._rows import Row, arrivals_in, lags_ms

DEFINITION = {
    "latency": "milliseconds from the instant the arrival was due (further requests of it: from their own start) "
    "to the whole answer; a request without an answer counts at its deadline",
    "percentile": "nearest rank over the unrounded latencies of all requests, failed ones included, and of "
    "arrivals that never began, each at the deadline",
    "error_ratio": "arrivals that never began, or of which a request failed, timed out or never ended, divided by all "
    "that were due",
    "operation_error_ratio": "requests that failed, timed out or never ended, divided by all requests",
    "rate": "arrivals of which every request succeeded, per second of the scenario's duration",
    "operation_rate": "requests that succeeded, per second of the scenario's duration",
}
WAITS = 3
"""How often a request waits for the generator to be at it: to connect, to send, and to read the answer."""

RESERVED = frozenset({*POINTS, "error_ratio", "rate", *asdict(Ledger())})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one operation, or of all together; `good` of `count` requests or arrivals succeeded."""

    latencies_ms: tuple[float, ...]
    good: int
    count: int
    rate_per_s: float
    statuses: dict[int, int]

    @property
    def values(self) -> dict[str, float]:
        """Return every percentile (ms), error_ratio and rate, none of them rounded."""
        found = {name: nearest_rank(self.latencies_ms, percent) for name, percent in POINTS.items()}
        return {**found, "error_ratio": (self.count - self.good) / self.count, "rate": self.rate_per_s}


def figures_of(rows: Sequence[Row], *, duration_s: float) -> Figures:
    """Return the figures of an operation's rows, of which there must be at least one: errors and rate by requests."""
    return _figures(rows, good=sum(row.good for row in rows), count=len(rows), duration_s=duration_s)


def total_of(rows: Sequence[Row], *, duration_s: float) -> Figures:
    """Return the figures of a scenario's rows, of which there must be at least one: errors and rate by arrivals."""
    fates = list(arrivals_in(list(rows)).values())
    return _figures(rows, good=fates.count(OK), count=len(fates), duration_s=duration_s)


def least_of(rows: Sequence[Row], *, duration_s: float, deadline_s: float) -> Figures:
    """Return the best figures that a service can have earned: whatever the generator may have spoilt is left out.

    Requests count from the send, less so often what 99 % of the arrivals began late by as a request waits for the
    generator; an arrival that never began was answered at once.
    """
    late_ms = WAITS * nearest_rank(lags_ms(list(rows)) or [0.0], 99)
    latencies_ms = [max(row.service_ms - late_ms, 0.0) if row.began else 0.0 for row in rows if row.timed]
    due = len(arrivals_in(list(rows)))
    own = [row for row in rows if row.began and not is_spoilt(row.outcome, row.lag_ms, deadline_s=deadline_s)]
    good = due - sum(fate != OK for fate in arrivals_in(own).values())
    return Figures(
        latencies_ms=tuple(sorted(latencies_ms)), good=good, count=due, rate_per_s=good / duration_s, statuses={}
    )


def _figures(rows: Sequence[Row], *, good: int, count: int, duration_s: float) -> Figures:
    return Figures(
        latencies_ms=tuple(sorted(row.latency_ms for row in rows if row.timed)),
        good=good,
        count=count,
        rate_per_s=good / duration_s,
        statuses=dict(sorted(Counter(row.status for row in rows if row.is_http).items())),
    )


def by_operation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the timed rows of each operation, sorted by name."""
    groups: dict[str, list[Row]] = {}
    for row in filter(lambda row: row.timed, rows):
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
    found = _measurements(f"load.{name}", total_of(rows, duration_s=duration_s))
    taken: set[str] = set()
    for operation, group in by_operation(rows).items():
        own = figures_of(group, duration_s=duration_s)
        found += _measurements(f"load.{name}.{word(operation, taken)}", own, kind="operation_")
    return found + [
        Measurement(name=f"load.{name}.{fate}", value=count, unit="count", definition=f"arrivals {fate}")
        for fate, count in asdict(ledger).items()
    ]


def _measurements(prefix: str, figures: Figures, *, kind: str = "") -> list[Measurement]:
    count = len(figures.latencies_ms)
    units = {"error_ratio": "ratio", "rate": "per_s"}
    definitions = {key: DEFINITION[kind + key] for key in units}
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
