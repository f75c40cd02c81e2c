"""Objectives: thresholds on a scenario's figures, read before anything starts and judged on unrounded values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.config import LOAD_UNITS, RESOURCE_UNITS, Rule, ScenarioSettings, parse_objective
from seatrial.core import UsageError, name_nearest
from seatrial.swarm.traffic import of_paths

SIGNS = {"ms": " ms", "s": " s", "per_s": "/s", "ratio": "", "count": ""}
BREAKPOINT = "breakpoint"
EXAMPLES: Mapping[str, str] = {
    "error_ratio": "<= 0.01",
    "limited_ratio": "<= 0.1",
    "rate": ">= 39/s",
    "recovery_s": "<= 10 s",
    "breakpoint": ">= 100/s",
    "cpu_ms_per_request": "<= 20 ms",
    "memory_slope": "<= 100000/s",
    "descriptor_slope": "<= 0.1/s",
    "queue_max": "<= 100",
    "queue_slope": "<= 0.1/s",
    "queries_per_request": "<= 5",
}
"""An objective of each metric that is no percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A threshold as reports are told it: of a scenario, or of one operation of it."""

    metric: str
    operator: str
    threshold: float
    operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An objective that does not hold: of a scenario, or of one operation of it."""

    metric: str
    value: float
    rule: Rule
    operation: str = ""

    @property
    def title(self) -> str:
        """Return value and threshold in one sentence, the value with all its digits where they decide."""
        sign = SIGNS[LOAD_UNITS[self.metric]]
        about = f"{self.operation}: " if self.operation else ""
        asked = f"asked was {self.rule.operator} {self.rule.threshold:g}{sign}"
        return f"{about}{self.metric} is {self.value!r}{sign}, {asked}"


def check_objectives(scenario: ScenarioSettings, *, name: str = "scenario") -> dict[str, Rule]:
    """Return the parsed objectives of a scenario as clients see it; raises UsageError for one that cannot be read."""
    return {metric: rule for metric, rule in _parsed(scenario, name).items() if metric not in RESOURCE_UNITS}


def check_resources(scenario: ScenarioSettings, *, name: str = "scenario") -> dict[str, Rule]:
    """Return those about what the service uses meanwhile; raises UsageError likewise."""
    return {metric: rule for metric, rule in _parsed(scenario, name).items() if metric in RESOURCE_UNITS}


def check_operations(scenario: ScenarioSettings, *, name: str = "scenario") -> dict[str, dict[str, Rule]]:
    """Return those of single operations; raises UsageError likewise, and for one that is not among the `paths`."""
    if scenario.paths and not scenario.user:
        check_sent(scenario, [one.operation for one in of_paths(scenario.paths)], name=name)
    return {
        operation: _all(f"load.{name}.operations.{operation!r}", texts)
        for operation, texts in scenario.operations.items()
    }


def tell_objectives(rules: Mapping[str, Rule], operation: str = "") -> list[Objective]:
    """Return parsed objectives as reports are told them."""
    return [
        Objective(metric=metric, operator=rule.operator, threshold=rule.threshold, operation=operation)
        for metric, rule in rules.items()
    ]


def check_sent(scenario: ScenarioSettings, known: Collection[str], *, name: str) -> None:
    """Raise UsageError for objectives of an operation that is not among those that are sent."""
    for operation in scenario.operations:
        _check_operation(name, operation, known)


def _parsed(scenario: ScenarioSettings, name: str) -> dict[str, Rule]:
    return _all(f"load.{name}.objectives", scenario.objectives)


def _all(table: str, texts: Mapping[Any, str]) -> dict[str, Rule]:
    return {metric: _parse(table, metric, text) for metric, text in texts.items()}


def _check_operation(name: str, operation: str, known: Iterable[str]) -> None:
    if operation not in known:
        raise UsageError(
            f"the scenario {name!r} sends no {operation!r}",
            slug="objective-operation",
            where=f"[load.{name}.operations]",
            remedy=name_nearest(operation, known, called="its operations"),
        )


def _parse(table: str, metric: str, text: str) -> Rule:
    try:
        rule = parse_objective(f"objective.{metric} {text}")
    except UsageError as error:
        raise _unreadable(table, metric, text) from error
    if rule.unit not in {"", LOAD_UNITS[metric]}:
        raise _unreadable(table, metric, text)
    return rule


def _unreadable(table: str, metric: str, text: str) -> UsageError:
    unit = SIGNS[LOAD_UNITS[metric]]
    return UsageError(
        f"cannot read the objective {metric} = {text!r}",
        slug="objective-unreadable",
        where=f"[{table}] {metric}",
        remedy=f"write OPERATOR NUMBER{unit and ' and the unit' + unit}, "
        f"for example: {metric} = {EXAMPLES.get(metric, '<= 250 ms')!r}",
    )


def find_certain(
    rules: Mapping[str, Rule], values: Mapping[str, float], least: Mapping[str, float]
) -> tuple[Broken, ...]:
    """Return the objectives that do not hold even by the best figures that the service can have earned."""
    return tuple(broken for broken in find_broken(rules, values) if not broken.rule.holds(least[broken.metric]))


def find_broken(rules: Mapping[str, Rule], values: Mapping[str, float]) -> tuple[Broken, ...]:
    """Return the objectives that do not hold; every metric must have a value."""
    return tuple(
        Broken(metric=metric, value=values[metric], rule=rule)
        for metric, rule in rules.items()
        if not rule.holds(values[metric])
    )
