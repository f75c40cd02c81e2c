"""The load section of report.html, from what each scenario left in the run's directory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.reporting._chart import Chart, Point, chart

MEGABYTE = 1_000_000


def loads_of(directory: Path) -> list[dict[str, Any]]:
    """Return every scenario that was sent, with its charts; one whose file cannot be read is left out."""
    files = sorted((directory / "load").glob("*/stats.json"))
    return [{**stats, "charts": charts_of(stats)} for file in files if (stats := _read(file))]


def _read(file: Path) -> dict[str, Any]:
    """Return what a scenario left; nothing of one that another version wrote, or that was cut."""
    try:
        stats: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stats if "seconds" in stats else {}


def charts_of(stats: Mapping[str, Any]) -> list[Chart]:
    """Return the drawings of a scenario for which there are values."""
    seconds, looks = stats["seconds"], [look for look in stats["resources"]["looks"] if look["at_s"] >= 0]
    ends_s = [stats["scenario"]["duration_s"], len(seconds), *(look["at_s"] for look in looks)]
    return [drawn for drawn in _drawn(seconds, looks, max(ends_s)) if drawn]


def _drawn(
    seconds: Sequence[Mapping[str, Any]], looks: Sequence[Mapping[str, Any]], span_s: float
) -> Iterator[Chart | None]:
    latencies = {name: _by_second(seconds, f"{name}_ms") for name in ("p50", "p99", "max")}
    yield chart("Latency, from when an arrival was due", "ms", latencies, span_s=span_s)
    rates = {"asked": _by_second(seconds, "due"), "achieved": _by_second(seconds, "began")}
    yield chart("Arrivals each second", "/s", rates, span_s=span_s)
    wrong = {"failed arrivals": _by_second(seconds, "failed"), "429s": _by_second(seconds, "limited")}
    yield chart("Errors each second", "/s", wrong, span_s=span_s)
    yield chart("Processor of the service", "% of one", {"processor": _looked(looks, "cpu_percent")}, span_s=span_s)
    memory = {"memory": _looked(looks, "memory_bytes", MEGABYTE)}
    yield chart("Memory of the service", "MB", memory, span_s=span_s)
    yield chart("Open descriptors", "", {"descriptors": _looked(looks, "descriptors")}, span_s=span_s)
    yield chart("Jobs that wait", "", {"jobs": _looked(looks, "queue")}, span_s=span_s)


def _by_second(seconds: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    return [(second["second"] + 0.5, second[name]) for second in seconds]


def _looked(looks: Sequence[Mapping[str, Any]], name: str, unit: float = 1) -> list[Point]:
    return [(look["at_s"], None if look[name] is None else look[name] / unit) for look in looks]
