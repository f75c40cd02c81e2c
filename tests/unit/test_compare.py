"""Comparisons in pairs: exact ranks against brute force, looks and verdicts."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seatrial.swarm.compare import (
    ALPHA,
    CLEARLY,
    LOOKS,
    SLOWER,
    TOLERATED,
    Errors,
    adjusted,
    bounds,
    calibrate,
    conclude,
    judge,
    looks_up_to,
    p_greater,
    trend,
)
from seatrial.swarm.compare._ranks import critical

# No test asserts how fast our own code is, so properties have no deadline.
PROPERTY = settings(deadline=None)
FEW = settings(deadline=None, max_examples=25)
WHOLE = st.integers(-10_000, 10_000)
DIFFERENCES = st.lists(WHOLE, min_size=1, max_size=10)


def signed_ranks(differences: Sequence[float]) -> tuple[float, list[float]]:
    """Return the sum of the ranks of what is above 0, and the same of every choice of signs."""
    order = sorted(differences, key=abs)
    ranks = range(1, len(order) + 1)
    ours = sum(rank for rank, value in zip(ranks, order, strict=True) if value > 0)
    signs = itertools.product((0, 1), repeat=len(order))
    return ours, [sum(rank * sign for rank, sign in zip(ranks, choice, strict=True)) for choice in signs]


@FEW
@given(DIFFERENCES, WHOLE)
def test_the_probability_is_that_of_all_choices_of_signs(differences: list[int], than: int) -> None:
    """Of 2^n equally likely choices, so many have as large a sum of ranks as ours: the definition, counted out."""
    moved = [value - than for value in differences]
    assume(len({abs(value) for value in moved}) == len(moved))
    assume(all(moved))
    ours, all_of_them = signed_ranks(moved)
    expected = Fraction(sum(other >= ours for other in all_of_them), len(all_of_them))
    assert p_greater(differences, than) == float(expected)


@pytest.mark.parametrize("pairs", range(1, 11))
def test_the_critical_sum_is_that_of_all_subsets(pairs: int) -> None:
    """Every subset of the ranks 1 to n is equally likely; one more would be too many."""
    ranks = range(1, pairs + 1)
    sums = Counter(sum(chosen) for size in range(pairs + 1) for chosen in itertools.combinations(ranks, size))
    at_most = critical(pairs, ALPHA)
    below = sum(count for value, count in sums.items() if value <= at_most)
    assert below <= ALPHA * 2**pairs < below + sums[at_most + 1]


def test_the_critical_sums_are_those_of_the_tables() -> None:
    """At 2 % on one side; five pairs are never enough."""
    assert [critical(pairs, ALPHA) for pairs in (5, 6, 10, 16, 24)] == [-1, 0, 7, 28, 78]


@FEW
@given(st.lists(st.integers(1, 10_000), min_size=6, max_size=9, unique=True))
def test_a_bound_is_wrong_no_more_often_than_it_says(sizes: list[int]) -> None:
    """Of all choices of signs of any sizes, the middle of which is 0, at most 2 % put the bound above 0."""
    choices = list(itertools.product((-1, 1), repeat=len(sizes)))
    drawn = [bounds([size * sign for size, sign in zip(sizes, choice, strict=True)], ALPHA) for choice in choices]
    assert sum(found.lower > 0 for found in drawn) <= ALPHA * len(choices)
    assert sum(found.upper < 0 for found in drawn) <= ALPHA * len(choices)


@PROPERTY
@given(DIFFERENCES, WHOLE)
def test_bounds_go_with_the_differences(differences: list[int], by: int) -> None:
    """Turned round they are those of the other side, moved they move; the estimate is the middle of all averages."""
    found, turned = bounds(differences, ALPHA), bounds([-value for value in differences], ALPHA)
    assert (turned.lower, turned.estimate, turned.upper) == (-found.upper, -found.estimate, -found.lower)
    moved = bounds([value + by for value in differences], ALPHA)
    assert (moved.lower, moved.estimate, moved.upper) == (found.lower + by, found.estimate + by, found.upper + by)
    averages = [(one + other) / 2 for one, other in itertools.combinations_with_replacement(differences, 2)]
    assert found.lower <= found.estimate == median(averages) <= found.upper


@PROPERTY
@given(DIFFERENCES, WHOLE)
def test_bound_and_probability_say_the_same(differences: list[int], than: int) -> None:
    """The lower bound exceeds a value exactly where chance alone does so in at most 2 %, ties or not."""
    assert (bounds(differences, ALPHA).lower > than) is (p_greater(differences, than) <= ALPHA)


@PROPERTY
@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000).map(lambda part: part / 1000), min_size=1, max_size=6))
def test_holm_is_every_question_among_all_sets_of_questions(probabilities: dict[str, float]) -> None:
    """Corrected is the largest of what the smallest of each set with the question counts among that set."""
    found = adjusted(probabilities)
    assert list(found) == list(probabilities)
    for name, value in found.items():
        others = [other for other in probabilities if other != name]
        sets = [(name, *more) for size in range(len(others) + 1) for more in itertools.combinations(others, size)]
        among = [min(1.0, len(each) * min(probabilities[one] for one in each)) for each in sets]
        assert value == max(among)


def logs(*ratios: float) -> list[float]:
    """Return logarithms."""
    return [math.log(ratio) for ratio in ratios]


@pytest.mark.parametrize(
    ("ratios", "verdict", "pairs"),
    [
        ([1.0, 1.01, 0.99, 1.0, 1.02, 0.98], "pass", 6),
        ([1.1, 1.2, 1.15, 1.12, 1.11, 1.09], "fail", 6),
        ([1.03, 1.04, 1.03, 1.04, 1.035, 1.04], "pass", 6),
        ([1.5, 1.2, 1.15, 1.12, 1.11, 1.0], "inconclusive", 6),
        ([1.5, 1.2, 1.15, 1.12, 1.11, 1.0, 1.2, 1.3, 1.2, 1.3], "fail", 10),
        ([2.0, 0.5, 2.0, 0.5, 2.0], "inconclusive", 5),
        ([2.0], "inconclusive", 1),
        ([0.5] * 6, "pass", 6),
    ],
    ids=["alike", "slower", "a-little-slower", "unclear", "clear-later", "too-few", "one", "faster"],
)
def test_a_look_decides_or_goes_on(ratios: list[float], verdict: str, pairs: int) -> None:
    """Certainly slower by 2 % and likely by 5 % fails, certainly not slower by 9 % passes, neither goes on."""
    judged = judge(logs(*ratios))
    assert (judged.verdict, judged.pairs) == (verdict, pairs)


def test_the_first_look_that_decides_is_the_last() -> None:
    """What came after it changes nothing."""
    decided = judge(logs(*[1.2] * 6, *[0.5] * 10))
    assert (decided.verdict, decided.pairs) == ("fail", 6)


@pytest.mark.parametrize(
    ("most", "looks"),
    [(6, (6,)), (8, (6, 8)), (36, LOOKS), (40, (*LOOKS, 40)), (200, (*LOOKS, 54, 81, 121, 181, 200))],
)
def test_the_last_look_is_at_the_last_pair(most: int, looks: tuple[int, ...]) -> None:
    """However many there are; beyond the usual ones there is one whenever half as many again are there."""
    assert looks_up_to(most) == looks


ALIKE, WORSE = logs(*[1.0] * 6), logs(*[1.3] * 6)


@pytest.mark.parametrize(
    ("p95", "p50", "errors", "verdict", "says"),
    [
        (ALIKE, ALIKE, Errors(), "pass", "p95 of the candidate is 1.000 times"),
        (WORSE, ALIKE, Errors(), "fail", "p95 of the candidate is 1.300 times"),
        (ALIKE, WORSE, Errors(), "fail", "p50 of the candidate certainly worse"),
        (ALIKE, ALIKE, Errors(candidate=0.02), "fail", "the candidate did not answer 2.00% of its arrivals well"),
        (ALIKE, ALIKE, Errors(candidate=0.009, more=[0.009] * 6), "fail", "the candidate did not answer 0.90%"),
        (ALIKE, ALIKE, Errors(base=0.005, candidate=0.009, more=[0.004] * 6), "pass", "1.000 times"),
        (ALIKE, ALIKE, Errors(candidate=0.004, more=[0.024] + [0.0] * 5), "inconclusive", "may be chance or not; p95"),
        (ALIKE, ALIKE, Errors(candidate=0.001, more=[0.006] + [0.0] * 5), "pass", "1.000 times"),
        (ALIKE, ALIKE, Errors(base=0.5, candidate=0.5), "inconclusive", "the base itself did not answer 50.00%"),
        (WORSE[:5], ALIKE[:5], Errors(), "inconclusive", "(nothing is certain)"),
    ],
    ids=[
        "alike",
        "slower",
        "another-metric",
        "errors",
        "few-errors-always",
        "hardly-more-errors",
        "few-errors-once",
        "one-error",
        "base-errs",
        "too-few",
    ],
)
def test_errors_come_first_and_other_metrics_last(
    p95: list[float], p50: list[float], errors: Errors, verdict: str, says: str
) -> None:
    """Quick refusals are no quick answers, and a side that does not work is nothing to be held against."""
    found = conclude({"p95": p95, "p50": p50}, primary="p95", errors=errors)
    assert found.verdict == verdict
    assert says in found.reason
    assert found.settled is (len(p95) >= LOOKS[0] and "chance" not in says)


@pytest.mark.parametrize(
    ("later", "verdict"), [((1.0, 1.0), "pass"), ((1.3, 1.3), "fail"), ((0.5, 2.0), "inconclusive")]
)
def test_a_pass_that_waited_is_judged_anew(later: tuple[float, float], verdict: str) -> None:
    """Errors kept it open after six pairs; after the others it counts what all of them say."""
    waits = Errors(candidate=0.004, more=[0.024] + [0.0] * 5)
    assert conclude({"p95": ALIKE, "p50": ALIKE}, primary="p95", errors=waits).verdict == "inconclusive"
    all_of_them = [*ALIKE, *logs(*later * 15)]
    found = conclude({"p95": all_of_them, "p50": [0.0] * 36}, primary="p95", errors=Errors())
    assert (found.verdict, found.primary.pairs) == (verdict, 36)


def test_a_calm_machine_finds_what_the_rule_promises() -> None:
    """Without any noise nothing alike fails, and every change of the table above 5 % does, after six pairs."""
    found = calibrate({"p95": [0.0] * 6, "p50": [0.0] * 6}, primary="p95", seed=1, draws=10)
    assert found.false_alarms == 0
    assert found.smallest == 1.08
    assert found.shares[1.05]["pass"] == 1
    assert set(found.mean_pairs.values()) == {6}


def test_a_wild_machine_finds_nothing_and_says_so() -> None:
    """Where one version differs from itself by any factor, no change is found, and hardly anything is a false alarm."""
    chance = random.Random(3)  # noqa: S311 - repeatable
    wild = {name: [chance.gauss(0, 2) for _ in range(100)] for name in ("p50", "p95")}
    found = calibrate(wild, primary="p95", seed=1, draws=50)
    assert found.smallest is None
    assert found.false_alarms <= 0.2
    assert found == calibrate(wild, primary="p95", seed=1, draws=50)


def test_another_metric_finds_what_the_primary_cannot() -> None:
    """The rule is calibrated as it is: a change that a calm p50 shows is found, however wild p95 is."""
    chance = random.Random(3)  # noqa: S311 - repeatable
    wild = [chance.gauss(0, 2) for _ in range(100)]
    calm = [chance.gauss(0, 0.01) for _ in range(100)]
    assert calibrate({"p95": wild, "p50": calm}, primary="p95", seed=1, draws=50).smallest == 1.08


def test_a_trend_is_a_rise_above_what_was_stored() -> None:
    """Five are too few; a value like the stored ones is none, nor is a faster one; only the latest twenty count."""
    assert trend(10.0, [10.0] * 5) is None
    steady = [10.0, 10.2, 9.9, 10.1, 10.0, 9.8, 10.3]
    assert [found.rising for value in (10.1, 5.0, 12.0) if (found := trend(value, steady))] == [False, False, True]
    risen = trend(12.0, [1.0] * 30 + [12.0] * 20)
    assert risen
    assert (risen.rising, risen.stored, risen.ratio) == (False, 20, 1.0)


def test_the_rule_is_as_it_is_told() -> None:
    """The pages that tell it have these figures."""
    assert (LOOKS, ALPHA, SLOWER, CLEARLY, TOLERATED) == ((6, 10, 16, 24, 36), 0.02, 1.02, 1.05, 1.09)
