"""What the harness tells the load process, and what comes back: one JSON object a line, standard library only.

harness --stdin: Plan; go; perhaps stop; open for as long as the harness lives--> load process
harness <--stdout: broken | ready, tick (and shown) once a second, done--------- load process --> requests.csv
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from seatrial.swarm._rate import Knot, Rate
from seatrial.swarm._schedule import Spacing, due_times, share_of
from seatrial.swarm.traffic._requests import Prepared

GO, STOP = b"go\n", b"stop\n"
COLUMNS = (
    "arrival",  # number of the arrival, -1 for what a user does before its first one
    "due_s",
    "lag_ms",  # how long after its due time the arrival began
    "identity",
    "operation",
    "status",  # 0: no answer
    "media",
    "outcome",
    "latency_ms",
    "service_ms",  # from the send to the whole answer, or to the end of waiting for it
    "cause",
)
OK, FAILED, TIMEOUT, UNFINISHED = "ok", "failed", "timeout", "unfinished"
ELSEWHERE = "elsewhere"
"""The outcome of a request that was not sent, or not followed any further, as it leads away from the target."""
TURNED_AWAY, LATE = "turned-away", "late"
"""The outcomes of an arrival that never began: too many were under way, or its deadline was over before it could."""

DROPPED = (TURNED_AWAY, LATE)
RAISED = "raised"
"""The outcome of a task that failed though its requests did not: its row has no latency of its own."""

SPOILT_SHARE = 0.1
"""An arrival that begins later than this share of its deadline does not prove that an answer was too slow."""

TASK = "TASK"
"""The method of a row that is no request: an arrival that never began, or a task that raised, or sent nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A scenario as the load process needs it; `identities` are pairs of a name and secret headers.

    `rate_per_s` is the mean rate, `knots` how it changes with time, where it does. An arrival that is due while
    `most_in_flight` are under way is turned away; 0 sets no such bound. `journey_s` is how long an arrival may take
    when the time is over, where that is more than the deadline of one request. `traffic` are the requests that are sent
    by turns where there is no `user`, who may be handed `paths`. `share` is which part of the arrivals is this
    process's own: every one of them that is the first number, modulo the second. `named` is what the project calls the
    load file, on every machine; `source` is what says what is sent where no `user` does: paths, contract or har.
    `shown`: what is for Locust's web page is told as well.
    """

    name: str
    url: str
    file: str
    user: str
    paths: tuple[str, ...]
    rate_per_s: float
    duration_s: float
    deadline_s: float
    spacing: Spacing
    seed: int
    identities: tuple[tuple[str, dict[str, str]], ...] = field(default=(), repr=False)
    requests: str = ""
    most_in_flight: int = 0
    knots: tuple[Knot, ...] = ()
    journey_s: float = 0.0
    traffic: tuple[Prepared, ...] = ()
    share: tuple[int, int] = (0, 1)
    named: str = ""
    source: str = "paths"
    shown: bool = False

    @property
    def patience_s(self) -> float:
        """Return how long arrivals may still take when no more are due."""
        return max(self.deadline_s, self.journey_s)

    @property
    def rate(self) -> Rate:
        """Return the rate over time."""
        return Rate(self.knots or [(0.0, self.rate_per_s)])

    @property
    def arrivals(self) -> Iterator[tuple[int, float]]:
        """Yield number and due time of each arrival of this share."""
        times = due_times(self.rate, duration_s=self.duration_s, seed=self.seed, spacing=self.spacing)
        return share_of(times, *self.share)

    def encode(self) -> bytes:
        """Return the plan as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Plan:
        """Return the plan of a line."""
        data: dict[str, Any] = json.loads(line)
        identities = tuple((str(name), dict(headers)) for name, headers in data.pop("identities"))
        knots = tuple((at_s, per_s) for at_s, per_s in data.pop("knots"))
        traffic = tuple(Prepared(**each) for each in data.pop("traffic"))
        index, count = data.pop("share")
        paths = tuple(data.pop("paths"))
        return cls(identities=identities, paths=paths, traffic=traffic, knots=knots, share=(index, count), **data)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What became of every arrival: `due` = `started` + `dropped`, `started` = the other three together."""

    due: int = 0
    started: int = 0
    dropped: int = 0
    answered: int = 0
    failed: int = 0
    unfinished: int = 0

    @property
    def adds_up(self) -> bool:
        """Return whether no arrival is missing and none counted twice; each is counted where it happens."""
        ended = self.answered + self.failed + self.unfinished
        return min(asdict(self).values()) >= 0 and self.due == self.started + self.dropped and self.started == ended


def is_spoilt(outcome: str, lag_ms: float, *, deadline_s: float) -> bool:
    """Return whether a request got no answer in time after its arrival had begun late, so that little was left."""
    return outcome in {TIMEOUT, UNFINISHED} and lag_ms > SPOILT_SHARE * deadline_s * 1000


def due_of(plan: Plan) -> Ledger:
    """Return what is known of arrivals of which the load process told nothing: how many were due."""
    return Ledger(due=sum(1 for _ in plan.arrivals))
