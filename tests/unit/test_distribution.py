"""The distribution of latencies: bins that hold every request once, and their drawing."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reporting._chart import HEIGHT, LEFT, TOP, WIDTH
from seatrial.reporting._distribution import distribution
from seatrial.swarm._distribution import distribution_of
from seatrial.swarm._histogram import Histogram

TIMES = st.lists(st.one_of(st.floats(0, 1e7), st.floats(0.5, 50)), max_size=60)


def counted(times_ms: list[float]) -> Histogram:
    """Return times as they are counted."""
    found = Histogram()
    for time_ms in times_ms:
        found.record(time_ms)
    return found


@given(TIMES)
def test_every_request_is_in_one_bin(times_ms: list[float]) -> None:
    """In that which begins and ends around it (within the thousandth by which it is counted), and bins leave no gap."""
    bins = distribution_of(counted(times_ms))
    assert sum(each["requests"] for each in bins) == len(times_ms)
    assert all(one["to_ms"] == other["from_ms"] for one, other in pairwise(bins))
    for each in bins:
        within = [t for t in times_ms if each["from_ms"] * 1.002 <= max(t, 0.001) <= each["to_ms"] * 0.998]
        around = [t for t in times_ms if each["from_ms"] * 0.998 - 0.001 <= t <= each["to_ms"] * 1.002 + 0.001]
        if each["to_ms"] > 1:  # below, a bin is no wider than the microsecond by which times are told apart
            assert len(within) <= each["requests"] <= len(around)


@given(TIMES)
def test_nothing_is_drawn_outside(times_ms: list[float]) -> None:
    """Every bar and every tick lies in the drawing; of nothing there is none."""
    bins = distribution_of(counted(times_ms))
    drawn = distribution(bins)
    assert (drawn is None) is (not times_ms)
    if drawn is None:
        return
    assert drawn.bars.count("M") == sum(each["requests"] > 0 for each in bins)
    for x in re.findall(r"[MH]([\d.]+)", drawn.bars):
        assert LEFT <= float(x) <= LEFT + WIDTH
    for y in re.findall(r"V([\d.]+)", drawn.bars):
        assert TOP <= float(y) <= TOP + HEIGHT
    assert all(LEFT <= x <= LEFT + WIDTH for x, _ in drawn.across)
    assert drawn.says.endswith(" ms")


@pytest.mark.parametrize("bins", [[], [{"from_ms": 1.0, "to_ms": 1.0, "requests": 3}],
                                  [{"from_ms": 5.0, "to_ms": 1.0, "requests": 3}]])  # fmt: skip
def test_what_is_no_bin_breaks_nothing(bins: list[dict[str, float]]) -> None:
    """A file may have been written by anybody."""
    distribution(bins)


def test_the_words_say_where_most_are() -> None:
    """For who does not see the drawing."""
    bins = [{"from_ms": 1, "to_ms": 2, "requests": 60}, {"from_ms": 2, "to_ms": 4, "requests": 40}]
    drawn = distribution(bins)
    assert drawn is not None
    assert drawn.says == "50 % within 2 ms, 90 % within 4 ms, 99 % within 4 ms, 100 % within 4 ms"
