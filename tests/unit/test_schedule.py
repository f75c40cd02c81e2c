"""The schedule of a proof: a pure function of the policy, told without a clock and without a request."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promises import PROMISES
from proving import serving

from seatrial.campaign import allowance, plan_deep_limits, plan_limits
from seatrial.config import LimitSettings, load_settings
from seatrial.core import Check, Outcome, Severity
from seatrial.plugin import Defects
from seatrial.plugin._allowance import Allowance
from seatrial.plugin._outcomes import DefectsFound, Inconclusive
from seatrial.throttle import CLAIMS, NO_USERS, Policy, Schedule, deep_schedule, plan_deep, plan_proof, schedule
from seatrial.throttle._deep import deep_claims
from seatrial.throttle._keys import growing
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._outcomes import judge_outcome
from seatrial.throttle._policy import Plan
from seatrial.throttle._pressure import AT_ONCE, PRESSURE, before
from seatrial.throttle._proof import JOBS
from seatrial.throttle._step import Step

ROOT = Path(__file__).parents[2]
UNTRIED = {Outcome.NOT_APPLICABLE, Outcome.NOT_TESTED}

POLICIES = st.builds(
    lambda body, **settings: Policy.declared(
        LimitSettings.model_validate({**PROMISES, "path": "/a", **body, **settings}), {}
    ),
    body=st.sampled_from([{}, {"method": "POST", "body": {"name": "x"}, "bypass_fields": ("name",)}]),
    quota=st.integers(1, 400),
    window_s=st.floats(0.5, 86_400.0),
    algorithm=st.sampled_from(["any", "fixed-window", "sliding-log", "sliding-counter", "token-bucket"]),
    anchor=st.sampled_from(["first-request", "clock", "per-key"]),
    authenticated_by=st.sampled_from([(), ("user",), ("organisation",), ("organisation", "user")]),
    anonymous_by=st.sampled_from(["address", "none"]),
    proxy=st.sampled_from(["", "127.0.0.9"]),
    exempt=st.sampled_from([(), ("/health",), ("/health", "/metrics")]),
    path_template=st.sampled_from(["", "/a/{i}"]),
    costs=st.lists(st.fixed_dictionaries({"status": st.just(404), "path": st.just("/b"), "counts": st.booleans()})).map(
        tuple
    ),
    headers=st.sampled_from(["x-ratelimit-epoch", "none"]),
    retry_after=st.booleans(),
)


@st.composite
def planned(draw: st.DrawFn) -> tuple[Policy, Plan, Schedule]:
    """Return a policy, what can be proved of it somewhere, and the schedule."""
    policy = draw(POLICIES)
    users = bool(policy.settings.authenticated_by) and draw(st.booleans())
    budget_s, addresses = draw(st.sampled_from([20.0, 90.0])), draw(st.sampled_from([0, 2]))
    plan = plan_proof(policy, budget_s=budget_s, addresses=addresses, no_users="" if users else NO_USERS)
    return policy, plan, schedule(policy, plan)


def names(step: Step) -> set[str]:
    """Return the clients of a step, by name."""
    return {client.name for client in step.clients} - {"nobody"}


def latest_of(policy: Policy) -> float:
    """Return when, in windows, the last request is due."""
    return max(1, policy.wait_s / policy.window_s)


@given(planned())
def test_identities_are_disjoint(found: tuple[Policy, Plan, Schedule]) -> None:
    """No two steps share a client, but where one goes on with the client of another, and says so."""
    _, _, made = found
    for number, step in enumerate(made.steps):
        for other in made.steps[:number]:
            assert not names(step) & names(other) or step.continues == other.name, (step.name, other.name)
        assert all(client.of in names(step) for client in step.clients if client.of)


@given(planned())
def test_steps_stand_in_an_order_in_which_they_can_be_taken(found: tuple[Policy, Plan, Schedule]) -> None:
    """Each step waits for an earlier one, is known to the proof, and its visits come in the order of time."""
    policy, _, made = found
    known: set[str] = set()
    latest = latest_of(policy)
    for step in made.steps:
        assert step.after in known or not known
        assert step.name in JOBS or not known
        assert step.name not in known
        assert all(visit.requests >= 0 and 0 <= visit.at <= latest for visit in step.visits)
        known.add(step.name)
        assert all(earlier.at <= later.at for earlier, later in pairwise(step.visits) if earlier.client == later.client)


@given(planned())
def test_what_is_claimed_is_what_is_scheduled(found: tuple[Policy, Plan, Schedule]) -> None:
    """A claim has a step exactly where it is not ruled out beforehand: the plan cannot promise more, or less."""
    policy, plan, made = found
    tried = {c for c in CLAIMS if judge_outcome(c, policy, plan, Ledger(), "")[0] not in UNTRIED}
    # Where the exact quota is not claimed, it is still tried whether far too much is admitted.
    assert made.claims - {"quota-exact"} == tried - {"quota-exact"}


@given(planned())
def test_the_budget_is_kept(found: tuple[Policy, Plan, Schedule]) -> None:
    """No schedule has more requests than the policy allows; what needs more is not begun, and says so."""
    policy, plan, made = found
    assert made.requests == sum(visit.requests for step in made.steps for visit in step.visits)
    assert made.requests <= made.most == policy.settings.max_requests
    assert bool(made.steps) is not bool(plan.no_proof)


@given(planned())
def test_what_waits_fits_into_the_time(found: tuple[Policy, Plan, Schedule]) -> None:
    """Nothing is scheduled that waits beyond the budget; what waits is over when whoever is refused is admitted again.

    That is a window after the first request, and of a counter so much later that one request comes back.
    """
    policy, plan, made = found
    waiting = [visit for step in made.steps for visit in step.visits if visit.ends]
    assert all(visit.ends <= latest_of(policy) for visit in waiting)
    assert not waiting or policy.wait_s < plan.budget_s


@given(planned())
def test_the_same_policy_has_the_same_schedule(found: tuple[Policy, Plan, Schedule]) -> None:
    """Nothing but policy and plan decides."""
    policy, plan, made = found
    assert schedule(policy, plan) == made


def test_no_clock_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told without a clock."""

    def broken() -> float:
        raise AssertionError("a clock was read")

    policy = Policy.declared(LimitSettings(**PROMISES, quota=60, window_s=60, algorithm="fixed-window", path="/a"), {})
    with monkeypatch.context() as patch:
        for clock in ("time", "monotonic", "perf_counter"):
            patch.setattr(time, clock, broken)
        found = schedule(policy, plan_proof(policy, budget_s=90, addresses=2))
    assert found.steps


