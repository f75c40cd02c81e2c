"""From findings to outcomes: every claim PASSED, FAILED, INCONCLUSIVE, BLOCKED, NOT_TESTED or NOT_APPLICABLE."""

from __future__ import annotations

import asyncio
import itertools
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from seatrial.core import (
    CheckResult,
    Evidence,
    Exchange,
    Finding,
    Identities,
    Measurement,
    Outcome,
    Progress,
    Request,
    Response,
    Severity,
    Target,
)
from seatrial.throttle._claims import Defect
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._proof import Findings, Proof, UndecidedError
from seatrial.throttle._wire import Answer, WireError

CLAIMS: Mapping[str, Severity] = {
    "isolation": Severity.HIGH,
    "quota-exact": Severity.HIGH,
    "rejection-status": Severity.MEDIUM,
    "headers-truthful": Severity.MEDIUM,
    "retry-after-honoured": Severity.MEDIUM,
    "window-resets": Severity.HIGH,
    "health-exempt": Severity.HIGH,
    "anonymous-by-address": Severity.MEDIUM,
    "forwarded-for-ignored": Severity.HIGH,
}
_numbers = itertools.count(1)


def prove(policy: Policy, *, plan: Plan, target: Target, identities: Identities, progress: Progress) -> Evidence:
    """Prove or refute what a policy promises, from outside, in one window and a little more."""
    began_s = time.monotonic()
    proof = Proof(policy, plan, target, identities, progress)
    problem = ""
    try:
        asyncio.run(proof.run())
    except (UndecidedError, WireError) as error:
        problem = str(error)
    findings = proof.findings
    exchanges: list[Exchange] = []
    results = tuple(_result(claim, policy, plan, findings, problem, target, exchanges) for claim in CLAIMS)
    figures = _measure(policy, findings, time.monotonic() - began_s)
    return Evidence(results=results, measurements=figures, exchanges=tuple(exchanges))


def _result(  # noqa: PLR0913, PLR0917 - everything that a claim may rest on
    claim: str,
    policy: Policy,
    plan: Plan,
    findings: Findings,
    problem: str,
    target: Target,
    exchanges: list[Exchange],
) -> CheckResult:
    check = f"ratelimit.{claim}"
    if defects := findings.defects.get(claim):
        found = tuple(_finding(check, claim, defect, target, policy, exchanges) for defect in defects)
        return CheckResult(check=check, outcome=Outcome.FAILED, reason=found[0].title, findings=found)
    outcome, reason = _without_defect(claim, policy, plan, findings, problem)
    return CheckResult(check=check, outcome=outcome, reason=reason)


def _without_defect(claim: str, policy: Policy, plan: Plan, findings: Findings, problem: str) -> tuple[Outcome, str]:
    """Return what a claim without a defect came to: the first reason not to call it passed, if there is one."""
    blocked = "ratelimit.isolation did not pass" if findings.defects.get("isolation") else ""
    missing = "" if claim in findings.defects else "the proof did not come to it"
    reasons = (
        (Outcome.BLOCKED, blocked),
        (Outcome.NOT_APPLICABLE, _not_promised(claim, policy)),
        (Outcome.INCONCLUSIVE, findings.undecided.get(claim) or problem),
        (Outcome.NOT_TESTED, _not_planned(claim, plan)),
        (Outcome.INCONCLUSIVE, missing),
    )
    return next(((outcome, reason) for outcome, reason in reasons if reason), (Outcome.PASSED, ""))


def _not_promised(claim: str, policy: Policy) -> str:
    settings = policy.settings
    promised = {
        "headers-truthful": settings.headers != "none",
        "retry-after-honoured": settings.retry_after,
        "health-exempt": bool(settings.exempt),
        "anonymous-by-address": settings.anonymous_by == "address",
        "forwarded-for-ignored": settings.anonymous_by == "address",
    }
    return "" if promised.get(claim, True) else f"[[limits]] {settings.name} does not promise it"


