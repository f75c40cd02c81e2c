"""Objectives that can no longer hold while the load still goes on: it ends then, once its grace is over."""

from __future__ import annotations

import math
from collections.abc import Mapping

from seatrial.config import Rule
from seatrial.swarm._honesty import BUSY_LAG_MS, BUSY_PERCENT, STARTED_PERCENT, lag_bound_ms
from seatrial.swarm._objectives import Broken, find_broken
from seatrial.swarm._plan import Ledger, Plan
from seatrial.swarm._process import Message
from seatrial.swarm._team import Team

COUNTS = ("due", "started", "answered", "failed")
ONLY_WORSE: Mapping[str, frozenset[str]] = {"error_ratio": frozenset({"<", "<="}), "rate": frozenset({">", ">="})}
"""What failures make worse for good, and which rules on it they break: a percentile is known in the end only."""


class Watch:
    """See every second whether an objective is lost, and end the load then."""

    def __init__(self, plan: Plan, rules: Mapping[str, Rule], team: Team, *, grace_s: float) -> None:
        self._plan, self._rules, self._team, self._grace_s = plan, rules, team, grace_s
        watched = any(rule.operator in ONLY_WORSE.get(metric, ()) for metric, rule in rules.items())
        self.due = sum(1 for _ in plan.arrivals) if watched else 0
        self._times = (due_s for _, due_s in plan.arrivals)
        self._next_s, self._passed = next(self._times, math.inf), 0
        self._lag_limit_ms = lag_bound_ms(rules)
        self.lost: tuple[Broken, ...] = ()
        self.ledger = Ledger()

    def __call__(self, tick: Message) -> None:
        """Take in how far it is."""
        if self.lost or not self.due or not self._grace_s <= tick["elapsed_s"] < self._plan.duration_s:
            return
        if not keeps_up(
            tick, due=self._due_by(tick["elapsed_s"] - self._lag_limit_ms / 1000), lag_limit_ms=self._lag_limit_ms
        ):
            return
        self.lost = find_lost(self._rules, tick, due=self.due, duration_s=self._plan.duration_s)
        if self.lost:
            self.ledger = ledger_at(tick)
            self._team.stop()

    def _due_by(self, at_s: float) -> int:
        """Return how many arrivals were due by an instant, later than the one asked for before."""
        while self._next_s <= at_s:
            self._next_s, self._passed = next(self._times, math.inf), self._passed + 1
        return self._passed


def keeps_up(tick: Message, *, due: int, lag_limit_ms: float) -> bool:
    """Return whether the generator is beyond doubt so far, with `due` arrivals by the schedule: it knows of fewer.

    While it is not, nothing is lost: the load goes on, and is judged in the end.
    """
    started = tick["started"] * 100 >= due * STARTED_PERCENT
    idle = tick["busy"] * 100 <= BUSY_PERCENT or tick["lag_ms"] <= BUSY_LAG_MS
    return bool(started and idle and tick["lag_ms"] <= lag_limit_ms)


def find_lost(rules: Mapping[str, Rule], tick: Message, *, due: int, duration_s: float) -> tuple[Broken, ...]:
    """Return the objectives that do not hold even if all that is still to come goes well, with their best values.

    Only failures count that the generator cannot have brought about.
    """
    best = {"error_ratio": tick["proven"] / due, "rate": (due - tick["proven"]) / duration_s}
    return find_broken({m: rule for m, rule in rules.items() if rule.operator in ONLY_WORSE.get(m, ())}, best)


def ledger_at(tick: Message) -> Ledger:
    """Return the ledger as it was when the load was to end: what was under way stays unfinished."""
    due, started, answered, failed = (tick[name] for name in COUNTS)
    return Ledger(
        due=due, started=started, dropped=due - started, answered=answered, failed=failed,
        unfinished=started - answered - failed,
    )  # fmt: skip
