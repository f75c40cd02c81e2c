"""How somebody is refused whose quota is used up: whatever he asks for, before any work, for his eyes alone.

fresh user --until refused--> each operation once --not refused--> as a fresh user, until refused --never--> defect
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import AuthSettings, ContractSettings, CorsSettings, LimitSettings, Settings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.openapi import operations_of, served_document
from seatrial.plugin import Defects, check, inconclusive, not_applicable
from seatrial.throttle import Policy

BEYOND = 3
ANY_RESOURCE = "00000000-0000-4000-8000-000000000000"
PROVED = ("ratelimit.isolation", "ratelimit.quota-exact", "ratelimit.rejection-status")
ALLOWED, EXPOSED = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limit of the whole service, and clients that run into it."""

    policy: Policy
    fresh: Callable[[], httpx.Client]

    def ask(self, user: httpx.Client, *, origin: str = "") -> httpx.Response:
        """Ask for what is limited, as a page of an origin does."""
        settings, headers = self.policy.settings, {"Origin": origin} if origin else {}
        return user.request(settings.method, settings.path, headers=headers, json=settings.body or None)

    def refuses(self, answer: httpx.Response) -> bool:
        """Return whether the limiter refused."""
        return answer.status_code == self.policy.settings.rejection_status

    def first(self, send: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Return a fresh client's first rejection, None where more than a quota is admitted in one window.

        Ends the check where more than that does not fit into a window here.
        """
        began_s, sent, seconds = time.monotonic(), 0, 0.0
        while sent < self.most(seconds) and seconds < self.policy.window_s:
            answer, sent, seconds = send(), sent + 1, time.monotonic() - began_s
            if self.refuses(answer):
                return answer
        if seconds < self.policy.window_s:
            return None
        return inconclusive(f"{sent} requests, and no more, fit into a window of {self.policy.window_s:g} s here")

    def most(self, seconds: float) -> int:
        """Return a few more requests than are admitted in so many seconds, in which a clock's window may end."""
        windows = 2 if self.policy.settings.anchor == "clock" else 1
        return windows * self.policy.at_most(seconds) + BEYOND

    def get(self, user: httpx.Client, *, origin: str = "") -> httpx.Response:
        """Return a rejection; ends the check where there is none."""
        answer = self.first(lambda: self.ask(user, origin=origin))
        return answer or inconclusive(f"{self.policy.settings.path} refuses nothing within a window")


@pytest.fixture
def refusal(
    limits: tuple[LimitSettings, ...],
    bounded: Callable[[Identity | None], httpx.Client],
    identities: IdentityPool,
    entered: Entered,
    auth: AuthSettings,
) -> Refusal:
    """Return the first limit of users that goes for the whole service."""
    del auth
    usual = [limit for limit in limits if limit.reach == "service" and limit.authenticated_by]
    if not usual:
        not_applicable("no [[limits]] is about all that a user requests")
    return Refusal(Policy.declared(usual[0], entered.variables), lambda: bounded(identities.lease(1)[0]))


@check(
    "ratelimit.operations-limited",
    title="every operation is limited",
    severity="high",
    presupposes=PROVED,
    cwe=(400, 770),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_operations_limited(
    refusal: Refusal,
    limits: tuple[LimitSettings, ...],
    settings: Settings,
    contract: ContractSettings,
    defects: Defects,
) -> None:
    """Each documented operation refuses a user whose quota is used up, before it looks at what he sent.

    Exempt paths and those with a limit of their own excepted. An operation that does not is asked more often than any
    quota admits: it may be limited apart.
    """
    del contract
    operations = operations_of(served_document(settings, str(refusal.fresh().base_url)))
    asked = limited_operations(operations, limits)
    user = refusal.fresh()
    refusal.get(user)
    answers = [user.request(*request_of(label)) for label in asked]
    for label, answer in zip(asked, answers, strict=True):
        if not refusal.refuses(answer) and not limited_apart(refusal, label):
            title = f"{label} is never refused: it answers {answer.status_code} to a user whose quota is used up"
            cause = "before-the-limit" if answer.is_client_error else "unlimited"
            defects.add(title, cause=cause, operation=label)
    defects.none()


def limited_operations(labels: Iterable[str], limits: Sequence[LimitSettings]) -> list[str]:
    """Return the operations that the limit of the service goes for."""
    others = {path for limit in limits for path in limit.exempt}
    others |= {limit.path for limit in limits if limit.reach == "path"}
    return [label for label in labels if label.partition(" ")[2] not in others]


def request_of(label: str) -> tuple[str, str]:
    """Return method and path of a request for an operation: for no resource that exists, and without a body."""
    method, _, template = label.partition(" ")
    return method, re.sub(r"\{[^}]*\}", ANY_RESOURCE, template)


def limited_apart(refusal: Refusal, label: str) -> bool:
    """Return whether an operation refuses a fresh user at all."""
    user = refusal.fresh()
    return refusal.first(lambda: user.request(*request_of(label))) is not None


@check(
    "ratelimit.rejection-readable",
    title="web pages may read a rejection, and ask whether they may",
    severity="low",
    presupposes=PROVED,
    cwe=(684,),
    owasp=("API4:2023",),
)
def test_rejection_readable(
    refusal: Refusal, cors: CorsSettings, bounded: Callable[[Identity | None], httpx.Client], defects: Defects
) -> None:
    """A rejection allows the declared origin, with `Retry-After`, and no preflight is ever limited.

    Otherwise a page sees a network failure, and goes on asking.
    """
    answer = refusal.get(refusal.fresh(), origin=cors.origin)
    operation = f"{answer.request.method} {answer.request.url.path}"
    if answer.headers.get(ALLOWED) not in {cors.origin, "*"}:
        defects.add(f"{operation} answers {answer.status_code} without {ALLOWED}", cause="hidden", operation=operation)
    elif refusal.policy.settings.retry_after and not {"retry-after", "*"} & exposed(answer):
        defects.add(f"a rejection lets no page read Retry-After: {EXPOSED}", cause="unexposed", operation=operation)
    headers = {"Origin": cors.origin, "Access-Control-Request-Method": cors.method}
    nobody = bounded(None)
    asked = [nobody.options(cors.path, headers=headers) for _ in range(refusal.policy.ramp)]
    if any(map(refusal.refuses, asked)):
        title = f"{len(asked)} preflights of {cors.path} are limited, which no page can help sending"
        defects.add(title, cause="preflight-limited", operation=f"OPTIONS {cors.path}")
    defects.none()


def exposed(answer: httpx.Response) -> set[str]:
    """Return the headers that a page may read besides the usual ones, in lower case."""
    return {name.strip().lower() for name in answer.headers.get(EXPOSED, "").split(",")}


@check(
    "ratelimit.rejection-uncached",
    title="a rejection is explained, and stored nowhere",
    severity="medium",
    presupposes=PROVED,
    cwe=(525, 684),
    owasp=("API4:2023",),
)
def test_rejection_uncached(refusal: Refusal, defects: Defects) -> None:
    """A rejection has a body that says what it is, and no cache may keep it (RFC 6585, 4): it is meant for one client.

    A cache that kept it would refuse everybody, also when the quota is back.
    """
    answer = refusal.get(refusal.fresh())
    operation = f"{answer.request.method} {answer.request.url.path}"
    directives = answer.headers.get("Cache-Control", "")
    if storable(directives) or "Age" in answer.headers:
        title = f"{operation} answers {answer.status_code} with Cache-Control: {directives or 'none, and an Age'}"
        defects.add(title, cause="cacheable", operation=operation)
    if not answer.content or not answer.headers.get("Content-Type"):
        defects.add(f"{operation} answers {answer.status_code} without a word", cause="mute", operation=operation)
    defects.none()


def storable(directives: str) -> bool:
    """Return whether Cache-Control invites caches to keep an answer (RFC 9111, 5.2.2)."""
    words = {word.strip().lower().partition("=")[0]: word.partition("=")[2] for word in directives.split(",")}
    lasts = any(words.get(name, "0").strip('" ') != "0" for name in ("max-age", "s-maxage"))
    return "no-store" not in words and ("public" in words or lasts)
