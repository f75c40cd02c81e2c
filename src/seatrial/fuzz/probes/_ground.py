"""What probes stand on: the document, what was sent so far, and what the project declares beside its document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from seatrial.config import ContractSettings, ErrorSettings, TracingSettings
from seatrial.fuzz._looked import Gap, proper
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Asker
from seatrial.fuzz.probes._found import Seen
from seatrial.openapi import Operation

SUCCESS = range(200, 300)
GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Besides:
    """What the project declares beside its document; `tenants`: that users are those of organisations.

    `redact` returns a text without the secrets of the run.
    """

    errors: ErrorSettings | None = None
    tracing: TracingSettings | None = None
    tenants: bool = False
    redact: Callable[[str], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What was promised and what was sent; `limited` are the statuses with which a limiter rejects.

    `about` is the label of the one operation that is looked at, empty for each.
    """

    operations: Mapping[str, Operation]
    sent: Sequence[Sent]
    settings: ContractSettings
    besides: Besides
    limited: Collection[int]
    ask: Asker
    about: str = ""

    @property
    def answers(self) -> list[Sent]:
        """Return whatever was answered so far, to requests of probes too."""
        return [sent for sent in (*self.sent, *self.ask.kept) if sent.status and sent.operation in self.operations]

    def accepted(self, operation: Operation) -> list[Sent]:
        """Return requests of an operation that went through, short ones first, each body once."""
        mine = [sent for sent in self.sent if sent.operation == operation.label and proper(sent, operation)]
        usable = [sent for sent in mine if sent.status in SUCCESS and sent.mode != "negative"]
        ordered = sorted(usable, key=lambda sent: (len(sent.body), sent.number))
        return list({sent.body: sent for sent in reversed(ordered)}.values())[::-1]


Probe = Callable[[Ground], tuple[list[Seen], Gap | None]]
"""Returns what is wrong, and why nothing can be said where that is so."""
