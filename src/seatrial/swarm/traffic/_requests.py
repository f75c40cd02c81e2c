"""Requests that are ready to be sent, whatever they were made from: paths, a contract or a recording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

READS = frozenset({"GET", "HEAD", "OPTIONS", "QUERY"})
"""What may be sent as often as anybody likes (RFC 9110, 9.2.1); TRACE is no traffic."""

BEYOND = re.compile(r"[^\x21-\x7e]+")
WORD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request to a path (with its query) of the target; `name` is the path that figures have, empty for its own.

    `body` is its bytes as UTF-8 text, where bytes that are none are lone surrogates (PEP 383).
    """

    path: str
    method: str = "GET"
    name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def operation(self) -> str:
        """Return what it is called in figures and objectives: `GET /items/{id}`."""
        return f"{self.method} {self.name or self.path.partition('?')[0]}"

    @property
    def content(self) -> bytes:
        """Return the bytes of the body."""
        return self.body.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a scenario sends, in this order and again from the first; `left_out` says what it does not, and why."""

    requests: tuple[Prepared, ...]
    left_out: tuple[str, ...] = ()

    @property
    def mix(self) -> Mapping[str, int]:
        """Return how many of the requests are of each operation."""
        return Counter(one.operation for one in self.requests)


def quoted(path: str) -> str:
    """Return a path with its query as a request line may hold it: what else stands there is percent-encoded."""
    return BEYOND.sub(lambda found: quote(found[0], errors="replace"), path)


def unsendable(method: str, headers: Mapping[str, str]) -> str:
    """Return why HTTP cannot carry a request (RFC 9110, 5.5 and 9.1), empty where it can."""
    if not WORD.fullmatch(method):
        return "their method is none of HTTP"
    carried = all(WORD.fullmatch(name) and VALUE.fullmatch(value) for name, value in headers.items())
    return "" if carried else "HTTP cannot carry their headers"


def of_paths(paths: Sequence[str]) -> tuple[Prepared, ...]:
    """Return a GET of each path, under its own name, however it has to be sent."""
    return tuple(Prepared(path=quoted(path), name=path.partition("?")[0]) for path in paths)


def refused(operation: str, *, only: Collection[str], writes: bool) -> str:
    """Return why an operation is not sent, empty where it is: what writes has to be asked for."""
    if only:
        return "" if operation in only else "it is not among those that were chosen"
    reads = operation.partition(" ")[0] in READS
    return "" if writes or reads else "it may change data, which neither `only` nor `writes` asks for"


def tell(left_out: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return a line for each reason, with what is left out for it and how often."""
    return tuple(f"{why}: {_named(names)}" for why, names in left_out.items())


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"{name} ({count} times)" if count > 1 else name for name, count in Counter(names).items())
