"""Real, distinct source addresses: on Linux every 127.a.b.c can be bound without being configured."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from seatrial.core import ALIKE

SIZE = 2**24
RESERVED = 256
"""127.0.0.0/24 is left to servers."""


class AddressPool:
    """Hand out source addresses that nobody used before in this run; none where the stack cannot tell clients apart.

    `alike` says why it cannot.
    """

    def __init__(self, kind: Literal["loopback", "none"], *, seed: int) -> None:
        self.alike = "" if kind == "loopback" else ALIKE
        self._random = random.Random(f"addresses:{seed}")  # noqa: S311 - repeatable on purpose
        self._used: set[int] = set()

    def lease(self, count: int) -> Sequence[str]:
        """Return `count` addresses, or none at all."""
        return [] if self.alike else [self._fresh() for _ in range(count)]

    def _fresh(self) -> str:
        while (number := self._random.randrange(RESERVED, SIZE - 1)) in self._used:
            pass
        self._used.add(number)
        return f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"
