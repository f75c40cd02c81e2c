"""A scenario second by second: what was due, what became of it, and what the service used meanwhile."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import DROPPED, OK, RAISED
from seatrial.swarm._resources import Sample
from seatrial.swarm._rows import Visit

COUNTS = ("due", "began", "answered", "failed", "limited")
"""`due`, `answered` and `failed` are arrivals by the second in which they were due, `limited` requests likewise."""

PERCENTS = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
NOTHING: Mapping[str, float | None] = dict.fromkeys(PERCENTS)
LOOKED = ("cpu_percent", "memory_bytes", "descriptors", "queue")


class Seconds:
    """Every second of a scenario, taken in arrival by arrival in the order of their due times."""

    def __init__(self, *, rejection: int) -> None:
        self._rejection = rejection
        self._counts: dict[str, Counter[int]] = {name: Counter() for name in COUNTS}
        self._percentiles: dict[int, dict[str, float | None]] = {}
        self._at, self._latencies_ms = 0, list[float]()

    def take(self, visit: Visit) -> None:
        """Take in an arrival."""
        row = visit[-1]
        at, counts = int(row.due_s), self._counts
        if at != self._at:
            self._turn(at)
        counts["due"][at] += 1
        counts["answered" if all(one.outcome == OK for one in visit) else "failed"][at] += 1
        if row.outcome not in DROPPED:
            counts["began"][int(row.due_s + row.lag_ms / 1000)] += 1
        for one in visit:
            if one.status == self._rejection:
                counts["limited"][at] += 1
            if one.outcome != RAISED:
                self._latencies_ms.append(one.latency_ms)

    def _turn(self, at: int) -> None:
        """Keep of a second that is over what it came to."""
        self._percentiles[self._at] = _percentiles(sorted(self._latencies_ms))
        self._at, self._latencies_ms = at, []

    @property
    def told(self) -> list[dict[str, Any]]:
        """Return every second from the first one on; latencies are those of what was due in it."""
        self._turn(self._at)
        last = max(itertools.chain(*self._counts.values()), default=-1)
        return [
            {"second": at, **{name: self._counts[name][at] for name in COUNTS}, **self._percentiles.get(at, NOTHING)}
            for at in range(last + 1)
        ]


def _percentiles(ordered: Sequence[float]) -> dict[str, float | None]:
    return {name: nearest_rank(ordered, percent) if ordered else None for name, percent in PERCENTS.items()}


def looks_of(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return what was seen of the service at each look; the processor's share is of one, since the look before."""
    first = [None, *samples][: len(samples)]
    return [_look(before, one) for before, one in zip(first, samples, strict=True)]


def _look(before: Sample | None, one: Sample) -> dict[str, Any]:
    usage, earlier = one.usage, before.usage if before else None
    took_s = one.at_s - before.at_s if before else 0.0
    busy = 100 * (usage.cpu_s - earlier.cpu_s) / took_s if usage and earlier and took_s > 0 else None
    return {
        "at_s": one.at_s,
        "cpu_percent": busy,
        "memory_bytes": usage.memory_bytes if usage else None,
        "descriptors": usage.descriptors if usage else None,
        "queue": one.queue,
    }


def write_seconds(file: Path, seconds: Sequence[Mapping[str, Any]], looks: Sequence[Mapping[str, Any]]) -> None:
    """Write a row for each second; what the service used stands at the last look in it, and is empty without one."""
    latest = {int(look["at_s"]): look for look in looks if look["at_s"] >= 0}
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("second", *COUNTS, *PERCENTS, *LOOKED))
        for row in seconds:
            look = latest.get(row["second"], {})
            writer.writerow((*row.values(), *(look.get(name) for name in LOOKED)))
