"""Named numbers with units."""

from __future__ import annotations

import math
from dataclasses import dataclass

UNITS = frozenset({"ms", "s", "percent", "ratio", "per_s", "count", "bytes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number, its unit, its definition and how many samples stand behind it.

    Percentages run from 0 to 100. Raises ValueError for an unknown unit, a value that is not finite or no samples:
    no data is never a number.
    """

    name: str
    value: float
    unit: str
    definition: str
    samples: int = 1

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"{self.name}: unknown unit {self.unit!r}; known: {', '.join(sorted(UNITS))}")
        if not math.isfinite(self.value) or self.samples < 1:
            raise ValueError(f"{self.name}: {self.value} from {self.samples} samples is no measurement")
