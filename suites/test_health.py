"""The health endpoints: what they say, and that it is true when a dependency hangs."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator

import httpx
import jsonschema
import pytest

from seatrial.config import HealthSettings
from seatrial.core import content
from seatrial.plugin import Defects, check, inconclusive, not_applicable
from seatrial.stack import Stack

POLL_S = 0.05


def declared(path: str | None, key: str) -> str:
    """Return a path, or end the check when it is not promised."""
    if path is None:
        not_applicable(f"[health] {key} is not declared")
    return path


@check("health.basic-answers", title="the health endpoint says that the service is up", severity="high")
def test_basic_answers(client: httpx.Client, health: HealthSettings) -> None:
    """The basic endpoint answers 200 with a JSON object, to anybody: load balancers hold no tokens."""
    answer = client.get(declared(health.basic, "basic"))
    assert answer.status_code == httpx.codes.OK, f"{health.basic} answers {answer.status_code} on a working stack"
    schema = json.loads((content("contracts") / "schemas" / "health.json").read_text())
    problem = next(jsonschema.Draft202012Validator(schema).iter_errors(answer.json()), None)
    assert problem is None, f"the body of {health.basic} is not as promised: {problem and problem.message}"


@check("health.liveness-answers", title="liveness says that the process works", severity="high")
def test_liveness_answers(client: httpx.Client, health: HealthSettings) -> None:
    """Liveness answers 200: otherwise an orchestrator restarts a service that works."""
    answer = client.get(declared(health.liveness, "liveness"))
    assert answer.status_code == httpx.codes.OK, f"{health.liveness} answers {answer.status_code} on a working stack"


@check("health.readiness-answers", title="readiness says that requests can be served", severity="high")
def test_readiness_answers(client: httpx.Client, health: HealthSettings) -> None:
    """Readiness answers 200 while every dependency works: otherwise no traffic arrives."""
    answer = client.get(declared(health.readiness, "readiness"))
    assert answer.status_code == httpx.codes.OK, f"{health.readiness} answers {answer.status_code} on a working stack"


@check("health.dependencies-listed", title="the detailed answer names every dependency", severity="medium")
def test_dependencies_listed(client: httpx.Client, health: HealthSettings, defects: Defects) -> None:
    """The detailed endpoint names each declared dependency: an operator must see which one is down."""
    answer = client.get(declared(health.detailed, "detailed"))
    assert answer.status_code == httpx.codes.OK, f"{health.detailed} answers {answer.status_code} on a working stack"
    text = answer.text
    for name in health.dependencies:
        if f'"{name}"' not in text:
            defects.add(
                f"{health.detailed} does not name {name}", cause=f"missing-{name}", operation=_op(health.detailed)
            )
    defects.none()


def _op(path: str | None) -> str:
    return f"GET {path}"


Hang = Callable[..., contextlib.AbstractContextManager[None]]


@pytest.fixture
def hang(stack: Stack, client: httpx.Client, health: HealthSettings) -> Hang:
    """Return a context in which dependencies hang; afterwards the stack is ready again."""

    @contextlib.contextmanager
    def hanging(*services: str) -> Iterator[None]:
        with contextlib.ExitStack() as frozen:
            for service in services:
                stack.control("pause", service)
                frozen.callback(stack.control, "unpause", service)
            yield
        if health.readiness and not becomes(client, health.readiness, {200}, within_s=health.react_s):
            inconclusive(f"not ready again {health.react_s:g} s after {', '.join(services)} went on")

    return hanging


def becomes(client: httpx.Client, path: str, statuses: set[int], *, within_s: float) -> bool:
    """Return whether a path answers with one of these statuses in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TimeoutException):
            if client.get(path, timeout=within_s).status_code in statuses:
                return True
        time.sleep(POLL_S)
    return False


@check(
    "health.dependency-reported",
    title="a dependency that hangs is reported",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_dependency_reported(
    client: httpx.Client,
    health: HealthSettings,
    hang: Hang,
    defects: Defects,
) -> None:
    """Readiness stops answering 200 when a dependency hangs: otherwise requests go where they cannot be served."""
    path = declared(health.readiness, "readiness")
    if not health.dependencies:
        not_applicable("[health] dependencies is not declared")
    for name, service in health.dependencies.items():
        with hang(service):
            if not becomes(client, path, {500, 502, 503, 504}, within_s=health.react_s):
                title = f"{path} still answers 200 while {name} hangs"
                defects.add(title, cause=f"unreported-{name}", operation=_op(path))
    defects.none()


@check(
    "health.liveness-independent",
    title="liveness does not depend on dependencies",
    severity="high",
    needs=("control",),
    presupposes=("health.liveness-answers",),
)
def test_liveness_independent(
    client: httpx.Client,
    health: HealthSettings,
    hang: Hang,
    defects: Defects,
) -> None:
    """Liveness answers 200 while dependencies hang: otherwise a database hiccup restarts every instance at once."""
    path = declared(health.liveness, "liveness")
    if not health.dependencies:
        not_applicable("[health] dependencies is not declared")
    with hang(*health.dependencies.values()):
        try:
            status = client.get(path, timeout=health.react_s).status_code
        except httpx.TimeoutException:
            status = 0
        if status != httpx.codes.OK:
            said = f"answers {status}" if status else "does not answer"
            defects.add(f"{path} {said} while dependencies hang", cause="depends", operation=_op(path))
    defects.none()
