"""The log: one JSON object for each request, complete, and without secrets."""

from __future__ import annotations

import json
import secrets

import httpx
import jsonschema
import pytest

from seatrial.config import AuthSettings, LogSettings, Settings, TracingSettings
from seatrial.core import content
from seatrial.plugin import Defects, Line, check, lines_where, not_applicable
from seatrial.stack import Stack

SUBSTANTIAL = 0.5
"""A line with more of the declared fields than this is a request's; others may carry its trace id too."""


def lines_of(stack: Stack, log_lines: LogSettings, trace: str) -> list[Line]:
    """Return the lines of the requests that carry a trace id, as soon as there are any."""

    def is_request(line: Line) -> bool:
        present = sum(line.get(field) is not None for field in log_lines.fields)
        known = line.get(log_lines.trace_field) == trace and present > SUBSTANTIAL * len(log_lines.fields)
        return known and not is_audit(line, log_lines)

    return lines_where(stack, log_lines.services, is_request)


def is_audit(line: Line, log_lines: LogSettings) -> bool:
    """Return whether a line belongs to the audit log."""
    return bool(log_lines.audit) and all(line.get(field) == value for field, value in log_lines.audit.items())


@pytest.fixture
def trace(user: httpx.Client, tracing: TracingSettings, settings: Settings) -> str:
    """Send one authenticated request and return the trace id that it was sent with."""
    sent = secrets.token_hex(16)
    user.get((settings.auth and settings.auth.protected) or settings.stack.ready, headers={tracing.header: sent})
    return sent


@pytest.fixture
def later(trace: str, user: httpx.Client, tracing: TracingSettings, settings: Settings) -> str:
    """Send another request after the first and return the trace id that it was sent with."""
    sent = trace[::-1]
    user.get(settings.stack.ready, headers={tracing.header: sent})
    return sent


@check(
    "logs.request-logged",
    title="each request leaves one JSON line",
    severity="medium",
    needs=("logs",),
    presupposes=("tracing.taken-over",),
)
def test_request_logged(stack: Stack, log_lines: LogSettings, trace: str, later: str) -> None:
    """A request leaves exactly one JSON line: none hides it, two count it twice."""
    lines_of(stack, log_lines, later)  # once a later request is in the log, so is a second line of the first one
    found = lines_of(stack, log_lines, trace)
    assert len(found) == 1, f"one request left {len(found)} JSON lines with its trace id"


@check(
    "logs.fields-present",
    title="a log line says who, what and how long",
    severity="medium",
    needs=("logs",),
    presupposes=("logs.request-logged",),
)
def test_fields_present(stack: Stack, log_lines: LogSettings, trace: str, defects: Defects) -> None:
    """Each declared field has a value in the line of an authenticated request: a missing one blinds every query."""
    (line,) = lines_of(stack, log_lines, trace)
    for field in log_lines.fields:
        if line.get(field) is None:
            defects.add(f"log lines lack {field}", cause=f"missing-{field}")
    defects.none()


@check(
    "logs.values-well-formed",
    title="the values of a log line have the agreed types",
    severity="low",
    needs=("logs",),
    presupposes=("logs.request-logged",),
)
def test_values_well_formed(stack: Stack, log_lines: LogSettings, trace: str, defects: Defects) -> None:
    """Each declared field is of the agreed type: a number written as text cannot be summed or compared."""
    (line,) = lines_of(stack, log_lines, trace)
    schema = json.loads((content("contracts") / "schemas" / "log-line.json").read_text())
    declared = {field: line[field] for field in log_lines.fields if line.get(field) is not None}
    for problem in jsonschema.Draft202012Validator(schema).iter_errors(declared):
        field = ".".join(map(str, problem.path))
        defects.add(f"{field} is not well-formed: {problem.message}", cause=f"malformed-{field}")
    defects.none()


@check(
    "logs.no-secrets",
    title="no token is logged",
    severity="high",
    needs=("logs",),
    presupposes=("logs.request-logged",),
    cwe=(532,),
    owasp=("API8:2023",),
)
def test_no_secrets(stack: Stack, log_lines: LogSettings, trace: str, user: httpx.Client) -> None:
    """No log line holds the bearer token of a request: whoever reads logs would be that user."""
    token = user.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        not_applicable("requests carry no bearer token")
    assert lines_of(stack, log_lines, trace)
    logged = [service for service in log_lines.services if token in stack.log(service)]
    assert not logged, f"the bearer token of a request is in the log of {', '.join(logged)}"


@check(
    "logs.audit-recorded",
    title="a refused request is in the audit log",
    severity="medium",
    needs=("logs",),
    presupposes=("logs.request-logged", "security.token-required"),
    cwe=(778,),
    owasp=("API8:2023",),
)
def test_audit_recorded(
    stack: Stack, log_lines: LogSettings, client: httpx.Client, auth: AuthSettings, tracing: TracingSettings
) -> None:
    """A request that is refused for want of a token leaves a line in the audit log: attempts are seen too."""
    if not log_lines.audit or not auth.protected:
        not_applicable("[logs] audit or [auth] protected is not declared")
    trace = secrets.token_hex(16)
    status = client.get(auth.protected, headers={tracing.header: trace}).status_code
    found = lines_where(
        stack,
        log_lines.services,
        lambda line: line.get(log_lines.trace_field) == trace and is_audit(line, log_lines),
    )
    assert found, f"GET {auth.protected} without a token answers {status}, and the audit log does not say so"
