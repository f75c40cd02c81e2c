"""Real, distinct source addresses: on Linux every 127.a.b.c can be bound without being configured."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Sequence
from typing import Literal

from seatrial.core import ALIKE

LOOPBACK = "127.0.0.0/8"
RESERVED = 256
"""127.0.0.0/24 is left to servers."""


def loopback_networks(declared: Sequence[str]) -> list[ipaddress.IPv4Network]:
    """Return those of declared addresses and networks that a client of this machine can send from."""
    networks = [
        network for network in map(ipaddress.ip_network, declared) if isinstance(network, ipaddress.IPv4Network)
    ]
    return [network for network in networks if network.subnet_of(ipaddress.IPv4Network(LOOPBACK))]


class AddressPool:
    """Hand out source addresses that nobody used before in this run; none where the stack cannot tell clients apart.

    `alike` says why it cannot. `network` is where they are taken from.
    """

    def __init__(self, kind: Literal["loopback", "none"], *, seed: int, network: str = "") -> None:
        self.alike = "" if kind == "loopback" else ALIKE
        self._network = ipaddress.ip_network(network or LOOPBACK, strict=False)
        self._least = RESERVED if not network else min(1, self._network.num_addresses - 1)
        self._most = max(self._least + 1, self._network.num_addresses - 1)
        self._random = random.Random(f"addresses:{seed}")  # noqa: S311 - repeatable on purpose
        self._used: set[int] = set()

    def lease(self, count: int) -> Sequence[str]:
        """Return `count` addresses, or none at all where there are not so many left."""
        enough = self._most - self._least - len(self._used) >= count
        return [self._fresh() for _ in range(count)] if enough and not self.alike else []

    def _fresh(self) -> str:
        while (number := self._random.randrange(self._least, self._most)) in self._used:
            pass
        self._used.add(number)
        return str(self._network[number])
