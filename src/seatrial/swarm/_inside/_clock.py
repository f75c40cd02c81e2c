"""The one clock of a run."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the first instant of the schedule; negative before it."""

    def __init__(self) -> None:
        self._zero = time.perf_counter()

    def start(self, *, delay_s: float = 0.0) -> None:
        """Set the schedule's first instant to now, or a little later."""
        self._zero = time.perf_counter() + delay_s

    def now(self) -> float:
        """Return the elapsed seconds."""
        return time.perf_counter() - self._zero
