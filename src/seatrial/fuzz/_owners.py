"""Who made which resource, or was given what: only he can be sure to find it again, or to have it accepted."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Collection, Iterator
from typing import Any, Generic, TypeVar

Owner = TypeVar("Owner")
NAMING = re.compile(r"(?:^|[_-])(?:id|uuid|key|slug|code)$|[a-z]I[dD]$", re.IGNORECASE)
"""Fields that name a resource."""

DEEP = 4
LARGEST = 65_536
MOST = 10_000
MAKING = frozenset({"POST", "PUT", "PATCH"})


class Owners(Generic[Owner]):
    """Learn from answers to POST, PUT and PATCH whom the resources in them belong to.

    What stands in a field of `handed_out` belongs to whom it was given, whatever he asked.
    """

    def __init__(self, handed_out: Collection[str] = ()) -> None:
        self._handed_out = frozenset(handed_out)
        self._of: dict[str, Owner] = {}

    def learn(self, method: str, location: str, content: bytes, owner: Owner) -> None:
        """Take in a successful answer."""
        makes = method in MAKING
        if not (makes or self._handed_out) or len(self._of) > MOST:
            return
        for name in segments(location)[-1:] if makes else ():
            self._of[name] = owner
        for field, value in _fields_in(content):
            if field in self._handed_out or (makes and NAMING.search(field)):
                self._of[value] = owner

    def of(self, url: str) -> Owner | None:
        """Return who made the innermost resource that a URL names, or was given what its query holds."""
        query = (value for _, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        return next((self._of[name] for name in reversed([*segments(url), *query]) if name in self._of), None)


def segments(url: str) -> list[str]:
    """Return the decoded parts of a URL's path."""
    return [urllib.parse.unquote(part) for part in urllib.parse.urlsplit(url).path.split("/") if part]


def _fields_in(content: bytes) -> Iterator[tuple[str, str]]:
    if not content or len(content) > LARGEST:
        return
    try:
        yield from _fields(json.loads(content), DEEP)
    except (ValueError, RecursionError):  # not JSON, or nested on purpose
        return


def _fields(data: Any, depth: int) -> Iterator[tuple[str, str]]:
    if not depth:
        return
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, (dict, list)):
                yield from _fields(value, depth - 1)
            elif value not in (None, "", True, False):
                yield key, str(value)
    elif isinstance(data, list):
        for item in data:
            yield from _fields(item, depth - 1)
