"""The proof on a real limiter: each seeded defect fails its own claim and no other, a clean one none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from proving import MADE, MARKS, UNMADE, People, ended, limit, run, serving, told

from seatrial.config import LimitSettings
from seatrial.core import Identity, Outcome, Target
from seatrial.throttle import Policy, Schedule, _exceed, exceed, plan_proof, schedule
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._promises import BY_USER, FROM_AFAR
from seatrial.throttle._proof import Proof
from seatrial.throttle._scene import Scene


def follow(target: Target, settings: LimitSettings, people: People) -> tuple[Schedule, Ledger]:
    """Prove a policy, and return what was scheduled with what was sent."""
    policy = Policy.declared(settings, {})
    plan = plan_proof(policy, budget_s=20.0, addresses=2)
    made = schedule(policy, plan)
    scene = Scene(
        policy, plan=plan, schedule=made, target=target, identities=people, progress=lambda _line: None, seed=1
    )
    return made, asyncio.run(Proof(scene).run())


def test_a_client_is_refused_as_declared_or_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who exceeds a quota where nothing is judged goes on until he is refused, or until twice the quota is sent."""
    monkeypatch.setattr(_exceed, "LIMIT_S", 60.0)  # however slow the machine is
    policy = Policy.declared(limit(), {})
    limits = [(policy, plan_proof(policy, budget_s=20.0, addresses=2))]
    told = {"clean": {}, "status-403": {"default": "of 19 requests 0 were answered with 429, not 2"}}
    for trait, expected in told.items():
        with serving(trait) as target:
            found = exceed(limits, target=target, identities=People(), progress=lambda _line: None)
        assert found == expected


FAULTS = [
    # what a developer did wrong, and the one claim that it breaks
    ("off-by-one", "quota-exact"),
    ("one-too-few", "quota-exact"),
    ("double", "quota-exact"),
    ("race", "quota-exact"),
    ("same-tick", "quota-exact"),
    ("queues", "quota-exact"),
    ("queues-all", "quota-exact"),
    ("counts-apart", "quota-exact"),
    ("status-503", "rejection-status"),
    ("status-403", "rejection-status"),
    ("limit-untrue", "headers-truthful"),
    ("remaining-untrue", "headers-truthful"),
    ("remaining-stuck", "headers-truthful"),
    ("remaining-negative", "headers-truthful"),
    ("remaining-missing", "headers-truthful"),
    ("remaining-twice", "headers-truthful"),
    ("reset-delta", "headers-truthful"),
    ("reset-late", "headers-truthful"),
    ("reset-fraction", "headers-truthful"),
    ("retry-missing", "retry-after-honoured"),
    ("retry-zero", "retry-after-honoured"),
    ("retry-long", "retry-after-honoured"),
    ("retry-fraction", "retry-after-honoured"),
    ("retry-word", "retry-after-honoured"),
    ("retry-negative", "retry-after-honoured"),
    ("retry-date-now", "retry-after-honoured"),
    ("retry-date-late", "retry-after-honoured"),
    ("retry-date-local", "retry-after-honoured"),
    ("later-one-more", "window-resets"),
    ("later-one-fewer", "window-resets"),
    ("later-double", "window-resets"),
    ("window-short", "window-resets"),
    ("extends", "window-resets"),
    ("refusals-prolong", "refusals-free"),
    ("exempt-limited", "health-exempt"),
    ("exempt-limited-anonymous", "health-exempt"),
    ("exempt-counted", "health-exempt"),
    ("uncounted-404", "statuses-counted"),
    ("uncounted-422", "statuses-counted"),
    ("errors-twice", "statuses-counted"),
    ("spelling-uncounted", "path-spelling"),
    ("head-uncounted", "method"),
    ("options-uncounted", "method"),
    ("addresses-share", "anonymous-by-address"),
    ("forwarded-for-trusted", "forwarded-for-ignored"),
    ("real-ip-trusted", "sibling-headers-ignored"),
    ("forwarded-trusted", "sibling-headers-ignored"),
    ("forwarded-quoted-trusted", "sibling-headers-ignored"),
    ("ipv6-by-address", "network-bounded"),
    ("ipv6-by-link", "network-bounded"),
    ("proxy-unlimited", "network-bounded"),
]


ALONE = {*("isolation", "quota-exact", "rejection-status", "headers-truthful", "health-exempt", "anonymous-by-address")}
"""What is judged also where several instances count apart, and a refusal means nothing."""


