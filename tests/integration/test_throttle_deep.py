"""The deep stage on real limiters: what is kept of ever new clients, who is crowded out, and what asking on costs."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from proving import SERVER, People, ended, limit, process, told

from seatrial.config import LimitSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.throttle import NO_USERS, Means, Policy, plan_deep, prove
from seatrial.throttle._author import Author
from seatrial.throttle._pressure import pressure
from seatrial.throttle._step import Step

ALGORITHMS = Path(__file__).parents[1] / "support" / "algorithms.py"


@pytest.fixture(autouse=True)
def _fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three thousand come in a batch: a small server shows it with as many."""
    monkeypatch.setattr("seatrial.throttle._deep.KEYS", 3000)


UNDER_PRESSURE = {"refusals-cheap", "noise-bounded", "burst-exact"}


def deepen(target: Target, settings: LimitSettings, means: Means, *, people: People | None = None) -> Evidence:
    """Run the deep stage on a server."""
    policy, people = Policy.declared(settings, {}), people or People()
    memory, control, load = bool(means.memory), bool(means.control), "some" * bool(means.load)
    plan = plan_deep(
        policy,
        memory=memory,
        control=control,
        load=load,
        budget_s=120.0,
        addresses=2,
        no_users="" if people.users else NO_USERS,
    )
    return prove(policy, plan=plan, means=means, target=target, identities=people, progress=lambda _line: None, seed=1)


def memory_of(pid: int) -> Means:
    """Return the means to read one process's memory."""

    def memory() -> Mapping[str, int]:
        return {"server": psutil.Process(pid).memory_info().rss}

    return Means(memory=memory)


@pytest.mark.parametrize(
    ("traits", "failed"), [((), set()), (("remembers",), {"memory-bounded"}), (("drops-all",), {"buckets-kept"})]
)
def test_thousands_of_clients_are_forgotten_in_time(traits: tuple[str, ...], failed: set[str]) -> None:
    """Buckets that are over go, those in use stay: keeping all is a leak, dropping all lifts the limit."""
    with process(SERVER, {"quota": 8, "window_s": 3.0, "traits": ("works", *traits)}) as (target, started):
        evidence = deepen(target, limit(window_s=3.0), memory_of(started.pid))
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    wanted = UNDER_PRESSURE | {"memory-bounded", "buckets-kept"}
    assert ended(evidence, Outcome.PASSED) == wanted - failed, told(evidence)
    assert ended(evidence, Outcome.NOT_APPLICABLE) == {"store-returns"}


def test_what_no_stack_can_show_is_not_tested() -> None:
    """Of somebody else's target nobody can read the memory; that is said, and the rest is proved."""
    with process(SERVER, {"quota": 8, "window_s": 2.0, "traits": ("works",)}) as (target, _):
        evidence = deepen(target, limit(window_s=2.0, store="redis"), Means())
    assert ended(evidence, Outcome.NOT_TESTED) == {"memory-bounded", "store-returns", "load-exact"}, told(evidence)
    assert ended(evidence, Outcome.PASSED) == {"buckets-kept", *UNDER_PRESSURE}, told(evidence)


@pytest.mark.parametrize(("quota", "refused_count"), [(8, False), (8, True), (60, True)])
def test_a_counter_shows_over_two_windows_what_asking_on_costs(
    monkeypatch: pytest.MonkeyPatch, quota: int, *, refused_count: bool
) -> None:
    """A counter that counts refusals never lets in whoever goes on asking; one that does not lets both in."""
    monkeypatch.setattr("seatrial.throttle._deep.KEYS", 600)
    traits = ("refused-count",) if refused_count else ()
    server = {"algorithm": "sliding-counter", "quota": quota, "window_s": 2.0, "headers": "epoch", "traits": traits}
    declared = {"algorithm": "sliding-counter", "quota": quota, "window_s": 2.0, "path": "/items/7", "headers": "none"}
    with process(ALGORITHMS, server) as (target, _):
        settings = limit(**declared, authenticated_by=(), exempt=(), path_template="")
        evidence = deepen(target, settings, Means(), people=People(users=False))
    failed, passed = (ended(evidence, outcome) - UNDER_PRESSURE for outcome in (Outcome.FAILED, Outcome.PASSED))
    assert failed == ({"refusals-free"} if refused_count else set()), told(evidence)
    assert failed | passed == {"refusals-free", "window-resets", "buckets-kept"}, told(evidence)


