"""The one form of every error, of an answer to a check."""

from __future__ import annotations

import httpx

from seatrial.config import ErrorSettings, TracingSettings
from seatrial.core.envelopes import not_in_form


def not_enveloped(answer: httpx.Response, errors: ErrorSettings, tracing: TracingSettings | None) -> str:
    """Return what is wrong with the form of an error, empty where it is right."""
    repeated = errors.trace_field if tracing else ""
    trace = answer.headers.get(tracing.header) if tracing else None
    return not_in_form(answer.content, trace, fields=errors.fields, trace_field=repeated)
