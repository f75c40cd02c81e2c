"""What holds while the service that counts requests does not work: what is declared, and nothing worse."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_tz

import httpx
import pytest

from seatrial.config import AuthSettings, LimitSettings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_tested
from seatrial.stack import Stack, Verb
from seatrial.throttle import LOOKS, POLLS

Open = Callable[[Identity | None], httpx.Client]
ANSWER_S = 5.0
"""How long an answer may take: limits are no reason to keep a client waiting."""

RECOVERY_S = 20.0
TROUBLES: tuple[tuple[Verb, Verb, str], ...] = (("stop", "start", "down"), ("pause", "unpause", "hanging"))
UNAVAILABLE = 503
NAMES = {
    **dict.fromkeys(("x-ratelimit-epoch", "x-ratelimit-delta"), "X-RateLimit-Remaining"),
    **dict.fromkeys(("ietf-draft-7", "ietf-draft-8"), "RateLimit"),
    "ietf-draft-6": "RateLimit-Remaining",
    "none": "",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One answer; status 0: it did not come in time."""

    status: int
    retry_after: str = ""
    counted: bool = False
    exchange: str = ""


@pytest.fixture
def stored(limits: tuple[LimitSettings, ...], disturbs: bool) -> LimitSettings:
    """Return the limit that promises something for the time when its store is down."""
    found = [limit for limit in limits if limit.store]
    if not found:
        not_applicable("no [[limits]] declares a store")
    if not disturbs:
        not_tested("it stops the store: seatrial limits prove --deep, or seatrial run")
    return found[0]


@pytest.fixture
def ask(stored: LimitSettings, bounded: Open, identities: IdentityPool, auth: AuthSettings) -> Callable[[], Look]:
    """Return a function that asks once, each time as a user whom nobody saw before."""
    del auth
    return lambda: look(bounded(identities.lease(1)[0]), stored)


@check(
    "ratelimit.store-down",
    title="the declared policy holds while the counts cannot be reached",
    severity="high",
    needs=("control",),
    presupposes=("ratelimit.quota-exact", "ratelimit.rejection-status"),
    cwe=(703, 755),
    owasp=("API4:2023", "ASVS 15.2.2"),
)
def test_store_down(stored: LimitSettings, stack: Stack, ask: Callable[[], Look], defects: Defects) -> None:
    """While the store is down or hangs, requests pass (`open`) or are answered with 503 (`closed`); then they count.

    A limiter that crashes with its store takes the service down with it.
    """
    usual = ask()
    if not usual.status or usual.status >= 400:
        inconclusive(f"{stored.method} {stored.path} answers {usual.status} while the store works")
    for verb, back, trouble in TROUBLES:
        stack.control(verb, stored.store)
        try:
            seen = [ask() for _ in range(LOOKS)]
        finally:
            stack.control(back, stored.store)
        again = ask_until(ask, usual)
        for cause, title in wrong(stored, usual, seen, trouble):
            defects.add(title, cause=cause, operation=operation(stored), evidence=evidence(seen))
        if again != usual.status:
            inconclusive(
                f"{operation(stored)} is not counted again {RECOVERY_S:g} s after {stored.store} was {trouble}"
            )
    defects.none()


def operation(limit: LimitSettings) -> str:
    """Return what is asked."""
    return f"{limit.method} {limit.path}"


def look(user: httpx.Client, limit: LimitSettings) -> Look:
    """Ask once."""
    try:
        answer = user.request(limit.method, limit.path, timeout=ANSWER_S)
    except httpx.TimeoutException:
        return Look(0)
    return Look(
        answer.status_code,
        answer.headers.get("Retry-After", ""),
        NAMES[limit.headers] in answer.headers,
        str(answer.extensions.get("seatrial.exchange", "")),
    )


def ask_until(ask: Callable[[], Look], usual: Look) -> int:
    """Ask until requests are served and counted as usual, and return the status that they have then, 0 in vain.

    Several in a row: each instance finds out for itself that the store is back.
    """
    deadline, in_a_row = time.monotonic() + RECOVERY_S, 0
    while time.monotonic() < deadline:
        seen = ask()
        in_a_row = in_a_row + 1 if (seen.status, seen.counted) == (usual.status, usual.counted) else 0
        if in_a_row >= LOOKS:
            return seen.status
        time.sleep(RECOVERY_S / POLLS)
    return 0


def wrong(limit: LimitSettings, usual: Look, seen: Sequence[Look], trouble: str) -> list[tuple[str, str]]:
    """Return cause and title of each way in which answers were not as declared."""
    wanted = usual.status if limit.store_down == "open" else UNAVAILABLE
    found = {}
    for each in seen:
        said = f"{each.status}" if each.status else f"nothing within {ANSWER_S:g} s"
        if each.status != wanted:
            title = f"while {limit.store} is {trouble}, {operation(limit)} answers {said}, declared is {wanted}"
            found[f"{trouble}-{each.status}"] = title
        elif wanted == UNAVAILABLE and not says_when(each.retry_after):
            found[f"{trouble}-without-retry-after"] = f"while {limit.store} is {trouble}, a 503 has no Retry-After"
    return list(found.items())


def says_when(retry_after: str) -> bool:
    """Return whether a client is told when to come again: after whole seconds, or at a date (RFC 9110, 10.2.3)."""
    return retry_after.isdigit() or parsedate_tz(retry_after) is not None


def evidence(seen: Sequence[Look]) -> tuple[str, ...]:
    """Return the exchanges that show it."""
    return tuple(look.exchange for look in seen if look.exchange)
