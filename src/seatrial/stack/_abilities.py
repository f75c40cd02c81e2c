"""Say that a driver cannot do what was asked of it."""

from __future__ import annotations

from seatrial.core import EnvironmentFailure
from seatrial.stack._base import Ability, Stack

MEANINGS: dict[Ability, str] = {
    "logs": "show what a service writes",
    "exec": "run commands inside a service",
    "control": "stop, pause, kill or restart a service",
    "scale": "run several instances of a service",
    "coverage": "measure coverage inside a service",
    "addresses": "send requests from several client addresses",
    "inspect": "inspect containers",
    "memory": "tell what a service uses",
    "faults": "carry a seeded fault",
}


def lacks(stack: Stack, ability: Ability) -> EnvironmentFailure:
    """Return the error to raise for what a driver cannot do."""
    others = {"remote": "--stack compose or --stack local", "local": "--stack compose"}
    return EnvironmentFailure(
        f"a {stack.driver} stack cannot {MEANINGS[ability]}",
        slug="ability-missing",
        where=f"--stack {stack.driver}",
        remedy=f"use {others.get(stack.driver, '--stack local')}",
    )
