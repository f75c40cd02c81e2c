"""Changes of documents, and what each does to those who keep to the old one: on either side where that differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from documents import OK, document

Schema = Mapping[str, Any] | bool

OBJECT: Mapping[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
CLOSED = {**OBJECT, "additionalProperties": False}
CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["kind"]}
DOG = {"type": "object", "properties": {"kind": {"const": "dog"}, "tricks": {"type": "integer"}}, "required": ["kind"]}
BIRD = {"type": "object", "properties": {"kind": {"const": "bird"}, "wings": {"type": "integer"}}, "required": ["kind"]}
CATS = {"$ref": "#/components/schemas/Cat"}
DOGS = {"$ref": "#/components/schemas/Dog"}
BIRDS = {"$ref": "#/components/schemas/Bird"}
TREE = {"$ref": "#/components/schemas/Tree"}
COMPONENTS: dict[str, dict[str, Any]] = {
    "Cat": CAT,
    "Dog": DOG,
    "Bird": BIRD,
    "Name": {"type": "string", "minLength": 1},
    "Other": {"type": "string", "minLength": 1},
    "Tree": {"type": "object", "properties": {"kids": {"type": "array", "items": TREE}, "size": {"type": "integer"}}},
}
NAMES = {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}
TOLD = {"propertyName": "kind", "mapping": NAMES}
KITTEN = {"propertyName": "kind", "mapping": {**NAMES, "kitten": "#/components/schemas/Cat"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaChange:
    """A change of a schema: its kinds without their side, and how bad it is in a request and in a response."""

    old: Schema
    new: Schema
    kinds: tuple[str, ...] = ()
    request: str = "none"
    response: str = "none"


def narrowed(old: Schema, new: Schema, *kinds: str) -> SchemaChange:
    """Return a change by which less is admitted."""
    return SchemaChange(old=old, new=new, kinds=kinds, request="breaking", response="safe")


def widened(old: Schema, new: Schema, *kinds: str) -> SchemaChange:
    """Return a change by which more is admitted."""
    return SchemaChange(old=old, new=new, kinds=kinds, request="safe", response="breaking")


def changed(old: Schema, new: Schema, *kinds: str) -> SchemaChange:
    """Return a change by which other things are admitted."""
    return SchemaChange(old=old, new=new, kinds=kinds, request="breaking", response="breaking")


def unclear(old: Schema, new: Schema, *kinds: str) -> SchemaChange:
    """Return a change of which nobody can say what it does."""
    return SchemaChange(old=old, new=new, kinds=kinds, request="risky", response="risky")


def same(old: Schema, new: Schema) -> SchemaChange:
    """Return two ways to write the same."""
    return SchemaChange(old=old, new=new)


def string(**more: Any) -> dict[str, Any]:
    """Return a schema of texts."""
    return {"type": "string", **more}


def integer(**more: Any) -> dict[str, Any]:
    """Return a schema of whole numbers."""
    return {"type": "integer", **more}


def array(items: Schema = True, **more: Any) -> dict[str, Any]:
    """Return a schema of lists."""
    return {"type": "array", "items": items, **more}


def having(*required: str, **properties: Schema) -> dict[str, Any]:
    """Return a schema of objects."""
    found = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


SCHEMAS: dict[str, SchemaChange] = {
    # types
    "another type": changed(string(), integer(), "type-changed"),
    "a type beside": widened(string(), {"type": ["string", "integer"]}, "type-widened"),
    "a type gone": narrowed({"type": ["string", "integer"]}, string(), "type-narrowed"),
    "integers become numbers": widened(integer(), {"type": "number"}, "type-widened"),
    "numbers become integers": narrowed({"type": "number"}, integer(), "type-narrowed"),
    "numbers become integers within bounds": narrowed(
        {"type": "number", "minimum": 1}, integer(minimum=1), "type-narrowed"
    ),
    "null too": widened(string(), {"type": ["string", "null"]}, "type-widened"),
    "null no more": narrowed({"type": ["string", "null"]}, string(), "type-narrowed"),
    "a type at all": narrowed({}, string(), "type-narrowed"),
    "no type any more": widened(string(), {}, "type-widened"),
    "nothing at all": narrowed(string(), False, "type-narrowed"),
    "a bound of a type that went": narrowed({"type": ["string", "integer"], "minimum": 3}, string(), "type-narrowed"),
    # values
    "a value more": widened(string(enum=["a"]), string(enum=["a", "b"]), "enum-widened"),
    "a value less": narrowed(string(enum=["a", "b"]), string(enum=["a"]), "enum-narrowed"),
    "other values": changed(string(enum=["a"]), string(enum=["b"]), "enum-changed"),
    "values are listed": narrowed(string(), string(enum=["a"]), "enum-narrowed"),
    "values are listed no more": widened(string(enum=["a"]), string(), "enum-widened"),
    "another constant": changed({"const": "a"}, {"const": "b"}, "enum-changed"),
    "a list of values becomes a bound that they keep": widened(
        integer(enum=[1, 2]), integer(minimum=1), "enum-widened"
    ),
    "a list of values becomes a bound that one breaks": changed(
        integer(enum=[0, 2]), integer(minimum=1), "enum-widened", "minimum-narrowed"
    ),
    "an order of values": same(string(enum=["a", "b"]), string(enum=["b", "a"])),
    # bounds
    "a higher minimum": narrowed(integer(minimum=1), integer(minimum=2), "minimum-narrowed"),
    "a lower minimum": widened(integer(minimum=2), integer(minimum=1), "minimum-widened"),
    "a minimum at all": narrowed(integer(), integer(minimum=0), "minimum-narrowed"),
    "no minimum any more": widened(integer(minimum=0), integer(), "minimum-widened"),
    "a higher maximum": widened(integer(maximum=1), integer(maximum=2), "maximum-widened"),
    "a lower maximum": narrowed(integer(maximum=2), integer(maximum=1), "maximum-narrowed"),
    "a minimum that is excluded": narrowed(
        {"type": "number", "minimum": 1}, {"type": "number", "exclusiveMinimum": 1}, "minimum-narrowed"
    ),
    "a maximum that is included": widened(
        {"type": "number", "exclusiveMaximum": 1}, {"type": "number", "maximum": 1}, "maximum-widened"
    ),
    "a bound moves both ways": changed(
        integer(minimum=1, maximum=5), integer(minimum=2, maximum=6), "minimum-narrowed", "maximum-widened"
    ),
    "multiples of less": widened(integer(multipleOf=4), integer(multipleOf=2), "multiple-widened"),
    "multiples of more": narrowed(integer(multipleOf=2), integer(multipleOf=4), "multiple-narrowed"),
    "multiples of something else": changed(integer(multipleOf=2), integer(multipleOf=3), "multiple-changed"),
    "a shorter text": narrowed(string(maxLength=9), string(maxLength=8), "length-narrowed"),
    "a longer text": widened(string(maxLength=8), string(maxLength=9), "length-widened"),
    "a text that is not empty": narrowed(string(), string(minLength=1), "length-narrowed"),
    "fewer items": narrowed(array(maxItems=3), array(maxItems=2), "items-count-narrowed"),
    "an empty list": widened(array(minItems=1), array(), "items-count-widened"),
    "fewer properties": narrowed(OBJECT, {**OBJECT, "maxProperties": 1}, "properties-count-narrowed"),
    "items that differ": narrowed(array(), array(uniqueItems=True), "unique-narrowed"),
    "items that repeat": widened(array(uniqueItems=True), array(uniqueItems=False), "unique-widened"),
    # form
    "a pattern at all": narrowed(string(), string(pattern="^a"), "pattern-narrowed"),
    "no pattern any more": widened(string(pattern="^a"), string(), "pattern-widened"),
    "another pattern": unclear(string(pattern="^a"), string(pattern="^[ab]"), "pattern-unclear"),
    "a pattern that admits all": widened(string(pattern="^a"), string(pattern=".*"), "pattern-widened"),
    "a format at all": narrowed(string(), string(format="uuid"), "format-narrowed"),
    "no format any more": widened(string(format="uuid"), string(), "format-widened"),
    "another format": changed(string(format="date"), string(format="date-time"), "format-changed"),
    "larger numbers": widened(integer(format="int32"), integer(format="int64"), "format-widened"),
    "smaller numbers": narrowed(integer(format="int64"), integer(format="int32"), "format-narrowed"),
    "a format of one's own": unclear(string(format="ship"), string(format="boat"), "format-unclear"),
    # objects
    "an optional property more": SchemaChange(
        old=OBJECT,
        new=having(**OBJECT["properties"], c=string()),
        kinds=("property-added",),
        request="safe",
        response="safe",
    ),
    "an optional property more where there was none else": widened(
        CLOSED, {**CLOSED, "properties": {**OBJECT["properties"], "c": string()}}, "property-added"
    ),
    "a property becomes required": narrowed(OBJECT, {**OBJECT, "required": ["a"]}, "property-required"),
    "a property becomes required though it has a default": narrowed(
        having(a=string(default="x")), having("a", a=string(default="x")), "property-required"
    ),
    "a property becomes optional": widened({**OBJECT, "required": ["a"]}, OBJECT, "property-optional"),
    "a property within a property": narrowed(
        having(a=OBJECT), having(a={**OBJECT, "required": ["a"]}), "property-required"
    ),
    "a property's type": changed(having(a=string()), having(a=integer()), "type-changed"),
    "nothing else may be there": narrowed(OBJECT, CLOSED, "additional-narrowed"),
    "anything else may be there": widened(CLOSED, OBJECT, "additional-widened"),
    "nothing else may be there than what members say": narrowed(
        {"allOf": [CATS, OBJECT]}, {"allOf": [CATS, OBJECT], "unevaluatedProperties": False}, "additional-narrowed"
    ),
    "a property more where there was none else than what members say": widened(
        {"allOf": [CATS, having(a=string())], "unevaluatedProperties": False},
        {"allOf": [CATS, having(a=string(), c=string())], "unevaluatedProperties": False},
        "property-added",
    ),
    "what else may be there": changed(
        {"type": "object", "additionalProperties": string()},
        {"type": "object", "additionalProperties": integer()},
        "type-changed",
    ),
    "an item's type": changed(array(string()), array(integer()), "type-changed"),
    "an item may be null": widened(array(string()), array({"type": ["string", "null"]}), "type-widened"),
    "an item's property": narrowed(array(OBJECT), array({**OBJECT, "required": ["b"]}), "property-required"),
    # alternatives
    "an alternative more": widened({"oneOf": [CATS, DOGS]}, {"oneOf": [CATS, DOGS, BIRDS]}, "alternatives-widened"),
    "an alternative less": narrowed({"oneOf": [CATS, DOGS]}, {"oneOf": [DOGS]}, "alternatives-narrowed"),
    "another alternative": changed(
        {"anyOf": [CATS, DOGS]}, {"anyOf": [CATS, BIRDS]}, "alternatives-narrowed", "alternatives-widened"
    ),
    "an alternative of another type": widened(string(), {"anyOf": [string(), integer()]}, "type-widened"),
    "an alternative without a name, told by its tag": narrowed(
        {"oneOf": [CAT, DOG]}, {"oneOf": [{**DOG, "required": ["kind", "tricks"]}, CAT]}, "property-required"
    ),
    "an order of alternatives": same({"oneOf": [CATS, DOGS]}, {"oneOf": [DOGS, CATS]}),
    "a member more": narrowed({"allOf": [CATS]}, {"allOf": [CATS, {"required": ["lives"]}]}, "property-required"),
    "a member less": widened({"allOf": [CATS, {"required": ["lives"]}]}, CATS, "property-optional"),
    "a discriminator by another name": changed(
        {"oneOf": [CATS, DOGS], "discriminator": TOLD},
        {"oneOf": [CATS, DOGS], "discriminator": {**TOLD, "propertyName": "sort"}},
        "discriminator-changed",
    ),
    "a discriminator's value more": widened(
        {"oneOf": [CATS, DOGS], "discriminator": TOLD},
        {"oneOf": [CATS, DOGS], "discriminator": KITTEN},
        "discriminator-widened",
    ),
    "a discriminator at all": unclear(
        {"oneOf": [CATS, DOGS]}, {"oneOf": [CATS, DOGS], "discriminator": TOLD}, "discriminator-unclear"
    ),
    # conditions that are not taken apart
    "what must not be": narrowed(string(), string(**{"not": {"const": "a"}}), "condition-narrowed"),
    "what may be again": widened(string(**{"not": {"const": "a"}}), string(), "condition-widened"),
    "something else must not be": unclear(
        string(**{"not": {"const": "a"}}), string(**{"not": {"const": "b"}}), "condition-unclear"
    ),
    "names by pattern": narrowed(OBJECT, {**OBJECT, "patternProperties": {"^x": string()}}, "condition-narrowed"),
    "if and then": unclear(
        {**OBJECT, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
        {**OBJECT, "if": {"required": ["a"]}, "then": {"required": ["c"]}},
        "condition-unclear",
    ),
    # recursion
    "in a schema that holds itself": narrowed(
        array(TREE), array({**COMPONENTS["Tree"], "required": ["size"]}), "property-required"
    ),
    # the same, written otherwise
    "a reference instead of what it leads to": same(COMPONENTS["Name"], {"$ref": "#/components/schemas/Name"}),
    "a reference to what is the same": same(
        {"$ref": "#/components/schemas/Name"}, {"$ref": "#/components/schemas/Other"}
    ),
    "a constant as a list of one": same({"const": "a"}, {"enum": ["a"]}),
    "null as an alternative": same({"type": ["string", "null"]}, {"anyOf": [string(), {"type": "null"}]}),
    "null beside a reference": same(
        {"type": ["string", "null"], "minLength": 1},
        {"oneOf": [{"$ref": "#/components/schemas/Name"}, {"type": "null"}]},
    ),
    "null beside what a schema is made of, as in 3.0": same(
        {"allOf": [CATS], "nullable": True}, {"anyOf": [CATS, {"type": "null"}]}
    ),
    "null among values": same(
        {"type": "string", "nullable": True, "enum": ["a", None]}, {"anyOf": [{"const": "a"}, {"type": "null"}]}
    ),
    "both truth values": same({"type": "boolean"}, {"enum": [True, False]}),
    "an order of what is required": same(
        having("a", "b", a=string(), b=string()), having("b", "a", b=string(), a=string())
    ),
    "all of one": same(CATS, {"allOf": [CATS]}),
    "additional properties, in words": same(OBJECT, {**OBJECT, "additionalProperties": True}),
    "whole numbers above 0": same(integer(exclusiveMinimum=0), integer(minimum=1)),
    "a length of at least nothing": same(string(), string(minLength=0)),
    "numbers as floats": same(integer(minimum=1), integer(minimum=1.0)),
    "alternatives that are nothing but values": same(
        string(enum=["a", "b"]), {"anyOf": [{"const": "a"}, string(enum=["b"])]}
    ),
}


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A change of an operation, or of more: its kinds with their levels."""

    old: dict[str, Any]
    new: dict[str, Any]
    wanted: tuple[tuple[str, str], ...]


