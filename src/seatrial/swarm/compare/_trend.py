"""Is what was measured now worse than what was stored before? A hint, and never a verdict.

Stored figures are those of other hours, and perhaps of another machine: what was not measured side by side proves
nothing, but a series of small steps, each of which a comparison lets pass, shows nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from seatrial.swarm.compare._ranks import bounds
from seatrial.swarm.compare._sequential import ALPHA, CLEARLY

FEWEST, MOST = 6, 20
"""How many stored figures there must be, and how many of the latest count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How many times the median of so many stored figures this one is, and whether that is worth a warning."""

    ratio: float
    stored: int
    rising: bool


def trend(value: float, stored: Sequence[float]) -> Trend | None:
    """Return where a figure above 0 stands against the latest of those that were stored; None where they are too few.

    It rises where it is above what the stored ones allow for, by more than a comparison would fail.
    """
    latest = stored[-MOST:]
    if len(latest) < FEWEST:
        return None
    differences = [math.log(value / each) for each in latest]
    rising = bounds(differences, ALPHA).lower > math.log(CLEARLY)
    return Trend(ratio=value / median(latest), stored=len(latest), rising=rising)
