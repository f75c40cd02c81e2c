"""`--history FILE.jsonl`: one line a comparison, and a warning where the candidates become slower, step by step."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.campaign import SENT, Comparison, Task, medians
from seatrial.config import ScenarioSettings
from seatrial.core import UsageError
from seatrial.core.machine import machine
from seatrial.swarm.compare import trend

SCHEMA = "urn:seatrial:history:1"
Entry = Mapping[str, Any]


def check_history(file: str) -> list[Entry]:
    """Return what is stored, nothing where no file is named; raises UsageError for one that no line can be added to."""
    if not file:
        return []
    try:
        with Path(file).open("a+", encoding="utf-8") as stream:
            stream.seek(0)
            lines = stream.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, str(error)) from error
    return [_entry(f"{file}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def _entry(where: str, line: str) -> Entry:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise _unreadable(where, f"no JSON: {error}") from error
    if not isinstance(entry, dict) or entry.get("schema") != SCHEMA:
        raise _unreadable(where, f"no line of {SCHEMA}")
    if not _has_figures(entry.get("latency_ms")):
        raise _unreadable(where, "its latency_ms are no percentiles above 0")
    return entry


def _has_figures(found: object) -> bool:
    """Return whether these are what a later figure can be held against."""
    if not isinstance(found, dict):
        return False
    return all(type(value) in {int, float} and 0 < value < math.inf for value in found.values())


def _unreadable(where: str, what: str) -> UsageError:
    return UsageError(
        f"cannot read the history: {what}",
        slug="history-unreadable",
        where=where,
        remedy="name a file that --history wrote, or a new one",
    )


def keep_history(file: str, stored: Sequence[Entry], found: Comparison, task: Task) -> list[str]:
    """Add a comparison to a file, where one is named, and return warnings of what its candidates tend to."""
    if not file:
        return []
    candidate = found.sides["candidate"]
    conditions = {
        "scenario": task.name,
        **_sent(task.scenario),
        "target": candidate.word.rstrip("/") if candidate.kind == "url" else "",
        "rate_per_s": task.scenario.rate_per_s,
        "burst_s": task.burst_s,
        "stack": found.drivers["candidate"],
        "machine": machine(),
    }
    entry = {
        "schema": SCHEMA,
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **conditions,
        "commit": candidate.commit,
        "verdict": found.verdict,
        "latency_ms": medians(found.pairs, "candidate"),
    }
    alike = [each for each in stored if all(each.get(name) == value for name, value in conditions.items())]
    try:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
    except OSError as error:  # hours of load are not lost over it
        return [f"the history was not written: {error}", *_warnings(entry, alike)]
    return _warnings(entry, alike)


def _sent(scenario: ScenarioSettings) -> dict[str, Any]:
    """Return what is sent, as JSON has it: the paths, and what else the scenario says of it, where it does."""
    said = json.loads(scenario.model_dump_json(include=set(SENT), exclude_defaults=True))
    return {**{key: said.get(key) for key in SENT}, "paths": list(scenario.paths)}


def _warnings(entry: Entry, alike: Sequence[Entry]) -> list[str]:
    """Return a line for each percentile that rises above what was stored under the same conditions."""
    told = []
    for name, value in entry["latency_ms"].items():
        found = trend(value, [each["latency_ms"][name] for each in alike if name in each["latency_ms"]])
        if found and found.rising:
            told.append(f"{name} is {found.ratio:.2f} times the median of the last {found.stored} stored comparisons")
    return told