@pytest.mark.parametrize(("fault", "claim"), FAULTS)
def test_fault_fails_its_own_claim_alone(fault: str, claim: str) -> None:
    """A seeded defect fails one claim; every other one passes."""
    with serving(fault) as target:
        evidence = run(target, limit())
    blocked = {"refused-counted", "network-bounded"} if claim == "anonymous-by-address" else set()
    if fault.startswith("queues"):
        blocked = set(MADE) - {"isolation", claim}
    if fault == "counts-apart":
        blocked = set(MADE) - ALONE
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)
    assert ended(evidence, Outcome.BLOCKED) == blocked, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - {claim} - blocked, told(evidence)


@pytest.mark.parametrize(
    ("fault", "claim"),
    [("retry-one", "retry-after-honoured"), ("retry-floor", "retry-after-honoured"),
     ("retry-window", "retry-after-honoured"), ("reset-slides", "headers-truthful")],
)  # fmt: skip
def test_fault_that_shows_in_a_longer_window(fault: str, claim: str) -> None:
    """What whole seconds hide in a window of one second shows in one of three."""
    with serving(fault, window_s=2.6) as target:
        evidence = run(target, limit(window_s=2.6))
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - {claim}, told(evidence)


@pytest.mark.parametrize("fault", ["global", "shared-in-organisation"])
def test_shared_bucket_blocks_the_rest(fault: str) -> None:
    """Where clients share a bucket only the isolation fails; everything else is blocked and says by what."""
    with serving(fault) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == {"isolation"}, told(evidence)
    assert ended(evidence, Outcome.BLOCKED) == MADE - {"isolation"}
    assert all("ratelimit.isolation" in r.reason for r in evidence.results if r.outcome is Outcome.BLOCKED)


@pytest.mark.parametrize("algorithm", ["fixed-window", "token-bucket"])
@pytest.mark.parametrize("fault", ["counts-apart", "counts-apart-in-turn"])
def test_instances_that_count_apart_are_found_before_anything_else(fault: str, algorithm: str) -> None:
    """By what is admitted after a refusal, or where none comes in time by what remains; the rest is blocked by that."""
    traits = (fault, "bucket") if algorithm == "token-bucket" else (fault,)
    with serving(*traits, window_s=4.0) as target:
        evidence = run(target, limit(algorithm=algorithm, window_s=4.0))
    (finding,) = [f for r in evidence.results for f in r.findings if r.check == "ratelimit.quota-exact"]
    assert finding.cause == "replicas"
    assert "several instances count apart" in finding.title
    certain = {"quota-exact"} | ({"headers-truthful"} if fault.endswith("in-turn") else set())
    assert certain <= ended(evidence, Outcome.FAILED) <= certain | {"anonymous-by-address"}, told(evidence)
    blocked = [r for r in evidence.results if r.outcome is Outcome.BLOCKED]
    assert {r.check.removeprefix("ratelimit.") for r in blocked} >= MADE - ALONE - {"window-resets"}
    assert "ratelimit.quota-exact failed: several instances count apart" in {r.reason for r in blocked}


@pytest.mark.parametrize(
    ("traits", "failed"),
    [
        (("shared-in-organisation",), {}),
        ((), {"another-token": "users-apart"}),  # a quota for each user, of which there are any number
        (("shared-in-organisation", "off-by-one"), {"quota-exact": "too-many-admitted"}),
        (("global",), {"isolation": "global-bucket"}),
    ],
)
def test_a_quota_that_an_organisation_shares_is_proved(traits: tuple[str, ...], failed: dict[str, str]) -> None:
    """Where an organisation has one quota, a colleague is refused once it is used up; nothing else fails."""
    with serving(*traits) as target:
        evidence = run(target, limit(authenticated_by=("organisation",)))
    causes = {r.check.removeprefix("ratelimit."): f.cause for r in evidence.results for f in r.findings}
    assert causes == failed, told(evidence)
    assert failed or ended(evidence, Outcome.PASSED) == MADE, told(evidence)


def test_window_that_lasts_longer_makes_retry_after_untrue_too() -> None:
    """A quota that comes back late breaks what Retry-After promised as well, and nothing else."""
    with serving("window-long") as target:
        evidence = run(target, limit())
    assert "window-resets" in ended(evidence, Outcome.FAILED) <= {"window-resets", "retry-after-honoured"}


