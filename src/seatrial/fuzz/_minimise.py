"""A request that shows a defect, made smaller while it does: delta debugging within a fixed number of requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

USUAL = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "host"}
    | {"proxy-authorization", "transfer-encoding", "user-agent"}
)
"""Headers that say who sends what and how: leaving them out makes another request."""

LARGEST = 65_536
"""Longer bodies are left as they are."""

Shows = Callable[[Any], bool]


def minimised(value: Any, shows: Shows, *, most: int) -> Any:
    """Return the smallest part of a value that still shows something, as far as so many tries can tell."""
    left = most
    tried = iter(smaller(value))
    while left and (candidate := next(tried, None)) is not None:
        left -= 1
        if shows(candidate):
            value, tried = candidate, iter(smaller(candidate))
    return value


def smaller(value: Any) -> Iterator[Any]:
    """Yield a value with parts of it left out, large parts first, and then with one of its parts made smaller."""
    match value:
        case dict():
            names = list(value)
            for kept in _without_a_part(names):
                yield {name: value[name] for name in kept}
            for name in names:
                yield from ({**value, name: part} for part in smaller(value[name]))
        case list():
            yield from map(list, _without_a_part(value))
            for number, each in enumerate(value):
                yield from ([*value[:number], part, *value[number + 1 :]] for part in smaller(each))
        case str():
            yield from map("".join, _without_a_part(list(value)))
        case _:
            return


def _without_a_part(items: list[Any]) -> Iterator[list[Any]]:
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            yield [*items[:start], *items[start + size :]]
        size //= 2


def tree_of(url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return what of a request can be left out: parameters of its query, unusual headers, and its body."""
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    odd = {name: value for name, value in headers.items() if name.lower() not in USUAL}
    return {"query": query, "headers": odd, **({"body": _data(body)} if body and len(body) <= LARGEST else {})}


def _data(body: bytes) -> Any:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("latin-1")
    return body.decode("latin-1") if isinstance(found, str) else found


def rebuilt(
    tree: Mapping[str, Any], url: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, dict[str, str], bytes]:
    """Return a request's URL, headers and body, with what is left of it."""
    was = tree_of(url, headers, body)
    query = tree.get("query", {})
    base, _, _ = url.partition("?")
    changed = f"{base}?{urlencode(query, doseq=True)}" if query else base
    same = "body" not in was or ("body" in tree and tree["body"] == was["body"])
    left = body if same else _bytes(tree, was["body"])
    kept = {name: value for name, value in headers.items() if name.lower() in USUAL} | tree.get("headers", {})
    sized = {name: str(len(left)) if name.lower() == "content-length" else value for name, value in kept.items()}
    return url if query == was["query"] else changed, sized, left


def _bytes(tree: Mapping[str, Any], was: Any) -> bytes:
    """Return a body as it is sent: JSON as JSON, anything else as the bytes that it was."""
    if "body" not in tree:
        return b""
    plain = isinstance(was, str) and isinstance(tree["body"], str)
    return str(tree["body"]).encode("latin-1") if plain else json.dumps(tree["body"]).encode()
