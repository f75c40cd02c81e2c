"""From a ledger to outcomes: every claim PASSED, FAILED, INCONCLUSIVE, BLOCKED, NOT_TESTED or NOT_APPLICABLE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seatrial.core import Outcome, Severity
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._promises import BY_USER, FROM_AFAR, promises

CLAIMS: Mapping[str, Severity] = {
    "isolation": Severity.HIGH,
    "quota-exact": Severity.HIGH,
    "rejection-status": Severity.MEDIUM,
    "headers-truthful": Severity.MEDIUM,
    "retry-after-honoured": Severity.MEDIUM,
    "window-resets": Severity.HIGH,
    "edge-bounded": Severity.HIGH,
    "refusals-free": Severity.MEDIUM,
    "health-exempt": Severity.HIGH,
    "statuses-counted": Severity.HIGH,
    "anonymous-by-address": Severity.MEDIUM,
    "forwarded-for-ignored": Severity.HIGH,
    "sibling-headers-ignored": Severity.HIGH,
    "junk-token": Severity.HIGH,
    "tenant-header": Severity.HIGH,
    "client-traits": Severity.HIGH,
    "query-in-key": Severity.HIGH,
    "path-parameter-in-key": Severity.HIGH,
    "body-field-in-key": Severity.HIGH,
    "path-spelling": Severity.HIGH,
    "method": Severity.MEDIUM,
    "exemption-narrow": Severity.HIGH,
    "another-token": Severity.HIGH,
    "another-address": Severity.HIGH,
    "refused-counted": Severity.HIGH,
    "network-bounded": Severity.HIGH,
    "victim-unharmed": Severity.HIGH,
}


def judge_outcome(claim: str, policy: Policy, plan: Plan, ledger: Ledger, problem: str) -> tuple[Outcome, str]:
    """Return what a claim came to, with the first reason not to call it passed; `problem` ended the proof early."""
    defects = ledger.defects.get(claim)
    blocked = "ratelimit.isolation failed" if ledger.defects.get("isolation") else ledger.blocked.get(claim, "")
    reasons = (
        (Outcome.FAILED, defects[0].title if defects else ""),
        (Outcome.NOT_APPLICABLE, not_promised(claim, policy)),
        (Outcome.BLOCKED, blocked),
        (Outcome.NOT_TESTED, plan.no_proof),
        (Outcome.INCONCLUSIVE, ledger.undecided.get(claim) or problem),
        (Outcome.NOT_TESTED, _not_planned(claim, plan)),
        (Outcome.INCONCLUSIVE, "the proof did not come to it" if defects is None else ""),
    )
    return next(((outcome, reason) for outcome, reason in reasons if reason), (Outcome.PASSED, ""))


def untried(policy: Policy, plan: Plan, claims: Iterable[str]) -> list[tuple[str, str]]:
    """Return those of some claims that a proof does not come to, with the reason, before anything is sent."""
    ended = {claim: judge_outcome(claim, policy, plan, Ledger(), "") for claim in claims}
    left = {Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE}
    return [(claim, reason) for claim, (outcome, reason) in ended.items() if outcome in left]


def not_promised(claim: str, policy: Policy) -> str:
    """Return why a claim is not made, empty where it is."""
    return "" if promises(policy, claim) else f"[[limits]] {policy.settings.name} does not promise it"


def _not_planned(claim: str, plan: Plan) -> str:
    reasons = {
        "quota-exact": plan.no_quota,
        "window-resets": plan.no_return or plan.no_window,
        "edge-bounded": plan.no_sliding,
        "retry-after-honoured": plan.no_window,
        "refusals-free": plan.no_refusals,
        "memory-bounded": plan.no_memory,
        "buckets-kept": plan.no_kept,
        "store-returns": plan.no_control,
        "burst-exact": plan.no_quota,
        "load-exact": plan.no_quota or plan.no_load,
        **dict.fromkeys(FROM_AFAR, plan.no_addresses),
        "network-bounded": plan.no_addresses or plan.no_proxy,
        **({} if not plan.no_users else dict.fromkeys(BY_USER, plan.no_users)),
    }
    return reasons.get(claim, "")
