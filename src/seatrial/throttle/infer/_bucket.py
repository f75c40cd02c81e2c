"""The token bucket, and the generic cell rate algorithm, which is the same from outside."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Interval, Segment, bracket

RATES = (1e-6, 1e5)
SIZES = 24


def filled(segment: Segment, size: int, rate: float) -> int:
    """Say whether a bucket explains every answer, or else whether its rate is too low (SHORT) or too high (LONG)."""
    least = most = float(size)
    before = segment.hits[0]
    for hit in segment.hits:
        least = min(size, least + rate * max(0.0, hit.sent - before.received))
        most = min(size, most + rate * max(0.0, hit.received - before.sent))
        if hit.admitted and most < 1:
            return SHORT
        if not hit.admitted and least >= 1:
            return LONG
        # Whichever way it was decided tells how full the bucket was.
        least, most = (max(least, 1) - 1, most - 1) if hit.admitted else (least, min(most, 1))
        before = hit
    return FITS


def fit_bucket(segments: Sequence[Segment], most: int) -> tuple[int, Interval] | None:
    """Return the largest size that explains every answer, with its rates in tokens a second.

    A client that fills it one by one gets what the bucket holds, and what flows in meanwhile.
    """
    least = max(0, most - max(SIZES, most // 2))
    step = max(1, (most - least) // (2 * SIZES))
    coarse = next((size for size in range(most, least, -step) if _rates(segments, size)), None)
    if coarse is None:
        return None
    size = next(size for size in range(min(most, coarse + step - 1), coarse - 1, -1) if _rates(segments, size))
    rates = _rates(segments, size)
    return (size, rates) if rates else None


def _rates(segments: Sequence[Segment], size: int) -> Interval | None:
    return bracket(lambda rate: _judge(segments, size, rate), *RATES)


def _judge(segments: Sequence[Segment], size: int, rate: float) -> int:
    told = (filled(segment, size, rate) for segment in segments)
    return next((wrong for wrong in told if wrong != FITS), FITS)
