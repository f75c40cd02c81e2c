"""The health endpoints: what they say, and that it is true when a dependency hangs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


NOT_READY = {500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Look:
    """One answer of an endpoint; status 0: it did not come in time."""

    status: int
    seconds: float
    text: str = ""
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class Hung:
    """What the endpoints said while one dependency hung; `readiness` is in order, up to the first that is not ready."""

    liveness: Look | None
    readiness: tuple[Look, ...]
    detailed: Look | None
    recovered: bool


HUNG = pytest.StashKey[dict[str, Hung]]()


@pytest.fixture
def hung(request: pytest.FixtureRequest, stack: Stack, client: httpx.Client, health: HealthSettings) -> dict[str, Hung]:
    """Return what was seen of each dependency as it hung: once for all checks, because every hang takes seconds."""
    if not health.dependencies:
        not_applicable("[health] dependencies is not declared")
    seen = request.config.stash.setdefault(HUNG, {})
    for name, service in health.dependencies.items():
        if name not in seen:
            seen[name] = observe(stack, client, health, service)
        if not seen[name].recovered:
            inconclusive(f"not ready again {health.react_s:g} s after {service} went on")
    return seen


def observe(stack: Stack, client: httpx.Client, health: HealthSettings, service: str) -> Hung:
    """Let a service hang, ask each endpoint, and let it go on."""
    patience_s = health.react_s
    stack.control("pause", service)
    try:
        readiness = ask_until(client, health.readiness, NOT_READY, patience_s) if health.readiness else ()
        # Afterwards: a service that looks at its dependencies now and then may not have noticed before.
        liveness = look(client, health.liveness, patience_s) if health.liveness else None
        detailed = look(client, health.detailed, patience_s) if health.detailed else None
    finally:
        stack.control("unpause", service)
    again = ask_until(client, health.readiness, {httpx.codes.OK}, patience_s) if health.readiness else ()
    return Hung(liveness, readiness, detailed, recovered=not again or again[-1].status == httpx.codes.OK)


def look(client: httpx.Client, path: str, patience_s: float) -> Look:
    """Ask an endpoint once."""
    began = time.monotonic()
    try:
        answer = client.get(path, timeout=patience_s)
    except httpx.TimeoutException:
        return Look(0, time.monotonic() - began)
    exchange = str(answer.extensions.get("seatrial.exchange", ""))
    return Look(answer.status_code, time.monotonic() - began, answer.text, exchange)


def ask_until(client: httpx.Client, path: str, statuses: set[int], patience_s: float) -> tuple[Look, ...]:
    """Ask an endpoint until it answers with one of these statuses, or patience ends."""
    deadline = time.monotonic() + patience_s
    seen = [look(client, path, patience_s)]
    while seen[-1].status not in statuses and time.monotonic() < deadline:
        time.sleep(POLL_S)
        seen.append(look(client, path, patience_s))
    return tuple(seen)


def evidence(*looks: Look) -> tuple[str, ...]:
    """Return the exchanges that show something."""
    return tuple(look.exchange for look in looks if look.exchange)


@check(
    "health.dependency-reported",
    title="a dependency that hangs is reported",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_dependency_reported(health: HealthSettings, hung: dict[str, Hung], defects: Defects) -> None:
    """Readiness stops answering 200 when a dependency hangs: otherwise requests go where they cannot be served."""
    path = declared(health.readiness, "readiness")
    for name, seen in hung.items():
        last = seen.readiness[-1]
        if last.status not in NOT_READY:
            title = f"{path} still answers {last.status or 'nothing'} while {name} hangs"
            defects.add(title, cause=f"unreported-{name}", operation=_op(path), evidence=evidence(last))
    defects.none()


@check(
    "health.readiness-bounded",
    title="readiness answers in its time while a dependency hangs",
    severity="medium",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_readiness_bounded(health: HealthSettings, hung: dict[str, Hung], defects: Defects) -> None:
    """Readiness never takes longer than declared: a probe that hangs with the dependency reports nothing."""
    path = declared(health.readiness, "readiness")
    if health.answers_within_s is None:
        not_applicable("[health] answers_within_s is not declared")
    for name, seen in hung.items():
        slowest = max(seen.readiness, key=lambda look: look.seconds)
        if slowest.seconds > health.answers_within_s:
            title = f"{path} takes more than {health.answers_within_s:g} s while {name} hangs"
            detail = f"it took {slowest.seconds:.2f} s"
            defects.add(title, cause=f"slow-{name}", operation=_op(path), evidence=evidence(slowest), detail=detail)
    defects.none()


@check(
    "health.reason-given",
    title="a health answer says which dependency does not work",
    severity="medium",
    needs=("control",),
    presupposes=("health.dependency-reported", "health.dependencies-listed"),
)
def test_reason_given(client: httpx.Client, health: HealthSettings, hung: dict[str, Hung], defects: Defects) -> None:
    """The declared endpoints say which dependency hangs: a bare 503 leaves an operator to look for it."""
    if not health.reasons:
        not_applicable("[health] reasons is not declared")
    if "readiness" in health.reasons:
        for name, seen in hung.items():
            last, path = seen.readiness[-1], declared(health.readiness, "readiness")
            if name not in last.text:
                title = f"{path} answers {last.status} without naming {name}, which hangs"
                defects.add(title, cause=f"unnamed-{name}", operation=_op(path), evidence=evidence(last))
    if "detailed" in health.reasons:
        path = declared(health.detailed, "detailed")
        working = client.get(path).json()
        for name, seen in hung.items():
            if seen.detailed and words_of(working, name) == words_of(_json(seen.detailed.text), name):
                title = f"{path} says the same of {name} when it hangs as when it works"
                defects.add(title, cause=f"same-{name}", operation=_op(path), evidence=evidence(seen.detailed))
    defects.none()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def words_of(body: Any, name: str) -> frozenset[str]:
    """Return the texts and truth values that a body holds under a name, at any depth; numbers are latencies."""
    if isinstance(body, Mapping):
        own = leaves(body[name]) if name in body else frozenset()
        return own.union(*(words_of(value, name) for key, value in body.items() if key != name))
    return frozenset().union(*(words_of(value, name) for value in body)) if isinstance(body, list) else frozenset()


def leaves(value: Any) -> frozenset[str]:
    """Return the texts and truth values at the ends of a value, each with its key."""
    if isinstance(value, Mapping):
        return frozenset(f"{key}={leaf}" for key, inner in value.items() for leaf in leaves(inner))
    return frozenset({str(value)}) if isinstance(value, str | bool) else frozenset()


@check(
    "health.liveness-independent",
    title="liveness does not depend on dependencies",
    severity="high",
    needs=("control",),
    presupposes=("health.liveness-answers", "health.readiness-answers"),
)
def test_liveness_independent(health: HealthSettings, hung: dict[str, Hung], defects: Defects) -> None:
    """Liveness answers 200 while dependencies hang: otherwise a database hiccup restarts every instance at once."""
    path = declared(health.liveness, "liveness")
    for name, seen in hung.items():
        if seen.liveness and seen.liveness.status != httpx.codes.OK:
            said = f"answers {seen.liveness.status}" if seen.liveness.status else "does not answer"
            title = f"{path} {said} while {name} hangs"
            defects.add(title, cause="depends", operation=_op(path), evidence=evidence(seen.liveness))
    defects.none()
