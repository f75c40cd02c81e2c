"""The log of a job, by the services that work off what is submitted."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable

import httpx
import jsonschema
import pytest

from seatrial.config import JobSettings, LogSettings, Settings, TracingSettings
from seatrial.core import content
from seatrial.plugin import Defects, Line, check, inconclusive, lines_where, not_applicable
from seatrial.stack import Stack

LONG = 16
"""Shorter values of a body may be in a log by accident."""
REACHES = ("tracing.reaches-worker",)


def missing(line: Line, log_lines: LogSettings) -> list[str]:
    """Return the declared fields without a value."""
    return [field for field in log_lines.worker_fields if line.get(field) is None]


@pytest.fixture
def job(stack: Stack, user: httpx.Client, jobs: JobSettings, tracing: TracingSettings, log_lines: LogSettings) -> Line:
    """Submit work and return the worker's line about it that has most of the declared fields."""
    if not log_lines.workers:
        not_applicable("[logs] workers is not declared")
    trace = secrets.token_hex(16)
    answer = user.post(jobs.submit, json=jobs.body, headers={tracing.header: trace})
    if answer.is_error:
        inconclusive(f"POST {jobs.submit} answers {answer.status_code}: there is no job to look at")
    lines = lines_where(
        stack,
        log_lines.workers,
        lambda line: line.get(log_lines.trace_field) == trace and not missing(line, log_lines),
    ) or lines_where(stack, log_lines.workers, lambda line: line.get(log_lines.trace_field) == trace)
    assert lines, f"no JSON line of {', '.join(log_lines.workers)} has the trace id of a submission"
    return min(lines, key=lambda line: len(missing(line, log_lines)))


@check(
    "logs.worker-fields-present",
    title="the line of a job says who, what and how long",
    severity="medium",
    needs=("logs",),
    presupposes=REACHES,
)
def test_worker_fields_present(job: Line, log_lines: LogSettings, defects: Defects) -> None:
    """One line of each job has a value in every declared field: a job that is slow or fails is somebody's."""
    for field in missing(job, log_lines):
        defects.add(f"no line of a job has {field}", cause=f"missing-{field}")
    defects.none()


@check(
    "logs.worker-values-well-formed",
    title="the values of a job's line have the agreed types",
    severity="low",
    needs=("logs",),
    presupposes=REACHES,
)
def test_worker_values_well_formed(job: Line, log_lines: LogSettings, defects: Defects) -> None:
    """A worker's fields are of the same types as the service's: one query must do for both."""
    schema = json.loads((content("contracts") / "schemas" / "log-line.json").read_text())
    found = {field: job[field] for field in log_lines.worker_fields if job.get(field) is not None}
    for problem in jsonschema.Draft202012Validator(schema).iter_errors(found):
        field = ".".join(map(str, problem.path))
        defects.add(f"{field} of a job's line is not well-formed: {problem.message}", cause=f"malformed-{field}")
    defects.none()


@check(
    "logs.worker-no-secrets",
    title="neither the token nor the body of a submission is logged",
    severity="high",
    needs=("logs",),
    presupposes=REACHES,
    cwe=(532,),
    owasp=("API8:2023",),
)
def test_worker_no_secrets(job: Line, stack: Stack, user: httpx.Client, settings: Settings, defects: Defects) -> None:
    """No log holds what a user submitted, or with which token: whoever reads logs may not read documents."""
    del job  # something was submitted, and has reached the workers
    assert settings.jobs
    assert settings.logs
    token = user.headers.get("Authorization", "").removeprefix("Bearer ")
    bodies = [value for value in settings.jobs.body.values() if len(value) >= LONG]
    for service in dict.fromkeys((*settings.logs.services, *settings.logs.workers)):
        text = stack.log(service)
        if token and token in text:
            defects.add(f"the token of a submission is in the log of {service}", cause=f"token-{service}")
        if any(value in text for value in as_logged(bodies)):
            defects.add(f"the body of a submission is in the log of {service}", cause=f"body-{service}")
    defects.none()


def as_logged(values: Iterable[str]) -> list[str]:
    """Return texts as they stand in a log: as they are, or inside of a JSON string."""
    return [form for value in values for form in (value, json.dumps(value)[1:-1])]
