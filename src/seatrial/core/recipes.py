"""Requests that follow from one another: what an answer holds now is put where a request held what it held then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

DELIMITERS = re.compile(r"([/?&=;,#])")
DEEPEST = 50


def values_of(answer: str) -> dict[str, str]:
    """Return the texts and numbers of a JSON body by their JSON pointers; none of a body that is no JSON."""
    try:
        return dict(_values(json.loads(answer), "", DEEPEST))
    except (ValueError, RecursionError):
        return {}


def _values(node: object, pointer: str, deeper: int) -> Iterator[tuple[str, str]]:
    match node:
        case bool() | None:
            return
        case str() | int() | float():
            yield pointer, str(node)
        case dict() | list() if deeper:
            items = node.items() if isinstance(node, dict) else enumerate(node)
            for key, below in items:
                yield from _values(below, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", deeper - 1)


def swaps(then: str, now: str) -> dict[str, str]:
    """Return what an answer held, each with what a later one holds in its place."""
    old, new = values_of(then), values_of(now)
    return {text: new[pointer] for pointer, text in old.items() if text and new.get(pointer, text) != text}


def put_in(url: str, swapped: Mapping[str, str]) -> str:
    """Return a URL with other values in place of whole segments, names and values of parameters."""
    scheme, separator, rest = url.partition("://")
    host, slash, target = rest.partition("/")
    known = [(part, swapped.get(unquote(part))) for part in DELIMITERS.split(target)]
    parts = [part if new is None else quote(new, safe="") for part, new in known]
    return "".join([scheme, separator, host, slash, *parts])


def put_into_body(body: bytes, swapped: Mapping[str, str]) -> bytes:
    """Return a JSON body with other texts in place of those that it holds as a whole."""
    for old, new in swapped.items():
        body = body.replace(json.dumps(old).encode(), json.dumps(new).encode())
    return body
