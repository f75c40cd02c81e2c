"""What the words of two flat schemas of one type do: bounds, values and conditions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import jsonschema_rs

from seatrial.openapi.diff._flat import Flat, stricter
from seatrial.openapi.diff._law import Effect

Said = tuple[str, Effect, Any, Any]
"""A subject, what its change does, and how it read before and after."""

COUNTS = {"Length": "length", "Items": "items-count", "Properties": "properties-count"}
OWN = {"pattern": "pattern", "format": "format", "uniqueItems": "unique", "multipleOf": "multiple"}
WIDER = {("int32", "int64"), ("float", "double"), ("idn-email", "email"), ("uri", "uri-reference"), ("iri", "uri")}
"""Formats of which the second admits what the first does."""

FORMATS = frozenset({
    "date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri", "byte", "binary",
    "int32", "int64", "float", "double",
})  # fmt: skip
"""Formats that are known to differ from one another."""


def words(old: Flat, new: Flat) -> Iterator[Said]:
    """Yield what differs in all that is said of one value itself."""
    if old.values is not None or new.values is not None:
        found = _values(old, new)
        yield from [found] if found else []
        if _counted(old, new):
            return
    yield from _bounds(old, new)
    for key in sorted({key for key, _ in old.conditions ^ new.conditions}):
        yield _condition(key, _of(old, key), _of(new, key))


def set_effect(before: Collection[str], after: Collection[str]) -> Effect | None:
    """Return what becomes of what is admitted when the values that are listed change."""
    gone, come = set(before) - set(after), set(after) - set(before)
    if gone and come:
        return Effect.NEITHER
    return Effect.NARROWS if gone else Effect.WIDENS if come else None


def _values(old: Flat, new: Flat) -> Said | None:
    before, after = (None if flat.values is None else sorted(flat.values) for flat in (old, new))
    if before is None or after is None:
        effect: Effect | None = Effect.NARROWS if before is None else Effect.WIDENS
    else:
        effect = set_effect(before, after)
    return ("enum", effect, _told(before), _told(after)) if effect else None


def _told(values: list[str] | None) -> list[Any] | None:
    return None if values is None else [json.loads(value) for value in values]


def _counted(old: Flat, new: Flat) -> bool:
    """Return whether values that are listed on one side are all admitted by what the other says in words."""
    few, many = (old, new) if old.values is not None else (new, old)
    return all(_admits(many, json.loads(value)) for value in few.values or ())


def _admits(flat: Flat, value: Any) -> bool:
    """Return whether bounds and patterns admit a value; of other conditions nothing is known."""
    schema: dict[str, Any] = {}
    for key, (limit, exclusive) in flat.bounds.items():
        schema["exclusive" + key.capitalize() if exclusive else key] = limit
    patterns = [json.loads(text) for key, text in flat.conditions if key == "pattern"]
    if len(patterns) < len(flat.conditions):
        return False
    try:
        return jsonschema_rs.is_valid({**schema, "allOf": [{"pattern": each} for each in patterns] or [True]}, value)
    except ValueError:
        return False  # no pattern that anybody here understands


def _bounds(old: Flat, new: Flat) -> Iterator[Said]:
    for key in sorted({*old.bounds, *new.bounds}):
        before, after = old.bounds.get(key), new.bounds.get(key)
        if before == after:
            continue
        tighter = before is None or (after is not None and stricter(key, before, after) == after)
        subject = next((name for word, name in COUNTS.items() if key.endswith(word)), key)
        yield subject, Effect.NARROWS if tighter else Effect.WIDENS, _limit(key, before), _limit(key, after)


def _limit(key: str, limit: tuple[float, bool] | None) -> str | None:
    return None if limit is None else f"{'exclusive ' if limit[1] else ''}{key} {limit[0]:g}"


def _of(flat: Flat, key: str) -> set[str]:
    return {text for name, text in flat.conditions if name == key}


def _condition(key: str, before: set[str], after: set[str]) -> Said:
    """Return what changed conditions do: more of them can but narrow, fewer but widen."""
    subject = OWN.get(key, "condition")
    told = (_conditions(key, before), _conditions(key, after))
    if before <= after:
        return subject, Effect.NARROWS, *told
    if after <= before:
        return subject, Effect.WIDENS, *told
    return subject, _between(key, before, after), *told


def _conditions(key: str, said: set[str]) -> Any:
    found = [json.loads(text) for text in sorted(said)]
    shown = found[0] if len(found) == 1 else found or None
    return shown if key in OWN or shown is None else {key: shown}


def _between(key: str, before: set[str], after: set[str]) -> Effect:
    """Return what it does that one condition stands in place of another."""
    if len(before) > 1 or len(after) > 1:
        return Effect.UNKNOWN
    one, other = json.loads(min(before)), json.loads(min(after))
    if key == "multipleOf":
        return _multiple(one, other)
    if key == "format" and (one, other) in WIDER:
        return Effect.WIDENS
    if key == "format" and (other, one) in WIDER:
        return Effect.NARROWS
    return Effect.NEITHER if key == "format" and {one, other} <= FORMATS else Effect.UNKNOWN


def _multiple(one: float, other: float) -> Effect:
    if one % other == 0:
        return Effect.WIDENS
    return Effect.NARROWS if other % one == 0 else Effect.NEITHER
