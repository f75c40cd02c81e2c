"""Figures of a run: exact percentiles from raw latencies, counts, histograms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from seatrial.core import Measurement
from seatrial.swarm._account import Account, Group, Shares
from seatrial.swarm._percentile import POINTS, Ascending, nearest_rank
from seatrial.swarm._plan import OK, Ledger
from seatrial.swarm._spool import Ordered, ordered

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

    latencies_ms: Ascending
    good: int
    count: int
    rate_per_s: float
    statuses: dict[int, int]

    @property
    def values(self) -> dict[str, float]:
        """Return every percentile (ms), error_ratio and rate, none of them rounded."""
        found = {name: nearest_rank(self.latencies_ms, percent) for name, percent in POINTS.items()}
        return {**found, "error_ratio": (self.count - self.good) / self.count, "rate": self.rate_per_s}


@dataclass(frozen=True, slots=True)
class Earned:
    """The latencies that a service can have earned at the best: those of what never began are nothing."""

    never: int
    service_ms: Ordered
    late_ms: float

    def __len__(self) -> int:
        """Return how many there are."""
        return self.never + len(self.service_ms)

    def __getitem__(self, place: int, /) -> float:
        """Return the one at a place, ascending."""
        return 0.0 if place < self.never else max(self.service_ms[place - self.never] - self.late_ms, 0.0)


def figures_of(groups: Sequence[Group], *, duration_s: float) -> Figures:
    """Return the figures of an operation's requests, of which there must be one: errors and rate by requests."""
    good = sum(group.count for group in groups if group.kind.good)
    return _figures(groups, good=good, count=sum(group.count for group in groups), duration_s=duration_s)


def total_of(account: Account, *, duration_s: float) -> Figures:
    """Return the figures of a scenario, of which there must be an arrival: errors and rate by arrivals."""
    total = account.total
    return _figures(account.groups, good=total.fates[OK], count=total.due, duration_s=duration_s)


def least_of(groups: Iterable[Group], shares: Shares, *, duration_s: float) -> Figures:
    """Return the best figures that a service can have earned: whatever the generator may have spoilt is left out.

    Requests count from the send, less so often what 99 % of the arrivals began late by as a request waits for the
    generator; an arrival that never began was answered at once.
    """
    lags_ms = ordered([shares.lags])
    late_ms = WAITS * nearest_rank(lags_ms if len(lags_ms) else [0.0], 99)
    timed = [group for group in groups if group.kind.timed]
    never = sum(group.count for group in timed if not group.kind.began)
    service_ms = ordered(group.service for group in timed if group.kind.began)
    good = shares.due - shares.owed
    return Figures(
        latencies_ms=Earned(never, service_ms, late_ms), good=good, count=shares.due, rate_per_s=good / duration_s,
        statuses={},
    )  # fmt: skip


def _figures(groups: Sequence[Group], *, good: int, count: int, duration_s: float) -> Figures:
    statuses: Counter[int] = Counter()
    for group in groups:
        if group.kind.is_http:
            statuses[group.kind.status] += group.count
    return Figures(
        latencies_ms=ordered(group.latency for group in groups if group.kind.timed),
        good=good,
        count=count,
        rate_per_s=good / duration_s,
        statuses=dict(sorted(statuses.items())),
    )


def word(operation: str, taken: set[str]) -> str:
    """Return an operation as a word of metric names, different from those taken: `GET-api-v1-analysis-id`."""
    base = re.sub(r"[^A-Za-z0-9_]+", "-", operation).strip("-") or "operation"
    found, number = base, 1
    while found in taken or found in RESERVED:
        number += 1
        found = f"{base}-{number}"
    taken.add(found)
    return found


def measure(name: str, account: Account, ledger: Ledger, *, duration_s: float) -> list[Measurement]:
    """Return every measurement of a scenario; empty when nothing was sent."""
    if not account.total.due:
        return []
    found = _measurements(f"load.{name}", total_of(account, duration_s=duration_s))
    taken: set[str] = set()
    for operation, groups in account.by_operation().items():
        own = figures_of(groups, duration_s=duration_s)
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
