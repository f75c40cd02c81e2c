"""What time it is for who decides who sends: it goes by requests, so that it is the same on any machine."""

from __future__ import annotations

import time

REQUEST_S = 1 / 60
"""How long a request stands for: about what one takes on two cores, with as many parts of a document at once.

Where it takes less, who decided by this waits for the clock; where it takes more, somebody is thought nearer to his
limit than he is. Neither changes what is sent.
"""


class Pace:
    """A clock that goes on with each request and each wait; where nobody knows of limits, that of the machine.

    A limiter that nobody declared is seen by its refusals alone, which come when they do.
    """

    def __init__(self, *, counts: bool) -> None:
        self._counts = counts
        self._passed_s = 0.0

    @property
    def now_s(self) -> float:
        """Return what time it is, in seconds from a moment that stands for nothing."""
        return self._passed_s if self._counts else time.monotonic()

    def wait(self, wait_s: float) -> None:
        """Let so much time pass."""
        self._passed_s += wait_s

    def sent(self) -> None:
        """Count a request."""
        self._passed_s += REQUEST_S