def of(old: dict[str, Any], new: dict[str, Any], *wanted: str) -> DocumentChange:
    """Return a change of what stands at GET /a; `wanted` are its kinds, each behind its level."""
    return between({"/a": {"get": _full(old)}}, {"/a": {"get": _full(new)}}, *wanted)


def between(old: dict[str, Any], new: dict[str, Any], *wanted: str) -> DocumentChange:
    """Return a change of paths."""
    return DocumentChange(whole(old), whole(new), tuple((level, kind) for level, _, kind in map(_split, wanted)))


def whole(paths: dict[str, Any], version: str = "3.1.0", **more: Any) -> dict[str, Any]:
    """Return a document with these paths, and with schemas to refer to."""
    schemes = {
        "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "Login": {"type": "http", "scheme": "bearer"},
        "Token": {"type": "http", "scheme": "Bearer", "description": "the same under another name"},
        "Scoped": {"type": "oauth2", "flows": {}},
    }
    components = {"schemas": COMPONENTS, "securitySchemes": schemes}
    return document(paths, version, **({"components": components} if version != "2.0" else {}), **more)


def _split(text: str) -> tuple[str, str, str]:
    return text.partition(" ")


def _full(operation: dict[str, Any]) -> dict[str, Any]:
    return {"responses": {"200": OK}, **operation}


