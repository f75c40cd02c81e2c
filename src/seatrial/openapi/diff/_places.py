"""A value of a document together with where it stands, so that a change can say its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.openapi._pointers import look_up, steps_of

JOINED = "+"
"""Behind the steps to the first of several places that hold for one and the same value."""

MOST_REFERENCES = 100
DEEPEST = 20


@dataclass(frozen=True, slots=True)
class At:
    """A value and the steps to it."""

    document: Mapping[str, Any]
    value: Any
    steps: tuple[str, ...] = ()

    def go(self, *steps: str) -> At:
        """Return what is below; raises LookupError where there is nothing."""
        return At(self.document, look_up(self.value, steps), (*self.steps, *steps))

    def get(self, key: str, default: Any = None) -> At:
        """Return what is under a key, if anything, else a default at the same place."""
        value = self.value.get(key, default) if isinstance(self.value, dict) else default
        return At(self.document, value, (*self.steps, key))

    def items(self) -> Iterator[tuple[str, At]]:
        """Yield the parts of an object or list, with their keys."""
        if isinstance(self.value, dict):
            yield from ((key, self.get(key)) for key in self.value)
        elif isinstance(self.value, list):
            yield from ((str(number), self.go(str(number))) for number in range(len(self.value)))

    def resolved(self) -> At:
        """Return what a reference leads to; extensions and words beside it are dropped."""
        found = self
        for _ in range(MOST_REFERENCES):
            reference = found.reference
            if not reference:
                return found
            steps = steps_of(reference)
            found = At(self.document, look_up(self.document, steps), tuple(steps))
        raise LookupError(f"{self.reference} leads in a circle")

    @property
    def reference(self) -> str:
        """Return the reference that this is, or nothing."""
        found = self.value.get("$ref") if isinstance(self.value, dict) else None
        return found if isinstance(found, str) and found.startswith("#") else ""

    def joined(self, other: At) -> At:
        """Return the schema of what has to keep to both; the same ones are never joined twice, so that circles end."""
        members = {written(member): member for member in [*self._members(), *other._members()]}
        whole = {"allOf": [members[key] for key in sorted(members)]}
        return At(self.document, whole, (*self.shown, JOINED, written(whole)))

    def _members(self) -> list[Any]:
        return list(self.value["allOf"]) if self.steps[-2:-1] == (JOINED,) else [self.value]

    @property
    def shown(self) -> tuple[str, ...]:
        """Return the steps to where it stands, the first of several places."""
        return self.steps[: self.steps.index(JOINED)] if JOINED in self.steps else self.steps


def expanded(at: At, trail: frozenset[str] = frozenset()) -> Any:
    """Return a value with its references written out, but for those that lead back into themselves, or too deep."""
    if at.reference:
        return (
            at.reference
            if at.reference in trail or len(trail) > DEEPEST
            else expanded(at.resolved(), trail | {at.reference})
        )
    if isinstance(at.value, dict):
        return {key: expanded(part, trail) for key, part in at.items()}
    return [expanded(part, trail) for _, part in at.items()] if isinstance(at.value, list) else at.value


def written(value: Any) -> str:
    """Return a value as one text, the same for equal values: 1 and 1.0 are equal in JSON."""
    return json.dumps(_even(value), sort_keys=True)


def _even(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _even(part) for key, part in value.items()}
    return [_even(part) for part in value] if isinstance(value, list) else value
