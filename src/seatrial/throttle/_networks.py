"""IPv6 addresses of clients that a proxy reports: of the network for documentation (RFC 3849), which nobody has."""

from __future__ import annotations

import random
import secrets
from ipaddress import IPv6Address, IPv6Network

from seatrial.core import ADDRESS_HEADERS
from seatrial.throttle._policy import Policy
from seatrial.throttle._variants import Shape, Variant

DOCUMENTATION = IPv6Network("2001:db8::/32")
INTERFACE = 64
"""So many bits of its addresses are a client's own to choose (RFC 6177, RFC 4291)."""


def fresh_address() -> str:
    """Return an address of a network that no earlier proof had, whatever its seed was."""
    return str(DOCUMENTATION[secrets.randbelow(DOCUMENTATION.num_addresses)])


def of_network(address: str) -> Variant:
    """Return the way round by which whoever has an address of a network has all of them (B4)."""
    network = IPv6Network((IPv6Address(address), INTERFACE), strict=False)

    def write(policy: Policy, source: random.Random) -> Shape:
        other = network[source.getrandbits(INTERFACE)]
        return Shape(policy.settings.method, policy.settings.path, ((ADDRESS_HEADERS[0], str(other)),))

    what = "another address of one's IPv6 network"
    return Variant("network-bounded", "address-of-network", what, "nobody", write)
