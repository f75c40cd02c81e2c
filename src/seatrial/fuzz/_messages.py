"""What goes between the harness and the process in which Schemathesis runs: JSON lines."""

from __future__ import annotations

from typing import Any

import msgspec

SHOWN = 8192
"""How much of a body stands in the record."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the child gets on standard input: the document, where it is served, and who to be.

    `identities` are (name, headers); each is used for at most `uses` requests before the next one's turn. Requests
    without an identity go out from `addresses` in turn, or, where there are none, not more than `uses` in `window_s`.
    """

    document: dict[str, Any]
    base_url: str
    seed: int
    examples: int
    identities: list[tuple[str, dict[str, str]]]
    addresses: list[str]
    uses: int
    window_s: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one of Schemathesis's checks said about a case; an empty title is a pass."""

    name: str
    title: str = ""
    message: str = ""


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One request that was sent, with its answer (status 0: none) and what the checks said."""

    operation: str
    mode: str
    method: str
    url: str
    identity: str
    request_headers: list[tuple[str, str]]
    body: bytes
    status: int = 0
    response_headers: list[tuple[str, str]] = []
    response_body: str = ""
    elapsed_s: float = 0.0
    verdicts: list[Verdict] = []

    @property
    def request_body(self) -> str:
        """Return the body as text, for people."""
        return self.body[:SHOWN].decode("utf-8", "replace")


class Doing(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the child is at."""

    phase: str


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An error that kept something from being tested."""

    message: str
    fatal: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last line: the engine came to its end."""


Message = Sent | Doing | Broken | Done
