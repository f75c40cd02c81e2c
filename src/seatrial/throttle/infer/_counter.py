"""The sliding counter: this window's requests, and of the one before the share that the last window's length overlaps.

Implementations round that share down, up or to the nearest number, each always alike: so whichever of these explains
every answer is told. Only where none does, answers within one request of the quota decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, floor, log

from seatrial.throttle.infer._fixed import between
from seatrial.throttle.infer._seen import Hit, Interval, Segment

State = tuple[int, int, int]
"""The window's number, what the one before admitted, and what this one did."""
SLACK = 0.01
"""Of a window: clocks of limiters are no finer."""
CLOCK, FIRST_REQUEST = "clock", "first-request"
COARSE, FINE = 1.06, 1.008
"""Lengths are tried many at once, and those of which some may explain everything are parted: that far."""
ROUNDED = ((0.0, 0.0), (0.5, 0.5), (1 - 1e-9, 1 - 1e-9))
"""By how much less than the quota is seen where somebody is still admitted, and where he is refused already."""
ANYHOW = (0.0, 1 + 1e-9)
PARTS, NARROW = 12, 1 / 48
"""So are the places of a first request in its window."""


@dataclass(frozen=True, slots=True)
class Run:
    """One request, or several in a row that were answered alike in too short a time to tell when each of them was."""

    sent: float
    received: float
    admitted: bool
    count: int = 1

    def joined(self, hit: Hit, window_s: float) -> Run | None:
        """Return these and one more, None where that was answered otherwise, or too late to be in the next window."""
        soon = hit.sent < self.sent + SLACK * window_s and hit.received < self.sent + window_s
        if hit.admitted != self.admitted or not soon:
            return None
        return Run(self.sent, hit.received, self.admitted, self.count + 1)


def runs(segment: Segment, window_s: float) -> list[Run]:
    """Return a client's requests, those joined that may be counted together: a quota is mostly taken at once."""
    found: list[Run] = []
    for hit in segment.hits:
        if found and (more := found[-1].joined(hit, window_s)):
            found[-1] = more
        else:
            found.append(Run(hit.sent, hit.received, hit.admitted))
    return found


@dataclass(frozen=True, slots=True)
class Counters:
    """Sliding counters of many lengths, with many places of one time in a window: all are refuted at once, or none."""

    quota: int
    window: Interval
    place: Interval
    refused_count: bool = False
    rounded: Interval = ANYHOW

    def explain(self, seen: Sequence[Run], since_s: float) -> bool:
        """Say whether one of them may have given every answer; `since_s` is what has that place."""
        states: set[State] = {(floor(self._between(seen[0], since_s)[0]), 0, 0)}
        for run in seen:
            states = set(self._follow(states, run, *self._between(run, since_s)))
            if not states:
                return False
        return True

    def _between(self, run: Run, since_s: float) -> Interval:
        """Return when a run was decided, in windows."""
        (shortest, longest), (least, most) = self.window, self.place
        return least + (run.sent - since_s) / longest - SLACK, most + (run.received - since_s) / shortest + SLACK

    def _follow(self, states: set[State], run: Run, sent: float, received: float) -> Iterator[State]:
        """Return what can be after a run, of what could be before: it lies in one window, or goes on in the next."""
        last, answered = floor(received), self._admitted if run.admitted else self._refused
        for number in range(floor(sent), last + 1):
            for state in (_moved(state, number) for state in states if state[0] <= number):
                yield from answered(state, run.count, sent, received)
                for count in range(1, run.count if number < last else 0):
                    for before in answered(state, count, sent, received):
                        yield from answered(_moved(before, number + 1), run.count - count, sent, received)

    def _admitted(self, state: State, count: int, _: float, received: float) -> Iterator[State]:
        """Admit so many; of the window before, least is still in view when that is decided late."""
        number, previous, current = state
        least = 1 - min(1.0, max(0.0, received - number))
        if previous * least + current + count - 1 < self.quota - self.rounded[0]:
            yield number, previous, current + count

    def _refused(self, state: State, count: int, sent: float, _: float) -> Iterator[State]:
        """Refuse so many; of the window before, most is still in view when that is decided at once."""
        number, previous, current = state
        most = 1 - min(1.0, max(0.0, sent - number))
        if previous * most + current >= self.quota - self.rounded[1]:
            yield number, previous, current + count * self.refused_count


