"""Which limiters explain everything that was seen: those that do not for any assignment of times are refuted."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from seatrial.throttle.infer._bucket import fit_bucket
from seatrial.throttle.infer._counter import CLOCK, FIRST_REQUEST, fit_counter
from seatrial.throttle.infer._fixed import alike_by_chance, between, fit_anchored, fit_clock, fit_per_key
from seatrial.throttle.infer._log import fit_log
from seatrial.throttle.infer._seen import Interval, Segment, blurred, thinned

LIMITS = (0.01, 1e6)
USUAL_S = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
WHOLE_S = 1.0
PER_KEY = "per-key"
FEW = 10
PRECISE = 1.25
UNLIKELY = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A limiter that explains every answer; not `complete` where time was too short to try all the others."""

    algorithm: str
    quota: int
    window: Interval
    anchor: str | None = None
    rates: Interval | None = None
    refused_count: bool = False
    blur_s: float = 0.0
    complete: bool = True
    recovered: bool = False
    """Whether quota was seen to come back: only then has the window's length an upper bound."""
    chance: float = 0.0
    """How likely the same would explain clients of which each has a phase of its own."""

    def precise(self, sure: Sequence[float]) -> bool:
        """Return whether the length is known: it explains everything and is told for certain, or it is close."""
        low, high = self.window
        return self.close or any(low <= length <= high for length in sure)

    @property
    def accidental(self) -> bool:
        """Return whether it may explain everything by chance."""
        return self.chance > UNLIKELY

    @property
    def close(self) -> bool:
        """Return whether the length is known to a quarter of it: two roundest numbers are further apart."""
        return self.window[1] <= PRECISE * self.window[0]


def fit_all(
    segments: Sequence[Segment],
    quota: int,
    told: Sequence[float] = (),
    *,
    until_s: float = math.inf,
    apart_s: float = 0.0,
) -> list[Fit]:
    """Return the limiters that explain every answer, the ones with the fewest assumptions only.

    First those that are exact, then those with more freedom; then all of them again by clocks of whole seconds.
    `apart_s` is by how much the windows of instances that count for themselves may differ. At `until_s`, on the steady
    clock, no more is tried.
    """
    recovered = any(segment.recoveries() for segment in segments)
    # Clocks of whole seconds tell nothing about what happens within a few of them.
    for blur_s in (apart_s, WHOLE_S) if _longest_wait(segments) > FEW * WHOLE_S else (apart_s,):
        seen = blurred(segments, blur_s)
        for stage in (_exact, _per_key, _freer):
            found = [
                # A window by the clock may end soon after it is met: it takes two ends of one to tell its length.
                replace(fit, blur_s=blur_s, recovered=recovered and (_met_two(segments) or not _needs_two(fit)))
                for fit in stage(seen, quota, told, until_s)
            ]
            if found:
                return [replace(fit, complete=time.monotonic() < until_s) for fit in found]
    return []


def _needs_two(fit: Fit) -> bool:
    return fit.algorithm == "fixed-window" and fit.anchor == CLOCK


def _exact(segments: Sequence[Segment], quota: int, told: Sequence[float], until_s: float) -> Iterator[Fit]:
    del until_s  # these take little time
    segments = thinned(segments)
    fixed = list(_fixed(segments, quota, told))
    yield from fixed
    if window := fit_log(segments, quota, LIMITS):
        yield Fit(algorithm="sliding-log", quota=quota, window=window)
    if bucket := fit_bucket(segments, quota):
        size, (low, high) = bucket
        yield Fit(algorithm="token-bucket", quota=size, window=(size / high, size / low), rates=(low, high))


def _fixed(segments: Sequence[Segment], quota: int, told: Sequence[float]) -> Iterator[Fit]:
    window = fit_anchored(segments, quota, LIMITS)
    clock = fit_clock(segments, quota, window_lengths(segments, told))
    if window:
        yield Fit(algorithm="fixed-window", quota=quota, window=window, anchor=FIRST_REQUEST)
    if clock:
        chance = alike_by_chance(segments, clock, {*told, *USUAL_S})
        yield Fit(algorithm="fixed-window", quota=quota, window=(min(clock), max(clock)), anchor=CLOCK, chance=chance)


def _per_key(segments: Sequence[Segment], quota: int, told: Sequence[float], until_s: float) -> Iterator[Fit]:
    del told
    # A phase for each client needs two boundaries of one client: with any length it would explain nearly everything.
    lengths = window_lengths(segments, ()) if _met_two(segments) else []
    if own := fit_per_key(thinned(segments), quota, lengths, until_s):
        yield Fit(algorithm="fixed-window", quota=quota, window=(min(own), max(own)), anchor=PER_KEY)


def _freer(segments: Sequence[Segment], quota: int, told: Sequence[float], until_s: float) -> Iterator[Fit]:
    del told
    segments = [segment for segment in segments if not segment.screened] or segments
    if window := fit_log(segments, quota, LIMITS, refused_count=True):
        yield Fit(algorithm="sliding-log", quota=quota, window=window, refused_count=True)
    if window := fit_anchored(segments, quota, LIMITS, extends=True):
        yield Fit(algorithm="fixed-window", quota=quota, window=window, anchor=FIRST_REQUEST, refused_count=True)
    yield from _counters(segments, quota, until_s)


def _met_two(segments: Sequence[Segment]) -> bool:
    return any(segment.plain and len(segment.recoveries()) > 1 for segment in segments)


def _counters(segments: Sequence[Segment], quota: int, until_s: float) -> Iterator[Fit]:
    """Return the sliding counters, with refused requests counted and not."""
    lengths = _counter_lengths(segments, quota)
    for counts, seen in ((False, thinned(segments)), (True, segments)):
        if found := fit_counter(seen, quota, lengths, until_s, refused_count=counts):
            anchor, window = found
            yield Fit(algorithm="sliding-counter", quota=quota, window=window, anchor=anchor, refused_count=counts)


def window_lengths(segments: Sequence[Segment], told: Sequence[float]) -> list[float]:
    """Return the lengths that a window by the clock may have.

    A client that takes its quota as soon as it comes back meets two boundaries that follow each other.
    """
    gaps = [
        (max(LIMITS[0], later[0] - sooner[1]), later[1] - sooner[0])
        for segment in segments
        if segment.plain
        for sooner, later in pairwise(segment.recoveries())
    ]
    low, high = max((gap[0] for gap in gaps), default=0.0), min((gap[1] for gap in gaps), default=0.0)
    if not gaps:
        return [length for length in (*told, *USUAL_S) if length >= _longest_wait(segments)]
    if low > high:
        return []
    return [*(length for length in (*told, *USUAL_S) if low <= length <= high), *between(low, high)]


def _longest_wait(segments: Sequence[Segment]) -> float:
    """Return how long somebody certainly waited for the first time."""
    waits = [s.recoveries()[0][0] - s.hits[0].received for s in segments if s.plain and s.recoveries()]
    return max(waits, default=0.0)


def _counter_lengths(segments: Sequence[Segment], quota: int) -> Interval:
    """Return between which lengths a counter's window lies.

    Whoever came just before a window's end is served again after that window's share of one request; nobody waits for
    more than two windows and such a share.
    """
    waits = [s.recoveries()[0][1] - s.hits[0].sent for s in segments if s.plain and s.recoveries()]
    low, high = max(waits, default=LIMITS[0]) / 3, min(waits, default=LIMITS[0]) * max(3, quota)
    return low, max(low, high)
