"""The one form of every error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def not_in_form(body: str | bytes, trace: str | None, *, fields: Sequence[str], trace_field: str = "") -> str:
    """Return what is wrong with the form of an error, empty where it is right.

    `trace` is the trace id of the answer's header, which its `trace_field` repeats, if there is one.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "is no JSON"
    for name in fields:
        value = nested(found, name)
        if not isinstance(value, str) or not value:
            return f"has no {name}"
    if trace_field and nested(found, trace_field) != trace:
        return f"has another trace id in {trace_field} than in its header"
    return ""


def nested(found: Any, name: str) -> Any:
    """Return `found["a"]["b"]` for the name `a.b`, None where it is not there."""
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
