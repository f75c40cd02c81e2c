"""Rates that change with time: how many arrivals are due when, whoever sends them, and what is no such rate."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.config import ScenarioSettings, load_settings
from seatrial.core import UsageError
from seatrial.swarm import due_times
from seatrial.swarm._order import prepare
from seatrial.swarm._plan import Plan, due_of
from seatrial.swarm._rate import Rate
from seatrial.swarm._schedule import Spacing, share_of
from seatrial.swarm._shape import knots_of, read_recording

# No test asserts how fast our own code is, so properties have no deadline.
PROPERTY = settings(deadline=None, max_examples=100)
TIMES = st.floats(min_value=0.1, max_value=20)
SECONDS = st.floats(min_value=0.05, max_value=5)
SPACINGS = st.sampled_from(["constant", "poisson"])
ANY = Path()


def scenario(**shape: Any) -> ScenarioSettings:
    """Return a scenario of 50/s for ten seconds whose rate changes."""
    base = {"paths": ("/a",), "rate_per_s": 50.0, "duration_s": {"quick": 10.0}}
    return ScenarioSettings.model_validate({**base, **shape})


def recording(levels: Sequence[tuple[float, float]]) -> str:
    """Return a CSV file of a rate, with gaps as given between its changes."""
    starts = itertools.accumulate((gap for gap, _ in levels[:-1]), initial=0.0)
    lines = [f"{at_s!r},{per_s!r}" for at_s, (_, per_s) in zip(starts, levels, strict=True)]
    return "\n".join(["t,rate", *lines, ""])


RAMPS = st.builds(lambda times, over: scenario(ramp={"times": times, "over_s": over}), TIMES, SECONDS)
STEPS = st.builds(
    lambda times, each: scenario(steps={"times": tuple(times), "each_s": each}),
    st.lists(TIMES, min_size=1, max_size=6),
    SECONDS,
)
SPIKES = st.builds(
    lambda times, at, lasts: scenario(spike={"times": times, "at_s": at, "for_s": lasts}), TIMES, SECONDS, SECONDS
)
LEVELS = st.lists(st.tuples(SECONDS, st.one_of(st.just(0.0), st.floats(0.1, 500))), min_size=1, max_size=8).filter(
    lambda levels: any(per_s for _, per_s in levels)
)
CONSTANT = st.just(scenario())


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for recordings."""
    return tmp_path_factory.mktemp("recordings")


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    """Draw any rate that a scenario can have, also straight from knots where it is 0 for a while."""
    if draw(st.booleans()):
        return Rate(knots_of(draw(st.one_of(RAMPS, STEPS, SPIKES, CONSTANT)), root=ANY))
    gaps = draw(st.lists(st.one_of(st.just(0.0), SECONDS), max_size=6))
    heights = draw(st.lists(st.one_of(st.just(0.0), st.floats(0.1, 300)), min_size=len(gaps) + 1, max_size=20))
    return Rate(list(zip(itertools.accumulate(gaps, initial=0.0), heights, strict=False)))


def due(rate: Rate, seconds: float, *, seed: int = 3, spacing: Spacing = "constant") -> list[float]:
    """Return when arrivals are due."""
    return list(due_times(rate, duration_s=seconds, seed=seed, spacing=spacing))


@PROPERTY
@given(rates(), SECONDS, st.integers())
def test_as_many_are_due_as_the_integral_says(rate: Rate, seconds: float, seed: int) -> None:
    """Up to any instant the arrivals are the integral of the rate, but for less than one."""
    found = due(rate, seconds, seed=seed)
    for part in (seconds / 3, seconds):
        assert abs(sum(at < part for at in found) - rate.count(part)) <= 1 + 1e-6


@PROPERTY
@given(rates(), st.floats(0, 2000))
def test_when_is_the_inverse_of_count(rate: Rate, count: float) -> None:
    """By the instant at which so many are due, so many are; where they never are, there is no such instant."""
    at_s = rate.when(count)
    if math.isinf(at_s):
        assert rate.count(1e6) <= count + 1e-6
    else:
        assert rate.count(at_s) == pytest.approx(count, rel=1e-6, abs=1e-6)


