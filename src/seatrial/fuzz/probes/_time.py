"""Whether operations answer within the declared time, by the fastest of several answers to the same request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.core import FindingStatus, Outcome
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear
from seatrial.fuzz.probes._found import Seen
from seatrial.fuzz.probes._gaps import left_out
from seatrial.fuzz.probes._ground import Ground

AGAIN = 3
"""How often the slowest request of an operation is sent once more: a busy machine is slow for a moment."""

MOST = 5
"""How many operations are looked at again, the slowest first."""


def in_time(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Send what took too long again; it is a defect where no answer comes in time."""
    limit_s = ground.settings.answers_within_s
    if limit_s is None:
        return [], Gap(Outcome.NOT_APPLICABLE, "[contract] answers_within_s is not declared")
    slowest: dict[str, Sent] = {}
    for sent in sorted(ground.answers, key=lambda sent: -sent.elapsed_s):
        slowest.setdefault(sent.operation, sent)
    late = [sent for sent in slowest.values() if sent.elapsed_s > limit_s]
    return [_judged(sent, limit_s, ground) for sent in late[:MOST]], _gap(slowest, late[MOST:])


def _gap(slowest: Mapping[str, Sent], left: Sequence[Sent]) -> Gap | None:
    if not slowest:
        return Gap(Outcome.INCONCLUSIVE, "no request was answered")
    return left_out([f"{sent.operation} (took {sent.elapsed_s:.1f} s once, and others took longer)" for sent in left])


def _judged(sample: Sent, limit_s: float, ground: Ground) -> Seen:
    """Return how slow an operation is."""
    once = f"took {sample.elapsed_s:.1f} s once"
    for _ in range(AGAIN):
        try:
            answer = ground.ask.again(sample, ground.operations[sample.operation])
        except Unclear:
            return _seen(sample, once, FindingStatus.UNCONFIRMED)
        if answer.status != sample.status:
            return _seen(sample, once, _by_others(sample, limit_s, ground))
        if answer.elapsed_s <= limit_s:
            return _seen(sample, once, FindingStatus.FLAKY)
    return _seen(sample, f"takes more than {limit_s:g} s, each of {AGAIN + 1} times")


def _by_others(sample: Sent, limit_s: float, ground: Ground) -> FindingStatus:
    """Return what other answers of this kind show, where none to the same request comes any more."""
    alike = (sent for sent in ground.answers if (sent.operation, sent.status) == (sample.operation, sample.status))
    return FindingStatus.FLAKY if any(sent.elapsed_s <= limit_s for sent in alike) else FindingStatus.UNCONFIRMED


def _seen(sample: Sent, title: str, status: FindingStatus = FindingStatus.CONFIRMED) -> Seen:
    return Seen(operation=sample.operation, title=title, cause="slow", steps=[sample], status=status)