@pytest.mark.parametrize("fault", ["unlimited", "anonymous-unlimited"])
def test_missing_limit_is_the_finding(fault: str) -> None:
    """An endpoint without a limit fails; what would need a rejection is blocked, not passed."""
    with serving(fault) as target:
        evidence = run(target, limit(headers="none"))
    failed = {"quota-exact", "anonymous-by-address"} if fault == "unlimited" else {"anonymous-by-address"}
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    assert "forwarded-for-ignored" in ended(evidence, Outcome.BLOCKED)
    assert ended(evidence, Outcome.INCONCLUSIVE) == set(), told(evidence)


HABITS = [
    (), ("jitter",), ("stalls",), ("chunked",), ("hangs-up",), ("no-pipelining",), ("reset-floor",), ("clock-ahead",),
    ("token-required",), ("refuses-forged",), ("retry-date",), ("jitter", "stalls", "chunked"), ("ipv6-by-site",),
    ("catch-all",), ("catch-all-alike",), ("options-empty",), ("options-told",), ("head-empty",), ("file",),
    ("query-apart",),
]  # fmt: skip


@pytest.mark.parametrize("habits", HABITS, ids="+".join)
def test_clean_limiter_passes_whatever_its_habits(habits: tuple[str, ...]) -> None:
    """A limiter that keeps its promises passes every claim, however awkwardly it answers."""
    with serving(*habits) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.PASSED) == MADE, told(evidence)


@pytest.mark.parametrize(
    ("page", "left"),
    [("catch-all-alike", {"path-spelling", "exemption-narrow"}), ("spelling-uncounted", {"path-spelling"}),
     ("catch-all", set())],
)  # fmt: skip
def test_where_bodies_vary_nobody_knows_whose_an_answer_is(page: str, left: set[str]) -> None:
    """A page of the same kind, and the limited one itself, look alike then: nothing is claimed, in either direction."""
    with serving("quotes", page) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == set(), told(evidence)
    assert ended(evidence, Outcome.INCONCLUSIVE) == left, told(evidence)
    assert ("bodies vary here" in told(evidence)) is bool(left)


@pytest.mark.parametrize("attempt", range(3))
def test_clean_limiter_passes_beside_busy_processes(attempt: int) -> None:
    """Processes that take every core cost the proof power, never a false alarm."""
    del attempt
    burn = [sys.executable, "-I", "-c", "while True: pass"]
    busy = [subprocess.Popen(burn, env={**os.environ, **MARKS}) for _ in range(4)]
    try:
        with serving("jitter", window_s=2.0) as target:
            evidence = run(target, limit(window_s=2.0))
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert ended(evidence, Outcome.FAILED) == set(), told(evidence)
    assert len(ended(evidence, Outcome.PASSED)) >= len(MADE) - 2, told(evidence)


@pytest.mark.parametrize("habit", ["slow", "absent", "moved", "dies", "crashes"])
def test_undecided_is_neither_pass_nor_failure(habit: str) -> None:
    """Answers too slow for the window, a path that does not serve, a dying or crashing server: nothing is claimed."""
    with serving(habit) as target:
        evidence = run(target, limit(), budget_s=8.0)
    assert ended(evidence, Outcome.FAILED) == set(), told(evidence)
    assert "quota-exact" in ended(evidence, Outcome.INCONCLUSIVE), told(evidence)


def test_nobody_there_is_inconclusive() -> None:
    """A target that does not answer leaves every claim open."""
    evidence = run(Target(url="http://127.0.0.1:9"), limit())
    assert ended(evidence, Outcome.INCONCLUSIVE) == MADE


@pytest.mark.parametrize("habit", ["proxy-ignored", "ipv6-in-one"])
def test_where_networks_are_not_told_apart_nothing_is_said_of_one(habit: str) -> None:
    """That two addresses share a quota means nothing where all do that the proxy reports."""
    with serving(habit) as target:
        evidence = run(target, limit())
    (left,) = [result for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE]
    assert left.check == "ratelimit.network-bounded"
    assert left.reason.endswith("as if nobody believed the proxy at 127.0.0.9")
    assert ended(evidence, Outcome.PASSED) == MADE - {"network-bounded"}, told(evidence)


PROXIES = ("127.0.0.9", "127.0.0.10")


