"""HTTP/1.1 over kept connections, with the parser of geventhttpclient, whose client takes as long again."""

from __future__ import annotations

import functools
import re
import select
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
from gevent.monkey import get_original
from geventhttpclient.client import IDEMPOTENT_METHODS
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPResponse

BLOCK = 1 << 16
PORTS = {"http": 80, "https": 443}
FINAL = 200
WORD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
TARGET = re.compile(r"/[^\x00-\x20\x7f]*")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
POLL: Callable[[], Any] = get_original("select", "poll")
"""That of the standard library: gevent's goes round its loop, even to wait for nothing."""


class Whole(HTTPResponse):
    """An answer with its body."""

    @property
    def body(self) -> bytes:
        """Return what came after the headers."""
        return bytes(self._body_buffer)


class Wire:
    """Connections to one host, the last one used first, so that few are kept warm."""

    def __init__(self, url: str, *, context: Any, connect_s: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._context = context
        self._connect_s = connect_s
        self._idle: list[Any] = []
        self._named = {"Host": parts.netloc.rpartition("@")[2]}

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Whole:
        """Return the whole answer; raises OSError, HTTPParseError, or ValueError for what is no request."""
        length = {"Content-Length": str(len(body))} if body or method in {"POST", "PUT", "PATCH"} else {}
        request = _head(method, target, {**self._named, **headers, **length}) + body
        while connection := self._kept():
            try:
                return self._ask(connection, method, request)
            except HTTPConnectionClosed:  # before it was asked, as it seems: what may be sent twice is
                if method not in IDEMPOTENT_METHODS:
                    raise
        return self._ask(self._connect(), method, request)

    def _kept(self) -> Any:
        """Return a connection that is still open; None where there is none.

        Servers close what is idle for some seconds, which is no failure of the next request (RFC 9112, 9.3.1).
        """
        while self._idle:
            connection = self._idle.pop()
            if not _readable(connection):
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, connection: Any, method: str, request: bytes) -> Whole:
        answer = Whole(method)
        try:
            sent = connection.send(request)  # most requests are gone with that, and `sendall` takes longer to see it
            if sent < len(request):
                connection.sendall(request[sent:])
            _read(connection, answer)
        except BaseException as error:  # also a deadline
            connection.close()
            if isinstance(error, ConnectionResetError | BrokenPipeError) and not answer.message_begun:
                raise HTTPConnectionClosed("connection closed") from error
            raise
        if answer.should_close():
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def _connect(self) -> Any:
        connection = gevent.socket.create_connection((self._host, self._port), timeout=self._connect_s)
        connection.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_hostname=self._host)
        connection.settimeout(None)  # the deadline ends each request; a timer for each read would be the second one
        return connection


def _readable(connection: Any) -> bool:
    """Return whether an idle connection has something to read: its end, or what nobody asked for."""
    poll = POLL()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _read(connection: Any, answer: Whole) -> None:
    """Read to the end of a final answer; raises HTTPConnectionClosed where not even one began."""
    while not (answer.message_complete and answer.get_code() >= FINAL):
        data = connection.recv(BLOCK)
        answer.feed(data)  # nothing is the end, which completes some answers and breaks others
        if not data and not answer.message_complete:
            kind = HTTPParseError if answer.message_begun else HTTPConnectionClosed
            raise kind("connection closed")


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Return what precedes a body; raises ValueError where a method, path or header would be something else as well."""
    if not (WORD.fullmatch(method) and TARGET.fullmatch(target)):
        raise ValueError(f"no request line: {method} {target!r}")
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in headers.items():
        if not (WORD.fullmatch(name) and VALUE.fullmatch(value)):
            raise ValueError(f"no header: {name!r}")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def tls_of(user: Any, target: str) -> Any:
    """Return how a user's class has certificates verified; None for a target without TLS."""
    if not target.lower().startswith("https:"):
        return None
    factory = getattr(user, "ssl_context_factory", None) or gevent.ssl.create_default_context
    return _context(factory, bool(getattr(user, "insecure", False)))


@functools.cache
def _context(factory: Callable[[], Any], insecure: bool) -> Any:
    """Return one context for all users of a class: to read the certificates takes longer than many requests."""
    context = factory()
    if insecure:
        context.check_hostname = False
        context.verify_mode = gevent.ssl.CERT_NONE
    return context
