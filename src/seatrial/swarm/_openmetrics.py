"""A scenario's figures as OpenMetrics text, for whoever keeps them beside those of production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.swarm._percentile import POINTS

QUANTILES = {name: float(percent / 100) for name, percent in POINTS.items()}
GAUGES = {
    "cpu_ms_per_request": ("cpu_seconds_per_request", 0.001),
    "memory_slope": ("memory_growth_bytes_per_second", 1),
    "descriptor_slope": ("descriptor_growth_per_second", 1),
    "queue_max": ("queue_highest", 1),
    "queue_slope": ("queue_growth_per_second", 1),
    "queries_per_request": ("queries_per_request", 1),
}
"""What each figure of the service is called, and how many of that one of ours is."""


def expose(stats: Mapping[str, Any]) -> str:
    """Return the text of what stats.json says."""
    return "\n".join([*_lines(stats), "# EOF", ""])


def _lines(stats: Mapping[str, Any]) -> Iterator[str]:
    of = {"scenario": stats["scenario"]["name"]}
    yield from _head("seatrial_load_arrivals", "counter", "Arrivals by what became of them.")
    for fate, count in stats["ledger"].items():
        yield _sample("seatrial_load_arrivals_total", {**of, "fate": fate}, count)
    yield from _head("seatrial_load_requests", "counter", "Requests by operation and status; 0 is no answer.")
    for one in stats["operations"]:
        for status, count in one["statuses"].items():
            labels = {**of, "operation": one["operation"], "status": str(status)}
            yield _sample("seatrial_load_requests_total", labels, count)
    yield from _latencies(stats, of)
    for metric, figure in stats["resources"]["values"].items():
        name, factor = GAUGES[metric]
        yield from _head(f"seatrial_load_{name}", "gauge", f"{metric} of the service under load.")
        yield _sample(f"seatrial_load_{name}", of, figure["value"] * factor)


def _latencies(stats: Mapping[str, Any], of: Mapping[str, str]) -> Iterator[str]:
    name = "seatrial_load_latency_seconds"
    yield from _head(name, "summary", "From when an arrival was due to the whole answer.", unit="seconds")
    for one in stats["operations"]:
        labels = {**of, "operation": one["operation"]}
        for point, quantile in QUANTILES.items():
            yield _sample(name, {**labels, "quantile": str(quantile)}, one[point] / 1000)
        yield _sample(f"{name}_count", labels, one["requests"])


def _head(name: str, kind: str, text: str, *, unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {text}"


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{told}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