@pytest.mark.parametrize(
    ("habit", "outcome", "what"),
    [
        ("proxies", Outcome.PASSED, ""),
        ("second-proxy-ignored", Outcome.INCONCLUSIVE, "as if nobody believed the proxy at 127.0.0.10"),
        ("ipv6-by-address-behind-second", Outcome.FAILED, "another address of one's IPv6 network opens a new bucket"),
    ],
)
def test_each_declared_proxy_is_tried(habit: str, outcome: Outcome, what: str) -> None:
    """What is wrong behind the second of two proxies is found, and told as of that one."""
    with serving(habit) as target:
        evidence = run(target, limit(proxy=PROXIES))
    (found,) = [result for result in evidence.results if result.check == "ratelimit.network-bounded"]
    assert (found.outcome, what in found.reason) == (outcome, True), told(evidence)
    assert ended(evidence, Outcome.PASSED) >= MADE - {"network-bounded"}, told(evidence)
    assert all("--interface 127.0.0.10" in finding.replay for finding in found.findings)


def test_an_address_that_is_not_served_shows_nothing() -> None:
    """Where another address of a network gets an error, nobody knows whose quota it would have used."""
    with serving("one-address-a-network") as target:
        evidence = run(target, limit())
    (left,) = [result for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE]
    assert (left.check, left.reason.partition(": ")[2]) == ("ratelimit.network-bounded", "it got 500")


def test_a_bypass_by_network_is_told_with_what_repeats_it() -> None:
    """The finding has the refusal of one address and the admission of another one, as the proxy reports them."""
    with serving("ipv6-by-address") as target:
        evidence = run(target, limit())
    (finding,) = [found for result in evidence.results for found in result.findings]
    refused, confirming, admitted = [{e.id: e for e in evidence.exchanges}[id_] for id_ in finding.evidence]
    said = [dict(exchange.request.headers)["X-Forwarded-For"] for exchange in (refused, confirming, admitted)]
    networks = [str(ip_network((address, 64), strict=False)) for address in said]
    assert (networks[0], refused.identity) == (networks[2], admitted.identity)
    assert said[0] != said[2]
    assert networks[1] != networks[0]
    assert [shown.response.status for shown in (refused, admitted) if shown.response] == [429, 200]
    assert all(address in finding.replay for address in (said[0], said[2]))
    assert "--interface 127.0.0.9" in finding.replay
    assert "11 of 11 requests were admitted" in finding.title
    (way,) = [way for way in evidence.proofs[0].bypasses if way.check == "ratelimit.network-bounded"]
    assert (way.came, way.admitted, way.asked) == ("bypass", 11, 11)


def test_another_machine_is_not_asked() -> None:
    """Without leave nothing is sent to another machine, and every claim says so."""
    evidence = run(Target(url="http://192.0.2.1:80"), limit())
    assert ended(evidence, Outcome.NOT_TESTED) == MADE
    assert all("192.0.2.1:80" in r.reason for r in evidence.results if r.outcome is Outcome.NOT_TESTED)
    assert not evidence.measurements


def test_one_address_and_a_long_window_leave_claims_untested() -> None:
    """What this stack or this profile cannot show is not tested, with the reason; the rest is proved."""
    with serving(window_s=60.0) as target:
        evidence = run(target, limit(window_s=60.0), budget_s=20.0, addresses=0)
    untested = {"window-resets", "retry-after-honoured", "refusals-free", *FROM_AFAR}
    assert ended(evidence, Outcome.NOT_TESTED) == untested
    assert ended(evidence, Outcome.PASSED) == MADE - untested, told(evidence)


def test_users_without_tokens_are_told_apart_by_address() -> None:
    """Where there is no authentication, clients are addresses; without addresses nothing can be proved."""
    with serving() as target:
        apart = run(target, limit(), people=People(users=False))
        alone = run(target, limit(), people=People(users=False, addresses=False), addresses=0)
    assert ended(apart, Outcome.PASSED) == MADE - set(BY_USER), told(apart)
    assert ended(alone, Outcome.NOT_TESTED) == MADE


CONVENTIONS = ("x-ratelimit-delta", "ietf-draft-6", "ietf-draft-7", "ietf-draft-8")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_other_conventions_pass(convention: str) -> None:
    """Seconds until the reset, and the headers of the IETF, are conventions too."""
    with serving(convention=convention) as target:
        evidence = run(target, limit(headers=convention))
    assert ended(evidence, Outcome.PASSED) == MADE, told(evidence)


