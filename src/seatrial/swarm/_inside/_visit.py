"""One arrival while it is being served."""

from __future__ import annotations

from dataclasses import dataclass, field

import gevent

MARK = "seatrial_visit"


@dataclass(slots=True)
class Open:
    """A request that was sent and not yet judged; `begins_s` is what its latency counts from.

    `elsewhere` says why it was not sent, or not followed any further: it leads away from the target.
    """

    operation: str
    begins_s: float
    answered_s: float = 0.0
    elsewhere: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a request ended: what its row says."""

    operation: str
    outcome: str
    latency_ms: float
    status: int = 0
    media: str = ""
    cause: str = ""


@dataclass(slots=True, kw_only=True)
class Visit:
    """An arrival: when it was due, when it began, as whom, and how its requests went so far."""

    index: int
    due_s: float
    identity: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    began_s: float = 0.0
    rows: int = 0
    failures: int = 0
    open: Open | None = None

    @property
    def lag_ms(self) -> float:
        """Return how long after its due time it began."""
        return (self.began_s - self.due_s) * 1000

    def make_current(self) -> None:
        """Attach this arrival to the greenlet that serves it."""
        setattr(gevent.getcurrent(), MARK, self)


def current_visit() -> Visit | None:
    """Return the arrival that the running greenlet serves, or None."""
    found = getattr(gevent.getcurrent(), MARK, None)
    return found if isinstance(found, Visit) else None