def _not_planned(claim: str, plan: Plan) -> str:
    reasons = {
        "quota-exact": plan.no_edges,
        "window-resets": plan.no_edges or plan.no_window,
        "retry-after-honoured": plan.no_window,
        "anonymous-by-address": plan.no_addresses,
    }
    return reasons.get(claim, "")


def _finding(  # noqa: PLR0913, PLR0917 - a defect and what is needed to tell it
    check: str, claim: str, defect: Defect, target: Target, policy: Policy, exchanges: list[Exchange]
) -> Finding:
    shown = [_exchange(answer, target) for answer in defect.answers]
    exchanges.extend(shown)
    return Finding(
        check=check,
        severity=CLAIMS[claim],
        title=defect.title,
        cause=defect.cause,
        operation=f"{policy.settings.method} {policy.settings.path}",
        evidence=tuple(exchange.id for exchange in shown),
        replay=_replay(shown[-1], policy),
    )


def _exchange(answer: Answer, target: Target) -> Exchange:
    secret = (("Authorization", f"{{{{secret:{answer.client}}}}}"),) if "@" not in answer.client else ()
    return Exchange(
        id=f"ratelimit-{next(_numbers)}",
        operation=f"{answer.method} {answer.path}",
        identity=answer.client,
        request=Request(method=answer.method, url=target.url + answer.path, headers=(*secret, *answer.extra)),
        response=Response(status=answer.status, headers=answer.headers),
        sent_s=answer.sent_s,
        received_s=answer.received_s,
    )


def _replay(exchange: Exchange, policy: Policy) -> str:
    """Return a line that fills the quota and shows the answers beyond it."""
    headers = ['-H "Authorization: Bearer $TOKEN"' if "{{secret:" in value else f"-H {shlex.quote(f'{name}: {value}')}"
               for name, value in exchange.request.headers]  # fmt: skip
    request = f"curl -s -o /dev/null -D - {' '.join(headers)} {shlex.quote(exchange.request.url)}"
    return f"for i in $(seq {policy.quota + 3}); do {request}; done"


def _measure(policy: Policy, findings: Findings, seconds: float) -> tuple[Measurement, ...]:
    name = policy.settings.name
    figures = [
        Measurement(
            name="ratelimit.requests", value=findings.requests, unit="count", definition=f"sent to prove {name}"
        ),
        Measurement(name="ratelimit.seconds", value=seconds, unit="s", definition=f"duration of the proof of {name}"),
    ]
    if findings.window_ratios:
        ratio = findings.window_ratios[0]
        definition = "from the first request to the first one of the next window, of the declared window"
        figures.append(Measurement(name="ratelimit.window_ratio", value=ratio, unit="ratio", definition=definition))
    return tuple(figure for figure in figures if figure.value > 0)


RANK = (
    Outcome.FAILED,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.NOT_TESTED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)


def merge(evidences: Sequence[tuple[str, Evidence]]) -> Evidence:
    """Combine the proofs of several policies (by name): a claim holds when it holds for each."""
    if len(evidences) == 1:
        return evidences[0][1]
    results = [_worst(f"ratelimit.{claim}", evidences) for claim in CLAIMS]
    figures = [
        replace(figure, name=f"{figure.name}.{name}")
        for name, evidence in evidences
        for figure in evidence.measurements
    ]
    exchanges = [exchange for _, evidence in evidences for exchange in evidence.exchanges]
    return Evidence(results=tuple(filter(None, results)), measurements=tuple(figures), exchanges=tuple(exchanges))


def _worst(check: str, evidences: Sequence[tuple[str, Evidence]]) -> CheckResult | None:
    found = [(name, result) for name, evidence in evidences for result in evidence.results if result.check == check]
    if not found:
        return None
    name, worst = min(found, key=lambda pair: RANK.index(pair[1].outcome))
    findings = tuple(finding for _, result in found for finding in result.findings)
    reason = f"{name}: {worst.reason}" if worst.reason else ""
    return replace(worst, reason=reason, findings=findings if worst.outcome is Outcome.FAILED else ())
