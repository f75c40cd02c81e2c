"""Which lines load reaches: a few of its arrivals on the instrumented stack, which judge nothing.

The verdict on load comes from the clean one alone; here it counts for the suite `load` of who reached what.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from seatrial.campaign._background import in_background
from seatrial.campaign._run import Run
from seatrial.config import ScenarioSettings
from seatrial.core import SeatrialError, Target
from seatrial.record import LimitationNoted
from seatrial.stack import Stack

if TYPE_CHECKING:
    from seatrial.swarm import FewArrivals


class LoadAttribution:
    """Send a few arrivals of each scenario of the profile, once, by a process that is started ahead."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._process: Future[FewArrivals] | None = None
        due = {name: one for name, one in run.settings.load.items() if run.options.profile in one.duration_s}
        self._due = {name: one for name, one in due.items() if not one.traffic}
        self._made = sorted(due.keys() - self._due.keys())

    @property
    def pending(self) -> bool:
        """Return whether there is something to send, or to say of what is not sent."""
        return bool(self._due or self._made)

    def start(self) -> None:
        """Begin to start the process, and return at once; once."""
        if self._process is None and self._due:
            self._process = in_background(self._open, name="ahead-attribution")

    def _open(self) -> FewArrivals:
        from seatrial.swarm import FewArrivals  # noqa: PLC0415 - needed by load only

        run = self._run
        return FewArrivals(run=run.id, cwd=run.settings.root, log=run.work / "attribution.log")

    def send(self, stack: Stack) -> None:
        """Send them to a stack; what goes wrong leaves load without lines, which is said, and fails nothing."""
        process, due, made = self._process, self._due, self._made
        self._process, self._due, self._made = None, {}, []
        if made:  # to make their requests anew for this stack takes seconds
            self._note(f"what load reaches was not measured of {', '.join(made)}, which sends requests of the contract")
        if process is None:
            return
        try:
            self._send(process.result(), stack, due)
        except SeatrialError as error:
            self._note(f"what load reaches was not measured: {error.what}")

    def _send(self, process: FewArrivals, stack: Stack, due: dict[str, ScenarioSettings]) -> None:
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
                for name, scenario in due.items()
            ]
            if not process.send(plans):
                self._note("what load reaches was not measured to its end: the process that sends it was stopped")
        finally:
            process.close()

    def _note(self, what: str) -> None:
        self._run.recorder.emit(LimitationNoted(note=f"coverage: {what}"))

    def close(self) -> None:
        """End the process if nobody needed it."""
        process, self._process = self._process, None
        if process and process.exception() is None:
            process.result().close()
