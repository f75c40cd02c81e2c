"""What the whole rule does with bursts that a real service was really sent: tests/benchmarks/paired.py --record.

Each kind has the first six pairs of ten comparisons; docs/how-to/compare-load.md says where they were sent.
"""

from __future__ import annotations

import csv
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from seatrial.swarm.compare import LOOKS, Errors, conclude

BLOCKS = Path(__file__).with_name("data") / "paired_blocks.csv"
DRAWS = 1000


def recorded() -> Mapping[str, list[dict[str, float]]]:
    """Return the pairs of tests/benchmarks/paired.py --record, by kind, as log ratios."""
    found: dict[str, list[dict[str, float]]] = {}
    with BLOCKS.open(newline="") as stream:
        for row in csv.DictReader(stream):
            ratios = {
                name: math.log(float(row[f"candidate_{name}_ms"]) / float(row[f"base_{name}_ms"]))
                for name in ("p50", "p95")
            }
            found.setdefault(row["kind"], []).append(ratios)
    return found


def verdicts(pairs: Sequence[Mapping[str, float]], *, seed: int) -> Counter[str]:
    """Return how often whole comparisons of pairs drawn from these end how."""
    chance = random.Random(seed)  # noqa: S311 - repeatable
    ends: Counter[str] = Counter()
    for _ in range(DRAWS):
        drawn = chance.choices(pairs, k=LOOKS[-1])
        for look in LOOKS:
            differences = {name: [pair[name] for pair in drawn[:look]] for name in ("p50", "p95")}
            found = conclude(differences, primary="p95", errors=Errors())
            if found.settled:
                break
        ends[found.verdict] += 1
    return ends


@pytest.mark.parametrize("seed", range(3))
def test_real_bursts_raise_hardly_a_false_alarm(seed: int) -> None:
    """Of comparisons of bursts that one version was really sent, at most 2 of 100 fail."""
    assert verdicts(recorded()["same"], seed=seed)["fail"] <= 0.02 * DRAWS


@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_more_is_caught(seed: int) -> None:
    """Of comparisons of bursts of a service with one that really takes 10 % longer, at least 95 of 100 fail."""
    assert verdicts(recorded()["slower"], seed=seed)["fail"] >= 0.95 * DRAWS
