"""Comparisons in pairs: what takes longer is told, what does not never is, however the machine is disturbed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.throttle._paired import CERTAIN, Compared, certain
from seatrial.throttle._pressure import NOISY_PAIRS, PAIRS

SECONDS = st.floats(1e-6, 10.0)
# No test asserts how fast our own code is, so properties have no deadline.
PROPERTY = settings(deadline=None)


@PROPERTY
@given(st.integers(1, 300), st.data())
def test_what_is_certain_is_a_tail_of_a_fair_coin(pairs: int, data: st.DataObject) -> None:
    """Half of the pairs are never certain, all of twenty are, and one more never makes it less so."""
    count = data.draw(st.integers(0, pairs - 1))
    assert certain(count + 1, pairs) or not certain(count, pairs)
    assert not certain(pairs // 2, pairs)
    assert certain(pairs, pairs) is (2.0**-pairs <= CERTAIN)
    assert certain(pairs, pairs) is (pairs >= 20)


@pytest.mark.parametrize(("pairs", "enough"), [(PAIRS, 134), (NOISY_PAIRS, 62)])
def test_so_many_alike_are_enough(pairs: int, enough: int) -> None:
    """As the page says: two of three, and four of five."""
    assert certain(enough, pairs)
    assert not certain(enough - 1, pairs)


@PROPERTY
@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=300), st.floats(1.0, 10.0), st.floats(0.0, 0.1))
def test_nothing_is_both(pairs: list[tuple[float, float]], factor: float, slack_s: float) -> None:
    """Nothing is certainly longer and certainly shorter; what is longer than a multiple is longer."""
    found = Compared(pairs)
    assert not (found.longer(factor, slack_s) and found.shorter(factor, slack_s))
    assert found.longer() or not found.longer(factor, slack_s)


@PROPERTY
@given(st.lists(SECONDS, min_size=1, max_size=300))
def test_what_is_alike_decides_nothing(seconds: list[float]) -> None:
    """Equal times are neither more nor less."""
    found = Compared([(each, each) for each in seconds])
    assert not found.longer()
    assert not found.shorter()


def disturbed(source: random.Random, took_s: float) -> float:
    """Return a time as a busy machine shows it: now and then a hundred times as long."""
    return took_s * source.lognormvariate(0, 0.5) + source.choice((0.0, 0.0, 0.0, 0.1)) * source.random()


def test_a_disturbed_machine_raises_no_alarm() -> None:
    """Of a thousand comparisons of two things that take as long, in wild jitter, not one is decided."""
    for seed in range(1000):
        source = random.Random(seed)  # noqa: S311 - repeatable
        found = Compared([(disturbed(source, 0.001), disturbed(source, 0.001)) for _ in range(PAIRS)])
        assert not found.longer()
        assert not found.shorter()


def test_a_disturbed_machine_hides_little() -> None:
    """What takes a third of the time is seen to be shorter in the same jitter, and what takes three times longer."""
    for seed in range(100):
        source = random.Random(seed)  # noqa: S311 - repeatable
        found = Compared([(disturbed(source, 0.0005), disturbed(source, 0.0015)) for _ in range(PAIRS)])
        assert found.shorter()
        assert Compared([(other, ours) for ours, other in found.pairs]).longer()


def test_the_figures_are_medians() -> None:
    """One wild pair changes none of them."""
    found = Compared([(1.0, 2.0), (2.0, 4.0), (90.0, 1.0)])
    assert (found.ours_s, found.other_s, found.factor) == (2.0, 2.0, 0.5)
