"""What a proof sends around the edges of windows where none should be felt: a sliding window has no edges.

A window that does end somewhere has as much again after that as before. It may go by a client's first request, or by
something else: so one client comes just before and just after a window from its first request, and others a quarter
later each.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.throttle._author import Author
from seatrial.throttle._step import Step, Visit

QUARTERS = 4
LATE = 0.75
"""When, in windows, most of a quota is used that began with its window."""

SMALLEST = 4
"""Of a smaller quota, twice as much is not told from what a counter may give back meanwhile."""

Batches = tuple[tuple[float, int], ...]


def edges(author: Author) -> Iterator[Step]:
    """Yield a step for each place where a window may end; that of the first request shows also that it does."""
    quota, again = author.policy.quota, author.policy.ramp
    returns = ("window-resets",) if author.policy.logs else ()
    yield _edge(author, 0, ((0.0, 1), (LATE, quota - 1), (1.0, again)), claims=("edge-bounded", *returns))
    for number in range(QUARTERS):
        yield _edge(author, number + 1, ((number / QUARTERS, quota), ((number + 1) / QUARTERS, again)))


def _edge(author: Author, number: int, batches: Batches, claims: tuple[str, ...] = ("edge-bounded",)) -> Step:
    user, words = author.user(), ("to begin with", "before an edge", "after an edge")[-len(batches) :]
    visits = (
        Visit(client=user, what=what, requests=count, at=at) for what, (at, count) in zip(words, batches, strict=True)
    )
    return Step(name=f"edge {number}", claims=claims, after="quota", visits=tuple(visits), refusals=True)
