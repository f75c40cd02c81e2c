"""When a fixed window ends, as far as it can be known from outside.

The server acts on a request between its sending and its receipt. A window that begins with the first request begins
between the first sending and the first receipt; it ends `window_s` later, somewhere in an interval. What happens
inside that interval proves nothing; before and after it, everything is decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from seatrial.throttle._policy import DRIFT, READING_S, Policy
from seatrial.throttle._wire import Answer

STEP_S = 0.05
DATE_AGE_S = 1.0
"""`Date` is cut to whole seconds, and servers compose it once a second."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The end of a window lies between these two times of the steady clock; plus `epoch_s` they are since the epoch."""

    earliest_s: float
    latest_s: float
    epoch_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the server's clock is ahead of ours, between two bounds in seconds."""

    least_s: float
    most_s: float


SAME_CLOCK = Offset(0.0, 0.0)


def slack_s(policy: Policy) -> float:
    """Return by how much two clocks may disagree over one window, in seconds."""
    return READING_S + DRIFT * policy.window_s


def end_of_window(policy: Policy, answers: Sequence[Answer]) -> Edge:
    """Return when the window ends in which these answers of one client, its first ones, were given."""
    first = min(answer.sent for answer in answers)
    slack, epoch_s = slack_s(policy), first.at - first.s
    if policy.settings.anchor == "clock":
        end_s = (math.floor(first.at / policy.window_s) + 1) * policy.window_s - epoch_s
        return Edge(end_s - slack, end_s + slack, epoch_s)
    began_s = min(answer.received.s for answer in answers)
    return Edge(first.s + policy.window_s - slack, began_s + policy.window_s + slack, epoch_s)


def inside(edge: Edge, answers: Sequence[Answer]) -> bool:
    """Return whether every answer was certainly given before the window ended."""
    return all(answer.received.s < edge.earliest_s for answer in answers)


def after(edge: Edge, answer: Answer) -> bool:
    """Return whether an answer was certainly given after the window ended."""
    return answer.sent.s > edge.latest_s


def clock_stepped(answers: Sequence[Answer]) -> bool:
    """Return whether somebody set our clock while these answers came."""
    lags = [instant.at - instant.s for answer in answers for instant in (answer.sent, answer.received)]
    return max(lags) - min(lags) > STEP_S


def server_clocks(answers: Sequence[Answer], *, same_host: bool) -> tuple[Offset, ...]:
    """Return what the server's clock may be: ours on the same host, and what `Date` says where that differs.

    Empty when nothing tells; a value is untrue only when it is so for each of them.
    """
    told = _offset_by_date(answers)
    if not same_host:
        return (told,) if told else ()
    if told is None or told.least_s <= 0 <= told.most_s:
        return (SAME_CLOCK,)
    return (SAME_CLOCK, told)


def _offset_by_date(answers: Sequence[Answer]) -> Offset | None:
    dated = [(answer, date) for answer in answers if (date := _date(answer)) is not None]
    if not dated:
        return None
    least_s = max(date - answer.received.at for answer, date in dated)
    most_s = min(date + 1 + DATE_AGE_S - answer.sent.at for answer, date in dated)
    return Offset(least_s, most_s) if least_s <= most_s else None


def _date(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.values("Date")[0]).timestamp()
    except (IndexError, ValueError, TypeError):
        return None


def reset_is_true(policy: Policy, edge: Edge, answer: Answer, value: int, clocks: Sequence[Offset]) -> bool:
    """Return whether a Reset header can be the end of the window, whichever way it was rounded.

    It is a date, or the seconds until then.
    """
    if not policy.dated:
        return math.floor(edge.earliest_s - answer.received.s) <= value <= math.ceil(edge.latest_s - answer.sent.s)
    return any(
        math.floor(edge.earliest_s + edge.epoch_s + clock.least_s)
        <= value
        <= math.ceil(edge.latest_s + edge.epoch_s + clock.most_s)
        for clock in clocks
    )
