"""Whether two runs of a scenario were sent the same: only then their latencies can be held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

ASKED = {
    "user": "who sends",
    "rate_per_s": "arrivals a second",
    "arrivals": "spacing of arrivals",
    "duration_s": "seconds",
    "deadline_s": "deadline in seconds",
    "identities": "identities",
}
MIXED = 0.1
"""Where more of the requests than this share went to other operations, all of them together are not the same load."""

Stats = Mapping[str, Any]


def sent_otherwise(base: Stats, candidate: Stats) -> list[str]:
    """Return in words what was not sent the same, and why figures describe the generator: empty where neither is so."""
    return [*_asked(base["scenario"], candidate["scenario"]), *_beside(base, candidate), *_doubts(base, candidate)]


def _asked(base: Stats, candidate: Stats) -> Iterator[str]:
    for name, words in ASKED.items():
        if base[name] != candidate[name]:
            yield f"another load was sent ({words}: {base[name]}, then {candidate[name]})"


def _beside(base: Stats, candidate: Stats) -> Iterator[str]:
    """Yield how the schedules differ, second by second where arrivals are not random, and what was sent besides."""
    flooded = [bool(stats["flood"]) for stats in (base, candidate)]
    if flooded[0] != flooded[1]:
        yield f"only the {'base' if flooded[0] else 'candidate'} was flooded meanwhile"
    evenly = {stats["scenario"]["arrivals"] for stats in (base, candidate)} == {"constant"}
    same = base["scenario"]["duration_s"] == candidate["scenario"]["duration_s"]
    if (
        evenly
        and same
        and any(abs(before - now) > 1 for before, now in zip_longest(_due(base), _due(candidate), fillvalue=0))
    ):
        yield "another load was sent (arrivals were due in other seconds)"


def _due(stats: Stats) -> list[int]:
    """Return the arrivals of each second; the seed says when the first one is due, which may move one of them."""
    return [second["due"] for second in stats["seconds"]]


def _doubts(base: Stats, candidate: Stats) -> Iterator[str]:
    for name, stats in (("base", base), ("candidate", candidate)):
        if stats["doubt"]:
            yield f"figures of the {name} are not those of the load as it was asked for: {stats['doubt']}"


def mixed(base: Stats, candidate: Stats) -> float:
    """Return which share of the requests went to other operations."""
    before, now = (_shares(stats) for stats in (base, candidate))
    return sum(abs(now.get(name, 0.0) - before.get(name, 0.0)) for name in {*before, *now}) / 2


def _shares(stats: Stats) -> dict[str, float]:
    counts = {row["operation"]: row["requests"] for row in stats["operations"]}
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()}
