"""Who asks a service for what it promises, while a dependency hangs and before and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import httpx

from seatrial.config import HealthSettings, JobSettings, LimitSettings, Settings
from seatrial.disrupt._asks import ID, Ask, Seen, Unusable

POLL_S = 0.1


class Users:
    """Send what the settings declare, as somebody whom nobody saw before each outage, and as an administrator.

    Without an `administrator` nothing is asked that takes one.
    """

    def __init__(
        self,
        fresh: Callable[[], httpx.Client],
        settings: Settings,
        credentials: Mapping[str, str] | None,
        administrator: httpx.Client | None = None,
    ) -> None:
        self.fresh = fresh
        self.client = fresh()
        self.settings = settings
        self.credentials = credentials
        self.administrator = administrator

    def asks(self) -> list[Ask]:
        """Return the requests of the declared promises; makes what they need, and raises Unusable where it cannot."""
        auth, jobs, health = self.settings.auth, self.settings.jobs, self.settings.health
        found = [Ask("GET", auth.protected)] if auth and auth.protected else []
        found += self._of_jobs(jobs) if jobs else []
        found += batches(self.settings.limits)
        return found + self._of_tokens() + self._of_administration() + (further(health) if health else [])

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

    def _of_administration(self) -> list[Ask]:
        security = self.settings.security
        if self.administrator is None or security is None or security.admin_path is None:
            return []
        return [Ask("GET", security.admin_path, administrative=True)]

    @staticmethod
    def _good(answer: httpx.Response) -> httpx.Response:
        if answer.is_error:
            request = answer.request
            raise Unusable(f"{request.method} {request.url.path} answers {answer.status_code} on a working stack")
        return answer

    def send(self, ask: Ask, timeout_s: float) -> Seen:
        """Send a request and wait so long for its answer."""
        client = (self.administrator if ask.administrative else None) or self.client
        began = time.monotonic()
        try:
            path = ask.path.replace(ID, ask.id)
            answer = client.request(ask.method, path, json=ask.body, timeout=timeout_s)
        except httpx.TransportError:
            return Seen(ask, None, time.monotonic() - began)
        return Seen(ask, answer, time.monotonic() - began)

    def served(self, patience_s: float) -> list[Ask]:
        """Return requests that nobody sent before, after others like them; raises Unusable where one is not served.

        What was read before may come from a cache, and would show nothing of a dependency that hangs.
        """
        self.client = self.fresh()
        asks = self.asks()
        if not asks:
            raise Unusable("nothing that can be requested is declared")
        for ask in asks:
            if ask.repeatable and not self.works(ask, patience_s, tries=1):
                raise Unusable(f"{ask.operation} is not served on a working stack")
        return self.asks()

    def works(self, ask: Ask, patience_s: float, tries: int = 1_000_000) -> bool:
        """Return whether a request is served before patience ends."""
        deadline = time.monotonic() + patience_s
        for _ in range(tries):
            answer = self.send(ask, patience_s).answer
            if answer is not None and ask.served(answer):
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        return False


def batches(limits: Sequence[LimitSettings]) -> list[Ask]:
    """Return one batch of one item for each path that takes some."""
    return [
        Ask("POST", limit.batch_path, {limit.batch_field: [limit.batch_item]}) for limit in limits if limit.batch_path
    ]


def further(health: HealthSettings) -> list[Ask]:
    """Return what a project names itself."""
    return [Ask(ask.method, ask.path, ask.body or None, statuses=ask.statuses) for ask in health.asks]
