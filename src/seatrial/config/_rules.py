"""Gate rules, parsed before anything starts.

rule       = metric operator number [unit]
metric     = word *("." word)             coverage.total, load.steady.p99, checks.failed
operator   = "<=" | "<" | ">=" | ">" | "==" | "!="
number     = ["-"] digits ["." digits]
unit       = "ms" | "s" | "%" | "/s"      must be the metric's own; percentages run from 0 to 100
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

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

_COMPARISON = r"(?P<operator><=|>=|==|!=|<|>)\s*(?P<number>-?\d+(?:\.\d+)?)\s*(?P<unit>ms|s|%|/s)?"
_RULE = re.compile(r"\s*(?P<metric>[a-z][a-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+)\s*" + _COMPARISON + r"\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A threshold on one metric; an empty unit means the metric's own. An informational one decides nothing."""

    text: str
    metric: str
    operator: str
    threshold: float
    unit: str = ""
    informational: bool = False

    def holds(self, value: float) -> bool:
        """Return whether an unrounded value meets the threshold."""
        return OPERATORS[self.operator](value, self.threshold)


def parse_rule(text: str, *, informational: bool = False) -> Rule:
    """Parse one rule; raises UsageError that shows the grammar by example."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"cannot read the gate rule {text!r}",
            slug="gate-rule",
            remedy="write METRIC OPERATOR NUMBER [ms|s|%|/s] with one of <= < >= > == !=, "
            "for example: load.steady.p99 <= 250 ms",
        )
    return Rule(
        text=" ".join(text.split()),
        metric=match["metric"],
        operator=match["operator"],
        threshold=float(match["number"]),
        unit=UNIT_NAMES[match["unit"] or ""],
        informational=informational,
    )
