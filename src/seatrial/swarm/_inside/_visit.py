"""One arrival while it is being served."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import gevent

MARK = "seatrial_visit"
MOST_REQUESTS = 100


class EndlessTaskError(BaseException):
    """A task asked on and on; a user's own `except Exception` does not keep it going."""


@dataclass(slots=True, eq=False)
class Open:
    """A request that was sent and not yet judged; `begins_s` is what its latency counts from.

    `elsewhere` says why it was not sent, or not followed any further: it leads away from the target.
    """

    operation: str
    begins_s: float
    sent_s: float
    answered_s: float = 0.0
    elsewhere: str = ""


@dataclass(slots=True, kw_only=True)
class Judged:
    """How a request ended: what its row says."""

    operation: str
    outcome: str
    latency_ms: float
    service_ms: float
    status: int = 0
    media: str = ""
    cause: str = ""
    length: int = 0


@dataclass(slots=True, kw_only=True)
class Visit:
    """An arrival: when it was due, when it began, as whom, and how its requests went so far."""

    index: int
    due_s: float
    identity: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    began_s: float = 0.0
    requests: int = 0
    rows: int = 0
    failures: int = 0
    proven: int = 0
    opened: list[Open] = field(default_factory=list)

    @property
    def lag_ms(self) -> float:
        """Return how long after its due time it began."""
        return (self.began_s - self.due_s) * 1000

    def send(self, operation: str, now_s: float) -> Open:
        """Return a request that is about to be sent: the first one counts from the due time, all others from now."""
        if self.requests == MOST_REQUESTS:
            raise EndlessTaskError(f"more than {MOST_REQUESTS} requests")
        sent = Open(operation, now_s if self.requests else self.due_s, now_s)
        self.requests += 1
        self.opened.append(sent)
        return sent

    def make_current(self) -> None:
        """Attach this arrival to the greenlet that serves it."""
        setattr(gevent.getcurrent(), MARK, self)


def current_visit() -> Visit | None:
    """Return the arrival that the running greenlet serves, or None."""
    found = getattr(gevent.getcurrent(), MARK, None)
    return found if isinstance(found, Visit) else None


@contextlib.contextmanager
def no_visit() -> Iterator[None]:
    """Let what the running greenlet sends meanwhile belong to no arrival."""
    greenlet = gevent.getcurrent()
    before = getattr(greenlet, MARK, None)
    setattr(greenlet, MARK, None)
    try:
        yield
    finally:
        setattr(greenlet, MARK, before)
