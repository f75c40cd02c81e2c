"""How a check can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seatrial.core.findings import Finding, FindingStatus


class Outcome(StrEnum):
    """How a check ended; only `passed` says that its claim holds."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"
    NOT_APPLICABLE = "not-applicable"
    NOT_TESTED = "not-tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The outcome of one check, with its reason and the findings that show it.

    `reason` may be empty only for a pass, which carries no finding but flaky ones. `duration_s` is in seconds.
    """

    check: str
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    duration_s: float = 0.0

    def __post_init__(self) -> None:
        if self.outcome is not Outcome.PASSED and not self.reason:
            raise ValueError(f"{self.check}: {self.outcome} needs a reason")
        if self.outcome is Outcome.PASSED and any(each.status is not FindingStatus.FLAKY for each in self.findings):
            raise ValueError(f"{self.check}: passed, but carries findings that are not flaky")
