"""Users that exist for one run only: minted on demand, in a namespace that no other run shares."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

import jwt

from seatrial.config import AuthSettings, IdentitySettings
from seatrial.core import Identity, UsageError
from seatrial.http._addresses import AddressPool
from seatrial.http._keys import SigningKey


class IdentityPool:
    """Mint identities; implements `seatrial.core.Identities`. Without `auth` they are users without a token.

    Pools of one run that differ in `worker` never mint the same user; who is declared in `named` is the same in all.
    """

    def __init__(  # noqa: PLR0913 - by keyword, each is needed once
        self,
        auth: AuthSettings | None,
        *,
        key: SigningKey,
        run: str,
        seed: int,
        addresses: AddressPool,
        named: Sequence[IdentitySettings] = (),
        worker: str = "",
    ) -> None:
        self.auth = auth
        self.key = key
        self._addresses = addresses
        self._shared = _namespace(run, seed)
        self._namespace = _namespace(f"{run}-{worker}" if worker else run, seed)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._minted: dict[str, list[Identity]] = {}
        self._declared = {identity.name: identity for identity in named}
        self._named: dict[str, Identity] = {}

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

    @property
    def alike(self) -> str:
        """Return why clients are not told apart by their address; empty where they are."""
        return self._addresses.alike

    def forgo_addresses(self, why: str) -> None:
        """Lease no address any more, because the stack does not tell clients apart."""
        self._addresses.alike = why

    def again(self, identity: Identity) -> Identity:
        """Return the same user with another valid token."""
        return self._with_token(identity, self.sign({**self._claims_of(identity), "jti": uuid.uuid4().hex}))

    def forged(self, identity: Identity) -> Identity:
        """Return a stranger with a token of a user that is signed by nobody (RFC 7519, 6)."""
        stranger = replace(identity, name=f"{identity.name} (forged)")
        return self._with_token(stranger, jwt.encode(self._claims_of(identity), "", algorithm="none"))

    def claiming(self, identity: Identity, **further: object) -> Identity:
        """Return the same user with a token that has further claims."""
        return self._with_token(identity, self.sign({**self._claims_of(identity), **further}))

    def _claims_of(self, identity: Identity) -> dict[str, object]:
        return self.claims(identity.user, identity.organisation)

    def _with_token(self, identity: Identity, token: str) -> Identity:
        return replace(identity, headers={"Authorization": f"Bearer {token}"}) if self.auth else identity

    def named(self, name: str) -> Identity:
        """Return a user of `[[identities]]`, the same throughout a run; raises UsageError for no such one."""
        if name not in self._declared:
            raise UsageError(
                f"no identity is called {name!r}",
                slug="identity-unknown",
                where="[[identities]] in seatrial.toml",
                remedy=f"declare it, or name one of: {', '.join(sorted(self._declared)) or '(none is declared)'}",
            )
        with self._lock:
            if name not in self._named:
                self._named[name] = self._appoint(self._declared[name])
            return self._named[name]

    def _appoint(self, declared: IdentitySettings) -> Identity:
        organisation = f"{declared.organisation}-{self._shared}"
        if declared.auth == "none":
            address = next(iter(self._addresses.lease(1)), "")
            return Identity(name=declared.name, organisation=organisation, address=address)
        return self._mint(organisation, user=f"{declared.name}-{self._shared}", name=declared.name)

    def _name(self, kind: str) -> str:
        return f"{kind}-{self._namespace}-{next(self._numbers)}"

    def _mint(self, organisation: str, *, user: str = "", name: str = "") -> Identity:
        user = user or self._name("user")
        headers = {"Authorization": f"Bearer {self.sign(self.claims(user, organisation))}"} if self.auth else {}
        return Identity(name=name or user, user=user, organisation=organisation, headers=headers)

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


def _namespace(run: str, seed: int) -> str:
    return hashlib.sha256(f"{run}:{seed}".encode()).hexdigest()[:8]
