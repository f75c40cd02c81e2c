"""The rows that a scenario left, as series in the order of time: what intervals are made of."""

from __future__ import annotations

import csv
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.swarm._plan import OK
from seatrial.swarm._rows import Visit, visits_of

ALL = ""
"""All operations of a scenario together."""


@dataclass(slots=True)
class Series:
    """One operation: the latency of each timed request in ms, and of each (of all: each arrival) whether it went well.

    Both are in the order in which arrivals were due.
    """

    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    good: bytearray = field(default_factory=bytearray)


def read_series(file: Path) -> dict[str, Series]:
    """Return the series of each operation, and of `ALL`; nothing of a file that is not there, or none of ours."""
    found: dict[str, Series] = {ALL: Series()}
    try:
        for visit in visits_of(file):
            _take(visit, found)
    except (OSError, ValueError, csv.Error):
        return {}
    return found if found[ALL].good else {}


def _take(visit: Visit, found: dict[str, Series]) -> None:
    if visit[0].arrival < 0:  # what a user did before its first arrival is no load
        return
    total = found[ALL]
    total.good.append(all(row.outcome == OK for row in visit))
    for row in visit:
        kind = row.kind
        if kind.timed:
            total.latencies_ms.append(row.latency_ms)
            own = found.setdefault(row.operation, Series())
            own.latencies_ms.append(row.latency_ms)
            own.good.append(kind.good)
