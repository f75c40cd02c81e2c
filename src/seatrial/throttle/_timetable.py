"""A schedule as a table, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from seatrial.throttle._deep import deep_claims
from seatrial.throttle._outcomes import CLAIMS, untried
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._step import Schedule, Step, Visit


def lines(policy: Policy, plan: Plan, schedule: Schedule, *, deep: bool = False) -> list[str]:
    """Return what is printed for one policy: first what is not tested, then what is sent, when and as whom."""
    return [
        f"limit {described(policy)}",
        *(f"  not tested  ratelimit.{claim}: {reason}" for claim, reason in _untried(policy, plan, deep=deep)),
        *_table(schedule),
        *(
            f"  beside  {each.requests:,} requests, at most {each.most:,}  {each.what}  {each.claim}"
            for each in plan.beside
        ),
        _total(plan, schedule),
    ]


def _untried(policy: Policy, plan: Plan, *, deep: bool) -> list[tuple[str, str]]:
    return untried(policy, plan, deep_claims(policy) if deep else CLAIMS)


def described(policy: Policy) -> str:
    """Return a policy in a few words."""
    settings = policy.settings
    what = f"{policy.quota} requests in {policy.window_s:g} s"
    return f"{settings.name}: {what}, {settings.algorithm}, {settings.method} {settings.path}"


def _rows(schedule: Schedule) -> list[tuple[float, Step, Visit]]:
    """Return the visits in the order of time."""
    rows = [(schedule.due_s(step, visit), step, visit) for step in schedule.steps for visit in step.visits]
    return sorted(rows, key=lambda row: row[0])


def _table(schedule: Schedule) -> Iterator[str]:
    rows = _rows(schedule)
    if not rows:
        return
    wide = max(len(visit.client.name) for _, _, visit in rows)
    words = max(len(visit.what) for _, _, visit in rows)
    yield f"  {'when':>9}  {'as':<{wide}}  {'requests':>8}  {'how':<{words}}  for"
    for due_s, step, visit in rows:
        who, claims = f"{visit.client.name:<{wide}}", ", ".join(step.claims)
        yield f"  {due_s:>7.1f} s  {who}  {visit.requests:>8,}  {visit.what:<{words}}  {claims}"


def _total(plan: Plan, schedule: Schedule) -> str:
    windows = schedule.seconds / schedule.window_s
    cost = f"{schedule.requests:,} requests in about {schedule.seconds:.1f} s ({windows:.2f} windows)"
    bound = f"with repeats and confirmations never more than {schedule.most:,} requests and {plan.budget_s:g} s"
    return f"  in all {cost}; {bound}" + (f", and {plan.besides:,} of what is beside" if plan.besides else "")


def as_json(policy: Policy, plan: Plan, schedule: Schedule, *, deep: bool = False) -> dict[str, Any]:
    """Return the same as JSON data."""
    left = _untried(policy, plan, deep=deep)
    return {
        "name": policy.settings.name,
        "quota": policy.quota,
        "window_s": policy.window_s,
        "algorithm": policy.settings.algorithm,
        "not_tested": [{"claim": f"ratelimit.{claim}", "reason": reason} for claim, reason in left],
        "visits": [_visit(*row) for row in _rows(schedule)],
        "beside": [{**asdict(each), "claim": f"ratelimit.{each.claim}"} for each in plan.beside],
        "requests": schedule.requests,
        "seconds": round(schedule.seconds, 3),
        "max_requests": schedule.most,
        "budget_s": plan.budget_s,
    }


def _visit(due_s: float, step: Step, visit: Visit) -> dict[str, Any]:
    return {
        "at_s": round(due_s, 3),
        "as": visit.client.name,
        "kind": visit.client.kind,
        "requests": visit.requests,
        "how": visit.what,
        "step": step.name,
        "claims": [f"ratelimit.{claim}" for claim in step.claims],
    }
