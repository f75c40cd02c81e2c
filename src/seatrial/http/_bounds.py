"""How much of an answer is read, and for how long in all: no check waits for one that never comes to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import httpx

from seatrial.core.fence import leaving, patience

LONGEST_S = 60.0
LARGEST = 64 * 1024 * 1024


class Ending(httpx.SyncByteStream):
    """A body that is an error once it is too long, or takes too long."""

    def __init__(self, body: httpx.SyncByteStream, request: httpx.Request, longest_s: float) -> None:
        self._body = body
        self._request = request
        self._longest_s = longest_s
        self._until_s = time.monotonic() + longest_s

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._body:
            size += len(part)
            if size > LARGEST:
                raise httpx.ReadError(f"more than {LARGEST // 1024 // 1024} MB", request=self._request)
            if time.monotonic() > self._until_s:
                raise httpx.ReadTimeout(f"no end after {self._longest_s:.3g} s", request=self._request)
            yield part

    def close(self) -> None:
        """Let the connection go."""
        self._body.close()


class EndingTransport(httpx.HTTPTransport):
    """Send requests as httpx does, and read answers within bounds."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; a client's own timeout is for each read, which an answer that drips never meets."""
        with leaving(request.method, str(request.url.copy_with(query=None))):
            longest_s, timeouts = patience(LONGEST_S), request.extensions.get("timeout", {})
            within = {part: None if most_s is None else patience(most_s) for part, most_s in timeouts.items()}
            request.extensions = {**request.extensions, "timeout": within}
            response = super().handle_request(request)
        response.stream = Ending(cast("httpx.SyncByteStream", response.stream), request, longest_s)
        return response
