"""A scenario second by second: what was due, what became of it, and what the service used meanwhile."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import OK
from seatrial.swarm._resources import Sample
from seatrial.swarm._rows import Row, arrivals_in

COUNTS = ("due", "began", "answered", "failed", "limited")
"""`due`, `answered` and `failed` are arrivals by the second in which they were due, `limited` requests likewise."""

PERCENTS = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
LOOKED = ("cpu_percent", "memory_bytes", "descriptors", "queue")


def seconds_of(rows: Sequence[Row], *, rejection: int) -> list[dict[str, Any]]:
    """Return every second of a scenario, from the first one on; latencies are those of what was due in it."""
    arrivals = {row.arrival: row for row in rows}
    fates = arrivals_in(list(rows))
    counts: dict[str, Counter[int]] = {name: Counter() for name in COUNTS}
    for number, row in arrivals.items():
        counts["due"][int(row.due_s)] += 1
        counts["answered" if fates[number] == OK else "failed"][int(row.due_s)] += 1
        counts["began"].update([int(row.due_s + row.lag_ms / 1000)] * row.began)
    counts["limited"].update(int(row.due_s) for row in rows if row.status == rejection)
    latencies: dict[int, list[float]] = {}
    for row in rows:
        if row.timed:
            latencies.setdefault(int(row.due_s), []).append(row.latency_ms)
    last = max(itertools.chain(*counts.values()), default=-1)
    return [
        {"second": at, **{name: counts[name][at] for name in COUNTS}, **_percentiles(sorted(latencies.get(at, ())))}
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
