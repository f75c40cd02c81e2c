"""Who a request is sent as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.core.marks import BEARER, before

ALIKE = "every client of this stack has the same address"
"""Why what goes by a client's address cannot be tried."""

ADDRESS_HEADERS = (
    "X-Forwarded-For",
    "X-Real-IP",
    "True-Client-IP",
    "X-Client-IP",
    "Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Cluster-Client-IP",
    "X-Originating-IP",
    "X-Remote-Addr",
    "X_FORWARDED_FOR",
)
"""Headers by which a client claims an address that is not its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user of an organisation, seen from one source address.

    `headers` authenticate the request (empty when anonymous) and are secret, as are the parameters of `query`;
    `address` is the source address to bind, empty for the system's choice. `reported` is the address that a proxy at
    `address` says it has, empty for one that comes itself.
    """

    name: str
    user: str = ""
    organisation: str = ""
    address: str = ""
    reported: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secret(self) -> str:
        """Return what authenticates it by itself: without the scheme or the name of the cookie before it."""
        held = [value.removeprefix(before(name, value)) for name, value in self.headers.items()]
        return next(iter([*held, *self.query.values()]), "").removeprefix(BEARER)


class Identities(Protocol):
    """Where instruments get identities from."""

    def lease(self, count: int, *, organisation: str = "", fresh: bool = True) -> Sequence[Identity]:
        """Return `count` identities of one organisation (a random one when empty); `fresh` ones were never used."""

    def again(self, identity: Identity) -> Identity:
        """Return the same user with another valid token; the identity itself where there are no tokens."""

    def forged(self, identity: Identity) -> Identity:
        """Return a stranger with a token that names a user and that nobody signed; as above without tokens."""

    def lease_anonymous(self, count: int) -> Sequence[Identity]:
        """Return up to `count` unauthenticated identities, each with a source address of its own.

        Fewer come back where the stack cannot tell that many clients apart.
        """
