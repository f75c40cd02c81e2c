"""A batch costs what it carries: otherwise it is the way round every limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import AuthSettings, LimitSettings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import check, inconclusive, not_applicable
from seatrial.throttle import BATCHES, Policy

Open = Callable[[Identity | None], httpx.Client]


@pytest.fixture
def batched(limits: tuple[LimitSettings, ...]) -> LimitSettings:
    """Return the limit that promises what a batch costs."""
    found = [limit for limit in limits if limit.batch_path]
    if not found:
        not_applicable("no [[limits]] declares batch_path")
    return found[0]


@check(
    "ratelimit.batch-counted",
    title="a batch costs as many requests as it has items",
    severity="high",
    presupposes=("ratelimit.quota-exact", "ratelimit.rejection-status"),
    cwe=(770, 799),
    owasp=("API2:2023", "API4:2023", "ASVS 2.4.1"),
)
def test_batch_counted(
    batched: LimitSettings, bounded: Open, identities: IdentityPool, entered: Entered, auth: AuthSettings
) -> None:
    """Batches that use a quota up are taken, and the next one is refused: counted as one each, all would be taken."""
    del auth
    policy = Policy.declared(batched, entered.variables)
    quota, size = policy.quota, min(batched.batch_most, policy.quota)
    for _ in range(BATCHES):
        answers, seconds = hand_in(bounded(identities.lease(1)[0]), batched, size=size, times=quota // size + 1)
        if certain(policy, size=size, seconds=seconds):
            judge(batched, [answer.status_code for answer in answers], size=size, quota=quota)
            return
    inconclusive(f"{quota // size + 1} batches do not fit into one window of {policy.window_s:g} s here")


def hand_in(
    user: httpx.Client, limit: LimitSettings, *, size: int, times: int
) -> tuple[Sequence[httpx.Response], float]:
    """Hand in batches one by one, and return the answers and the seconds that it took."""
    body = {limit.batch_field: [limit.batch_item] * size}
    began = time.monotonic()
    answers = [user.post(str(limit.batch_path), json=body) for _ in range(times)]
    return answers, time.monotonic() - began


def certain(policy: Policy, *, size: int, seconds: float) -> bool:
    """Return whether no quota came back meanwhile that the last batch would fit into."""
    back = policy.back(seconds) + policy.weighs
    return seconds < policy.window_s and policy.quota % size + back < size


def judge(limit: LimitSettings, statuses: Sequence[int], *, size: int, quota: int) -> None:
    """Assert that all batches but the last were taken."""
    *taken, last = statuses
    assert all(status < 300 for status in taken), f"a batch of {size} within a quota of {quota} answers {taken}"
    assert last == limit.rejection_status, (
        f"batches of {size}, {len(statuses)} of them, were all taken from a quota of {quota}: the last answers {last}"
    )
