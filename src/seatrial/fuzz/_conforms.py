"""Schemathesis's look at one answer, outside of its engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.engine.recorder import ScenarioRecorder


def failures(
    case: Any, checks: Sequence[str], answer: requests.Response, *, recorder: ScenarioRecorder | None = None
) -> list[Failure]:
    """Return what checks find fault with in an answer to a case."""
    looks: list[Any] = [CHECKS.get_one(name) for name in checks]
    try:
        case.validate_response(answer, checks=looks, recorder=recorder)
    except FailureGroup as group:
        return [failure for failure in group.exceptions if isinstance(failure, Failure)]
    except Failure as failure:
        return [failure]
    return []


def fails(document: Mapping[str, Any], label: str, checks: Sequence[str], answer: requests.Response) -> bool | None:
    """Return whether one of these checks finds fault with an answer; None where the operation is not documented."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(dict(document))
    found: list[Any] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    operation = next((operation for operation in found if operation.label == label), None)
    if operation is None:
        return None
    case = operation.Case(method=operation.method, path_parameters=_in_path(label, str(answer.request.url)))
    return bool(failures(case, checks, answer))


def _in_path(label: str, url: str) -> dict[str, str]:
    """Return what stands in a URL for each parameter of an operation's path."""
    template, path = label.partition(" ")[2].strip("/").split("/"), urlsplit(url).path.split("/")
    parts = zip(reversed(template), reversed(path), strict=False)
    return {name[1:-1]: unquote(value) for name, value in parts if name.startswith("{") and name.endswith("}")}
