"""The proof on a real limiter: each seeded defect fails its own claim and no other, a clean one none."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.config import LimitSettings
from seatrial.core import Evidence, Identity, Outcome, Target
from seatrial.throttle import CLAIMS, Plan, Policy, plan_proof, prove
from seatrial.throttle._outcomes import BY_USER, FROM_AFAR

SERVER = Path(__file__).parents[1] / "support" / "limiter.py"
MARKS = {"SEATRIAL_RUN": "throttle-test", "SEATRIAL_OWNER": str(os.getpid())}
QUOTA = 8
ALL = {f"ratelimit.{claim}" for claim in CLAIMS}


class People:
    """Users and addresses that nobody had before."""

    numbers = itertools.count(1)

    def __init__(self, *, addresses: bool = True, users: bool = True) -> None:
        self.addresses = addresses
        self.users = users

    def lease(self, count: int, *, organisation: str = "", fresh: bool = True) -> Sequence[Identity]:
        """Return users of one organisation."""
        del fresh
        organisation = organisation or f"org{next(self.numbers)}"
        return [self.mint(f"user{next(self.numbers)}", organisation) for _ in range(count)]

    def mint(self, user: str, organisation: str) -> Identity:
        """Return one user."""
        return self.again(Identity(name=user, user=user, organisation=organisation))

    def again(self, identity: Identity) -> Identity:
        """Return a user with another token."""
        return self._with(identity, f"{next(self.numbers)}/valid")

    def forged(self, identity: Identity) -> Identity:
        """Return a stranger with a token that does not hold."""
        return self._with(identity, f"{next(self.numbers)}/forged")

    def _with(self, identity: Identity, proof: str) -> Identity:
        token = f"{identity.user}.{identity.organisation}/{proof}"
        return replace(identity, headers={"Authorization": f"Bearer {token}"} if self.users else {})

    def lease_anonymous(self, count: int) -> Sequence[Identity]:
        """Return clients of addresses of their own."""
        found = [f"127.9.{n >> 8 & 255}.{n & 255}" for n in itertools.islice(self.numbers, count)]
        return [Identity(name=f"anonymous@{a}", address=a) for a in found] if self.addresses else []


@contextmanager
def serving(*traits: str, window_s: float = 1.0, quota: int = QUOTA, delta: bool = False) -> Iterator[Target]:
    """Run a limiter in a process of its own."""
    settings = {"quota": quota, "window_s": window_s, "traits": traits, "delta": delta}
    with subprocess.Popen(
        [sys.executable, "-I", str(SERVER), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **MARKS},
    ) as process:
        assert process.stdout
        try:
            yield Target(url=f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


def limit(**changed: object) -> LimitSettings:
    """Return the declared policy."""
    settings = {"quota": QUOTA, "window_s": 1.0, "algorithm": "fixed-window", "path": "/a"}
    settings |= {"exempt": ("/health",), "path_template": "/a/{i}"}
    return LimitSettings.model_validate({**settings, **changed})


def run(
    target: Target, settings: LimitSettings, *, people: People | None = None, budget_s: float = 20.0, addresses: int = 2
) -> Evidence:
    """Prove a policy."""
    policy = Policy.declared(settings, {})
    plan: Plan = plan_proof(policy, budget_s=budget_s, addresses=addresses)
    return prove(
        policy,
        plan=plan,
        target=target,
        identities=people or People(addresses=addresses > 1),
        progress=lambda _line: None,
        seed=1,
    )


def ended(evidence: Evidence, outcome: Outcome) -> set[str]:
    """Return the claims that ended so, without their common beginning."""
    return {result.check.removeprefix("ratelimit.") for result in evidence.results if result.outcome is outcome}


def told(evidence: Evidence) -> str:
    """Return everything that did not pass, for a message."""
    rows = [f"{r.check}: {r.outcome}: {r.reason}" for r in evidence.results if r.outcome is not Outcome.PASSED]
    return "\n".join(rows)


FAULTS = [
    # what a developer did wrong, and the one claim that it breaks
    ("off-by-one", "quota-exact"),
    ("one-too-few", "quota-exact"),
    ("double", "quota-exact"),
    ("race", "quota-exact"),
    ("same-tick", "quota-exact"),
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
    ("later-one-more", "window-resets"),
    ("later-one-fewer", "window-resets"),
    ("later-double", "window-resets"),
    ("window-short", "window-resets"),
    ("exempt-limited", "health-exempt"),
    ("exempt-limited-anonymous", "health-exempt"),
    ("exempt-counted", "health-exempt"),
    ("addresses-share", "anonymous-by-address"),
    ("forwarded-for-trusted", "forwarded-for-ignored"),
    ("real-ip-trusted", "sibling-headers-ignored"),
    ("forwarded-trusted", "sibling-headers-ignored"),
]


@pytest.mark.parametrize(("fault", "claim"), FAULTS)
def test_fault_fails_its_own_claim_alone(fault: str, claim: str) -> None:
    """A seeded defect fails one claim; every other one passes."""
    with serving(fault) as target:
        evidence = run(target, limit())
    blocked = {"refused-counted"} if claim == "anonymous-by-address" else set()
    assert ended(evidence, Outcome.FAILED) == {claim}, told(evidence)
    assert ended(evidence, Outcome.BLOCKED) == blocked, told(evidence)
    assert ended(evidence, Outcome.PASSED) == set(CLAIMS) - {claim} - blocked, told(evidence)


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
    assert ended(evidence, Outcome.PASSED) == set(CLAIMS) - {claim}, told(evidence)


@pytest.mark.parametrize("fault", ["global", "shared-in-organisation"])
def test_shared_bucket_blocks_the_rest(fault: str) -> None:
    """Where clients share a bucket only the isolation fails; everything else is blocked and says by what."""
    with serving(fault) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.FAILED) == {"isolation"}, told(evidence)
    assert ended(evidence, Outcome.BLOCKED) == set(CLAIMS) - {"isolation"}
    assert all("ratelimit.isolation" in r.reason for r in evidence.results if r.outcome is Outcome.BLOCKED)


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
    ("token-required",), ("refuses-forged",), ("jitter", "stalls", "chunked"),
]  # fmt: skip


@pytest.mark.parametrize("habits", HABITS, ids="+".join)
def test_clean_limiter_passes_whatever_its_habits(habits: tuple[str, ...]) -> None:
    """A limiter that keeps its promises passes every claim, however awkwardly it answers."""
    with serving(*habits) as target:
        evidence = run(target, limit())
    assert ended(evidence, Outcome.PASSED) == set(CLAIMS), told(evidence)


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
    assert len(ended(evidence, Outcome.PASSED)) >= len(CLAIMS) - 2, told(evidence)


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
    assert ended(evidence, Outcome.INCONCLUSIVE) == set(CLAIMS)


def test_another_machine_is_not_asked() -> None:
    """Without leave nothing is sent to another machine, and every claim says so."""
    evidence = run(Target(url="http://192.0.2.1:80"), limit())
    assert ended(evidence, Outcome.NOT_TESTED) == set(CLAIMS)
    assert all("192.0.2.1:80" in result.reason for result in evidence.results)
    assert not evidence.measurements


def test_one_address_and_a_long_window_leave_claims_untested() -> None:
    """What this stack or this profile cannot show is not tested, with the reason; the rest is proved."""
    with serving(window_s=60.0) as target:
        evidence = run(target, limit(window_s=60.0), budget_s=20.0, addresses=0)
    untested = {"window-resets", "retry-after-honoured", *FROM_AFAR}
    assert ended(evidence, Outcome.NOT_TESTED) == untested
    assert ended(evidence, Outcome.PASSED) == set(CLAIMS) - untested, told(evidence)


def test_users_without_tokens_are_told_apart_by_address() -> None:
    """Where there is no authentication, clients are addresses; without addresses nothing can be proved."""
    with serving() as target:
        apart = run(target, limit(), people=People(users=False))
        alone = run(target, limit(), people=People(users=False, addresses=False), addresses=0)
    assert ended(apart, Outcome.PASSED) == set(CLAIMS) - set(BY_USER), told(apart)
    assert ended(alone, Outcome.NOT_TESTED) == set(CLAIMS)


def test_other_conventions_pass() -> None:
    """Seconds until the reset, and no headers at all, are conventions too."""
    with serving(delta=True) as target:
        assert ended(run(target, limit(headers="x-ratelimit-delta")), Outcome.PASSED) == set(CLAIMS)
        silent = run(target, limit(headers="none", exempt=()))
    assert ended(silent, Outcome.NOT_APPLICABLE) == {"headers-truthful", "health-exempt", "exemption-narrow"}


def test_windows_by_the_clock_pass_where_they_are_declared() -> None:
    """Windows that end at multiples of their length pass as such; one more request in each still fails."""
    declared = limit(anchor="clock", window_s=2.0)
    with serving("by-clock", window_s=2.0) as target:
        clean = run(target, declared)
    with serving("by-clock", "off-by-one", window_s=2.0) as target:
        faulty = run(target, declared)
    assert ended(clean, Outcome.PASSED) == set(CLAIMS), told(clean)
    assert ended(faulty, Outcome.FAILED) == {"quota-exact"}, told(faulty)


@pytest.mark.parametrize("algorithm", ["any", "sliding-log", "sliding-counter"])
def test_other_algorithms_are_judged_by_what_holds_for_them(algorithm: str) -> None:
    """For other algorithms only what is certainly too much fails; exactness is not claimed."""
    with serving() as target:
        evidence = run(target, limit(algorithm=algorithm))
    assert ended(evidence, Outcome.NOT_TESTED) == {"quota-exact", "window-resets"}, told(evidence)
    assert ended(evidence, Outcome.PASSED) == set(CLAIMS) - {"quota-exact", "window-resets"}, told(evidence)
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
    (("exempt-limited",), {"health-exempt"}),
    (("exempt-counted",), {"health-exempt"}),
    (("status-503",), {"rejection-status"}),
    (("remaining-stuck",), {"headers-truthful"}),
    (("retry-long",), {"retry-after-honoured"}),
    (("retry-missing",), {"retry-after-honoured"}),
]


@pytest.mark.parametrize(("traits", "failed"), BUCKET_FAULTS)
def test_a_token_bucket_is_proved(traits: tuple[str, ...], failed: set[str]) -> None:
    """Of a bucket all is proved but when the whole quota is there again; each defect fails its own claim."""
    with serving("bucket", *traits, window_s=4.0) as target:
        evidence = run(target, limit(algorithm="token-bucket", window_s=4.0))
    assert ended(evidence, Outcome.FAILED) == failed, told(evidence)
    if not failed:
        assert ended(evidence, Outcome.NOT_TESTED) == {"window-resets"}, told(evidence)
        assert ended(evidence, Outcome.PASSED) == set(CLAIMS) - {"window-resets"}, told(evidence)


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
    assert 0 < figures["ratelimit.requests"] < 300
