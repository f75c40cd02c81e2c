"""Which references lead to the same in both documents, and in all that this refers to: nobody has to look in there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.openapi._pointers import look_up, steps_of
from seatrial.openapi._references import references
from seatrial.openapi.diff._places import At, written

NOWHERE = object()


class Unchanged:
    """The references of two documents that lead to the same."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._references = set(_names(old))
        users: dict[str, set[str]] = defaultdict(set)
        changed: list[str] = []
        for name in self._references:
            before, after = _target(old, name), _target(new, name)
            if not _same(before, after):
                changed.append(name)
            for inner in _names(before):
                users[inner].add(name)
        while changed:
            name = changed.pop()
            if name in self._references:
                self._references.remove(name)
                changed += users[name]

    def same(self, old: At, new: At) -> bool:
        """Return whether two values are the same, with all that they refer to."""
        return _same(old.value, new.value) and all(name in self._references for name in _names(old.value))


def _same(before: Any, after: Any) -> bool:
    """Return whether two values are equal as JSON, in which `true` is not 1."""
    return before is not NOWHERE and before == after and written(before) == written(after)


def _names(data: Any) -> Iterator[str]:
    return (place.reference for place in references(data) if place.reference.startswith("#/"))


def _target(document: Mapping[str, Any], name: str) -> Any:
    try:
        return look_up(document, steps_of(name))
    except LookupError:
        return NOWHERE
