"""What is counted of a run: times in buckets that lose a thousandth at most, merge exactly, and take no more room."""

import gc
import io
import random
import tracemalloc
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from accounts import account_of
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.swarm import nearest_rank
from seatrial.swarm._histogram import Histogram, merge
from seatrial.swarm._inside._book import Book, explain
from seatrial.swarm._inside._clock import Clock
from seatrial.swarm._inside._recorder import Recorder
from seatrial.swarm._inside._visit import MARK, Judged, Visit
from seatrial.swarm._percentile import POINTS
from seatrial.swarm._plan import LATE, TURNED_AWAY, Ledger
from seatrial.swarm._rows import rows_in

PROPERTY = settings(deadline=None, max_examples=60)
TIMES = st.lists(st.floats(0, 120_000), min_size=1, max_size=200)


def histogram(times: list[float]) -> Histogram:
    """Return a histogram of times."""
    counted = Histogram()
    for milliseconds in times:
        counted.record(milliseconds)
    return counted


@PROPERTY
@given(TIMES, st.sampled_from(list(POINTS.values())))
def test_a_percentile_is_the_exact_one_or_a_thousandth_above(times: list[float], percent: float | Fraction) -> None:
    """It is never below the nearest rank of the times themselves, but for half the microsecond they are rounded to."""
    exact, found = nearest_rank(sorted(times), Fraction(percent)), histogram(times).percentile(percent)
    assert exact - 0.000501 <= found <= exact * 1.001 + 0.0015


@PROPERTY
@given(TIMES)
def test_buckets_are_those_of_the_library(times: list[float]) -> None:
    """HdrHistogram itself, given the same microseconds, encodes to the same, and tells the same percentiles."""
    theirs, ours = HdrHistogram(1, 240_000_000, 3), histogram(times)
    for milliseconds in times:
        theirs.record_value(max(int(milliseconds * 1000 + 0.5), 1))
    decoded = HdrHistogram.decode(ours.encode())
    for percent in (50, 90, 99, 100):
        at = theirs.get_value_at_percentile(percent)
        assert decoded.get_value_at_percentile(percent) == at
        if (len(times) * percent) % 100 == 0:  # it rounds the rank where that is no whole number
            assert round(ours.percentile(percent) * 1000) == at
    assert decoded.get_total_count() == len(times) == ours.total
    assert Histogram.decode(ours.encode()) == ours


@PROPERTY
@given(TIMES, st.integers(1, 5), st.randoms(use_true_random=False))
def test_parts_merge_to_the_whole(times: list[float], count: int, draw: random.Random) -> None:
    """However many processes counted them, the times are the same ones: exactly, also by way of their encodings."""
    parts: list[list[float]] = [[] for _ in range(count)]
    for milliseconds in times:
        draw.choice(parts).append(milliseconds)
    assert merge(map(histogram, parts)) == histogram(times)
    assert merge(Histogram.decode(histogram(part).encode()) for part in parts if part) == histogram(times)


def test_one_percent_more_is_seen() -> None:
    """Times that are 1 % longer have percentiles that are 1 % higher, to a tenth of that."""
    draw = random.Random(1)  # noqa: S311 - a test that can be repeated
    times = [draw.lognormvariate(1, 1) for _ in range(20_000)]
    before, after = histogram(times), histogram([1.01 * one for one in times])
    for percent in (50, 95, 99):
        assert after.percentile(percent) / before.percentile(percent) == pytest.approx(1.01, abs=0.001)


def test_no_value_has_no_percentile() -> None:
    """No data is never a number."""
    with pytest.raises(ValueError, match="of 0 values"):
        Histogram().percentile(99)


STEPS = st.lists(st.sampled_from(["ok", "500", "silence", "timeout", "open"]), max_size=5)
ENDS = st.sampled_from(["returns", "raises", "killed"])
ARRIVALS = st.lists(st.one_of(st.sampled_from([TURNED_AWAY, LATE]), st.tuples(STEPS, ENDS)), max_size=30)


@PROPERTY
@given(ARRIVALS)
def test_the_ledger_adds_up_whatever_arrivals_do(arrivals: list[Any]) -> None:
    """Arrivals that are dropped, raise, are killed, hang or send any number of requests are each counted once."""
    text, expected = io.StringIO(), Ledger(due=len(arrivals))
    book = Book(text, Clock(), deadline_s=1.0)
    for index, fate in enumerate(arrivals):
        visit = Visit(index=index, due_s=0.0)
        book.ledger.due += 1
        if isinstance(fate, str):
            expected.dropped += 1
            book.drop(visit, "task", fate, "why")
            continue
        steps, end = fate
        book.ledger.started += 1
        expected.started += 1
        for step in steps:
            request(book, visit, step)
        book.close(visit, "task", error=KeyError() if end == "raises" else None, killed=end == "killed")
        good = end == "returns" and {"ok"} <= set(steps) <= {"ok", "open"}
        name = "unfinished" if end == "killed" else "answered" if good else "failed"
        setattr(expected, name, getattr(expected, name) + 1)
    assert book.ledger == expected
    assert book.ledger.adds_up
    rows = list(rows_in(io.StringIO(text.getvalue(), newline="\n")))
    assert account_of(rows).agrees(book.ledger)
    assert len(rows) == book.rows == sum(one["count"] for one in book.recorder.told())