@pytest.mark.parametrize(
    ("traits", "declared", "failed"),
    [
        (("counter",), {"algorithm": "sliding-counter"}, set()),
        (("counter", "window-long"), {"algorithm": "sliding-counter"}, {"window-resets"}),
        (("counter", "drops-all"), {"algorithm": "sliding-counter"}, {"buckets-kept"}),
        (("by-key",), {"anchor": "per-key"}, set()),
        (("by-key", "window-long"), {"anchor": "per-key"}, {"window-resets"}),
        (("by-key", "window-short"), {"anchor": "per-key"}, {"window-resets"}),
        (("by-key", "later-one-more"), {"anchor": "per-key"}, {"window-resets"}),
    ],
)
def test_over_two_windows_everything_comes_back_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, traits: tuple[str, ...], declared: dict[str, str], failed: set[str]
) -> None:
    """A counter has forgotten everything by then; who meets the end of a window that is shifted knows the next one.

    A limiter that drops all buckets while others come may do so while a quota is used up again: then that is too large.
    """
    monkeypatch.setattr("seatrial.throttle._deep.pressure", _volley_alone)
    monkeypatch.setattr("seatrial.throttle._deep.KEYS", 600)
    with process(SERVER, {"quota": 8, "window_s": 2.0, "traits": traits}) as (target, _):
        evidence = deepen(target, limit(window_s=2.0, headers="none", **declared), Means())
    claims = {"window-resets", "refusals-free", *(() if "anchor" in declared else ("buckets-kept",))}
    # One more in each later window is one more than two quotas too, if a window ends while all ask in one moment.
    follows = {"drops-all": {"window-resets"}, "later-one-more": {"burst-exact"}}.get(traits[-1], set())
    assert failed <= ended(evidence, Outcome.FAILED) <= failed | follows, told(evidence)
    assert ended(evidence, Outcome.PASSED) >= claims - failed - follows, told(evidence)


@pytest.mark.long
def test_a_bucket_that_fills_as_fast_as_one_client_asks_is_watched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """While many come, each answer takes longer than one request takes to come back: quotas are used up at once."""
    monkeypatch.setattr("seatrial.throttle._deep.pressure", _volley_alone)
    monkeypatch.setattr("seatrial.throttle._deep.KEYS", 1200)
    monkeypatch.setattr("seatrial.throttle._deep.WARM", 50)
    with process(SERVER, {"quota": 8, "window_s": 2.0, "traits": ("bucket", "crowd-slow")}) as (target, _):
        evidence = deepen(target, limit(window_s=2.0, headers="none", algorithm="token-bucket"), Means())
    assert ended(evidence, Outcome.PASSED) >= {"buckets-kept"}, told(evidence)


def _volley_alone(author: Author) -> list[Step]:
    """Leave out what is compared: it takes its time, and is looked at elsewhere."""
    return [replace(step, after="quota") for step in pressure(author) if step.name == "volley"]


def test_what_does_not_fit_into_the_time_is_not_begun() -> None:
    """Two windows of an hour are not waited for: the deep stage says how long it takes."""
    policy = Policy.declared(limit(window_s=3600.0), {})
    plan = plan_deep(policy, memory=True, control=True, budget_s=240.0, addresses=2, profile="full")
    assert "the deep stage takes about" in plan.no_proof
    assert "full profile" in plan.no_proof


@pytest.mark.parametrize("turns", [False, True])
def test_after_each_trouble_of_the_store_the_quota_is_exact(monkeypatch: pytest.MonkeyPatch, *, turns: bool) -> None:
    """A limiter that counts as before is proved after each trouble; one with a stand-in that stays is refuted."""
    monkeypatch.setattr("seatrial.throttle._store.RECOVERY_S", 3.0)
    monkeypatch.setattr("seatrial.throttle._deep.KEYS", 300)
    verbs: list[str] = []
    with process(SERVER, {"quota": 8, "window_s": 2.0, "traits": ()}) as (target, started):

        def control(verb: str) -> None:
            verbs.append(verb)
            if turns and verb == "unpause":
                started.send_signal(signal.SIGUSR1)

        evidence = deepen(target, limit(window_s=2.0, store="redis"), Means(control=control))
    assert verbs == ["restart", "pause", "unpause", *([] if turns else ["stop", "start"])]
    assert ended(evidence, Outcome.FAILED if turns else Outcome.PASSED) >= {"store-returns"}, told(evidence)
    assert ("store-returns" in ended(evidence, Outcome.FAILED)) is turns
