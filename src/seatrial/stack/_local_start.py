"""Start the services of a local stack, each as soon as what it needs works.

services --prepare, all at once--> addresses --launch in order of `needs`--> ready, or everything stopped
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from seatrial.config import LocalService
from seatrial.core import EnvironmentFailure
from seatrial.stack._members import Member, Roster
from seatrial.stack._ports import pick_ports
from seatrial.stack._prepare import Prepared, Workshop
from seatrial.stack._processes import Handle, exit_code, launch, status
from seatrial.stack._ready import wait_until
from seatrial.stack._wiring import uses_own_port

T = TypeVar("T")
SHOWN = 20
TAKEN = "address already in use"


class PortTaken(EnvironmentFailure):
    """Somebody took a port between the choice and the use: worth one more try."""


class Cancelled(EnvironmentFailure):
    """Another service failed first."""


@dataclass(slots=True, kw_only=True)
class Starter:
    """One attempt to start all services."""

    workshop: Workshop
    roster: Roster
    timeout_s: float

    @property
    def _services(self) -> Mapping[str, LocalService]:
        return self.workshop.plan.settings.stack.local.services

    def run(self) -> None:
        """Start everything; raises the first error, with what was started still running."""
        ports = dict(zip(self._services, pick_ports(len(self._services)), strict=True))
        self.roster.write({name: _declared(name, self._services[name], port) for name, port in ports.items()})
        with ThreadPoolExecutor(max_workers=len(self._services)) as threads:
            try:
                self._run(threads, ports)
            except BaseException:
                self.workshop.given_up.set()
                raise
        self._check_alive()

    def _run(self, threads: ThreadPoolExecutor, ports: Mapping[str, int]) -> None:
        prepared = _results({name: threads.submit(self._prepare, name, ports[name]) for name in self._services})
        values = {f"{name}.port": str(port) for name, port in ports.items()}
        values |= {f"{name}.url": item.url for name, item in prepared.items()}
        _results(self._start_all(threads, prepared, values))

    def _prepare(self, name: str, port: int) -> Prepared:
        """Prepare a service and write down at once what it holds of a pool."""
        item = self.workshop.prepare(name, self._services[name], port)
        with self.roster.changed() as members:
            members[name] = replace(members[name], url=item.url, pool=item.pool, lease=item.lease)
        return item

    def _start_all(
        self, threads: ThreadPoolExecutor, prepared: Mapping[str, Prepared], values: Mapping[str, str]
    ) -> dict[str, Future[None]]:
        done = {name: threading.Event() for name in prepared}
        return {name: threads.submit(self._start, name, prepared[name], values, done) for name in prepared}

    def _start(self, name: str, item: Prepared, values: Mapping[str, str], done: Mapping[str, threading.Event]) -> None:
        try:
            for need in self._services[name].needs:
                while not done[need].wait(0.02):
                    self._check_cancelled()
            self._start_one(name, item, values)
        except BaseException:
            self.workshop.given_up.set()
            raise
        done[name].set()

    def _start_one(self, name: str, item: Prepared, values: Mapping[str, str]) -> None:
        self._check_cancelled()
        wanted = item.launch(values)
        Path(wanted.log).unlink(missing_ok=True)
        with self.roster.changed() as members:
            handle = launch(wanted)
            members[name] = replace(members[name], launch=wanted, handle=handle)
        self.workshop.progress(f"waiting for {name}")
        ready = wait_until(lambda: item.ready(wanted), timeout_s=self.timeout_s, stop=lambda: self._ended(handle))
        self._check_cancelled()
        if not ready:
            raise self.failure(name, handle)
        item.settle()

    def _ended(self, handle: Handle) -> bool:
        return self.workshop.given_up.is_set() or status(handle) != "running"

    def _check_cancelled(self) -> None:
        if self.workshop.given_up.is_set():
            raise Cancelled("another service failed", slug="service-unready")

    def _check_alive(self) -> None:
        """Raise for a process that ended right after its start."""
        for name, member in self.roster.read().items():
            if status(member.handle) != "running":
                raise self.failure(name, member.handle)

    def failure(self, name: str, handle: Handle) -> EnvironmentFailure:
        """Say why a service does not work, with the last lines that it wrote."""
        lines = self.workshop.plan.redact(tail(self.workshop.log(name)))
        where = f"[stack.local.services.{name}]"
        if status(handle) == "running":
            what, remedy = f"{name} was not ready within {self.timeout_s:g} s", READY_REMEDY
            return EnvironmentFailure(what, slug="service-unready", where=where, remedy=remedy, details=lines)
        if TAKEN in lines.lower():
            kind = PortTaken if self._movable(name) else EnvironmentFailure
            return kind("its port is taken", slug="port-taken", where=where, remedy=PORT_REMEDY, details=lines)
        what = f"{name} ended with {exit_code(handle)} while it was starting"
        return EnvironmentFailure(what, slug="service-exited", where=where, remedy=EXIT_REMEDY, details=lines)

    def _movable(self, name: str) -> bool:
        service = self._services[name]
        return service.kind != "process" or uses_own_port(service)


READY_REMEDY = "see its log; `ready` must be a path that answers 2xx, on {port}; or raise [stack] start_timeout_s"
EXIT_REMEDY = "see its log, and start the command by hand in the folder of the stack"
PORT_REMEDY = "stop what listens there, or let the service listen on {port}"


def tail(log: Path, lines: int = SHOWN) -> str:
    """Return the last lines of a log, empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _declared(name: str, service: LocalService, port: int) -> Member:
    return Member(name=name, kind=service.kind, port=port, url="", needs=service.needs)


def _results(jobs: Mapping[str, Future[T]]) -> dict[str, T]:
    """Wait for every job; raises the error that came first, not those that followed from it."""
    errors = [error for error in (job.exception() for job in jobs.values()) if error]
    for error in sorted(errors, key=lambda error: isinstance(error, Cancelled)):
        raise error
    return {name: job.result() for name, job in jobs.items()}