def query(name: str = "q", *, required: bool = False, **more: Any) -> dict[str, Any]:
    """Return a parameter."""
    return {"name": name, "in": "query", "schema": string(), **({"required": True} if required else {}), **more}


def taking(*parameters: dict[str, Any]) -> dict[str, Any]:
    """Return an operation with parameters."""
    return {"parameters": list(parameters)}


def body(schema: Schema = True, *, required: bool = False, media: str = "application/json") -> dict[str, Any]:
    """Return an operation with a body."""
    found = {"content": {media: {"schema": schema}}}
    return {"requestBody": {**found, "required": True} if required else found}


def answering(*statuses: str, **more: Any) -> dict[str, Any]:
    """Return an operation with answers that are all alike."""
    return {"responses": {status: {**OK, **more} for status in statuses}}


def media(*names: str) -> dict[str, Any]:
    """Return the content of a message."""
    return {name: {"schema": string()} for name in names}


def secured(*requirements: dict[str, list[str]]) -> dict[str, Any]:
    """Return an operation with requirements."""
    return {"security": list(requirements)}


def headed(*, required: bool = False, **schema: Any) -> dict[str, Any]:
    """Return an operation whose answer has a header."""
    return answering("200", headers={"X-Left": {"required": required, "schema": schema or string()}})


