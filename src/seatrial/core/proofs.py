"""What the proof of a rate limit leaves for a reviewer, beside the outcomes of its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seatrial.core.outcomes import CheckResult

Tried = Literal[
    "refused",
    "not served",
    "no answer",
    "another handler",
    "unknown handler",
    "limited apart",
    "bypass",
    "as another",
    "unconfirmed",
    "not tried",
]
"""What came of a request that was written otherwise, by a client whose quota is used up.

`another handler` admitted it, which is none of this policy's; an `unknown handler` admits more than a quota, and may be
the limited one. `limited apart` has a bucket of its own that is limited too, `as another` was admitted and is another
way of a bypass that is confirmed already, `unconfirmed` was admitted and could not be tried beyond a quota.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request, and its answer, of status 0 where none came; the times are seconds of one monotonic clock."""

    operation: str
    status: int
    refused: bool
    sent_s: float
    received_s: float

    @property
    def came(self) -> str:
        """Return what the limiter did: where there is no answer that is a refusal, nobody knows."""
        return "refused" if self.refused else "admitted" if self.status else "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one client sent, in order."""

    client: str
    sent: tuple[Sent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the headers of the `number`th answer of a client said, and of those that are not true what is.

    Of those that are `unjudged` nothing tells what would be true.
    """

    number: int
    status: int
    said: Mapping[str, str]
    untrue: Mapping[str, str] = field(default_factory=dict)
    unjudged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bypass:
    """One way to write a request otherwise, which could refute `check`.

    `status` is what it was answered with (0: not at all). Where a fresh client tried it beyond its quota, `admitted` of
    its `asked` requests were.
    """

    check: str
    cause: str
    what: str
    who: str
    came: Tried = "not tried"
    operation: str = ""
    status: int = 0
    admitted: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProof:
    """One policy's proof: what it promises, what each claim came to, and the exchanges (by id) that show it.

    `transcripts` are by check, and of claims that hold. `requests` were sent; those in `lanes` were answered.
    """

    policy: str
    quota: int
    window_s: float
    promises: Mapping[str, str]
    results: tuple[CheckResult, ...]
    transcripts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lanes: tuple[Lane, ...] = ()
    headers: tuple[Told, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    requests: int = 0
