"""JSON pointers (RFC 6901), as they stand in references: behind a `#`, percent-encoded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote


def pointer(steps: Iterable[object]) -> str:
    """Return the pointer of a place, as people read it."""
    return "#" + "".join("/" + _escaped(str(step)) for step in steps)


def fragment(steps: Iterable[object]) -> str:
    """Return the pointer of a place, as it stands in a reference."""
    return "#" + "".join("/" + quote(_escaped(str(step)), safe="~!$&'()*+,;=:@") for step in steps)


def steps_of(reference: str) -> list[str]:
    """Return the steps of a pointer behind a `#`."""
    return [unquote(step).replace("~1", "/").replace("~0", "~") for step in reference.split("/")[1:]]


def look_up(data: Any, steps: Iterable[str]) -> Any:
    """Return what is at a place; raises LookupError where there is nothing."""
    for step in steps:
        if isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict) and step in data:
            data = data[step]
        else:
            raise LookupError(step)
    return data


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
