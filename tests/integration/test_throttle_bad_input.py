"""Targets that are not as one would wish: each is told as what it is, and proves nothing that it does not."""

from __future__ import annotations

import time

import pytest
from proving import MADE, ended, limit, run, serving, told

from seatrial.core import Evidence, Outcome


def why(evidence: Evidence, claim: str) -> str:
    """Return the reason for the outcome of a claim."""
    return next(result.reason for result in evidence.results if result.check == f"ratelimit.{claim}")


def test_an_endpoint_that_is_not_limited_is_the_finding() -> None:
    """It is told how many requests were admitted, and what would need a refusal is blocked by that."""
    with serving("unlimited") as target:
        evidence = run(target, limit(headers="none"))
    assert ended(evidence, Outcome.FAILED) == {"quota-exact", "anonymous-by-address"}, told(evidence)
    assert "20 of 20 requests one after the other were admitted" in why(evidence, "quota-exact")
    assert why(evidence, "refusals-free") == "ratelimit.quota-exact failed: nothing was rejected"


@pytest.mark.parametrize(("trait", "says"), [("absent", "answers 404"), ("moved", "answers 307")])
def test_a_path_that_serves_nobody_proves_nothing(trait: str, says: str) -> None:
    """404 and redirects are told with the status, and with what to do."""
    with serving(trait) as target:
        evidence = run(target, limit(), budget_s=8.0)
    assert not ended(evidence, Outcome.FAILED) | ended(evidence, Outcome.PASSED), told(evidence)
    assert says in why(evidence, "quota-exact")
    assert "name a path in [[limits]] that serves its clients" in why(evidence, "quota-exact")


def test_a_limiter_that_resets_connections_has_a_quota_and_the_wrong_answer() -> None:
    """A refusal without an answer is one: what it breaks is the promised status, and Retry-After cannot be read."""
    with serving("resets") as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == {"rejection-status"}, told(evidence)
    assert "ends the connection without an answer" in why(evidence, "rejection-status")
    assert ended(evidence, Outcome.BLOCKED) == {"retry-after-honoured"}, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - {"rejection-status", "retry-after-honoured"}, told(evidence)


@pytest.mark.parametrize(("traits", "came"), [(("resets",), "refused"), (("no-pipelining",), "unanswered")])
def test_the_timeline_has_every_request(traits: tuple[str, ...], came: str) -> None:
    """What ends without an answer was sent too: a refusal where refusals look so, else nobody knows what."""
    with serving(*traits) as target:
        evidence = run(target, limit())
    (proof,) = evidence.proofs
    sent = [one for lane in proof.lanes for one in lane.sent]
    assert len(sent) == proof.requests
    assert {one.came for one in sent if not one.status} == {came}
    assert all(one.received_s >= one.sent_s > 0 for one in sent)


def test_a_refusal_in_the_body_of_a_200_is_seen() -> None:
    """A limiter that says no with the status of a yes keeps its quota: its status is wrong, and nothing else."""
    with serving("error-in-body") as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == {"rejection-status"}, told(evidence)
    assert "has status 200, declared is 429" in why(evidence, "rejection-status")
    assert ended(evidence, Outcome.PASSED) == MADE - {"rejection-status"}, told(evidence)


@pytest.mark.parametrize(
    ("trait", "claim", "says"),
    [
        ("retry-word", "retry-after-honoured", "Retry-After is no whole number"),
        ("retry-negative", "retry-after-honoured", "Retry-After is no whole number"),
        ("retry-long-digits", "retry-after-honoured", "Retry-After is no whole number"),
        ("retry-century", "retry-after-honoured", "Retry-After says 3155760000 s"),
        ("retry-twice", "retry-after-honoured", "Retry-After is there more than once"),
        ("reset-huge", "headers-truthful", "X-RateLimit-Reset is no whole number"),
        ("remaining-twice", "headers-truthful", "X-RateLimit-Remaining is there more than once"),
    ],
)
def test_a_malformed_header_is_named_and_never_waited_for(trait: str, claim: str, says: str) -> None:
    """Words, signs, thousands of digits, a century and duplicates cost the claim about that header, and no time."""
    began_s = time.monotonic()
    with serving(trait) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)
    assert says in why(evidence, claim)
    assert time.monotonic() - began_s < 10


def test_a_clock_that_is_an_hour_off_is_no_defect() -> None:
    """What a server says of its time is held against its own Date."""
    with serving("clock-ahead") as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.PASSED) == MADE, told(evidence)


def test_a_target_that_dies_in_the_first_step_leaves_everything_open() -> None:
    """Nothing is claimed of a server that is gone, and nobody waits for it longer than it takes to see that."""
    began_s = time.monotonic()
    with serving("dies") as target:
        evidence = run(target, limit())
    assert not ended(evidence, Outcome.FAILED), told(evidence)
    assert "quota-exact" in ended(evidence, Outcome.INCONCLUSIVE), told(evidence)
    assert time.monotonic() - began_s < 10


def test_a_target_that_dies_while_its_window_is_waited_for_keeps_what_was_proved() -> None:
    """What was decided before stays; what was waited for is inconclusive, and says that nobody answers."""
    with serving(window_s=4.0, dies_after_s=3.0) as target:
        evidence = run(target, limit(window_s=4.0))
    waiting = {"window-resets", "retry-after-honoured", "refusals-free"}
    assert ended(evidence, Outcome.INCONCLUSIVE) == waiting, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - waiting, told(evidence)
    assert all("cannot connect" in why(evidence, claim) for claim in waiting), told(evidence)


def test_a_window_of_a_day_is_said_to_be_unprovable_here() -> None:
    """What no proof shorter than a day can show is not tested, with the reason; everything else is proved, soon."""
    began_s = time.monotonic()
    with serving(window_s=86_400.0) as target:
        evidence = run(target, limit(window_s=86_400.0), budget_s=20.0)
    waiting = {"window-resets", "retry-after-honoured", "refusals-free"}
    assert ended(evidence, Outcome.NOT_TESTED) == waiting, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - waiting, told(evidence)
    assert all("a window of 86400 s cannot be proved in the time that there is" in why(evidence, c) for c in waiting)
    assert time.monotonic() - began_s < 15
