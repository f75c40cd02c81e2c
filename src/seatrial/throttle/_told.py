"""The table of what headers said, answer by answer, and of what was not true of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.core import Told
from seatrial.throttle._claims import Defect
from seatrial.throttle._conventions import Figure, convention_of
from seatrial.throttle._headers import Truth, judge_each
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._policy import Policy
from seatrial.throttle._retry import judge_retry_after
from seatrial.throttle._wire import Answer

RETRY_AFTER = "Retry-After"


def tell_headers(
    policy: Policy, answers: Sequence[Answer], truth: Truth, *, kinds: Kinds, admitted: int
) -> tuple[Told, ...]:
    """Return what one client was told, from its first answer on."""
    untrue: dict[Answer, dict[str, str]] = {}
    for defect in _defects(policy, answers, truth, kinds=kinds, admitted=admitted):
        untrue.setdefault(defect.answers[0], {}).setdefault(_name(policy, defect), defect.title)
    unjudged = () if truth.edge and truth.clocks else _alone(policy, "reset")
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


def _alone(policy: Policy, figure: Figure) -> tuple[str, ...]:
    """Return the header of a figure that has one for itself."""
    convention = convention_of(policy)
    names = list(convention.headers.values()) if convention else []
    own = convention.headers[figure] if convention else ""
    return (own,) if names.count(own) == 1 else ()


def _name(policy: Policy, defect: Defect) -> str:
    """Return the header that a defect is about: its cause begins with what stands there."""
    convention = convention_of(policy)
    named = [*convention.headers.items(), ("policy", convention.policy)] if convention else []
    return next((name for cause, name in named if defect.cause.startswith(f"{cause}-")), RETRY_AFTER)


def _said(policy: Policy, answer: Answer) -> dict[str, str]:
    """Return the headers that are promised, as they came; one that came twice with both values."""
    convention = convention_of(policy)
    wanted = [*(convention.names if convention else ()), *([RETRY_AFTER] if policy.settings.retry_after else [])]
    return {name: ", ".join(values) for name in wanted if (values := answer.values(name))}
