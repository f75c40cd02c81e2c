"""The users that are declared, where no others can be made: each with credentials of its own."""

from __future__ import annotations

import base64
import copy
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Self

import msgspec

from seatrial.config import AuthSettings, IdentitySettings, Settings
from seatrial.core import Identity, UsageError
from seatrial.signin._carrier import Carrier, carrier_of
from seatrial.signin._means import Login, Means, Token, obtain, renew

FIXED = "no user can be made: [auth] kind = {kind!r} knows those alone that are declared"
ALONE = "user"
"""What the user is called whose credentials stand in `[auth]`."""

PLACE = re.compile(r"{(user|password|name|organisation)}")
Register = Callable[[str, str], None]
"""Keeps a value out of the record, under a name."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A declared user; without `means` it has no credentials."""

    name: str
    organisation: str
    means: Means | None = None


class People:
    """Get the credentials of declared users when they are first asked for, and renew them before they end.

    A login is a request to the service: what it gets counts at that URL alone. Every secret is registered before it is
    handed out.
    """

    def __init__(
        self, settings: Settings, register: Register, *, environment: Mapping[str, str] = os.environ, url: str = ""
    ) -> None:
        assert settings.auth  # noqa: S101 - without it there is nothing to declare
        self.kind = settings.auth.kind
        self.carrier: Carrier = carrier_of(settings.auth)
        self._auth = settings.auth
        self._declared = settings.identities
        self._root = settings.root
        self._register = register
        self._environment = environment
        self._url = url.rstrip("/")
        self._people: dict[str, list[Person]] = {}
        self._tokens: dict[tuple[str, str], Token] = {}
        self._lock = threading.RLock()

    @property
    def fixed(self) -> str:
        """Return why there are no users but these."""
        return FIXED.format(kind=self.kind)

    def at(self, url: str) -> Self:
        """Return the same users at a service."""
        there = copy.copy(self)
        there._url = url.rstrip("/")  # noqa: SLF001 - a copy of its own
        return there

    @property
    def declared(self) -> list[Person]:
        """Return who is declared; raises UsageError for a variable that is not set."""
        with self._lock:
            if self._url not in self._people:
                named = [self._person(each) for each in self._declared]
                alone = not any(person.means for person in named)
                self._people[self._url] = [*([self._alone()] if alone else []), *named]
            return self._people[self._url]

    def _alone(self) -> Person:
        return Person(name=ALONE, organisation="", means=self._means(self._auth, ALONE, ""))

    def _person(self, declared: IdentitySettings) -> Person:
        named = declared.auth != "none"
        means = self._means(declared, declared.name, declared.organisation) if named else None
        return Person(name=declared.name, organisation=declared.organisation, means=means)

    def _means(self, somebody: AuthSettings | IdentitySettings, name: str, organisation: str) -> Means:
        auth, folder = self._auth, str(self._root)
        password = self._variable(somebody.password_variable, name)
        values = {"user": somebody.user, "password": password, "name": name, "organisation": organisation}
        if auth.kind == "basic":
            pair = base64.b64encode(f"{somebody.user}:{password}".encode()).decode()
            return Means(who=name, source=f"${somebody.password_variable}", known=pair)
        if auth.login:
            return Means(who=name, source="[auth.login]", login=self._login(values))
        if auth.command:
            command = [_filled(word, values) for word in auth.command]
            return Means(who=name, source="[auth] command", command=command, folder=folder)
        known = self._variable(somebody.variable, name)
        return Means(who=name, source=f"${somebody.variable}", known=known)

    def _login(self, values: Mapping[str, str]) -> Login:
        login = self._auth.login
        assert login  # noqa: S101 - asked before
        return Login(
            url=self._absolute(login.url),
            body={field: _filled(text, values) for field, text in login.body.items()},
            form=login.form,
            token_field=login.token_field,
            expires_field=login.expires_field,
            refresh_url=self._absolute(login.refresh_url) if login.refresh_url else "",
            refresh_body={field: _filled(text, values) for field, text in login.refresh_body.items()},
            refresh_field=login.refresh_field,
        )

    def _absolute(self, url: str) -> str:
        """Return a URL; a path is one of the service, which may have a path itself."""
        return url if "://" in url else f"{self._url}{url}"

    def _variable(self, variable: str, who: str) -> str:
        """Return the value of an environment variable, which is a secret from now on."""
        if not variable:
            return ""
        value = self._environment.get(variable, "").strip()
        if not value:
            raise UsageError(
                f"the environment variable {variable} is not set: it holds the credentials of {who!r}",
                slug="auth-variable-unset",
                where="[auth] and [[identities]] in seatrial.toml",
                remedy=f"set it: export {variable}=...",
            )
        self._register(who, value)
        return value

    def identities(self) -> list[Identity]:
        """Return everybody, with credentials that are good now; raises UsageError or EnvironmentFailure."""
        with self._lock:
            return [self._identity(person) for person in self.declared]

    def _identity(self, person: Person) -> Identity:
        bare = Identity(name=person.name, user=person.name, organisation=person.organisation)
        if person.means is None:
            return bare
        secret = self._token(person.means).value
        return replace(bare, headers=self.carrier.headers(secret), query=self.carrier.query(secret))

    def _token(self, means: Means) -> Token:
        key = (means.who, self._url if means.login else "")
        token = self._tokens.get(key)
        if token is None:
            token = self._tokens[key] = self._keep(means, obtain(means))
        elif means.renewable and token.renew_at is not None and token.renew_at <= time.time():
            token = self._tokens[key] = self._keep(means, renew(means, token))
        return token

    def _keep(self, means: Means, token: Token) -> Token:
        for secret in filter(None, (token.value, token.refresh)):
            self._register(means.who, secret)
        if token.ends_at is not None and token.ends_at <= time.time() and not means.renewable:
            raise UsageError(
                f"the token of {means.who!r} has expired",
                slug="auth-token-expired",
                where=means.source,
                remedy="set a new one, or let it be got by [auth] command or [auth.login], which renew it",
            )
        return token

    def tokens(self) -> dict[str, tuple[Means, Token]]:
        """Return how everybody's secret is renewed, by their names."""
        with self._lock:
            named = [person.means for person in self.declared if person.means]
            return {means.who: (means, self._token(means)) for means in named}

    def learn(self, who: str, token: Token) -> None:
        """Take in what somebody's secret was replaced by elsewhere."""
        with self._lock:
            for means in [person.means for person in self.declared if person.means and person.name == who]:
                self._tokens[who, self._url if means.login else ""] = self._keep(means, token)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda match: values[match[1]], text)


def in_turns(identities: Sequence[Identity]) -> list[Identity]:
    """Return who has credentials, the first of each organisation before the second of any."""
    rank: dict[str, int] = {}
    ranked = []
    for number, identity in enumerate(identities):
        if identity.headers or identity.query:
            rank[identity.organisation] = place = rank.get(identity.organisation, -1) + 1
            ranked.append((place, number, identity))
    return [identity for _, _, identity in sorted(ranked, key=lambda each: each[:2])]
