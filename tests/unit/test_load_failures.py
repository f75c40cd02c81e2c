"""What is said of requests that failed: which, how often, and where to look."""

from accounts import account_of
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import Exchange, Request, Response
from seatrial.swarm._failures import MOST, failures_of
from seatrial.swarm._plan import FAILED, OK, TIMEOUT, UNFINISHED
from seatrial.swarm._rows import Row


def row(*, operation: str = "GET /a", status: int = 500, outcome: str = FAILED, cause: str = "HTTP 500") -> Row:
    """Return the row of a request."""
    return Row(
        arrival=0, due_s=0.0, lag_ms=0.0, identity="", operation=operation, status=status, media="", outcome=outcome,
        latency_ms=1.0, service_ms=1.0, cause=cause,
    )  # fmt: skip


def exchange(status: int, cause: str) -> Exchange:
    """Return what was kept of a request in full."""
    return Exchange(
        id=f"load-s-{status}", operation="GET /a", identity="", request=Request(method="GET", url="http://h/a"),
        response=Response(status=status, headers=(("x-trace-id", f"t{status}"),)), sent_s=0.0, received_s=0.1,
        error=cause,
    )  # fmt: skip


def test_the_commonest_failure_comes_first_with_an_example() -> None:
    """Of those that failed alike; another status has another one."""
    rows = [row(), row(status=503, cause="HTTP 503"), row(status=503, cause="HTTP 503"), row(outcome=OK, cause="")]
    found = failures_of(
        account_of(rows).groups, [exchange(500, "HTTP 500"), exchange(503, "HTTP 503")], trace_header="X-Trace-ID"
    )
    assert [one.title for one in found] == [
        "2 x GET /a: HTTP 503 (for example load-s-503, trace id t503)",
        "1 x GET /a: HTTP 500 (for example load-s-500, trace id t500)",
    ]


def test_a_status_that_the_cause_does_not_tell_is_told_beside_it() -> None:
    """A 200 with the wrong body has one too; without an answer there is none, and the outcome is the cause."""
    assert failures_of(account_of([row(status=200, cause="empty")]).groups)[0].title == "1 x GET /a: empty (HTTP 200)"
    assert failures_of(account_of([row(status=0, outcome=TIMEOUT, cause="")]).groups)[0].title == "1 x GET /a: timeout"


@given(st.lists(st.tuples(st.sampled_from("abcdefghijklmn"), st.sampled_from([OK, FAILED, UNFINISHED])), max_size=60))
def test_every_failure_counts_once(sent: list[tuple[str, str]]) -> None:
    """In order of their number, and what was under way when the load ended after all others."""
    rows = [row(operation=operation, outcome=outcome) for operation, outcome in sent]
    found = failures_of(account_of(rows).groups)
    bad = [each for each in sent if each[1] != OK]
    assert len(found) == min(MOST, len(set(bad)))
    assert all(one.count == bad.count((one.operation, one.outcome)) for one in found)
    ranks = [(one.outcome == UNFINISHED, -one.count) for one in found]
    assert ranks == sorted(ranks)
