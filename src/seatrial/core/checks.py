"""What a check is, and the graph of what checks presuppose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from seatrial.core.errors import UsageError
from seatrial.core.findings import Severity

SLUG = re.compile(r"[a-z][a-z0-9]*\.[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim about the product under test that one pytest item decides.

    `slug` is `area.noun-phrase` and stable, because waivers name it. `needs` names capabilities of the stack
    (`logs`, `exec`, `coverage`, ...), `presupposes` names checks without which this one means nothing. A `safe` one
    sends a few requests that change nothing, and needs no more than a URL.
    """

    slug: str
    title: str
    severity: Severity
    suite: str
    claim: str = ""
    needs: tuple[str, ...] = ()
    presupposes: tuple[str, ...] = ()
    cwe: tuple[int, ...] = ()
    owasp: tuple[str, ...] = ()
    safe: bool = False

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.slug):
            raise UsageError(
                f"{self.slug!r} is no check slug",
                slug="check-slug",
                remedy="write area.noun-phrase in lower case, for example health.liveness-independent",
            )


def in_order(checks: Mapping[str, Check]) -> tuple[str, ...]:
    """Return slugs so that each comes after what it presupposes; raises UsageError for a circle."""
    graph = {slug: [p for p in check.presupposes if p in checks] for slug, check in checks.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UsageError(
            "checks presuppose each other in a circle",
            slug="check-circle",
            where=" -> ".join(error.args[1]),
            remedy="remove one `presupposes` of the circle",
        ) from error


def find_blocker(check: Check, passed: Iterable[str], ended: Iterable[str]) -> str | None:
    """Return the first presupposed check that ended without a pass, or None."""
    good, done = set(passed), set(ended)
    return next((slug for slug in check.presupposes if slug in done and slug not in good), None)
