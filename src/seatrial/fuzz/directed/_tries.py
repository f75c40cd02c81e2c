"""What is tried for a documented status: how a request is changed, and who sends it how often.

None of this is sent for a status that is not documented: a proxy may take long headers and large bodies amiss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from seatrial.fuzz.directed._requests import Asked

ADDRESS, HEADER = 20_000, 40_000
"""How long an address and a header are that are too long for most servers (8,000 to 16,000 bytes)."""

JSON = "application/json"
UNKNOWN = ("00000000-0000-4000-8000-000000000000", "no-such-thing", "2147483647")
"""Names of nothing: for ids that are UUIDs, words and numbers."""

Change = Callable[[Asked], Asked]


@dataclass(frozen=True, slots=True)
class Try:
    """One way to a status: as somebody new, or as who sent the request, so many `times`.

    `by_state`: what is there decides, so that several requests are tried. `of_body` is for operations that take one.
    """

    change: Change
    anew: bool = True
    times: int = 1
    by_state: bool = False
    of_body: bool = False


def tries_for(template: str, body_bytes: int) -> Mapping[str, tuple[Try, ...]]:
    """Return what is tried for each status at a path; a body of more than `body_bytes` is too large."""
    unknown = tuple(Try(partial(naming, template, name)) for name in UNKNOWN)
    return {
        "400": tuple(Try(partial(saying, body), of_body=True) for body in (b'{"a":', b'{"a": "\xff\xfe"}', b"")),
        "403": (Try(as_it_is, by_state=True),),
        "404": (Try(as_it_is, by_state=True), *unknown),
        "409": (Try(as_it_is, by_state=True, anew=False), Try(as_it_is, by_state=True, times=2)),
        "413": (Try(partial(saying, b" " * (body_bytes + 1))),),
        "414": (Try(at_length),),
        "415": (Try(partial(saying, b"<a/>", media="application/xml"), of_body=True),),
        "422": tuple(Try(partial(saying, body), of_body=True) for body in (b"[1, 2]", b"{}")),
        "431": (Try(with_much_to_say),),
    }


def as_it_is(asked: Asked) -> Asked:
    """Return the request: who sends it makes the difference, or that it was sent before."""
    return asked


def saying(body: bytes, asked: Asked, *, media: str = "") -> Asked:
    """Return a request with another body."""
    named = {name: value for name, value in asked.headers.items() if name.lower() != "content-type"}
    own = next((value for name, value in asked.headers.items() if name.lower() == "content-type"), JSON)
    return replace(asked, body=body, headers={**named, "Content-Type": media or own})


def at_length(asked: Asked) -> Asked:
    """Return a request with a long address."""
    sign = "&" if "?" in asked.target else "?"
    return replace(asked, target=f"{asked.target}{sign}seatrial={'a' * ADDRESS}")


def with_much_to_say(asked: Asked) -> Asked:
    """Return a request with a long header."""
    return replace(asked, headers={**asked.headers, "X-Seatrial": "a" * HEADER})


def naming(template: str, name: str, asked: Asked) -> Asked:
    """Return a request for something that is not there."""
    parts = urlsplit(asked.target)
    path = re.sub(r"\{[^}]*\}", name, template)
    return replace(asked, target=f"{path}?{parts.query}" if parts.query else path)
