"""Processes of engines that are started before they are needed: to import an engine takes seconds of waiting."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from seatrial.campaign._background import in_background
from seatrial.campaign._run import Run

if TYPE_CHECKING:
    from seatrial.fuzz import EngineProcess
    from seatrial.swarm import LoadProcess

MOST_SCENARIOS = 3
"""Each holds some 70 MB while it waits."""


class Ahead:
    """Start the processes of one run once; each is handed out once, or ended."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._fuzzer: Future[EngineProcess] | None = None
        self._scenarios: dict[str, Future[LoadProcess]] = {}
        self._begun = False

    def start(self) -> None:
        """Begin to start whatever the selected suites will need, and return at once; once."""
        if self._begun:
            return
        self._begun = True
        run, settings = self._run, self._run.settings
        if "contract" in run.suites and settings.contract and not run.unsigned:
            self._fuzzer = in_background(self._start_fuzzer, name="ahead-contract")
        if "load" in run.suites and not run.unsigned:
            due = [name for name, one in settings.load.items() if run.options.profile in one.duration_s]
            for name in due[:MOST_SCENARIOS]:
                self._scenarios[name] = in_background(self._starter(name), name=f"ahead-{name}")

    def _start_fuzzer(self) -> EngineProcess:
        from seatrial.fuzz import EngineProcess  # noqa: PLC0415 - needed by this instrument only

        return EngineProcess(self._run.id)

    def _starter(self, name: str) -> Callable[[], LoadProcess]:
        from seatrial.campaign._crew import crew_of  # noqa: PLC0415 - needed by this instrument only
        from seatrial.swarm import start_ahead  # noqa: PLC0415 - as above

        run = self._run
        return lambda: start_ahead(name, run=run.id, work=run.work, root=run.settings.root, crew=crew_of(run.options))

    def fuzzer(self) -> EngineProcess | None:
        """Return the fuzzer's process, the first time; raises what its start raised."""
        future, self._fuzzer = self._fuzzer, None
        return future.result() if future else None

    def scenario(self, name: str) -> LoadProcess | None:
        """Return the process of a load scenario, the first time; raises what its start raised."""
        future = self._scenarios.pop(name, None)
        return future.result() if future else None

    def close(self) -> None:
        """End what nobody asked for."""
        waiting = [self._fuzzer, *self._scenarios.values()]
        self._fuzzer, self._scenarios = None, {}
        for future in waiting:
            if future and future.exception() is None:
                future.result().close()
