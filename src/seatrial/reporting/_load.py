"""The load section of report.html, from what each scenario left in the run's directory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.core import GateResult
from seatrial.reporting._budget import Budget, budgets_of
from seatrial.reporting._chart import POINTS, Chart, Point, chart
from seatrial.reporting._distribution import distribution
from seatrial.reporting._handed import read_handed

MEGABYTE = 1_000_000
DRAWN = 1_200
"""So many points of each kind of chart are drawn on the page, those of all scenarios."""


def sent_loads(directory: Path) -> list[dict[str, Any]]:
    """Return the stats.json of every scenario that was sent; one whose file cannot be read is left out."""
    files = sorted((directory / "load").glob("*/stats.json"))
    return [stats for file in files if (stats := read_handed(file, "load-stats-1"))]


def loads_of(directory: Path, gates: Sequence[GateResult] = ()) -> list[dict[str, Any]]:
    """Return every scenario that was sent, with its charts and error budgets."""
    found = sent_loads(directory)
    most = min(POINTS, DRAWN // max(len(found), 1))
    return [_shown(stats, budgets_of([stats], gates), most) for stats in found]


def _shown(stats: Mapping[str, Any], budgets: Sequence[Budget], most: int) -> dict[str, Any]:
    """Return a scenario with what is drawn of it, its slowest operations first."""
    slowest = sorted(stats["operations"], key=lambda row: -(row["p99"] or 0))
    doubtful = bool(stats["doubt"]) or "failed" in stats["outcomes"].values()
    charts = charts_of(stats, most, budgets=budgets)
    drawn = {"charts": charts, "distributed": distribution(stats.get("distribution", ()))}
    return {**stats, **drawn, "operations": slowest, "budgets": budgets, "open": doubtful}


def charts_of(stats: Mapping[str, Any], most: int = POINTS, *, budgets: Sequence[Budget] = ()) -> list[Chart]:
    """Return the drawings of a scenario for which there are values, each of at most so many points."""
    seconds, looks = stats["seconds"], [look for look in stats["resources"]["looks"] if look["at_s"] >= 0]
    ends_s = [stats["scenario"]["duration_s"], len(seconds), *(look["at_s"] for look in looks)]
    spans: dict[str, Any] = {"span_s": max(ends_s), "most": most}
    drawn = [*_clients(seconds, **spans), _spent(seconds, budgets, **spans), *_used(looks, **spans)]
    return [one for one in drawn if one]


def _clients(seconds: Sequence[Mapping[str, Any]], **drawing: Any) -> Iterator[Chart | None]:
    """Yield what clients saw."""
    latencies = {name: _by_second(seconds, f"{name}_ms") for name in ("p50", "p99", "max")}
    yield chart("Latency, from when an arrival was due", "ms", latencies, **drawing)
    rates = {"asked": _by_second(seconds, "due"), "achieved": _by_second(seconds, "began")}
    yield chart("Arrivals each second", "/s", rates, **drawing)
    wrong = {"failed arrivals": _by_second(seconds, "failed"), "429s": _by_second(seconds, "limited")}
    yield chart("Errors each second", "/s", wrong, **drawing)


def _spent(seconds: Sequence[Mapping[str, Any]], budgets: Sequence[Budget], **drawing: Any) -> Chart | None:
    """Return how the narrowest budget of a scenario was used up; nothing where nothing of one was."""
    most = min((budget.may_fail for budget in budgets if not budget.operation), default=None)
    if most is None or not any(second["failed"] for second in seconds):
        return None
    so_far = itertools.accumulate((second["failed"] for second in seconds), initial=0)
    lines = {"failed so far": list(enumerate(so_far)), "may fail": [(0, most), (drawing["span_s"], most)]}
    return chart("Error budget: failed arrivals in all", "", lines, **drawing)


def _used(looks: Sequence[Mapping[str, Any]], **drawing: Any) -> Iterator[Chart | None]:
    """Yield what the service used."""
    yield chart("Processor of the service", "% of one", {"processor": _looked(looks, "cpu_percent")}, **drawing)
    memory = {"memory": _looked(looks, "memory_bytes", MEGABYTE)}
    yield chart("Memory of the service", "MB", memory, **drawing)
    yield chart("Open descriptors", "", {"descriptors": _looked(looks, "descriptors")}, **drawing)
    yield chart("Jobs that wait", "", {"jobs": _looked(looks, "queue")}, **drawing)


def _by_second(seconds: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    return [(second["second"] + 0.5, second[name]) for second in seconds]


def _looked(looks: Sequence[Mapping[str, Any]], name: str, unit: float = 1) -> list[Point]:
    return [(look["at_s"], None if look[name] is None else look[name] / unit) for look in looks]
