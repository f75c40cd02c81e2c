"""Limits under pressure, on real limiters: what refusals cost, who waits for them, and what a crowd is admitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from proving import SERVER, People, ended, limit, process, told

from seatrial.config import ScenarioSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.swarm import Hammer, make_hammer
from seatrial.throttle import IN_FLIGHT, LOAD_PER_S, LOAD_S, Means, Policy, plan_deep, prove
from seatrial.throttle._pressure import PRESSURE
from seatrial.throttle._volley import saturated

WINDOW_S = 2.0
Under = Callable[..., Evidence]


@pytest.fixture
def press(tmp_path: Path) -> Under:
    """Return a function that takes the steps under pressure, and no others."""
    people = People()

    def hammer(target: Target, rate_per_s: float) -> Hammer:
        scenario = ScenarioSettings(rate_per_s=1, duration_s={"quick": 1}, paths=("/a/99",), identities=1)
        return make_hammer(
            "some", scenario, target=target, identities=people, limits=(limit(window_s=WINDOW_S),), environment={},
            rate_per_s=rate_per_s, duration_s=LOAD_S, most_in_flight=IN_FLIGHT,
            seed=1, run="throttle-test", work=tmp_path, root=tmp_path,
        )  # fmt: skip

    def run(target: Target, *, rate_per_s: float = LOAD_PER_S, **changed: object) -> Evidence:
        policy = Policy.declared(limit(window_s=WINDOW_S, **changed), {})
        plan = plan_deep(policy, memory=False, control=False, load="some", budget_s=120.0, addresses=2)
        return prove(
            policy,
            plan=replace(plan, no_kept="not looked at here"),
            means=Means(load=partial(hammer, target, rate_per_s)),
            target=target,
            identities=people,
            progress=lambda _line: None,
            seed=1,
        )

    return run


@pytest.mark.parametrize(
    ("traits", "failed"),
    [
        (("works", "hard-work"), set()),
        (("works", "hard-work", "jitter"), set()),
        (("refusals-dear", "hard-work"), {"refusals-cheap"}),
        (("works", "hard-work", "refusals-lock"), {"noise-bounded"}),
        (("works", "hard-work", "crowd-uncounted"), {"burst-exact"}),
        (("works", "busy-uncounted"), {"load-exact"}),
    ],
    ids=lambda value: "-".join(sorted(value)) or "nothing",
)
def test_each_defect_fails_its_claim(press: Under, traits: tuple[str, ...], failed: set[str]) -> None:
    """What is wrong under pressure alone is found by the claim that is about it, and what is right is proved."""
    with process(SERVER, {"quota": 8, "window_s": WINDOW_S, "traits": traits}) as (target, _):
        evidence = press(target)
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    assert ended(evidence, Outcome.PASSED) & PRESSURE.keys() == PRESSURE.keys() - failed, told(evidence)


@pytest.mark.parametrize(("trait", "algorithm"), [("log", "sliding-log"), ("counter", "sliding-counter")])
@pytest.mark.parametrize(
    ("fault", "failed"),
    [("hard-work", set()), ("crowd-uncounted", {"burst-exact"}), ("busy-uncounted", {"load-exact"})],
)
def test_sliding_windows_are_as_exact_in_a_crowd(
    press: Under, trait: str, algorithm: str, fault: str, failed: set[str]
) -> None:
    """A crowd gets no more of a window that slides than whoever asks alone, also under load."""
    with process(SERVER, {"quota": 8, "window_s": WINDOW_S, "traits": (trait, "works", fault)}) as (target, _):
        evidence = press(target, algorithm=algorithm, headers="none")
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    exact = {"burst-exact", "load-exact"}
    assert ended(evidence, Outcome.PASSED) & exact == exact - failed, told(evidence)


def test_a_service_that_is_idle_proves_nothing_about_load(press: Under) -> None:
    """Where the load is no more than a service takes, its quota is not proved under load, and it is said why."""
    with process(SERVER, {"quota": 8, "window_s": WINDOW_S, "traits": ("works",)}) as (target, _):
        evidence = press(target, rate_per_s=20)
    (left,) = [result for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE]
    assert left.check == "ratelimit.load-exact", told(evidence)
    assert "does not saturate this service" in left.reason


@pytest.mark.parametrize(
    ("due", "started", "enough"), [(0, 0, False), (1000, 1000, False), (1000, 980, False), (1000, 979, True)]
)
def test_what_is_saturated(due: int, started: int, *, enough: bool) -> None:
    """More than one of fifty arrivals is turned away; without any arrival nothing is known."""
    assert saturated(due, started) is enough


def test_how_long_others_may_wait_is_declared(press: Under) -> None:
    """What is a defect by the usual factor is as promised where a greater one is declared."""
    with process(SERVER, {"quota": 8, "window_s": WINDOW_S, "traits": ("works", "refusals-lock")}) as (target, _):
        evidence = press(target, noisy_factor=1000.0)
    assert "noise-bounded" in ended(evidence, Outcome.PASSED), told(evidence)
    figures = {figure.name: figure.value for figure in evidence.measurements}
    assert 5 < figures["ratelimit.noise_factor"] < 1000
    assert figures["ratelimit.refusal_cost"] < 1
    assert figures["ratelimit.load_started"] <= 1
