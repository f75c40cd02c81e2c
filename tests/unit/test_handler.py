"""Whose an answer is: only what the limited handler admits is a way round its limit."""

from __future__ import annotations

import pytest

from seatrial.throttle import Answer, Instant
from seatrial.throttle._handler import Handler
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._variants import Shape, Variant

KINDS = Kinds(200, frozenset({429}))


def answer(body: str = '{"id": 1}', status: int = 200, kind: str = "application/json", **more: str) -> Answer:
    """Return an answer with a body of some kind."""
    at = Instant(1000.0, 1000.0)
    headers = (("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in more.items()))
    given = "" if more.get("method") == "HEAD" else body
    return Answer(
        method=more.pop("method", "GET"), path="/a", status=status, headers=headers, sent=at, received=at, client="u",
        body=given,
    )  # fmt: skip


def variant(claim: str) -> Variant:
    """Return a way round that belongs to a claim."""
    return Variant(claim, claim, "what", "user", lambda *_: Shape("GET", "/a"))


STEADY = Handler(KINDS, [answer('{"id": 1}'), answer('{"id": 2}')])
VARIED = Handler(KINDS, [answer('{"said": "fair"}'), answer('{"said": "foul"}')])
ONCE = Handler(KINDS, [answer()])


@pytest.mark.parametrize("claim", ["path-spelling", "method", "exemption-narrow"])
@pytest.mark.parametrize(
    ("handler", "seen", "whose"),
    [
        (STEADY, answer('{"id": 77}'), "same"),
        (STEADY, answer('{"id": 77}', kind="Application/JSON; charset=utf-8"), "same"),
        (STEADY, answer('{"file": []}'), "another"),
        (STEADY, answer("<h1>home</h1>", kind="text/html"), "another"),
        (STEADY, answer("", 204), "another"),
        (STEADY, answer(status=429), "another"),
        (VARIED, answer('{"said": "foul"}'), "same"),
        (VARIED, answer('{"file": []}'), "unknown"),
        (VARIED, answer("<h1>home</h1>", kind="text/html"), "another"),
        (ONCE, answer('{"file": []}'), "unknown"),
        (STEADY, answer(method="HEAD"), "same"),
        (STEADY, answer(method="HEAD", Content_Length="9"), "same"),
        (STEADY, answer(method="HEAD", Content_Length="0"), "another"),
        (STEADY, answer(method="HEAD", kind=""), "another"),
    ],
)
def test_the_handler_is_told_by_status_kind_and_body(claim: str, handler: Handler, seen: Answer, whose: str) -> None:
    """Where bodies vary, one that is new is nobody's for certain; HEAD has none, but tells its length."""
    assert handler.whose(variant(claim), seen) == whose


def test_headers_alone_route_nothing() -> None:
    """Whoever asks for the same path by the same method is served by the same handler, also with another body."""
    assert STEADY.whose(variant("client-traits"), answer('{"agent": "seatrial"}')) == "same"
    assert STEADY.whose(variant("query-in-key"), answer("<p>", kind="text/html")) == "another"