@PROPERTY
@given(rates(), SECONDS, st.integers(), SPACINGS)
def test_instants_ascend_and_can_be_repeated(rate: Rate, seconds: float, seed: int, spacing: Spacing) -> None:
    """The same rate and seed give the same instants, ascending and within the duration."""
    found = due(rate, seconds, seed=seed, spacing=spacing)
    assert found == due(rate, seconds, seed=seed, spacing=spacing) == sorted(found)
    assert all(0 <= at < seconds for at in found)


@PROPERTY
@given(rates(), SECONDS, st.integers(), SPACINGS)
def test_a_longer_run_begins_with_the_shorter_one(rate: Rate, seconds: float, seed: int, spacing: Spacing) -> None:
    """What is due by an instant does not depend on how long the run will last."""
    longer = due(rate, seconds * 2, seed=seed, spacing=spacing)
    assert [at for at in longer if at < seconds] == due(rate, seconds, seed=seed, spacing=spacing)


@PROPERTY
@given(rates(), SECONDS, st.integers(1, 7), SPACINGS)
def test_shares_together_are_the_whole(rate: Rate, seconds: float, count: int, spacing: Spacing) -> None:
    """Each arrival is in the share of one process and of no other, under the number that it has in the whole."""
    whole = due(rate, seconds, spacing=spacing)
    shares = [list(share_of(iter(whole), index, count)) for index in range(count)]
    assert sorted(itertools.chain(*shares)) == list(enumerate(whole))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@PROPERTY
@given(LEVELS, st.integers(0, 2**32))
def test_a_recording_is_replayed(recordings: Path, levels: list[tuple[float, float]], number: int) -> None:
    """Its rates hold from their instants on, so that the highest of them is the rate of the scenario."""
    file = recordings / f"{number}.csv"
    file.write_text(recording(levels))
    rate = Rate(knots_of(scenario(recorded={"file": str(file)}), root=ANY))
    scale = 50 / max(per_s for _, per_s in levels)
    starts = itertools.accumulate((gap for gap, _ in levels), initial=0.0)
    for at_s, (gap, per_s) in zip(starts, levels, strict=False):
        count = rate.count(at_s + gap) - rate.count(at_s)
        assert count == pytest.approx(per_s * scale * gap, abs=1e-3)
    assert rate.highest(math.inf) == pytest.approx(50)


@pytest.mark.parametrize(
    ("shape", "counts"),
    [
        ({}, [50, 50, 50, 50]),
        ({"ramp": {"times": 3.0, "over_s": 2.0}}, [75, 125, 150, 150]),
        ({"steps": {"times": (1.0, 2.0, 0.5), "each_s": 1.0}}, [50, 100, 25, 25]),
        ({"spike": {"times": 10.0, "at_s": 1.0, "for_s": 2.0}}, [50, 500, 500, 50]),
    ],
)
def test_shapes_are_what_they_say(shape: dict[str, Any], counts: list[int]) -> None:
    """The arrivals of each of the first four seconds are as many as the words say."""
    found = due(Rate(knots_of(scenario(**shape), root=ANY)), 4.0)
    for second, count in enumerate(counts):
        assert abs(sum(second <= at < second + 1 for at in found) - count) <= 1


def test_random_arrivals_follow_the_shape() -> None:
    """A Poisson process has its mean in each part of the shape, and its gaps vary as those of one."""
    rate = Rate(knots_of(scenario(spike={"times": 10.0, "at_s": 100.0, "for_s": 100.0}), root=ANY))
    found = due(rate, 300.0, spacing="poisson")
    counts = [sum(start <= at < start + 100 for at in found) for start in (0, 100, 200)]
    assert counts == [pytest.approx(count, rel=0.05) for count in (5000, 50000, 5000)]
    gaps = [after - before for before, after in itertools.pairwise(at for at in found if 100 <= at < 200)]
    mean = sum(gaps) / len(gaps)
    assert sum((gap - mean) ** 2 for gap in gaps) / len(gaps) == pytest.approx(mean**2, rel=0.05)


