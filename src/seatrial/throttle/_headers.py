"""Limit, Remaining and Reset, judged on the answers of one client that asked one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.throttle._claims import Defect, word
from seatrial.throttle._conventions import Figure, convention_of, read_figure
from seatrial.throttle._partition import judge_partition
from seatrial.throttle._policy import Policy
from seatrial.throttle._retry import Wait, read_wait
from seatrial.throttle._shapes import answered
from seatrial.throttle._window import Edge, Offset, reset_is_true, slack_s
from seatrial.throttle._wire import Answer


@dataclass(frozen=True, slots=True)
class Truth:
    """What headers are held against: when the window ends (None where that cannot be told), by which clocks."""

    edge: Edge | None
    clocks: Sequence[Offset]


def judge_headers(policy: Policy, answers: Sequence[Answer], truth: Truth, *, admitted: int) -> list[Defect]:
    """Return whether limit, remaining and reset are true on answers in the order of sending, from the first one on.

    Headers that tell the quota that is enforced are true even where it is not the declared one: that is another claim.
    """
    return _first_of_each(judge_each(policy, answers, truth, admitted=admitted))


def judge_each(policy: Policy, answers: Sequence[Answer], truth: Truth, *, admitted: int) -> list[Defect]:
    """Return the same of every answer, not only the first of each kind."""
    if policy.settings.headers == "none":
        return []
    quotas = dict.fromkeys((policy.quota, max(1, admitted)))
    judged = [list(_judge_all(policy, answers, truth, quota)) for quota in quotas]
    return next((defects for defects in judged if not defects), judged[0])


def _first_of_each(defects: Iterable[Defect]) -> list[Defect]:
    found: dict[str, Defect] = {}
    for defect in defects:
        found.setdefault(defect.cause, defect)
    return list(found.values())


def _judge_all(policy: Policy, answers: Sequence[Answer], truth: Truth, quota: int) -> Iterator[Defect]:
    number = 0
    for answer in filter(answered, answers):
        # What is refused costs nothing of what comes back.
        number += policy.fixed or answer.status != policy.settings.rejection_status
        least = max(0, quota - number)
        lasted_s = answer.received.s - answers[0].sent.s
        # What may have come back meanwhile may be told.
        most = least if policy.fixed else max(0, min(quota - 1, policy.at_most(lasted_s) - number))
        yield from _judge_one(policy, answer, truth, limit=quota, remaining=(least, max(least, most)))


def judge_late(policy: Policy, rejection: Answer, truth: Truth) -> list[Defect]:
    """Return whether a rejection late in the window still says that nothing remains, and when the window ends."""
    if policy.settings.headers == "none" or not answered(rejection):
        return []
    found = (_judge_number(policy, rejection, "remaining", (0, 0)), _judge_reset(policy, rejection, truth))
    return [defect for defect in found if defect]


def _judge_one(
    policy: Policy, answer: Answer, truth: Truth, *, limit: int, remaining: tuple[int, int]
) -> Iterator[Defect]:
    found = (
        _judge_number(policy, answer, "limit", (limit, limit)),
        _judge_number(policy, answer, "remaining", remaining),
        _judge_reset(policy, answer, truth),
        _judge_window(policy, answer),
        _judge_sooner(policy, answer),
    )
    yield from (defect for defect in found if defect)
    yield from judge_partition(policy, answer)


def _judge_number(policy: Policy, answer: Answer, name: Figure, wanted: tuple[int, int]) -> Defect | None:
    value, called = read_figure(policy, answer, name), _called(policy, name)
    if value is None:
        return None
    if isinstance(value, str):
        return Defect(f"{name}-{word(value)}", f"{called} is {value}", (answer,))
    least, most = wanted
    if least <= value <= most:
        return None
    true = f"{least}" if least == most else f"{least} to {most}"
    return Defect(f"{name}-untrue", f"{called} says {value}, true is {true}", (answer,))


def _called(policy: Policy, name: Figure) -> str:
    """Return what a figure is called, for a sentence."""
    convention = convention_of(policy)
    header = convention.headers[name] if convention else ""
    return header if header.endswith(name.title()) else f"{name} in {header}"


def _judge_reset(policy: Policy, answer: Answer, truth: Truth) -> Defect | None:
    value, called, edge = read_figure(policy, answer, "reset"), _called(policy, "reset"), truth.edge
    if value is None:
        return None
    if isinstance(value, str):
        return Defect(f"reset-{word(value)}", f"{called} is {value}", (answer,))
    if not policy.dated and value > math.ceil(policy.window_s + slack_s(policy)):
        return Defect("reset-untrue", f"{called} says {value} s, a window is {policy.window_s:g} s", (answer,))
    if edge is None or not truth.clocks or reset_is_true(policy, edge, answer, value, truth.clocks):
        return None
    ends = f"the window ends between {edge.earliest_s + edge.epoch_s:.3f} and {edge.latest_s + edge.epoch_s:.3f}"
    if not policy.dated:
        ends = f"the window ends in {edge.earliest_s - answer.received.s:.2f} to {edge.latest_s - answer.sent.s:.2f} s"
    return Defect("reset-untrue", f"{called} says {value}, {ends}", (answer,))


def _judge_window(policy: Policy, answer: Answer) -> Defect | None:
    """Return whether the policy that is told, where there is one, has the declared window, in whole seconds."""
    convention = convention_of(policy)
    value = convention.window_s(policy, answer) if convention else None
    if isinstance(value, str):
        return Defect(f"policy-{word(value)}", f"the window in RateLimit-Policy is {value}", (answer,))
    if value is None or math.floor(policy.window_s) <= value <= math.ceil(policy.window_s):
        return None
    title = f"RateLimit-Policy tells a window of {value} s, declared are {policy.window_s:g} s"
    return Defect("policy-untrue", title, (answer,))


def _judge_sooner(policy: Policy, answer: Answer) -> Defect | None:
    """Return whether Retry-After points earlier than the end of the window that the IETF's headers tell."""
    reset_s, wait = read_figure(policy, answer, "reset"), read_wait(answer)
    ours = isinstance(reset_s, int) and policy.settings.headers.startswith("ietf-")
    if not ours or not isinstance(wait, Wait) or wait.most_s >= int(reset_s or 0) - 1:
        return None
    title = f"Retry-After says {wait}, {_called(policy, 'reset')} {reset_s} s"
    return Defect("retry-after-sooner", title, (answer,))
