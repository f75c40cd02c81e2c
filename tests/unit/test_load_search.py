"""The search for the rate at which a service breaks: on services of which the truth is known."""

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import Options, open_run
from seatrial.cli._load_plan import _object, _text
from seatrial.config import ScenarioSettings, Settings
from seatrial.core import CheckResult, Evidence, Outcome, UsageError
from seatrial.stack import Choice
from seatrial.swarm._breakpoint import find_breakpoint
from seatrial.swarm._order import check_sizes, prepare
from seatrial.swarm._outcomes import CLAIMS
from seatrial.swarm._search import most_bursts, search


@given(st.floats(1, 100), st.floats(1.1, 100), st.floats(0.05, 1), st.floats(0.5, 20_000))
def test_the_interval_holds_the_truth(low: float, times: float, within: float, truth: float) -> None:
    """It is as narrow as asked, and the service holds at its lower end and breaks at its upper one."""
    asked: list[float] = []

    def holds(rate: float) -> bool:
        asked.append(rate)
        return rate <= truth

    found = search(holds, low=low, high=low * times, within=within)
    assert found.interval is not None
    assert all(low <= rate <= low * times for rate in asked)
    if truth < low:
        assert (found.interval.low, found.interval.high, found.best) == (0, low, 0)
    elif truth >= low * times:
        assert found.interval.low == found.interval.high == found.best == low * times
    else:
        assert found.interval.low <= truth < found.interval.high <= found.interval.low * (1 + within) * (1 + 1e-9)
    assert all(asked.count(rate) == 2 for rate in asked)


@given(st.floats(1.01, 1000), st.floats(0.05, 1), st.randoms(use_true_random=False))
def test_no_search_takes_more_bursts_than_were_told(times: float, within: float, chance: random.Random) -> None:
    """However bursts end."""
    asked: list[float] = []

    def holds(rate: float) -> bool | None:
        asked.append(rate)
        return chance.choice([True, False, None])

    search(holds, low=1, high=times, within=within)
    assert len(asked) <= most_bursts(times=times, within=within)


def test_the_worst_search_takes_as_many_as_were_told() -> None:
    """Three to hold at the lowest rate, three to break at every other."""
    votes = itertools.chain([True, False, True], itertools.cycle([False, True, False]))
    asked: list[float] = []

    def holds(rate: float) -> bool:
        asked.append(rate)
        return next(votes)

    search(holds, low=20, high=160, within=0.5)
    assert len(asked) == most_bursts(times=8, within=0.5) == 15


def test_a_search_is_as_large_as_its_largest_burst(tmp_path: Path) -> None:
    """What could not be sent at its highest rate is refused before anything starts, and so the plan says that rate."""
    how: dict[str, Any] = {"profile": "quick", "root": tmp_path, "limits": None, "environment": {}}
    base = {"rate_per_s": 2000, "duration_s": {"quick": 1.0}, "paths": ("/a",)}
    with pytest.raises(UsageError, match=r"4e\+07/s for 1 s") as caught:
        prepare("s", ScenarioSettings.model_validate({**base, "rate_per_s": 40_000, "search": {"times": 1000}}), **how)
    assert caught.value.slug == "load-too-large"
    order = prepare("s", ScenarioSettings.model_validate({**base, "search": {"times": 8, "within": 0.5}}), **how)
    choice = Choice(driver="local", why="so")
    assert "searches   up to 16000/s, by at most 15 bursts of 1 s" in _text(choice, "quick", {"s": order}, {}, [])
    assert json.loads(_object(choice, "quick", {"s": order}, {}, []))["load"][0]["search"] == {
        "up_to_per_s": 16000, "within": 0.5, "most_bursts": 15,
    }  # fmt: skip


def test_a_search_that_cannot_be_sent_starts_nothing(tmp_path: Path) -> None:
    """It is refused before the run has a directory, but not in a profile that has nothing of it."""
    scenario = ScenarioSettings.model_validate(
        {"rate_per_s": 40_000, "duration_s": {"full": 1.0}, "paths": ("/a",), "search": {"times": 1000}}
    )
    settings = Settings(root=tmp_path, load={"s": scenario})
    with pytest.raises(UsageError, match=r"4e\+07/s for 1 s"):
        open_run(settings, Options(stack="http://127.0.0.1:9", profile="full"), suites=("load",))
    assert not (tmp_path / ".seatrial").exists()
    check_sizes(settings.load, profile="quick", root=tmp_path)


