"""Paths as they are asked for: what `servers` or `basePath` says stands before each, and no other host is named."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from seatrial.openapi._operations import METHODS, methods_of
from seatrial.openapi._pointers import fragment, look_up, steps_of
from seatrial.openapi._read import is_url
from seatrial.openapi._references import references

SAID = frozenset({"servers", "basePath", "host", "schemes"})
"""Where a document says that it is served."""

Table = Mapping[str, Any]


def settle_paths(document: dict[str, Any], source: str, prefix: str | None = None) -> dict[str, Any]:
    """Return a document with full paths; a `prefix` that is given stands in place of what the document says."""
    default = _prefix(document, source) if prefix is None else prefix.rstrip("/")
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    moved: dict[str, str] = {}
    for path, reference in document["paths"].items():
        if not path.startswith("/"):
            paths[path] = reference  # an extension
            continue
        item = _inlined(document, reference)
        for method, before in _prefixes(item, source, default, fixed=prefix is not None):
            full = paths[before + path]
            full |= {key: item[key] for key in ("parameters", "summary", "description") if key in item}
            _put(full, method, {key: part for key, part in methods_of(item)[method].items() if key not in SAID})
            moved[path] = before + path
    settled = {key: part for key, part in document.items() if key not in SAID}
    return _redirected({**settled, "paths": dict(paths)}, moved)


def _inlined(document: Table, item: Table) -> Table:
    """Return a path's item without the reference that it may be: servers of its own would be overlooked in there."""
    reference = item.get("$ref")
    if not isinstance(reference, str):
        return item
    own = {key: part for key, part in item.items() if key != "$ref"}
    return {**_inlined(document, look_up(document, steps_of(reference))), **own}


def _prefixes(item: Table, source: str, default: str, *, fixed: bool) -> list[tuple[str, str]]:
    """Return each method of a path with what stands before the path: an operation's servers win over its path's."""
    if fixed:
        return [(method, default) for method in methods_of(item)]
    before = _prefix(item, source) if item.get("servers") else default
    found = methods_of(item).items()
    return [(method, _prefix(own, source) if own.get("servers") else before) for method, own in found]


def _put(item: dict[str, Any], method: str, operation: Table) -> None:
    """Put an operation into a path's item, where its method belongs."""
    if method.lower() in METHODS:
        item[method.lower()] = operation
    else:
        item.setdefault("additionalOperations", {})[method] = operation


def _prefix(part: Table, source: str) -> str:
    """Return the path of the server that is meant: the one at the source's host, else the first."""
    base = source if is_url(source) else "/"
    urls = [urljoin(base, _filled(server)) for server in part.get("servers") or [{"url": part.get("basePath", "/")}]]
    mine = [url for url in urls if urlsplit(url).netloc == urlsplit(base).netloc]
    return urlsplit((mine or urls)[0]).path.rstrip("/")


def _filled(server: Table) -> str:
    """Return a server's URL with the default of each variable."""
    variables: Table = server.get("variables", {})
    return re.sub(r"{([^{}]*)}", lambda name: str(variables.get(name[1], {}).get("default", "")), server["url"])


def _redirected(document: dict[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """Let references into paths follow them to where they are now."""
    for place in references(document):
        steps: Sequence[str] = steps_of(place.reference) if place.reference.startswith("#/paths/") else ()
        if len(steps) > 1 and steps[1] in moved:
            place.holder[place.key] = fragment(["paths", moved[steps[1]], *steps[2:]])
    return document
