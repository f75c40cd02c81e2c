"""What an instrument refuted of one limit is not hidden by what it could not decide of another."""

import pytest

from seatrial.campaign import Entered
from seatrial.core import Check, CheckResult, Outcome, Severity
from seatrial.plugin._hooks import _left, _refuted

CHECK = Check(slug="ratelimit.quota-exact", suite="ratelimit", title="exactly the quota", severity=Severity.HIGH)


@pytest.mark.parametrize(("outcome", "refuted"), [(Outcome.FAILED, True), (Outcome.INCONCLUSIVE, False)])
def test_only_a_refutation_stands_whatever_it_presupposes(outcome: Outcome, *, refuted: bool) -> None:
    """A proof decides for each limit what stands before what; the suite's order is about all of them together."""
    entered = Entered(
        suite="ratelimit", results={CHECK.slug: CheckResult(check=CHECK.slug, outcome=outcome, reason="so")}
    )
    assert _refuted(CHECK, entered) is refuted


def test_what_no_instrument_measured_is_not_refuted() -> None:
    """Checks that ask for themselves have no result yet."""
    assert not _refuted(CHECK, Entered(suite="ratelimit"))


@pytest.mark.parametrize(("outcome", "left"), [(Outcome.NOT_TESTED, "so"), (Outcome.INCONCLUSIVE, "")])
def test_what_was_left_out_says_why_itself(outcome: Outcome, left: str) -> None:
    """A check that an instrument left out has its reason, whichever check that it presupposes was left out with it."""
    entered = Entered(
        suite="ratelimit", results={CHECK.slug: CheckResult(check=CHECK.slug, outcome=outcome, reason="so")}
    )
    assert _left(CHECK, entered) == left
    assert not _left(CHECK, Entered(suite="ratelimit"))
