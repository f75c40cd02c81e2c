"""The process in which Schemathesis makes valid requests (`python -m seatrial.swarm.traffic._child`).

Task on standard input -> requests on standard output; nothing is sent from here.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from schemathesis.config import CacheConfig
from schemathesis.core.errors import SchemathesisError
from schemathesis.generation import GenerationMode

from seatrial.swarm.traffic._made import Made, Makings, Task

BASE = "http://localhost"
OF_THE_CLIENT = frozenset({
    "accept-encoding", "authorization", "connection", "content-length", "host", "user-agent",
    "x-schemathesis-testcaseid",
})  # fmt: skip
"""Headers that are Schemathesis's or the connection's own, or an identity's."""

CONTAINERS = ("query", "headers", "cookies")


def main() -> None:
    """Make what one task asks for."""
    task, out = msgspec.json.decode(sys.stdin.buffer.read(), type=Task), sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not get into the answer
    warnings.simplefilter("ignore")
    out.write(msgspec.json.encode(make(task)))


def make(task: Task) -> Makings:
    """Return requests of each operation, or why there are none."""
    made, failed = dict[str, list[Made]](), dict[str, str]()
    for operation in _operations(task):
        try:
            made[operation.label] = _requests_of(operation, task)
        except (SchemathesisError, HypothesisException, ValueError, TypeError) as error:
            failed[operation.label] = " ".join(str(error).split())[:200] or type(error).__name__
    return Makings(made=made, failed=failed)


def _operations(task: Task) -> Iterator[Any]:
    config = schemathesis.Config(seed=task.seed, cache=CacheConfig(enabled=False))
    schema: Any = schemathesis.openapi.from_dict(task.document, config=config)
    schema.config.update(base_url=BASE)
    schema.config.generation.update(database="none", with_security_parameters=False)
    for found in schema.include(name=task.only).get_all_operations():
        yield found.ok()


def _requests_of(operation: Any, task: Task) -> list[Made]:
    """Return different requests: those of examples and defaults where there are any, else of schemas."""
    given_ones = operation.get_strategies_from_examples(fill_missing=True)
    strategies = given_ones[: task.count] or [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    each = 1 if given_ones else task.count
    cases = [case for strategy in strategies for case in _drawn(strategy, each, task.seed)]
    return list({msgspec.json.encode(made): made for made in (_made(case, operation) for case in cases)}.values())


def _drawn(strategy: Any, count: int, number: int) -> list[Any]:
    """Return what a strategy gives, always the same for a seed."""
    cases: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def draw(case: Any) -> None:
        cases.append(case)

    draw()
    return cases[:count]


def _made(case: Any, operation: Any) -> Made:
    for container in CONTAINERS:
        _leave_to_the_service(getattr(case, container), getattr(operation, container))
    sent = requests.Request(**_said(case.as_transport_kwargs(base_url=BASE))).prepare()
    body = sent.body if isinstance(sent.body, bytes) else str(sent.body or "").encode()
    return Made(
        path=str(sent.path_url),
        named=all(map(_names_values, operation.path_parameters)),
        headers={name: _text(value) for name, value in sent.headers.items() if name.lower() not in OF_THE_CLIENT},
        body=body,
    )


def _leave_to_the_service(values: Any, parameters: Any) -> None:
    """Leave out what may be left out and of which the document names no value: made-up filters are nobody's traffic."""
    for parameter in parameters:
        if not (parameter.is_required or _names_values(parameter)):
            for name in [key for key in values or () if key == parameter.name or key.startswith(f"{parameter.name}[")]:
                del values[name]


def _names_values(parameter: Any) -> bool:
    """Return whether the document says what a parameter may be one by one: examples, a default, or a choice of some."""
    schema = parameter.validation_schema
    return bool(parameter.examples) or (isinstance(schema, dict) and bool({"default", "enum", "const"} & schema.keys()))


def _said(options: dict[str, Any]) -> dict[str, Any]:
    known = ("method", "url", "headers", "files", "data", "json", "params", "cookies")
    return {name: options[name] for name in known if name in options}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()
