"""What a run proves of the declared rate limits, known before anything starts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from seatrial.config import RunProfile, Settings
from seatrial.core import ALIKE

if TYPE_CHECKING:
    from seatrial.throttle import Beside, Plan, Policy

UNBUDGETED_S: Mapping[RunProfile, float] = {"quick": 60.0, "full": 120.0}
"""What a proof may take where no budget is declared."""

UNBUDGETED_DEEP_S: Mapping[RunProfile, float] = {"quick": 240.0, "full": 480.0}


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
    profile: RunProfile,
    environment: Mapping[str, str],
    addresses: int,
    alike: str = ALIKE,
    unsigned: str = "",
    disturbs: bool = True,
) -> list[Planned]:
    """Return every declared limit as the stack's variables turn it, and what can be proved in a profile's budget.

    `unsigned` says why nobody can be authenticated: then clients differ by their addresses alone. Checks that ask
    beside the proof have their part of its budget; where nothing `disturbs`, none of them stops the store. Raises
    UsageError for a limit that limits nothing.
    """
    from seatrial.throttle import plan_proof  # noqa: PLC0415 - needed where limits are proved only

    budget_s = settings.budget_s.get(profile, {}).get("ratelimit") or UNBUDGETED_S[profile]
    common: Common = {"addresses": addresses, "alike": alike, "profile": profile, "budget_s": budget_s}
    return [
        Planned(policy, plan_proof(policy, beside=beside, no_users=_no_users(settings, policy, unsigned), **common))
        for policy, beside in _beside(settings, _policies(settings, environment), asks=True, stops=disturbs)
    ]


def plan_deep_limits(  # noqa: PLR0913 - by keyword, each is needed once
    settings: Settings,
    *,
    profile: RunProfile,
    environment: Mapping[str, str],
    addresses: int,
    abilities: Collection[str],
    alike: str = ALIKE,
    unsigned: str = "",
    disturbs: bool = True,
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
        Planned(
            policy, plan_deep(policy, beside=beside, no_users=_no_users(settings, policy, unsigned), **means, **common)
        )
        for policy, beside in _beside(settings, _policies(settings, environment), asks=False, stops=not disturbs)
    ]


def allowance(settings: Settings, environment: Mapping[str, str], claim: str) -> int:
    """Return how many requests a check that asks for itself may send: 0 where it is about no limit."""
    found = [each for _, each in _beside(settings, _policies(settings, environment), asks=True, stops=True)]
    return next((check.most for each in found for check in each if check.claim == claim), 0)


def _beside(
    settings: Settings, policies: Sequence[Policy], *, asks: bool, stops: bool
) -> Iterator[tuple[Policy, tuple[Beside, ...]]]:
    """Yield each policy with the checks out of its budget: those that `ask` only, and the one that `stops` the store.

    Each is about the first limit that it means something for.
    """
    from seatrial import throttle  # noqa: PLC0415 - needed where limits are proved only

    whole = next((p for p in policies if p.settings.reach == "service" and p.settings.authenticated_by), None)
    batched = next((p for p in policies if p.settings.batch_path), None)
    stored = next((p for p in policies if p.settings.store), None)
    for policy in policies:
        found: list[Beside] = []
        if settings.auth and asks:
            pages, operations = settings.cors is not None, settings.contract is not None
            found += throttle.refusals(policy, operations=operations, pages=pages) if policy is whole else []
            found += [throttle.batches(policy)] if policy is batched else []
        found += [throttle.outages(policy)] if settings.auth and stops and policy is stored else []
        yield policy, tuple(found)


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


def _no_users(settings: Settings, policy: Policy, unsigned: str) -> str:
    """Return why clients are not told apart by who they are, empty where they are."""
    from seatrial.throttle import NO_USERS  # noqa: PLC0415 - as above

    return unsigned if settings.auth and policy.settings.authenticated_by else NO_USERS
