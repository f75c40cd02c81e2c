"""What a probe found, in the words of the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seatrial.core import Finding, FindingStatus, Severity
from seatrial.core.scripts import script_for
from seatrial.fuzz._evidence import Judgement, as_exchange
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A defect, and the requests that show it when they are sent again in this order."""

    operation: str
    title: str
    cause: str
    steps: Sequence[Sent]
    status: FindingStatus = FindingStatus.CONFIRMED


def as_finding(seen: Seen, check: str, severity: Severity, judgement: Judgement) -> Finding:
    """Return what was seen as a finding, with its requests as evidence."""
    shown = tuple(judgement.show(sent) for sent in seen.steps)
    return Finding(
        check=check,
        severity=severity,
        title=seen.title,
        cause=seen.cause,
        operation=seen.operation,
        evidence=shown,
        steps=shown,
        replay=script_for([as_exchange(sent) for sent in seen.steps]),
        status=seen.status,
    )


def confirmed(again: Callable[[], object]) -> FindingStatus:
    """Look for the same once more and return what that means: a second time that shows nothing leaves it open."""
    try:
        return FindingStatus.CONFIRMED if again() else FindingStatus.FLAKY
    except Unclear:
        return FindingStatus.UNCONFIRMED


def twice(attempt: Callable[[], Seen | None]) -> list[Seen]:
    """Make an attempt, and another one where it shows something, which says how sure that is."""
    found = attempt()
    return [replace(found, status=confirmed(attempt))] if found else []
