"""Tokens that must be refused, each for one reason only (RFC 7519, RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping

from seatrial.http._identities import IdentityPool
from seatrial.http._keys import SigningKey

Forgery = Callable[[IdentityPool, dict[str, object]], str]
HOUR_S = 3600


def bad_tokens(pool: IdentityPool, *, kinds: Iterable[str] = ()) -> dict[str, str]:
    """Return one token of each kind (all when none is named), of a user that nobody saw before."""
    wanted = tuple(kinds) or tuple(FORGERIES)
    return {kind: FORGERIES[kind](pool, _fresh_claims(pool)) for kind in wanted}


def _fresh_claims(pool: IdentityPool) -> dict[str, object]:
    (identity,) = pool.lease(1)
    return pool.claims(identity.user, identity.organisation)


def _part(data: Mapping[str, object]) -> str:
    return _base64url(json.dumps(data, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _expired(pool: IdentityPool, claims: dict[str, object]) -> str:
    past = int(time.time()) - HOUR_S
    return pool.sign({**claims, "iat": past - HOUR_S, "nbf": past - HOUR_S, "exp": past})


def _not_yet_valid(pool: IdentityPool, claims: dict[str, object]) -> str:
    future = int(time.time()) + HOUR_S
    return pool.sign({**claims, "nbf": future, "exp": future + HOUR_S})


def _wrong_key(pool: IdentityPool, claims: dict[str, object]) -> str:
    return pool.sign(claims, key=SigningKey.generate())


def _alg_none(pool: IdentityPool, claims: dict[str, object]) -> str:
    del pool
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _hs256_public_key(pool: IdentityPool, claims: dict[str, object]) -> str:
    text = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(pool.key.public_pem.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{_base64url(signature)}"


def _tampered(pool: IdentityPool, claims: dict[str, object]) -> str:
    header, _, signature = pool.sign(claims).split(".")
    return f"{header}.{_part({**claims, 'sub': 'somebody-else', 'admin': True})}.{signature}"


def _without_claims(pool: IdentityPool, claims: dict[str, object]) -> str:
    """Leave out everything that says whose token it is."""
    named = pool.auth.claims if pool.auth else {}
    return pool.sign({name: value for name, value in claims.items() if name not in named})


def _without_expiry(pool: IdentityPool, claims: dict[str, object]) -> str:
    return pool.sign({name: value for name, value in claims.items() if name != "exp"})


def _unsigned(pool: IdentityPool, claims: dict[str, object]) -> str:
    """Cut the signature off a good token, which still says RS256."""
    return pool.sign(claims).rpartition(".")[0] + "."


FORGERIES: Mapping[str, Forgery] = {
    "expired": _expired,
    "not-yet-valid": _not_yet_valid,
    "wrong-key": _wrong_key,
    "alg-none": _alg_none,
    "hs256-public-key": _hs256_public_key,
    "tampered": _tampered,
    "unsigned": _unsigned,
    "without-claims": _without_claims,
    "without-expiry": _without_expiry,
    "wrong-audience": lambda pool, claims: pool.sign({**claims, "aud": "another-service"}),
    "wrong-issuer": lambda pool, claims: pool.sign({**claims, "iss": "https://issuer.invalid"}),
    "garbage": lambda _pool, _claims: "not.a.token",
}
