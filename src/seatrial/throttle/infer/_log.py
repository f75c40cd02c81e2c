"""The sliding log: in no stretch of the window's length are more requests admitted than the quota."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

from seatrial.throttle.infer._fixed import narrowed
from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Interval, Segment


def logged(segment: Segment, quota: int, window_s: float, *, refused_count: bool = False) -> int:
    """Say whether a sliding log explains every answer, or else how the length is wrong."""
    sent: list[float] = []
    received: list[float] = []
    for hit in segment.hits:
        certain = len(sent) - bisect_right(sent, hit.received - window_s)
        possible = len(received) - bisect_right(received, hit.sent - window_s)
        if hit.admitted and certain >= quota:
            return LONG
        if not hit.admitted and possible < quota:
            return SHORT
        if hit.admitted or refused_count:
            insort(sent, hit.sent)
            insort(received, hit.received)
    return FITS


def fit_log(
    segments: Sequence[Segment], quota: int, limits: Interval, *, refused_count: bool = False
) -> Interval | None:
    """Return the lengths of a sliding log that explain every answer."""

    def judge(window_s: float, some: Sequence[Segment]) -> int:
        told = (logged(segment, quota, window_s, refused_count=refused_count) for segment in some)
        return next((wrong for wrong in told if wrong != FITS), FITS)

    return narrowed(judge, segments, limits)
