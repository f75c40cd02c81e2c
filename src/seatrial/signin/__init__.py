"""How declared users authenticate: what their credentials are, where they come from, and where a request holds them.

Names are resolved on first use: the engine's process needs no settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.signin._carrier import Carrier, carrier_of
    from seatrial.signin._means import Means, Token, obtain, renew
    from seatrial.signin._people import FIXED, People, Person, in_turns

_HOMES = {
    "FIXED": "_people",
    "Carrier": "_carrier",
    "Means": "_means",
    "People": "_people",
    "Person": "_people",
    "Token": "_means",
    "carrier_of": "_carrier",
    "in_turns": "_people",
    "obtain": "_means",
    "renew": "_means",
}

__all__ = [
    "FIXED",
    "Carrier",
    "Means",
    "People",
    "Person",
    "Token",
    "carrier_of",
    "in_turns",
    "obtain",
    "renew",
]
__getattr__ = resolver(__name__, _HOMES)
