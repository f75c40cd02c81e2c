"""What a run sent and got, scenario by scenario and in all: read back from what each scenario left behind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from seatrial.swarm._account import Account, Group
from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import LATE, Ledger
from seatrial.swarm._rows import visits_of
from seatrial.swarm._spool import Series, ordered

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
    account: Account
    doubt: str
    cpu_s: float | None
    wall_s: float | None
    workers: int
    used: Mapping[str, float] = field(default_factory=dict)

    @property
    def late(self) -> int:
        """Return how many arrivals were never begun as the generator was too late: no fault of a service."""
        return self.account.count(lambda kind: kind.outcome == LATE)


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
        account=_account(folder),
        doubt=told["doubt"],
        cpu_s=generator["cpu_s"],
        wall_s=generator["wall_s"],
        workers=generator["workers"],
        used={metric: found["value"] for metric, found in told["resources"]["values"].items()},
    )


def _account(folder: Path) -> Account:
    account = Account(folder)
    for visit in visits_of(folder / "requests.csv"):
        account.take(visit)
    return account


def figures_sent(sent: Sequence[Sending]) -> dict[str, Any]:
    """Return the figures of scenarios together, which were sent one after the other; null is what nobody knows."""
    seconds = sum(one.duration_s for one in sent)
    ledger, groups = _together(sent), [group for one in sent for group in one.account.groups]
    asked, http = [one for one in groups if one.kind.is_request], [one for one in groups if one.kind.is_http]
    return {
        "valid": bool(sent) and not any(one.doubt for one in sent),
        "asked_per_s": sum(one.asked_per_s * one.duration_s for one in sent) / seconds if seconds else 0.0,
        "achieved_per_s": ledger.started / seconds if seconds else 0.0,
        "ledger": asdict(ledger),
        "latency_ms": _points(one.latency for one in groups if one.kind.timed),
        "service_ms": _points(one.service for one in asked),
        "by_operation": {name: _operation(found) for name, found in _by(asked, lambda one: one.kind.operation)},
        "by_status": {name: _group(found) for name, found in _by(http, lambda one: str(one.kind.status))},
        "generator": _generator(sent),
    }


def _together(sent: Sequence[Sending]) -> Ledger:
    total: Counter[str] = Counter()
    for one in sent:
        total.update(asdict(one.ledger))
    return Ledger(**total)


def _points(series: Iterable[Series], points: Mapping[str, int | Fraction] = POINTS) -> dict[str, float | None]:
    values = ordered(series)
    return {name: nearest_rank(values, percent) if len(values) else None for name, percent in points.items()}


def _by(groups: Iterable[Group], key: Callable[[Group], str]) -> list[tuple[str, list[Group]]]:
    """Return groups by what they have in common, in its order."""
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(key(group), []).append(group)
    return sorted(found.items())


def _group(groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "requests": sum(one.count for one in groups),
        "failed": sum(one.count for one in groups if not one.kind.good),
        "latency_ms": _points(one.latency for one in groups),
        "service_ms": _points(one.service for one in groups),
    }


def _operation(groups: Sequence[Group]) -> dict[str, Any]:
    statuses: Counter[str] = Counter()
    for one in groups:
        if one.kind.is_http:
            statuses[str(one.kind.status)] += one.count
    return {**_group(groups), "statuses": dict(sorted(statuses.items()))}


def _generator(sent: Sequence[Sending]) -> dict[str, Any]:
    lags = [one.account.total.lags for one in sent]
    busy = [(one.cpu_s, one.wall_s) for one in sent if one.cpu_s is not None and one.wall_s]
    known = bool(sent) and len(busy) == len(sent)
    return {
        "start_lag_ms": _points(lags, LAG_POINTS),
        "cpu_percent": 100 * sum(cpu for cpu, _ in busy) / sum(wall for _, wall in busy) if known else None,
        "workers": max((one.workers for one in sent), default=0),
    }
