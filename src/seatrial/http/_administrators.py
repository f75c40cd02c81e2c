"""Who may administer: a user with the declared claims, at a declared address."""

from __future__ import annotations

from dataclasses import replace

from seatrial.config import SecuritySettings, Settings
from seatrial.core import Identity
from seatrial.http._addresses import loopback_networks
from seatrial.http._identities import IdentityPool

NOT_FROM_HERE = "[security] admin_from has no address of 127.0.0.0/8, and no other can be sent from here"


def administrator_of(settings: Settings, pool: IdentityPool) -> Identity | None:
    """Return an administrator at an address that is let in; None where nobody can be one from here."""
    security = settings.security
    if security is None or shut_out(security, pool):
        return None
    administrator = pool.claiming(pool.lease(1)[0], **security.admin_claims)
    return replace(administrator, address=str(loopback_networks(security.admin_from)[0][0]))


def shut_out(security: SecuritySettings, pool: IdentityPool) -> str:
    """Return why nobody can be an administrator from here, empty where somebody can."""
    return pool.unminted or pool.alike or ("" if loopback_networks(security.admin_from) else NOT_FROM_HERE)
