"""Which alternatives of two schemas are each other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from seatrial.openapi.diff._flat import Flat
from seatrial.openapi.diff._places import At, expanded, written

MADE_OF = ("allOf", "anyOf", "oneOf")


def groups(olds: Sequence[Flat], news: Sequence[Flat]) -> Iterator[tuple[list[Flat], list[Flat]]]:
    """Yield the alternatives of both sides by type, where both have the type; integers are numbers."""
    for kind in dict.fromkeys(_coarse(flat) for flat in olds):
        found = [flat for flat in news if _coarse(flat) == kind]
        if found:
            yield [flat for flat in olds if _coarse(flat) == kind], found


def _coarse(flat: Flat) -> str:
    return "number" if flat.type == "integer" else flat.type


def paired(olds: Sequence[Flat], news: Sequence[Flat]) -> tuple[list[tuple[Flat, Flat]], list[Flat], list[Flat]]:
    """Return the pairs, and what is left on either side.

    Pairs have the same name, the same values by which they can be told apart, or the same content. One without a name
    is paired with the only one that is left.
    """
    if len(olds) == len(news) == 1:
        return [(olds[0], news[0])], [], []
    pairs: list[tuple[Flat, Flat]] = []
    gone, come = list(olds), list(news)
    for key in (_name, _tags, _content):
        pairs += _taken(gone, come, key)
    if len(gone) == len(come) == 1 and not (gone[0].name and come[0].name):
        return [*pairs, (gone[0], come[0])], [], []
    return pairs, gone, come


def _taken(gone: list[Flat], come: list[Flat], key: Callable[[Flat], str]) -> Iterator[tuple[Flat, Flat]]:
    """Take pairs with the same key out of both lists; a key that stands twice on a side tells nothing apart."""
    known = [key(flat) for flat in come]
    for one in list(gone):
        wanted = key(one)
        if wanted and known.count(wanted) == 1 and sum(key(flat) == wanted for flat in gone) == 1:
            other = come[known.index(wanted)]
            gone.remove(one)
            come.remove(other)
            known.remove(wanted)
            yield one, other


def _name(flat: Flat) -> str:
    return flat.name


def _tags(flat: Flat) -> str:
    """Return the properties that can have one value only."""
    found = {name: _only(part) for name, part in flat.properties.items()}
    tags = {name: value for name, value in found.items() if value}
    return written(tags) if tags else ""


def _only(at: At) -> str:
    schema = at.resolved().value
    if not isinstance(schema, dict):
        return ""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return written(values[0]) if len(values) == 1 else ""


def _content(flat: Flat) -> str:
    return flat.type + written(expanded(flat.at))


def discriminator(at: At) -> tuple[str, dict[str, str]] | None:
    """Return by which property alternatives are told apart, and what its values lead to."""
    at = at.resolved()
    found: Any = at.value.get("discriminator") if isinstance(at.value, dict) else None
    if isinstance(found, str):
        return found, {}
    if isinstance(found, dict):
        mapping = {value: str(to).rpartition("/")[2] for value, to in found.get("mapping", {}).items()}
        return found.get("propertyName", ""), mapping
    parts = (part for key in MADE_OF for _, part in at.get(key, []).items() if not part.reference)
    return next((inner for part in parts if (inner := discriminator(part))), None)
