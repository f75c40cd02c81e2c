"""Load of two runs, scenario by scenario: each figure with its interval, and whether the difference is certain."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.reporting._handed import read_handed
from seatrial.reporting.compare._figures import FIGURES, Figures, figures_between
from seatrial.reporting.compare._sent import MIXED, mixed, sent_otherwise
from seatrial.swarm.compare import ALL, Series, Within, figures_within, read_series

STATS = "stats.json"
LAGS = ("p50", "p99")
"""How late the generator was tells how busy the machine was: in the middle, and at times."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a scenario left in one run: its statistics, and its rows where all of them can be read."""

    stats: Mapping[str, Any]
    series: Mapping[str, Series]

    @property
    def requests(self) -> dict[str, int]:
        """Return how many requests each operation was sent."""
        return {row["operation"]: row["requests"] for row in self.stats["operations"]}


def load_between(base: Path, candidate: Path) -> list[dict[str, Any]]:
    """Return every scenario of either run's directory."""
    names = sorted({file.parent.name for side in (base, candidate) for file in side.glob(f"load/*/{STATS}")})
    return [_scenario(name, *(side / "load" / name for side in (base, candidate))) for name in names]


def _scenario(name: str, base: Path, candidate: Path) -> dict[str, Any]:
    """Return a scenario: `why` says why its figures are not held against each other, empty where they are."""
    sides = [_read(folder) for folder in (base, candidate)]
    why = [
        f"the {side} {_missing(folder)}"
        for side, folder, found in zip(("base", "candidate"), (base, candidate), sides, strict=True)
        if found is None
    ]
    before, now = sides
    if before and now:
        why = sent_otherwise(before.stats, now.stats)
    lags = {"base": _lags_ms(before), "candidate": _lags_ms(now)}
    rows = list(_operations(before, now, compared=not why, later=_later(**lags)))
    return {"scenario": name, "why": why, "notes": list(_notes(before, now)), "lag_ms": lags, "operations": rows}


def _lags_ms(side: Sent | None) -> dict[str, float] | None:
    """Return how late the generator began what was due; None where that is not known."""
    lags = side.stats["generator"]["start_lag_ms"] if side else {}
    return {name: lags[name] for name in LAGS} if all(lags.get(name) for name in LAGS) else None


def _later(base: Mapping[str, float] | None, candidate: Mapping[str, float] | None) -> list[float]:
    return [candidate[name] / base[name] for name in LAGS] if base and candidate else []


def _missing(folder: Path) -> str:
    there = (folder / STATS).exists()
    return f"left a {STATS} that cannot be read: cut, or of another version" if there else "did not send it"


def _read(folder: Path) -> Sent | None:
    stats = read_handed(folder / STATS, "load-stats-1")
    if not stats:
        return None
    series = read_series(folder / "requests.csv")
    counts = {name: len(found.latencies_ms) for name, found in series.items() if name != ALL}
    whole = counts == {row["operation"]: row["requests"] for row in stats["operations"]}
    return Sent(stats, series if whole else {})


def _notes(base: Sent | None, candidate: Sent | None) -> Iterator[str]:
    for name, side in (("base", base), ("candidate", candidate)):
        if side and not side.requests:
            yield f"no request of the {name} was timed"
        elif side and not side.series:
            yield f"requests.csv of the {name} is not there or not whole, so that its figures have no intervals"
    if base and candidate and (share := _mixed(base, candidate)) > MIXED:
        yield f"{share:.0%} of the requests went to other operations: all together are not compared"


def _mixed(base: Sent, candidate: Sent) -> float:
    """Return which share of the requests went to other operations; none where one of the runs has no requests."""
    return mixed(base.stats, candidate.stats) if base.requests and candidate.requests else 0.0


def _operations(
    base: Sent | None, candidate: Sent | None, *, compared: bool, later: Sequence[float]
) -> Iterator[dict[str, Any]]:
    """Yield all operations together where both runs sent them alike, and each of them."""
    before, now = (side.requests if side else {} for side in (base, candidate))
    whole = before and now and base and candidate and base.series and candidate.series
    alike = whole and base and candidate and _mixed(base, candidate) <= MIXED
    for name in (*([ALL] if alike else []), *dict.fromkeys([*now, *before])):
        yield {
            "operation": name,
            "base_requests": before.get(name, 0) if name else sum(before.values()),
            "candidate_requests": now.get(name, 0) if name else sum(now.values()),
            "figures": figures_between(_own(name, base), _own(name, candidate), compared=compared, later=later),
        }


def _own(name: str, side: Sent | None) -> Figures:
    """Return the figures of an operation in one run, without intervals where its rows are not there."""
    if side is None or (name != ALL and name not in side.requests):
        return Figures({}, certain=False)
    if side.series:
        duration_s: float = side.stats["scenario"]["duration_s"]
        return Figures(figures_within(side.series[name], duration_s=duration_s), certain=True)
    (row,) = (row for row in side.stats["operations"] if row["operation"] == name)
    return Figures({figure: Within(value=row[figure], low=0.0, high=math.inf) for figure in FIGURES}, certain=False)
