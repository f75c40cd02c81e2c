"""What a limiter did to one client, reduced to what models are held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seatrial.throttle._policy import DRIFT, READING_S

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """One request: the limiter decided between `sent` and `received`, in seconds since the epoch."""

    sent: float
    received: float
    admitted: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """The requests of a client that nobody used before, in order; a plain one fills the quota and then only asks.

    Plain ones tell which way a window is wrong: too short where a request was refused, too long where one was admitted.
    """

    client: str
    hits: tuple[Hit, ...]
    plain: bool = True
    screened: bool = False
    """Whether other requests were sent in between, which may have counted though they were refused, or not."""

    def recoveries(self) -> list[Interval]:
        """Return between which two instants the client was admitted again, each time that it was."""
        pairs = [(before, after) for before, after in pairwise(self.hits) if after.admitted and not before.admitted]
        return [(before.sent, after.received) for before, after in pairs]

    @property
    def filled(self) -> int:
        """Return how many were admitted before the first refusal."""
        return next((number for number, hit in enumerate(self.hits) if not hit.admitted), len(self.hits))


def ended_by_chance(segments: Sequence[Segment], lengths: Sequence[float]) -> float:
    """Return how likely a window of such lengths ended while a quota was used up, of each client who did that.

    What was admitted until the first refusal is then more than a quota. Without a length, a window is taken to be as
    long as the shortest time between two ends that a client met, or else in which it met one.
    """
    plain = [segment for segment in segments if segment.plain and segment.filled < len(segment.hits)]
    met = [(segment.hits[0].sent, segment.recoveries()) for segment in plain]
    gaps = [later[1] - sooner[0] for _, ends in met for sooner, later in pairwise(ends)]
    waits = [ends[0][1] - came_s for came_s, ends in met if ends]
    least_s = min(lengths or gaps or waits or [math.inf])
    return math.prod(min(1.0, (one.hits[one.filled].received - one.hits[0].sent) / least_s) for one in plain)


def blurred(segments: Sequence[Segment], seconds: float) -> list[Segment]:
    """Return what was seen by clocks that may be wrong by so much: reading them, and drifting apart, costs a little."""
    return [replace(segment, hits=tuple(_blur(segment.hits, seconds))) for segment in segments]


def _blur(hits: Sequence[Hit], seconds: float) -> Iterator[Hit]:
    for hit in hits:
        by = seconds + READING_S + DRIFT * (hit.received - hits[0].sent)
        yield Hit(hit.sent - by, hit.received + by, hit.admitted)


def thinned(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments without the refusals between two refusals: where refusals do not count, these tell nothing."""
    return [replace(segment, hits=tuple(_telling(segment.hits))) for segment in segments]


def _telling(hits: Sequence[Hit]) -> Iterator[Hit]:
    for number, hit in enumerate(hits):
        if number == len(hits) - 1 or any(other.admitted for other in hits[max(0, number - 1) : number + 2]):
            yield hit


FITS, SHORT, LONG = 0, -1, 1
CLOSE = 1.00005
"""Numbers that differ by less are not told apart."""


def bracket(check: Callable[[float], int], low: float, high: float) -> Interval | None:
    """Return the smallest and the largest number that fit, by bisection of what is too short and what too long."""
    below, above = low, high
    while above / below > CLOSE:
        middle = (below * above) ** 0.5
        told = check(middle)
        if told == FITS:
            return _edge(check, middle, below), _edge(check, middle, above)
        below, above = (middle, above) if told == SHORT else (below, middle)
    return None


def _edge(check: Callable[[float], int], inside: float, outside: float) -> float:
    while max(inside, outside) / min(inside, outside) > CLOSE:
        middle = (inside * outside) ** 0.5
        inside, outside = (middle, outside) if check(middle) == FITS else (inside, middle)
    return inside


def simplest(low: float, high: float, told: Sequence[float] = ()) -> float:
    """Return the number in an interval that people would have written: one that was told, else the roundest."""
    for number in told:
        if low <= number <= high:
            return number
    for step in (60, 30, 10, 5, 1, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001):
        number = round(round((low + high) / 2 / step) * step, 6)
        if number > 0 and low <= number <= high:
            return number
    return (low + high) / 2
