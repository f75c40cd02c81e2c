"""Where references stand in a document: not in examples and other data, which may look like them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATA = frozenset({"example", "value", "default", "enum", "const"})
"""Keys whose values are data of the service, unless they are names that the document gives."""

NAMING = frozenset({
    "$defs", "callbacks", "content", "definitions", "dependentSchemas", "encoding", "headers", "links", "mapping",
    "pathItems", "paths", "patternProperties", "properties", "requestBodies", "responses", "schemas",
    "securityDefinitions", "securitySchemes", "webhooks",
})  # fmt: skip
"""Keys whose values are objects with names of the document's own as keys."""

NAMING_HERE = frozenset({"parameters", "examples"})
"""Keys whose values are such objects too, where they are objects at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """A reference: the object that holds it, under which key, and the steps to it."""

    holder: dict[str, Any]
    key: str
    steps: tuple[object, ...]

    @property
    def reference(self) -> str:
        """Return what stands there."""
        return str(self.holder[self.key])


def references(data: Any, steps: tuple[object, ...] = (), *, names: bool = False) -> Iterator[Place]:
    """Yield every reference; `names` says that the keys here are names of the document's own."""
    if isinstance(data, list):
        for number, part in enumerate(data):
            yield from references(part, (*steps, number))
    elif isinstance(data, dict):
        yield from _own(data, steps, names=names)
        for key, part in data.items():
            if names or not _is_data(key, part):
                below = not names and (key in NAMING or (key in NAMING_HERE and isinstance(part, Mapping)))
                yield from references(part, (*steps, key), names=below)


def _own(data: dict[str, Any], steps: tuple[object, ...], *, names: bool) -> Iterator[Place]:
    """Yield the references that an object is, or that its discriminator or link is made of."""
    if names:
        if steps[-1:] == ("mapping",):
            yield from (Place(data, key, (*steps, key)) for key, value in data.items() if _leads(value))
        return
    for key in ("$ref", "operationRef"):
        if isinstance(data.get(key), str):
            yield Place(data, key, (*steps, key))


def _is_data(key: str, part: Any) -> bool:
    return key in DATA or key.startswith("x-") or (key == "examples" and isinstance(part, list))


def _leads(value: Any) -> bool:
    """Return whether what a discriminator maps to is a reference, not the name of a schema."""
    return isinstance(value, str) and ("#" in value or value.endswith((".json", ".yaml", ".yml")))
