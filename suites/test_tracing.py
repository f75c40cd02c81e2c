"""The trace id: on every answer, valid, unique, and taken over from callers that send one."""

from __future__ import annotations

import re
import secrets

import httpx

from seatrial.config import JobSettings, LogSettings, Settings, TracingSettings
from seatrial.plugin import Defects, check, inconclusive, lines_where, not_applicable
from seatrial.stack import Stack


def trace_of(answer: httpx.Response, tracing: TracingSettings) -> str:
    """Return the trace id of an answer; fails without a valid one."""
    found = answer.headers.get(tracing.header, "")
    assert found, (
        f"{answer.request.method} {answer.request.url.path} answers {answer.status_code} without {tracing.header}"
    )
    assert re.fullmatch(tracing.accepts, found), f"{tracing.header}: {found!r} is not of the form {tracing.accepts}"
    return str(found)


@check("tracing.present", title="every answer carries a trace id", severity="medium", safe=True)
def test_present(client: httpx.Client, settings: Settings, tracing: TracingSettings) -> None:
    """An answer carries a valid trace id: without it, nobody finds the log lines of a user's complaint."""
    assert trace_of(client.get(settings.stack.ready), tracing)


@check("tracing.unique", title="trace ids differ", severity="medium", presupposes=("tracing.present",), safe=True)
def test_unique(client: httpx.Client, settings: Settings, tracing: TracingSettings) -> None:
    """Twenty answers carry twenty trace ids: a shared one leads to the wrong log lines."""
    seen = {trace_of(client.get(settings.stack.ready), tracing) for _ in range(20)}
    assert len(seen) == 20, f"20 answers carry only {len(seen)} different trace ids"


@check(
    "tracing.taken-over",
    title="a caller's trace id is kept",
    severity="low",
    presupposes=("tracing.present",),
    safe=True,
)
def test_taken_over(client: httpx.Client, settings: Settings, tracing: TracingSettings) -> None:
    """A valid trace id of the caller comes back: otherwise a trace breaks at this service."""
    sent = secrets.token_hex(16)
    got = trace_of(client.get(settings.stack.ready, headers={tracing.header: sent}), tracing)
    assert got == sent, f"{tracing.header} was sent as one value and came back as another"


@check(
    "tracing.malformed-replaced",
    title="a malformed trace id is not taken over",
    severity="medium",
    presupposes=("tracing.present",),
    cwe=(117,),
)
def test_malformed_replaced(client: httpx.Client, settings: Settings, tracing: TracingSettings) -> None:
    """A trace id with other characters is replaced: it would end up in log lines as somebody else's text."""
    sent = '{"level":"error"} <script>'
    got = trace_of(client.get(settings.stack.ready, headers={tracing.header: sent}), tracing)
    assert got != sent, f"a malformed {tracing.header} comes back unchanged"


@check(
    "tracing.present-on-errors",
    title="errors carry a trace id too",
    severity="medium",
    presupposes=("tracing.present",),
    safe=True,
)
def test_present_on_errors(
    client: httpx.Client, settings: Settings, tracing: TracingSettings, defects: Defects
) -> None:
    """Answers of 4xx carry a valid trace id: errors are what people ask about."""
    paths = [f"/no-such-path-{secrets.token_hex(4)}"]
    paths += [settings.auth.protected] if settings.auth and settings.auth.protected else []
    for path in paths:
        answer = client.get(path)
        found = answer.headers.get(tracing.header, "")
        if not re.fullmatch(tracing.accepts, found):
            title = f"GET {path} answers {answer.status_code} without a valid {tracing.header}"
            defects.add(title, cause=f"missing-on-{answer.status_code}", operation=f"GET {path}")
    defects.none()


@check(
    "tracing.reaches-worker",
    title="the trace id goes with the work",
    severity="medium",
    needs=("logs",),
    presupposes=("tracing.taken-over",),
)
def test_reaches_worker(
    stack: Stack, user: httpx.Client, jobs: JobSettings, tracing: TracingSettings, log_lines: LogSettings
) -> None:
    """The trace id of a submission is in the log of the worker that does it: a complaint is followed to its end."""
    if not log_lines.workers:
        not_applicable("[logs] workers is not declared")
    trace = secrets.token_hex(16)
    answer = user.post(jobs.submit, json=jobs.body, headers={tracing.header: trace})
    if answer.is_error:
        inconclusive(f"POST {jobs.submit} answers {answer.status_code}: there is nothing to trace")
    found = lines_where(stack, log_lines.workers, lambda line: line.get(log_lines.trace_field) == trace)
    assert found, f"no JSON line of {', '.join(log_lines.workers)} has the trace id of a submission"
