"""How often each client may send, and whose turn it is: identities change before any of them nears its quota."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

SAFETY_S = 0.5
"""Added to a window: the limiter's clock starts when the request arrives there, not when it leaves here."""


class Allowance:
    """A log of when a client sent: holds for fixed and sliding windows alike."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s + SAFETY_S if window_s else 0.0
        self._times: deque[float] = deque()
        self.taken = 0
        self._rests_until = 0.0

    def rest(self, until: float) -> None:
        """Send nothing until a moment, whatever was used."""
        self._rests_until = until

    def used(self, now: float) -> int:
        """Return how many requests count in the window that ends now."""
        while self._times and self._times[0] <= now - self._window_s:
            self._times.popleft()
        return len(self._times)

    def wait_s(self, now: float, uses: int) -> float:
        """Return how long to wait until fewer than `uses` requests count, and any rest is over."""
        over, rest_s = self.used(now) - uses, max(0.0, self._rests_until - now)
        return rest_s if over < 0 else max(rest_s, self._times[over] + self._window_s - now)

    def take(self, now: float, cost: int = 1) -> None:
        """Count a request that is sent now."""
        self._times.extend([now] * cost)
        self.taken += cost


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """Somebody who sends: an identity with its headers, or nobody from an address of his own.

    Whose turn it is goes `by_pace`, and how long he waits then `by_clock`: of requests as fast as they are sent.
    """

    name: str
    headers: dict[str, str]
    address: str
    by_pace: Allowance
    by_clock: Allowance

    @classmethod
    def limited(cls, name: str, headers: dict[str, str], address: str, window_s: float) -> Client:
        """Return somebody who has sent nothing yet."""
        return cls(name, headers, address, Allowance(window_s), Allowance(window_s))


class Rota:
    """Hand the turn on: the same client until its uses are up, then the next one that has any left.

    A turn is so many requests, however long they take: who sends what is not to go by how fast the machine is.
    """

    def __init__(self, clients: Sequence[Client], *, uses: int) -> None:
        self._clients = clients
        self._uses = uses
        self._turn = 0
        self._turn_ends = uses

    def next(self, now: float) -> Client:
        """Return who sends next, by pace: when all have used theirs up, the one that has to wait least."""
        current = self._clients[self._turn]
        if current.by_pace.taken < self._turn_ends and not current.by_pace.wait_s(now, self._uses):
            return current
        for step in range(len(self._clients)):
            index = (self._turn + 1 + step) % len(self._clients)
            client = self._clients[index]
            if not client.by_pace.wait_s(now, self._uses):
                self._turn, self._turn_ends = index, client.by_pace.taken + self._uses
                return client
        return min(self._clients, key=lambda client: client.by_pace.wait_s(now, self._uses))