UNTRUE = {
    "limit-untrue": "limit-untrue",
    "remaining-untrue": "remaining-untrue",
    "remaining-negative": "remaining-no-whole-number",
    "remaining-missing": "remaining-missing",
    "remaining-twice": "remaining-there-more-than-once",
    "policy-untrue": "policy-untrue",
    "malformed": "remaining-no-structured-field",
}
"""Defects of the IETF's headers, and what each is called."""


@pytest.mark.parametrize("convention", CONVENTIONS[-2:])
@pytest.mark.parametrize(("trait", "cause"), UNTRUE.items())
def test_structured_fields_that_are_untrue_are_found(convention: str, trait: str, cause: str) -> None:
    """Each defect of the IETF's headers fails the claim about headers, and no other."""
    with serving(trait, convention=convention) as target:
        evidence = run(target, limit(headers=convention))
    assert ended(evidence, Outcome.FAILED) == {"headers-truthful"}, told(evidence)
    assert cause in {finding.cause for result in evidence.results for finding in result.findings}


def test_a_policy_that_tells_whose_it_is_is_found() -> None:
    """An address as the key of a quota fails the claim about headers."""
    with serving("key-told", convention="ietf-draft-8") as target:
        evidence = run(target, limit(headers="ietf-draft-8"))
    assert ended(evidence, Outcome.FAILED) == {"headers-truthful"}, told(evidence)
    assert {f.cause for result in evidence.results for f in result.findings} == {"policy-key-tells-whom"}


def test_a_convention_that_is_not_the_declared_one_is_found() -> None:
    """Where other headers are declared than there are, they are missing."""
    with serving(convention="ietf-draft-7") as target:
        evidence = run(target, limit(headers="ietf-draft-8"))
    assert ended(evidence, Outcome.FAILED) == {"headers-truthful"}, told(evidence)


def test_a_wait_that_ends_before_the_reset_is_found() -> None:
    """Retry-After may not point earlier than the end of the effective window that is told."""
    with serving("retry-one", window_s=4.0, convention="ietf-draft-8") as target:
        evidence = run(target, limit(headers="ietf-draft-8", window_s=4.0))
    causes = {finding.cause for result in evidence.results for finding in result.findings}
    assert causes == {"retry-after-sooner", "retry-after-too-short"}, told(evidence)


def test_no_headers_are_a_convention() -> None:
    """Where none is declared, none is judged."""
    with serving() as target:
        silent = run(target, limit(headers="none", exempt=()))
    assert ended(silent, Outcome.NOT_APPLICABLE) == {*UNMADE, "headers-truthful", "health-exempt", "exemption-narrow"}


@pytest.mark.parametrize("traits", [("uncounted-404",), ("uncounted-404", "bucket"), ()])
def test_statuses_that_are_declared_free_cost_nothing(traits: tuple[str, ...]) -> None:
    """Where 404 is declared free, a limiter that counts it fails, and one that does not passes."""
    algorithm, window_s = ("token-bucket", 4.0) if "bucket" in traits else ("fixed-window", 2.0)
    costs = ({"status": 404, "path": "/ends/404", "counts": False}, {"status": 422, "path": "/ends/422"})
    with serving(*traits, window_s=window_s) as target:
        evidence = run(target, limit(costs=costs, algorithm=algorithm, window_s=window_s))
    assert ended(evidence, Outcome.FAILED) == (set() if traits else {"statuses-counted"}), told(evidence)
    causes = {finding.cause for result in evidence.results for finding in result.findings}
    assert causes == (set() if traits else {"counted-404"})


def test_a_request_that_ends_otherwise_than_declared_decides_nothing() -> None:
    """Where a request does not end in the declared status, it is not said whether that status counts."""
    with serving() as target:
        evidence = run(target, limit(costs=({"status": 410, "path": "/ends/404"},)))
    assert ended(evidence, Outcome.INCONCLUSIVE) == {"statuses-counted"}, told(evidence)
    assert "answers 404, not 410" in told(evidence)


@pytest.mark.parametrize(
    ("traits", "causes"),
    [((), set()), (("field-in-key",), {"body-field:login"}), (("body-in-key",), {"body-field:login", "body-spacing"})],
)
def test_fields_of_the_body_open_no_bucket(traits: tuple[str, ...], causes: set[str]) -> None:
    """A limiter that counts each name in the body, or each body, for itself fails that claim alone."""
    with serving(*traits, window_s=2.0) as target:
        body = {"login": "nobody", "word": "guessed"}
        evidence = run(target, limit(window_s=2.0, method="POST", body=body, bypass_fields=("login",)))
    assert {finding.cause for result in evidence.results for finding in result.findings} == causes
    assert ended(evidence, Outcome.FAILED) == ({"body-field-in-key"} if causes else set()), told(evidence)
    assert ended(evidence, Outcome.INCONCLUSIVE) == set(), told(evidence)


