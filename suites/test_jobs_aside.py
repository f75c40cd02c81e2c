"""Work whose worker is killed in the middle: done all the same."""

from __future__ import annotations

from seatrial.config import JobSettings
from seatrial.disrupt import Survivor
from seatrial.plugin import check


@check(
    "jobs.outlives-worker",
    title="work survives the worker that does it",
    severity="high",
    needs=("control",),
    presupposes=("jobs.completed",),
)
def test_outlives_worker(survivor: Survivor, jobs: JobSettings) -> None:
    """Work that was accepted is done although its worker was killed in the middle: deployments and crashes do that."""
    state = survivor.first.get(jobs.status_field)
    assert survivor.done, f"a job whose worker was killed is still {state!r} after {survivor.waited_s:.0f} s"
