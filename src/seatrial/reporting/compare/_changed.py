"""What changed, in plain sentences, for whoever has room for no more than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.reporting.compare._words import ALL_OPERATIONS, interval, shares, told_apart


def changed_lines(found: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield checks, coverage and load that changed: a heading, and a line of each; nothing stands in both."""
    yield (
        "Checks that changed",
        [
            f"{each['check']}: {each['base'] or 'not in the run'} before, {each['candidate'] or 'not in the run'} now"
            for each in found["checks"]
        ],
    )
    components = found["coverage"]["components"] if found["coverage"] else []
    yield (
        "Coverage that changed",
        [
            f"{row['name']}: {now} (before: {before})"
            for row in components
            if row["base"] != row["candidate"]
            for before, now in [shares(row)]
        ],
    )
    yield "Load that certainly changed, in runs that are not paired", list(_certain(found["load"]))


def _certain(load: list[dict[str, Any]]) -> Iterator[str]:
    for scenario in load:
        for operation in scenario["operations"]:
            for name, each in operation["figures"].items():
                if each["state"] in {"worse", "better"}:
                    what = f"{scenario['scenario']}, {operation['operation'] or ALL_OPERATIONS}, {name}"
                    values = f"{interval(name, each['candidate'])}, before {interval(name, each['base'])}"
                    yield f"{what}: {told_apart(name, each)}: {values}"
