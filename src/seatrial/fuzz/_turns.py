"""Who sends a request of the engine.

This is patched into requests' sessions in the child process, so that every request of the engine goes through it:
those of checks and of links between operations too.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool

from seatrial.fuzz._allowance import Client, Rota
from seatrial.fuzz._bounds import LONGEST_S, may_be_endless, read_answer
from seatrial.fuzz._carried import outgoing
from seatrial.fuzz._costs import cost_of
from seatrial.fuzz._handed_out import fields_handed_out
from seatrial.fuzz._messages import Message, Order, SentAgain, Share
from seatrial.fuzz._owners import Owners
from seatrial.fuzz._pace import Pace
from seatrial.fuzz._patience import Patience
from seatrial.fuzz._renewals import Renewals
from seatrial.openapi import Operation, operation_at, operations_of

PLACEHOLDER = "seatrial-identity"
TURN = "seatrial_turn"
CASE_HEADER = "X-Schemathesis-TestCaseId"
SUCCESS = range(200, 300)
UNCHANGED = requests.Session.send
UNAUTHENTICATED = 401
Send = Callable[[requests.PreparedRequest], requests.Response]


@dataclass(frozen=True, slots=True)
class Turn:
    """Who sent a request, when, and whether it was somebody else than the resource's maker."""

    client: Client
    at_s: float
    displaced: bool


