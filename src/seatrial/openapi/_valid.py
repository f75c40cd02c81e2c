"""Whether a document is one: held against the schema that the OpenAPI Initiative publishes for its version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs
from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import best_match

from seatrial.core import UsageError
from seatrial.openapi._pointers import pointer

SCHEMAS = Path(__file__).parent / "schemas"
VALIDATORS = {"2.0": Draft4Validator, "3.0": Draft4Validator, "3.1": Draft202012Validator, "3.2": Draft202012Validator}
LONGEST = 200
REMEDY = "correct the document, or let [contract] document name the right one"


def check_document(document: Any, source: str) -> dict[str, Any]:
    """Return a document that is valid; raises UsageError with the JSON pointer of what is not."""
    if not isinstance(document, dict):
        _refuse("it is not an object", source)
    version = version_of(document)
    if version not in VALIDATORS:
        told = f"its version is {version!r}, not one of {', '.join(VALIDATORS)}" if version else "it lacks `openapi`"
        _refuse(told, source)
    schema = json.loads((SCHEMAS / f"{version}.json").read_text(encoding="utf-8"))
    if not jsonschema_rs.validator_for(schema).is_valid(document):
        _refuse(_what_is_wrong(document, VALIDATORS[version](schema)), source)
    return document


def _what_is_wrong(document: Any, validator: Any) -> str:
    """Return the place and the words of the worst fault; who finds words for it takes a hundred times longer."""
    wrong = best_match(validator.iter_errors(document))
    if wrong is None:
        return "it does not have the published form"
    message = wrong.message if len(wrong.message) <= LONGEST else f"{wrong.message[:LONGEST]}..."
    return f"{pointer(wrong.absolute_path)}: {message}"


def version_of(document: Mapping[str, Any]) -> str:
    """Return which version of OpenAPI a document is written in: `3.1`, or nothing."""
    return ".".join(str(document.get("openapi", document.get("swagger", ""))).split(".")[:2])


def _refuse(why: str, source: str) -> NoReturn:
    raise UsageError(
        f"this is no valid OpenAPI document: {why}", slug="contract-not-openapi", where=source, remedy=REMEDY
    )
