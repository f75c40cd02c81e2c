"""Proving policies of small real limiters: people, servers, and what came out."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from promises import PROMISES
from servers import in_process

from seatrial.config import LimitSettings
from seatrial.core import Evidence, Identity, Outcome, Target
from seatrial.throttle import CLAIMS, Policy, plan_proof, prove

SERVER = Path(__file__).parent / "limiter.py"
MARKS = {"SEATRIAL_RUN": "throttle-test", "SEATRIAL_OWNER": str(os.getpid())}
QUOTA = 8
UNMADE = frozenset({"body-field-in-key", "edge-bounded"})
MADE = frozenset(CLAIMS) - UNMADE
"""The claims that the policy of `limit()` makes, which has no body, and a fixed window."""


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
def process(script: Path, settings: Mapping[str, object]) -> Iterator[tuple[Target, subprocess.Popen[str]]]:
    """Run a server in a process of its own."""
    command = [sys.executable, "-I", str(script), json.dumps(settings)]
    with in_process(command, MARKS, stdin=subprocess.PIPE) as served:  # which it reads: it ends when that does
        yield served


@contextmanager
def serving(
    *traits: str,
    window_s: float = 1.0,
    quota: int = QUOTA,
    convention: str = "x-ratelimit-epoch",
    dies_after_s: float = 0.0,
) -> Iterator[Target]:
    """Run a limiter in a process of its own, and kill it after some time where one is given."""
    settings = {"quota": quota, "window_s": window_s, "traits": traits, "convention": convention}
    with process(SERVER, settings) as (target, started):
        killer = threading.Timer(dies_after_s, started.kill)
        if dies_after_s:
            killer.start()
        try:
            yield target
        finally:
            killer.cancel()


def limit(**changed: object) -> LimitSettings:
    """Return the declared policy."""
    settings = {**PROMISES, "quota": QUOTA, "window_s": 1.0, "algorithm": "fixed-window", "path": "/a"}
    settings |= {"costs": tuple({"status": status, "path": f"/ends/{status}"} for status in (404, 422))}
    settings |= {"exempt": ("/health",), "path_template": "/a/{i}", "proxy": "127.0.0.9"}
    return LimitSettings.model_validate({**settings, **changed})


def run(
    target: Target, settings: LimitSettings, *, people: People | None = None, budget_s: float = 20.0, addresses: int = 2
) -> Evidence:
    """Prove a policy."""
    policy = Policy.declared(settings, {})
    plan = plan_proof(policy, budget_s=budget_s, addresses=addresses)
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
