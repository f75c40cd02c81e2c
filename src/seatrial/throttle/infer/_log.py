"""The sliding log: in no stretch of the window's length are more requests admitted than the quota."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.throttle.infer._fixed import narrowed
from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Hit, Interval, Segment


def logged(segment: Segment, quota: int, window_s: float, *, refused_count: bool = False) -> int:
    """Say whether a sliding log explains every answer, or else how the length is wrong."""
    kept: list[Hit] = []
    for hit in segment.hits:
        certain = sum(old.sent > hit.received - window_s for old in kept)
        possible = sum(old.received > hit.sent - window_s for old in kept)
        if hit.admitted and certain >= quota:
            return LONG
        if not hit.admitted and possible < quota:
            return SHORT
        if hit.admitted or refused_count:
            kept.append(hit)
    return FITS


def fit_log(
    segments: Sequence[Segment], quota: int, limits: Interval, *, refused_count: bool = False
) -> Interval | None:
    """Return the lengths of a sliding log that explain every answer."""

    def judge(window_s: float, some: Sequence[Segment]) -> int:
        told = (logged(segment, quota, window_s, refused_count=refused_count) for segment in some)
        return next((wrong for wrong in told if wrong != FITS), FITS)

    return narrowed(judge, segments, limits)
