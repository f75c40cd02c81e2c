"""Limit, Remaining and Reset, judged on the answers of one client that asked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.throttle._claims import Defect, read_number, word
from seatrial.throttle._policy import Policy
from seatrial.throttle._shapes import answered
from seatrial.throttle._window import Edge, Offset, reset_is_true
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
        # What a bucket refuses costs nothing of what comes back to it.
        number += policy.fixed or answer.status != policy.settings.rejection_status
        least = max(0, quota - number)
        lasted_s = answer.received.s - answers[0].sent.s
        # What a bucket may have got back meanwhile, it may say.
        most = least if policy.fixed else max(0, min(quota - 1, policy.at_most(lasted_s) - number))
        yield from _judge_one(policy, answer, truth, limit=quota, remaining=(least, max(least, most)))


def judge_late(policy: Policy, rejection: Answer, truth: Truth) -> list[Defect]:
    """Return whether a rejection late in the window still says that nothing remains, and when the window ends."""
    if policy.settings.headers == "none" or not answered(rejection):
        return []
    found = (_judge_number(rejection, "remaining", (0, 0)), _judge_reset(policy, rejection, truth))
    return [defect for defect in found if defect]


def _judge_one(
    policy: Policy, answer: Answer, truth: Truth, *, limit: int, remaining: tuple[int, int]
) -> Iterator[Defect]:
    found = (
        _judge_number(answer, "limit", (limit, limit)),
        _judge_number(answer, "remaining", remaining),
        _judge_reset(policy, answer, truth),
    )
    yield from (defect for defect in found if defect)


def _judge_number(answer: Answer, name: str, wanted: tuple[int, int]) -> Defect | None:
    header = f"X-RateLimit-{name.title()}"
    value = read_number(answer, header)
    if isinstance(value, str):
        return Defect(f"{name}-{word(value)}", f"{header} is {value}", (answer,))
    least, most = wanted
    if least <= value <= most:
        return None
    true = f"{least}" if least == most else f"{least} to {most}"
    return Defect(f"{name}-untrue", f"{header} says {value}, true is {true}", (answer,))


def _judge_reset(policy: Policy, answer: Answer, truth: Truth) -> Defect | None:
    header, edge = "X-RateLimit-Reset", truth.edge
    value = read_number(answer, header)
    if isinstance(value, str):
        return Defect(f"reset-{word(value)}", f"{header} is {value}", (answer,))
    if edge is None or not truth.clocks or reset_is_true(policy, edge, answer, value, truth.clocks):
        return None
    ends = f"the window ends between {edge.earliest_s + edge.epoch_s:.3f} and {edge.latest_s + edge.epoch_s:.3f}"
    if policy.settings.headers == "x-ratelimit-delta":
        ends = f"the window ends in {edge.earliest_s - answer.received.s:.2f} to {edge.latest_s - answer.sent.s:.2f} s"
    return Defect("reset-untrue", f"{header} says {value}, {ends}", (answer,))
