"""What follows from the changes of the contract since it was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.config import ContractSettings
from seatrial.core import CheckResult, Finding, Outcome, Severity
from seatrial.openapi.diff import Judged, Level, counting

NO_BREAKING, NO_RISKY = "contract.no-breaking-change", "contract.no-risky-change"


def judge_drift(changes: Sequence[Judged], contract: ContractSettings) -> Iterator[CheckResult]:
    """Yield the outcome of each check that is about the documents alone."""
    yield _result(NO_BREAKING, Severity.HIGH, counting(changes, Level.BREAKING), contract)
    risky = counting(changes, Level.RISKY)
    if risky and contract.risky == "note":
        reason = f"[contract] risky is noted only: {'; '.join(each.title for each in risky)}"
        yield CheckResult(check=NO_RISKY, outcome=Outcome.NOT_TESTED, reason=reason)
    else:
        yield _result(NO_RISKY, Severity.MEDIUM, risky, contract)


def _result(check: str, severity: Severity, found: Sequence[Judged], contract: ContractSettings) -> CheckResult:
    if not found:
        return CheckResult(check=check, outcome=Outcome.PASSED)
    findings = tuple(_finding(check, severity, each, contract) for each in found)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return CheckResult(check=check, outcome=Outcome.FAILED, reason=findings[0].title + more, findings=findings)


def _finding(check: str, severity: Severity, judged: Judged, contract: ContractSettings) -> Finding:
    over = f"; its waiver is over, it held {judged.expired}" if judged.expired else ""
    return Finding(
        check=check,
        severity=severity,
        title=judged.title + over,
        cause=f"{judged.change.kind} at {judged.change.at}",
        operation=judged.operations[0] if judged.operations else "",
        location=contract.baseline,
        detail=", ".join(judged.operations),
    )
