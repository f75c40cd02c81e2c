"""The embedded stack: real PostgreSQL, real Valkey and the project's own programs as child processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from seatrial.stack._base import StackPlan
from seatrial.stack._instances import with_instances
from seatrial.stack._local_running import RunningLocal, unknown_service
from seatrial.stack._local_start import PortTaken, Starter
from seatrial.stack._logs import Redact
from seatrial.stack._members import Roster
from seatrial.stack._pool import ServerPool
from seatrial.stack._prepare import Workshop
from seatrial.stack._processes import status
from seatrial.stack._programs import with_available
from seatrial.stack._ready import answers, wait_until
from seatrial.stack._wiring import check_services

ROSTER = "roster.json"


class LocalStack(RunningLocal):
    """Processes on this machine, from PyPI wheels alone."""

    def __init__(self, plan: StackPlan, *, pool: ServerPool | None = None) -> None:
        entry = plan.settings.stack.entry.partition(":")[0]
        roster = Roster(plan.work / ROSTER)
        super().__init__(roster, run=plan.run, variant=plan.variant, entry=entry, logs=plan.logs, redact=plan.redact)
        self._plan = plan
        self._pool = pool

    @staticmethod
    def attach(state: Mapping[str, object], *, redact: Redact = str) -> RunningLocal:  # type: ignore[override]  # what is up needs no plan
        """Return a handle of a stack that another process started; raises EnvironmentFailure when it is gone."""
        return RunningLocal.attach(state, redact=redact)

    def start(self, progress: Callable[[str], None]) -> None:
        """Start every service and wait until all work.

        Raises UsageError or EnvironmentFailure, with the last log lines of what did not come up and nothing left.
        """
        services = self._plan.settings.stack.local.services
        check_services(services)
        if self._entry not in services:
            raise unknown_service(self._entry, sorted(services))
        settings, missing = with_available(self._plan.settings)
        self.limitations += missing
        self._plan = with_instances(replace(self._plan, settings=settings))
        try:
            self._start(progress)
        except PortTaken:
            progress("a port was taken meanwhile: starting again with others")
            self._start(progress)

    def _start(self, progress: Callable[[str], None]) -> None:
        plan = self._plan
        for folder in (plan.work, plan.share):
            folder.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(plan=plan, pool=self._pool, progress=progress)
        starter = Starter(workshop=workshop, roster=self._roster, timeout_s=plan.settings.stack.start_timeout_s)
        try:
            starter.run()
            self._await_entry(starter)
        except BaseException:
            self.stop()
            raise

    def _await_entry(self, starter: Starter) -> None:
        """Wait for the path that the stack, not only its entry service, is said to be ready by."""
        url = f"{self.url()}{self._plan.settings.stack.ready}"
        handle = self._member(self._entry).handle
        if not wait_until(lambda: answers(url), timeout_s=starter.timeout_s, stop=lambda: status(handle) != "running"):
            raise starter.failure(self._entry, handle)
