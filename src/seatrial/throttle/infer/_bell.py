"""A bell that any number of tasks wait for: each hears what rings after it began to listen."""

from __future__ import annotations

import asyncio
import contextlib


class Bell:
    """Rung each time that something happened; `rung` is whether it ever did."""

    def __init__(self) -> None:
        self.rung = False
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who listens."""
        self.rung = True
        self._next.set()
        self._next = asyncio.Event()

    async def wait(self, at_most_s: float | None = None) -> None:
        """Return when it rings next, or after so many seconds."""
        heard = self._next
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await heard.wait()
