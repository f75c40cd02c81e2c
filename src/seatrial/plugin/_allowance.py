"""How many requests a check may send that asks for itself: its part of a rate limit's budget."""

from __future__ import annotations

from itertools import count

import httpx

from seatrial.plugin._defects import Defects
from seatrial.plugin._outcomes import inconclusive


class Allowance:
    """So many requests, whichever of a check's clients sends them."""

    def __init__(self, most: int, defects: Defects) -> None:
        self._most, self._defects, self._numbers = most, defects, count(1)

    def spend(self, _request: httpx.Request) -> None:
        """Count a request before it is sent; beyond the allowance, end the item: what was found by then stands."""
        if next(self._numbers) > self._most:
            self._defects.none()
            inconclusive(f"its {self._most} requests of what max_requests allows are sent, and decide nothing")
