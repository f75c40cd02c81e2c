"""The sliding counter: this window's requests, and of the one before the share that the last window's length overlaps.

Implementations round that share one way or the other, so answers within one request of the quota decide nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.throttle.infer._seen import Hit, Segment

State = tuple[int, int, int]
"""The window's number, what the one before admitted, and what this one did."""
PHASES = 48
SLACK = 0.025
"""Phases and lengths are tried in steps; what lies between two of them must not be refuted by either."""
CLOCK, FIRST_REQUEST = "clock", "first-request"


@dataclass(frozen=True, slots=True)
class Counter:
    """A sliding counter's parameters."""

    quota: int
    window_s: float
    phase_s: float
    refused_count: bool = False

    def explains(self, segment: Segment) -> bool:
        """Say whether every answer is what this counter gives."""
        states: set[State] | None = None
        for hit in segment.hits:
            states = set(self._follow(states, hit))
            if not states:
                return False
        return True

    def _follow(self, states: set[State] | None, hit: Hit) -> Iterator[State]:
        slack_s = SLACK * self.window_s
        hit = Hit(hit.sent - slack_s, hit.received + slack_s, hit.admitted)
        first, last = (math.floor((instant - self.phase_s) / self.window_s) for instant in (hit.sent, hit.received))
        for number in range(first, last + 1):
            for state in states if states is not None else {(number, 0, 0)}:
                if number >= state[0]:
                    previous, current = _moved(state, number)
                    if self._allows(hit, number, previous, current):
                        yield number, previous, current + (hit.admitted or self.refused_count)

    def _allows(self, hit: Hit, number: int, previous: int, current: int) -> bool:
        begins = self.phase_s + number * self.window_s
        most = 1 - min(1.0, max(0.0, (hit.sent - begins) / self.window_s))
        least = 1 - min(1.0, max(0.0, (hit.received - begins) / self.window_s))
        if hit.admitted:
            return previous * least + current < self.quota
        return previous * most + current > self.quota - 1 - 1e-9


def _moved(state: State, number: int) -> tuple[int, int]:
    """Return the counts of the window before and of this one."""
    before, previous, current = state
    if number == before:
        return previous, current
    return (current, 0) if number == before + 1 else (0, 0)


def fit_counter(
    segments: Sequence[Segment], quota: int, lengths: Sequence[float], until_s: float, *, refused_count: bool = False
) -> tuple[str, list[float]] | None:
    """Return the anchor with the lengths that explain every answer: the one with the fewest assumptions."""
    for anchor in (CLOCK, FIRST_REQUEST):
        found = [
            length
            for length in lengths
            if time.monotonic() < until_s and _fits(segments, quota, length, anchor, refused_count=refused_count)
        ]
        if found:
            return anchor, found
    return None


def _fits(segments: Sequence[Segment], quota: int, window_s: float, anchor: str, *, refused_count: bool) -> bool:
    def explains(segment: Segment, phase_s: float) -> bool:
        return Counter(quota, window_s, phase_s, refused_count).explains(segment)

    phases = [window_s * number / PHASES for number in range(PHASES)]
    if anchor == FIRST_REQUEST:
        return all(explains(segment, segment.hits[0].sent) for segment in segments)
    return any(all(explains(segment, phase) for segment in segments) for phase in phases)
