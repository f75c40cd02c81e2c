"""What users get while a dependency hangs: an answer in its time and form, and good ones afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from seatrial.config import HealthSettings, JobSettings, Settings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_enveloped
from seatrial.stack import Stack

POLL_S = 0.1
UNAVAILABLE = 503
ID = "{id}"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that the declared promises say is answered; `{id}` in its path stands for what was submitted."""

    method: str
    path: str
    body: Mapping[str, str] | None = None
    repeatable: bool = True
    id: str = ""

    @property
    def operation(self) -> str:
        """Return what a finding calls it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a request while a dependency hung; no answer after twice the time that it may take is None."""

    ask: Ask
    answer: httpx.Response | None
    seconds: float

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the exchange that shows it."""
        return (str(self.answer.extensions.get("seatrial.exchange", "")),) if self.answer is not None else ()


@dataclass(frozen=True, slots=True)
class Outage:
    """What was seen of one dependency as it hung, and which requests did not work again afterwards."""

    seen: tuple[Seen, ...]
    broken: tuple[Ask, ...] = field(default=())


OUTAGES = pytest.StashKey[dict[str, Outage]]()


class Users:
    """Send what the settings declare, as somebody whom nobody saw before."""

    def __init__(self, client: httpx.Client, settings: Settings, credentials: Mapping[str, str] | None) -> None:
        self.client = client
        self.settings = settings
        self.credentials = credentials

    def asks(self) -> list[Ask]:
        """Return the requests of the declared promises; signs in, where one needs a refresh token."""
        auth, jobs = self.settings.auth, self.settings.jobs
        found = [Ask("GET", auth.protected)] if auth and auth.protected else []
        return found + (self._of_jobs(jobs) if jobs else []) + self._of_tokens()

    def _of_jobs(self, jobs: JobSettings) -> list[Ask]:
        """Return how work is submitted, read and removed, each time another piece of it."""
        one = f"{jobs.submit}/{ID}"
        found = [Ask("POST", jobs.submit, jobs.body), Ask("GET", one, id=self._submit(jobs))]
        return [*found, Ask("DELETE", one, repeatable=False, id=self._submit(jobs))] if jobs.removable else found

    def _submit(self, jobs: JobSettings) -> str:
        answer = self.client.post(jobs.submit, json=jobs.body)
        if answer.is_error:
            inconclusive(f"POST {jobs.submit} answers {answer.status_code} on a working stack")
        return str(answer.json()[jobs.id_field])

    def _of_tokens(self) -> list[Ask]:
        tokens = self.settings.tokens
        if tokens is None or self.credentials is None:
            return []
        found = [Ask("POST", tokens.path, self.credentials)]
        if tokens.refresh_path:
            answer = self.client.post(tokens.path, json=self.credentials)
            if answer.is_error:
                inconclusive(f"POST {tokens.path} answers {answer.status_code} on a working stack")
            body = {tokens.refresh_field: answer.json()[tokens.refresh_field]}
            found.append(Ask("POST", tokens.refresh_path, body, repeatable=False))
        return found

    def send(self, ask: Ask, timeout_s: float) -> Seen:
        """Send a request and wait so long for its answer."""
        began = time.monotonic()
        try:
            path = ask.path.replace(ID, ask.id)
            answer = self.client.request(ask.method, path, json=ask.body, timeout=timeout_s)
        except httpx.TransportError:
            return Seen(ask, None, time.monotonic() - began)
        return Seen(ask, answer, time.monotonic() - began)

    def served(self, patience_s: float) -> bool:
        """Return whether there are requests, and each that can be repeated succeeds at once."""
        asks = self.asks()
        return bool(asks) and all(self.works(ask, patience_s, tries=1) for ask in asks if ask.repeatable)

    def works(self, ask: Ask, patience_s: float, tries: int = 1_000_000) -> bool:
        """Return whether a request succeeds before patience ends."""
        deadline = time.monotonic() + patience_s
        for _ in range(tries):
            answer = self.send(ask, patience_s).answer
            if answer is not None and answer.is_success:
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        return False


@pytest.fixture
def users(
    request: pytest.FixtureRequest,
    settings: Settings,
    client_as: Callable[[Identity | None], httpx.Client],
    identities: IdentityPool,
) -> Users:
    """Return somebody who sends requests."""
    credentials = request.getfixturevalue("credentials") if settings.tokens else None
    client = client_as(identities.lease(1)[0] if settings.auth else None)
    return Users(client, settings, credentials)


@pytest.fixture
def outages(request: pytest.FixtureRequest, stack: Stack, users: Users, health: HealthSettings) -> dict[str, Outage]:
    """Return what users saw of each dependency as it hung: once for all checks, because every hang takes seconds."""
    if health.serves_within_s is None or not health.dependencies:
        not_applicable("[health] serves_within_s and dependencies are not declared")
    if OUTAGES not in request.config.stash:
        request.config.stash[OUTAGES] = observe(stack, users, health, health.serves_within_s)
    return request.config.stash[OUTAGES]


def observe(stack: Stack, users: Users, health: HealthSettings, serves_within_s: float) -> dict[str, Outage]:
    """Let one dependency after the other hang; one after which requests do not work again is the last."""
    found: dict[str, Outage] = {}
    for name, service in health.dependencies.items():
        if not users.served(health.react_s):
            inconclusive("nothing that is declared can be requested on a working stack")
        asks = users.asks()  # anew: what was read before the hang may come from a cache
        again = [ask for ask in asks if ask.repeatable]
        stack.control("pause", service)
        try:
            with ThreadPoolExecutor(len(asks)) as senders:
                seen = tuple(senders.map(lambda ask: users.send(ask, 2 * serves_within_s), asks))
        finally:
            stack.control("unpause", service)
        broken = tuple(ask for ask in again if not users.works(ask, health.react_s))
        found[name] = Outage(seen, broken)
        if broken:
            break
    return found


@check(
    "health.requests-bounded",
    title="requests are answered in their time while a dependency hangs",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
    cwe=(400,),
)
def test_requests_bounded(outages: dict[str, Outage], health: HealthSettings, defects: Defects) -> None:
    """No request takes longer than declared, whatever hangs: else clients and their connections pile up behind it."""
    limit_s = health.serves_within_s
    for name, outage in outages.items():
        for seen in outage.seen:
            if seen.answer is None or (limit_s and seen.seconds > limit_s):
                title = f"{seen.ask.operation} takes more than {limit_s:g} s while {name} hangs"
                detail = f"it took {seen.seconds:.2f} s" + (", and there was no answer" if seen.answer is None else "")
                defects.add(
                    title, cause=f"slow-{name}", operation=seen.ask.operation, evidence=seen.evidence, detail=detail
                )
    defects.none()


@check(
    "health.outage-answered",
    title="requests that need a dependency which hangs are answered with 503",
    severity="medium",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_outage_answered(
    outages: dict[str, Outage], client: httpx.Client, settings: Settings, defects: Defects
) -> None:
    """An answer is a good one or a documented 503 in the form of every error: clients know then to try again later."""
    for name, outage in outages.items():
        for seen in outage.seen:
            if seen.answer is not None and (problem := wrong_with(seen.answer, settings)):
                title = f"{seen.ask.operation} answers {seen.answer.status_code} while {name} hangs: {problem}"
                cause = f"answers-{seen.answer.status_code}-{name}"
                defects.add(title, cause=cause, operation=seen.ask.operation, evidence=seen.evidence)
    for ask in undocumented(client, settings, outages):
        title = f"{ask.operation} answers {UNAVAILABLE}, which its document does not say"
        defects.add(title, cause="undocumented", operation=ask.operation)
    defects.none()


def wrong_with(answer: httpx.Response, settings: Settings) -> str:
    """Return what is wrong with an answer that is given while something hangs, empty where it is right."""
    if answer.is_success:
        return ""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        inconclusive(f"{answer.request.url.path} was rate-limited: nothing was seen of it")
    if answer.status_code != UNAVAILABLE:
        return f"it is neither served nor {UNAVAILABLE}"
    problem = not_enveloped(answer, settings.errors, settings.tracing) if settings.errors else ""
    return f"it {problem}" if problem else ""


def undocumented(client: httpx.Client, settings: Settings, outages: Mapping[str, Outage]) -> list[Ask]:
    """Return the requests that were answered with 503 although the OpenAPI document does not list that."""
    if settings.contract is None:
        return []
    documented: dict[str, Any] = client.get(settings.contract.document).json()["paths"]
    paths = {re.sub(r"{[^{}]+}", ID, path): item for path, item in documented.items()}
    refused = {
        seen.ask.operation: seen.ask
        for outage in outages.values()
        for seen in outage.seen
        if seen.answer is not None and seen.answer.status_code == UNAVAILABLE
    }
    listed = {
        op: paths.get(ask.path, {}).get(ask.method.lower(), {}).get("responses", {}) for op, ask in refused.items()
    }
    return [
        ask for operation, ask in refused.items() if not {str(UNAVAILABLE), "5XX", "default"} & set(listed[operation])
    ]


@check(
    "health.requests-recover",
    title="requests are served again once a dependency goes on",
    severity="high",
    needs=("control",),
    presupposes=("health.requests-bounded",),
)
def test_requests_recover(outages: dict[str, Outage], health: HealthSettings, defects: Defects) -> None:
    """What did not work while a dependency hung works soon afterwards, without a restart."""
    for name, outage in outages.items():
        for ask in outage.broken:
            title = f"{ask.operation} does not work {health.react_s:g} s after {name} went on"
            defects.add(title, cause=f"broken-after-{name}", operation=ask.operation)
    defects.none()
