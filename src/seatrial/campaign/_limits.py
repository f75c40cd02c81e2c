"""What a run proves of the declared rate limits, known before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from seatrial.config import Profile, Settings

if TYPE_CHECKING:
    from seatrial.throttle import Plan, Policy

UNBUDGETED_S: Mapping[Profile, float] = {"quick": 60.0, "full": 120.0}
"""What a proof may take where no budget is declared."""


class Planned(NamedTuple):
    """A policy as it is in effect, and what of it can be proved."""

    policy: Policy
    plan: Plan


def plan_limits(
    settings: Settings, *, profile: Profile, environment: Mapping[str, str], addresses: int
) -> list[Planned]:
    """Return every declared limit as the stack's variables turn it, and what can be proved in a profile's budget.

    Raises UsageError for one that limits nothing.
    """
    from seatrial.throttle import Policy, plan_proof  # noqa: PLC0415 - needed where limits are proved only

    budget_s = settings.budget_s.get(profile, {}).get("ratelimit") or UNBUDGETED_S[profile]
    policies = [Policy.declared(limit, environment) for limit in settings.limits]
    return [
        Planned(
            policy,
            plan_proof(policy, budget_s=budget_s, addresses=addresses, users=_users(settings, policy), profile=profile),
        )
        for policy in policies
    ]


def _users(settings: Settings, policy: Policy) -> bool:
    """Return whether clients are told apart by who they are."""
    return settings.auth is not None and bool(policy.settings.authenticated_by)
