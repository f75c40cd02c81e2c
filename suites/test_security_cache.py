"""Caches between a tenant and its data: they never answer another one, and forget what was removed."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from seatrial.config import AuthSettings, JobSettings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import check, inconclusive, not_applicable

POLL_S = 0.05
READS = 3
Open = Callable[[Identity | None], httpx.Client]


@pytest.fixture
def finished(user: httpx.Client, jobs: JobSettings) -> str:
    """Let the user submit work, wait until it is done and read it a few times; return its path."""
    answer = user.post(jobs.submit, json=jobs.body)
    if answer.is_error:
        inconclusive(f"POST {jobs.submit} answers {answer.status_code}: there is nothing to read")
    path = f"{jobs.submit}/{answer.json()[jobs.id_field]}"
    deadline, pause_s = time.monotonic() + jobs.timeout_s, POLL_S
    while user.get(path).json().get(jobs.status_field) != jobs.done:
        if time.monotonic() > deadline:
            inconclusive(f"work is not done after {jobs.timeout_s:g} s: there is no result to read")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 1.0)  # polling must not use up the user's quota
    for _ in range(READS):
        user.get(path)
    return path


@check(
    "security.cache-tenant-safe",
    title="what one organisation has read is not served to another",
    severity="critical",
    presupposes=("security.tenant-isolation",),
    cwe=(524, 639),
    owasp=("API1:2023",),
)
def test_cache_tenant_safe(finished: str, client_as: Open, identities: IdentityPool, auth: AuthSettings) -> None:
    """A result that its owner has just read is refused to a stranger: a cache without tenants serves everybody."""
    del auth
    for who, stranger in (("another organisation", client_as(identities.lease(1)[0])), ("nobody", client_as(None))):
        seen = stranger.get(finished).status_code
        assert seen in {401, 403, 404}, f"GET by {who}, after the owner's, answers {seen}"


@check(
    "security.removed-not-served",
    title="what was removed is not served any more",
    severity="high",
    presupposes=("security.valid-accepted",),
    cwe=(524, 672),
)
def test_removed_not_served(finished: str, user: httpx.Client) -> None:
    """A result whose removal was confirmed is gone at once: a stale cache would go on showing it."""
    removed = user.delete(finished)
    if removed.status_code not in {httpx.codes.OK, httpx.codes.NO_CONTENT}:
        not_applicable(f"DELETE of work answers {removed.status_code}: it cannot be removed")
    seen = user.get(finished).status_code
    assert seen in {httpx.codes.NOT_FOUND, httpx.codes.GONE}, f"GET after a DELETE that succeeded answers {seen}"
