"""What the engine says of an answer, and what of it is no fault of the service."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from schemathesis.openapi.checks import JsonSchemaError, MissingContentType

BODILESS = frozenset({204, 205, 304})
"""Answers that have no body and so no media type, although Swagger 2.0's `produces` is about them too."""

REFUSED = "RejectedPositiveData"
"""The failure of an operation that refuses input which its schema allows."""

MAKER_ONLY = frozenset({"EnsureResourceAvailability", REFUSED})
"""Failures that mean nothing when somebody else asked than who made a resource, or was given what is sent."""

UNMET = 412
"""What is answered where a precondition such as `If-Match` does not hold: the request is valid (RFC 9110, 13)."""

PRECONDITION = "if-"
"""How the names of headers that hold one begin; without any, nothing can be unmet."""


def is_amiss(failure: Any, case: Any, status: int, *, handed: Mapping[str, Collection[str]], displaced: bool) -> bool:
    """Return whether a failure is none of the service's; `handed` are the inputs that only the service can make."""
    kind = type(failure).__name__
    if isinstance(failure, MissingContentType):
        return status in BODILESS
    if isinstance(failure, JsonSchemaError):
        return is_file(failure)
    if kind == REFUSED and (unmet(case, status) or out_of_form(case)):
        return True
    if kind == REFUSED and made_up(case, handed.get(case.operation.label, ())):
        return True
    return displaced and kind in MAKER_ONLY


def unmet(case: Any, status: int) -> bool:
    """Return whether an answer says of a precondition in the request that it does not hold."""
    return status == UNMET and any(name.lower().startswith(PRECONDITION) for name in case.headers or {})


def made_up(case: Any, handed: Collection[str]) -> bool:
    """Return whether a request holds a value that only the service can make, and that no link took from an answer."""
    return bool((set(handed) & (case.query or {}).keys()) - case._override.query.keys())  # noqa: SLF001 - pinned exactly


def out_of_form(case: Any) -> bool:
    """Return whether a text in a request has not the form that is documented for it, whatever it was made for.

    The engine takes quotes off the values that it fills into headers, for example: `"0"` is not `0`. What it fills into
    paths is encoded already.
    """
    return any(_breaks(parameter, _held(case, parameter)) for parameter in case.operation.iter_parameters())


def _held(case: Any, parameter: Any) -> Any:
    places = {"path": case.path_parameters, "query": case.query, "header": case.headers, "cookie": case.cookies}
    value = (places.get(parameter.location.value) or {}).get(parameter.name)
    return unquote(value) if parameter.location.value == "path" and isinstance(value, str) else value


def _breaks(parameter: Any, value: Any) -> bool:
    schema = parameter.raw_schema
    pattern = schema.get("pattern") if isinstance(schema, dict) else None
    try:
        return isinstance(value, str) and pattern is not None and not re.search(pattern, value)
    except re.error:  # a pattern of another dialect: nobody here can say
        return False


def is_file(failure: JsonSchemaError) -> bool:
    """Return whether a body is documented as a file, and failed since it can be read as data: any body is a file."""
    schema = failure._root_schema  # noqa: SLF001 - pinned exactly
    return isinstance(schema, dict) and schema.get("format") == "binary" and not failure.instance_path
