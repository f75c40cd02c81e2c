"""What a run proves of the declared rate limits, known before anything starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from seatrial.config import Profile, Settings
from seatrial.core import ALIKE

if TYPE_CHECKING:
    from seatrial.throttle import Plan, Policy

UNBUDGETED_S: Mapping[Profile, float] = {"quick": 60.0, "full": 120.0}
"""What a proof may take where no budget is declared."""

UNBUDGETED_DEEP_S: Mapping[Profile, float] = {"quick": 240.0, "full": 480.0}


class Planned(NamedTuple):
    """A policy as it is in effect, and what of it can be proved."""

    policy: Policy
    plan: Plan

    @property
    def name(self) -> str:
        """Return what reports call the limit."""
        return self.policy.settings.name


def plan_limits(  # noqa: PLR0913 - by keyword, each is needed once
    settings: Settings,
    *,
    profile: Profile,
    environment: Mapping[str, str],
    addresses: int,
    alike: str = ALIKE,
    unsigned: str = "",
) -> list[Planned]:
    """Return every declared limit as the stack's variables turn it, and what can be proved in a profile's budget.

    `unsigned` says why nobody can be authenticated: then clients differ by their addresses alone. Raises UsageError
    for one that limits nothing.
    """
    from seatrial.throttle import plan_proof  # noqa: PLC0415 - needed where limits are proved only

    budget_s = settings.budget_s.get(profile, {}).get("ratelimit") or UNBUDGETED_S[profile]
    common: Common = {"addresses": addresses, "alike": alike, "profile": profile, "budget_s": budget_s}
    return [
        Planned(policy, plan_proof(policy, **_users(settings, policy, unsigned), **common))
        for policy in _policies(settings, environment)
    ]


def plan_deep_limits(  # noqa: PLR0913 - by keyword, each is needed once
    settings: Settings,
    *,
    profile: Profile,
    environment: Mapping[str, str],
    addresses: int,
    abilities: Collection[str],
    alike: str = ALIKE,
    unsigned: str = "",
) -> list[Planned]:
    """Return the same for the deep stage, which proves one limit after the other."""
    from seatrial.throttle import plan_deep  # noqa: PLC0415 - as above

    budget_s = settings.budget_s.get(profile, {}).get("deep") or UNBUDGETED_DEEP_S[profile]
    common: Common = {"addresses": addresses, "alike": alike, "profile": profile, "budget_s": budget_s}
    means: Means = {
        "memory": "memory" in abilities,
        "control": "control" in abilities,
        "load": next(iter(settings.load), ""),
    }
    return [
        Planned(policy, plan_deep(policy, **_users(settings, policy, unsigned), **means, **common))
        for policy in _policies(settings, environment)
    ]


class Common(TypedDict):
    """What both plans are made for."""

    addresses: int
    alike: str
    profile: str
    budget_s: float


class Means(TypedDict):
    """What the deep stage has besides requests; `load` is the scenario that is sent meanwhile, the first declared."""

    memory: bool
    control: bool
    load: str


def _policies(settings: Settings, environment: Mapping[str, str]) -> list[Policy]:
    from seatrial.throttle import Policy  # noqa: PLC0415 - as above

    return [Policy.declared(limit, environment) for limit in settings.limits]


class Users(TypedDict, total=False):
    """Whether clients are told apart by who they are; `unknown` says why they are not where it is no choice."""

    users: bool
    unknown: str


def _users(settings: Settings, policy: Policy, unsigned: str) -> Users:
    if not policy.settings.authenticated_by or settings.auth is None:
        return {"users": False}
    return {"users": False, "unknown": unsigned} if unsigned else {}
