"""Whether operations answer within the declared time, by the fastest of several answers to the same request."""

from __future__ import annotations

from seatrial.core import FindingStatus, Outcome
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear
from seatrial.fuzz.probes._found import Seen
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
    gap = None if slowest else Gap(Outcome.INCONCLUSIVE, "no request was answered")
    return [_judged(sent, limit_s, ground) for sent in late[:MOST]], gap


def _judged(sample: Sent, limit_s: float, ground: Ground) -> Seen:
    """Return how slow an operation is; what it answers otherwise the second time shows nothing."""
    fastest = sample
    for _ in range(AGAIN):
        try:
            answer = ground.ask.again(sample, ground.operations[sample.operation])
        except Unclear:
            break
        fastest = min(fastest, answer, key=lambda sent: sent.elapsed_s)
        if answer.status != sample.status or fastest.elapsed_s <= limit_s:
            break
    else:
        return _seen(sample, f"takes more than {limit_s:g} s, each of {AGAIN + 1} times")
    return _seen(sample, f"took {sample.elapsed_s:.1f} s once", FindingStatus.FLAKY)


def _seen(sample: Sent, title: str, status: FindingStatus = FindingStatus.CONFIRMED) -> Seen:
    return Seen(operation=sample.operation, title=title, cause="slow", steps=[sample], status=status)
