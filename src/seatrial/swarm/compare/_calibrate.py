"""How often the rule would raise a false alarm on this machine, and which change it would find.

Pairs of one version, drawn again and again from those that were measured, go through the rule; so do the same pairs
with a change put upon the candidate's side. Which of a pair counts as the candidate is drawn too: of one version, both
are equally so.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.swarm.compare._conclude import Errors, conclude
from seatrial.swarm.compare._sequential import LOOKS, Verdict

DRAWS = 1000
CHANGES = (1.0, 1.05, 1.08, 1.1, 1.12, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 2.0)
CAUGHT = 0.95
"""The share of changes that has to fail before they count as found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Shares of verdicts by change (1: none), how many pairs a comparison takes, and what is found at the least."""

    shares: Mapping[float, Mapping[Verdict, float]]
    mean_pairs: Mapping[float, float]

    @property
    def false_alarms(self) -> float:
        """Return the share of comparisons of one version that fail."""
        return self.shares[1.0]["fail"]

    @property
    def smallest(self) -> float | None:
        """Return the smallest change from which on every larger one is found, None where there is none."""
        found = None
        for change in sorted(self.shares, reverse=True):
            if self.shares[change]["fail"] < CAUGHT:
                break
            found = change
        return found


def calibrate(
    differences: Mapping[str, Sequence[float]],
    *,
    primary: str,
    seed: int,
    looks: Sequence[int] = LOOKS,
    draws: int = DRAWS,
) -> Calibration:
    """Return what the rule does with pairs such as these log ratios, metric by metric, which are of one version."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    verdicts: dict[float, Counter[Verdict]] = {change: Counter() for change in CHANGES}
    pairs: Counter[float] = Counter()
    for _ in range(draws):
        drawn = _draw(differences, chance, looks[-1])
        for change in CHANGES:
            verdict, used = _end(drawn, math.log(change), primary, looks)
            verdicts[change][verdict] += 1
            pairs[change] += used
    return Calibration(
        shares={change: _shares(verdicts[change], draws) for change in CHANGES},
        mean_pairs={change: pairs[change] / draws for change in CHANGES},
    )


def _draw(differences: Mapping[str, Sequence[float]], chance: random.Random, count: int) -> dict[str, list[float]]:
    """Return so many pairs: the figures of a pair stay together, and which side is the candidate is drawn."""
    indices = chance.choices(range(len(next(iter(differences.values())))), k=count)
    signs = chance.choices((-1, 1), k=count)
    return {name: [sign * of[at] for at, sign in zip(indices, signs, strict=True)] for name, of in differences.items()}


def _end(
    drawn: Mapping[str, Sequence[float]], change: float, primary: str, looks: Sequence[int]
) -> tuple[Verdict, int]:
    """Return how the looks end where every pair is greater by so much, and after how many pairs."""
    verdict: Verdict = "inconclusive"
    for look in looks:
        seen = {name: [value + change for value in values[:look]] for name, values in drawn.items()}
        verdict = conclude(seen, primary=primary, errors=Errors(), looks=(look,)).verdict
        if verdict != "inconclusive":
            return verdict, look
    return verdict, looks[-1]


def _shares(counts: Counter[Verdict], draws: int) -> dict[Verdict, float]:
    verdicts: tuple[Verdict, ...] = ("pass", "fail", "inconclusive")
    return {verdict: counts[verdict] / draws for verdict in verdicts}
