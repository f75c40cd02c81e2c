"""A schema as what it admits: one flat part for each JSON type, or several where there are alternatives.

So that what is written in different ways and means the same is the same: `nullable` and a type of `null`, `anyOf` with
null, `const` and an `enum` of one, references, and `allOf`, whose members are met. That `oneOf` admits exactly one of
its alternatives is passed over: it is taken as `anyOf`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product
from typing import Any

from seatrial.openapi.diff._law import Side
from seatrial.openapi.diff._places import At, expanded, written

TYPES = ("null", "boolean", "object", "array", "number", "string")
MOST = 64

LOWER = {
    "string": ("minLength",),
    "array": ("minItems",),
    "object": ("minProperties",),
}
UPPER = {
    "string": ("maxLength",),
    "array": ("maxItems",),
    "object": ("maxProperties",),
}
ALL = {"null": {"null"}, "boolean": {"true", "false"}}
"""All the values of a type, as texts, where they can be counted."""

ALWAYS = ("not", "if")
CONDITIONS = {
    "string": ("pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"),
    "number": ("format", "multipleOf"),
    "integer": ("format", "multipleOf"),
    "array": ("uniqueItems", "prefixItems", "contains", "additionalItems", "unevaluatedItems"),
    "object": ("patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies"),
}
WITH = {"if": ("then", "else"), "contains": ("minContains", "maxContains")}
TRIVIAL = {
    *(("pattern", written(each)) for each in ("", ".*", "^.*$")),
    *(("uniqueItems", "false"), ("contentEncoding", '""')),
}
HIDDEN = {Side.REQUEST: "readOnly", Side.RESPONSE: "writeOnly"}
"""Properties that are none of a side's business."""


class TooManyError(Exception):
    """A schema is made of more than anybody compares."""


@dataclass(frozen=True, slots=True)
class Flat:
    """What values of one type have to be.

    `bounds` are by keyword, `conditions` pairs of a keyword and what it says, all of which hold; `values` are all there
    are, as texts; `name` is that of the schema which a reference led to.
    """

    type: str
    at: At
    name: str = ""
    values: frozenset[str] | None = None
    bounds: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    conditions: frozenset[tuple[str, str]] = frozenset()
    properties: Mapping[str, At] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    additional: At | None = None
    items: At | None = None

    def part(self, name: str) -> At | None:
        """Return what a property has to be; None is anything."""
        return self.properties.get(name, self.additional)

    @property
    def closed(self) -> bool:
        """Return whether no other properties may be there."""
        return self.additional is not None and self.additional.value is False


def flats(at: At, side: Side, trail: frozenset[str] = frozenset()) -> list[Flat]:
    """Return the flat parts of a schema; raises TooManyError or LookupError."""
    schema = at.value
    if schema is False or at.reference in trail:
        return []
    if not isinstance(schema, dict):
        return [Flat(name, at) for name in TYPES]
    parts = [_own(at, side)]
    if at.reference:
        found, name = at.resolved(), at.reference.rpartition("/")[2]
        parts.append([replace(flat, name=name) for flat in flats(found, side, trail | {at.reference})])
    parts += [flats(member, side, trail) for _, member in at.get("allOf", []).items()]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            parts.append([flat for _, member in at.get(key).items() for flat in flats(member, side, trail)])
    whole = [_closed(flat, at) for flat in _gathered(_met(parts))]
    return [*whole, Flat("null", at)] if _may_be_null_too(schema, whole) else whole


def _closed(flat: Flat, at: At) -> Flat:
    """Return objects without other properties than those of all members, where a schema says so."""
    rest = at.get("unevaluatedProperties", default=True)
    return replace(flat, additional=rest) if flat.type == "object" and rest.value is False else flat


def _may_be_null_too(schema: Mapping[str, Any], found: Iterable[Flat]) -> bool:
    """Return whether `nullable` stands beside what a schema is made of: by the letter it says nothing there."""
    made = "type" not in schema and any(key in schema for key in ("$ref", "allOf", "anyOf", "oneOf"))
    return made and schema.get("nullable") is True and all(flat.type != "null" for flat in found)


