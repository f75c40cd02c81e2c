"""Rules over measurements and outcomes; pure functions."""

from seatrial.gate._judge import decide, judge
from seatrial.gate._values import Value, check_rules, collect_values, known_metrics, outcome_word
from seatrial.gate._waivers import active, covers, describe

__all__ = [
    "Value",
    "active",
    "check_rules",
    "collect_values",
    "covers",
    "decide",
    "describe",
    "judge",
    "known_metrics",
    "outcome_word",
]
