"""The verdict and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The end of a run, and of each gate.

    That nothing was accepted, or compared, yet to hold it against is a gate's alone, or that there was nothing that
    could have been measured. A shard of a run and its gates are judged when it is merged with the others.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_BASELINE = "no-baseline"
    NOTHING_TO_MEASURE = "nothing-to-measure"
    NO_COMPARISON = "no-comparison"
    WHEN_MERGED = "when-merged"

    @property
    def exit_code(self) -> int:
        """Return what the process ends with: 0, 1 or 3; that of a shard is the business of whoever merges."""
        return {Verdict.PASS: 0, Verdict.WHEN_MERGED: 0, Verdict.FAIL: 1}.get(self, 3)

    @property
    def words(self) -> str:
        """Return the status as people read it."""
        words = self.value.replace("-", " ")
        if self is Verdict.WHEN_MERGED:
            return f"judged {words}"
        return f"{words} yet" if self in {Verdict.NO_BASELINE, Verdict.NO_COMPARISON} else words


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One rule, judged: the value is None when it was never measured. An informational one decides nothing.

    `baseline` is what was accepted, where the rule is against that: without it there is no threshold either.
    """

    id: str
    metric: str
    operator: str
    threshold: float | None
    value: float | None
    unit: str
    status: Verdict
    reason: str
    informational: bool = False
    baseline: float | None = None


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Combine verdicts: fail over inconclusive over pass; nothing that was decided at all is inconclusive."""
    seen = set(verdicts)
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS):
        if worst in seen:
            return worst
    return Verdict.INCONCLUSIVE
