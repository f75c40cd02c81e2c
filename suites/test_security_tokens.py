"""Tokens that the service hands out itself: to the right ones, and each refresh token once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from seatrial.config import AuthSettings, TokenSettings
from seatrial.core import Identity
from seatrial.plugin import check, not_applicable

REFUSED = {400, 401, 403}
"""RFC 6749, 5.2, answers 400 or 401."""


@pytest.fixture
def refresh_path(tokens: TokenSettings) -> str:
    """Return where refresh tokens are used."""
    if tokens.refresh_path is None:
        not_applicable("[tokens] refresh_path is not declared")
    return tokens.refresh_path


def sign_in(client: httpx.Client, tokens: TokenSettings, credentials: dict[str, str]) -> dict[str, Any]:
    """Return what a right sign-in is answered with."""
    answer = client.post(tokens.path, json=credentials)
    assert answer.is_success, f"POST {tokens.path} with the right credentials answers {answer.status_code}"
    body: dict[str, Any] = answer.json()
    return body


def bearer(token: str) -> dict[str, str]:
    """Return the headers of whoever has a token."""
    return {"Authorization": f"Bearer {token}"}


@check(
    "security.token-issued",
    title="who signs in gets a token that works",
    severity="high",
    presupposes=("security.valid-accepted",),
)
def test_token_issued(
    client: httpx.Client,
    client_as: Callable[[Identity | None], httpx.Client],
    tokens: TokenSettings,
    credentials: dict[str, str],
    auth: AuthSettings,
) -> None:
    """The right credentials are answered with an access token, and that opens what needs one."""
    if auth.protected is None:
        not_applicable("[auth] protected is not declared")
    issued = sign_in(client, tokens, credentials)
    # As somebody, for the record: a good token that is nobody's counts as broken credentials that were let in.
    somebody = client_as(Identity(name="client", headers=bearer(issued[tokens.access_field])))
    status = somebody.get(auth.protected).status_code
    assert status < 400, f"GET {auth.protected} with the issued token answers {status}"


@check(
    "security.credentials-checked",
    title="wrong credentials get no token",
    severity="critical",
    presupposes=("security.token-issued",),
    cwe=(287,),
    owasp=("API2:2023",),
)
def test_credentials_checked(client: httpx.Client, tokens: TokenSettings, credentials: dict[str, str]) -> None:
    """Credentials of which any one is wrong are refused: otherwise everybody is anybody."""
    for name, value in credentials.items():
        wrong = {**credentials, name: f"{value[:-1]}{'a' if value[-1:] != 'a' else 'b'}"}
        status = client.post(tokens.path, json=wrong).status_code
        assert status in REFUSED, f"POST {tokens.path} with a wrong {name} answers {status}"


@check(
    "security.token-refreshed",
    title="a refresh token brings new tokens",
    severity="medium",
    presupposes=("security.token-issued",),
)
def test_token_refreshed(
    client: httpx.Client, tokens: TokenSettings, credentials: dict[str, str], refresh_path: str
) -> None:
    """A refresh token is answered with an access token: otherwise clients keep their secret at hand."""
    issued = sign_in(client, tokens, credentials)
    answer = client.post(refresh_path, json={tokens.refresh_field: issued[tokens.refresh_field]})
    assert answer.is_success, f"POST {refresh_path} with a refresh token answers {answer.status_code}"
    assert answer.json().get(tokens.access_field), f"the answer of POST {refresh_path} has no {tokens.access_field}"


@check(
    "security.refresh-once",
    title="a refresh token works once",
    severity="high",
    presupposes=("security.token-refreshed",),
    cwe=(294,),
    owasp=("API2:2023",),
)
def test_refresh_once(
    client: httpx.Client, tokens: TokenSettings, credentials: dict[str, str], refresh_path: str
) -> None:
    """A refresh token that was used is refused: a stolen copy would work as long as its owner's (RFC 9700, 4.14)."""
    used = {tokens.refresh_field: sign_in(client, tokens, credentials)[tokens.refresh_field]}
    client.post(refresh_path, json=used)
    status = client.post(refresh_path, json=used).status_code
    assert status in REFUSED, f"POST {refresh_path} with a refresh token that was used answers {status}"


@check(
    "security.refresh-no-access",
    title="a refresh token opens nothing else",
    severity="high",
    presupposes=("security.token-issued",),
    cwe=(287,),
)
def test_refresh_no_access(
    client: httpx.Client,
    tokens: TokenSettings,
    credentials: dict[str, str],
    auth: AuthSettings,
    refresh_path: str,
) -> None:
    """A refresh token is no access token: it lives much longer (RFC 8725, 3.12)."""
    del refresh_path
    if auth.protected is None:
        not_applicable("[auth] protected is not declared")
    refresh = bearer(sign_in(client, tokens, credentials)[tokens.refresh_field])
    status = client.get(auth.protected, headers=refresh).status_code
    assert status in {401, 403}, f"GET {auth.protected} with a refresh token answers {status}"
