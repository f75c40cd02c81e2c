"""What a proof keeps for a reviewer: transcripts, ways round, requests by client, what headers said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from promises import PROMISES

from seatrial.config import LimitSettings
from seatrial.throttle import Answer, Instant, Policy
from seatrial.throttle._handler import Handler
from seatrial.throttle._headers import Truth
from seatrial.throttle._journal import SHOWN, Journal
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._told import tell_headers
from seatrial.throttle._variants import Variant, variants
from seatrial.throttle._window import SAME_CLOCK, Edge

POLICY = Policy.declared(LimitSettings(**PROMISES, quota=2, window_s=10, algorithm="fixed-window", path="/a"), {})
KINDS = Kinds(200, frozenset({429}))
EDGE = Edge(1009.9, 1010.1)


def answer(number: int, status: int = 200, *, client: str = "user", **headers: str) -> Answer:
    """Return the answer to a client's request of the second `number`."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    at = Instant(1000.0 + number, 1000.0 + number)
    return Answer(
        method="GET",
        path="/a",
        status=status,
        headers=named,
        sent=at,
        received=at._replace(s=at.s + 0.01),
        client=client,
    )


HANDLER = Handler(KINDS, [answer(0), answer(0)])


def limited(number: int, status: int, *, remaining: int, limit: int = 2, **more: str) -> Answer:
    """Return an answer with the promised headers."""
    told = {"X_RateLimit_Limit": str(limit), "X_RateLimit_Remaining": str(remaining), "X_RateLimit_Reset": "1010"}
    return answer(number, status, **told, **more)


@pytest.fixture
def variant() -> Variant:
    """Return one way round."""
    return next(variant for variant in variants(POLICY) if variant.claim == "query-in-key")


def test_the_first_answers_of_a_claim_are_enough() -> None:
    """A transcript is short, and has each answer once."""
    journal = Journal()
    for number in range(10):
        journal.show("isolation", answer(number), answer(number))
    assert [one.sent.s for one in journal.transcripts["isolation"]] == [1000.0 + n for n in range(SHOWN)]


def test_ways_round_are_told_apart(variant: Variant) -> None:
    """What was refused, not served, served by another, not answered or not tried at all is not the same."""
    rows = {}
    page = answer(1, Content_Type="text/html")
    told = {"refused": answer(1, 429), "not served": answer(1, 404), "no answer": None, "another handler": page}
    for came, seen in told.items():
        journal = Journal()
        journal.bracket(answer(0, 429), [(variant, seen)], HANDLER)
        (rows[came],) = journal.matrix([variant])
    assert {came: row.came for came, row in rows.items()} == {came: came for came in rows}
    assert (rows["refused"].status, rows["refused"].operation) == (429, "GET /a")
    assert [row.came for row in Journal().matrix([variant])] == ["not tried"]


def test_an_admission_is_open_until_it_is_confirmed(variant: Variant) -> None:
    """One admission proves nothing; a fresh client beyond its quota does, either way, and is counted."""
    journal = Journal()
    journal.bracket(answer(0, 429), [(variant, answer(1))], HANDLER)
    assert journal.matrix([variant])[0].came == "unconfirmed"
    assert journal.transcripts == {}
    journal.confirm(variant, admitted=2, asked=5, bypass=False)
    assert journal.matrix([variant])[0].came == "limited apart"
    journal.confirm(variant, admitted=5, asked=5, bypass=True)
    (row,) = journal.matrix([variant])
    assert (row.came, row.status, row.admitted, row.asked) == ("bypass", 200, 5, 5)


def test_requests_stand_by_client_in_order() -> None:
    """Each client's requests are sorted by when they left, with what the limiter did."""
    journal = Journal(kinds=[KINDS])
    lanes = journal.lanes([answer(3, 429), answer(2, client="other"), answer(1), answer(4, 404)])
    assert [lane.client for lane in lanes] == ["user", "other"]
    assert [(sent.status, sent.refused) for sent in lanes[0].sent] == [(200, False), (429, True), (404, False)]


def test_headers_are_held_against_the_truth() -> None:
    """Each untrue header of each answer is named with what is true; the others of the row are not."""
    answers = [
        limited(0, 200, remaining=1),
        limited(1, 200, remaining=1),
        limited(2, 429, remaining=0, Retry_After="soon"),
    ]
    rows = tell_headers(POLICY, answers, Truth(EDGE, (SAME_CLOCK,)), kinds=KINDS, admitted=2)
    assert [list(row.untrue) for row in rows] == [[], ["X-RateLimit-Remaining"], ["Retry-After"]]
    assert rows[1].untrue["X-RateLimit-Remaining"] == "X-RateLimit-Remaining says 1, true is 0"
    assert rows[2].said["Retry-After"] == "soon"
    assert [row.unjudged for row in rows] == [(), (), ()]


@pytest.mark.parametrize("truth", [Truth(None, (SAME_CLOCK,)), Truth(EDGE, ())])
def test_a_reset_that_nothing_tells_is_not_judged(truth: Truth) -> None:
    """Without the window's end, or without the server's clock, Reset is neither true nor untrue."""
    (row,) = tell_headers(POLICY, [limited(0, 200, remaining=1)], truth, kinds=KINDS, admitted=1)
    assert row.unjudged == ("X-RateLimit-Reset",)
    assert row.untrue == {}


def test_only_promised_headers_are_told() -> None:
    """A policy that promises no headers has none in its table."""
    settings = POLICY.settings.model_copy(update={"headers": "none", "retry_after": False})
    policy = replace(POLICY, settings=settings)
    (row,) = tell_headers(policy, [limited(0, 200, remaining=9)], Truth(EDGE, ()), kinds=KINDS, admitted=1)
    assert (row.said, row.untrue) == ({}, {})
