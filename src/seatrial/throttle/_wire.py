"""A raw HTTP/1.1 client: exact bytes, duplicate headers, a chosen source address, and two clocks for each request.

Ordinary clients fold headers and hide when a request really left: the evidence that a proof needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

ANSWER_S = 20.0
IDLE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; the server acted between `sent_s` and `received_s` (seconds since the epoch)."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    sent_s: float
    received_s: float
    client: str
    extra: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class WireError(Exception):
    """No complete answer came."""


class Wire:
    """One connection of one client, opened anew when the server closed it."""

    def __init__(self, url: str, *, name: str, headers: Mapping[str, str], address: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._name = name
        self._headers = dict(headers)
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used_s = 0.0

    async def open(self) -> Self:
        """Connect; raises WireError."""
        local = (self._address, 0) if self._address else None
        try:
            self._streams = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port, local_addr=local), ANSWER_S
            )
        except (OSError, TimeoutError) as error:
            raise WireError(f"cannot connect: {error}") from error
        self._used_s = time.monotonic()
        return self

    async def send(self, method: str, path: str, extra: Mapping[str, str] | None = None) -> Answer:
        """Send one request and return its answer; raises WireError when none comes."""
        if time.monotonic() - self._used_s > IDLE_S:  # a server may hang up just when we send again
            await self.close()
        if self._streams is None:
            await self.open()
        try:
            return await asyncio.wait_for(self._exchange(method, path, extra or {}), ANSWER_S)
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise WireError(f"{method} {path}: {type(error).__name__}: {error}") from error

    async def _exchange(self, method: str, path: str, extra: Mapping[str, str]) -> Answer:
        if self._streams is None:
            raise WireError("not connected")
        reader, writer = self._streams
        sent_s = time.time()
        writer.write(self._request(method, path, extra))
        await writer.drain()
        status, headers = await _read_head(reader)
        await _read_body(reader, method, status, headers)
        received_s = time.time()
        self._used_s = time.monotonic()
        if any(key.lower() == "connection" and value.lower() == "close" for key, value in headers):
            await self.close()
        return Answer(
            method=method,
            path=path,
            status=status,
            headers=headers,
            sent_s=sent_s,
            received_s=received_s,
            client=self._name,
            extra=tuple(extra.items()),
        )

    def _request(self, method: str, path: str, extra: Mapping[str, str]) -> bytes:
        headers = {"Host": f"{self._host}:{self._port}", "Accept": "*/*", **self._headers, **extra}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += ["Content-Length: 0"] if method == "POST" else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        streams, self._streams = self._streams, None
        if streams:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, tuple[tuple[str, str], ...]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ")[1])
    pairs = (line.partition(":") for line in head[1:] if line)
    return status, tuple((name.strip(), value.strip()) for name, _, value in pairs)


async def _read_body(
    reader: asyncio.StreamReader, method: str, status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    """Read past a body, so that the connection can be used again (RFC 9112, 6.3)."""
    found = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in {204, 304}:
        return
    if "chunked" in found.get("transfer-encoding", "").lower():
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(found.get("content-length", "0")))
