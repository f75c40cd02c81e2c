"""What an instrument decided reaches the record whole: a pass may carry what did not come again."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.campaign import Entered
from seatrial.core import Check, CheckResult, Finding, FindingStatus, Outcome, Severity
from seatrial.plugin._checks import CHECK
from seatrial.plugin._fixtures import Instrument
from seatrial.plugin._hooks import _result
from seatrial.plugin._outcomes import Recorded

SLUG = "contract.no-server-error"


class Item:
    """As much of an item as its result is made of."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()
        self.stash[CHECK] = Check(slug=SLUG, title="t", severity=Severity.HIGH, suite="contract")


def decided(outcome: Outcome, status: FindingStatus) -> CheckResult:
    """Return what an instrument says of a check for which it found something."""
    finding = Finding(check=SLUG, severity=Severity.HIGH, title="t", cause="c", status=status)
    return CheckResult(check=SLUG, outcome=outcome, reason="r", findings=(finding,))


def judged(result: CheckResult) -> CheckResult:
    """Return what is written down of an item that asks the instrument."""
    item: Any = Item()
    instrument = Instrument(Entered(suite="contract", results={SLUG: result}), SLUG, item.stash)
    try:
        instrument.confirms()
    except Recorded as error:
        return _result(item, error, 1.5)
    return _result(item, None, 1.5)


def test_a_pass_carries_what_is_flaky() -> None:
    """The finding is there for `findings.flaky` and for people; the check passed, in its own time."""
    kept = judged(decided(Outcome.PASSED, FindingStatus.FLAKY))
    assert (kept.outcome, [finding.status for finding in kept.findings]) == (Outcome.PASSED, [FindingStatus.FLAKY])
    assert kept.duration_s == 1.5


def test_a_failure_carries_what_was_found() -> None:
    """What is confirmed fails the check."""
    kept = judged(decided(Outcome.FAILED, FindingStatus.CONFIRMED))
    assert (kept.outcome, [finding.status for finding in kept.findings]) == (Outcome.FAILED, [FindingStatus.CONFIRMED])


def test_a_check_without_an_instrument_just_passes() -> None:
    """An item that asks for itself has nothing to carry."""
    assert _result(Item(), None, 1.0) == CheckResult(check=SLUG, outcome=Outcome.PASSED, duration_s=1.0)  # type: ignore[arg-type]  # as much of an item as it takes


@pytest.mark.parametrize("status", [FindingStatus.CONFIRMED, FindingStatus.UNCONFIRMED, FindingStatus.WAIVED])
def test_nothing_else_passes(status: FindingStatus) -> None:
    """A pass with a finding that may be a defect contradicts itself."""
    with pytest.raises(ValueError, match="not flaky"):
        decided(Outcome.PASSED, status)
