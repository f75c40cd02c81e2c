"""A bucket is held against what was seen: the one that answered is never refuted, however slow the requests were."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from seatrial.throttle.infer._bucket import filled, fit_bucket
from seatrial.throttle.infer._seen import FITS, LONG, SHORT, Hit, Segment, blurred

RETURNS = 4


def asked(random: Random, *, size: int, rate: float, slow_s: float) -> Segment:
    """Return what a bucket answers to a client that uses it up, and takes what flows in, some times."""
    hits: list[Hit] = []
    now_s, tokens, before_s = random.uniform(0, 1), float(size), 0.0
    while len(hits) < 40 * size and sum(hit.admitted for hit in hits) < size + RETURNS:
        decided_s = now_s + random.uniform(0, slow_s)
        tokens = min(size, tokens + rate * (decided_s - before_s))
        before_s, received_s = decided_s, decided_s + random.uniform(0, slow_s)
        hits.append(Hit(now_s, received_s, tokens >= 1))
        tokens -= hits[-1].admitted
        now_s = received_s if hits[-1].admitted else received_s + 0.2 / rate
    (seen,) = blurred([Segment("somebody", tuple(hits))], 0.0)
    return seen


@given(st.randoms(use_true_random=False), st.integers(1, 30), st.floats(0.1, 50), st.floats(0.0001, 2))
def test_the_bucket_that_answered_explains_it(random: Random, size: int, rate: float, slow: float) -> None:
    """Whatever part of its time each request needed to be decided."""
    seen = asked(random, size=size, rate=rate, slow_s=slow / rate)
    assert filled(seen, size, rate) == FITS


def test_the_rate_is_known_closely_where_requests_are_slow() -> None:
    """Requests of up to a fifth of what a token takes leave a tenth of the rate open, and the size not at all."""
    seen = [asked(Random(seed), size=8, rate=4.0, slow_s=0.025) for seed in range(5)]  # noqa: S311 - no secret
    found = fit_bucket(seen, min(segment.filled for segment in seen))
    assert found
    size, (low, high) = found
    assert (size, low <= 4.0 <= high) == (8, True)
    assert high / low < 1.1


def test_it_is_told_which_way_a_rate_is_wrong() -> None:
    """A bucket that fills up in no time refuses nothing, and one that hardly does admits nobody again."""
    seen = asked(Random(1), size=8, rate=4.0, slow_s=0.01)  # noqa: S311 - no secret
    assert (filled(seen, 8, 400.0), filled(seen, 8, 0.04)) == (LONG, SHORT)
