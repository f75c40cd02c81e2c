"""What an OpenAPI document says of each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from seatrial.core import media_type
from seatrial.openapi._pointers import look_up, steps_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""As keys of a path, that of OpenAPI 3.2 included."""

IN_BODY = ("body:", "formData:")
"""Where parameters of Swagger 2.0 make up the body."""


SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Link:
    """Where an answer of a status leads: to an operation by its `operationId`, with `(parameter, expression)` pairs."""

    status: str
    operation_id: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A documented operation; `label` is what Schemathesis calls it, `inputs` its parameters and body.

    `bodies` are the media types of its body. `statuses` are as documented (`404`, `4XX`), without `default`;
    `with_body` and `with_headers` are those (with `default`) whose answers have a documented body or headers.
    `answers` are each status (with `default`) with each of its media types, or with none.
    """

    label: str
    method: str
    statuses: frozenset[str] = frozenset()
    default: bool = False
    with_body: frozenset[str] = frozenset()
    with_headers: frozenset[str] = frozenset()
    answers: frozenset[tuple[str, str]] = frozenset()
    inputs: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    secured: bool = False
    in_path: bool = False
    operation_id: str = ""
    links: tuple[Link, ...] = ()

    @property
    def path(self) -> str:
        """Return the path, as documented."""
        return self.label.partition(" ")[2]

    def told(self, names: Iterable[str], media: str = "*") -> tuple[str, ...]:
        """Return inputs as reports have them: a body of several media types is one for each, `body:text/csv`.

        Of those, the ones that a body of this media type is; with `*`, all of them.
        """
        found = set(names)
        if len(self.bodies) < SEVERAL or "body" not in found:
            return tuple(sorted(found))
        bodies = {f"body:{each}" for each in self.bodies if fnmatchcase(media, each) or media == "*"}
        return tuple(sorted(found - {"body"} | bodies))

    def documented_as(self, status: int) -> str:
        """Return under which key a status is documented: its own, its class, `default`, or none (empty)."""
        return key_of(status, self.statuses, default=self.default)


def key_of(status: int, statuses: Collection[str], *, default: bool) -> str:
    """Return under which of some keys a status is documented."""
    for key in (str(status), f"{status // 100}XX"):
        if key in statuses:
            return key
    return "default" if default else ""


def operations_of(document: Mapping[str, Any]) -> dict[str, Operation]:
    """Return every documented operation by its label; raises TypeError or LookupError for a malformed document."""
    return {operation.label: operation for operation in _operations(document)}


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, reference in document["paths"].items():
        item = _resolve(document, _table(reference, path))
        for method, found in methods_of(item).items():
            yield _operation(document, f"{method} {path}", _table(found, f"{method} {path}"), item)


def methods_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operations of a path by their methods."""
    return {key.upper(): item[key] for key in METHODS if key in item} | dict(item.get("additionalOperations", {}))


def _operation(document: Mapping[str, Any], label: str, found: Mapping[str, Any], item: Mapping[str, Any]) -> Operation:
    parameters = [_resolve(document, part) for part in [*item.get("parameters", []), *found.get("parameters", [])]]
    inputs = {f"{parameter.get('in')}:{parameter.get('name')}" for parameter in parameters}
    inputs |= {"body"} if "requestBody" in found else set()
    responses = _table(found.get("responses", {}), f"{label} responses")
    answers = {str(status): _resolve(document, _table(answer, label)) for status, answer in responses.items()}
    return Operation(
        label=label,
        method=label.partition(" ")[0],
        statuses=frozenset(_class(status) for status in answers if status != "default"),
        default="default" in answers,
        with_body=frozenset(
            _class(key) for key, answer in answers.items() if "content" in answer or "schema" in answer
        ),
        with_headers=frozenset(_class(key) for key, answer in answers.items() if answer.get("headers")),
        answers=frozenset(
            (_class(key), media) for key, answer in answers.items() for media in _media(answer, found, document)
        ),
        inputs=frozenset("body" if name.startswith(IN_BODY) else name for name in inputs),
        bodies=frozenset(map(media_type, _taken(document, found, inputs))),
        secured=_secured(found.get("security", document.get("security"))),
        in_path=any(parameter.get("in") == "path" for parameter in parameters),
        operation_id=str(found.get("operationId", "")),
        links=tuple(link for status, answer in answers.items() for link in _links(document, _class(status), answer)),
    )


def _taken(document: Mapping[str, Any], operation: Mapping[str, Any], inputs: Iterable[str]) -> Iterable[str]:
    """Return the media types that an operation takes a body in."""
    if "requestBody" in operation:
        body = _resolve(document, _table(operation["requestBody"], "requestBody"))
        return list(_table(body.get("content", {}), "content of requestBody"))
    consumed: list[str] = operation.get("consumes", document.get("consumes", []))
    return consumed if any(name.startswith(IN_BODY) for name in inputs) else ()


def _media(answer: Mapping[str, Any], operation: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """Return the media types of an answer, an empty one where it is said to have no body."""
    produced = operation.get("produces", document.get("produces", ())) if "schema" in answer else ()
    return [media_type(name) for name in answer.get("content", produced)] or [""]


def _links(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> Iterator[Link]:
    """Yield an answer's links; those that name their operation in another way are not understood."""
    for name, reference in _table(answer.get("links", {}), f"links of {status}").items():
        link = _resolve(document, _table(reference, name))
        parameters = _table(link.get("parameters", {}), f"parameters of {name}")
        filled = tuple((str(parameter), str(expression)) for parameter, expression in parameters.items())
        if "operationId" in link:
            yield Link(status, str(link["operationId"]), filled)


def _class(status: str) -> str:
    return status if status == "default" else status.upper()


def _secured(requirements: Any) -> bool:
    """Return whether credentials are needed: an empty requirement among several makes them optional."""
    return bool(requirements) and all(requirements)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{where} is no object")
    return value


def _resolve(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow local references to their end; raises LookupError for one that leads nowhere or in a circle."""
    seen: list[str] = []
    while str(part.get("$ref", "")).startswith("#/"):
        reference = part["$ref"]
        if reference in seen:
            raise LookupError(f"{reference} leads in a circle")
        seen.append(reference)
        try:
            part = _table(look_up(document, steps_of(reference)), reference)
        except LookupError as error:
            raise LookupError(f"{reference} leads nowhere") from error
    return part
