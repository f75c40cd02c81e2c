"""How long `Retry-After` asks a client to wait: for so many seconds, or until a date (RFC 9110, 10.2.3).

A date is held against the `Date` of the same answer, so that no other clock matters. That is cut to whole seconds, and
servers compose it once a second: how long it is until then lies between two bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from seatrial.throttle._claims import NO_NUMBER, Defect, read_number, word
from seatrial.throttle._policy import Policy
from seatrial.throttle._shapes import answered
from seatrial.throttle._window import DATE_AGE_S, Edge, slack_s
from seatrial.throttle._wire import Answer

UNDATED = "a date beside no date"


@dataclass(frozen=True, slots=True)
class Wait:
    """So many seconds from when the server acted, between two bounds; whoever waits for `most_s` waits long enough."""

    least_s: int
    most_s: int

    def __str__(self) -> str:
        return f"{self.most_s} s" if self.least_s == self.most_s else f"{self.least_s} to {self.most_s} s"


def read_wait(answer: Answer) -> Wait | str:
    """Return how long an answer asks to wait, or what is wrong with what it says."""
    value = read_number(answer, "Retry-After")
    if isinstance(value, int):
        return Wait(value, value)
    until = _date(answer, "Retry-After") if value == NO_NUMBER else None
    if until is None:
        return value
    said = _date(answer, "Date")
    if said is None:
        return UNDATED
    most_s = int((until - said).total_seconds())
    return Wait(max(0, most_s - 1 - math.ceil(DATE_AGE_S)), max(0, most_s))


def _date(answer: Answer, name: str) -> datetime | None:
    """Return the date of a header, in the one form in which servers may write it (RFC 9110, 5.6.7)."""
    (text,) = answer.values(name)[:1] or ("",)
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is UTC and format_datetime(found, usegmt=True) == text else None


def judge_retry_after(policy: Policy, rejections: Sequence[Answer], edge: Edge | None) -> list[Defect]:
    """Return whether Retry-After is on each rejection, seconds or a date, and not more than are left.

    Without an edge it may be as long as a whole window, of a bucket as one request takes to come back.
    """
    found: dict[str, Defect] = {}
    for answer in filter(answered, rejections):
        end_s = edge.latest_s if edge else answer.received.s + policy.wait_s + slack_s(policy)
        for defect in _judge_wait(answer, end_s):
            found.setdefault(defect.cause, defect)
    return list(found.values())


def _judge_wait(rejection: Answer, end_s: float) -> list[Defect]:
    wait = read_wait(rejection)
    if isinstance(wait, str):
        return [Defect(f"retry-after-{word(wait)}", f"Retry-After is {wait}", (rejection,))]
    longest = max(1, math.ceil(end_s - rejection.sent.s))
    if wait.least_s <= longest:
        return []
    return [Defect("retry-after-too-long", f"Retry-After says {wait}, {longest} s are enough", (rejection,))]