GET = {"get": {"responses": {"200": OK}}}
SHY = {"get": {"responses": {"200": OK}, "deprecated": True}}
ITEM = {"name": "id", "in": "path", "required": True, "schema": string()}
LINK = {"links": {"next": {"operationId": "b"}}}

DOCUMENTS: dict[str, DocumentChange] = {
    # operations
    "an operation more": between({"/a": GET}, {"/a": GET, "/b": GET}, "safe operation-added"),
    "an operation less": between({"/a": GET, "/b": GET}, {"/a": GET}, "breaking operation-removed"),
    "an operation less, as announced": between(
        {"/a": GET, "/b": SHY}, {"/a": GET}, "risky deprecated-operation-removed"
    ),
    "a method less": between({"/a": {**GET, "put": GET["get"]}}, {"/a": GET}, "breaking operation-removed"),
    "an operation is announced to go": between({"/a": GET}, {"/a": SHY}, "safe operation-deprecated"),
    "a path parameter by another name": between(
        {"/a/{id}": {"parameters": [ITEM], **GET}}, {"/a/{key}": {"parameters": [{**ITEM, "name": "key"}], **GET}}
    ),
    "a path parameter of another type": between(
        {"/a/{id}": {"parameters": [ITEM], **GET}},
        {"/a/{key}": {"parameters": [{**ITEM, "name": "key", "schema": integer()}], **GET}},
        "breaking request-type-changed",
    ),
    "an operation by another id": of({"operationId": "a"}, {"operationId": "b"}, "safe documentation-changed"),
    "other words": of({"summary": "a"}, {"summary": "b"}, "safe documentation-changed"),
    # parameters
    "an optional parameter more": of({}, taking(query()), "safe request-parameter-added"),
    "a required parameter more": of({}, taking(query(required=True)), "breaking request-required-parameter-added"),
    "a parameter less": of(taking(query()), {}, "risky request-parameter-removed"),
    "a parameter becomes required": of(
        taking(query()), taking(query(required=True)), "breaking request-parameter-required"
    ),
    "a parameter becomes optional": of(
        taking(query(required=True)), taking(query()), "safe request-parameter-optional"
    ),
    "a parameter goes elsewhere": of(
        taking(query()),
        taking({**query(), "in": "cookie"}),
        "risky request-parameter-removed",
        "safe request-parameter-added",
    ),
    "a parameter's schema": of(
        taking(query()), taking(query(schema=string(maxLength=3))), "breaking request-length-narrowed"
    ),
    "a parameter's default": of(
        taking(query(schema=integer(default=10))),
        taking(query(schema=integer(default=20))),
        "risky request-default-changed",
    ),
    "a list is written otherwise": of(
        taking(query(schema=array(string()))),
        taking(query(schema=array(string()), explode=False)),
        "breaking request-serialisation-changed",
    ),
    "how a single value would be written as a list": of(taking(query()), taking(query(explode=False))),
    "a header in capitals": of(taking({**query("x-a"), "in": "header"}), taking({**query("X-A"), "in": "header"})),
    "a parameter of the path becomes one of the operation": between(
        {"/a": {"parameters": [query()], **GET}}, {"/a": {"get": {**GET["get"], **taking(query())}}}
    ),
    # bodies
    "an optional body more": of({}, body(), "safe request-body-added"),
    "a required body more": of({}, body(required=True), "breaking request-required-body-added"),
    "a body less": of(body(), {}, "breaking request-body-removed"),
    "a body becomes required": of(body(), body(required=True), "breaking request-body-required"),
    "a body becomes optional": of(body(required=True), body(), "safe request-body-optional"),
    "a media type more in requests": of(
        body(string()),
        {"requestBody": {"content": media("application/json", "text/csv")}},
        "safe request-media-type-added",
    ),
    "a media type less in requests": of(
        {"requestBody": {"content": media("application/json", "text/csv")}},
        {"requestBody": {"content": media("text/csv")}},
        "breaking request-media-type-removed",
    ),
    "a range of media types in requests": of(
        body(string()), body(string(), media="application/*"), "safe request-media-type-added"
    ),
    "a media type with its character set": of(body(), body(media="application/json; charset=utf-8")),
    "a property of a body, required": of(
        body(having()), body(having("a", a=string())), "breaking request-required-property-added"
    ),
    "a property of a body, gone": of(body(having(a=string())), body(having()), "risky request-property-removed"),
    "a property of a body, refused": of(
        body(CLOSED), body({**CLOSED, "properties": {"a": string()}}), "breaking request-closed-property-removed"
    ),
    "a property of a body that is only read": of(
        body(having(a=string())),
        body(having(a=string(readOnly=True))),
        "risky request-property-removed",
    ),
    "a required property of a body that is only read": of(body(having()), body(having("a", a=string(readOnly=True)))),
    # answers
    "a success more": of({}, answering("200", "202"), "risky response-success-added"),
    "a success less": of(answering("200", "202"), {}, "breaking response-success-removed"),
    "an error more": of({}, answering("200", "409"), "safe response-error-added"),
    "an error less": of(answering("200", "409"), {}, "safe response-error-removed"),
    "a success that its class stands for": of(answering("200"), answering("2XX"), "risky response-success-added"),
    "an error that the default stands for": of(
        answering("200", "404"), answering("200", "default"), "safe response-error-added"
    ),
    "a default": of({}, answering("200", "default"), "safe response-error-added"),
    "a body of an answer": of({}, answering("200", content=media("text/plain")), "safe response-body-added"),
    "no body of an answer": of(answering("200", content=media("text/plain")), {}, "breaking response-body-removed"),
    "a media type more in answers": of(
        answering("200", content=media("application/json")),
        answering("200", content=media("application/json", "text/csv")),
        "safe response-media-type-added",
    ),
    "a media type less in answers": of(
        answering("200", content=media("application/json", "text/csv")),
        answering("200", content=media("application/json")),
        "breaking response-media-type-removed",
    ),
    "a required property of an answer, gone": of(
        answering("200", content={"application/json": {"schema": having("a", a=string())}}),
        answering("200", content={"application/json": {"schema": having()}}),
        "breaking response-property-removed",
    ),
    "an optional property of an answer, gone": of(
        answering("200", content={"application/json": {"schema": having(a=string())}}),
        answering("200", content={"application/json": {"schema": having()}}),
        "risky response-optional-property-removed",
    ),
    "a required property of an answer more": of(
        answering("200", content={"application/json": {"schema": having()}}),
        answering("200", content={"application/json": {"schema": having("a", a=string())}}),
        "safe response-property-added",
    ),
    "a property of an answer that is only written": of(
        answering("200", content={"application/json": {"schema": having()}}),
        answering("200", content={"application/json": {"schema": having("a", a=string(writeOnly=True))}}),
    ),
    "a default in an answer": of(
        answering("200", content={"application/json": {"schema": string(default="a")}}),
        answering("200", content={"application/json": {"schema": string(default="b")}}),
    ),
    "a header more": of({}, headed(required=True), "safe response-header-added"),
    "a header less": of(headed(required=True), {}, "breaking response-header-removed"),
    "an optional header less": of(headed(), {}, "risky response-optional-header-removed"),
    "a header becomes optional": of(headed(required=True), headed(), "breaking response-header-optional"),
    "a header becomes required": of(headed(), headed(required=True), "safe response-header-required"),
    "a header's schema": of(headed(), headed(type="integer"), "breaking response-type-changed"),
    "a link more": of({}, answering("200", **LINK), "safe link-added"),
    "a link less": of(answering("200", **LINK), {}, "risky link-removed"),
    # who may ask
    "credentials at all": of({}, secured({"Login": []}), "breaking security-narrowed"),
    "no credentials any more": of(secured({"Login": []}), {}, "safe security-widened"),
    "another way in": of(secured({"Login": []}), secured({"Login": []}, {"Key": []}), "safe security-widened"),
    "a way in less": of(secured({"Login": []}, {"Key": []}), secured({"Key": []}), "breaking security-narrowed"),
    "both at once": of(secured({"Login": []}), secured({"Login": [], "Key": []}), "breaking security-narrowed"),
    "a scope more": of(
        secured({"Scoped": ["read"]}), secured({"Scoped": ["read", "write"]}), "breaking security-narrowed"
    ),
    "a scope less": of(secured({"Scoped": ["read", "write"]}), secured({"Scoped": ["read"]}), "safe security-widened"),
    "the same scheme under another name": of(secured({"Login": []}), secured({"Token": []})),
    # what the service asks
    "a callback more": of({}, {"callbacks": {"done": {}}}, "safe callback-added"),
    "a callback less": of({"callbacks": {"done": {}}}, {}, "breaking callback-removed"),
    "a callback to another place": of(
        {"callbacks": {"done": {"{$request.body#/a}": GET}}},
        {"callbacks": {"done": {"{$request.body#/b}": GET}}},
        "risky callback-unclear",
    ),
}
