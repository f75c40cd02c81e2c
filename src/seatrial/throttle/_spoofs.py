"""Headers by which a client claims an address that is not its own (field notes B1, B2 and B5)."""

from __future__ import annotations

import random
from collections.abc import Iterator

from seatrial.core import ADDRESS_HEADERS
from seatrial.throttle._answers import Headers


def spoofs(source: random.Random) -> Iterator[tuple[str, Headers]]:
    """Return each header's name and what is sent: addresses of documentation networks (RFC 5737), new each time."""
    for name in ADDRESS_HEADERS:
        yield name, ((name, _address(source)),)
    yield "Forwarded", (("Forwarded", f"for={_address(source)}"),)
    yield "X-Forwarded-For", (("X-Forwarded-For", f"{_address(source)}, 127.0.0.1"),)
    yield "X-Forwarded-For", (("X-Forwarded-For", f"127.0.0.1, {_address(source)}"),)
    yield "X-Forwarded-For", (("X-Forwarded-For", _address(source)), ("X-Forwarded-For", _address(source)))
    yield "X-Forwarded-For", (("X-Forwarded-For", "127.0.0.1"),)


def _address(source: random.Random) -> str:
    network = source.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{source.randrange(1, 255)}"
