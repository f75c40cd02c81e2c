"""Which lines load reaches: a few arrivals of each scenario."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from seatrial.campaign._attribution import Attribution
from seatrial.campaign._background import in_background
from seatrial.campaign._run import Run
from seatrial.core import Target
from seatrial.stack import Stack

if TYPE_CHECKING:
    from seatrial.swarm import FewArrivals


class LoadAttribution(Attribution):
    """Send a few arrivals of each scenario of the profile, by a process that is started ahead."""

    suite, reaching = "load", "what load reaches"

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._process: Future[FewArrivals] | None = None
        due = {name: one for name, one in run.settings.load.items() if run.options.profile in one.duration_s}
        self._due = {name: one for name, one in due.items() if not one.traffic}
        self._made = sorted(due.keys() - self._due.keys())

    @property
    def _declared(self) -> bool:
        return bool(self._due or self._made)

    def start(self) -> None:
        """Begin to start the process, and return at once; once."""
        if self._process is None and self._due:
            self._process = in_background(self._open, name="ahead-attribution")

    def _open(self) -> FewArrivals:
        from seatrial.swarm import FewArrivals  # noqa: PLC0415 - needed by load only

        run = self._run
        return FewArrivals(run=run.id, cwd=run.settings.root, log=run.work / "attribution.log")

    def _send(self, stack: Stack) -> None:
        if self._made:  # to make their requests anew for this stack takes seconds
            self._note(f" of {', '.join(self._made)}, which sends requests of the contract")
        process, self._process = self._process, None
        if process:
            self._ask(process.result(), stack)

    def _ask(self, process: FewArrivals, stack: Stack) -> None:
        from seatrial.campaign._traffic import traffic_of  # noqa: PLC0415 - needed by load only
        from seatrial.swarm import plan_few  # noqa: PLC0415 - as above

        run, target = self._run, Target(url=stack.url(), variant=stack.variant)
        try:
            plans = [
                plan_few(
                    name,
                    scenario,
                    target=target,
                    identities=run.identities.at(target.url),
                    profile=run.options.depth,
                    seed=run.seed,
                    work=run.work,
                    root=run.settings.root,
                    limits=run.settings.limits,
                    environment=run.variables(stack.variant),
                    traffic=traffic_of(run, target, name, scenario),
                )
                for name, scenario in self._due.items()
            ]
            if not process.send(plans):
                self._note(" to its end: the process that sends it was stopped")
        finally:
            process.close()

    def close(self) -> None:
        """End the process if nobody needed it."""
        process, self._process = self._process, None
        if process and process.exception() is None:
            process.result().close()
