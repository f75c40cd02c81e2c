"""What was slow while a dependency hung is in the log as such."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
import pytest

from seatrial.config import HealthSettings, LogSettings, TracingSettings
from seatrial.disrupt import Outage, Seen
from seatrial.plugin import Defects, Line, check, inconclusive, lines_where, not_applicable
from seatrial.stack import Stack

MARGIN = 1.25
"""By so much longer than what is slow a request takes, as its client measures, before it must be logged as slow."""

PRESUPPOSED = ("health.readiness-answers", "tracing.taken-over")
Find = Callable[[Mapping[str, str]], set[str]]


@pytest.fixture
def slow(
    outages: dict[str, Outage], health: HealthSettings, log_lines: LogSettings, tracing: TracingSettings
) -> dict[str, Seen]:
    """Return the requests that were slow while something hung, by their trace id."""
    if health.serves_within_s is None or log_lines.slow_s is None:
        not_applicable("[health] serves_within_s and [logs] slow_s are not declared")
    least_s = MARGIN * log_lines.slow_s
    seen = [seen for outage in outages.values() for seen in outage.seen if seen.seconds > least_s]
    found = {trace: one for one in seen if (trace := trace_of(one.answer, tracing))}
    unseen = next((outage.unseen for outage in outages.values() if outage.unseen), "")
    return found or inconclusive(unseen or f"nothing took longer than {least_s:g} s while {', '.join(outages)} hung")


def trace_of(answer: httpx.Response | None, tracing: TracingSettings) -> str:
    """Return the trace id of an answer, empty where there is none."""
    return str(answer.headers.get(tracing.header, "")) if answer is not None else ""


@pytest.fixture
def warned(stack: Stack, log_lines: LogSettings) -> Find:
    """Return a function that finds the trace ids of lines that are known by these fields, as soon as there are any."""

    def find(known_by: Mapping[str, str]) -> set[str]:
        if not known_by:
            not_applicable("[logs] does not declare how such a line is known")

        def wanted(line: Line) -> bool:
            return all(line.get(field) == value for field, value in known_by.items())

        return {str(line.get(log_lines.trace_field)) for line in lines_where(stack, log_lines.services, wanted)}

    return find


@check(
    "health.slow-requests-logged",
    title="a slow request is a warning in the log",
    severity="low",
    needs=("control", "logs"),
    presupposes=PRESUPPOSED,
    cwe=(778,),
)
def test_slow_requests_logged(slow: dict[str, Seen], warned: Find, log_lines: LogSettings, defects: Defects) -> None:
    """Each request that took longer than declared has a line that says so: users notice it, and so must operators."""
    known = warned(log_lines.slow_request)
    for trace, seen in slow.items():
        if trace not in known:
            title = f"{seen.ask.operation} took {seen.seconds:.1f} s, and no line of the log says that it was slow"
            defects.add(title, cause="unnoticed", operation=seen.ask.operation, evidence=seen.evidence)
    defects.none()


@check(
    "health.slow-queries-logged",
    title="a slow query is a warning in the log, with the request that it was for",
    severity="low",
    needs=("control", "logs"),
    presupposes=(*PRESUPPOSED, "health.requests-bounded"),
    cwe=(778,),
)
def test_slow_queries_logged(slow: dict[str, Seen], warned: Find, log_lines: LogSettings) -> None:
    """While a database hung, the log named a slow query of some request that was slow: which one, nobody else knows."""
    assert warned(log_lines.slow_query) & slow.keys(), f"{len(slow)} requests were slow, and no query is logged as slow"