def test_windows_by_the_clock_pass_where_they_are_declared() -> None:
    """Windows that end at multiples of their length pass as such; one more request in each still fails."""
    declared = limit(anchor="clock", window_s=2.0)
    with serving("by-clock", window_s=2.0) as target:
        clean = run(target, declared)
    with serving("by-clock", "off-by-one", window_s=2.0) as target:
        faulty = run(target, declared)
    assert ended(clean, Outcome.PASSED) == MADE, told(clean)
    assert ended(faulty, Outcome.FAILED) == {"quota-exact"}, told(faulty)


SHIFTED = {"window-resets", "refusals-free"}
"""What takes the deep stage where windows are shifted for each key."""


@pytest.mark.parametrize(
    ("faults", "failed"),
    [
        ((), set()),
        (("off-by-one",), {"quota-exact"}),
        (("one-too-few",), {"quota-exact"}),
        (("forwarded-for-trusted",), {"forwarded-for-ignored"}),
    ],
)
def test_windows_that_are_shifted_for_each_key_pass_where_they_are_declared(
    faults: tuple[str, ...], failed: set[str]
) -> None:
    """They end at any moment, and that is no defect; one more request in each is, and so is a way round them."""
    with serving("by-key", *faults, window_s=2.0) as target:
        evidence = run(target, limit(anchor="per-key", window_s=2.0))
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    assert ended(evidence, Outcome.NOT_TESTED) == SHIFTED, told(evidence)
    assert failed or ended(evidence, Outcome.PASSED) == MADE - SHIFTED, told(evidence)


def test_of_any_algorithm_is_judged_what_holds_for_all() -> None:
    """Where nothing is known only what is certainly too much fails; exactness is not claimed."""
    with serving() as target:
        evidence = run(target, limit(algorithm="any"))
    untested = {"quota-exact", "window-resets", "refusals-free"}
    assert ended(evidence, Outcome.NOT_TESTED) == untested, told(evidence)
    assert ended(evidence, Outcome.PASSED) == MADE - untested, told(evidence)


SLIDING = {"log": "sliding-log", "counter": "sliding-counter"}
"""What each algorithm of the small limiter is declared as."""

SLIDING_FAULTS = [("edge-burst", "edge-bounded")]


@pytest.mark.parametrize(("trait", "algorithm"), SLIDING.items())
def test_a_sliding_window_passes(trait: str, algorithm: str) -> None:
    """Its quota is exact, nothing is gained around an edge, and a log gives back what it should."""
    with serving(trait, window_s=2.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=2.0))
    untested = set() if trait == "log" else {"refusals-free", "window-resets"}
    assert ended(evidence, Outcome.NOT_TESTED) == untested, told(evidence)
    made = MADE - {"headers-truthful"} | {"edge-bounded"}
    assert ended(evidence, Outcome.PASSED) == made - untested, told(evidence)


WRONG_QUOTAS = [
    ("off-by-one", "too-many-admitted"),
    ("one-too-few", "too-few-admitted"),
    ("double", "too-many-admitted"),
    ("race", "too-many-admitted"),
]


@pytest.mark.parametrize(("trait", "algorithm"), SLIDING.items())
@pytest.mark.parametrize(("fault", "cause"), WRONG_QUOTAS)
def test_a_sliding_window_admits_its_quota(fault: str, cause: str, trait: str, algorithm: str) -> None:
    """One more or one fewer than the quota is found, also where a counter's windows might turn; nothing else is."""
    with serving(trait, fault, window_s=2.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=2.0))
    assert ended(evidence, Outcome.FAILED) == {"quota-exact"}, told(evidence)
    assert {finding.cause for result in evidence.results for finding in result.findings} == {cause}


@pytest.mark.parametrize(("trait", "algorithm"), SLIDING.items())
@pytest.mark.parametrize(
    ("fault", "claim"),
    [
        ("errors-twice", "statuses-counted"),
        ("uncounted-404", "statuses-counted"),
        ("exempt-counted", "health-exempt"),
        ("addresses-share", "anonymous-by-address"),
        ("forwarded-for-trusted", "forwarded-for-ignored"),
    ],
)
def test_who_shares_a_quota_is_told_of_sliding_windows(fault: str, claim: str, trait: str, algorithm: str) -> None:
    """What counts, and for whom, is found of windows that slide as of fixed ones."""
    with serving(trait, fault, window_s=2.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=2.0))
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)


