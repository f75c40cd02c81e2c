"""Several load processes that send one scenario together: each its share, from one instant on, counted as one."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from seatrial.swarm._histogram import Histogram, merge
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import START_TIMEOUT_S, Ending, LoadProcess, Message

SUMS = ("due", "started", "dropped", "answered", "failed", "unfinished", "failures", "limited", "proven")
CHUNK = 1 << 20
WORST = ("p50_ms", "p99_ms", "lag_ms", "busy")


class Team:
    """The processes of one attempt."""

    def __init__(self, processes: Sequence[LoadProcess]) -> None:
        self._processes = processes
        self._start = threading.Barrier(len(processes), action=self._begin)
        self._on_ready: Callable[[], object] = lambda: None
        self._on_shown: Callable[[Message], None] = lambda _: None
        self._ticks: dict[int, Message] = {}

    @property
    def logs(self) -> list[Path]:
        """Return where each process writes its log."""
        return [process.log for process in self._processes]

    def run(
        self,
        plan: Plan,
        on_tick: Callable[[Message], None],
        on_ready: Callable[[], object] = lambda: None,
        on_shown: Callable[[Message], None] = lambda _: None,
    ) -> Ending:
        """Send a plan and return how that ended; raises UsageError when its load file cannot be used.

        `on_ready` is called once, when all are ready, and returns when the first arrival may be due. `on_shown` takes
        what any of them has for Locust's web page.
        """
        count, self._on_ready, self._on_shown = len(self._processes), on_ready, on_shown
        if count == 1:
            return self._processes[0].run(plan, on_tick, on_ready, on_shown)
        plans = [replace(plan, share=(number, count), requests=part_of(plan, number)) for number in range(count)]
        with ThreadPoolExecutor(count, thread_name_prefix="load") as pool:
            running = [pool.submit(self._run, number, one, on_tick) for number, one in enumerate(plans)]
            try:
                endings = [one.result() for one in running]
            except BaseException:  # also Ctrl-C: nobody sends on
                self.interrupt()
                raise
        gather(plan, count)
        return together(endings)

    def stop(self) -> None:
        """Let all processes end their load now, and report it as far as it came."""
        for process in self._processes:
            process.stop()

    def close(self) -> None:
        """Make sure that none is left, also of those that never ran."""
        for process in self._processes:
            process.close()

    def interrupt(self) -> None:
        """Kill all processes, from another thread than the one that runs them."""
        for process in self._processes:
            process.interrupt()

    def _run(self, number: int, plan: Plan, on_tick: Callable[[Message], None]) -> Ending:
        def tell(tick: Message) -> None:
            self._ticks[number] = tick
            if number == 0:
                on_tick(sum_of(list(self._ticks.values())))

        try:
            return self._processes[number].run(plan, tell, self._wait, self._on_shown)
        except threading.BrokenBarrierError:  # another one never got ready: its own ending says why
            return Ending(report=None, exit_code=0)
        finally:
            self._start.abort()  # nobody waits for one that has ended; who has begun is not waiting

    def _wait(self) -> None:
        """Return when all are ready; raises BrokenBarrierError when one never will be."""
        self._start.wait(START_TIMEOUT_S)

    def _begin(self) -> None:
        self._on_ready()


def part_of(plan: Plan, number: int) -> str:
    """Return where a process of a team writes its requests: the first one where all of them will be."""
    return f"{plan.requests}.{number}" if number else plan.requests


def gather(plan: Plan, count: int) -> None:
    """Put the requests of all processes into one file, without what a killed one left of its last row."""
    parts = [Path(part_of(plan, number)) for number in range(count)]
    with parts[0].open("a+b") as whole:
        whole.truncate(_end_of_rows(whole))
        for part in filter(Path.is_file, parts[1:]):
            with part.open("rb") as rows:
                rows.readline()
                shutil.copyfileobj(rows, whole, CHUNK)
            whole.truncate(_end_of_rows(whole))
            part.unlink()


def _end_of_rows(file: BinaryIO) -> int:
    """Return where the last whole row ends: a cause has no line of its own, so that every line is one."""
    start = file.seek(0, os.SEEK_END)
    while start:
        end, start = start, max(start - CHUNK, 0)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            return start + found + 1
    return 0


def sum_of(ticks: Sequence[Message]) -> dict[str, Any]:
    """Return one tick for all: counts added up, and the worst of the others."""
    worst = {key: max((tick[key] for tick in ticks if tick[key] is not None), default=None) for key in WORST}
    elapsed_s = min(tick["elapsed_s"] for tick in ticks)
    return {"elapsed_s": elapsed_s, **worst, **{key: sum(tick[key] for tick in ticks) for key in SUMS}}


def together(endings: Sequence[Ending]) -> Ending:
    """Return one ending: where a process did not report, nobody did."""
    lost = [one for one in endings if one.report is None or one.exit_code or one.overdue]
    if lost:
        return next((one for one in lost if one.exit_code or one.overdue), lost[0])
    return Ending(report=report_of([one.report for one in endings if one.report]), exit_code=0)


def report_of(reports: Sequence[Message]) -> dict[str, Any]:
    """Return one report for all, as one process would have told it."""
    ledger: Counter[str] = Counter()
    for report in reports:
        ledger.update(report["ledger"])
    return {
        "ledger": dict(ledger),
        "rows": sum(report["rows"] for report in reports),
        "recorded": _recorded([kind for report in reports for kind in report["recorded"]]),
        "samples": [sample for report in reports for sample in report["samples"]],
        "cpu_s": sum(report["cpu_s"] for report in reports),
        "wall_s": max(report["wall_s"] for report in reports),
        "busiest": max(report["cpu_s"] / report["wall_s"] for report in reports),
        "workers": len(reports),
        "locust": reports[0]["locust"],
    }


def _recorded(kinds: Sequence[Message]) -> list[dict[str, Any]]:
    """Return each kind once, with the times of all."""
    names = sorted({(kind["operation"], kind["status"], kind["outcome"]) for kind in kinds})
    return [
        _kind(name, [one for one in kinds if (one["operation"], one["status"], one["outcome"]) == name])
        for name in names
    ]


def _kind(name: tuple[str, int, str], parts: Sequence[Message]) -> dict[str, Any]:
    operation, status, outcome = name
    times = {key: merge(Histogram.decode(part[key]) for part in parts).encode() for key in ("latency_us", "service_us")}
    return {
        "operation": operation,
        "status": status,
        "outcome": outcome,
        "count": sum(one["count"] for one in parts),
        **times,
    }
