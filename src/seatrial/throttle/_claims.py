"""The claims, judged on answers: pure functions that return defects.

A rejection is any answer of 4xx or 5xx where the client's first request was answered otherwise: so a limiter that
rejects with the wrong status still has its quota counted, and only its status is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._policy import Policy
from seatrial.throttle._window import Edge, reset_is_true
from seatrial.throttle._wire import Answer

ERROR = 400


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong: a stable word, a sentence, and the answers that show it."""

    cause: str
    title: str
    answers: tuple[Answer, ...]


def rejected(answer: Answer) -> bool:
    """Return whether a request was refused."""
    return answer.status >= ERROR


def judge_quota(policy: Policy, answers: Sequence[Answer], *, how: str) -> list[Defect]:
    """Return whether exactly the quota was admitted by answers of one client in one window."""
    admitted = sum(not rejected(answer) for answer in answers)
    if admitted == policy.quota:
        return []
    cause = "too-many-admitted" if admitted > policy.quota else "too-few-admitted"
    title = f"{admitted} of {len(answers)} requests {how} were admitted in one window, the quota is {policy.quota}"
    turning = [answer for answer in answers if rejected(answer)][:1]
    return [Defect(cause, title, (*answers[:1], *turning, answers[-1]))]


def judge_status(policy: Policy, answers: Sequence[Answer]) -> list[Defect]:
    """Return whether each rejection has the declared status."""
    wanted = policy.settings.rejection_status
    wrong = [answer for answer in answers if rejected(answer) and answer.status != wanted]
    if not wrong:
        return []
    return [
        Defect(
            f"status-{wrong[0].status}",
            f"a rejection has status {wrong[0].status}, declared is {wanted}",
            tuple(wrong[:2]),
        )
    ]


def judge_headers(policy: Policy, answers: Sequence[Answer], edge: Edge | None) -> list[Defect]:
    """Return whether limit, remaining and reset are true on the answers of one client, in the order of sending.

    Without an edge (the window's end cannot be told) Reset is not judged.
    """
    if policy.settings.headers == "none":
        return []
    found: dict[str, Defect] = {}
    for number, answer in enumerate(answers, 1):
        remaining = max(0, policy.quota - number)
        for defect in _judge_one(policy, answer, remaining, edge):
            found.setdefault(defect.cause, defect)
    return list(found.values())


def _judge_one(policy: Policy, answer: Answer, remaining: int, edge: Edge | None) -> list[Defect]:
    wanted = (("limit", policy.quota), ("remaining", remaining))
    found = [_judge_number(answer, name, number) for name, number in wanted]
    found.append(_judge_reset(policy, answer, edge) if edge else None)
    return [defect for defect in found if defect]


def read_number(answer: Answer, name: str) -> int | str:
    """Return the number of a header, or what is wrong with it."""
    values = answer.values(name)
    if len(values) != 1:
        return "missing" if not values else "there more than once"
    return int(values[0]) if values[0].isascii() and values[0].isdigit() else "no whole number"


def _judge_number(answer: Answer, name: str, wanted: int) -> Defect | None:
    header = f"X-RateLimit-{name.title()}"
    value = read_number(answer, header)
    if value == wanted:
        return None
    said = f"is {value}" if isinstance(value, str) else f"says {value}, true is {wanted}"
    kind = value.replace(" ", "-") if isinstance(value, str) else "untrue"
    return Defect(f"{name}-{kind}", f"{header} {said}", (answer,))


def _judge_reset(policy: Policy, answer: Answer, edge: Edge) -> Defect | None:
    header = "X-RateLimit-Reset"
    value = read_number(answer, header)
    if isinstance(value, str):
        return Defect(f"reset-{value.replace(' ', '-')}", f"{header} is {value}", (answer,))
    if reset_is_true(policy, edge, answer, value):
        return None
    truth = f"the window ends between {edge.earliest_s:.3f} and {edge.latest_s:.3f}"
    return Defect("reset-untrue", f"{header} says {value}, {truth}", (answer,))


def judge_retry_after(policy: Policy, rejection: Answer, edge: Edge | None) -> list[Defect]:
    """Return whether Retry-After is there, whole seconds (RFC 9110, 10.2.3), and not longer than the window lasts."""
    value = read_number(rejection, "Retry-After")
    if isinstance(value, str):
        return [Defect(f"retry-after-{value.replace(' ', '-')}", f"Retry-After is {value}", (rejection,))]
    end_s = edge.latest_s if edge else rejection.sent_s + policy.window_s
    longest = max(1, math.ceil(end_s - rejection.sent_s))
    if value <= longest:
        return []
    return [Defect("retry-after-too-long", f"Retry-After says {value} s, {longest} s are enough", (rejection,))]
