"""What counting lines costs: the same request to both stacks by turns, and a reason where there is no figure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import groupby
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import in_thread

from seatrial.campaign._cost import _in_the_way
from seatrial.config import LimitSettings
from seatrial.core import Evidence
from seatrial.cover import measure_cost
from seatrial.cover._cost import FIRST, LEAST, LONGEST, PAIRS, RATIO, WITH, WITHOUT, figures
from seatrial.stack import Variant

AGES_S = 600.0
PAIR_S = st.floats(1e-4, 10)


@contextmanager
def serving(asked: list[str], name: str, answers: tuple[bytes, ...] = (b"HTTP/1.1 200 OK\r\n",)) -> Iterator[str]:
    """Serve a stack that writes down that it was asked, and answers with these in turn, the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = asked.count(name)
            asked.append(name)
            self.wfile.write(answers[min(number, len(answers) - 1)] + b"Content-Length: 2\r\n\r\nok")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with in_thread(Handler) as url:
        yield url


def measured(asked: list[str], *clean: bytes, limit_s: float = AGES_S) -> Evidence:
    """Measure two stacks, of which the clean one may answer in other ways."""
    with serving(asked, "with") as first, serving(asked, "without", clean or (b"HTTP/1.1 200 OK\r\n",)) as second:
        return measure_cost(first, second, "/ready", limit_s=limit_s)


def test_both_are_asked_the_same_by_turns() -> None:
    """Bursts of one size go to one and then to the other, a few hundred requests in all; figures say what was sent."""
    asked: list[str] = []
    evidence = measured(asked)
    turns = [(name, len(list(run))) for name, run in groupby(asked)]
    opening, bursts = turns[:2], turns[2:]
    assert opening == [("with", FIRST), ("without", FIRST)]
    assert bursts == [("with", LONGEST), ("without", LONGEST)] * PAIRS
    found = {each.name: each for each in evidence.measurements}
    assert {name: each.unit for name, each in found.items()} == {WITH: "per_s", WITHOUT: "per_s", RATIO: "ratio"}
    assert {each.samples for each in found.values()} == {PAIRS}
    assert all("GET /ready" in each.definition for each in found.values())
    assert evidence.nothing == {}
    assert evidence.results == ()


@given(st.lists(st.tuples(PAIR_S, PAIR_S), min_size=LEAST, max_size=PAIRS), st.integers(1, LONGEST))
def test_figures_are_medians_of_pairs(pairs: list[tuple[float, float]], size: int) -> None:
    """A slow burst, or a pair in which both were slow, is one of many."""
    with_, without, ratio = (each.value for each in figures(pairs, size, "/"))
    assert min(size / first for first, _ in pairs) <= with_ <= max(size / first for first, _ in pairs)
    if len(pairs) % 2:
        assert with_ == pytest.approx(size / median(first for first, _ in pairs))
    assert min(size / second for _, second in pairs) <= without <= max(size / second for _, second in pairs)
    assert min(b / a for a, b in pairs) <= ratio <= max(b / a for a, b in pairs)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 429 No\r\n"), "it was answered with 429"),
        ((b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n"), "nonsense"),
    ],
)
def test_whoever_refuses_is_not_asked_again(answers: tuple[bytes, ...], said: str) -> None:
    """A limiter that nobody declared ends it: there is no figure, and the reason says what came."""
    asked: list[str] = []
    evidence = measured(asked, *answers)
    assert evidence.measurements == ()
    assert said in evidence.nothing[RATIO]
    assert asked.count("without") == 2


def test_a_stack_that_is_gone_is_told() -> None:
    """As a reason, not as an error that ends the run."""
    with serving([], "with") as first:
        gone = first
    assert "GET /ready was not served each time" in measure_cost(gone, gone, "/ready").nothing[RATIO]


def test_what_takes_too_long_is_left() -> None:
    """It is not waited for: there are too few pairs for a median."""
    asked: list[str] = []
    evidence = measured(asked, limit_s=0.0)
    assert "takes too long" in evidence.nothing[RATIO]
    assert evidence.measurements == ()
    assert len(asked) <= 2 * (FIRST + 1)


def test_an_answer_without_end_is_given_up() -> None:
    """A service that goes on answering must not keep the run."""
    enough = threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            while not enough.wait(0.05):
                self.wfile.write(b"more")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with in_thread(Endless) as url:
        evidence = measure_cost(url, url, "/")
        enough.set()
    assert "the answer has no end" in evidence.nothing[RATIO]


@pytest.mark.parametrize(
    ("limit", "path", "said"),
    [
        ({}, "/ready", "counts against the limit 'default'"),
        ({"exempt": ("/ready",)}, "/ready", ""),
        ({"exempt": ("/ready",)}, "/ready?deep=1", ""),
        ({"reach": "path"}, "/ready", ""),
        ({"reach": "path", "path": "/ready"}, "/ready", "counts against the limit 'default'"),
    ],
)
def test_no_quota_is_used_up(limit: dict[str, object], path: str, said: str) -> None:
    """What a declared limit counts is not sent: limits are proved on the same stack."""
    declared = LimitSettings.model_validate({"quota": 5, "window_s": 1, "path": "/a", **limit})
    reason = _in_the_way([declared], path, ["instrumented", "clean"])
    assert reason.startswith(f"GET {path} {said}") if said else reason == ""


@pytest.mark.parametrize(("variants", "missing"), [(["instrumented", None], "clean"), (["clean"], "instrumented")])
def test_two_stacks_are_needed(variants: list[Variant | None], missing: str) -> None:
    """Where a run has one of them only, there is nothing to compare."""
    assert _in_the_way([], "/", variants) == f"no suite of this run is on the {missing} stack"
