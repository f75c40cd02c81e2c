"""What the claims have come to so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seatrial.throttle._claims import Defect
from seatrial.throttle._journal import Journal
from seatrial.throttle._rollover import Rollovers
from seatrial.throttle._wire import Answer


@dataclass(slots=True)
class Ledger:
    """Defects of judged claims, and why others are not decided; a claim in neither was not tried.

    A defect holds whatever comes later: it was certain when it was found. `shown` is a transcript of what proves
    the claims that hold, `sent` counts requests by step, `growth` is by how
    many bytes each service grew with a second batch of clients, `figures` what was measured under pressure, `late_s`
    the longest that a request took to leave, `repeated` how often a step was tried again.
    """

    defects: dict[str, list[Defect]] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    shown: list[Answer] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    rollovers: Rollovers = field(default_factory=Rollovers)
    notes: list[str] = field(default_factory=list)
    sent: dict[str, int] = field(default_factory=dict)
    growth: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    late_s: float = 0.0
    repeated: int = 0
    admitted: int | None = None
    window_ratio: float | None = None

    @property
    def requests(self) -> int:
        """Return how many requests were sent, in all steps together."""
        return sum(self.sent.values())

    def surplus(self, quota: int) -> int:
        """Return how many requests beyond their quota users are admitted: that is another claim than most."""
        return max(0, (self.admitted or 0) - quota)

    def judge(self, claim: str, defects: Sequence[Defect]) -> None:
        """Note that a claim was judged; the same defect counts once."""
        known = self.defects.setdefault(claim, [])
        known.extend(defect for defect in defects if defect.cause not in {other.cause for other in known})

    def leave_open(self, claims: Sequence[str], reason: str) -> None:
        """Note that claims are not decided, and the first reason why."""
        for claim in claims:
            self.undecided.setdefault(claim, reason)

    def block(self, claims: Sequence[str], reason: str) -> None:
        """Note that claims mean nothing because another one failed."""
        for claim in claims:
            self.blocked.setdefault(claim, reason)

    def show(self, *answers: Answer) -> None:
        """Keep answers for the transcript."""
        self.shown.extend(answer for answer in answers if answer not in self.shown)
