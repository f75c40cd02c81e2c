"""When a sliding counter's windows must have turned, for a claim to hold.

They turn for all clients at once, a window apart, or not while the first one of a client lasts. A fresh client is
admitted its quota, and one more only where they turned meanwhile. So what is admitted once proves nothing, and again
within a window it is certainly too much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from seatrial.throttle._claims import lasted_s
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._policy import DRIFT, READING_S, Policy
from seatrial.throttle._wire import Answer

TURNED = "more than the quota is admitted, as where a counter's windows turn meanwhile"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, by the steady clock."""

    since_s: float
    until_s: float

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> Self:
        """Return the time from the first request that was sent to the last answer."""
        return cls(min(answer.sent.s for answer in answers), max(answer.received.s for answer in answers))


def both_turned(policy: Policy, one: Stretch, other: Stretch) -> bool:
    """Return whether windows may have turned in both: at one moment, or a whole number of windows apart."""
    least_s, most_s = other.since_s - one.until_s, other.until_s - one.since_s
    slack_s = READING_S + DRIFT * max(abs(least_s), abs(most_s))
    return math.ceil((least_s - slack_s) / policy.window_s) <= math.floor((most_s + slack_s) / policy.window_s)


@dataclass(slots=True)
class Rollovers:
    """The stretches of time in which windows turned, or a claim does not hold."""

    needed: dict[str, list[Stretch]] = field(default_factory=dict)
    unturned: list[Stretch] = field(default_factory=list)
    """In which none did, as is certain by now."""

    def most(self, policy: Policy, claim: str, answers: Sequence[Answer]) -> int:
        """Return how many of a fresh client's requests may be admitted, if what was admitted before was right."""
        known, stretch = self.needed.get(claim, ()), Stretch.of(answers)
        turned = stretch not in self.unturned and all(both_turned(policy, stretch, other) for other in known)
        return policy.at_most(lasted_s(answers)) if turned else policy.quota

    def doubts(self, policy: Policy, claim: str, answers: Sequence[Answer]) -> bool:
        """Return whether windows may have turned meanwhile, as each time before that it was seen; remember it."""
        known, stretch = self.needed.setdefault(claim, []), Stretch.of(answers)
        doubtful = all(both_turned(policy, stretch, other) for other in known)
        if doubtful:
            known.append(stretch)
        return doubtful

    def settle(self, policy: Policy, claim: str, answers: Sequence[Answer], admitted: int) -> int:
        """Return the same where it decides; raises UndecidedError where windows may have turned, and remembers that."""
        most = self.most(policy, claim, answers)
        # Where windows are shifted for each key, they may turn whenever somebody asks.
        if policy.weighs and not policy.shifted and policy.quota < admitted <= most:
            self.needed.setdefault(claim, []).append(Stretch.of(answers))
            raise UndecidedError(TURNED)
        return most
