"""One refusal, after a deployment: whoever we are ourselves is sent beyond the quota, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import SMOKE, LimitSettings, Settings, effective
from seatrial.core import Identity
from seatrial.core.fence import SAFE
from seatrial.http import IdentityPool
from seatrial.plugin import check, inconclusive, not_applicable, not_tested


@pytest.fixture
def limit(settings: Settings, limits: tuple[LimitSettings, ...], profile: str) -> LimitSettings:
    """Return the limit that may be spent, where that was allowed."""
    if profile != SMOKE:
        not_applicable("ratelimit.quota-exact proves more, and the profile smoke alone does not ask for that")
    if not settings.smoke.limit:
        not_applicable("[smoke] limit is not true: nobody's quota is spent")
    found = next((each for each in limits if each.method in SAFE), None)
    return found or not_applicable("no limit of [[limits]] is on requests that change nothing")


@pytest.fixture
def quota(settings: Settings, limit: LimitSettings, entered: Entered) -> int:
    """Return the quota, where it can be spent with what may be sent."""
    smoke, found = settings.smoke, int(effective(entered.variables, limit.quota_variable, limit.quota))
    window_s = effective(entered.variables, limit.window_variable, limit.window_s)
    if found + 1 > smoke.max_requests:
        not_tested(f"a refusal takes {found + 1} requests, and [smoke] max_requests is {smoke.max_requests}")
    if found >= smoke.rate_per_s * window_s / 2:
        not_tested(f"at [smoke] rate_per_s {smoke.rate_per_s:g}, {found} requests take most of a window, or longer")
    return found


@pytest.fixture
def sender(limit: LimitSettings, settings: Settings, entered: Entered, identities: IdentityPool) -> Identity | None:
    """Return a user of our own where users are limited and can be had, else nobody, who has our address."""
    if settings.auth and limit.authenticated_by and not entered.unsigned:
        return identities.lease(1)[0]
    if limit.anonymous_by == "none":
        not_tested(entered.unsigned or "users alone are limited, and [auth] declares none")
    return None


@check(
    "smoke.limit-refuses",
    title="whoever is beyond the quota is refused",
    severity="high",
    cwe=(770,),
    owasp=("API4:2023",),
    safe=True,
)
def test_refuses(
    limit: LimitSettings, quota: int, sender: Identity | None, client_as: Callable[[Identity | None], httpx.Client]
) -> None:
    """A user of our own, or our own address, is refused beyond the quota: the limiter is on, and its store works.

    Of the profile smoke alone, and only with `[smoke] limit`: it spends a quota, by at most twice as many requests.
    """
    client = client_as(sender)
    most = 2 * quota + 1  # as many where a window ends meanwhile
    answers = (client.request(limit.method, limit.path) for _ in range(most))
    admitted, answer = until_refused(answers, limit.rejection_status)
    assert answer is not None, f"{most} requests of one client are not refused, and the quota is {quota}"
    if not admitted:
        inconclusive("the first request is refused: somebody else has spent the quota")
    told = "Retry-After" in answer.headers or not limit.retry_after
    assert told, f"{limit.method} {limit.path} answers {answer.status_code} without Retry-After"


def until_refused(answers: Iterable[httpx.Response], status: int) -> tuple[int, httpx.Response | None]:
    """Return how many answers came before the first refusal, and that one, if there was one."""
    admitted = 0
    for answer in answers:
        if answer.status_code == status:
            return admitted, answer
        admitted += 1
    return admitted, None
