"""What `seatrial baseline` does: figures of a recorded run become what later ones are held against."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial.campaign import SUITES
from seatrial.cli._options import config_path, run_directory
from seatrial.cli._say import say
from seatrial.config import Settings, load_settings
from seatrial.core import UsageError
from seatrial.gate import (
    Value,
    accepted,
    baseline_file,
    collect_values,
    ratcheted,
    read_baseline,
    sign_of,
    write_baseline,
)
from seatrial.record import Record, read_told

SCHEMA = "urn:seatrial:baseline-shown:1"
Figures = Mapping[str, Value]


def accept_figures(run: str, config: str, *, ratchet: bool = False) -> int:
    """Write the baseline, say what changed, and return the exit code; a `ratchet` makes no figure worse by its rule."""
    settings = load_settings(config_path(config).resolve())
    record = _fit(read_told(run_directory(run, config)))
    whole, path = set(record.origin.suites) >= set(SUITES), baseline_file(settings)
    new = accepted(_values(settings, record), settings.gate.parsed, whole=whole)
    stored, lost = _stored(path)
    before = stored.get(record.origin.profile, {})
    new = ratcheted(new, before, settings.gate.parsed) if ratchet else new
    after = new if whole else {**before, **new}
    write_baseline(path, {**stored, record.origin.profile: after})
    for line in [*lost, *_changes(before, after), *([] if whole else [_partly(record)])]:
        say(line)
    say(f"accepted: {len(new)} figures of run {record.origin.run}, profile {record.origin.profile}, in {path}")
    return 0


def _fit(record: Record) -> Record:
    """Return a record whose figures are those of the service; raises UsageError for another one."""
    why = ""
    if record.failure or record.damage or record.finished is None:
        why = record.damage or (record.failure.reason.splitlines()[0] if record.failure else "it did not end")
    elif record.origin.shard:
        why = f"it is shard {record.origin.shard.name}, which knows a part alone; accept what `seatrial merge` made"
    elif record.origin.fault:
        why = f"it ran with the seeded fault {record.origin.fault}"
    if why:
        raise UsageError(
            f"the figures of this run are none to accept: {why}",
            slug="baseline-run-unfit",
            where=str(record.directory),
            remedy="name a run that came to its end: seatrial baseline accept RUN",
        )
    return record


def _values(settings: Settings, record: Record) -> Figures:
    """Return the figures of a run, with the waivers that held on its day."""
    return collect_values(record, settings.waivers, today=dt.datetime.fromisoformat(record.origin.started).date())


def _stored(path: Path) -> tuple[dict[str, dict[str, Value]], list[str]]:
    """Return what was accepted before; what cannot be read is in nobody's way, and told."""
    try:
        return read_baseline(path), []
    except UsageError as error:
        return {}, [f"what was accepted before is lost: {error.what}"]


def _partly(record: Record) -> str:
    return (
        f"kept as they were: what this run of {', '.join(record.origin.suites)} did not measure, and counts of checks"
    )


def _changes(before: Figures, after: Figures) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name}: {_told(before.get(name))} -> {_told(after.get(name))}"


def _told(value: Value | None) -> str:
    return "none" if value is None else f"{value.number:.6g}{sign_of(value.unit)}"


def show_figures(run: str, config: str, *, as_json: bool) -> int:
    """Print what was accepted beside the figures of a run, and return the exit code."""
    settings = load_settings(config_path(config).resolve())
    path = baseline_file(settings)
    stored = read_baseline(path)
    record = _run(run, config)
    values = _values(settings, record) if record else {}
    told = {
        "schema": SCHEMA,
        "file": settings.gate.baseline,
        "run": record.origin.run if record else "",
        "profile": record.origin.profile if record else "",
        "profiles": {
            profile: _beside(figures, values if record and record.origin.profile == profile else {})
            for profile, figures in sorted(stored.items())
        },
    }
    say(json.dumps(told) if as_json else "\n".join(_table(told)))
    return 0


def _run(run: str, config: str) -> Record | None:
    """Return the run that is named, or the latest that there is."""
    directory = run_directory(run, config)
    return read_told(directory) if run or directory.is_dir() else None


def _beside(figures: Figures, values: Figures) -> dict[str, Any]:
    return {name: _pair(figure, values.get(name)) for name, figure in sorted(figures.items())}


def _pair(stored: Value, found: Value | None) -> dict[str, Any]:
    same = found is not None and found.unit == stored.unit
    return {
        "unit": stored.unit,
        "baseline": stored.number,
        "run": found.number if found and same else None,
        "change": found.number - stored.number if found and same else None,
    }


def _table(told: Mapping[str, Any]) -> Iterator[str]:
    if not told["profiles"]:
        yield f"no baseline yet: {told['file']}; seatrial baseline accept takes the figures of the latest run into it"
    for profile, figures in told["profiles"].items():
        beside = f", beside run {told['run']}" if profile == told["profile"] else ""
        yield f"baseline of the profile {profile} ({told['file']}){beside}"
        width = max(map(len, figures), default=0)
        for name, row in figures.items():
            sign = sign_of(row["unit"])
            yield f"  {name:<{width}}  {row['baseline']:>10.6g}{sign}{_difference(row, sign)}"


def _difference(row: Mapping[str, Any], sign: str) -> str:
    if row["run"] is None:
        return ""
    return f"  run {row['run']:.6g}{sign} ({row['change']:+.6g})" if row["change"] else "  the same"
