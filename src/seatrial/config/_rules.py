"""Gate rules, parsed before anything starts.

rule       = metric operator (bound | baseline) | compared
metric     = word *("." word)             coverage.total, load.steady.p99, checks.failed
operator   = "<=" | "<" | ">=" | ">" | "==" | "!="
bound      = ["+" | "-"] number [unit]
compared   = "load.compare." scenario "." ("p50" | "p90" | "p95" | "p99") ("<=" | "<") ["+" | "-"] number "%"
baseline   = "baseline" [("+" | "-") number [unit]]      what was accepted, and by how much it may be missed
number     = digits ["." digits]
unit       = "ms" | "s" | "%" | "/s"      must be the metric's own; percentages run from 0 to 100

What is compared is by how much a candidate is slower than its base, in percent, as `seatrial load compare` found it.
After `baseline`, `%` are points of a metric that is measured in percent, and a share of the baseline of any other.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from seatrial.core import UsageError

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
UNIT_NAMES = {"ms": "ms", "s": "s", "%": "percent", "/s": "per_s", "": ""}
PERCENT = "percent"

NOISY = "load."
"""What varies so much from run to run that one run, held against a stored one, is a false alarm in one of eight."""

COMPARED = "load.compare."
COMPARED_FIGURES = ("p50", "p90", "p95", "p99")
"""What `seatrial load compare` finds of both sides, of latencies."""

_UNIT = r"(?:ms|s|%|/s)?"
_BOUND = rf"(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?P<unit>{_UNIT})"
_BASELINE = rf"(?P<baseline>baseline)(?:\s*(?P<sign>[+-])\s*(?P<by>\d+(?:\.\d+)?)\s*(?P<by_unit>{_UNIT}))?"
_COMPARISON = rf"(?P<operator><=|>=|==|!=|<|>)\s*(?:{_BASELINE}|{_BOUND})"
_RULE = re.compile(r"\s*(?P<metric>[a-z][a-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+)\s*" + _COMPARISON + r"\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A threshold on one metric; an empty unit means the metric's own. An informational one decides nothing.

    Against the `baseline`, the threshold is by how much it may be missed.
    """

    text: str
    metric: str
    operator: str
    threshold: float
    unit: str = ""
    baseline: bool = False
    informational: bool = False

    @property
    def noisy(self) -> bool:
        """Return whether a stored figure says too little about a new one to decide anything."""
        return self.baseline and self.metric.startswith(NOISY)

    @property
    def compared(self) -> bool:
        """Return whether it is about two versions of a service, one of which may be slower by so much."""
        return self.metric.startswith(COMPARED) and self.metric.count(".") == COMPARED.count(".") + 1

    def holds(self, value: float) -> bool:
        """Return whether an unrounded value meets the threshold."""
        return OPERATORS[self.operator](value, self.threshold)

    def against(self, stored: float, unit: str) -> Self:
        """Return the rule with a number in place of its baseline: that was `stored`, in the metric's `unit`."""
        share = self.unit == PERCENT and unit != PERCENT
        allowed = abs(stored) * self.threshold / 100 if share else self.threshold
        return replace(self, threshold=stored + allowed, unit=unit, baseline=False)


def parse_rule(text: str, *, informational: bool = False) -> Rule:
    """Parse one rule; raises UsageError that shows the grammar by example."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"cannot read the gate rule {text!r}",
            slug="gate-rule",
            remedy="write METRIC OPERATOR NUMBER [ms|s|%|/s] with one of <= < >= > == !=, "
            "for example: load.steady.p99 <= 250 ms; in place of the number, baseline [+|- NUMBER [ms|s|%|/s]], "
            "for example: coverage.total >= baseline - 0.5 %",
        )
    number, unit = (
        (f"{match['sign']}{match['by']}", match["by_unit"]) if match["by"] else (match["number"], match["unit"])
    )
    rule = Rule(
        text=" ".join(text.split()),
        metric=match["metric"],
        operator=match["operator"],
        threshold=float(number or 0),
        unit=UNIT_NAMES[unit or ""],
        baseline=bool(match["baseline"]),
    )
    _check_compared(rule)
    return replace(rule, informational=informational or rule.noisy)


def _check_compared(rule: Rule) -> None:
    """Refuse a rule about two versions that an interval cannot decide, or of a figure that is not compared."""
    known = rule.metric.rpartition(".")[2] in COMPARED_FIGURES and rule.operator in {"<=", "<"}
    if rule.compared and (not known or rule.baseline or rule.unit != PERCENT):
        raise UsageError(
            f"cannot read the gate rule {rule.text!r} about a comparison",
            slug="gate-rule",
            remedy=f"write {COMPARED}SCENARIO.FIGURE with one of {' '.join(COMPARED_FIGURES)}, then <= or <, and by "
            "how many % the candidate may be slower, for example: load.compare.steady.p95 <= +10 %",
        )


def parse_objective(text: str) -> Rule:
    """Parse a rule that is judged while load is sent, against a number alone; raises UsageError."""
    rule = parse_rule(text)
    if rule.baseline:
        raise UsageError(
            f"the objective {rule.text!r} is against the baseline",
            slug="objective-baseline",
            remedy="write a number here, and the comparison with the baseline as a rule of [gate]",
        )
    return rule
