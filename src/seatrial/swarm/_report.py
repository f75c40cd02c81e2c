"""stats.json of a scenario (ledger, histograms, seconds, and what each figure means), and the same in other forms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seatrial.core import CheckResult
from seatrial.swarm._account import Account, Group
from seatrial.swarm._distribution import distribution_of
from seatrial.swarm._failures import Failure
from seatrial.swarm._flood import Flooded
from seatrial.swarm._histogram import Histogram, merge
from seatrial.swarm._objectives import Objective
from seatrial.swarm._openmetrics import expose
from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._seconds import write_seconds
from seatrial.swarm._slope import Interval
from seatrial.swarm._spool import ordered
from seatrial.swarm._statistics import DEFINITION, figures_of, word

SCHEMA = "seatrial-load-stats-1"
WORKERS = 1
"""How many processes send a scenario, unless it says how many."""


def write_stats(  # noqa: PLR0913 - the parts of one document
    file: Path,
    plan: Plan,
    *,
    account: Account,
    ledger: Ledger,
    ending: Ending,
    results: Sequence[CheckResult],
    doubt: str,
    failures: Sequence[Failure],
    flooded: Flooded | None = None,
    given_up: Sequence[tuple[str, Ledger]],
    used: Mapping[str, Interval],
    looks: Sequence[Mapping[str, Any]],
    seconds: Sequence[Mapping[str, Any]],
    objectives: Sequence[Objective] = (),
    planned: int | None = None,
) -> None:
    """Write the statistics of a scenario, why they are in `doubt` and earlier attempts were given up, if they were.

    `used` is what the service used, by `looks` at it. `planned` arrivals were due in the whole schedule, where that did
    not go on to its end. The same goes into openmetrics.txt and seconds.csv beside it.
    """
    counted = {name: _count(groups) for name, groups in account.by_operation().items()}
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "scenario": {
            "name": plan.name, "user": plan.user or plan.source, "rate_per_s": plan.rate_per_s,
            "arrivals": plan.spacing, "duration_s": plan.duration_s, "deadline_s": plan.deadline_s, "seed": plan.seed,
            "identities": len(plan.identities), "target": plan.url,
        },
        "definition": DEFINITION,
        "objectives": [asdict(one) for one in objectives],
        "planned": ledger.due if planned is None else planned,
        "ledger": asdict(ledger),
        "doubt": doubt,
        "given_up": [{"reason": reason, "ledger": asdict(earlier)} for reason, earlier in given_up],
        "flood": _flood(flooded),
        "generator": _generator(ending, account),
        "outcomes": {result.check: result.outcome for result in results},
        "distribution": distribution_of(merge(counted.values())),
        "operations": _operations(account, plan, counted),
        "failures": [asdict(one) for one in failures],
        "recorded": (ending.report or {}).get("recorded", []),
        "resources": {"values": {name: asdict(value) for name, value in used.items()}, "looks": looks},
        "seconds": seconds,
    }  # fmt: skip
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    file.with_name("openmetrics.txt").write_text(expose(document), encoding="utf-8")
    write_seconds(file.with_name("seconds.csv"), seconds, looks)


def _generator(ending: Ending, account: Account) -> dict[str, Any]:
    report, lags = ending.report or {}, account.lags_ms
    lag = {f"p{percent}": nearest_rank(lags, percent) for percent in (50, 99, 100)} if len(lags) else {}
    return {
        "exit_code": ending.exit_code,
        "killed": ending.overdue,
        "start_lag_ms": lag,
        "cpu_s": report.get("cpu_s"),
        "wall_s": report.get("wall_s"),
        "workers": report.get("workers", WORKERS),
        "apart_ms": report.get("apart_ms"),
        "locust": report.get("locust"),
        "setup_requests": sum(group.count for group in account.setup),
    }


def _flood(flooded: Flooded | None) -> dict[str, Any] | None:
    if flooded is None:
        return None
    return {"in_flight": flooded.settings.in_flight, "due": flooded.due, "sent": flooded.sent, "busy": flooded.busy}


def _operations(account: Account, plan: Plan, counted: Mapping[str, Histogram]) -> list[dict[str, Any]]:
    taken: set[str] = set()
    return [
        {**_operation(name, word(name, taken), groups, plan), "histogram_us": counted[name].encode()}
        for name, groups in account.by_operation().items()
    ]


def _operation(name: str, metric: str, groups: Sequence[Group], plan: Plan) -> dict[str, Any]:
    figures = figures_of(groups, duration_s=plan.duration_s)
    causes = _sum((cause, count) for group in groups for cause, count in group.causes.items())
    return {
        "operation": name,
        "metric": f"load.{plan.name}.{metric}",
        "requests": figures.count,
        **figures.values,
        "service_ms": service_ms(groups),
        "outcomes": _sum((group.kind.outcome, group.count) for group in groups),
        "statuses": figures.statuses,
        "media_types": _sum((media or "none", count) for group in groups for media, count in group.media.items()),
        "causes": dict(causes.most_common(10)),
    }


def _sum(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in counts:
        found[name] += count
    return found


def service_ms(groups: Iterable[Group]) -> dict[str, float]:
    """Return percentiles of the time from the send, which the generator's own lateness is no part of."""
    values = ordered(group.service for group in groups)
    return {name: nearest_rank(values, percent) for name, percent in POINTS.items()}


def _count(groups: Iterable[Group]) -> Histogram:
    """Return the latencies of an operation in whole microseconds."""
    counted = Histogram()
    for group in groups:
        for latency_ms in group.latency:
            counted.record(latency_ms)
    return counted
