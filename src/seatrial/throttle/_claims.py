"""Quota and status, judged on answers: pure functions that return defects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seatrial.throttle._kinds import Kinds
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import LATE_S, Turn, Turns
from seatrial.throttle._shapes import answered
from seatrial.throttle._wire import Answer

DIGITS = 18
NO_NUMBER = "no whole number"


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong: a stable word, a sentence, the answers that show it, and turns that show it again.

    Without turns, the first request uses a quota up, and the last one shows it.
    """

    cause: str
    title: str
    answers: tuple[Answer, ...]
    replay: Turns = ()


def judge_quota(
    policy: Policy, answers: Sequence[Answer], kinds: Kinds, *, how: str, most: int | None = None
) -> list[Defect]:
    """Return whether exactly the quota was admitted by answers of one fresh client in one window.

    Nothing came before, so that fewer are certainly too few, and `most` may be admitted: by default the quota, and what
    may come back meanwhile. Of an algorithm that is not known only what is certainly too much is a defect.
    """
    admitted, wanted = kinds.count(answers), policy.quota
    allowed = policy.at_most(lasted_s(answers)) if most is None else most
    if admitted > allowed or (policy.known and admitted < wanted):
        cause = "too-many-admitted" if admitted > wanted else "too-few-admitted"
        title = f"{admitted} of {len(answers)} requests {how} were admitted in one window, the quota is {wanted}"
        return [Defect(cause, title, turning(answers, kinds))]
    return []


def lasted_s(answers: Sequence[Answer]) -> float:
    """Return the seconds from the first request that was sent to the last answer."""
    return max(answer.received.s for answer in answers) - min(answer.sent.s for answer in answers)


def judge_order(policy: Policy, answers: Sequence[Answer], kinds: Kinds) -> list[Defect]:
    """Return whether nothing was rejected that came before something admitted, of requests sent one by one."""
    rejections = [number for number, answer in enumerate(answers) if kinds.rejected(answer)]
    admissions = [number for number, answer in enumerate(answers) if kinds.admitted(answer)]
    if not policy.lasting or not rejections or rejections[0] > admissions[-1]:
        return []
    title = f"request {rejections[0] + 1} was rejected, request {admissions[-1] + 1} of the same window was admitted"
    return [Defect("rejected-before-the-end", title, (answers[rejections[0]], answers[admissions[-1]]))]


def turning(answers: Sequence[Answer], kinds: Kinds) -> tuple[Answer, ...]:
    """Return the answers that show a quota: the first, the last admitted, the first rejected and the last."""
    admitted = [answer for answer in answers if kinds.admitted(answer)][-1:]
    rejected = [answer for answer in answers if kinds.rejected(answer)][:1]
    return tuple(dict.fromkeys((answers[0], *admitted, *rejected, answers[-1])))


def judge_again(
    policy: Policy, answers: Sequence[Answer], kinds: Kinds, *, before: int, waited_s: float
) -> list[Defect]:
    """Return whether a second window admits what the first one did; `before` is what that was, one by one.

    A quota that is wrong in every window is no defect of the window's end.
    """
    admitted = kinds.count(answers)
    if admitted == before:
        return []
    once = Turn(answers=(answers[0],), times=policy.ramp)
    again = (once, replace(once, after_s=policy.window_s + LATE_S))
    if not admitted:
        title = f"nothing is admitted {waited_s:.2f} s after the first request, the window is {policy.window_s:g} s"
        return [Defect("window-too-long", title, tuple(answers[:1]), again)]
    title = f"a second window admits {admitted} of {len(answers)} requests, the first one admitted {before}"
    return [Defect("second-window-differs", title, turning(answers, kinds), again)]


def judge_status(policy: Policy, answers: Sequence[Answer], kinds: Kinds) -> list[Defect]:
    """Return whether each rejection has the declared status."""
    wanted = policy.settings.rejection_status
    wrong = [answer for answer in answers if kinds.rejected(answer) and answer.status != wanted]
    if not wrong:
        return []
    if not answered(wrong[0]):
        title = f"a rejection ends the connection without an answer, declared is status {wanted}"
        return [Defect("no-answer", title, tuple(wrong[:2]))]
    title = f"a rejection has status {wrong[0].status}, declared is {wanted}"
    return [Defect(f"status-{wrong[0].status}", title, tuple(wrong[:2]))]


def read_number(answer: Answer, name: str) -> int | str:
    """Return the number of a header, or what is wrong with it."""
    values = answer.values(name)
    if len(values) != 1:
        return "missing" if not values else "there more than once"
    # Python refuses to read numbers of thousands of digits, and none of these headers has a use for more than these.
    whole = values[0].isascii() and values[0].isdigit() and len(values[0]) <= DIGITS
    return int(values[0]) if whole else NO_NUMBER


def word(problem: str) -> str:
    """Return what is wrong with a header as part of a cause."""
    return problem.replace(" ", "-")
