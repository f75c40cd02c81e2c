"""A raw HTTP/1.1 client: exact bytes, duplicate headers, a chosen source address, and clocks around each request.

Ordinary clients fold headers and hide when a request really left: the evidence that a proof needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import ipaddress
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from seatrial.core import ADDRESS_HEADERS
from seatrial.core.tls import trusted
from seatrial.throttle._answers import Headers, read_answer

JSON = ("Content-Type", "application/json")
USUAL_VERSION = "HTTP/1.1"
ANSWER_S = 20.0
END = b"\r\n\r\n"
IDLE_S = 1.0
"""Servers hang up on idle connections; a request on one that is closing could count and yet get no answer."""


class Instant(NamedTuple):
    """One reading of both clocks: `s` never steps, `at` is seconds since the epoch."""

    s: float
    at: float

    @classmethod
    def now(cls) -> Self:
        """Read both clocks."""
        return cls(time.monotonic(), time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; the server acted between `sent` and `received`. `secret` names the headers that authenticate."""

    method: str
    path: str
    status: int
    headers: Headers
    sent: Instant
    received: Instant
    client: str
    secret: tuple[str, ...] = ()
    extra: Headers = ()
    body: str = ""
    sent_body: bytes = b""
    version: str = USUAL_VERSION

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class WireError(Exception):
    """No complete answer came."""


class HungUpError(WireError):
    """The connection was there, and ended without any answer."""


FOREIGN = (OSError, ValueError, EOFError, TimeoutError, asyncio.LimitOverrunError)


