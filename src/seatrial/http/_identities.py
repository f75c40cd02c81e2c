"""Users that exist for one run only: minted on demand, in a namespace that no other run shares."""

from __future__ import annotations

import copy
import hashlib
import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import jwt

from seatrial.config import AuthSettings, IdentitySettings
from seatrial.core import Identity, UsageError
from seatrial.http._addresses import AddressPool
from seatrial.http._keys import SigningKey
from seatrial.signin import People, in_turns


class IdentityPool:
    """Mint identities; implements `seatrial.core.Identities`. Without `auth` they are users without a token.

    Pools of one run that differ in `worker` never mint the same user; who is declared in `named` is the same in all.
    Where there are `people`, no others can be made: they are handed out in turns, again and again.
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
        people: People | None = None,
    ) -> None:
        self.auth = auth
        self.people = people
        self._turns = itertools.count()
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
        if self.people:
            return self._take_turns(self.people, count, organisation)
        with self._lock:
            known = [] if fresh else self._minted.get(organisation, [])[:count]
            organisation = organisation or self._name("org")
            minted = [self._mint(organisation) for _ in range(count - len(known))]
            self._minted.setdefault(organisation, []).extend(minted)
        return [*known, *minted]

    def _take_turns(self, people: People, count: int, organisation: str) -> Sequence[Identity]:
        """Return declared users of one organisation; of which one, comes by turns."""
        everybody = in_turns(people.identities())
        of = [identity for identity in everybody if organisation in {"", identity.organisation}]
        first = of[next(self._turns) % len(of)] if of else None
        alike = [identity for identity in of if first and identity.organisation == first.organisation]
        if first is None or len(alike) < count:
            raise UsageError(
                f"{count} users of one organisation are wanted, and {len(alike)} are declared",
                slug="identities-few",
                where="[[identities]] in seatrial.toml",
                remedy="declare more of them, each with credentials of its own",
            )
        start = alike.index(first)
        return [*alike[start:], *alike[:start]][:count]

    def at(self, url: str) -> Self:
        """Return the same users as they are known to a service: where they sign in, they do so there."""
        there = copy.copy(self)
        there.people = self.people.at(url) if self.people else None
        return there

    def visit(self, url: str) -> None:
        """Let whom is leased from now on be known to a service."""
        self.people = self.people.at(url) if self.people else None

    @property
    def unminted(self) -> str:
        """Return why no users can be made besides those that are declared; empty where they can."""
        return self.people.fixed if self.people else ""

    @property
    def in_query(self) -> bool:
        """Return whether a request has its sender's key in the query, and in no header."""
        return bool(self.people and self.people.carrier.place == "query")

    def greet(self) -> None:
        """See that everybody who is declared has credentials; raises UsageError or EnvironmentFailure."""
        if self.people:
            self.people.identities()

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
        """Return the same user with another valid token, or as it is where none can be minted."""
        return self._with_token(identity, self.sign({**self._claims_of(identity), "jti": uuid.uuid4().hex}))

    def forged(self, identity: Identity) -> Identity:
        """Return a stranger with a token of a user that is signed by nobody (RFC 7519, 6)."""
        stranger = replace(identity, name=f"{identity.name} (forged)", headers={}, query={})
        return self._with_token(stranger, jwt.encode(self._claims_of(identity), "", algorithm="none"))

    def claiming(self, identity: Identity, **further: object) -> Identity:
        """Return the same user with a token that has further claims."""
        return self._with_token(identity, self.sign({**self._claims_of(identity), **further}))

    def _claims_of(self, identity: Identity) -> dict[str, object]:
        return self.claims(identity.user, identity.organisation)

    def _with_token(self, identity: Identity, token: str) -> Identity:
        return replace(identity, headers={"Authorization": f"Bearer {token}"}) if self._mints else identity

    @property
    def _mints(self) -> bool:
        return bool(self.auth and self.auth.mints)

    def named(self, name: str) -> Identity:
        """Return a user of `[[identities]]`, the same throughout a run; raises UsageError for no such one."""
        known = self._declared.keys() | ({person.name for person in self.people.declared} if self.people else set())
        if name not in known:
            raise UsageError(
                f"no identity is called {name!r}",
                slug="identity-unknown",
                where="[[identities]] in seatrial.toml",
                remedy=f"declare it, or name one of: {', '.join(sorted(known)) or '(none is declared)'}",
            )
        if self.people:  # whose credentials may have been renewed
            return next(each for each in self.people.identities() if each.name == name)
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
        headers = {"Authorization": f"Bearer {self.sign(self.claims(user, organisation))}"} if self._mints else {}
        return Identity(name=name or user, user=user, organisation=organisation, headers=headers)

    def claims(self, user: str, organisation: str) -> dict[str, object]:
        """Return the claims of a valid token of a user, as `[auth]` describes them."""
        if self.auth is None or not self.auth.mints:
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
