"""What a comparison comes to: the primary metric, the others by Holm, and errors before both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from seatrial.swarm.compare._holm import adjusted
from seatrial.swarm.compare._ranks import bounds, p_greater
from seatrial.swarm.compare._sequential import ALPHA, CLEARLY, LOOKS, SLOWER, Judged, Verdict, judge

ERRORS = 0.01
"""The share of arrivals that were not answered well from which latencies tell nothing: quick refusals are quick."""

NOTHING: Mapping[str, Sequence[float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """The share of arrivals that were not answered well; `more` is how much larger the candidate's is in each pair."""

    base: float = 0.0
    candidate: float = 0.0
    more: Sequence[float] = ()

    @property
    def worse(self) -> bool:
        """Return whether the candidate certainly errs more often, and twice as often as far as one can tell."""
        return self.candidate > 2 * self.base and bool(self.more) and bounds(self.more, ALPHA).lower > 0

    @property
    def tolerable(self) -> bool:
        """Return whether the candidate certainly does not err more often by a share that tells nothing any more."""
        return self.candidate <= self.base or (bool(self.more) and bounds(self.more, ALPHA).upper < ERRORS)

    @property
    def told(self) -> str:
        """Return both shares, as a sentence."""
        return f"the candidate did not answer {self.candidate:.2%} of its arrivals well, the base {self.base:.2%}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The verdict and why; what the looks at the primary metric came to; the others' probabilities, corrected.

    `worse` decide, `dearer` are those of what is informational that would. It is `settled` where more pairs could
    change nothing.
    """

    verdict: Verdict
    reason: str
    primary: Judged
    others: Mapping[str, float]
    worse: tuple[str, ...]
    settled: bool
    dearer: tuple[str, ...] = ()


def conclude(
    differences: Mapping[str, Sequence[float]],
    *,
    primary: str,
    errors: Errors,
    looks: Sequence[int] = LOOKS,
    informational: Mapping[str, Sequence[float]] = NOTHING,
) -> Conclusion:
    """Return the conclusion from log ratios of pairs, at least one, metric by metric.

    What is `informational` is judged among the others and decides nothing: not even their probabilities go by it.
    """
    judged = _judged(differences[primary], looks)
    alone = _probabilities({name: each for name, each in differences.items() if name != primary})
    others, among = adjusted(alone), adjusted({**alone, **_probabilities(informational)})
    told = {name: among[name] for name in informational}
    worse = tuple(name for name in others if _is_worse(differences[name], others[name]))
    verdict, reason = _verdict(primary, judged, worse, errors)
    return Conclusion(
        verdict=verdict,
        reason=reason,
        primary=judged,
        others={**others, **told},
        worse=worse,
        settled=verdict != "inconclusive" or errors.base > ERRORS,
        dearer=tuple(name for name in told if _is_worse(informational[name], told[name])),
    )


def _judged(differences: Sequence[float], looks: Sequence[int]) -> Judged:
    """Return what the looks come to; where more pairs came after a pass, which had to wait then, what the last says."""
    judged = judge(differences, looks)
    last = max((look for look in looks if look <= len(differences)), default=judged.pairs)
    return judge(differences, (last,)) if judged.verdict == "pass" and judged.pairs < last else judged


def _probabilities(differences: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: p_greater(each, math.log(SLOWER)) for name, each in differences.items()}


def _is_worse(differences: Sequence[float], probability: float) -> bool:
    return probability <= ALPHA and bounds(differences, ALPHA).estimate > math.log(CLEARLY)


def _verdict(primary: str, judged: Judged, worse: Sequence[str], errors: Errors) -> tuple[Verdict, str]:
    if errors.base > ERRORS:
        return "inconclusive", f"the base itself did not answer {errors.base:.2%} of its arrivals well"
    if errors.candidate > ERRORS or errors.worse:
        return "fail", errors.told
    told = f"{primary} of the candidate is {described(judged)}"
    if judged.verdict != "fail" and worse:
        return "fail", f"{' and '.join(worse)} of the candidate certainly worse than the base's; {told}"
    if judged.verdict == "pass" and not errors.tolerable:
        return "inconclusive", f"{errors.told}, which may be chance or not; {told}"
    return judged.verdict, told


def described(judged: Judged) -> str:
    """Return a ratio with its bounds, for people."""
    found = judged.found
    sides = [f"certainly {word} {math.exp(bound):.3f}" for word, bound in _sides(found.lower, found.upper)]
    return f"{math.exp(found.estimate):.3f} times the base's ({' and '.join(sides) or 'nothing is certain'})"


def _sides(lower: float, upper: float) -> list[tuple[str, float]]:
    return [(word, bound) for word, bound in (("above", lower), ("below", upper)) if math.isfinite(bound)]
