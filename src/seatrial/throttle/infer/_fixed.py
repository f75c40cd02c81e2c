"""Fixed windows: from a client's first request, by the clock, or by the clock with a phase of each client's own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import pairwise

from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Hit, Interval, Segment, bracket

State = tuple[float, float, int]
"""A window that began between two instants, and how many requests it admitted."""
PHASES = 24


def anchored(segment: Segment, quota: int, window_s: float, *, extends: bool = False) -> int:
    """Say whether windows from the first request on explain every answer, or else how the length is wrong.

    Where the server decided is open between two instants, so every window that is possible is followed. `extends` is
    the limiter whose window begins anew with each request that it refuses.
    """
    states: set[State] = set()
    for hit in segment.hits:
        found = _merged(_follow(states, hit, quota, window_s, extends=extends))
        if not found:
            return LONG if hit.admitted else SHORT
        states = found
    return FITS


def _merged(states: Iterator[State]) -> set[State]:
    """Return one window for each count, as wide as all of them: what that refutes, each of them refutes."""
    kept: dict[int, tuple[float, float]] = {}
    for earliest, latest, count in states:
        low, high = kept.get(count, (earliest, latest))
        kept[count] = min(low, earliest), max(high, latest)
    return {(low, high, count) for count, (low, high) in kept.items()}


def _follow(states: set[State], hit: Hit, quota: int, window_s: float, *, extends: bool) -> Iterator[State]:
    if not states and hit.admitted:
        yield hit.sent, hit.received, 1
    for earliest, latest, count in states:
        if hit.sent < latest + window_s and hit.admitted == (count < quota):
            refused = extends and not hit.admitted
            yield (hit.sent, hit.received, count) if refused else (earliest, latest, count + hit.admitted)
        if hit.received >= earliest + window_s and hit.admitted:
            yield hit.sent, hit.received, 1


def fit_anchored(
    segments: Sequence[Segment], quota: int, limits: Interval, *, extends: bool = False
) -> Interval | None:
    """Return the lengths of a window from the first request on that explain every answer."""

    def judge(window_s: float, some: Sequence[Segment]) -> int:
        told = (anchored(segment, quota, window_s, extends=extends) for segment in some)
        return next((wrong for wrong in told if wrong != FITS), FITS)

    return narrowed(judge, segments, limits)


def narrowed(
    judge: Callable[[float, Sequence[Segment]], int], segments: Sequence[Segment], limits: Interval
) -> Interval | None:
    """Return the numbers that plain segments allow, and of these the ones that the others allow too."""
    plain = [segment for segment in segments if segment.plain]
    others = [segment for segment in segments if not segment.plain]
    found = bracket(lambda number: judge(number, plain), *limits)
    if found is None or not others:
        return found
    tried = [number for number in between(*found) if judge(number, others) == FITS]
    return (min(tried), max(tried)) if tried else None


def between(low: float, high: float, count: int = 40) -> list[float]:
    """Return numbers from `low` to `high`, both of them included, at equal ratios."""
    return [low * (high / low) ** (step / count) for step in range(count + 1)]


def aligned(segment: Segment, quota: int, window_s: float, phase_s: float) -> bool:
    """Say whether windows that begin at a phase of the clock explain every answer."""
    states = {(-math.inf, 0)}
    for hit in segment.hits:
        first, last = math.floor((hit.sent - phase_s) / window_s), math.floor((hit.received - phase_s) / window_s)
        states = {
            (number, used + hit.admitted)
            for before, count in states
            for number in range(first, last + 1)
            if number >= before and hit.admitted == ((used := count if number == before else 0) < quota)
        }
        if not states:
            return False
    return True


def phases(window_s: float, beside: Sequence[Segment]) -> list[float]:
    """Return one phase of each kind that can be told apart: a boundary lies wherever a client was admitted again."""
    recoveries = [pair for other in beside for pair in other.recoveries()]
    if not recoveries:
        return [window_s * number / PHASES for number in range(PHASES)]
    low, high = min(recoveries, key=lambda pair: pair[1] - pair[0])
    for sooner, later in recoveries:
        moved = round((low + high - sooner - later) / 2 / window_s) * window_s
        if later - sooner < window_s:
            low, high = max(low, sooner + moved), min(high, later + moved)
    if low >= high:
        return []
    instants = (i for other in beside for hit in other.hits for i in (hit.sent, hit.received))
    marks = sorted({low, high, *(mark for i in instants if low < (mark := low + (i - low) % window_s) < high)})
    middles = [(first + second) / 2 for first, second in pairwise(marks)]
    return [*([0.0] if _has_boundary(low, high, window_s) else []), *middles]


def _has_boundary(low: float, high: float, window_s: float) -> bool:
    """Say whether a whole multiple of the window since 1970 lies between two instants: the phase of most."""
    return math.floor(low / window_s) < math.floor(high / window_s)


def fit_clock(segments: Sequence[Segment], quota: int, lengths: Sequence[float]) -> list[float]:
    """Return which lengths of windows with one phase for all explain every answer.

    A window no longer than what lies between two questions cannot be told, nor need it be.
    """
    width_s = min((high - low for segment in segments for low, high in segment.recoveries()), default=0.0)
    return [
        length
        for length in lengths
        if length > 2 * width_s
        and any(all(aligned(s, quota, length, phase) for s in segments) for phase in phases(length, segments))
    ]


def alike_by_chance(segments: Sequence[Segment], lengths: Sequence[float], usual: Container[float]) -> float:
    """Return how likely clients meet ends as close to each other as these did, where each has a phase of its own.

    An end is known as well as a client was seen just before and just after it: the less often one asks, or is answered,
    the more phases look like one. Windows of a usual length that end at whole multiples of it since 1970, as most do,
    would be one more accident. Of a single client there is one phase anyway: 0.
    """
    ends: dict[str, Interval] = {}
    for segment in segments:
        for end in segment.recoveries():
            ends[segment.client] = min(end, ends.get(segment.client, (0.0, math.inf)), key=_width)
    closest, *others = sorted(ends.values(), key=_width) or [(0.0, 0.0)]
    window_s = min(lengths)
    whole = any(_has_boundary(*closest, length) for length in lengths if length in usual)
    rare = _width(closest) / window_s if whole else 1.0
    return rare * math.prod(min(1.0, (_width(closest) + _width(end)) / window_s) for end in others) if others else 0.0


def _width(interval: Interval) -> float:
    return interval[1] - interval[0]


def fit_per_key(segments: Sequence[Segment], quota: int, lengths: Sequence[float], until_s: float) -> list[float]:
    """Return which lengths of windows with a phase for each client explain every answer."""
    return [
        length
        for length in lengths
        if time.monotonic() < until_s and all(phased(segment, quota, length) for segment in segments)
    ]


def phased(segment: Segment, quota: int, window_s: float) -> bool:
    """Say whether windows with any phase at all explain every answer: each end that is possible is followed."""
    began_s = segment.hits[0].sent
    states: list[State] = [(began_s, began_s + window_s, 0)]
    for hit in segment.hits:
        states = _joined(state for before in states for state in _passed(before, hit, quota, window_s))
        if not states:
            return False
    return True


def _joined(states: Iterable[State]) -> list[State]:
    """Return states of the same count whose ends overlap as one."""
    found: list[State] = []
    for low, high, count in sorted(states, key=lambda state: (state[2], state[0])):
        if found and found[-1][2] == count and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1]), count
        else:
            found.append((low, high, count))
    return found


def _passed(state: State, hit: Hit, quota: int, window_s: float) -> Iterator[State]:
    """Return between which instants the window ends after a request, and what it admitted then."""
    low, high, count = state
    if hit.sent <= high and hit.admitted == (count < quota):
        yield max(low, hit.sent), high, count + hit.admitted
    if not hit.admitted:
        return  # a new window has room
    for number in range(
        max(1, math.ceil((hit.sent - high) / window_s)), math.floor((hit.received - low) / window_s) + 2
    ):
        by_s = number * window_s
        later = max(low + by_s, hit.sent), min(high + by_s, hit.received + window_s)
        if later[0] <= later[1]:
            yield *later, 1
