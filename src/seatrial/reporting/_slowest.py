"""The slowest operations: of all loads, and, apart from these, of what checks recorded one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.openapi import finder
from seatrial.record import Record, Took
from seatrial.reporting._plain import escape

SHOWN = 5
"""So many are in summary.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How long recorded answers of an operation took (ms): percentiles by nearest rank; the slowest with its status."""

    operation: str
    count: int
    p50: float
    p95: float
    p99: float
    max: float
    slowest: str
    status: int


def slowest_loaded(loads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return operations of loads (each as stats.json has it) with their scenario, those with the highest p99 first."""
    rows = [{**row, "scenario": stats["scenario"]["name"]} for stats in loads for row in stats["operations"]]
    return sorted(rows, key=lambda row: -row["p99"])


def slowest_recorded(record: Record) -> list[Answers]:
    """Return operations that checks asked one by one, as they are documented, those with the highest p95 first."""
    find = finder({each.operation: each.operation for each in record.documented})
    together: dict[str, Took] = {}
    for operation, took in record.took.items():
        method, _, path = operation.partition(" ")
        found = together.setdefault(find(method, path) or operation, Took())
        found += took
    return sorted((_answers(*pair) for pair in together.items()), key=lambda row: -row.p95)


def _answers(operation: str, took: Took) -> Answers:
    ordered = sorted(took.seconds)
    figures = {f"p{percent}": 1000 * _ranked(ordered, percent) for percent in (50, 95, 99)}
    return Answers(
        operation=operation, count=len(ordered), max=1000 * ordered[-1], slowest=took.slowest, status=took.status,
        **figures,
    )  # fmt: skip


def _ranked(ordered: Sequence[float], percent: int) -> float:
    """Return the value that so many percent are no higher than."""
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def slowest_lines(loads: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the slowest operations under load as Markdown."""
    rows = slowest_loaded(loads)[:SHOWN]
    if not rows:
        return
    yield from (
        "",
        "## Slowest under load",
        "",
        "| load | operation | requests | p50 | p99 | max |",
        "|---|---|---|---|---|---|",
    )
    for row in rows:
        figures = " | ".join(f"{row[name]:.1f} ms" for name in ("p50", "p99", "max"))
        yield f"| {escape(row['scenario'])} | {escape(row['operation'])} | {row['requests']} | {figures} |"
