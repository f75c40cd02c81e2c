"""Where a secret comes from: it is known, a command prints it, or a login request gets it; and how it is renewed."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from seatrial.core import EnvironmentFailure
from seatrial.core.fence import SIGN_IN, leaving, patience
from seatrial.core.tls import trusted

if TYPE_CHECKING:
    import httpx

COMMAND_S, LOGIN_S = 60.0, 30.0
"""How long may be waited for a token."""

LARGEST = 1 << 20
"""How many bytes of the answer to a login are read."""

MARGIN = 0.1
"""Which part of its life is left when a token is renewed, at most `MARGIN_S`."""

MARGIN_S = 30.0


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A request that gets a token, filled in for one user, and the one that renews it (none: it signs in again)."""

    url: str
    body: dict[str, str]
    form: bool
    token_field: str
    expires_field: str
    refresh_url: str
    refresh_body: dict[str, str]
    refresh_field: str


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """Where a user's secret comes from: one of the three; `source` is how messages call it."""

    who: str
    source: str
    known: str = ""
    command: list[str] = []
    folder: str = ""
    login: Login | None = None

    @property
    def renewable(self) -> bool:
        """Return whether a secret that is no good any more can be replaced."""
        return bool(self.command or self.login)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A secret, what renews it, and when (seconds of the epoch) it has to be renewed and ends, where that is known."""

    value: str
    refresh: str = ""
    renew_at: float | None = None
    ends_at: float | None = None


def obtain(means: Means) -> Token:
    """Return a user's secret; raises EnvironmentFailure where there is none to be had."""
    if means.login:
        return _ask(means, means.login, means.login.url, means.login.body)
    if means.command:
        return _living(_printed(means))
    return _living(means.known)


def renew(means: Means, token: Token) -> Token:
    """Return a new secret in place of one that ends; raises EnvironmentFailure where there is none to be had.

    Who was signed out meanwhile, as a documented request may do, is refused: he signs in again.
    """
    login = means.login
    if login and login.refresh_url and token.refresh:
        body = {name: text.replace("{refresh_token}", token.refresh) for name, text in login.refresh_body.items()}
        try:
            return _ask(means, login, login.refresh_url, body, before=token.refresh)
        except EnvironmentFailure as error:
            if error.slug != "auth-login-refused":
                raise
    return obtain(means)


def _printed(means: Means) -> str:
    """Return what a command prints; what it says besides is not shown, since it may hold what nobody shall read."""
    try:
        done = subprocess.run(
            means.command, cwd=means.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_S, check=False,
        )  # fmt: skip
    except OSError as error:
        raise _no_command(means, f"cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise _no_command(means, f"did not end within {COMMAND_S:g} s") from error
    if done.returncode:
        raise _no_command(means, f"ended with {done.returncode}")
    if len(done.stdout.split()) != 1:
        raise _no_command(means, "printed something else than one word" if done.stdout.strip() else "printed nothing")
    return done.stdout.strip()


def _no_command(means: Means, what: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"the command that prints the token of {means.who!r} {what}",
        slug="auth-command-failed",
        where=means.source,
        remedy=f"run it in {means.folder}: it has to print the token, and nothing else, on standard output",
    )


def _ask(means: Means, login: Login, url: str, body: Mapping[str, str], before: str = "") -> Token:
    """Send a login or a renewal, and return the token of its answer."""
    import httpx  # noqa: PLC0415 - the engine's process needs it only where a token ends

    content: dict[str, Any] = {"data": body} if login.form else {"json": body}
    began = time.time()
    try:
        with (
            leaving(SIGN_IN, url),
            httpx.Client(timeout=patience(LOGIN_S), verify=trusted(), trust_env=False) as client,
            client.stream("POST", url, **content) as answer,
        ):
            found = _object(_beginning(answer, began + LOGIN_S))
    except httpx.HTTPError as error:
        raise _no_login(means, f"got no answer: {type(error).__name__}", "auth-login-unanswered", url) from error
    if not answer.is_success:
        raise _no_login(means, f"was answered with {answer.status_code}", "auth-login-refused", url)
    value = found.get(login.token_field)
    if not isinstance(value, str) or not value:
        raise _no_login(means, f"was answered without {login.token_field!r}", "auth-login-without-token", url)
    life_s, refresh = found.get(login.expires_field), found.get(login.refresh_field)
    ends_at = began + life_s if isinstance(life_s, (int, float)) and life_s > 0 else None
    return _living(value, refresh=refresh if isinstance(refresh, str) else before, ends_at=ends_at)


def _beginning(answer: httpx.Response, until: float) -> bytes:
    """Return as much of an answer as a token may take: a longer one is no JSON as it is cut."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > LARGEST or time.time() > until:
            break
    return bytes(body[:LARGEST])


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _no_login(means: Means, what: str, slug: str, url: str) -> EnvironmentFailure:
    """Return what is wrong; the answer is not shown, since it may repeat what was sent."""
    return EnvironmentFailure(
        f"the login of {means.who!r} {what}",
        slug=slug,
        where=f"POST {url}",
        remedy=f"see that {means.source} is what the service expects, and that the user's credentials are",
    )


def _living(value: str, *, refresh: str = "", ends_at: float | None = None) -> Token:
    """Return a token with what is known of its end, which a JSON Web Token says itself."""
    ends_at = _end_of(value) if ends_at is None else ends_at
    left = None if ends_at is None else ends_at - time.time()
    renew_at = None if ends_at is None or left is None else ends_at - min(MARGIN_S, MARGIN * max(left, 0.0))
    return Token(value=value, refresh=refresh, renew_at=renew_at, ends_at=ends_at)


def _end_of(value: str) -> float | None:
    """Return the claim `exp` of a JSON Web Token, which nobody verifies here; None of what is no such token."""
    parts = value.split(".")
    if len(parts) != len(("header", "claims", "signature")):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    end = claims.get("exp") if isinstance(claims, dict) else None
    return float(end) if isinstance(end, (int, float)) and not isinstance(end, bool) else None