def reference() -> list[tuple[Policy, Schedule]]:
    """Return the reference stack's policies as the full profile has them, each with its schedule."""
    settings = load_settings(ROOT / "seatrial.toml")
    budget_s = settings.budget_s["full"]["ratelimit"]
    policies = [Policy.declared(limit, {}) for limit in settings.limits]
    return [
        (
            policy,
            schedule(
                policy,
                plan_proof(
                    policy,
                    budget_s=budget_s,
                    addresses=2,
                    no_users="" if policy.settings.authenticated_by else NO_USERS,
                ),
            ),
        )
        for policy in policies
    ]


def test_the_reference_policy_is_proved_in_little_more_than_its_window() -> None:
    """60 requests in 60 s: every claim, in at most 1.1 windows and 9,000 requests, what waits at one moment."""
    (policy, made), *others = reference()
    assert (policy.quota, policy.window_s) == (60, 60.0)
    assert made.claims == set(CLAIMS) - {"body-field-in-key", "edge-bounded"}
    assert made.claims.union(*(one.claims for _, one in others)) == set(CLAIMS) - {"edge-bounded"}
    assert made.seconds <= 1.1 * policy.window_s
    assert sum(one.requests for _, one in reference()) <= 9000
    assert max(one.seconds for _, one in others) <= 1.1 * policy.window_s
    meeting = [made.due_s(step, visit) for step in made.steps for visit in step.visits if visit.at == 1.0]
    assert len(meeting) >= 5
    assert max(meeting) - min(meeting) <= 0.05 * policy.window_s