def _moved(state: State, number: int) -> State:
    """Return what a state is in a window that is not before its own."""
    before, old, new = state
    previous, current = (old, new) if number == before else (new, 0) if number == before + 1 else (0, 0)
    return number, previous, current


@dataclass(frozen=True, slots=True)
class Search:
    """Clients, and what they are held against: counters by the clock, or from each client's first request on."""

    seen: Sequence[Sequence[Run]]
    quota: int
    anchor: str
    refused_count: bool
    until_s: float
    rounded: Interval

    def edge(self, low: float, high: float, *, longest: bool) -> float | None:
        """Return the shortest length between two that explains everything, or the longest; None where none does."""
        if time.monotonic() > self.until_s or not self._possible((low, high)):
            return None
        if high <= low * FINE:
            return high if longest else low
        middle = (low * high) ** 0.5
        return self.first([(low, middle), (middle, high)], longest=longest)

    def first(self, windows: Sequence[Interval], *, longest: bool) -> float | None:
        """Return the shortest length in some stretches of them that follow each other, or the longest."""
        found = (self.edge(*window, longest=longest) for window in (reversed(windows) if longest else windows))
        return next((length for length in found if length is not None), None)

    def edges(self, windows: Sequence[Interval]) -> Interval | None:
        """Return the shortest length in such stretches that explains everything, with the longest one."""
        shortest, longest = self.first(windows, longest=False), self.first(windows, longest=True)
        return (shortest, longest) if shortest and longest else None

    def _possible(self, window: Interval) -> bool:
        if self.anchor == FIRST_REQUEST:
            some = Counters(self.quota, window, (0.0, 0.0), self.refused_count, self.rounded)
            return all(some.explain(client, client[0].sent) for client in self.seen)
        parts = ((part / PARTS, (part + 1) / PARTS) for part in range(PARTS))
        return any(self._lies(Counters(self.quota, window, part, self.refused_count, self.rounded)) for part in parts)

    def _lies(self, some: Counters) -> bool:
        """Say whether the first request of all lies at one of some places in the window that all clients share."""
        since_s = min(client[0].sent for client in self.seen)
        if not all(some.explain(client, since_s) for client in self.seen):
            return False
        low, high = some.place
        if high - low <= max(NARROW, some.window[1] / some.window[0] - 1):
            return True
        middle = (low + high) / 2
        return any(self._lies(replace(some, place=half)) for half in ((low, middle), (middle, high)))


def fit_counter(
    segments: Sequence[Segment], quota: int, lengths: Interval, until_s: float, *, refused_count: bool = False
) -> tuple[str, Interval] | None:
    """Return the anchor with the lengths that explain every answer: the one with the fewest assumptions."""
    seen = sorted((runs(segment, lengths[0]) for segment in segments), key=len)
    for anchor in (CLOCK, FIRST_REQUEST):
        search = Search(seen, quota, anchor, refused_count, until_s, ANYHOW)
        if anyhow := search.edges(_stretches(*lengths)):
            narrow = _stretches(anyhow[0] / FINE, anyhow[1] * FINE)
            found = [edges for some in ROUNDED if (edges := replace(search, rounded=some).edges(narrow))]
            return anchor, (min(low for low, _ in found), max(high for _, high in found)) if found else anyhow
    return None


def _stretches(low: float, high: float) -> list[Interval]:
    """Return lengths to be tried many at once."""
    return list(pairwise(between(low, high, max(1, ceil(log(high / low) / log(COARSE))))))