class Wire:
    """One connection of one client, opened anew when it was closed or idle.

    `late_s` is the longest that a request took to leave after its clock was read: every interval has it in it.
    """

    def __init__(  # noqa: PLR0913 - all by keyword
        self,
        url: str,
        *,
        name: str,
        headers: Mapping[str, str],
        via: str = "",
        address: str = "",
        reported: str = "",
        body: bytes = b"",
    ) -> None:
        """Connect to `via` in place of the host that requests name, where that is another."""
        parts = urlsplit(via or url)
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._secure else 80)
        self._netloc = urlsplit(url).netloc
        self._name, self._headers, self._address = name, dict(headers), address
        self._reported: Headers = ((ADDRESS_HEADERS[0], reported),) if reported else ()
        self._body = self._carried = body
        self._version = USUAL_VERSION
        self.answers: list[Answer] = []  # one for each request that left, whether or not one came
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_s = 0.0
        self.late_s = 0.0
        self._rest, self._left = b"", Instant(0.0, 0.0)

    def twin(self) -> Wire:
        """Return another connection of the same client."""
        twin = copy.copy(self)
        twin.answers = []
        twin._streams = None  # noqa: SLF001 - a twin's own
        return twin

    def carry(self, body: bytes | None, version: str = USUAL_VERSION) -> None:
        """Send another body with POST, and in another version of HTTP, from now on; None is the usual body."""
        self._carried = self._body if body is None else body
        self._version = version

    async def open(self) -> Self:
        """Connect, unless a connection is there that was just used; raises WireError."""
        if self._streams and time.monotonic() - self._used_s < IDLE_S:
            return self
        await self.close()
        local = (self._address, 0) if self._address else None
        context = trusted() if self._secure else None
        try:
            # Unlike wait_for, a timeout never loses a cancellation that comes together with the answer.
            async with asyncio.timeout(ANSWER_S):
                self._streams = await asyncio.open_connection(self._host, self._port, local_addr=local, ssl=context)
        except FOREIGN as error:
            raise WireError(f"cannot connect: {error}") from error
        self._used_s = time.monotonic()
        return self

    async def send(self, method: str, path: str, extra: Headers = ()) -> Answer:
        """Send one request and return its answer; raises WireError when none comes."""
        return (await self.pipeline(method, path, 1, extra))[0]

    async def pipeline(self, method: str, path: str, count: int, extra: Headers = ()) -> list[Answer]:
        """Send requests in one write and return their answers, in order; raises WireError when one is missing."""
        await self.open()
        with self._kept(method, path, count, extra) as answers:
            async with self._exchange(f"{method} {path}"):
                reader, writer = self._connected()
                self._left = Instant.now()
                writer.write(self._request(method, path, extra) * count)
                await writer.drain()
                self.late_s = max(self.late_s, time.monotonic() - self._left.s)
                for _ in range(count):
                    answers.append(await self._receive(reader, method, path, extra))
        return answers

    async def begin(self, method: str, path: str) -> None:
        """Send a request but for the end of its head, without which no server can act on it; raises WireError."""
        await self.open()
        request = self._request(method, path, ())
        cut = request.index(END) + len(END) - 1
        async with self._exchange(f"{method} {path}"):
            _, writer = self._connected()
            writer.write(request[:cut])
            await writer.drain()
        self._rest = request[cut:]

    def release(self) -> None:
        """Send the rest of what was begun."""
        if self._streams:
            self._left = Instant.now()
            self._streams[1].write(self._rest)
            self.late_s = max(self.late_s, time.monotonic() - self._left.s)

    async def finish(self, method: str, path: str) -> Answer:
        """Return the answer to what was released; raises WireError when none comes."""
        with self._kept(method, path, 1, ()) as answers:
            async with self._exchange(f"{method} {path}"):
                reader, _ = self._connected()
                answers.append(await self._receive(reader, method, path, ()))
        return answers[0]

    @contextlib.contextmanager
    def _kept(self, method: str, path: str, count: int, extra: Headers) -> Iterator[list[Answer]]:
        """Keep the answers to so many requests, and something that stands for each that does not come."""
        answers: list[Answer] = []
        why = "nobody waited for an answer"
        try:
            yield answers
        except WireError as error:
            why = str(error)
            raise
        finally:
            lost = range(count - len(answers))
            self.answers += [*answers, *(self._answer(method, path, extra, 0, (), why) for _ in lost)]

    @contextlib.asynccontextmanager
    async def _exchange(self, operation: str) -> AsyncIterator[None]:
        """Hang up, and raise WireError, where an exchange breaks off or takes too long."""
        try:
            async with asyncio.timeout(ANSWER_S):
                yield
        except FOREIGN as error:
            await self.close()
            kind = HungUpError if _hung_up(error) else WireError
            raise kind(f"{operation}: {_why(error)}") from error

    def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise WireError("not connected")
        return self._streams

    async def _receive(self, reader: asyncio.StreamReader, method: str, path: str, extra: Headers) -> Answer:
        status, headers, body, ends = await read_answer(reader, method)
        answer = self._answer(method, path, extra, status, headers, body)
        self._used_s = answer.received.s
        if ends or self._version != USUAL_VERSION:
            await self.close()
        return answer

    def _answer(  # noqa: PLR0913, PLR0917 - the parts of an answer
        self, method: str, path: str, extra: Headers, status: int, headers: Headers, body: str
    ) -> Answer:
        return Answer(
            method=method,
            path=path,
            status=status,
            headers=headers,
            sent=self._left,
            received=Instant.now(),
            client=self._name,
            secret=tuple(self._headers),
            extra=(*unsaid(self._reported, extra), *extra),
            body=body,
            sent_body=self._sent_body(method),
            version=self._version,
        )

    def _sent_body(self, method: str) -> bytes:
        return self._carried if method == "POST" else b""

    def _request(self, method: str, path: str, extra: Headers) -> bytes:
        # What a variant says of the host or of who asks takes the place of the usual, as it would from that client.
        usual = [("Host", self._netloc), ("Accept", "*/*"), *self._headers.items(), *self._reported]
        headers = [*unsaid(usual, extra), *extra]
        content = self._sent_body(method)
        headers += unsaid([JSON], extra) if content else []
        headers += [("Content-Length", str(len(content)))] if method == "POST" else []
        lines = [f"{method} {path} {self._version}", *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + content

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


def unsaid(usual: Iterable[tuple[str, str]], extra: Headers) -> Iterator[tuple[str, str]]:
    """Yield those headers that `extra` has not."""
    said = {name.lower() for name, _ in extra}
    return (pair for pair in usual if pair[0].lower() not in said)


def _hung_up(error: Exception) -> bool:
    """Return whether the other side ended a connection instead of answering."""
    return isinstance(error, ConnectionError) or (isinstance(error, asyncio.IncompleteReadError) and not error.partial)


def _why(error: Exception) -> str:
    """Return what went wrong with an exchange, for a sentence."""
    if isinstance(error, TimeoutError):
        return f"no whole answer within {ANSWER_S:g} s"
    if isinstance(error, asyncio.IncompleteReadError):
        return "the connection ended in the middle of an answer" if error.partial else "the connection ended"
    return f"{type(error).__name__}: {error}"


async def is_loopback(url: str) -> bool:
    """Return whether every address of a URL's host is this machine; raises WireError for an unknown host."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError as error:
        raise WireError(f"{host} has no address: {error}") from error
    return all(ipaddress.ip_address(str(info[4][0]).partition("%")[0]).is_loopback for info in found)
