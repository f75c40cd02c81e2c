"""Work that was begun anew after its worker was killed: done once, which shows when every repetition is over."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from seatrial.core import Identity
from seatrial.disrupt import Survivor, Unusable
from seatrial.plugin import check, inconclusive


@check(
    "jobs.ends-once",
    title="work that is begun twice ends once",
    severity="medium",
    needs=("control",),
    presupposes=("jobs.outlives-worker",),
)
def test_ends_once(survivor: Survivor, client_as: Callable[[Identity | None], httpx.Client]) -> None:
    """A job that is done stays as it is while repetitions of it come to their end: a result is stored once."""
    try:
        first, later = survivor.first, survivor.later(client_as(survivor.owner))
    except Unusable as problem:
        inconclusive(str(problem))
    changed = sorted(name for name in first.keys() | later.keys() if first.get(name) != later.get(name))
    assert not changed, f"a job changes after it is done: {', '.join(changed)}"
