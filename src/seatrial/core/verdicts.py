"""The verdict and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The end of a run, and of each gate; the last two are a gate's alone.

    Nothing was accepted yet to hold it against, or there was nothing that could have been measured.
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_BASELINE = "no-baseline"
    NOTHING_TO_MEASURE = "nothing-to-measure"

    @property
    def exit_code(self) -> int:
        """Return what the process ends with: 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1}.get(self, 3)

    @property
    def words(self) -> str:
        """Return the status as people read it."""
        return "no baseline yet" if self is Verdict.NO_BASELINE else self.value.replace("-", " ")


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
