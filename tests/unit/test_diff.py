"""What changed between two documents: a table of changes, and what must hold of each."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from changes import COMPONENTS, DOCUMENTS, SCHEMAS, Schema, SchemaChange, body, whole
from documents import OK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation.jsonschema.builder import build

from seatrial.openapi import fetch_document
from seatrial.openapi.diff import KINDS, Change, Level, diff

ROOT = Path(__file__).parents[2]
ORDER = [Level.SAFE, Level.RISKY, Level.BREAKING]
FORMATS: dict[str, st.SearchStrategy[Any]] = {"uuid": st.uuids().map(str)}
BY_STANCE = {"property-added"}
STANCE = {"request-property-added", "response-property-added"}
"""Safe because of how people read and write messages, not because all that was valid stays so."""

WIDER = [
    pytest.param(case, id=name)
    for name, case in SCHEMAS.items()
    if case.request in {"safe", "none"} and not BY_STANCE & set(case.kinds)
]
NARROWER = [
    pytest.param(case, id=name)
    for name, case in SCHEMAS.items()
    if case.response in {"safe", "none"} and not BY_STANCE & set(case.kinds)
]


def requested(schema: Schema) -> dict[str, Any]:
    """Return a document in which a schema is that of a body."""
    return whole({"/a": {"post": {**body(schema, required=True), "responses": {"200": OK}}}})


def answered(schema: Schema) -> dict[str, Any]:
    """Return a document in which a schema is that of an answer."""
    content = {"application/json": {"schema": schema}}
    return whole({"/a": {"post": {"responses": {"200": {**OK, "content": content}}}}})


def worst(changes: list[Change]) -> str:
    """Return the worst level, or none."""
    levels = [change.level() for change in changes]
    return max(levels, key=ORDER.index) if levels else "none"


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in SCHEMAS.items()])
@pytest.mark.parametrize("side", ["request", "response"])
def test_schema(case: SchemaChange, side: str) -> None:
    """A change of a schema has its kinds, and its level on each side."""
    make = requested if side == "request" else answered
    found = diff(make(case.old), make(case.new))
    kinds = sorted(change.kind.replace("closed-property", "property") for change in found)
    assert kinds == sorted(f"{side}-{kind}" for kind in case.kinds)
    assert worst(found) == getattr(case, side)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document(name: str) -> None:
    """A change of what is around schemas has its kinds, each with its level."""
    case = DOCUMENTS[name]
    found = diff(case.old, case.new)
    assert sorted((change.level(), change.kind) for change in found) == sorted(case.wanted)


def test_enough_is_documented() -> None:
    """The table has at least 60 changes, and each kind that has a name of its own but rare ones of callbacks."""
    changes = [case for case in SCHEMAS.values() if case.kinds]
    assert len(changes) + sum(bool(case.wanted) for case in DOCUMENTS.values()) >= 60
    shown = {f"{side}-{kind}" for case in changes for kind in case.kinds for side in ("request", "response")}
    shown |= {kind for case in DOCUMENTS.values() for _, kind in case.wanted}
    assert {kind for kind in KINDS if not kind.endswith(("-narrowed", "-widened", "-changed", "-unclear"))} - shown == {
        "request-closed-property-added",  # they are "property-added" in the table
        "response-closed-property-added",
    }


def complete(schema: Schema) -> Any:
    """Return a schema together with what it may refer to."""
    if isinstance(schema, bool):
        return schema
    return {**schema, "components": {"schemas": COMPONENTS}}


def samples(schema: Schema) -> st.SearchStrategy[Any]:
    """Return values that a schema admits, as the fuzzer makes them."""
    return build(complete(schema), draft=jsonschema_rs.Draft202012, formats=FORMATS)


@pytest.mark.parametrize("case", WIDER)
def test_what_was_valid_stays_valid(case: SchemaChange) -> None:
    """A change that is safe in requests refuses nothing that the old schema admits."""
    assert rejected(case.old, case.new) is None


@pytest.mark.parametrize("case", NARROWER)
def test_what_may_come_was_valid(case: SchemaChange) -> None:
    """A change that is safe in answers admits nothing that the old schema refuses."""
    if case.new is not False:
        assert rejected(case.new, case.old) is None


def rejected(some: Schema, others: Schema) -> Any:
    """Return something that one schema admits and the other does not, if 100 samples have it."""
    validator = jsonschema_rs.validator_for(complete(others), validate_formats=True)
    found: list[Any] = []

    @settings(max_examples=100, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(samples(some))
    def look(value: Any) -> None:
        if not validator.is_valid(value):
            found.append(value)

    look()
    return found[0] if found else None


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in SCHEMAS.items()])
def test_sides_are_each_others_mirror(case: SchemaChange) -> None:
    """What a change does to requests, its undoing does to answers; but for the stated exceptions."""
    if not BY_STANCE & set(case.kinds):
        assert worst(diff(requested(case.old), requested(case.new))) == worst(
            diff(answered(case.new), answered(case.old))
        )


def listed(values: list[str]) -> dict[str, Any]:
    """Return an enumeration."""
    return {"enum": values}


SCALARS = st.one_of(
    st.builds(
        lambda low, more, values: {"type": "string", "minLength": low, "maxLength": low + more, **values},
        st.integers(0, 2),
        st.integers(0, 2),
        st.one_of(st.just({}), st.lists(st.sampled_from(["", "a", "bb"]), min_size=1, unique=True).map(listed)),
    ),
    st.builds(
        lambda kind, low, more: {"type": kind, "minimum": low, "maximum": low + more},
        st.sampled_from(["integer", "number"]),
        st.integers(-1, 1),
        st.integers(0, 2),
    ),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"$ref": "#/components/schemas/Name"}]),
)


def holding(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Return schemas that are made of others."""
    some = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        st.builds(
            lambda properties, required, closed: {
                "type": "object",
                "properties": properties,
                "required": sorted(set(required) & set(properties)),
                "additionalProperties": not closed,
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
            st.lists(st.sampled_from("abc"), max_size=2),
            st.booleans(),
        ),
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 2)),
        st.builds(lambda schemas: {"anyOf": schemas}, some),
        st.builds(lambda schemas: {"allOf": schemas}, some),
    )


