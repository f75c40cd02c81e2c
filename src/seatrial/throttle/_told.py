"""The table of what headers said, answer by answer, and of what was not true of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.core import Told
from seatrial.throttle._claims import Defect, judge_retry_after
from seatrial.throttle._headers import Truth, judge_each
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._policy import Policy
from seatrial.throttle._wire import Answer

NAMES = {
    "limit": "X-RateLimit-Limit",
    "remaining": "X-RateLimit-Remaining",
    "reset": "X-RateLimit-Reset",
    "retry-after": "Retry-After",
}
"""By what the causes of their defects begin with."""


def tell_headers(
    policy: Policy, answers: Sequence[Answer], truth: Truth, *, kinds: Kinds, admitted: int
) -> tuple[Told, ...]:
    """Return what one client was told, from its first answer on."""
    untrue: dict[Answer, dict[str, str]] = {}
    for defect in _defects(policy, answers, truth, kinds=kinds, admitted=admitted):
        untrue.setdefault(defect.answers[0], {})[_name(defect)] = defect.title
    unjudged = () if truth.edge and truth.clocks else (NAMES["reset"],)
    return tuple(
        Told(
            number=number,
            status=answer.status,
            said=_said(policy, answer),
            untrue=untrue.get(answer, {}),
            unjudged=unjudged,
        )
        for number, answer in enumerate(answers, 1)
    )


def _defects(
    policy: Policy, answers: Sequence[Answer], truth: Truth, *, kinds: Kinds, admitted: int
) -> Iterator[Defect]:
    yield from judge_each(policy, answers, truth, admitted=admitted)
    if policy.settings.retry_after:
        for answer in filter(kinds.rejected, answers):
            yield from judge_retry_after(policy, [answer], truth.edge)


def _name(defect: Defect) -> str:
    return next(name for cause, name in NAMES.items() if defect.cause.startswith(f"{cause}-"))


def _said(policy: Policy, answer: Answer) -> dict[str, str]:
    """Return the headers that are promised, as they came; one that came twice with both values."""
    wanted = [name for name in NAMES.values() if name != "Retry-After" and policy.settings.headers != "none"]
    wanted += ["Retry-After"] if policy.settings.retry_after else []
    return {name: ", ".join(values) for name in wanted if (values := answer.values(name))}
