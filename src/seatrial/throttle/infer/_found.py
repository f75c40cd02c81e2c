"""What an inference came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from seatrial.throttle._wire import Answer

FIELDS = (
    "algorithm",
    "anchor",
    "quota",
    "window_s",
    "burst",
    "refill_per_s",
    "replicas",
    "scope",
    "rejected_count",
    "status",
    "headers",
)
REQUIRED = ("algorithm", "quota", "window_s")
NOT_LIMITED, QUEUE, CONCURRENCY = "none", "leaky-queue", "concurrency"


def row(answer: Answer) -> dict[str, Any]:
    """Return one request as it is printed: who sent what, when by our clock, and what came back."""
    return {
        "client": answer.client,
        "method": answer.method,
        "path": answer.path,
        "status": answer.status or None,
        "sent": answer.sent.at,
        "received": answer.received.at,
    }


@dataclass(slots=True)
class Found:
    """The policy as far as it was found; what is None is open or has no meaning for the algorithm.

    `confidence` says how a field is known: proved (it holds whatever the time between sending and receipt was spent
    on), fitted (no other limiter that was tried explains every answer), told (by headers alone), or open; and between
    which numbers it lies. `inconclusive` has the reasons.
    """

    values: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(FIELDS))
    defects: set[str] = field(default_factory=set)
    confidence: dict[str, dict[str, Any]] = field(default_factory=dict)
    inconclusive: dict[str, str] = field(default_factory=dict)
    proof: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0
    retry_after: bool = False
    """Whether refusals say when to come back."""

    def learn(  # noqa: PLR0913 - what is known of a field
        self,
        name: str,
        value: Any,
        how: str,
        *,
        between: tuple[float, float] | None = None,
        proof: str = "",
        answers: Iterable[Answer] = (),
    ) -> None:
        """Note a field's value, how it is known, and the requests that show it."""
        self.values[name] = value
        low, high = between or (None, None)
        self.confidence[name] = {"how": how, "low": low, "high": high}
        self.show(name, answers)
        self.proof[name] = proof

    def show(self, name: str, answers: Iterable[Answer]) -> None:
        """Note the requests that show a field, if it is known."""
        if name in self.confidence:
            self.shown[name] = [row(answer) for answer in answers]

    def leave_open(self, name: str, reason: str) -> None:
        """Note why a field is not known; the first reason stays."""
        self.inconclusive.setdefault(name, reason)

    def blame(self, defect: str, proof: str) -> None:
        """Note a defect and the requests that show it."""
        self.defects.add(defect)
        self.proof.setdefault(defect, proof)

    def close(self, reason: str) -> None:
        """Give every field that is neither known nor open this reason."""
        for name in FIELDS:
            if name not in self.confidence:
                self.leave_open(name, reason)

    @property
    def exit_code(self) -> int:
        """Return 1 for defects, 3 when the policy itself stayed open, else 0."""
        if self.defects:
            return 1
        return 3 if any(name in self.inconclusive for name in REQUIRED) else 0

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        unknown = {"how": "open", "low": None, "high": None}
        confidence = {
            name: {**self.confidence.get(name, unknown), "requests": self.shown.get(name, [])} for name in FIELDS
        }
        return {
            **self.values,
            "defects": sorted(self.defects),
            "confidence": confidence,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "inconclusive": dict(sorted(self.inconclusive.items())),
        }
