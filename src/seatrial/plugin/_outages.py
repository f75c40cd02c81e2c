"""What a dependency's hang shows, for every check that looks at one."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from seatrial.config import HealthSettings, Settings
from seatrial.core import Identity
from seatrial.disrupt import Outage, Users, Watch
from seatrial.http import IdentityPool
from seatrial.plugin._outcomes import not_applicable
from seatrial.stack import Stack

OUTAGES = pytest.StashKey[dict[str, Outage]]()


@pytest.fixture
def outages(
    request: pytest.FixtureRequest,
    stack: Stack,
    client_as: Callable[[Identity | None], httpx.Client],
    settings: Settings,
    health: HealthSettings,
) -> dict[str, Outage]:
    """Return what was seen of each declared dependency as it hung; the first that asks for it waits."""
    if not health.dependencies:
        not_applicable("[health] dependencies is not declared")
    stash = request.config.stash
    if OUTAGES not in stash:
        known = settings.tokens and request.getfixturevalue("entered").variables
        credentials = request.getfixturevalue("credentials") if known else None
        pool: IdentityPool = request.getfixturevalue("identities")
        users = Users(client_as(pool.lease(1)[0] if settings.auth else None), settings, credentials)
        stash[OUTAGES] = Watch(stack=stack, client=client_as(None), users=users, health=health).outages()
    return stash[OUTAGES]
