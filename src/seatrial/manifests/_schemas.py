"""Whether a document keeps to the schema that is published for its kind."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from seatrial.manifests._read import Document

SCHEMAS = Path(__file__).parent / "schemas"
LONGEST = 160


@functools.cache
def _validator(name: str) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def departures(document: Document, schema: str) -> Iterator[tuple[int, str]]:
    """Yield line and words of everything in which a document departs from a schema of `schemas/`."""
    for error in _validator(schema).iter_errors(document.value):
        closest = _closest(error)
        place = (*closest.absolute_path, *_unexpected(closest))
        message = closest.message if len(closest.message) <= LONGEST else f"{closest.message[:LONGEST]}..."
        yield document.line(*place), f"{'.'.join(map(str, place)) or 'the document'}: {message}"


def _closest(error: ValidationError) -> ValidationError:
    """Return what keeps a value from the form that it is nearest to: of several that are allowed, one was meant."""
    while error.context:
        forms: dict[object, list[ValidationError]] = {}
        for inner in error.context:
            forms.setdefault(inner.schema_path[0], []).append(inner)
        nearest = min(forms.values(), key=lambda faults: (_wrong_type(faults), len(faults)))
        error = max(nearest, key=lambda fault: (len(fault.absolute_path), fault.validator == "additionalProperties"))
    return error


def _unexpected(error: ValidationError) -> list[str]:
    """Return the key that should not be there, where the error is about one: it has a line of its own."""
    keys = error.instance if error.validator == "additionalProperties" and isinstance(error.instance, dict) else ()
    return [key for key in keys if f"{key!r}" in error.message][:1]


def _wrong_type(faults: list[ValidationError]) -> bool:
    """Return whether a form is of another type altogether."""
    return any(fault.validator == "type" and not fault.path for fault in faults)