def _met(parts: Sequence[list[Flat]]) -> list[Flat]:
    """Return what is admitted by one of each list."""
    found, *more = parts
    for others in more:
        found = [both for one, other in product(found, others) if (both := _meet(one, other))]
        if len(found) > MOST:
            raise TooManyError
    return found


def _gathered(found: Iterable[Flat]) -> Iterator[Flat]:
    """Yield flat parts, those that are nothing but values as one, and none twice."""
    seen: dict[str, Flat] = {}
    for flat in found:
        key = _key(flat)
        known = seen.get(key)
        values = flat.values if known is None or flat.values is None else flat.values | (known.values or frozenset())
        seen[key] = replace(known or flat, values=values)
    yield from (flat for flat in seen.values() if flat.values != frozenset())


def _key(flat: Flat) -> str:
    plain = flat.values is not None and not (flat.bounds or flat.conditions or flat.properties or flat.items)
    places = {name: at.steps for name, at in flat.properties.items()}
    more = [flat.additional and flat.additional.steps, flat.items and flat.items.steps, sorted(flat.required)]
    values = "values" if plain else sorted(flat.values) if flat.values is not None else None
    return written([flat.type, values, sorted(flat.bounds.items()), sorted(flat.conditions), places, more])


def _own(at: At, side: Side) -> list[Flat]:
    """Return what a schema says itself, without what it is made of."""
    schema: Mapping[str, Any] = at.value
    return [_flat(at, name, side) for name in _types(schema)]