def votes_of(*votes: bool | None) -> tuple[Iterator[bool | None], Any]:
    """Return votes in this order, and what hands them out."""
    given_ = iter(votes)
    return given_, lambda _rate: next(given_)


def test_one_bad_burst_of_three_decides_nothing() -> None:
    """Two that held outvote it, and the third is not sent where two agree."""
    left, holds = votes_of(True, False, True, True, True)
    found = search(holds, low=1, high=2, within=1)
    assert (found.best, list(left)) == (2, [])


@pytest.mark.parametrize("votes", [(None, None, None), (True, False, None)])
def test_a_lowest_rate_that_cannot_be_judged_leaves_nothing(votes: tuple[bool | None, ...]) -> None:
    """No interval then; at most three bursts."""
    left, holds = votes_of(*votes)
    found = search(holds, low=1, high=2, within=1)
    assert (found.interval, found.best, found.unknown_per_s, list(left)) == (None, 0, 1, [])


@given(st.floats(2, 50), st.floats(1, 100))
def test_a_generator_at_its_end_leaves_the_upper_side_open(truth: float, reach: float) -> None:
    """Rates above its reach cannot be judged: what held is known all the same, and nothing is said to break there."""

    def holds(rate: float) -> bool | None:
        return None if rate > reach else rate <= truth

    found = search(holds, low=1, high=64, within=0.25)
    assert found.interval is not None
    assert found.interval.low <= min(truth, reach) <= found.interval.low * 1.25 * (1 + 1e-9)
    if found.unknown_per_s:
        assert found.interval.low == found.interval.high == found.best
        assert found.unknown_per_s > reach
    else:
        assert found.interval.high > truth


def test_a_given_rate_has_no_breakpoint(tmp_path: Path) -> None:
    """An objective on it could not be broken."""
    scenario = ScenarioSettings.model_validate(
        {"rate_per_s": 1.0, "duration_s": {"quick": 1.0}, "paths": ("/a",), "objectives": {"breakpoint": ">= 5/s"}}
    )
    with pytest.raises(UsageError) as caught:
        prepare("s", scenario, profile="quick", root=tmp_path, limits=(), environment={})
    assert caught.value.slug == "objective-search"


FATES = {
    "P": Outcome.PASSED, "F": Outcome.FAILED, "I": Outcome.INCONCLUSIVE, "N": Outcome.NOT_TESTED,
}  # fmt: skip


def burst(fates: str) -> Evidence:
    """Return a burst whose checks ended so, in the order of CLAIMS."""
    return Evidence(
        results=tuple(
            CheckResult(check=f"load.s-{claim}", outcome=FATES[fate], reason="why")
            for claim, fate in zip(CLAIMS, fates, strict=True)
        )
    )


@pytest.mark.parametrize(
    ("bursts", "limited", "resources"),
    [
        (["PPPP"] * 4, "P", "P"),
        (["PPPP", "PPPP", "PFPF", "NFNN"], "P", "P"),  # a service may use more than it may where it breaks
        (["PPPP", "PPPP", "PFFP", "PFPP"], "F", "P"),  # but nobody below a quota is limited there
        (["PPPP", "IIII", "PPPF", "IIII", "IIII", "IIII"], "P", "F"),
        (["PPPP", "IIII", "IIII"], "I", "I"),
        (["PFPP", "PFPI"], "P", "I"),
        (["PPNN", "PPPP", "PPIP", "PPPI"], "I", "I"),
    ],
)
def test_other_claims_are_those_of_the_best_rate(
    bursts: list[str], limited: str, resources: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst of the bursts that kept to the objectives decides, whichever came first."""
    sent = iter(bursts)

    def send(*_: object, out: Path, **__: object) -> Evidence:
        out.mkdir(parents=True)
        return burst(next(sent))

    monkeypatch.setattr("seatrial.swarm._breakpoint.run_scenario", send)
    settings = ScenarioSettings.model_validate(
        {"rate_per_s": 10.0, "duration_s": {"quick": 1.0}, "paths": ("/a",), "search": {"times": 2, "within": 1}}
    )
    found = find_breakpoint("s", settings, profile="quick", out=tmp_path, progress=lambda _line: None, replay="")
    assert list(sent) == []
    assert [result.outcome for result in found.results[2:]] == [FATES[limited], FATES[resources]]