def test_a_log_that_counts_what_it_refuses_is_found() -> None:
    """Whoever goes on asking is never let in again, and whoever waits is: a window is enough to see that of a log."""
    with serving("log", "refusals-cost", window_s=2.0) as target:
        evidence = run(target, limit(algorithm="sliding-log", headers="none", window_s=2.0))
    assert ended(evidence, Outcome.FAILED) == {"refusals-free"}, told(evidence)


@pytest.mark.parametrize(("trait", "algorithm"), [*SLIDING.items(), ("bucket", "token-bucket")])
def test_instances_that_count_apart_are_found_without_headers(trait: str, algorithm: str) -> None:
    """What is admitted after a refusal, and more than may have come back, is another count's."""
    with serving(trait, "counts-apart", window_s=4.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=4.0))
    assert ended(evidence, Outcome.FAILED) == {"quota-exact"}, told(evidence)
    assert {finding.cause for result in evidence.results for finding in result.findings} == {"replicas"}


@pytest.mark.parametrize("algorithm", SLIDING.values())
@pytest.mark.parametrize("traits", [(), ("log", "edge-burst"), ("counter", "edge-burst")])
def test_a_window_with_edges_does_not_slide(traits: tuple[str, ...], algorithm: str) -> None:
    """Wherever a window ends, twice the quota is admitted there, and that is the only finding."""
    with serving(*traits, window_s=2.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=2.0))
    ((fault, claim),) = SLIDING_FAULTS
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)
    assert {finding.cause for result in evidence.results for finding in result.findings} == {fault}


@pytest.mark.parametrize("algorithm", SLIDING.values())
def test_a_window_that_ends_by_the_clock_does_not_slide(algorithm: str) -> None:
    """It may end while the very first quota is asked for: then more than that is what shows it."""
    with serving("by-clock", window_s=2.0) as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none", window_s=2.0))
    assert ended(evidence, Outcome.FAILED) in ({"edge-bounded"}, {"quota-exact"}), told(evidence)
    assert {finding.cause for result in evidence.results for finding in result.findings} <= {
        "edge-burst",
        "too-many-admitted",
    }


def test_a_log_that_remembers_too_long_is_found() -> None:
    """What is refused although less than the quota was admitted in the last window is certainly refused too long."""
    with serving("log", "window-long", window_s=2.0) as target:
        evidence = run(target, limit(algorithm="sliding-log", headers="none", window_s=2.0))
    assert "window-resets" in ended(evidence, Outcome.FAILED) <= {"window-resets", "retry-after-honoured"}


@pytest.mark.parametrize("algorithm", ["any", *SLIDING.values()])
def test_no_limit_is_found_whatever_the_algorithm(algorithm: str) -> None:
    """An endpoint that admits everything fails, and what would need a rejection is blocked."""
    with serving("unlimited") as target:
        evidence = run(target, limit(algorithm=algorithm, headers="none"))
    assert "quota-exact" in ended(evidence, Outcome.FAILED), told(evidence)


BUCKET_FAULTS = [
    ((), set()),
    (("off-by-one",), {"quota-exact"}),
    (("one-too-few",), {"quota-exact"}),
    (("double",), {"quota-exact"}),
    (("global",), {"isolation"}),
    (("addresses-share",), {"anonymous-by-address"}),
    (("forwarded-for-trusted",), {"forwarded-for-ignored"}),
    (("ipv6-by-address",), {"network-bounded"}),
    (("exempt-limited",), {"health-exempt"}),
    (("exempt-counted",), {"health-exempt"}),
    (("status-503",), {"rejection-status"}),
    (("remaining-stuck",), {"headers-truthful"}),
    (("retry-long",), {"retry-after-honoured"}),
    (("retry-missing",), {"retry-after-honoured"}),
    (("refusals-cost",), {"refusals-free"}),
    (("window-short",), {"window-resets"}),
]


