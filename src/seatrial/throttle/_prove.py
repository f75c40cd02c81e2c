"""One policy proved, and the proofs of several policies put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from seatrial.core import CheckResult, Evidence, Identities, Measurement, Outcome, Progress, Severity, Target
from seatrial.throttle._deep import DEEP, deep_claims, deep_schedule
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._means import Means
from seatrial.throttle._outcomes import CLAIMS, judge_outcome, not_promised
from seatrial.throttle._plan import DEEPER, NO_USERS
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._promises import promises
from seatrial.throttle._proof import Proof
from seatrial.throttle._scene import Scene, SpentError
from seatrial.throttle._schedule import schedule
from seatrial.throttle._shown import Album, measure, measure_deep, tell
from seatrial.throttle._telling import tell_proof
from seatrial.throttle._wire import WireError, is_loopback

Measured = Callable[[Policy, Ledger, float], tuple[Measurement, ...]]


def prove(  # noqa: PLR0913 - what a proof needs
    policy: Policy,
    *,
    plan: Plan,
    target: Target,
    identities: Identities,
    progress: Progress,
    seed: int = 0,
    allowed: Collection[str] = (),
    means: Means | None = None,
) -> Evidence:
    """Prove or refute what a policy promises, from outside, in one window and a little more.

    Only this machine is asked, and `HOST:PORT` that are `allowed`. What is not decided is never passed. With `means`,
    what takes longer by its nature is tried instead (`plan_deep`).
    """
    plan = fit(policy, plan, target, identities, allowed)
    scene = Scene(
        policy,
        plan=plan,
        schedule=deep_schedule(policy, plan) if means else schedule(policy, plan),
        target=target,
        identities=identities,
        progress=progress,
        seed=seed,
        means=means,
    )
    return _prove(scene, deep_claims(policy), target, measure_deep) if means else _prove(scene, CLAIMS, target, measure)


def leave_deep(policy: Policy) -> Evidence:
    """Return what a proof without its deep stage says of that: nothing is tested, and how it would be."""
    claims = {claim: promises(policy, claim) for claim in DEEP}
    results = (
        CheckResult(check=f"ratelimit.{claim}", outcome=outcome, reason=reason)
        for claim, promised in claims.items()
        for outcome, reason in [
            (Outcome.NOT_TESTED, DEEPER) if promised else (Outcome.NOT_APPLICABLE, not_promised(claim, policy))
        ]
    )
    return Evidence(results=tuple(results))


def _prove(scene: Scene, claims: Mapping[str, Severity], target: Target, measured: Measured) -> Evidence:
    began_s = time.monotonic()
    problem, album = "" if scene.plan.no_proof else _run(scene), Album(target)
    results = tuple(_result(claim, severity, scene, problem, album) for claim, severity in claims.items())
    album.show(scene.ledger.shown)
    figures = () if scene.plan.no_proof else measured(scene.policy, scene.ledger, time.monotonic() - began_s)
    notes = tuple(f"{scene.policy.settings.name}: {note}" for note in scene.ledger.notes)
    proof = tell_proof(scene, results, album)
    return Evidence(results=results, measurements=figures, exchanges=album.exchanges, notes=notes, proofs=(proof,))


def _run(scene: Scene) -> str:
    """Run the proof and return what ended it early."""
    try:
        asyncio.run(Proof(scene).run())
    except TimeoutError:
        return f"the budget of {scene.plan.budget_s:g} s ended"
    except SpentError:
        return f"the budget of {scene.schedule.most} requests ended"
    return ""


def fit(policy: Policy, plan: Plan, target: Target, identities: Identities, allowed: Collection[str]) -> Plan:
    """Return the plan, or what is left of it with these users, at this target, which has to be allowed."""
    return _refuse(_beside(_as_users(plan, policy, identities), target), target, allowed)


def _as_users(plan: Plan, policy: Policy, identities: Identities) -> Plan:
    """Return the plan, or one without users where clients are not told apart by who they are."""
    if plan.no_users:
        return plan
    (found,) = identities.lease(1)
    if found.headers and policy.settings.authenticated_by:
        return plan
    no_proof = plan.no_proof or (f"{NO_USERS}, and {plan.no_addresses}" if plan.no_addresses else "")
    return replace(plan, no_users=NO_USERS, no_proof=no_proof)


def _beside(plan: Plan, target: Target) -> Plan:
    """Return the plan, or one without a proxy where an address of this machine means nothing."""
    here = _is_here(target.by_address or target.url)  # the relay's near end is, wherever the service runs
    return plan if here else replace(plan, no_proxy="a loopback address is no proxy of another machine")


def _refuse(plan: Plan, target: Target, allowed: Collection[str]) -> Plan:
    """Return the plan, or one that proves nothing where nobody may be asked."""
    parts = urlsplit(target.url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if where not in allowed and not _is_here(target.url):
        return replace(plan, no_proof=f"{where} is not this machine, and the proof was not told that it may be asked")
    return plan


def _is_here(url: str) -> bool:
    try:
        return asyncio.run(is_loopback(url))
    except WireError:
        return False


def _result(claim: str, severity: Severity, scene: Scene, problem: str, album: Album) -> CheckResult:
    check, policy, ledger = f"ratelimit.{claim}", scene.policy, scene.ledger
    outcome, reason = judge_outcome(claim, policy, scene.plan, ledger, problem)
    defects = ledger.defects.get(claim, []) if outcome is Outcome.FAILED else []
    findings = tuple(tell(check, severity, defect, policy, album) for defect in defects)
    return CheckResult(check=check, outcome=outcome, reason=reason, findings=findings)


RANK = (
    Outcome.FAILED,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.PASSED,
    Outcome.NOT_TESTED,
    Outcome.NOT_APPLICABLE,
)


def worse(one: CheckResult, other: CheckResult) -> CheckResult:
    """Return of two results of a check the one that counts; of two alike the first."""
    return min(one, other, key=lambda result: RANK.index(result.outcome))


def merge(evidences: Sequence[tuple[str, Evidence]]) -> Evidence:
    """Combine the proofs of several policies (by name): a claim holds when it holds for each that could be tried.

    What could not be tried of one policy alone is noted.
    """
    if len(evidences) == 1:
        return evidences[0][1]
    checks = list(dict.fromkeys(result.check for _, evidence in evidences for result in evidence.results))
    results = [_worst(check, evidences) for check in checks]
    figures = [
        replace(figure, name=f"{figure.name}.{name}")
        for name, evidence in evidences
        for figure in evidence.measurements
    ]
    exchanges = [exchange for _, evidence in evidences for exchange in evidence.exchanges]
    notes = [note for _, evidence in evidences for note in evidence.notes]
    notes += [note for check in checks for note in _not_tried(check, evidences)]
    return Evidence(
        results=tuple(filter(None, results)),
        measurements=tuple(figures),
        exchanges=tuple(exchanges),
        notes=tuple(notes),
        proofs=tuple(proof for _, evidence in evidences for proof in evidence.proofs),
    )


def _not_tried(check: str, evidences: Sequence[tuple[str, Evidence]]) -> list[str]:
    """Return for which policies a claim could not be tried, where it was for others."""
    found = [(name, result) for name, evidence in evidences for result in evidence.results if result.check == check]
    if all(result.outcome is not Outcome.PASSED for _, result in found):
        return []
    return [f"{check} of {name}: {r.reason}" for name, r in found if r.outcome is Outcome.NOT_TESTED]


def _worst(check: str, evidences: Sequence[tuple[str, Evidence]]) -> CheckResult | None:
    found = [(name, result) for name, evidence in evidences for result in evidence.results if result.check == check]
    if not found:
        return None
    name, worst = min(found, key=lambda pair: RANK.index(pair[1].outcome))
    findings = tuple(finding for _, result in found for finding in result.findings)
    reason = f"{name}: {worst.reason}" if worst.reason else ""
    return replace(worst, reason=reason, findings=findings if worst.outcome is Outcome.FAILED else ())
