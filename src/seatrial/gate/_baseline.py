"""seatrial-baseline.json: figures that were accepted, for later runs of the same profile to be held against.

record --accepted--> figures of a profile --write_baseline--> the file, committed --read_baseline--> judge
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from seatrial.config import Rule, Settings
from seatrial.core import UNITS, UsageError
from seatrial.core.whole import whole
from seatrial.gate._values import Value

SCHEMA = "urn:seatrial:baseline:1"
Figures = Mapping[str, Value]
Profiles = Mapping[str, Figures]
COUNTED = frozenset({"checks", "findings", "waivers"})
"""What is counted over a whole run: part of one has fewer of them, which says nothing."""

BETTER: Mapping[str, Callable[[float, float], float]] = {">=": max, ">": max, "<=": min, "<": min}
"""Which of two figures is better, by the operator of the rule about them."""

VARYING = ("load.", "coverage.patch")
"""Figures that differ from run to run, or are of one patch alone."""

REMEDY = "accept a run anew: seatrial baseline accept; or restore the file from version control"


def baseline_file(settings: Settings) -> Path:
    """Return where the accepted figures of a project are."""
    return settings.root / settings.gate.baseline


def read_baseline(path: Path) -> dict[str, dict[str, Value]]:
    """Return accepted figures by profile and name, none where there is no file; raises UsageError for another one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("profiles"), dict):
        raise _unreadable(path, f"it is none of {SCHEMA}")
    return {profile: _figures(path, profile, found) for profile, found in data["profiles"].items()}


def stored_for(profile: str, settings: Settings) -> Figures:
    """Return what was accepted of runs of a profile, where rules ask for it; raises UsageError."""
    asked = any(rule.baseline for rule in settings.gate.parsed)
    return read_baseline(baseline_file(settings)).get(profile, {}) if asked else {}


def _figures(path: Path, profile: str, found: object) -> dict[str, Value]:
    if not isinstance(found, dict):
        raise _unreadable(path, f"profiles.{profile} has no figures")
    for name, figure in found.items():
        if not _is_figure(figure):
            raise _unreadable(path, f"profiles.{profile}.{name} is no figure with value and unit")
    return {name: Value(float(figure["value"]), figure["unit"]) for name, figure in found.items()}


def _is_figure(found: object) -> bool:
    if not isinstance(found, dict) or found.keys() != {"value", "unit"} or found["unit"] not in UNITS:
        return False
    return type(found["value"]) in {int, float} and math.isfinite(found["value"])


def _unreadable(path: Path, what: str) -> UsageError:
    return UsageError(f"cannot read the baseline: {what}", slug="baseline-unreadable", where=str(path), remedy=REMEDY)


def write_baseline(path: Path, profiles: Profiles) -> None:
    """Write accepted figures in a stable order, so that a change of one is a change of one line; raises UsageError."""
    written = {profile: dict(sorted(_written(figures))) for profile, figures in sorted(profiles.items())}
    text = json.dumps({"schema": SCHEMA, "profiles": written}, indent=1, ensure_ascii=False)
    try:
        with whole(path) as file:
            file.write(_one_line_each(text))
    except OSError as error:
        raise UsageError(
            f"cannot write the baseline: {error.strerror}",
            slug="baseline-unwritable",
            where=str(path),
            remedy="make its folder, or name another file in [gate] baseline",
        ) from error


def _written(figures: Figures) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, value in figures.items():
        number = float(value.number)
        yield name, {"value": int(number) if number.is_integer() else number, "unit": value.unit}


def _one_line_each(text: str) -> str:
    """Put what is innermost on one line: a figure."""
    lines = text.replace('{\n    "value"', '{"value"').replace(',\n    "unit"', ', "unit"').replace("\n   }", "}")
    return lines + "\n"


def accepted(values: Figures, rules: Iterable[Rule], *, whole: bool) -> dict[str, Value]:
    """Return what of a run's figures a later one can be held against.

    What varies much is left out unless a rule is about it; so is what may be too small for another reason than the
    service, and of a run that was not `whole` what is counted.
    """
    named = {rule.metric for rule in rules if rule.baseline}
    return {
        name: value
        for name, value in values.items()
        if not value.doubt and (whole or not is_counted(name)) and (name in named or not name.startswith(VARYING))
    }


def ratcheted(new: Figures, before: Figures, rules: Iterable[Rule]) -> dict[str, Value]:
    """Return new figures, but for those of which a rule against the baseline says that they were better before.

    Else what falls within its tolerance, and is accepted again and again, falls without end; and what one run did not
    measure, or left in doubt, would lose its floor.
    """
    better = {rule.metric: BETTER[rule.operator] for rule in rules if rule.baseline and rule.operator in BETTER}
    kept = {name: before[name] for name in better.keys() & before.keys() - new.keys()}
    return {**kept, **{name: _better(value, before.get(name), better.get(name)) for name, value in new.items()}}


def _better(new: Value, before: Value | None, better: Callable[[float, float], float] | None) -> Value:
    if better is None or before is None or before.unit != new.unit:
        return new
    return before if better(before.number, new.number) == before.number else new


def is_counted(metric: str) -> bool:
    """Return whether a metric is counted over all checks of a run."""
    return metric.partition(".")[0] in COUNTED


def comparable(rules: Iterable[Rule], *, whole: bool) -> tuple[Rule, ...]:
    """Return the rules without those that hold what is counted in part of a run against all of another."""
    return tuple(rule for rule in rules if whole or not (rule.baseline and is_counted(rule.metric)))