@pytest.mark.parametrize(("traits", "failed"), BUCKET_FAULTS)
def test_a_token_bucket_is_proved(traits: tuple[str, ...], failed: set[str]) -> None:
    """Of a bucket everything is proved, also when the whole quota is there again; each defect fails its own claim."""
    with serving("bucket", *traits, window_s=4.0) as target:
        evidence = run(target, limit(algorithm="token-bucket", window_s=4.0))
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    if not failed:
        assert ended(evidence, Outcome.PASSED) == MADE, told(evidence)


class Counted(People):
    """People who are counted as they are handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.users_leased = 0
        self.addresses_leased = 0

    def lease(self, count: int, *, organisation: str = "", fresh: bool = True) -> Sequence[Identity]:
        """Return users, and count them."""
        self.users_leased += count
        return super().lease(count, organisation=organisation, fresh=fresh)

    def lease_anonymous(self, count: int) -> Sequence[Identity]:
        """Return addresses, and count them."""
        self.addresses_leased += count
        return super().lease_anonymous(count)


def test_the_proof_sends_what_was_scheduled() -> None:
    """Of a limiter that keeps its promise, each step sends as many requests, as many clients, as its schedule says."""
    for _ in range(3):  # a busy machine may have a step repeated
        people = Counted()
        with serving(window_s=2.0) as target:
            made, ledger = follow(target, limit(window_s=2.0), people)
        if not ledger.repeated:
            break
    assert not any(ledger.defects.values())
    assert not ledger.repeated
    assert ledger.sent == {step.name: step.requests for step in made.steps}
    clients = [client for step in made.steps if not step.continues for client in step.clients]
    assert people.users_leased == sum(client.kind in {"user", "colleague"} for client in clients)
    assert people.addresses_leased == sum(client.kind in {"address", "moved", "forged"} for client in clients)


def test_a_bucket_costs_no_more_than_was_scheduled() -> None:
    """What comes back to a bucket meanwhile is in the schedule: it is an upper bound, step by step."""
    with serving("bucket", window_s=4.0) as target:
        made, ledger = follow(target, limit(algorithm="token-bucket", window_s=4.0), People())
    assert not any(ledger.defects.values())
    over = {step.name: ledger.sent[step.name] for step in made.steps if not 0 < ledger.sent[step.name] <= step.requests}
    assert over == {}


def test_the_request_budget_is_never_exceeded() -> None:
    """Where bypasses want more requests than the policy allows, the proof ends, and says why; what was found stays."""
    planned = follow_plan(limit())
    with serving("forwarded-for-trusted", "forwarded-trusted") as target:
        evidence = run(target, limit(max_requests=planned.requests))
    figures = {figure.name: figure.value for figure in evidence.measurements}
    assert figures["ratelimit.requests"] <= planned.requests
    open_claims = [result for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE]
    assert any("requests ended" in result.reason for result in open_claims), told(evidence)


def test_a_budget_that_is_too_small_is_said_beforehand() -> None:
    """Where a proof needs more requests than are allowed, none is sent."""
    evidence = run(Target(url="http://127.0.0.1:9"), limit(max_requests=50))
    assert ended(evidence, Outcome.NOT_TESTED) == MADE
    assert all("max_requests is 50" in r.reason for r in evidence.results if r.outcome is Outcome.NOT_TESTED)


def follow_plan(settings: LimitSettings) -> Schedule:
    """Return what is scheduled."""
    policy = Policy.declared(settings, {})
    return schedule(policy, plan_proof(policy, budget_s=20.0, addresses=2))


def test_evidence_names_clients_but_not_their_secrets() -> None:
    """A finding has exchanges with the client's name in place of its token, a line to repeat it, and figures."""
    began = time.monotonic()
    with serving("off-by-one") as target:
        evidence = run(target, limit())
    (finding,) = {f.fingerprint: f for r in evidence.results for f in r.findings}.values()
    shown = {exchange.id: exchange for exchange in evidence.exchanges}
    assert set(finding.evidence) <= set(shown)
    assert "Bearer user" not in repr(evidence)
    users = [exchange for exchange in shown.values() if exchange.identity.startswith("user")]
    assert users
    assert all(value.startswith("{{secret:user") for e in users for _, value in e.request.headers[:1])
    assert all(began <= exchange.sent_s <= exchange.received_s for exchange in shown.values())
    assert "seq 11" in finding.replay
    figures = {figure.name: figure.value for figure in evidence.measurements}
    assert figures["ratelimit.admitted"] == 9
    assert 1.0 <= figures["ratelimit.window_ratio"] < 1.5
    assert 0 < figures["ratelimit.requests"] < 400
