"""What a project's settings know of its service that nobody can make up: credentials, who may what, good bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from seatrial.campaign._variables import filled_in
from seatrial.config import Settings, TokenSettings
from seatrial.core import Identity
from seatrial.http import IdentityPool, administrator_of, shut_out

if TYPE_CHECKING:
    from seatrial.fuzz import Directions, Known

NO_CREDENTIALS = "this run did not start the stack, and does not know the credentials"


def directions_of(settings: Settings, identities: IdentityPool, variables: Mapping[str, str] | None) -> Directions:
    """Return what may be sent besides what is generated, and why some operations can be served to nobody from here.

    `variables` are those that the stack was started with, None where somebody else did.
    """
    from seatrial.fuzz import Directions  # noqa: PLC0415 - needed by the contract only

    security = settings.security
    sizes = {"body_bytes": security.body_bytes} if security and security.body_bytes else {}
    known = (*_administration(settings, identities), *_signing_in(settings, identities, variables))
    users = tuple(_asks(settings, identities))
    return Directions(known=known + users, beyond=dict(_beyond(settings, identities, variables)), **sizes)


def _beyond(
    settings: Settings, identities: IdentityPool, variables: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    tokens, security = settings.tokens, settings.security
    if tokens and variables is None:
        yield f"POST {tokens.path}", NO_CREDENTIALS
        yield f"POST {tokens.refresh_path}", NO_CREDENTIALS
    if security and security.admin_path and (why := shut_out(security, identities)):
        yield f"GET {security.admin_path}", why


def _administration(settings: Settings, identities: IdentityPool) -> Iterator[Known]:
    from seatrial.fuzz import Known  # noqa: PLC0415 - as above

    administrator = administrator_of(settings, identities)
    if settings.security and settings.security.admin_path and administrator:
        yield Known(method="GET", path=settings.security.admin_path, identity=administrator)


def _signing_in(settings: Settings, identities: IdentityPool, variables: Mapping[str, str] | None) -> Iterator[Known]:
    from seatrial.fuzz import Known  # noqa: PLC0415 - as above

    tokens = settings.tokens
    if tokens is None or variables is None:
        return
    nobody = next(iter(identities.lease_anonymous(1)), Identity(name=""))
    body = {name: filled_in(text, variables) for name, text in tokens.credentials.items()}
    yield Known(
        method="POST",
        path=tokens.path,
        body=body,
        identity=nobody,
        then=lambda answer: _renewal(tokens, answer, nobody),
    )


def _renewal(tokens: TokenSettings, answer: Any, who: Identity) -> Known | None:
    """Return the request that follows a sign-in, if its answer holds what that takes."""
    from seatrial.fuzz import Known  # noqa: PLC0415 - as above

    token = answer.get(tokens.refresh_field) if isinstance(answer, dict) else None
    if not tokens.refresh_path or not token:
        return None
    return Known(method="POST", path=tokens.refresh_path, body={tokens.refresh_field: token}, identity=who)


def _asks(settings: Settings, identities: IdentityPool) -> Iterator[Known]:
    """Yield what users do, as `[jobs]` and `[[health.asks]]` say."""
    from seatrial.fuzz import Known  # noqa: PLC0415 - as above

    (user,) = identities.lease(1)
    if settings.jobs:
        yield Known(method="POST", path=settings.jobs.submit, body=settings.jobs.body, identity=user)
    for ask in settings.health.asks if settings.health else ():
        yield Known(method=ask.method, path=ask.path, body=ask.body or None, identity=user)
