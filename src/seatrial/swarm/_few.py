"""A few arrivals of each scenario, which judge nothing: they show what code a load reaches, where lines are counted."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.config import SHAPES, LimitSettings, Profile, ScenarioSettings
from seatrial.core import Identities, Target
from seatrial.swarm._order import prepare
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import PYTHON, end_child, say, start_child
from seatrial.swarm._scenario import make_plan
from seatrial.swarm.traffic import Traffic

COMMAND = (*PYTHON, "seatrial.swarm._inside._few")
ARRIVALS, SEND_S = 20, 0.4
"""Of each scenario: so many, due within so many seconds."""

DEADLINE_S = 1.0
SPARE_S = 5.0


class FewArrivals:
    """The process that sends them; it imports Locust, which takes a second, and waits."""

    def __init__(self, *, run: str, cwd: Path, log: Path) -> None:
        """Start it, with a file for its log; raises EnvironmentFailure when no process can be started."""
        with log.open("wb") as errors:
            self._child = start_child(COMMAND, run, cwd, errors)

    def send(self, plans: Sequence[Plan]) -> bool:
        """Send the arrivals of these plans, one after the other, and return whether it ended in time by itself."""
        for plan in plans:
            say(self._child, plan.encode())
        assert self._child.stdin is not None  # noqa: S101 - Popen was asked for a pipe
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._child.stdin.close()
            self._child.wait(SPARE_S + len(plans) * (SEND_S + DEADLINE_S))
        ended = self._child.poll() == 0
        self.close()
        return ended

    def close(self) -> None:
        """Make sure that the process is gone; safe to call twice."""
        end_child(self._child)


def plan_few(  # noqa: PLR0913 - as run_scenario, without what judges
    name: str,
    scenario: ScenarioSettings,
    *,
    target: Target,
    identities: Identities,
    profile: Profile,
    seed: int,
    work: Path,
    root: Path,
    limits: Sequence[LimitSettings],
    environment: Mapping[str, str],
    traffic: Traffic | None = None,
) -> Plan:
    """Return the plan of a scenario's few arrivals; raises UsageError for a load file that is not there."""
    sent = {"rate_per_s": ARRIVALS / SEND_S, "duration_s": {profile: SEND_S}, "deadline_s": DEADLINE_S}
    judged: dict[str, object] = {"objectives": {}, "operations": {}}
    changed = scenario.model_copy(update={**sent, **judged, **dict.fromkeys(["flood", "journey_s", "search", *SHAPES])})
    order = prepare(name, changed, profile=profile, root=root, limits=limits, environment=environment)
    order = replace(order, identities=min(order.identities, ARRIVALS))
    plan = make_plan(order, target, identities, seed=seed, out=work, traffic=traffic)
    return replace(plan, requests=os.devnull)
