"""Whether the document that was published still holds, from what the fuzzer found of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from seatrial.core import CheckResult, Evidence, Exchange, Finding, FindingStatus, Outcome

OLD_PROMISES_HOLD = "contract.old-promises-hold"
MARK = "published-"
KEPT = (
    *("no-server-error", "status-documented", "content-type-documented", "headers-documented"),
    *("response-schema", "valid-input-accepted"),
)
"""What a client of yesterday counts on; that something is refused is not among it, for the service may do more now."""

LOOKED = ("operations-reached", "not-rate-limited")
SEEN = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})


def holds_as_served(served: Evidence) -> CheckResult:
    """Return the outcome where the published document promises what the served one does; other checks judge that."""
    open_ = [result.check for result in _of(served, (*KEPT, *LOOKED)) if result.outcome not in SEEN]
    if open_:
        reason = f"the published document promises what is served, and these did not pass: {', '.join(open_)}"
        return CheckResult(check=OLD_PROMISES_HOLD, outcome=Outcome.BLOCKED, reason=reason)
    return CheckResult(check=OLD_PROMISES_HOLD, outcome=Outcome.PASSED)


def holds_by_itself(found: Evidence) -> Evidence:
    """Return the outcome of a run of the published document, with the exchanges that show it, and all that it sent."""
    exchanges = {exchange.id: exchange for exchange in found.exchanges}
    kept = [_proper(result, exchanges) for result in _of(found, KEPT)]
    findings = tuple(
        replace(finding, check=OLD_PROMISES_HOLD, evidence=tuple(MARK + number for number in finding.evidence))
        for result in kept
        for finding in result.findings
    )
    shown = {number for finding in findings for number in finding.evidence}
    outcome, reason = _outcome(kept, _of(found, LOOKED))
    return Evidence(
        results=(CheckResult(check=OLD_PROMISES_HOLD, outcome=outcome, reason=reason, findings=findings),),
        exchanges=tuple(exchange for exchange in map(_marked, found.exchanges) if exchange.id in shown),
        tallies=found.tallies,
    )


def _proper(result: CheckResult, exchanges: Mapping[str, Exchange]) -> CheckResult:
    """Return a result without what only methods show that are not documented: nothing is promised of them."""
    left = tuple(finding for finding in result.findings if _is_of_operation(finding, exchanges))
    if left == result.findings:
        return result
    if not left:
        return CheckResult(check=result.check, outcome=Outcome.PASSED)
    confirmed = any(finding.status is FindingStatus.CONFIRMED for finding in left)
    outcome = Outcome.FAILED if confirmed else Outcome.INCONCLUSIVE
    return CheckResult(check=result.check, outcome=outcome, reason=left[0].title, findings=left)


def _is_of_operation(finding: Finding, exchanges: Mapping[str, Exchange]) -> bool:
    method = finding.operation.partition(" ")[0]
    shown = [exchanges[number] for number in finding.evidence if number in exchanges]
    return any(each.operation == finding.operation and each.request.method == method for each in shown)


def _marked(exchange: Exchange) -> Exchange:
    """Return an exchange whose id is not that of one of the other run."""
    return replace(exchange, id=MARK + exchange.id)


def _of(found: Evidence, names: Iterable[str]) -> list[CheckResult]:
    wanted = {f"contract.{name}" for name in names}
    return [result for result in found.results if result.check in wanted]


def _outcome(kept: list[CheckResult], looked: list[CheckResult]) -> tuple[Outcome, str]:
    for outcome, results in ((Outcome.FAILED, kept), (Outcome.INCONCLUSIVE, [*kept, *looked])):
        reasons = [
            f"{result.check.partition('.')[2]}: {result.reason}" for result in results if result.outcome is outcome
        ]
        if reasons:
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            return outcome, f"of the published document, {reasons[0]}{more}"
    passed = any(result.outcome is Outcome.PASSED for result in kept)
    return (Outcome.PASSED, "") if passed else (Outcome.INCONCLUSIVE, "nothing of the published document was looked at")
