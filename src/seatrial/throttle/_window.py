"""When a fixed window ends, as far as it can be known from outside.

The server acts on a request between its sending and its receipt. A window that begins with the first request begins
between `sent` of the first and the earliest receipt; it ends `window_s` later, somewhere in an interval. What happens
inside that interval proves nothing; before and after it, everything is decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._policy import Policy
from seatrial.throttle._wire import Answer

CLOCK_S = 0.002
"""Clocks are read to a millisecond or so."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The end of a window lies between these two times (seconds since the epoch)."""

    earliest_s: float
    latest_s: float


def end_of_window(policy: Policy, answers: Sequence[Answer]) -> Edge:
    """Return when the window ends in which these answers were given."""
    first_s = min(answer.sent_s for answer in answers)
    if policy.settings.anchor == "clock":
        edge = (math.floor(first_s / policy.window_s) + 1) * policy.window_s
        return Edge(edge - CLOCK_S, edge + CLOCK_S)
    began_s = min(answer.received_s for answer in answers)
    return Edge(first_s + policy.window_s - CLOCK_S, began_s + policy.window_s + CLOCK_S)


def inside(edge: Edge, answers: Sequence[Answer]) -> bool:
    """Return whether every answer was certainly given before the window ended."""
    return all(answer.received_s < edge.earliest_s for answer in answers)


def reset_is_true(policy: Policy, edge: Edge, answer: Answer, value: int) -> bool:
    """Return whether a Reset header can be the end of the window, whichever way it was rounded."""
    if policy.settings.headers == "x-ratelimit-delta":
        return math.floor(edge.earliest_s - answer.received_s) <= value <= math.ceil(edge.latest_s - answer.sent_s)
    return math.floor(edge.earliest_s) <= value <= math.ceil(edge.latest_s)
