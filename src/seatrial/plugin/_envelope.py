"""The one form of every error."""

from __future__ import annotations

import json
from typing import Any

import httpx

from seatrial.config import ErrorSettings, TracingSettings


def not_enveloped(answer: httpx.Response, errors: ErrorSettings, tracing: TracingSettings | None) -> str:
    """Return what is wrong with the form of an error, empty where it is right."""
    try:
        found = json.loads(answer.content)
    except ValueError:
        return "is no JSON"
    for name in errors.fields:
        value = nested(found, name)
        if not isinstance(value, str) or not value:
            return f"has no {name}"
    if tracing and errors.trace_field and nested(found, errors.trace_field) != answer.headers.get(tracing.header):
        return f"has another trace id in {errors.trace_field} than in its header"
    return ""


def nested(found: Any, name: str) -> Any:
    """Return `found["a"]["b"]` for the name `a.b`, None where it is not there."""
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