@pytest.mark.parametrize(
    ("keys", "sharing", "apart"),
    [
        (("organisation",), ["user", "again", "colleague", "moved"], ["user", "user"]),
        (("user",), ["user", "again", "moved"], ["user", "user", "colleague"]),
        (("organisation", "user"), ["user", "again", "moved"], ["user", "user", "colleague"]),
        ((), [], ["user", "user"]),
    ],
)
def test_who_shares_a_quota_goes_by_its_key(keys: tuple[str, ...], sharing: list[str], apart: list[str]) -> None:
    """A colleague has none of his own where an organisation has one, and one where users have one each."""
    settings = LimitSettings.model_validate({"quota": 9, "window_s": 9, "path": "/a", "authenticated_by": keys})
    policy = Policy.declared(settings, {})
    steps = {step.name: step for step in schedule(policy, plan_proof(policy, budget_s=90, addresses=2)).steps}
    one = steps.get("one user")
    assert [client.kind for client in steps["quota"].clients] == apart
    assert [client.kind for client in one.clients] == sharing if one else not sharing
    assert not one or one.claims == ("another-token", "another-address")


def test_a_window_of_a_day_leaves_what_needs_none() -> None:
    """What cannot be proved in the time is left out and says so; the rest is scheduled, and soon over."""
    policy = Policy.declared(
        LimitSettings(**PROMISES, quota=60, window_s=86_400, algorithm="fixed-window", path="/a"), {}
    )
    plan = plan_proof(policy, budget_s=90, addresses=2)
    made = schedule(policy, plan)
    assert "86400 s" in plan.no_window
    assert set(CLAIMS) - made.claims == {
        *("window-resets", "retry-after-honoured", "refusals-free"),
        *(
            "health-exempt",
            "path-parameter-in-key",
            "exemption-narrow",
            "statuses-counted",
            "body-field-in-key",
            "edge-bounded",
            "network-bounded",
        ),  # not declared
    }
    assert made.seconds < 60


@given(POLICIES, st.booleans(), st.booleans(), st.sampled_from([0, 2]), st.sampled_from(["", "steady"]))
def test_the_deep_stage_has_a_schedule_and_a_budget_of_its_own(
    policy: Policy, memory: bool, control: bool, addresses: int, load: str
) -> None:
    """Its clients are nobody else's, its claims are what is not ruled out, and it keeps to its requests and seconds."""
    plan = plan_deep(policy, memory=memory, control=control, budget_s=480.0, addresses=addresses, load=load)
    made = deep_schedule(policy, plan)
    tried = {c for c in deep_claims(policy) if judge_outcome(c, policy, plan, Ledger(), "")[0] not in UNTRIED}
    assert made.claims == tried
    assert bool(made.steps) is not bool(plan.no_proof)
    assert made.requests <= made.most == policy.settings.deep_requests
    assert made.seconds <= plan.budget_s
    for number, step in enumerate(made.steps):
        assert all(not names(step) & names(other) for other in made.steps[:number])
        assert step.name in JOBS or not number


@given(POLICIES, st.sampled_from(["", "steady"]))
def test_what_is_compared_is_compared_alone(policy: Policy, load: str) -> None:
    """The steps under pressure come one after the other, and every other one behind the last of them."""
    plan = plan_deep(policy, memory=True, control=True, budget_s=1e9, addresses=2, load=load)
    first, *rest = deep_schedule(policy, plan).steps
    pressed = [step for step in rest if set(step.claims) <= PRESSURE.keys()]
    assert rest[: len(pressed)] == pressed
    assert [step.after for step in pressed] == [first.name, *(step.name for step in pressed[:-1])]
    assert {step.after for step in rest[len(pressed) :]} <= {pressed[-1].name, "keys"}
    assert ("load" in {step.name for step in pressed}) == (bool(load) and not plan.no_quota)


