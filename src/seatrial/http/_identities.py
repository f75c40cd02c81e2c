"""Users that exist for one run only: minted on demand, in a namespace that no other run shares."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Mapping, Sequence

import jwt

from seatrial.config import AuthSettings
from seatrial.core import Identity
from seatrial.http._addresses import AddressPool
from seatrial.http._keys import SigningKey


class IdentityPool:
    """Mint identities; implements `seatrial.core.Identities`. Without `auth` they are users without a token."""

    def __init__(
        self, auth: AuthSettings | None, *, key: SigningKey, run: str, seed: int, addresses: AddressPool
    ) -> None:
        self.auth = auth
        self.key = key
        self._addresses = addresses
        self._namespace = hashlib.sha256(f"{run}:{seed}".encode()).hexdigest()[:8]
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._minted: dict[str, list[Identity]] = {}

    def lease(self, count: int, *, organisation: str = "", fresh: bool = True) -> Sequence[Identity]:
        """Return `count` users of one organisation, never used before unless `fresh` is false."""
        with self._lock:
            known = [] if fresh else self._minted.get(organisation, [])[:count]
            organisation = organisation or self._name("org")
            minted = [self._mint(organisation) for _ in range(count - len(known))]
            self._minted.setdefault(organisation, []).extend(minted)
        return [*known, *minted]

    def lease_anonymous(self, count: int) -> Sequence[Identity]:
        """Return up to `count` clients without a token, each with an address of its own; none where that cannot be."""
        with self._lock:
            addresses = self._addresses.lease(count)
        return [Identity(name=f"anonymous@{address}", address=address) for address in addresses]

    def _name(self, kind: str) -> str:
        return f"{kind}-{self._namespace}-{next(self._numbers)}"

    def _mint(self, organisation: str) -> Identity:
        user = self._name("user")
        headers = {"Authorization": f"Bearer {self.sign(self.claims(user, organisation))}"} if self.auth else {}
        return Identity(name=user, user=user, organisation=organisation, headers=headers)

    def claims(self, user: str, organisation: str) -> dict[str, object]:
        """Return the claims of a valid token of a user, as `[auth]` describes them."""
        if self.auth is None:
            return {}
        now = int(time.time())
        claims: dict[str, object] = {
            name: value.format(user=user, organisation=organisation) for name, value in self.auth.claims.items()
        }
        claims |= {"iat": now, "nbf": now, "exp": now + int(self.auth.lifetime_s)}
        claims |= {"iss": self.auth.issuer} if self.auth.issuer else {}
        return claims | ({"aud": self.auth.audience} if self.auth.audience else {})

    def sign(self, claims: Mapping[str, object], *, key: SigningKey | None = None) -> str:
        """Return a token with these claims, signed by RS256."""
        return jwt.encode(dict(claims), (key or self.key).private, algorithm="RS256")
