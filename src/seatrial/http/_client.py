"""An httpx client that writes down every exchange: as which identity, what came back, and when."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping
from typing import Any

import httpx

from seatrial.core import Exchange, Identity, Request, Response, Target
from seatrial.core.marks import mark_of, masked, masked_query
from seatrial.core.tls import trusted
from seatrial.http._bounds import EndingTransport
from seatrial.record import ExchangeRecorded, Sink

BODY_LIMIT = 2**20
"""How much of a body is handed to the record, which keeps the beginning in its events and the rest in a file."""

TIMEOUT_S = 30.0
AUTHENTICATING = frozenset({"authorization", "cookie", "proxy-authorization"})
_numbers = itertools.count(1)


def new_exchange_id(prefix: str) -> str:
    """Return an id that no other exchange of a run has, whatever process sends it."""
    return f"{prefix or 'x'}-{os.getpid()}-{next(_numbers)}"


def shown_headers(
    headers: httpx.Headers, identity: str, *, secret: Mapping[str, str] | None = None
) -> tuple[tuple[str, str], ...]:
    """Return headers as pairs, with the identity's name in place of what authenticates it.

    `secret` are the identity's own headers (by names in lower case), whose values authenticate.
    """
    own, mark = secret or {}, mark_of(identity)
    return tuple((name, _shown_value(name, value, mark, own)) for name, value in headers.multi_items())


def _shown_value(name: str, value: str, mark: str, own: Mapping[str, str]) -> str:
    if name == "set-cookie":  # its attributes are no secret, and checks look at them
        key, _, rest = value.partition("=")
        return f"{key}={mark}{''.join(rest.partition(';')[1:])}"
    return masked(name, value, own.get(name, ""), mark) if name in AUTHENTICATING.union(own) else value


def _body_of(message: httpx.Request | httpx.Response) -> tuple[str, int]:
    """Return a body as text and, where that is only its beginning, its length.

    A stream is not read: that would take it away from the caller.
    """
    try:
        content = message.content
    except (httpx.RequestNotRead, httpx.ResponseNotRead):
        return "(streamed)", 0
    return content[:BODY_LIMIT].decode("utf-8", "replace"), len(content) if len(content) > BODY_LIMIT else 0


class RecordingClient(httpx.Client):
    """Send requests as one identity; the id of an exchange is `response.extensions["seatrial.exchange"]`."""

    def __init__(self, target: Target, *, identity: Identity | None, sink: Sink | None, suite: str) -> None:
        address = identity.address if identity else ""
        transport = EndingTransport(local_address=address or None, verify=trusted())
        super().__init__(
            base_url=target.seen_from(identity.address if identity else ""),
            headers=dict(identity.headers) if identity else {},
            transport=transport,
            timeout=TIMEOUT_S,
            trust_env=False,
        )
        self._sink = sink
        self._name = identity.name if identity else ""
        self._secret = {name.lower(): value for name, value in identity.headers.items()} if identity else {}
        self._query = dict(identity.query) if identity else {}
        self._suite = suite

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request and write the exchange down, also when no answer came."""
        if self._query:  # a client's own parameters would take the place of a request's
            request.url = request.url.copy_merge_params(self._query)
        sent_s = time.monotonic()
        try:
            response = super().send(request, **options)
        except httpx.RequestError as error:
            self._record(request, None, sent_s, f"{type(error).__name__}: {error}")
            raise
        response.extensions["seatrial.exchange"] = self._record(request, response, sent_s, "")
        return response

    def _record(self, request: httpx.Request, response: httpx.Response | None, sent_s: float, error: str) -> str:
        body, size = _body_of(request)
        exchange = Exchange(
            id=new_exchange_id(self._suite),
            operation=f"{request.method} {request.url.path}",
            identity=self._name,
            request=Request(
                method=request.method,
                url=masked_query(str(request.url), self._query, mark_of(self._name)),
                headers=shown_headers(request.headers, self._name, secret=self._secret),
                body=body,
                size=size,
            ),
            response=None if response is None else _shown(response, self._name),
            sent_s=sent_s,
            received_s=time.monotonic(),
            error=error,
        )
        if self._sink:
            self._sink.emit(ExchangeRecorded(exchange=exchange))
        return exchange.id


def _shown(response: httpx.Response, identity: str) -> Response:
    body, size = _body_of(response)
    headers = shown_headers(response.headers, identity)
    return Response(status=response.status_code, headers=headers, body=body, size=size)


def open_client(
    target: Target, *, identity: Identity | None = None, sink: Sink | None = None, suite: str = ""
) -> RecordingClient:
    """Return a client that sends as an identity (nobody when None) and hands every exchange to the sink."""
    return RecordingClient(target, identity=identity, sink=sink, suite=suite)
