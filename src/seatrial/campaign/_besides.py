"""What a project declares beside its document, for the contract's checks of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from seatrial.config import Settings

if TYPE_CHECKING:
    from seatrial.fuzz import Besides


def besides_of(settings: Settings, *, redact: Callable[[str], str] = str) -> Besides:
    """Return what checks of ours go by; `redact` takes the secrets of a run out of a text."""
    from seatrial.fuzz import Besides  # noqa: PLC0415 - needed by the contract only

    return Besides(errors=settings.errors, tracing=settings.tracing, tenants=has_tenants(settings), redact=redact)


def has_tenants(settings: Settings) -> bool:
    """Return whether users are those of organisations: their tokens say so, or those that are declared are of two."""
    if settings.auth is None:
        return False
    declared = {each.organisation for each in settings.identities if each.auth != "none"}
    named = any("{organisation}" in claim for claim in settings.auth.claims.values())
    return named or (not settings.auth.mints and len(declared) > 1)