@given(st.integers(1, 10**6))
def test_a_burst_asks_for_more_than_is_left(quota: int) -> None:
    """What is used up before is never more than the quota, and the burst asks for the rest at least four times over."""
    left = quota - before(quota)
    assert 1 <= left <= quota
    assert 4 * left <= AT_ONCE


OWN = {"operations-limited", "rejection-readable", "rejection-uncached", "batch-counted"}


def test_checks_beside_a_proof_share_its_budget() -> None:
    """Each is listed with the limit that it is about, and together with the proof never exceeds what is declared."""
    settings = load_settings(ROOT / "seatrial.toml")
    planned = plan_limits(settings, profile="full", environment={}, addresses=2)
    assert {each.name: {own.claim for own in each.plan.beside} for each in planned} == {
        "default": OWN, "token": set(), "refresh": set()
    }  # fmt: skip
    declared = sum(limit.max_requests for limit in settings.limits)
    assert sum(schedule(*each).most + sum(own.most for own in each.plan.beside) for each in planned) == declared
    assert declared <= 9000
    assert all(own.requests <= own.most == allowance(settings, {}, own.claim) for own in planned[0].plan.beside)
    assert allowance(settings, {}, "store-down") == 0
    (first,) = [limit for limit in settings.limits if limit.name == "default"]
    small = settings.model_copy(update={"limits": (first.model_copy(update={"max_requests": 2000}),)})
    (tight,) = plan_limits(small, profile="full", environment={}, addresses=2)
    assert "are for checks beside it" in tight.plan.no_proof


def test_a_proof_leaves_the_store_to_its_deep_stage() -> None:
    """What stops the store is listed where it is done: in a whole run at once, of a proof in the deep stage alone."""
    settings = load_settings(ROOT / "seatrial.scale.toml")
    given: dict[str, Any] = {"profile": "quick", "environment": {}, "addresses": 2}
    for disturbs in (True, False):
        (proof,) = plan_limits(settings, disturbs=disturbs, **given)
        (deep,) = plan_deep_limits(settings, disturbs=disturbs, abilities=("memory", "control"), **given)
        stops = [("store-down" in {own.claim for own in each.plan.beside}) for each in (proof, deep)]
        assert stops == [disturbs, not disturbs]
        assert deep_schedule(*deep).most == settings.limits[0].deep_requests - sum(o.most for o in deep.plan.beside)


@pytest.mark.parametrize("found", [True, False])
def test_an_allowance_ends_with_what_was_found(*, found: bool) -> None:
    """One request more than allowed is not sent: the check failed by then, or decided nothing."""
    defects = Defects(Check(slug="ratelimit.own", suite="ratelimit", title="t", severity=Severity.HIGH))
    if found:
        defects.add("it is so", cause="so")
    with serving() as target, httpx.Client(base_url=target.url) as client:
        client.event_hooks = {"request": [Allowance(2, defects).spend]}
        answers = [client.get("/health") for _ in range(2)]
        with pytest.raises(DefectsFound if found else Inconclusive):
            client.get("/health")
    assert [answer.status_code for answer in answers] == [200, 200]


BYTES = st.lists(st.integers(-(10**6), 10**7), min_size=3, max_size=3)


@given(BYTES, st.integers(1, 10_000))
def test_a_leak_is_what_grows_with_every_batch(grows: list[int], count: int) -> None:
    """A service that once grows less than its clients cost to remember, or far less than another time, forgets them."""
    held = [{"api": sum(grows[:number])} for number in range(4)]
    found = growing(held, count)
    assert bool(found) == (min(grows) >= 64 * count and min(grows) >= max(grows) / 3)
    assert not found or found["api"] == grows
