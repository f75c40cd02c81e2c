"""What can be proved in the time, from the addresses and as the users that there are."""

from __future__ import annotations

from dataclasses import replace

from seatrial.core import ALIKE
from seatrial.throttle._edges import SMALLEST
from seatrial.throttle._policy import Beside, Plan, Policy
from seatrial.throttle._schedule import schedule

MARGIN_S = 4.0
NO_USERS = "there are no users to tell apart"
SHIFTED = "its windows end at another moment for each key"
DEEPER = "takes longer by its nature: seatrial limits prove --deep"


def plan_proof(  # noqa: PLR0913 - by keyword, each is needed once
    policy: Policy,
    *,
    budget_s: float,
    addresses: int,
    alike: str = ALIKE,
    no_users: str = "",
    profile: str = "",
    beside: tuple[Beside, ...] = (),
) -> Plan:
    """Say what can be proved in so many seconds of a profile, from so many distinct client addresses.

    `alike` says why there are no more, `no_users` why nobody is known by a token; `beside` is what checks of their own
    send out of the same budget.
    """
    no_window = _too_short(policy, policy.wait_s, budget_s, profile)
    of = "windows that are shifted for each key" if policy.shifted else f"the algorithm {policy.settings.algorithm}"
    deep = f"of {of}, it {DEEPER}"
    plan = Plan(
        no_window=no_window,
        no_addresses="" if addresses > 1 else alike,
        no_users=no_users,
        no_edges="" if policy.fixed else SHIFTED if policy.shifted else _unproved(policy),
        no_quota=unproved_quota(policy),
        no_sliding=no_window or _too_small(policy),
        no_return=_no_return(policy, no_window, _too_short(policy, policy.window_s, budget_s, profile), deep),
        no_refusals=_too_short(policy, policy.patience_s, budget_s, profile) if policy.in_one_window else deep,
        beside=beside,
        budget_s=budget_s,
    )
    return replace(plan, no_proof=_impossible(policy, plan))


def _no_return(policy: Policy, no_window: str, no_whole: str, deep: str) -> str:
    """Return why it is not proved that the quota comes back, empty where it is."""
    if policy.in_one_window:
        return no_whole if policy.bucket else "" if policy.fixed else no_window or _too_small(policy)
    return deep if policy.known else _unproved(policy)


def _unproved(policy: Policy) -> str:
    return f"not yet proved for the algorithm {policy.settings.algorithm}"


def unproved_quota(policy: Policy) -> str:
    """Return why nothing is said of an exact quota, empty where it is."""
    return "" if policy.known else _unproved(policy)


def _too_small(policy: Policy) -> str:
    """Return why a quota does not tell a window that slides from one that does not, empty where it does."""
    small = f"a quota of {policy.quota} is too small to tell what is admitted around a window's edge"
    return small if policy.quota < SMALLEST else ""


def _too_short(policy: Policy, wait_s: float, budget_s: float, profile: str) -> str:
    """Return why what waits so long does not fit into the time, empty where it does."""
    waits_s = wait_s * (1.5 if policy.settings.anchor == "clock" else 1.0) + MARGIN_S
    whose = f"the {profile} profile's budget" if profile else "a budget"
    long = f"a window of {policy.window_s:g} s cannot be proved in the time that there is: it does not fit into"
    return f"{long} {whose} of {budget_s:g} s" if waits_s > budget_s else ""


def _impossible(policy: Policy, plan: Plan) -> str:
    """Return why nothing can be proved at all."""
    if plan.no_users and plan.no_addresses:
        return f"{plan.no_users}, and {plan.no_addresses}"
    requests = schedule(policy, plan).requests
    most = policy.settings.max_requests
    many = f"a proof of {policy.quota} requests in {policy.window_s:g} s sends {requests}, max_requests is {most}"
    apart = f", of which {plan.besides} are for checks beside it" if plan.besides else ""
    return f"{many}{apart}" if requests > plan.most(most) else ""
