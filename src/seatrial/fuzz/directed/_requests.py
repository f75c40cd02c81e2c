"""Requests made of those that were answered before, and who sends them."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.core import Identities, Identity, Target, media_type
from seatrial.core.tls import trusted
from seatrial.fuzz._bounds import LONGEST_S, beginning
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.directed._known import NOBODY

MARK = "{{secret:"
OF_THE_CONNECTION = frozenset({"host", "content-length", "connection", "transfer-encoding"})
ADDRESSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request without credentials; `target` is its path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back: status 0 stands for no answer."""

    status: int = 0
    media: str = ""
    body: bytes = b""

    @property
    def data(self) -> Any:
        """Return the body as JSON data, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def asked_in(sent: Sent, url: str) -> Asked:
    """Return a recorded request without what made it its sender's."""
    kept = {name: value for name, value in sent.request_headers if _is_plain(name, value)}
    return Asked(method=sent.method, target=sent.url.removeprefix(url), headers=kept, body=sent.body)


def _is_plain(name: str, value: str) -> bool:
    return name.lower() not in OF_THE_CONNECTION and MARK not in value and value.isascii()


class Senders:
    """Send requests: as people whom nobody saw before, each for `uses` requests at most, or from addresses by turns."""

    def __init__(self, identities: Identities, target: Target, *, uses: int) -> None:
        self._target = target
        self._people = _people(identities, uses)
        self._nobody = itertools.cycle(identities.lease_anonymous(ADDRESSES) or [NOBODY])

    def fresh(self, *, secured: bool) -> Identity:
        """Return who sends next: somebody with credentials, or nobody."""
        return next(self._people if secured else self._nobody)

    def send(self, asked: Asked, who: Identity) -> Answered:
        """Send a request, and read the beginning of its answer."""
        until_s = time.monotonic() + LONGEST_S
        transport = httpx.HTTPTransport(local_address=who.address or None, verify=trusted())
        url = self._target.seen_from(who.address) + asked.target
        try:
            with (
                httpx.Client(transport=transport, timeout=LONGEST_S, trust_env=False) as client,
                client.stream(
                    asked.method, url, headers={**asked.headers, **who.headers}, content=asked.body or None
                ) as answer,
            ):
                media = media_type(answer.headers.get("Content-Type", ""))
                return Answered(status=answer.status_code, media=media, body=beginning(answer, until_s))
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answered()


def _people(identities: Identities, uses: int) -> Iterator[Identity]:
    while True:
        yield from [identities.lease(1)[0]] * uses
