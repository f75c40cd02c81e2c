"""Rules over measurements and outcomes, and the figures that were accepted, against which some of them are."""

from seatrial.gate._baseline import (
    accepted,
    baseline_file,
    comparable,
    is_counted,
    ratcheted,
    read_baseline,
    stored_for,
    write_baseline,
)
from seatrial.gate._compared import Compared, read_comparisons
from seatrial.gate._judge import decide, judge, postpone, sign_of
from seatrial.gate._smoke import SMOKE_RULES, lenience_of, rules_for
from seatrial.gate._values import Value, check_rules, collect_values, known_metrics, outcome_word
from seatrial.gate._waivers import active, covers, describe

__all__ = [
    "SMOKE_RULES",
    "Compared",
    "Value",
    "accepted",
    "active",
    "baseline_file",
    "check_rules",
    "collect_values",
    "comparable",
    "covers",
    "decide",
    "describe",
    "is_counted",
    "judge",
    "known_metrics",
    "lenience_of",
    "outcome_word",
    "postpone",
    "ratcheted",
    "read_baseline",
    "read_comparisons",
    "rules_for",
    "sign_of",
    "stored_for",
    "write_baseline",
]
