"""The history of a run for a release manager: the runs before it that asked for the same, and figures over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from seatrial.core import Verdict
from seatrial.record import PastRun, Record
from seatrial.reporting._past import past_run
from seatrial.reporting._trend import Trend, trend

SHORT = 10
"""So many characters of a commit are shown."""

Figure = tuple[str, str, float | None, Trend]
"""A name, a unit, the value of this run, and how it came about."""


def history_of(record: Record) -> dict[str, Any] | None:
    """Return rows of runs, this one first and then the newest, and figures over them; None where it is the first."""
    if not record.earlier:
        return None
    now = past_run(record)
    return {
        "rows": [_row(run) for run in (now, *reversed(record.earlier))],
        "figures": list(_figures(now, record.earlier)),
    }


def _row(run: PastRun) -> dict[str, Any]:
    return {
        "run": run,
        "commit": run.commit[:SHORT] + ("+" if run.commit.endswith("+") else ""),
        "findings": sum(run.findings.values()),
        "unheld": [gate.id for gate in run.gates if gate.status is Verdict.FAIL and not gate.informational],
    }


def _figures(now: PastRun, earlier: tuple[PastRun, ...]) -> Iterator[Figure]:
    """Yield what a release manager follows, whether a rule is about it or not."""
    yield _figure("duration", "s", now, earlier, lambda run: None if run.broke else run.duration_s)
    yield _figure("findings", "count", now, earlier, lambda run: None if run.broke else sum(run.findings.values()))
    for name in now.coverage:
        yield _figure(f"coverage of {name}", "percent", now, earlier, _covered(name))


def _figure(
    name: str, unit: str, now: PastRun, earlier: tuple[PastRun, ...], read: Callable[[PastRun], float | None]
) -> Figure:
    """Return a figure with its trend: more of what is counted in percent is better, less of all else."""
    return name, unit, read(now), trend(read(now), unit, earlier, read, better=1 if unit == "percent" else -1)


def _covered(name: str) -> Callable[[PastRun], float | None]:
    return lambda run: run.coverage.get(name)
