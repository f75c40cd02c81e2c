"""The OpenAPI document that the service serves, and what it documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.core import EnvironmentFailure, UsageError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Operation:
    """A documented operation; `label` is what Schemathesis calls it, `inputs` its parameters and body."""

    label: str
    statuses: frozenset[str]
    inputs: frozenset[str]
    secured: bool


def fetch_document(url: str) -> dict[str, Any]:
    """Return the document at a URL; raises EnvironmentFailure (unreachable) or UsageError (not an OpenAPI document)."""
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise EnvironmentFailure(
            f"cannot fetch the OpenAPI document: {error}".splitlines()[0],
            slug="contract-unreachable",
            where=url,
            remedy="name the path at which the service serves it in [contract] document",
        ) from error
    try:
        document = answer.json()
    except ValueError as error:
        raise UsageError(
            f"the OpenAPI document is not JSON: {error}",
            slug="contract-not-json",
            where=url,
            remedy="let [contract] document name the JSON form of the document",
        ) from error
    if not isinstance(document, dict) or "paths" not in document or not {"openapi", "swagger"} & document.keys():
        raise UsageError(
            "this is no OpenAPI document: it lacks `openapi` or `paths`",
            slug="contract-not-openapi",
            where=url,
            remedy="name the path at which the service serves it in [contract] document",
        )
    return document


def operations_of(document: Mapping[str, Any]) -> dict[str, Operation]:
    """Return every documented operation by its label."""
    return {operation.label: operation for operation in _operations(document)}


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found = item[method]
                shared = item.get("parameters", [])
                parameters = [_resolve(document, part) for part in [*shared, *found.get("parameters", [])]]
                inputs = {f"{parameter.get('in')}:{parameter.get('name')}" for parameter in parameters}
                inputs |= {"body"} if "requestBody" in found else set()
                yield Operation(
                    label=f"{method.upper()} {path}",
                    statuses=frozenset(str(status) for status in found.get("responses", {}) if status != "default"),
                    inputs=frozenset(inputs),
                    secured=bool(found.get("security", document.get("security"))),
                )


def _resolve(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a local reference (RFC 6901)."""
    reference = part.get("$ref", "")
    if not reference.startswith("#/"):
        return part
    target: Any = document
    for step in reference[2:].split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return target  # type: ignore[no-any-return]  # a document is Any all the way down
