"""One policy proved, and the proofs of several policies put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from seatrial.core import CheckResult, Evidence, Identities, Outcome, Progress, Target
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._outcomes import CLAIMS, judge_outcome
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._proof import Proof
from seatrial.throttle._scene import Scene
from seatrial.throttle._shown import Album, measure, tell
from seatrial.throttle._telling import tell_proof
from seatrial.throttle._wire import WireError, is_loopback


def prove(  # noqa: PLR0913 - what a proof needs
    policy: Policy,
    *,
    plan: Plan,
    target: Target,
    identities: Identities,
    progress: Progress,
    seed: int = 0,
    allowed: Collection[str] = (),
) -> Evidence:
    """Prove or refute what a policy promises, from outside, in one window and a little more.

    Only this machine is asked, and `HOST:PORT` that are `allowed`. What is not decided is never passed.
    """
    began_s = time.monotonic()
    scene = Scene(policy, plan=plan, target=target, identities=identities, progress=progress, seed=seed)
    scene.plan = plan = _refuse(plan, scene, target, allowed)
    problem = "" if plan.no_proof else _run(scene)
    album = Album(target)
    results = tuple(_result(claim, policy, plan, scene.ledger, problem, album) for claim in CLAIMS)
    album.show(scene.ledger.shown)
    figures = () if plan.no_proof else measure(policy, scene.ledger, time.monotonic() - began_s)
    notes = tuple(f"{policy.settings.name}: {note}" for note in scene.ledger.notes)
    proof = tell_proof(scene, results, album)
    return Evidence(results=results, measurements=figures, exchanges=album.exchanges, notes=notes, proofs=(proof,))


def _run(scene: Scene) -> str:
    """Run the proof and return what ended it early."""
    try:
        asyncio.run(Proof(scene).run())
    except TimeoutError:
        return f"the budget of {scene.plan.budget_s:g} s ended"
    return ""


def _refuse(plan: Plan, scene: Scene, target: Target, allowed: Collection[str]) -> Plan:
    """Return the plan, or one that proves nothing where nobody may be asked or clients cannot be told apart."""
    parts = urlsplit(target.url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if where not in allowed and not _is_here(target.url):
        return replace(plan, no_proof=f"{where} is not this machine, and the proof was not told that it may be asked")
    if not plan.no_proof and plan.no_addresses and not scene.has_users:
        return replace(plan, no_proof=f"there are no users to tell apart, and {plan.no_addresses}")
    return plan if scene.has_users else replace(plan, no_users="there are no users to tell apart")


def _is_here(url: str) -> bool:
    try:
        return asyncio.run(is_loopback(url))
    except WireError:
        return False


def _result(  # noqa: PLR0913, PLR0917 - everything that a claim may rest on
    claim: str, policy: Policy, plan: Plan, ledger: Ledger, problem: str, album: Album
) -> CheckResult:
    check = f"ratelimit.{claim}"
    outcome, reason = judge_outcome(claim, policy, plan, ledger, problem)
    defects = ledger.defects.get(claim, []) if outcome is Outcome.FAILED else []
    findings = tuple(tell(check, CLAIMS[claim], defect, policy, album) for defect in defects)
    return CheckResult(check=check, outcome=outcome, reason=reason, findings=findings)


RANK = (
    Outcome.FAILED,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.PASSED,
    Outcome.NOT_TESTED,
    Outcome.NOT_APPLICABLE,
)


def merge(evidences: Sequence[tuple[str, Evidence]]) -> Evidence:
    """Combine the proofs of several policies (by name): a claim holds when it holds for each that could be tried.

    What could not be tried of one policy alone is noted.
    """
    if len(evidences) == 1:
        return evidences[0][1]
    results = [_worst(f"ratelimit.{claim}", evidences) for claim in CLAIMS]
    figures = [
        replace(figure, name=f"{figure.name}.{name}")
        for name, evidence in evidences
        for figure in evidence.measurements
    ]
    exchanges = [exchange for _, evidence in evidences for exchange in evidence.exchanges]
    notes = [note for _, evidence in evidences for note in evidence.notes]
    notes += [note for claim in CLAIMS for note in _not_tried(f"ratelimit.{claim}", evidences)]
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
