"""Objectives that can no longer hold while the load still goes on: it ends then, once its grace is over."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.config import Rule
from seatrial.swarm._honesty import STARTED_PERCENT
from seatrial.swarm._objectives import Broken, find_broken
from seatrial.swarm._plan import Ledger, Plan, due_of
from seatrial.swarm._process import Message
from seatrial.swarm._team import Team

COUNTS = ("due", "started", "answered", "failed")


class Watch:
    """See every second whether an objective is lost, and end the load then."""

    def __init__(self, plan: Plan, rules: Mapping[str, Rule], team: Team, *, grace_s: float) -> None:
        self._plan, self._rules, self._team, self._grace_s = plan, rules, team, grace_s
        self._due = due_of(plan).due
        self.lost: tuple[Broken, ...] = ()
        self.ledger = Ledger()

    def __call__(self, tick: Message) -> None:
        """Take in how far it is."""
        if self.lost or not self._grace_s <= tick["elapsed_s"] < self._plan.duration_s:
            return
        self.lost = find_lost(self._rules, tick, due=self._due, duration_s=self._plan.duration_s)
        if self.lost:
            self.ledger = ledger_at(tick)
            self._team.interrupt()


def find_lost(rules: Mapping[str, Rule], tick: Message, *, due: int, duration_s: float) -> tuple[Broken, ...]:
    """Return the objectives that do not hold even if all that is still to come goes well, with their best values.

    Those are errors and rate: a percentile is known in the end only. While the generator does not keep up nothing is.
    """
    if tick["started"] * 100 < tick["due"] * STARTED_PERCENT:
        return ()
    best = {"error_ratio": tick["failed"] / due, "rate": (due - tick["failed"]) / duration_s}
    return find_broken({metric: rule for metric, rule in rules.items() if metric in best}, best)


def ledger_at(tick: Message) -> Ledger:
    """Return the ledger as it was when the load was ended: what was under way stays unfinished."""
    due, started, answered, failed = (tick[name] for name in COUNTS)
    return Ledger(
        due=due, started=started, dropped=due - started, answered=answered, failed=failed,
        unfinished=started - answered - failed,
    )  # fmt: skip
