"""The words of a schedule: clients, their visits, and the steps that these make up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["user", "colleague", "again", "moved", "forged", "address", "nobody", "reported", "crowd"]
"""Who a client is: a user; one of the same organisation as another; the same user with another token, or from another
address; a stranger with a forged token of his; an address without a token; nobody, where addresses mean nothing; one of
an IPv6 network of his own, as a proxy says; many who come once each."""

PACE_S = 0.004
"""What one request of one client is expected to take."""
RATE_PER_S = 500.0
"""What a service is expected to answer in a second, to all clients together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Somebody who sends requests, and nobody else's.

    `of` is the client whose user or organisation this is, `via` the proxy that reports his address.
    """

    name: str
    kind: Kind
    of: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Requests of one client, `at` windows after the first one of its step; `over` windows, where they are spread."""

    client: Client
    what: str
    requests: int
    at: float = 0.0
    over: float = 0.0

    @property
    def ends(self) -> float:
        """Return when the last request is due, in windows."""
        return self.at + self.over


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is tried, and the claims that it can refute.

    It begins once the first visits of the step `after` are over. `continues` names the step whose client comes again.
    Without a refusal in the first step, `refusals` says that it means nothing.
    """

    name: str
    claims: tuple[str, ...]
    visits: tuple[Visit, ...]
    after: str = ""
    continues: str = ""
    refusals: bool = False

    @property
    def requests(self) -> int:
        """Return how many requests it sends where nothing has to be repeated or confirmed."""
        return sum(visit.requests for visit in self.visits)

    def first_s(self, window_s: float) -> float:
        """Return how long those visits are expected to take that wait for nothing."""
        first = [visit for visit in self.visits if not visit.at]
        return sum(PACE_S * v.requests * (not v.over) for v in first) + window_s * max(v.over for v in first)

    @property
    def clients(self) -> tuple[Client, ...]:
        """Return who is needed, each once."""
        return tuple(dict.fromkeys(visit.client for visit in self.visits))

    def visit(self, what: str) -> Visit:
        """Return the visit of a kind."""
        return next(visit for visit in self.visits if visit.what == what)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Every step of a proof, in the order in which they can begin; `most` is what is never exceeded."""

    window_s: float
    steps: tuple[Step, ...]
    most: int

    @cached_property
    def requests(self) -> int:
        """Return how many requests are sent where nothing has to be repeated or confirmed."""
        return sum(step.requests for step in self.steps)

    @property
    def claims(self) -> frozenset[str]:
        """Return the claims that are tried."""
        return frozenset(claim for step in self.steps for claim in step.claims)

    @cached_property
    def begins_s(self) -> dict[str, float]:
        """Return when each step is expected to begin: what waits for a window's end leaves the time to the others."""
        begins: dict[str, float] = {}
        for step in self.steps:
            before = next((earlier for earlier in self.steps if earlier.name == step.after), None)
            begins[step.name] = begins[before.name] + before.first_s(self.window_s) if before else 0.0
        return begins

    def due_s(self, step: Step, visit: Visit) -> float:
        """Return when a visit is expected to begin."""
        return self.begins_s[step.name] + visit.at * self.window_s

    @property
    def seconds(self) -> float:
        """Return how long it is expected to take: until the last visit, or as long as the service takes to answer."""
        ends = [begin + PACE_S * visit.requests * (not visit.over) for begin, visit in self._ends()]
        return max([*ends, self.requests / RATE_PER_S], default=0.0)

    def _ends(self) -> Iterator[tuple[float, Visit]]:
        for step in self.steps:
            yield from ((self.begins_s[step.name] + visit.ends * self.window_s, visit) for visit in step.visits)
