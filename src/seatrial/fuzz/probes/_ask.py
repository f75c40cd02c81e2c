"""Requests of our own: as somebody, with every answer kept."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

import msgspec

from seatrial.core import Identities, Identity
from seatrial.core.marks import mark_of, masked, with_query, without_query
from seatrial.fuzz._messages import Sent
from seatrial.openapi import Operation

FIRST_NUMBER = 2_000_000
"""Numbers of these requests: far above those of the engine and of strangers."""

PROBES_S = 25.0
"""How long probes may send in all."""

TURNS = 50
"""How many users are looked at for one of another organisation."""

MARK = "{{secret:"
Send = Callable[[Sent, Literal["user"]], Sent | None]
"""Sends a request with its identity's credentials; None where no time is left."""


class Unclear(Exception):
    """Why nothing can be said about something."""


class Asker:
    """Send requests as users of the fuzzer, or as new ones.

    `users` are their headers by name and `queries` the parameters of those who have their keys there: it adds to both.
    `organisations` says whose users they are.
    """

    def __init__(  # noqa: PLR0913 - by keyword, each is needed once
        self,
        send: Send,
        *,
        users: dict[str, Mapping[str, str]],
        queries: dict[str, Mapping[str, str]],
        organisations: Mapping[str, str],
        identities: Identities,
        base_url: str,
        limited: Collection[int] = (),
    ) -> None:
        self._send = send
        self._users = users
        self._queries = queries
        self._organisations = dict(organisations)
        self._identities = identities
        self._limited = limited
        self._numbers = itertools.count(FIRST_NUMBER)
        self._until_s = time.monotonic() + PROBES_S
        self.base_url = base_url.rstrip("/")
        self.kept: list[Sent] = []

    def fresh(self) -> str:
        """Return the name of a user of an organisation that nothing was sent for yet."""
        return self._known(self._identities.lease(1)[0])

    def stranger_to(self, owner: str) -> str:
        """Return a user of another organisation; raises Unclear where there is none: declared ones come by turns."""
        organisation = self._organisations.get(owner)
        for identity in (self._identities.lease(1)[0] for _ in range(TURNS)):
            if organisation not in {None, identity.organisation}:
                return self._known(identity)
        raise Unclear("there are no users of two organisations")

    def _known(self, identity: Identity) -> str:
        self._organisations[identity.name] = identity.organisation
        self._users[identity.name] = dict(identity.headers)
        self._queries[identity.name] = dict(identity.query)
        return identity.name

    def ask(  # noqa: PLR0913 - a request
        self,
        operation: Operation,
        url: str,
        who: str,
        *,
        method: str = "",
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] = (),
    ) -> Sent:
        """Send a request and return its answer; raises Unclear for none, or one of a limiter."""
        own, mark = self._users.get(who, {}), mark_of(who)
        theirs = {name.lower() for name in own}
        plain = [(name, value) for name, value in headers if MARK not in value and name.lower() not in theirs]
        marked = [(name, masked(name, value, value, mark)) for name, value in own.items()]
        asked = Sent(
            number=next(self._numbers),
            operation=operation.label,
            mode="",
            method=method or operation.method,
            url=self._as_shown(url, who, mark),
            identity=who,
            request_headers=[*plain, *marked],
            body=body,
            at_s=time.monotonic(),
        )
        answer = None if time.monotonic() > self._until_s else self._send(asked, "user")
        if answer is None:
            raise Unclear("no time was left")
        return self._keep(msgspec.structs.replace(answer, number=asked.number))

    def _as_shown(self, url: str, who: str, mark: str) -> str:
        """Return a URL with the mark of a key that its sender has in the query."""
        for name in self._queries.get(who, {}):
            url = with_query(without_query(url, {name}), name, mark)
        return url

    def again(self, sample: Sent, operation: Operation) -> Sent:
        """Send a recorded request once more, as whoever sent it."""
        return self.ask(
            operation,
            sample.url,
            sample.identity,
            method=sample.method,
            body=sample.body,
            headers=sample.request_headers,
        )

    def _keep(self, answer: Sent) -> Sent:
        self.kept.append(answer)
        if not answer.status or answer.status in self._limited:
            raise Unclear(said(answer))
        return answer


def said(answer: Sent) -> str:
    """Return what was answered, for people."""
    return f"{answer.method} of it answered {answer.status or 'nothing'}"
