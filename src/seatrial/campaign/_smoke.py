"""The profile smoke: what may be sent, which instrument looks at what without sending more, and what was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.campaign._drift import NO_BREAKING, NO_RISKY, judge_drift
from seatrial.config import Settings
from seatrial.core import CheckResult, Evidence, Finding, Measurement, Outcome, SeatrialError, Severity
from seatrial.core.fence import KEPT_BACK, Fence
from seatrial.core.tls import is_of_tls
from seatrial.openapi import served_document
from seatrial.openapi.diff import baseline_document, diff, judge_changes, today
from seatrial.record import LimitationNoted, MeasurementTaken, Sink
from seatrial.stack import Stack

if TYPE_CHECKING:
    from seatrial.campaign._ahead import Ahead
    from seatrial.campaign._run import Run

DRIFT = (NO_BREAKING, NO_RISKY)


def make_fence(settings: Settings, *, starts: bool) -> Fence:
    """Return the fence of a smoke run: a strict one, unless the run `starts` the stack, which takes other connections.

    Where it starts it, nobody's production is asked.
    """
    smoke = settings.smoke
    return Fence(
        most=smoke.max_requests,
        per_s=smoke.rate_per_s,
        for_s=smoke.within_s,
        each_s=smoke.answers_within_s,
        signs_in=smoke.sign_in,
        strict=not starts,
    )


def read_contract(run: Run, stack: Stack, ahead: Ahead) -> Evidence:
    """Compare the served document with the published one, for one request."""
    del ahead
    old, contract = baseline_document(run.settings), run.settings.contract
    if old is None or contract is None:
        return Evidence()
    try:
        new = served_document(run.settings, stack.url())
    except SeatrialError as error:
        return Evidence(results=_without_document(error))
    changes = judge_changes(diff(old, new), contract, today=today())
    return Evidence(results=tuple(map(_decided, judge_drift(changes, contract))))


def _without_document(error: SeatrialError) -> tuple[CheckResult, ...]:
    """Return what follows where none is served: that breaks whoever relies on it, unless it is us who did not ask."""
    why = f"{error.what} ({error.where})"
    if error.slug in KEPT_BACK or is_of_tls(error):
        ended = Outcome.BLOCKED if is_of_tls(error) else Outcome.INCONCLUSIVE
        return tuple(CheckResult(check=name, outcome=ended, reason=why) for name in DRIFT)
    finding = Finding(check=NO_BREAKING, severity=Severity.HIGH, title=why, cause="document-not-served")
    blocked = f"{NO_BREAKING} did not pass"
    return (
        CheckResult(check=NO_BREAKING, outcome=Outcome.FAILED, reason=why, findings=(finding,)),
        CheckResult(check=NO_RISKY, outcome=Outcome.BLOCKED, reason=blocked),
    )


def _decided(result: CheckResult) -> CheckResult:
    """Return an outcome that leaves nothing open: what a project takes note of alone, it does not promise."""
    noted = result.check == NO_RISKY and result.outcome is Outcome.NOT_TESTED
    return replace(result, outcome=Outcome.NOT_APPLICABLE) if noted else result


def tell_sent(fence: Fence, sink: Sink) -> None:
    """Write down how many requests left, of which kinds, and how many were not let through."""
    told = ", ".join(f"{count} {method}" for method, count in sorted(fence.sent.items()))
    sent, refused = fence.sent.total(), len(fence.refused)
    counts = {"sent": (sent, "requests sent"), "refused": (refused, "requests that were not let through")}
    for name, (count, definition) in counts.items():
        measured = Measurement(name=f"smoke.{name}", value=count, unit="count", definition=definition)
        sink.emit(MeasurementTaken(measurement=measured))
    note = f"the profile smoke sent {sent} of at most {fence.most} requests{f' ({told})' if told else ''}"
    sink.emit(LimitationNoted(note=note))
    if fence.refused:
        shown = "; ".join(dict.fromkeys(fence.refused))
        sink.emit(LimitationNoted(note=f"not let through, {refused} in all: {shown[:1000]}"))