def request(book: Book, visit: Visit, step: str) -> None:
    """Send one request of an arrival, and let it end, unless it never does."""
    sent = visit.send("GET /a", 0.1)
    visit_before = getattr(gevent.getcurrent(), MARK, None)
    visit.make_current()
    answer = SimpleNamespace(status_code={"ok": 200, "500": 500}.get(step, 0), headers={}, content=b"")
    fault = {"500": KeyError("500"), "silence": OSError("reset"), "timeout": gevent.Timeout()}.get(step)
    if step != "open":
        sent.answered_s = 0.2
        book.on_request("GET", "/a", 1.0, answer, fault, {MARK: sent})
    setattr(gevent.getcurrent(), MARK, visit_before)


def record(counter: Recorder, count: int) -> None:
    """Record so many requests of two operations, with times of all sizes."""
    draw = random.Random(2)  # noqa: S311 - a test that can be repeated
    for number in range(count):
        latency_ms = draw.lognormvariate(2, 1.5)
        operation, status = ("GET /a", 200) if number % 9 else ("GET /b/{id}", 503)
        counter.record(
            Judged(operation=operation, status=status, outcome="ok", latency_ms=latency_ms, service_ms=latency_ms / 2)
        )


def test_each_way_to_end_has_its_own_times() -> None:
    """Operations and statuses are told apart, each with both its times, and none is there before it came."""
    counter = Recorder()
    assert counter.told() == []
    record(counter, 90)
    told = counter.told()
    assert [(one["operation"], one["status"], one["count"]) for one in told] == [
        ("GET /a", 200, 80),
        ("GET /b/{id}", 503, 10),
    ]
    for one in told:
        latency, service = (Histogram.decode(str(one[f"{kind}_us"])) for kind in ("latency", "service"))
        assert latency.total == service.total == one["count"]
        assert latency.percentile(50) / 2 == pytest.approx(service.percentile(50), rel=0.01)


def test_memory_is_flat() -> None:
    """Four times as many requests take no more room, once the buckets are there."""
    counter = Recorder()
    sizes = []
    tracemalloc.start()
    try:
        for count in (1, 3):
            for _ in range(count):
                record(counter, 10_000)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sum(one["count"] for one in counter.told()) == 40_000
    assert sizes[1] - sizes[0] < sizes[0] / 50


def test_there_are_only_so_many_buckets() -> None:
    """Times from nothing to an hour fall into some ten thousand buckets, however many they are."""
    counted = Histogram()
    for microseconds in range(1, 1 << 18):
        counted.record(microseconds / 1000)
        counted.record(microseconds * 14)
    assert counted.total == 2 * ((1 << 18) - 1)
    assert len(counted.counts) < 2048 + 1024 * 21


def test_a_failure_proves_something_where_its_arrival_was_on_time() -> None:
    """A timeout after a late begin may be our own; any other failure, or one on time, is the service's."""
    book = Book(io.StringIO(), Clock(), deadline_s=1.0)
    for number, (late_s, step) in enumerate([(0.0, "timeout"), (0.5, "timeout"), (0.5, "500"), (0.5, "ok")]):
        visit = Visit(index=number, due_s=0.0)
        book.begin(visit)
        visit.began_s = late_s
        request(book, visit, step)
        book.close(visit, "task")
    assert (book.ledger.started, book.ledger.failed, book.proven) == (4, 3, 2)


def test_lateness_is_known_meanwhile() -> None:
    """What 99 of 100 arrivals began late by, as of now; before the first one it is nothing."""
    clock = Clock()
    book = Book(io.StringIO(), clock, deadline_s=1.0)
    assert book.lag_ms == 0
    for late_s in (0.0, 0.3):
        book.begin(Visit(index=0, due_s=clock.now() - late_s))
    assert 300 <= book.lag_ms < 10_000
    assert book.ledger.started == 2


@pytest.mark.parametrize("said", ["it said {0}", "Bearer {0}", "{0}{0}"])
def test_a_cause_keeps_the_token_to_itself(said: str) -> None:
    """A user class may fail a request with what the service answered: the token, with its scheme or without."""
    token = "held-by-ann-alone"  # noqa: S105 - a word
    told = explain(ValueError(said.format(token)), 200, {"Authorization": f"Bearer {token}"})
    assert token not in told
    assert "{{secret}}" in told


@pytest.mark.parametrize("value", ["", "scheme "])
def test_a_header_without_a_value_hides_nothing(value: str) -> None:
    """Else the mark would stand between all letters of what is told."""
    assert explain(ValueError("it said no"), 200, {"X-Other": value}) == "ValueError: it said no"
