"""Free ports on the loopback address."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 15000
ATTEMPTS = 200
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def pick_ports(count: int) -> list[int]:
    """Return free ports, all different, outside the range of which the kernel takes ports for outgoing connections.

    A service that is stopped for a while would else find its port taken by a client of the load test.
    """
    with ExitStack() as held:
        return [_bind(held) for _ in range(count)]


def _bind(held: ExitStack) -> int:
    """Bind a port until the end of the call, so that none is handed out twice."""
    source = random.SystemRandom()
    for attempt in range(ATTEMPTS):
        listener = held.enter_context(socket.socket())
        try:
            listener.bind((LOOPBACK, source.randrange(LOWEST, _first_ephemeral()) if attempt < ATTEMPTS - 1 else 0))
        except OSError:
            continue
        port: int = listener.getsockname()[1]
        return port
    return 0  # not reached: the kernel chooses in the last attempt


def _first_ephemeral() -> int:
    try:
        return max(int(EPHEMERAL.read_text().split()[0]), LOWEST + 1000)
    except (OSError, ValueError):
        return 32768
