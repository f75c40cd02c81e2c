"""What users ask of a service while a dependency hangs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from seatrial.config import JobSettings, Settings

POLL_S = 0.1
ID = "{id}"


class Unusable(Exception):
    """Nothing can be asked of a service that works; the message says why."""


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


class Users:
    """Send what the settings declare, as somebody whom nobody saw before."""

    def __init__(self, client: httpx.Client, settings: Settings, credentials: Mapping[str, str] | None) -> None:
        self.client = client
        self.settings = settings
        self.credentials = credentials

    def asks(self) -> list[Ask]:
        """Return the requests of the declared promises; makes what they need, and raises Unusable where it cannot."""
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
        return str(self._good(answer).json()[jobs.id_field])

    def _of_tokens(self) -> list[Ask]:
        tokens = self.settings.tokens
        if tokens is None or self.credentials is None:
            return []
        found = [Ask("POST", tokens.path, self.credentials)]
        if tokens.refresh_path:
            answer = self._good(self.client.post(tokens.path, json=self.credentials))
            body = {tokens.refresh_field: answer.json()[tokens.refresh_field]}
            found.append(Ask("POST", tokens.refresh_path, body, repeatable=False))
        return found

    @staticmethod
    def _good(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            request = answer.request
            raise Unusable(f"{request.method} {request.url.path} answers {answer.status_code} on a working stack")
        return answer

    def send(self, ask: Ask, timeout_s: float) -> Seen:
        """Send a request and wait so long for its answer."""
        began = time.monotonic()
        try:
            path = ask.path.replace(ID, ask.id)
            answer = self.client.request(ask.method, path, json=ask.body, timeout=timeout_s)
        except httpx.TransportError:
            return Seen(ask, None, time.monotonic() - began)
        return Seen(ask, answer, time.monotonic() - began)

    def served(self, patience_s: float) -> list[Ask]:
        """Return requests that nobody sent before, after others like them; raises Unusable where one is not served.

        What was read before may come from a cache, and would show nothing of a dependency that hangs.
        """
        asks = self.asks()
        if not asks or not all(self.works(ask, patience_s, tries=1) for ask in asks if ask.repeatable):
            raise Unusable("nothing that is declared can be requested on a working stack")
        return self.asks()

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
