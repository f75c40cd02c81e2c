"""Objectives: thresholds on a scenario's figures, read before anything starts and judged on unrounded values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.config import LOAD_UNITS, Rule, ScenarioSettings, parse_rule
from seatrial.core import UsageError

SIGNS = {"ms": " ms", "per_s": "/s", "ratio": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An objective that does not hold."""

    metric: str
    value: float
    rule: Rule

    @property
    def title(self) -> str:
        """Return value and threshold in one sentence, the value with all its digits where they decide."""
        sign = SIGNS[LOAD_UNITS[self.metric]]
        return f"{self.metric} is {self.value!r}{sign}, asked was {self.rule.operator} {self.rule.threshold:g}{sign}"


def check_objectives(scenario: ScenarioSettings, *, name: str = "scenario") -> dict[str, Rule]:
    """Return the parsed objectives of a scenario; raises UsageError for one that cannot be read."""
    return {metric: _parse(name, metric, text) for metric, text in scenario.objectives.items()}


def _parse(name: str, metric: str, text: str) -> Rule:
    try:
        rule = parse_rule(f"load.{name}.{metric} {text}")
    except UsageError as error:
        raise _unreadable(name, metric, text) from error
    if rule.unit not in {"", LOAD_UNITS[metric]}:
        raise _unreadable(name, metric, text)
    return rule


def _unreadable(name: str, metric: str, text: str) -> UsageError:
    unit = SIGNS[LOAD_UNITS[metric]]
    example = {"error_ratio": "<= 0.01", "rate": ">= 39/s"}.get(metric, "<= 250 ms")
    return UsageError(
        f"cannot read the objective {metric} = {text!r}",
        slug="objective-unreadable",
        where=f"[load.{name}.objectives] {metric}",
        remedy=f"write OPERATOR NUMBER{unit and ' and the unit' + unit}, for example: {metric} = {example!r}",
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
