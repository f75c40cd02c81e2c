"""What the engine says of an answer, and what of it is nothing to the service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData

from seatrial.fuzz._amiss import is_file, out_of_form
from seatrial.fuzz._engine import _filter

QUOTED = '^"[0-9]+"$'


def operation(pattern: str = QUOTED) -> Any:
    """Return an operation that takes a header of a form."""
    header = {"name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": pattern}}
    found = {"put": {"parameters": [header], "responses": {"200": {"description": ""}}}}
    document = {"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {"/a": found}}
    return schemathesis.openapi.from_dict(document)["/a"]["PUT"]


@pytest.mark.parametrize(
    ("status", "value", "stays"),
    [
        (412, '"0"', False),
        (412, None, True),
        (429, '"0"', False),
        (400, '"0"', True),
        (400, "0", False),
    ],
)
def test_only_valid_input_is_refused(status: int, value: str | None, *, stays: bool) -> None:
    """412 is what a precondition is for (RFC 9110, 13.1.1), and what breaks its own pattern is not valid."""
    refused = RejectedPositiveData(operation="PUT /a", message="", status_code=status, allowed_statuses=[])
    case = operation().Case(headers={"If-Match": value} if value else {})
    response: Any = SimpleNamespace(status_code=status, request=SimpleNamespace())
    assert _filter({429}, {})(None, refused, case, response) is stays


@pytest.mark.parametrize(
    ("pattern", "value", "broken"),
    [(QUOTED, "0", True), (QUOTED, '"0"', False), (QUOTED, None, False), ("(?<a>", "0", False), ("^0", "00", False)],
)
def test_a_text_that_breaks_its_pattern_is_out_of_form(pattern: str, value: str | None, *, broken: bool) -> None:
    """Where the pattern is one of another dialect, nothing is said."""
    case = operation(pattern).Case(headers={"If-Match": value} if value else {})
    assert out_of_form(case) is broken


@pytest.mark.parametrize(("value", "broken"), [("a%40b", False), ("a%2Fb", True), ("ab", True)])
def test_a_text_in_a_path_is_judged_as_it_was_meant(value: str, *, broken: bool) -> None:
    """The engine keeps it as it stands in the URL, encoded."""
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z]+@[a-z]+$"}}
    found = {"get": {"parameters": [name], "responses": {"200": {"description": ""}}}}
    document = {"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": {"/a/{name}": found}}
    case = schemathesis.openapi.from_dict(document)["/a/{name}"]["GET"].Case(path_parameters={"name": value})
    assert out_of_form(case) is broken


@pytest.mark.parametrize(
    ("schema", "body", "file"),
    [
        ({"type": "string", "format": "binary"}, {"openapi": "3.0.0"}, True),
        ({"type": "string"}, {"a": 1}, False),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": 1}, False),
    ],
)
def test_a_file_is_no_text_that_is_none(schema: dict[str, Any], body: object, *, file: bool) -> None:
    """YAML that is served as a file is read as data by the engine, and is still a file."""
    (wrong,) = jsonschema_rs.validator_for(schema).iter_errors(body)
    assert is_file(JsonSchemaError(operation="GET /a", exc=wrong, root_schema=schema)) is file
