"""The rules of a smoke run: they are its own, since those of a project are about whole runs."""

from __future__ import annotations

from typing import Literal

from seatrial.config import SMOKE, GateSettings, Rule, parse_rule

SMOKE_RULES = (
    "checks.failed == 0",
    "checks.inconclusive == 0",
    "checks.blocked == 0",
    "checks.not_tested == 0",
    "smoke.refused == 0",
    "checks.passed >= 1",
)
"""Whatever is not verified decides nothing, and is no pass."""


def rules_for(gate: GateSettings, profile: str) -> tuple[Rule, ...]:
    """Return the rules that decide about a run of this profile."""
    return tuple(map(parse_rule, SMOKE_RULES)) if profile == SMOKE else gate.parsed


def lenience_of(gate: GateSettings, profile: str) -> Literal["block", "pass"]:
    """Return what is inconclusive does to a verdict: after a deployment it is never let through."""
    return "block" if profile == SMOKE else gate.on_inconclusive
