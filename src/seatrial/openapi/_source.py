"""The OpenAPI document that a service serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.core.tls import trusted
from seatrial.openapi._operations import operations_of

TIMEOUT_S = 15.0
REMEDY = "name the path at which the service serves it in [contract] document"


def fetch_document(url: str) -> dict[str, Any]:
    """Return the document at a URL; raises EnvironmentFailure (unreachable) or UsageError (not an OpenAPI document)."""
    try:
        answer = httpx.get(url, verify=trusted(), timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EnvironmentFailure(
            f"cannot fetch the OpenAPI document: {error}".splitlines()[0],
            slug="contract-unreachable",
            where=url,
            remedy=REMEDY,
        ) from error
    try:
        document = answer.json()
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the OpenAPI document is not JSON: {error}",
            slug="contract-not-json",
            where=url,
            remedy="let [contract] document name the JSON form of the document",
        ) from error
    try:
        operations_of(_of_known_version(document))
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        raise UsageError(
            f"this is no OpenAPI document: {error}", slug="contract-not-openapi", where=url, remedy=REMEDY
        ) from error
    return document  # type: ignore[no-any-return]  # a document is Any all the way down


def canonical(document: Mapping[str, Any]) -> str:
    """Return a document as it is published: sorted and indented, so that a change is a few lines of a diff."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _of_known_version(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise TypeError("it is not an object")
    version = str(document.get("openapi", document.get("swagger", "")))
    if not version.startswith(("3.", "2.")):
        raise ValueError(f"`openapi` is {version!r}, not 3.x" if version else "it lacks `openapi`")
    if not isinstance(document.get("paths"), dict):
        raise TypeError("`paths` is no object" if "paths" in document else "it lacks `paths`")
    return document
