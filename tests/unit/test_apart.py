"""Two runs that are not paired: intervals that hold what they are of, also where neighbours resemble each other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.swarm._plan import COLUMNS
from seatrial.swarm.compare import ALL, APART, Series, Within, figures_within, hold, read_series
from seatrial.swarm.compare._apart import difference_of, percentile_within, ratio_of, share_within
from seatrial.swarm.compare._binomial import middle_of
from seatrial.swarm.compare._dependence import _student, repeated

CERTAIN = 0.93
"""An interval of 95 % may hold its figure a little less often: of so few drawn series one cannot tell more."""

SERIES = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=80)
POSITIVE = st.floats(0.1, 1e3)


def drawing(seed: float) -> random.Random:
    """Return chance that is the same each time."""
    return random.Random(seed)  # noqa: S311 - repeatable


def latencies(count: int, chance: random.Random, *, resemblance: float = 0.0, times: float = 1.0) -> list[float]:
    """Return log-normal latencies, each of which resembles the one before: an autoregressive series of order 1."""
    level, found = chance.gauss(0, 1), []
    for _ in range(count):
        found.append(times * math.exp(level))
        level = resemblance * level + math.sqrt(1 - resemblance**2) * chance.gauss(0, 1)
    return found


def true_percentile(percent: int) -> float:
    """Return the percentile of what `latencies` draws from."""
    return math.exp(NormalDist().inv_cdf(percent / 100))


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_the_middle_is_that_of_the_binomial_distribution(trials: int, chance: float) -> None:
    """At most 2.5 % are below it, and as many above: less would do on neither side."""
    low, high = middle_of(trials, chance, 0.05)
    probability = [math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(trials + 1)]
    slack = 1e-9
    assert sum(probability[:low]) <= 0.025 + slack
    assert sum(probability[: low + 1]) > 0.025 - slack
    assert sum(probability[high + 1 :]) <= 0.025 + slack
    assert sum(probability[high:]) > 0.025 - slack


def test_what_stands_alone_is_worth_itself() -> None:
    """Of what is drawn anew each time little is lost; of blocks of ten that are alike nine tenths are."""
    chance = drawing(3)
    drawn = [chance.random() < 0.5 for _ in range(4000)]
    assert repeated(drawn) < 4
    assert 10 < repeated(each for each in drawn for _ in range(10)) < 45
    assert repeated([]) == repeated([True] * 50) == repeated([False]) == 1


@pytest.mark.parametrize(("freedom", "value"), [(7, 2.3646), (15, 2.1314), (30, 2.0423), (120, 1.9799)])
def test_students_distribution(freedom: int, value: float) -> None:
    """The approximation agrees with the tables."""
    assert _student(freedom) == pytest.approx(value, rel=0.004)


@pytest.mark.parametrize(("count", "resemblance"), [(120, 0.0), (120, 0.7), (200, 0.8), (400, 0.9)])
def test_intervals_hold_their_percentiles(count: int, resemblance: float) -> None:
    """Of 95 % intervals as many do, however little is known of the distribution, and much one tells of the next."""
    chance, draws = drawing(count), 150
    series = [latencies(count, chance, resemblance=resemblance) for _ in range(draws)]
    for percent in (50, 95):
        found = [percentile_within(each, percent) for each in series]
        held = sum(within.low <= true_percentile(percent) <= within.high for within in found)
        assert held >= CERTAIN * draws, percent


def test_an_interval_that_ignores_resemblance_does_not() -> None:
    """The test above can fail: in any order but that of time the same values pretend to be worth more."""
    chance, draws, held = drawing(4), 100, 0
    for _ in range(draws):
        series = latencies(400, chance, resemblance=0.9)
        chance.shuffle(series)
        within = percentile_within(series, 50)
        held += within.low <= true_percentile(50) <= within.high
    assert held < 0.7 * draws


def test_intervals_of_ratios_hold_them() -> None:
    """Both where nothing changed and where it did."""
    chance, draws = drawing(5), 150
    for times in (1.0, 3.0):
        held = 0
        for _ in range(draws):
            base, now = latencies(200, chance, resemblance=0.6), latencies(200, chance, resemblance=0.6, times=times)
            ratio = ratio_of(percentile_within(base, 50), percentile_within(now, 50))
            held += ratio.low <= times <= ratio.high
        assert held >= CERTAIN * draws


def test_intervals_of_shares_hold_them() -> None:
    """Errors come in clusters: a failed request is followed by another one in nine of ten cases."""
    chance, draws, held = drawing(6), 150, 0
    for _ in range(draws):
        failed, series = False, []
        for _ in range(500):
            failed = chance.random() < (0.9 if failed else 0.1)
            series.append(failed)
        within = share_within(series)
        held += within.low <= 0.5 <= within.high
    assert held >= CERTAIN * draws


@given(SERIES, st.sampled_from([50, 95, 99]))
def test_an_interval_holds_its_estimate(series: Sequence[float], percent: int) -> None:
    """Bounds are values that were measured, or there are none; few values never have both."""
    within = percentile_within(series, percent)
    assert within.low <= within.value <= within.high
    assert within.low == 0 or within.low in series
    assert within.high == math.inf or within.high in series
    if len(series) < 12:
        assert (within.low, within.high) == (min(series), math.inf)


@given(SERIES, POSITIVE)
def test_a_unit_changes_nothing(series: Sequence[float], times: float) -> None:
    """The ratio of a series and its multiple is that multiple, with an interval round it."""
    base, now = percentile_within(series, 50), percentile_within([each * times for each in series], 50)
    ratio = ratio_of(base, now)
    assert ratio.value == pytest.approx(times)
    assert ratio.low <= ratio.value * (1 + 1e-9)
    assert ratio.high >= ratio.value * (1 - 1e-9)


@given(st.lists(st.floats(-100, 100), min_size=6, max_size=6))
def test_a_difference_turned_round_is_its_opposite(values: list[float]) -> None:
    """Which of two runs is the base changes the sign, and nothing else."""
    one, other = (Within(value=each[1], low=each[0], high=each[2]) for each in (sorted(values[:3]), sorted(values[3:])))
    there, back = difference_of(one, other), difference_of(other, one)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_a_tail_that_so_few_do_not_have_is_open() -> None:
    """Of 120 requests nobody knows how long the slowest in a hundred may take."""
    assert percentile_within(latencies(120, drawing(7)), 99).high == math.inf
    assert percentile_within(latencies(2000, drawing(7)), 99).high < math.inf


def series_of(values: Sequence[float], *, failed: int = 0) -> Series:
    """Return a series of which so many failed, evenly spread."""
    found = Series()
    found.latencies_ms.extend(values)
    found.good.extend(not failed or at % (len(values) // failed) > 0 for at in range(len(values)))
    return found


def held(base: Series, now: Series, name: str, *later: float) -> str:
    """Return what is said of a figure."""
    before, after = (figures_within(each, duration_s=10) for each in (base, now))
    found = hold(before, after, name, later=later)
    return found.state if found else "nothing"


@pytest.mark.parametrize("name", ["p50", "p95", "p99"])
def test_a_slowdown_is_told(name: str) -> None:
    """Six times as long is slower, the other way round faster, and the same as it was neither."""
    quick, as_quick = (series_of(latencies(2000, drawing(seed))) for seed in (1, 2))
    slow = series_of(latencies(2000, drawing(3), times=6))
    assert (held(quick, slow, name), held(slow, quick, name)) == ("worse", "better")
    assert held(quick, as_quick, name) == "open"


def test_a_queue_that_grows_is_told() -> None:
    """Then each latency follows from the one before, and little more is certain than that all of them are longer."""
    growing = series_of([100 + 20 * at for at in range(120)])
    assert held(series_of(latencies(120, drawing(11), times=10)), growing, "p50") == "worse"


def test_a_busier_machine_is_no_slower_service() -> None:
    """What the generator was kept waiting too, by any of its witnesses, is not called slower, nor faster."""
    base, now = (series_of(latencies(2000, drawing(8), times=times)) for times in (1, 4))
    assert held(base, now, "p50", 1.0, 1.2) == "worse"
    assert held(base, now, "p50", 0.1, 0.2) == "worse"
    assert held(base, now, "p50", 1.0, 3.0) == "open"
    assert held(now, base, "p50", 1.0, 1 / 3) == "open"


def test_two_runs_of_one_version_are_never_slower() -> None:
    """Not even where the machine makes one of them half as slow again, which nobody recorded."""
    chance, called = drawing(9), 0
    for _ in range(60):
        base = series_of(latencies(120, chance, resemblance=0.5, times=chance.uniform(1, 1.5)))
        now = series_of(latencies(120, chance, resemblance=0.5, times=chance.uniform(1, 1.5)))
        called += any(held(base, now, name) != "open" for name in ("p50", "p95", "p99", "rate", "error_ratio"))
    assert called == 0


def test_errors_and_rate() -> None:
    """A tenth that fails is more errors and fewer answers; one of a thousand is neither."""
    values = latencies(2000, drawing(10))
    good, some, few = (series_of(values, failed=failed) for failed in (0, 200, 2))
    assert (held(good, some, "error_ratio"), held(some, good, "error_ratio")) == ("worse", "better")
    assert (held(good, some, "rate"), held(some, good, "rate")) == ("worse", "better")
    assert (held(good, few, "error_ratio"), held(good, few, "rate")) == ("open", "open")
    assert held(good, series_of(values, failed=2000), "rate") == "nothing"
    assert APART == 2.5


def test_rows_are_series_in_the_order_of_time(tmp_path: Path) -> None:
    """By operation and together, without what a user does before its first arrival, and a last line that was cut."""
    file = tmp_path / "requests.csv"
    rows = [
        "-1,0.0,0,u,POST /login,200,,ok,90.0,90.0,",
        "0,0.1,0,u,GET /a,200,,ok,3.0,3.0,",
        "1,0.2,0,u,GET /b,500,,failed,1.0,1.0,HTTP 500",
        "1,0.2,0,u,TASK b,0,,raised,0.0,0.0,ValueError",
        "2,0.3,0,u,GET /a,200,,ok,2.0,2.0,",
    ]
    file.write_text("\n".join([",".join(COLUMNS), *rows, "3,0.4,0,u,GE"]))
    found = {name: ([*each.latencies_ms], [*each.good]) for name, each in read_series(file).items()}
    assert found == {ALL: ([3, 1, 2], [1, 0, 1]), "GET /a": ([3, 2], [1, 1]), "GET /b": ([1], [0])}


@pytest.mark.parametrize("text", ["", "arrival\n", "arrival,due\nx,y\n", ",".join(COLUMNS) + "\n" + "x," * 10 + "\n"])
def test_rows_that_are_none_are_no_series(tmp_path: Path, text: str) -> None:
    """Neither are those of a file that is not there, or that is no text."""
    file = tmp_path / "requests.csv"
    assert read_series(file) == {}
    file.write_text(text)
    assert read_series(file) == {}
    file.write_bytes(b"\xff\xfe\n\xff\n")
    assert read_series(file) == {}