class SourceAdapter(HTTPAdapter):
    """Send from one address, to where it is seen."""

    def __init__(self, address: str, url: str) -> None:
        self._address = address
        self._url = url
        super().__init__(pool_maxsize=2)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Bind every connection to the address."""
        super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """Return connections to there, whatever host a request names."""
        found: HTTPConnectionPool = self.poolmanager.connection_from_url(self._url)
        return found


class Turns:
    """Put an identity into each request that wants one, and spread those that want none over addresses."""

    def __init__(self, order: Order, *, until_s: float, tell: Callable[[Message], None] = lambda _: None) -> None:
        self._order = order
        self.until_s = until_s
        self._tell = tell
        self._held = {name: dict(headers) for name, headers in order.identities}
        named = [Client.limited(name, headers, "", order.window_s) for name, headers in self._held.items()]
        nobody = [Client.limited("", {}, address, order.window_s) for address in order.addresses or [""]]
        self._named = Rota(named or nobody, uses=order.uses)
        self._nobody = Rota(nobody, uses=order.uses)
        self._narrow = {path: self._sharing(share) for path, share in order.narrow.items()}
        self._by_headers = {tuple(sorted(client.headers.items())): client for client in named}
        self._secret = {name.lower() for _, headers in order.identities[:1] for name in headers}
        self._adapters = {address: SourceAdapter(address, order.by_address) for address in order.addresses}
        self._owners: Owners[Client] = Owners(fields_handed_out(order.document))
        self._patience = None if order.window_s else Patience(order.budget_s, until_s)
        self._pace = Pace(counts=bool(order.window_s))
        self._renewals = Renewals(order.sources, self._put, tell)
        self._leading: Client | None = None

    def _sharing(self, share: Share) -> tuple[Rota, int]:
        """Return who sends to a path with a limit of its own, whatever that goes by: each user from an address."""
        identities, addresses = [*self._held.items()] or [("", {})], self._order.addresses or [""]
        pairs = zip(range(max(len(identities), len(addresses))), cycle(identities), cycle(addresses), strict=False)
        clients = [Client.limited(name, headers, address, share.window_s) for _, (name, headers), address in pairs]
        return Rota(clients, uses=share.uses), share.uses

    def install(self) -> None:
        """Make every session of this process send through here, and no longer through others of this kind."""

        def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            def once(sent: requests.PreparedRequest) -> requests.Response:
                return UNCHANGED(session, sent, **options | {"stream": True})

            response = self._until_let_in(session, request, once, streamed=bool(options.get("stream")))
            turn: Turn = getattr(request, TURN)
            if response.status_code in SUCCESS and turn.client.name and not _goes_on(response, options):
                location = response.headers.get("Location", "")
                self._owners.learn(str(request.method), location, response.content, turn.client)
            return response

        setattr(requests.Session, "send", send)  # noqa: B010 - mypy cannot see that the two agree

    def _until_let_in(
        self, session: requests.Session, request: requests.PreparedRequest, once: Send, *, streamed: bool
    ) -> requests.Response:
        """Send a request, and again while a limiter refuses it or its token has ended: the last answer counts."""
        asked = {name: value for name, value in request.headers.items() if name.lower() in self._secret}
        waits: list[float] = []
        refused: set[str] = set()
        while True:
            turn = self._take(request)
            setattr(request, TURN, turn)
            response = self._answer(session, turn, request, once)
            if streamed and may_be_endless(response):
                return response
            read_answer(response, turn.at_s + LONGEST_S)
            if not (self._renews(turn, request, response, refused) or self._rests(turn, request, response, waits)):
                return response
            request.headers.update(asked)  # whose turn it is then may be another's

    def _answer(
        self, session: requests.Session, turn: Turn, request: requests.PreparedRequest, once: Send
    ) -> requests.Response:
        """Return what comes back for a request, as who sends it."""
        before, self._leading = self._leading, turn.client
        sent = outgoing(request, self._order.key, turn.client.name) if self._order.key else request
        try:
            with self._from(session, turn.client.address):
                response = once(sent)
        finally:
            self._leading = before
        if response.request is sent:
            response.request = request
        return response

    def _renews(
        self, turn: Turn, request: requests.PreparedRequest, response: requests.Response, refused: set[str]
    ) -> bool:
        """Return whether an answer was due to a token that ended, and is another one now; note whose it was."""
        if response.status_code != UNAUTHENTICATED:
            return False
        name, again = turn.client.name, turn.client.name in refused
        refused.add(name)
        return self._renewals.after_refusal(name, partial(self._operation, request), again=again)

    def _put(self, name: str, old: str, new: str) -> None:
        """Let somebody have another secret; requests that hold the old one are still his."""
        if self._order.key:
            self._order.key.secrets[name] = new
            return
        client = next(client for client in self._by_headers.values() if client.name == name)
        headers = self._held[name]  # all who send as him have these
        headers.update({header: value.replace(old, new) for header, value in headers.items()})
        self._by_headers[tuple(sorted(headers.items()))] = client

    def _rests(
        self, turn: Turn, request: requests.PreparedRequest, response: requests.Response, waits: list[float]
    ) -> bool:
        """Return whether a request that a limiter refused is sent again: by whom may, or once its sender rested."""
        if self._patience is None or response.status_code not in self._order.limited:
            return False
        now = time.monotonic()
        wait_s = self._patience.wait_s(self._operation(request), waits, response.headers, now)
        if wait_s is None:
            return False
        waits.append(wait_s)
        turn.client.by_clock.rest(now + wait_s)
        turn.client.by_pace.rest(self._pace.now_s + wait_s)
        self._tell(SentAgain())
        return True

    def _operation(self, request: requests.PreparedRequest) -> str:
        """Return what a request is one of: the documented operation, or else its path."""
        path = urlsplit(str(request.url).removeprefix(self._order.base_url.rstrip("/"))).path
        found = operation_at(str(request.method), path, self._operations)
        return found.label if found else f"{request.method} {path}"

    @cached_property
    def _operations(self) -> dict[str, Operation]:
        return operations_of(self._order.document)

    def _take(self, request: requests.PreparedRequest) -> Turn:
        """Decide who sends a request, wait until he may, and put his headers in."""
        request.headers.pop(CASE_HEADER, None)
        client, uses, displaced = self._choose(request)
        self._renewals.in_time(client.name)
        self._wait(client, uses)
        request.headers.update(client.headers)
        at_s, cost = time.monotonic(), cost_of(str(request.url), request.body, self._order.batches)
        client.by_pace.take(self._pace.now_s, cost)
        client.by_clock.take(at_s, cost)
        self._pace.sent()
        return Turn(client, at_s, displaced)

    def _wait(self, client: Client, uses: int) -> None:
        """Wait until a client may send; not once all time is up."""
        self._pace.wait(client.by_pace.wait_s(self._pace.now_s, uses))
        now = time.monotonic()
        wait_s = min(client.by_clock.wait_s(now, uses), self.until_s - now)
        if wait_s > 0:
            time.sleep(wait_s)

    def _choose(self, request: requests.PreparedRequest) -> tuple[Client, int, bool]:
        now = self._pace.now_s
        if narrow := self._narrow.get(urlsplit(str(request.url)).path):
            rota, uses = narrow
            return rota.next(now), uses, False
        if known := self.sender_of(request.headers):  # sent once more, or redirected
            return known, self._order.most, False
        if PLACEHOLDER not in request.headers.values():
            if self._order.key and self._leading and _of_one_host(str(request.url), self._order.base_url):
                return self._leading, self._order.most, False  # a redirect: his key stands in no header that goes on
            return self._nobody.next(now), self._order.uses, False
        owner = self._owners.of(str(request.url))
        if owner and not owner.by_pace.wait_s(now, self._order.most):
            return owner, self._order.most, False
        client = self._named.next(now)
        return client, self._order.uses, owner not in {None, client}

    def sender_of(self, headers: Any) -> Client | None:
        """Return whose credentials headers hold, if anybody's."""
        held = {name: value for name, value in headers.items() if name.lower() in self._secret}
        return self._by_headers.get(tuple(sorted(held.items()))) if held else None

    def wait_s(self, headers: Any, count: int) -> float:
        """Return how long whose credentials these are has to wait until he may send so many in a row, by pace."""
        client = self.sender_of(headers)
        return client.by_pace.wait_s(self._pace.now_s, max(1, self._order.most - count + 1)) if client else 0.0

    @contextlib.contextmanager
    def _from(self, session: requests.Session, address: str) -> Iterator[None]:
        """Send from an address; requests looks the adapter up in the session."""
        if not address:
            yield
            return
        usual = session.adapters
        session.adapters = OrderedDict((prefix, self._adapters[address]) for prefix in usual)
        try:
            yield
        finally:
            session.adapters = usual


def _goes_on(response: requests.Response, options: dict[str, Any]) -> bool:
    return bool(options.get("stream")) and may_be_endless(response)


def _of_one_host(url: str, other: str) -> bool:
    return urlsplit(url).netloc == urlsplit(other).netloc
