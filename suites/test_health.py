"""The health endpoints: what they say while everything works."""

from __future__ import annotations

import json

import httpx
import jsonschema

from seatrial.config import HealthSettings
from seatrial.core import content
from seatrial.plugin import Defects, check, declared


@check("health.basic-answers", title="the health endpoint says that the service is up", severity="high", safe=True)
def test_basic_answers(client: httpx.Client, health: HealthSettings) -> None:
    """The basic endpoint answers 200 with a JSON object, to anybody: load balancers hold no tokens."""
    answer = client.get(declared(health.basic, "[health] basic"))
    assert answer.status_code == httpx.codes.OK, f"{health.basic} answers {answer.status_code} on a working stack"
    schema = json.loads((content("contracts") / "schemas" / "health.json").read_text())
    try:
        body = answer.json()
    except ValueError as error:
        raise AssertionError(f"the body of {health.basic} is no JSON: {error}") from error
    problem = next(jsonschema.Draft202012Validator(schema).iter_errors(body), None)
    assert problem is None, f"the body of {health.basic} is not as promised: {problem and problem.message}"


@check("health.liveness-answers", title="liveness says that the process works", severity="high", safe=True)
def test_liveness_answers(client: httpx.Client, health: HealthSettings) -> None:
    """Liveness answers 200: otherwise an orchestrator restarts a service that works."""
    answer = client.get(declared(health.liveness, "[health] liveness"))
    assert answer.status_code == httpx.codes.OK, f"{health.liveness} answers {answer.status_code} on a working stack"


@check("health.readiness-answers", title="readiness says that requests can be served", severity="high", safe=True)
def test_readiness_answers(client: httpx.Client, health: HealthSettings) -> None:
    """Readiness answers 200 while every dependency works: otherwise no traffic arrives."""
    answer = client.get(declared(health.readiness, "[health] readiness"))
    assert answer.status_code == httpx.codes.OK, f"{health.readiness} answers {answer.status_code} on a working stack"


@check("health.dependencies-listed", title="the detailed answer names every dependency", severity="medium", safe=True)
def test_dependencies_listed(client: httpx.Client, health: HealthSettings, defects: Defects) -> None:
    """The detailed endpoint names each declared dependency: an operator must see which one is down."""
    answer = client.get(declared(health.detailed, "[health] detailed"))
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
