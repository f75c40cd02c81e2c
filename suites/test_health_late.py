"""The health endpoints when a dependency hangs: whether they say so, in their time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from seatrial.config import HealthSettings
from seatrial.disrupt import NOT_READY, HealthSeen, Outage
from seatrial.plugin import Defects, check, declared, inconclusive, not_applicable


def _op(path: str) -> str:
    return f"GET {path}"


@pytest.fixture
def hung(outages: dict[str, Outage], health: HealthSettings) -> dict[str, HealthSeen]:
    """Return what the endpoints said while each dependency hung."""
    for name, outage in outages.items():
        if not outage.health.recovered:
            inconclusive(f"not ready again {health.react_s:g} s after {name} went on")
    return {name: outage.health for name, outage in outages.items()}


@check(
    "health.dependency-reported",
    title="a dependency that hangs is reported",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_dependency_reported(health: HealthSettings, hung: dict[str, HealthSeen], defects: Defects) -> None:
    """Readiness stops answering 200 when a dependency hangs: otherwise requests go where they cannot be served."""
    path = declared(health.readiness, "[health] readiness")
    for name, seen in hung.items():
        last = seen.readiness[-1]
        if last.status not in NOT_READY:
            title = f"{path} still answers {last.status or 'nothing'} while {name} hangs"
            defects.add(title, cause=f"unreported-{name}", operation=_op(path), evidence=last.evidence)
    defects.none()


@check(
    "health.readiness-bounded",
    title="readiness answers in its time while a dependency hangs",
    severity="medium",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_readiness_bounded(health: HealthSettings, hung: dict[str, HealthSeen], defects: Defects) -> None:
    """Readiness never takes longer than declared: a probe that hangs with the dependency reports nothing."""
    path = declared(health.readiness, "[health] readiness")
    if health.answers_within_s is None:
        not_applicable("[health] answers_within_s is not declared")
    for name, seen in hung.items():
        slowest = max(seen.readiness, key=lambda look: look.seconds)
        if slowest.seconds > health.answers_within_s:
            title = f"{path} takes more than {health.answers_within_s:g} s while {name} hangs"
            detail = f"it took {slowest.seconds:.2f} s"
            defects.add(title, cause=f"slow-{name}", operation=_op(path), evidence=slowest.evidence, detail=detail)
    defects.none()


@check(
    "health.reason-given",
    title="a health answer says which dependency does not work",
    severity="medium",
    needs=("control",),
    presupposes=("health.dependency-reported", "health.dependencies-listed"),
)
def test_reason_given(
    client: httpx.Client, health: HealthSettings, hung: dict[str, HealthSeen], defects: Defects
) -> None:
    """The declared endpoints say which dependency hangs: a bare 503 leaves an operator to look for it."""
    if not health.reasons:
        not_applicable("[health] reasons is not declared")
    if "readiness" in health.reasons:
        for name, seen in hung.items():
            last, path = seen.readiness[-1], declared(health.readiness, "[health] readiness")
            if name not in last.text:
                title = f"{path} answers {last.status} without naming {name}, which hangs"
                defects.add(title, cause=f"unnamed-{name}", operation=_op(path), evidence=last.evidence)
    if "detailed" in health.reasons:
        path = declared(health.detailed, "[health] detailed")
        working = client.get(path).json()
        for name, seen in hung.items():
            if seen.detailed and words_of(working, name) == words_of(_json(seen.detailed.text), name):
                title = f"{path} says the same of {name} when it hangs as when it works"
                defects.add(title, cause=f"same-{name}", operation=_op(path), evidence=seen.detailed.evidence)
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
def test_liveness_independent(health: HealthSettings, hung: dict[str, HealthSeen], defects: Defects) -> None:
    """Liveness answers 200 while dependencies hang: otherwise a database hiccup restarts every instance at once."""
    path = declared(health.liveness, "[health] liveness")
    for name, seen in hung.items():
        if seen.liveness and seen.liveness.status != httpx.codes.OK:
            said = f"answers {seen.liveness.status}" if seen.liveness.status else "does not answer"
            title = f"{path} {said} while {name} hangs"
            defects.add(title, cause="depends", operation=_op(path), evidence=seen.liveness.evidence)
    defects.none()
