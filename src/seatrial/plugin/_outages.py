"""What an outage shows, once for all checks that look at it, as it takes long: a dependency's hang, a worker's end."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from seatrial.config import HealthSettings, JobSettings, Settings
from seatrial.core import Identity
from seatrial.disrupt import Outage, Survivor, Unusable, Users, Watch, kill_in_the_middle
from seatrial.http import IdentityPool, administrator_of
from seatrial.plugin._outcomes import inconclusive, not_applicable
from seatrial.stack import Stack

OUTAGES = pytest.StashKey[dict[str, Outage]]()
SURVIVOR = pytest.StashKey[Survivor]()


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
        users = Users(
            lambda: client_as(pool.lease(1)[0] if settings.auth else None),
            settings,
            credentials,
            administrator=client_as(administrator) if (administrator := administrator_of(settings, pool)) else None,
        )
        stash[OUTAGES] = Watch(stack=stack, client=client_as(None), users=users, health=health).outages()
    return stash[OUTAGES]


@pytest.fixture
def survivor(  # noqa: PLR0913, PLR0917 - pytest hands fixtures over by name
    request: pytest.FixtureRequest,
    stack: Stack,
    client_as: Callable[[Identity | None], httpx.Client],
    settings: Settings,
    jobs: JobSettings,
    profile: str,
) -> Survivor:
    """Return what became of a job whose worker was killed in the middle; the first that asks for it waits."""
    lost_after_s = next((seconds for name, seconds in jobs.lost_after_s.items() if name == profile), None)
    if not jobs.worker or not jobs.stalled_by or lost_after_s is None:
        not_applicable(f"[jobs] worker, stalled_by and lost_after_s for the profile {profile} are not declared")
    if SURVIVOR not in request.config.stash:
        pool: IdentityPool = request.getfixturevalue("identities")
        owner = pool.lease(1)[0] if settings.auth else None
        try:
            survived = kill_in_the_middle(stack, jobs, owner, client_as(owner), lost_after_s=lost_after_s)
        except Unusable as problem:
            inconclusive(str(problem))
        request.config.stash[SURVIVOR] = survived
    return request.config.stash[SURVIVOR]
