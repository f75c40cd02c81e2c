"""Between a user and its HTTP client: the identity's headers, the due time and the deadline of every request."""

from __future__ import annotations

from typing import Any

import gevent
from locust import User

from seatrial.swarm._inside._clock import Clock
from seatrial.swarm._inside._fence import Fence
from seatrial.swarm._inside._visit import MARK, Open, current_visit

SHORTEST_S = 0.001


class DeadlinePassedError(Exception):
    """The request got no answer in time, in a client that cannot say so itself: its task ends here."""


class Meter:
    """Wrap the `client.request` of users; all other methods of Locust's clients go through it."""

    def __init__(self, clock: Clock, fence: Fence, *, deadline_s: float) -> None:
        self._clock = clock
        self._fence = fence
        self._deadline_s = deadline_s

    def attach(self, user: User) -> None:
        """Meter the requests of a user, if it has an HTTP client."""
        client: Any = getattr(user, "client", None)
        if not hasattr(client, "request"):
            return
        self._fence.attach(client)
        send = client.request

        def request(method: str, url: str, *args: Any, **options: Any) -> Any:
            visit = current_visit()
            if visit is None:  # before the first arrival, or in a greenlet of the user's own
                return send(method, url, *args, **options)
            sent = visit.send(f"{method} {_path(options.get('name') or url)}", self._clock.now())
            options["headers"] = {**visit.headers, **(options.get("headers") or {})}
            options["context"] = {**(options.get("context") or {}), MARK: sent}
            return self._timed(user, sent, lambda: send(method, url, *args, **options))

        client.request = request

    def _timed(self, user: User, sent: Open, send: Any) -> Any:
        remaining_s = self._deadline_s - (self._clock.now() - sent.begins_s)
        limit = gevent.Timeout(max(remaining_s, SHORTEST_S))
        try:
            with limit:
                answer = send()
        except gevent.Timeout as error:
            if error is not limit:
                raise
            _report(user, sent, error)
            raise DeadlinePassedError(sent.operation) from error
        sent.answered_s = self._clock.now()  # judged later, by a with-block: what it does there is no latency
        return answer


def _report(user: User, sent: Open, error: BaseException) -> None:
    method, name = sent.operation.split(" ", 1)
    user.environment.events.request.fire(
        request_type=method, name=name, response_time=0.0, response_length=0, response=None, exception=error,
        context={MARK: sent},
    )  # fmt: skip


def _path(url: str) -> str:
    return url.split("?", 1)[0]