def _types(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type", list(TYPES))
    found = list(dict.fromkeys([named] if isinstance(named, str) else named))
    if (schema.get("nullable") or schema.get("x-nullable")) and "type" in schema:
        found.append("null")
    found = ["string" if name == "file" else name for name in found]
    return [name for name in dict.fromkeys(found) if not (name == "integer" and "number" in found)]


def _flat(at: At, kind: str, side: Side) -> Flat:
    schema: Mapping[str, Any] = at.value
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    own = None if values is None else frozenset(written(value) for value in values if _is(value, kind))
    own = None if own == ALL.get(kind) else own
    found = Flat(kind, at, values=own, bounds=_bounds(schema, kind), conditions=frozenset(_conditions(at, kind)))
    if kind == "array" and "items" in schema:
        return replace(found, items=at.get("items"))
    if kind != "object":
        return found
    hidden = {name for name, part in at.get("properties", {}).items() if is_marked(part, HIDDEN[side])}
    return replace(
        found,
        properties={name: part for name, part in at.get("properties", {}).items() if name not in hidden},
        required=frozenset(schema["required"]) - hidden if isinstance(schema.get("required"), list) else frozenset(),
        additional=None if _open(schema.get("additionalProperties", True)) else at.get("additionalProperties"),
    )


def _open(schema: Any) -> bool:
    return schema is True or schema == {}


def is_marked(at: At, word: str, trail: frozenset[str] = frozenset()) -> bool:
    """Return whether a schema says `readOnly` or the like, itself or in what it refers to."""
    value = at.value if isinstance(at.value, dict) else {}
    if value.get(word) is True or at.reference in trail:
        return value.get(word) is True
    members = [at.resolved()] if at.reference else [part for _, part in at.get("allOf", []).items()]
    return any(is_marked(part, word, trail | {at.reference} - {""}) for part in members)


def _is(value: Any, kind: str) -> bool:
    """Return whether a value is of a type."""
    if isinstance(value, bool) or value is None:
        return kind == ("null" if value is None else "boolean")
    if isinstance(value, (int, float)):
        return kind == "number" or (kind == "integer" and float(value).is_integer())
    return kind == ("string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array")


def _bounds(schema: Mapping[str, Any], kind: str) -> dict[str, tuple[float, bool]]:
    found = {key: (schema[key], False) for key in LOWER.get(kind, ()) if schema.get(key)}
    found |= {key: (schema[key], False) for key in UPPER.get(kind, ()) if key in schema}
    if kind in {"integer", "number"}:
        found |= {
            key: value for key in ("minimum", "maximum") if (value := _limit(schema, key, whole=kind == "integer"))
        }
    return found


def _limit(schema: Mapping[str, Any], key: str, *, whole: bool) -> tuple[float, bool] | None:
    """Return the stricter of an inclusive and an exclusive limit; in 3.0 the latter is a word about the former."""
    exclusive = schema.get("exclusive" + key.capitalize())
    found = [(schema[key], exclusive is True)] if key in schema else []
    found += [(exclusive, True)] if exclusive is not None and not isinstance(exclusive, bool) else []
    if not found:
        return None
    limit = reduce(_lower if key == "maximum" else _higher, found)
    return _whole(limit, key) if whole else limit


def _whole(limit: tuple[float, bool], key: str) -> tuple[float, bool]:
    value, exclusive = limit
    if key == "minimum":
        return (math.floor(value) + 1 if exclusive else math.ceil(value)), False
    return (math.ceil(value) - 1 if exclusive else math.floor(value)), False


def _higher(one: tuple[float, bool], other: tuple[float, bool]) -> tuple[float, bool]:
    """Return the stricter of two lower limits."""
    return max(one, other)


def _lower(one: tuple[float, bool], other: tuple[float, bool]) -> tuple[float, bool]:
    """Return the stricter of two upper limits."""
    return min(one, other, key=lambda limit: (limit[0], not limit[1]))


def stricter(key: str, one: tuple[float, bool], other: tuple[float, bool]) -> tuple[float, bool]:
    """Return the stricter of two bounds of a keyword."""
    return (_higher if key.startswith("min") else _lower)(one, other)


def _conditions(at: At, kind: str) -> Iterator[tuple[str, str]]:
    schema: Mapping[str, Any] = at.value
    for key in (*ALWAYS, *CONDITIONS.get(kind, ())):
        if key not in schema:
            continue
        said = expanded(at.get(key))
        if key in WITH:
            said = [said, *(expanded(at.get(more)) for more in WITH[key])]
        if (key, written(said)) not in TRIVIAL:
            yield key, written(said)
    if kind == "object" and isinstance(schema.get("unevaluatedProperties"), dict):
        yield "unevaluatedProperties", written(expanded(at.get("unevaluatedProperties")))
    if schema.get("type") == "file":
        yield "format", written("binary")


def _meet(one: Flat, other: Flat) -> Flat | None:
    """Return what is admitted by both, or None for nothing."""
    kinds = {one.type, other.type}
    if len(kinds) > 1 and kinds != {"integer", "number"}:
        return None
    values = one.values if other.values is None else other.values if one.values is None else one.values & other.values
    names = dict.fromkeys([*one.properties, *other.properties])
    return Flat(
        type=min(kinds),
        at=other.at if _says_nothing(one) else one.at,
        name=one.name or other.name,
        values=values,
        bounds={
            key: stricter(key, one.bounds.get(key, limit), other.bounds.get(key, limit))
            for key, limit in {**one.bounds, **other.bounds}.items()
        },
        conditions=one.conditions | other.conditions,
        properties={name: both for name in names if (both := _both(one.part(name), other.part(name))) is not None},
        required=one.required | other.required,
        additional=_both(one.additional, other.additional),
        items=_both(one.items, other.items),
    )


def _says_nothing(flat: Flat) -> bool:
    said = (flat.values, flat.bounds, flat.conditions, flat.properties, flat.required, flat.additional, flat.items)
    return not any(said)


def _both(one: At | None, other: At | None) -> At | None:
    if one is None or other is None:
        return other if one is None else one
    if one.value is False or other.value is False:
        return one if one.value is False else other
    return one if written(one.value) == written(other.value) else one.joined(other)