def test_an_order_knows_its_arrivals_and_its_highest_rate() -> None:
    """A spike is counted, needs identities for its height, and is what the load process is told."""
    spike = scenario(spike={"times": 10.0, "at_s": 1.0, "for_s": 2.0}, identities=1)
    order = prepare("s", spike, profile="quick", root=ANY, limits=None, environment={})
    assert order.arrivals == pytest.approx(50 * 8 + 500 * 2)
    assert order.rate.highest(10) == 500
    plan = Plan(
        name="s", url="", file="", user="", paths=(), rate_per_s=order.rate.mean(10.0), duration_s=10.0, deadline_s=1.0,
        spacing="constant", seed=1, knots=order.knots, share=(1, 3),
    )  # fmt: skip
    assert Plan.decode(plan.encode()) == plan
    plan = replace(plan, share=(0, 1))
    assert abs(due_of(plan).due - 1400) <= 1
    assert plan.rate_per_s == pytest.approx(140)


def test_a_spike_may_be_too_large() -> None:
    """The bound on a scenario's arrivals holds for the integral of its rate."""
    spike = scenario(spike={"times": 400_000.0, "at_s": 1.0, "for_s": 2.0})
    with pytest.raises(UsageError) as caught:
        prepare("s", spike, profile="quick", root=ANY, limits=None, environment={})
    assert caught.value.slug == "load-too-large"


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (None, "", "cannot be read"),
        ("", ":1", "does not begin"),
        ("time;rate\n0;1\n", ":1", "does not begin"),
        ("t,rate\n", "", "no rate above 0"),
        ("t,rate\n0,0\n1,0\n", "", "no rate above 0"),
        ("t,rate\n0,1\nsoon,5\n", ":3", "'soon,5' is not two numbers"),
        ("t,rate\n0,1,2\n", ":2", "is not two numbers"),
        ("t,rate\n0,nan\n", ":2", "0 or more"),
        ("t,rate\n0,inf\n", ":2", "0 or more"),
        ("t,rate\n0,-1\n", ":2", "0 or more"),
        ("t,rate\n1,5\n", "", "do not ascend from 0"),
        ("t,rate\n0,5\n2,1\n2,3\n", "", "do not ascend from 0"),
        ("t,rate\n0,1\n" + "9,1\n" * 100_000, "", "more than 100,000 lines"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, text: str | None, where: str, said: str) -> None:
    """It is refused before anything is sent, with the line and what it should be."""
    file = tmp_path / "rates.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recording(file)
    assert (caught.value.slug, caught.value.where) == ("load-recording-unusable", f"{file}{where}")
    assert said in caught.value.what
    assert "t,rate" in caught.value.remedy


def test_a_recording_in_bytes_of_no_text(tmp_path: Path) -> None:
    """What is not even text is refused as well."""
    file = tmp_path / "rates.csv"
    file.write_bytes(b"t,rate\n0,\xff\n")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recording(file)


TABLE = "[load.s]\npaths = ['/a']\nrate_per_s = {rate}\n[load.s.duration_s]\nquick = 1\n{more}"


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "true", "'fast'"])
def test_a_rate_that_is_none(tmp_path: Path, rate: str) -> None:
    """A rate of 0, below, of no number or of no end is refused with key and line."""
    file = tmp_path / "seatrial.toml"
    file.write_text(TABLE.format(rate=rate, more=""))
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.slug == "config-invalid"
    assert caught.value.where == f"{file}:3"
    assert "load.s.rate_per_s" in caught.value.what


@pytest.mark.parametrize(
    ("more", "slug", "line", "said"),
    [
        ("[load.s.ramp]\ntimes = 0\nover_s = 1\n", "config-invalid", 7, "load.s.ramp.times"),
        ("[load.s.ramp]\ntimes = 2\n", "config-invalid", 6, "over_s"),
        ("[load.s.steps]\ntimes = []\neach_s = 1\n", "config-invalid", 7, "load.s.steps.times"),
        ("[load.s.spike]\ntimes = 2\nat = 1\nfor_s = 1\n", "config-invalid", 6, "at_s"),
        ("[load.s.ramp]\ntimes = 2\nover_s = 1\n[load.s.recorded]\nfile = 'a'\n", "load-shapes-several", 9, "recorded"),
    ],
)
def test_shapes_that_are_none(tmp_path: Path, more: str, slug: str, line: int, said: str) -> None:
    """A shape with a value or key that it cannot have, and a second one, are refused with key and line."""
    file = tmp_path / "seatrial.toml"
    file.write_text(TABLE.format(rate=5, more=more))
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.slug == slug
    assert caught.value.where == f"{file}:{line}"
    assert said in caught.value.what
