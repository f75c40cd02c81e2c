"""The rule: after how many pairs one looks, and when a look decides.

Fail: the candidate is certainly slower by 2 %, and by 5 % as far as one can tell. Pass: it is certainly not slower by
9 %. Neither: more pairs, and in the end inconclusive. Each of these certainties may be wrong in `ALPHA` of all cases
at each look; a failure of what is as fast has to be wrong by more than 2 %, which is much rarer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.swarm.compare._ranks import Bounds, bounds

Verdict = Literal["pass", "fail", "inconclusive"]

LOOKS = (6, 10, 16, 24, 36)
"""After so many pairs; fewer than six can never be certain enough."""

ALPHA = 0.02
SLOWER, CLEARLY, TOLERATED = 1.02, 1.05, 1.09
"""How many times as long: what is certain of a failure, what is likely of it, and what is ruled out by a pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the looks came to after so many pairs; `found` are bounds of the ratio's logarithm."""

    verdict: Verdict
    pairs: int
    found: Bounds


def looks_up_to(most: int) -> tuple[int, ...]:
    """Return the looks where there are at most so many pairs: the last is when all of them are there.

    After the usual ones, there is one more whenever there are half as many again.
    """
    looks = [*LOOKS]
    while looks[-1] < most:
        looks.append(looks[-1] * 3 // 2)
    return (*(look for look in looks if look < most), most)


def judge(differences: Sequence[float], looks: Sequence[int] = LOOKS) -> Judged:
    """Return what the first look that decides says of log ratios of pairs, of which there is at least one.

    Looks for which there are not enough pairs are not taken; without any, nothing is decided.
    """
    judged = Judged(verdict="inconclusive", pairs=len(differences), found=bounds(differences, ALPHA))
    for look in looks:
        if look > len(differences):
            break
        found = bounds(differences[:look], ALPHA)
        judged = Judged(verdict=verdict_of(found), pairs=look, found=found)
        if judged.verdict != "inconclusive":
            break
    return judged


def verdict_of(found: Bounds) -> Verdict:
    """Return what one look says."""
    if found.lower > math.log(SLOWER) and found.estimate > math.log(CLEARLY):
        return "fail"
    return "pass" if found.upper < math.log(TOLERATED) else "inconclusive"
