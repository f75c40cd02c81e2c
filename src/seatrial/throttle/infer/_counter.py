"""The sliding counter: this window's requests, and of the one before the share that the last window's length overlaps.

Implementations round that share one way or the other, so answers within one request of the quota decide nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
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
            states = self._follow(states, hit)
            if not states:
                return False
        return True

    def _follow(self, states: set[State] | None, hit: Hit) -> set[State]:
        """Return what can be after an answer, of what could be before; times are counted in windows here."""
        sent = (hit.sent - self.phase_s) / self.window_s - SLACK
        received = (hit.received - self.phase_s) / self.window_s + SLACK
        found: set[State] = set()
        for number in range(math.floor(sent), math.floor(received) + 1):
            # Of the window before, most is still in view when the request is decided at once, least when late.
            most, least = 1 - min(1.0, max(0.0, sent - number)), 1 - min(1.0, max(0.0, received - number))
            for before, old, new in states if states is not None else ((number, 0, 0),):
                if number < before:
                    continue
                previous, current = (old, new) if number == before else (new, 0) if number == before + 1 else (0, 0)
                if hit.admitted:
                    if previous * least + current < self.quota:
                        found.add((number, previous, current + 1))
                elif previous * most + current > self.quota - 1 - 1e-9:
                    found.add((number, previous, current + self.refused_count))
        return found


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
