"""Long bodies: their beginning stays in the event, the text goes into a file of its own, named by its hash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from seatrial.core import BODY_SHOWN, Exchange, Request, Response
from seatrial.record._texts import SEAM

FOLDER = "blobs"
LARGEST = 2**20
TOTAL = 64 * 2**20

Message = TypeVar("Message", Request, Response)


class Blobs:
    """Keep long bodies of one run, redacted, up to 1 MiB each and 64 MiB in all."""

    def __init__(self, directory: Path, redact: Callable[[str], str], *, total: int = TOTAL) -> None:
        self._folder = directory / FOLDER
        self._redact = redact
        self._room = total
        self._lock = threading.Lock()

    def shorten(self, exchange: Exchange) -> Exchange:
        """Return an exchange with what may stand of its bodies in an event; raises OSError."""
        response = self._shorten(exchange.response) if exchange.response else None
        return replace(exchange, request=self._shorten(exchange.request), response=response)

    def _shorten(self, message: Message) -> Message:
        if len(message.body) <= BODY_SHOWN and not message.size:
            return message
        # Redacted before it is cut: half a secret would not be found.
        size = message.size or len(message.body.encode())
        text = self._redact(message.body)
        text = text[:-SEAM] if message.size else text  # it was cut before it came here
        return replace(message, body=text[:BODY_SHOWN], size=size, blob=self._keep(text[:LARGEST].encode()))

    def _keep(self, content: bytes) -> str:
        """Write a file once, whole or not at all, and return its name; empty where there is no room for it."""
        path = self._folder / sha256(content).hexdigest()
        with self._lock:
            if not path.exists():
                if len(content) > self._room:
                    return ""
                self._room -= len(content)
                self._folder.mkdir(exist_ok=True)
                part = path.with_suffix(".part")
                part.write_bytes(content)
                part.replace(path)
        return f"{FOLDER}/{path.name}"
