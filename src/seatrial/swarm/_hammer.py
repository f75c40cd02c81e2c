"""A scenario's load, so much of it that the service has all it can do, while something else is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.config import SHAPES, LimitSettings, ScenarioSettings
from seatrial.core import Identities, Target
from seatrial.swarm._flood import Hammer
from seatrial.swarm._order import prepare
from seatrial.swarm._scenario import make_plan, start_ahead
from seatrial.swarm.traffic import Traffic


def make_hammer(  # noqa: PLR0913 - as run_scenario, and how much of it
    name: str,
    scenario: ScenarioSettings,
    *,
    rate_per_s: float,
    duration_s: float,
    most_in_flight: int,
    target: Target,
    identities: Identities,
    seed: int,
    run: str,
    work: Path,
    root: Path,
    limits: Sequence[LimitSettings],
    environment: Mapping[str, str],
    traffic: Traffic | None = None,
) -> Hammer:
    """Start the process that sends a scenario's arrivals at another rate; nobody who sends them comes to a quota.

    Raises UsageError for a scenario that cannot be used, EnvironmentFailure when no process can be started.
    """
    more = {"rate_per_s": rate_per_s, "duration_s": {"quick": duration_s}, "objectives": {}, **dict.fromkeys(SHAPES)}
    changed = scenario.model_copy(update=more)
    order = prepare(name, changed, profile="quick", root=root, limits=limits, environment=environment)
    plan = make_plan(order, target, identities, seed=seed, out=work, traffic=traffic)
    process = start_ahead(f"hammer-{name}", run=run, work=work, root=root)
    return Hammer(replace(plan, most_in_flight=most_in_flight), process)