RANDOM: st.SearchStrategy[Schema] = st.recursive(SCALARS, holding, max_leaves=4)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 4), st.sampled_from([0.5, 1.5, "", "a", "bb", "ccc", "dddd"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(RANDOM)
def test_nothing_differs_from_itself(schema: Schema) -> None:
    """A document has no change against itself, however the keys of its objects are ordered."""
    again = json.loads(json.dumps(schema, sort_keys=True))
    assert diff(requested(schema), requested(again)) == []
    assert diff(answered(schema), answered(again)) == []


PAIRS: st.SearchStrategy[tuple[Schema, Schema]] = st.one_of(
    st.tuples(RANDOM, RANDOM),
    st.tuples(RANDOM, RANDOM).map(lambda pair: (pair[0], {"anyOf": [*pair]})),
    st.tuples(RANDOM, RANDOM).map(lambda pair: ({"allOf": [*pair]}, pair[0])),
    st.tuples(RANDOM, RANDOM, RANDOM).map(lambda three: ({"anyOf": [*three[:2]]}, {"anyOf": [*three[1:]]})),
)
"""Any two schemas, and such as have something to do with each other."""


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(PAIRS, st.lists(VALUES, max_size=20))
def test_safe_means_valid(pair: tuple[Schema, Schema], values: list[Any]) -> None:
    """Of any two schemas: where nothing is narrowed, no value that was admitted is refused."""
    found = diff(*map(requested, pair))
    if all(change.level() is Level.SAFE for change in found) and not any(
        "-property-added" in change.kind for change in found
    ):
        before, after = (jsonschema_rs.validator_for(complete(schema)) for schema in pair)
        assert [value for value in values if before.is_valid(value) and not after.is_valid(value)] == []


def test_reference_stack_differs_not_from_itself_in_another_order() -> None:
    """Neither order, nor names of components, nor references count."""
    document = fetch_document(str(ROOT / "contracts" / "openapi.json"))
    text = json.dumps(document).replace("#/components/schemas/", "#/components/schemas/My")
    renamed = json.loads(text)
    renamed["components"]["schemas"] = {f"My{key}": part for key, part in renamed["components"]["schemas"].items()}
    assert diff(document, shuffled(renamed, random.Random(7))) == []  # noqa: S311 - any order will do


def shuffled(data: Any, order: random.Random) -> Any:
    """Return data whose objects have their keys in another order."""
    if isinstance(data, Mapping):
        keys = order.sample(sorted(data), len(data))
        return {key: shuffled(data[key], order) for key in keys}
    return [shuffled(part, order) for part in data] if isinstance(data, list) else data


OLDEST = {
    "post": {
        "parameters": [
            {"name": "q", "in": "query", "type": "array", "items": {"type": "string"}},
            {"name": "b", "in": "body", "required": True, "schema": {"type": "object"}},
        ],
        "responses": {"200": {**OK, "schema": {"type": "string", "x-nullable": True}}},
    }
}


def modern(version: str, null: dict[str, Any]) -> dict[str, Any]:
    """Return what the document of 2.0 says in a later version."""
    listed = {"name": "q", "in": "query", "explode": False, "schema": {"type": "array", "items": {"type": "string"}}}
    answer = {**OK, "content": {"application/json": {"schema": null}}}
    operation = {"parameters": [listed], **body({"type": "object"}, required=True), "responses": {"200": answer}}
    return whole({"/a": {"post": operation}}, version)


def test_versions_say_the_same() -> None:
    """A document that goes over to another version of OpenAPI is the same for those who call."""
    first = whole({"/a": OLDEST}, "2.0", consumes=["application/json"], produces=["application/json"])
    second = modern("3.0.3", {"type": "string", "nullable": True})
    third = modern("3.1.0", {"type": ["string", "null"]})
    assert [change.kind for pair in ((first, second), (second, third), (first, third)) for change in diff(*pair)] == []


@pytest.mark.parametrize("size", [2, 300])
def test_a_change_is_found_however_deep(size: int) -> None:
    """Schemas that refer to one another in a ring: what changed in one concerns each operation, and is one change."""
    old, new = ring(size, {}), ring(size, {"last": {"type": "string"}})
    assert diff(old, old) == []
    found = diff(old, new)
    assert {change.kind for change in found} == {"request-property-added"}
    assert {change.new for change in found} == {("components", "schemas", "S1", "properties", "last")}
    assert {change.operation for change in found} == {f"POST /{number}" for number in range(size)}


def ring(size: int, more: dict[str, Any]) -> dict[str, Any]:
    """Return a document in which each operation takes a schema that refers to the next; one of them has more."""
    schemas = {
        f"S{number}": {
            "type": "object",
            "properties": {
                "next": {"$ref": f"#/components/schemas/S{(number + 1) % size}"},
                **(more if number == 1 else {}),
            },
        }
        for number in range(size)
    }
    paths = {
        f"/{number}": {"post": {**body({"$ref": f"#/components/schemas/S{number}"}), "responses": {"200": OK}}}
        for number in range(size)
    }
    return {**whole(paths), "components": {"schemas": schemas}}


def test_true_is_not_one() -> None:
    """What Python takes for equal is not so in JSON."""
    assert [change.kind for change in diff(requested({"const": True}), requested({"const": 1}))] == [
        "request-type-changed"
    ]


FORM: dict[str, Any] = {
    "consumes": ["multipart/form-data"],
    "parameters": [
        {"name": "file", "in": "formData", "type": "file", "required": True},
        {"name": "note", "in": "formData", "type": "string", "maxLength": 9},
        {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
    ],
    "responses": {"200": {**OK, "headers": {"X-Left": {"type": "integer"}}}},
}


def test_forms_of_the_oldest_version_are_bodies() -> None:
    """A form in Swagger 2.0 is what a body of its fields is in OpenAPI 3, and its fields change as properties do."""
    old = whole({"/a": {"post": FORM}}, "2.0")
    file, note = {"type": "string", "format": "binary"}, {"type": "string", "maxLength": 9}
    fields = {"type": "object", "properties": {"file": file, "note": note}, "required": ["file"]}
    listed = {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
    answer = {**OK, "headers": {"X-Left": {"schema": {"type": "integer"}}}}
    operation = {"parameters": [listed], "responses": {"200": answer}}
    new = whole({"/a": {"post": {**operation, **body(fields, required=True, media="multipart/form-data")}}}, "3.0.3")
    assert diff(old, new) == []
    shorter = json.loads(json.dumps(old).replace('"maxLength": 9', '"maxLength": 8'))
    assert [(change.kind, change.place) for change in diff(old, shorter)] == [("request-length-narrowed", "body/note")]
    spaced = json.loads(json.dumps(old).replace("multi", "ssv"))
    assert "request-serialisation-changed" in {change.kind for change in diff(old, spaced)}


def test_circles_of_members_end() -> None:
    """Schemas whose members refer to one another, and to schemas that are made of both, are compared to their end."""
    names = ("A", "B", "C")

    def circle(least: int) -> dict[str, Any]:
        schemas = {
            name: {
                "allOf": [
                    {"type": "object", "properties": {"n": {"$ref": f"#/components/schemas/{other}"}}}
                    for other in names
                ],
                "properties": {name: {"type": "string", "minLength": least}},
            }
            for name in names
        }
        operation = {**body({"$ref": "#/components/schemas/A"}), "responses": {"200": OK}}
        return {**whole({"/a": {"post": operation}}), "components": {"schemas": schemas}}

    assert diff(circle(1), circle(1)) == []
    found = diff(circle(1), circle(2))
    assert {change.kind for change in found} == {"request-length-narrowed"}
    assert {change.place.rpartition("/")[2] for change in found} == {"A", "B", "C"}


def test_a_schema_of_itself_alone_admits_nothing_new() -> None:
    """A schema that is but a member of itself ends the comparison, whatever it means."""
    odd = {"allOf": [{"$ref": "#/components/schemas/Odd"}], "readOnly": False}
    documents = []
    for most in (1, 2):
        found = requested(
            {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/Odd"}, "b": {"maxLength": most}}}
        )
        documents.append({**found, "components": {"schemas": {"Odd": {**odd, "maxLength": most}}}})
    assert {change.kind for change in diff(*documents)} == {"request-length-widened"}
