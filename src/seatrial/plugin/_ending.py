"""How a run ends in files: every report but the verdict, the history, and the verdict last.

record --write_reports--> reports --again: what is to be said of them--> history --> verdict.json
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, Verdict
from seatrial.plugin._history import keep_run
from seatrial.record import Record, Recorder, RunFailed, RunFinished


def write_ending(
    record: Record,
    recorder: Recorder,
    settings: Settings,
    *,
    took_s: Callable[[], float],
    again: Callable[[], bool] = lambda: False,
) -> None:
    """Write every report, keep the run for later ones, and write the verdict: whatever ends this before leaves none.

    `again` is asked once reports are there, and says whether it wrote down more of the run, which is to stand in them.
    Raises the EnvironmentFailure of a report that could not be written, once all others are.
    """
    from seatrial.reporting import VERDICT, write_reports  # noqa: PLC0415 - templates are needed at the end only

    broken: EnvironmentFailure | None = None
    try:
        write_reports(recorder.directory, but=VERDICT)
    except EnvironmentFailure as error:
        broken = error
        end_otherwise(record, recorder, error, took_s=took_s())
    changed = again()
    kept = keep_run(record, recorder, settings)
    if changed or broken or not kept:
        with contextlib.suppress(EnvironmentFailure):  # it was told, above
            write_reports(recorder.directory, but=VERDICT)
    write_reports(recorder.directory, only=VERDICT)
    if broken:
        raise broken


def end_otherwise(record: Record, recorder: Recorder, error: EnvironmentFailure, *, took_s: float) -> None:
    """Write down that a run proves nothing after all, and why."""
    before = record.failure
    reason = f"{error}; before that: {before.reason.splitlines()[0]}" if before else str(error)
    recorder.emit(RunFailed(reason=reason, exit_code=error.exit_code))
    recorder.emit(RunFinished(verdict=Verdict.INCONCLUSIVE, reason=reason, duration_s=took_s))
