"""Who made which resource: only its maker can be sure to find it again."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

from seatrial.fuzz._allowance import Client

NAMING = re.compile(r"(?:^|[_-])(?:id|uuid|key|slug|code)$|[a-z]I[dD]$", re.IGNORECASE)
"""Fields that name a resource."""

DEEP = 4
LARGEST = 65_536
MOST = 10_000
MAKING = frozenset({"POST", "PUT", "PATCH"})


class Owners:
    """Learn from answers to POST, PUT and PATCH whom the resources in them belong to."""

    def __init__(self) -> None:
        self._of: dict[str, Client] = {}

    def learn(self, method: str, location: str, content: bytes, client: Client) -> None:
        """Take in a successful answer."""
        if method not in MAKING or len(self._of) > MOST:
            return
        for name in [*segments(location)[-1:], *_names_in(content)]:
            self._of[name] = client

    def of(self, url: str) -> Client | None:
        """Return who made the innermost resource that a URL names."""
        return next((self._of[name] for name in reversed(segments(url)) if name in self._of), None)


def segments(url: str) -> list[str]:
    """Return the decoded parts of a URL's path."""
    return [urllib.parse.unquote(part) for part in urllib.parse.urlsplit(url).path.split("/") if part]


def _names_in(content: bytes) -> Iterator[str]:
    if not content or len(content) > LARGEST:
        return
    try:
        yield from _names(json.loads(content), DEEP)
    except (ValueError, RecursionError):  # not JSON, or nested on purpose
        return


def _names(data: Any, depth: int) -> Iterator[str]:
    if not depth:
        return
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, (dict, list)):
                yield from _names(value, depth - 1)
            elif NAMING.search(key) and value not in (None, "", True, False):
                yield str(value)
    elif isinstance(data, list):
        for item in data:
            yield from _names(item, depth - 1)
