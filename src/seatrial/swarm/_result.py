"""What a run sent and got, scenario by scenario and in all: read back from what each scenario left behind."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import LATE, Ledger
from seatrial.swarm._rows import Row, lags_ms, read_rows

LAG_POINTS: Mapping[str, int | Fraction] = {"p50": 50, "p99": 99, "max": 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What one scenario sent: `doubt` says why its figures describe the generator; None is what was lost with that.

    `used` is what the service used meanwhile, as far as it is known.
    """

    name: str
    asked_per_s: float
    duration_s: float
    ledger: Ledger
    rows: Sequence[Row]
    doubt: str
    cpu_s: float | None
    wall_s: float | None
    workers: int
    used: Mapping[str, float] = field(default_factory=dict)

    @property
    def late(self) -> int:
        """Return how many arrivals were never begun as the generator was too late: no fault of a service."""
        return sum(row.outcome == LATE for row in self.rows)


def read_sent(folder: Path, names: Iterable[str]) -> list[Sending]:
    """Return what these scenarios left in a folder with one of each; what was never sent left nothing."""
    return [_read(folder / name) for name in names if (folder / name / "stats.json").is_file()]


def _read(folder: Path) -> Sending:
    told = json.loads((folder / "stats.json").read_text(encoding="utf-8"))
    scenario, generator = told["scenario"], told["generator"]
    return Sending(
        name=scenario["name"],
        asked_per_s=scenario["rate_per_s"],
        duration_s=scenario["duration_s"],
        ledger=Ledger(**told["ledger"]),
        rows=[row for row in read_rows(folder / "requests.csv") if row.arrival >= 0],
        doubt=told["doubt"],
        cpu_s=generator["cpu_s"],
        wall_s=generator["wall_s"],
        workers=generator["workers"],
        used={metric: found["value"] for metric, found in told["resources"]["values"].items()},
    )


def figures_sent(sent: Sequence[Sending]) -> dict[str, Any]:
    """Return the figures of scenarios together, which were sent one after the other; null is what nobody knows."""
    seconds = sum(one.duration_s for one in sent)
    ledger, rows = _together(sent), [row for one in sent for row in one.rows]
    asked, http = [row for row in rows if row.is_request], [row for row in rows if row.is_http]
    return {
        "valid": bool(sent) and not any(one.doubt for one in sent),
        "asked_per_s": sum(one.asked_per_s * one.duration_s for one in sent) / seconds if seconds else 0.0,
        "achieved_per_s": ledger.started / seconds if seconds else 0.0,
        "ledger": asdict(ledger),
        "latency_ms": _points([row.latency_ms for row in rows if row.timed]),
        "service_ms": _points([row.service_ms for row in asked]),
        "by_operation": {name: _operation(group) for name, group in _grouped(asked, lambda row: row.operation).items()},
        "by_status": {status: _group(group) for status, group in _grouped(http, lambda row: str(row.status)).items()},
        "generator": _generator(sent),
    }


def _together(sent: Sequence[Sending]) -> Ledger:
    total: Counter[str] = Counter()
    for one in sent:
        total.update(asdict(one.ledger))
    return Ledger(**total)


def _points(values: list[float], points: Mapping[str, int | Fraction] = POINTS) -> dict[str, float | None]:
    ordered = sorted(values)
    return {name: nearest_rank(ordered, percent) if ordered else None for name, percent in points.items()}


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Return rows by what they have in common, in its order."""
    return {name: list(group) for name, group in itertools.groupby(sorted(rows, key=key), key=key)}


def _group(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "requests": len(rows),
        "failed": sum(not row.good for row in rows),
        "latency_ms": _points([row.latency_ms for row in rows]),
        "service_ms": _points([row.service_ms for row in rows]),
    }


def _operation(rows: Sequence[Row]) -> dict[str, Any]:
    statuses = Counter(str(row.status) for row in rows if row.is_http)
    return {**_group(rows), "statuses": dict(sorted(statuses.items()))}


def _generator(sent: Sequence[Sending]) -> dict[str, Any]:
    lags = [lag for one in sent for lag in lags_ms(list(one.rows))]
    busy = [(one.cpu_s, one.wall_s) for one in sent if one.cpu_s is not None and one.wall_s]
    known = bool(sent) and len(busy) == len(sent)
    return {
        "start_lag_ms": _points(lags, LAG_POINTS),
        "cpu_percent": 100 * sum(cpu for cpu, _ in busy) / sum(wall for _, wall in busy) if known else None,
        "workers": max((one.workers for one in sent), default=0),
    }
