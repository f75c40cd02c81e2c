"""An operation as whoever calls it sees it, the same for each version of OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.openapi._operations import methods_of
from seatrial.openapi.diff._places import At, written

NOT_SCHEMA = {"name", "in", "required", "description", "collectionFormat", "allowEmptyValue", "example", "x-example"}
STYLES = {"query": ("form", True), "cookie": ("form", True), "path": ("simple", False), "header": ("simple", False)}
COLLECTIONS = {
    "csv": ("form", False),
    "multi": ("form", True),
    "ssv": ("spaceDelimited", False),
    "pipes": ("pipeDelimited", False),
}
COMPOSED = {"array", "object"}
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

Requirement = Mapping[str, frozenset[str]]
"""What a request has to carry: scopes by scheme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A parameter or header; `way` is how a value of several parts is written."""

    name: str
    place: str
    at: At
    schema: At
    required: bool = False
    way: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A body or an answer: schemas by media type, and headers by their names in lower case."""

    at: At
    required: bool = False
    media: Mapping[str, At] = field(default_factory=dict)
    encodings: str = ""
    headers: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An operation; `parameters` by place and name (in a path: by number)."""

    label: str
    at: At
    parameters: Mapping[tuple[str, str], Value]
    body: Message | None
    answers: Mapping[str, Message]
    security: tuple[Requirement, ...]


def views(document: Mapping[str, Any]) -> dict[str, View]:
    """Return every operation, by its method and a path in which parameters have no names."""
    found: dict[str, View] = {}
    for path, item in At(document, document, ()).get("paths", {}).items():
        if path.startswith("/"):
            whole = item.resolved()
            for method in methods_of(whole.value):
                found[operation_key(method, path)] = _view(whole, path, method)
    return found


def operation_key(method: str, path: str) -> str:
    """Return an operation's method and path, in which parameters have no names."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


def _view(item: At, path: str, method: str) -> View:
    key = method.lower() if method.lower() in item.value else method
    operation = item.get(key) if key in item.value else item.get("additionalOperations").get(key)
    given = [part.resolved() for owner in (item, operation) for _, part in owner.get("parameters", []).items()]
    ordered = re.findall(r"{([^}]*)}", path)
    return View(
        label=f"{method} {path}",
        at=operation,
        parameters={_key(value, ordered): value for part in given for value in _parameters(part)},
        body=_body(operation, given),
        answers={
            status if status == "default" else status.upper(): _answer(answer.resolved(), operation)
            for status, answer in operation.get("responses", {}).items()
            if not status.startswith("x-")
        },
        security=_security(operation),
    )


def _key(value: Value, ordered: list[str]) -> tuple[str, str]:
    if value.place == "path" and value.name in ordered:
        return "path", str(ordered.index(value.name))
    return value.place, value.name.lower() if value.place == "header" else value.name


def _parameters(at: At) -> Iterator[Value]:
    place = at.value.get("in")
    if place not in {"body", "formData"}:
        yield _value(at, at.value["name"], place)


def _value(at: At, name: str, place: str) -> Value:
    """Return a parameter or header."""
    found = at.value
    content = next((media for _, media in at.get("content", {}).items()), None)
    if content is not None:
        schema, way = content.get("schema", default=True), f"as {next(iter(found['content']))}"
    else:
        schema = at.get("schema") if "schema" in found else _inline(at)
        way = _way(found, place, schema)
    required = found.get("required") is True or place == "path"
    return Value(name=name, place=place, at=at, schema=schema, required=required, way=way)


def _inline(at: At) -> At:
    """Return the schema that a parameter of Swagger 2.0 is itself."""
    return At(at.document, {key: part for key, part in at.value.items() if key not in NOT_SCHEMA}, at.steps)


def _way(found: Mapping[str, Any], place: str, schema: At) -> str:
    schema = schema.resolved()
    named = schema.value.get("type") if isinstance(schema.value, dict) else None
    if not COMPOSED & {*([named] if isinstance(named, str) else named or ())}:
        return ""
    style, explode = STYLES.get(place, ("simple", False))
    if "schema" not in found:
        style, explode = COLLECTIONS.get(found.get("collectionFormat", "csv"), (style, explode))
        return f"{style if place == 'query' else STYLES.get(place, ('simple', False))[0]}, explode {explode}"
    named_style = found.get("style", style)
    return f"{named_style}, explode {found.get('explode', named_style == 'form')}"


def _body(operation: At, given: list[At]) -> Message | None:
    if "requestBody" in operation.value:
        found = operation.get("requestBody").resolved()
        return Message(
            at=found, required=found.value.get("required") is True, media=_media(found), encodings=_encodings(found)
        )
    for part in given:
        if part.value.get("in") == "body":
            media = {name: part.get("schema", default=True) for name in _named(operation, "consumes", JSON)}
            return Message(at=part, required=part.value.get("required") is True, media=media)
    fields = [part for part in given if part.value.get("in") == "formData"]
    return _form(operation, fields) if fields else None


def _form(operation: At, fields: list[At]) -> Message:
    """Return what the fields of a form in Swagger 2.0 make up."""
    required = [part.value["name"] for part in fields if part.value.get("required")]
    schema = {
        "type": "object",
        "properties": {part.value["name"]: _inline(part).value for part in fields},
        **({"required": required} if required else {}),
    }
    at = At(operation.document, schema, (*operation.steps, "parameters"))
    media = dict.fromkeys(_named(operation, "consumes", FORM), at)
    return Message(at=at, required=bool(required), media=media)


def _answer(at: At, operation: At) -> Message:
    media = _media(at)
    if "schema" in at.value:
        media = {name: at.get("schema") for name in _named(operation, "produces", JSON)}
    headers = {
        name.lower(): _value(part.resolved(), name, "header")
        for name, part in at.get("headers", {}).items()
        if name.lower() != "content-type"
    }
    return Message(at=at, media=media, headers=headers)


def _media(at: At) -> dict[str, At]:
    return {_essence(name): part.get("schema", default=True) for name, part in at.get("content", {}).items()}


def _essence(name: str) -> str:
    """Return a media type without its character set, which every client can tell."""
    return re.sub(r"\s*;\s*charset=[^;]*", "", name.lower()).replace(" ", "")


def _encodings(at: At) -> str:
    found = {name: part.value["encoding"] for name, part in at.get("content", {}).items() if "encoding" in part.value}
    return written(found) if found else ""


def _named(operation: At, key: str, default: str) -> list[str]:
    found = operation.value.get(key, operation.document.get(key, [default]))
    return [_essence(name) for name in found]


def _security(operation: At) -> tuple[Requirement, ...]:
    """Return the requirements of which one has to be met; none at all is an empty one."""
    found = operation.value.get("security", operation.document.get("security")) or [{}]
    schemes = {**operation.document.get("securityDefinitions", {})}
    schemes |= operation.document.get("components", {}).get("securitySchemes", {})
    return tuple(
        {_scheme(operation, schemes, name): frozenset(scopes) for name, scopes in each.items()} for each in found
    )


def _scheme(operation: At, schemes: Mapping[str, Any], name: str) -> str:
    """Return what a scheme asks for, whatever it is called."""
    found = At(operation.document, schemes.get(name, {"type": name})).resolved().value
    if found.get("type") == "basic":
        return "http basic"
    words = (found.get(key, "") for key in ("type", "scheme", "in", "name", "openIdConnectUrl"))
    return " ".join(str(word).lower() if number < 2 else str(word) for number, word in enumerate(words) if word)  # noqa: PLR2004
