"""What a service is asked before its load: within bounds, as it may answer slowly, refuse for a while, or be gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from seatrial.core import EnvironmentFailure
from seatrial.http import RecordingClient
from seatrial.swarm.traffic import Answer, Prepared

BUDGET_S = 60.0
"""How long all of it may take, besides a second for each operation."""

SILENT = 5
"""After so many requests in a row without an answer nobody asks again."""

LIMITED, LONGEST_WAIT_S = 429, 10.0
REMEDY = "look at the service, choose operations with `only` (--only), or name what to GET with --path"


class Asking:
    """Ask for what there is; raises EnvironmentFailure once a service is silent, or has taken `budget_s` for it all."""

    def __init__(self, where: str, *, deadline_s: float, budget_s: float) -> None:
        self._where = where
        self._deadline_s = deadline_s
        self._budget_s = budget_s
        self._until_s = time.monotonic() + budget_s
        self._silent = 0

    def of(self, client: RecordingClient) -> Callable[[Prepared], Answer]:
        """Return what asks by a client."""
        return lambda request: self._ask(client, request)

    def _ask(self, client: RecordingClient, request: Prepared) -> Answer:
        answer = self._sent(client, request)
        wait_s = _wait_s(answer)
        if wait_s is not None:
            time.sleep(wait_s)
            answer = self._sent(client, request)
        return _told(answer)

    def _sent(self, client: RecordingClient, request: Prepared) -> httpx.Response | None:
        left_s = self._until_s - time.monotonic()
        if left_s <= 0:
            raise self._failure(f"took more than {self._budget_s:g} s to answer what is asked before its load")
        options: dict[str, Any] = {"headers": dict(request.headers), "content": request.content}
        try:
            answer = client.request(request.method, request.path, timeout=min(self._deadline_s, left_s), **options)
        except (httpx.HTTPError, httpx.InvalidURL):
            self._silent += 1
            if self._silent == SILENT:
                raise self._failure(f"did not answer {SILENT} requests in a row, before its load") from None
            return None
        self._silent = 0
        return answer

    def _failure(self, what: str) -> EnvironmentFailure:
        return EnvironmentFailure(f"the service {what}", slug="load-asking-ahead", where=self._where, remedy=REMEDY)


def _wait_s(answer: httpx.Response | None) -> float | None:
    """Return how long a refusal asks to wait, in seconds (RFC 9110, 10.2.3); None where nobody waits for that."""
    told = answer.headers.get("Retry-After", "") if answer is not None and answer.status_code == LIMITED else ""
    wait_s = float(told) if told.isascii() and told.isdigit() else LONGEST_WAIT_S + 1
    return wait_s if wait_s <= LONGEST_WAIT_S else None


def _told(answer: httpx.Response | None) -> Answer:
    if answer is None:
        return Answer(0)
    try:
        return Answer(answer.status_code, answer.json())
    except ValueError:
        return Answer(answer.status_code)
