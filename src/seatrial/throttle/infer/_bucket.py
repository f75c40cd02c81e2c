"""The token bucket, and the generic cell rate algorithm, which is the same from outside."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Interval, Segment, bracket

RATES = (1e-6, 1e5)
SIZES = 24


def filled(segment: Segment, size: int, rate: float) -> int:
    """Say whether a bucket explains every answer, or else whether its rate is too low (SHORT) or too high (LONG).

    What is followed is when the bucket will be full again (ITU-T I.371, virtual scheduling), which only an admission
    moves: what each request leaves open about its own time does not add up, as it would in a count of tokens.
    """
    earliest = latest = -math.inf
    step, room = 1 / rate, (size - 1) / rate
    for hit in segment.hits:
        if hit.admitted and earliest > hit.received + room:
            return SHORT
        if not hit.admitted and latest <= hit.sent + room:
            return LONG
        # Whichever way it was decided tells how full the bucket was.
        if hit.admitted:
            latest = max(min(latest, hit.received + room), hit.received) + step
            earliest = max(earliest, hit.sent) + step
        else:
            earliest = max(earliest, hit.sent + room)
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
