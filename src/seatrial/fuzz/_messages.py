"""What goes between the harness and the process in which Schemathesis runs: JSON lines."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from seatrial.signin import Means, Token

SHOWN = 8192
"""How much of a body stands in the record."""

CUT = re.compile(r"\.\.\. \(\d+ bytes\)$")
"""How the text of a body ends that was longer."""

NO_ANSWER = "no_answer"
"""The name of our own check: a request that got no answer is a failure that the engine has no check for."""


TIMED = frozenset({"use_after_free", "ensure_resource_availability"})
"""Failures that a slow service shows again and again without being wrong for long: only a second look confirms them."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests a client may send in any `window_s` seconds."""

    uses: int
    window_s: float


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Where requests hold keys that are in no header of their own, and the key of each identity."""

    place: Literal["query", "cookie"]
    name: str
    secrets: dict[str, str]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity's token is renewed by, and the token."""

    means: Means
    token: Token


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the child gets on standard input: the document, where it is served, and who to be.

    `identities` are (name, headers); in any `window_s` seconds each sends at most `uses` requests of its own accord and
    `most` if they concern a resource that it made. Requests without an identity go out from `addresses` in the same
    way, to `by_address`. `narrow` are the limits of single paths, which count nothing else; `batches` maps a path to
    the field with the list whose length is what a request there counts for. `limited` are the statuses with which a
    limiter rejects; where nothing is known of one (`window_s` is 0), it is given way to. `only` are the labels of what
    is fuzzed, if that is not all. After `budget_s` seconds the engine is stopped, wherever it is: an emergency, as all
    that it sends is counted. At most `processes` parts of the document are fuzzed at once. With a `key`, identities'
    headers are those by which the engine knows them. `sources` are those of tokens that end.
    """

    document: dict[str, Any]
    base_url: str
    seed: int
    examples: int
    identities: list[tuple[str, dict[str, str]]]
    addresses: list[str]
    by_address: str
    uses: int
    most: int
    window_s: float
    limited: list[int]
    budget_s: float
    narrow: dict[str, Share] = {}
    batches: dict[str, str] = {}
    only: list[str] = []
    processes: int = 1
    key: Key | None = None
    sources: dict[str, Source] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check said about a case; an empty title is a pass.

    `detail` tells failures of one title apart. `chain` are the numbers of the requests that led to the failure, oldest
    first, the failing one last.
    """

    name: str
    title: str = ""
    detail: str = ""
    message: str = ""
    chain: list[int] = []


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One request that was sent, with its answer (status 0: none) and what the checks said.

    `chained`: it uses what an earlier answer held. `displaced`: somebody else than the resource's maker had to send it.
    `cut`: its answer was too large to be read to its end. `held` names its inputs (`query:limit`, `body`), `negated`
    those that were made invalid, `query` for all of a place. `at_s` is the monotonic clock of this machine. `phase` is
    what the engine was at.
    """

    number: int
    operation: str
    mode: str
    method: str
    url: str
    identity: str
    request_headers: list[tuple[str, str]]
    body: bytes
    at_s: float
    status: int = 0
    response_headers: list[tuple[str, str]] = []
    response_body: str = ""
    elapsed_s: float = 0.0
    chained: bool = False
    displaced: bool = False
    cut: bool = False
    held: list[str] = []
    negated: list[str] = []
    phase: str = ""
    verdicts: list[Verdict] = []

    @property
    def request_body(self) -> str:
        """Return the body as text, for people."""
        return shown(self.body)


class Repeated(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A failing request was sent once more: whether the same check failed in the same way."""

    number: int
    name: str
    title: str
    same: bool


class Lived(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The life of a resource was followed; `missing` says what kept its end from being seen (empty: it was seen)."""

    lifecycle: str
    missing: str = ""


class Learned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Somebody has another token from now on; it is secret."""

    who: str
    token: Token


class SentAgain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A request that a limiter refused is sent again: what was refused is no case."""


class Doing(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the child is at."""

    phase: str


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An error that kept something from being tested; a fatal one ended the engine."""

    message: str
    fatal: bool = False


class Gone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The service went away, and does not take connections any more; nothing was sent after that."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The time was up in this phase."""

    phase: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last line: the engine came to its end."""


Message = Sent | Repeated | Lived | Learned | SentAgain | Doing | Broken | Gone | Stopped | Done


def shown(content: bytes) -> str:
    """Return a body as text, cut where it is long."""
    text = content[:SHOWN].decode("utf-8", "replace")
    return text if len(content) <= SHOWN else f"{text}... ({len(content)} bytes)"
