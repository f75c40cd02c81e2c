"""A local stack that is up, in the process that started it or in another one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._base import Ability, Completed, ServiceState, Usage, Variant, Verb
from seatrial.stack._instances import instances_of
from seatrial.stack._logs import Redact, keep_logs
from seatrial.stack._members import Member, Roster, in_waves
from seatrial.stack._pool import ServerPool
from seatrial.stack._prepare import find_program
from seatrial.stack._processes import GRACE_S, kill, launch, pause, status, terminate, unpause, used

SHORT_GRACE_S = 0.3
LIMITATIONS = (
    "Services ran as local processes: images, entry points and users of the containers were not exercised.",
    "Health checks, restart policies, resource limits and log rotation of the compose file were not in effect.",
    "All services shared one network namespace: networks and published ports of the compose file were not exercised.",
    "PostgreSQL and Valkey are those of PyPI wheels, without durability: their versions may differ from the images'.",
)


class RunningLocal:
    """What can be done with the processes of a roster, whoever started them."""

    driver = "local"
    abilities: frozenset[Ability] = frozenset({"logs", "exec", "control", "coverage", "addresses", "memory", "faults"})
    limitations: tuple[str, ...] = LIMITATIONS

    def __init__(  # noqa: PLR0913 - what `state` says, all by keyword
        self, roster: Roster, *, run: str, variant: Variant, entry: str, logs: Path, redact: Redact = str
    ) -> None:
        self.variant = variant
        self._run = run
        self._entry = entry
        self._roster = roster
        self._logs = logs
        self._redact = redact

    @classmethod
    def attach(cls, state: Mapping[str, object], *, redact: Redact = str) -> Self:
        """Return a handle of a stack that another process started; raises EnvironmentFailure when it is gone."""
        roster = Roster(Path(str(state["roster"])))
        roster.require_running()
        variant: Variant = "instrumented" if state["variant"] == "instrumented" else "clean"
        run, entry, logs = str(state["run"]), str(state["entry"]), Path(str(state["logs"]))
        return cls(roster, run=run, variant=variant, entry=entry, logs=logs, redact=redact)

    def start(self, progress: Callable[[str], None]) -> None:
        """Say that the stack is up already; raises EnvironmentFailure when it is not."""
        self._roster.require_running()
        progress("the stack is up already")

    def stop(self) -> None:
        """End every service, dependents first, give back what was leased and keep the logs; safe to call twice.

        Services of the clean variant hand nothing in, so that nobody waits long for their goodbye.
        """
        if not self._roster.path.exists():
            return
        end = partial(_end, grace_s=GRACE_S if self.variant == "instrumented" else SHORT_GRACE_S)
        for wave in reversed(in_waves(self._roster.read())):
            with ThreadPoolExecutor(max_workers=len(wave)) as threads:
                ended = list(threads.map(end, wave))
            with self._roster.changed() as members:
                members.update({member.name: member for member in ended})
        written = {name: read_log(Path(member.launch.log)) for name, member in self._roster.read().items()}
        keep_logs(written, self._logs, self._redact)

    def url(self, service: str = "") -> str:
        """Return the address of a service (the entry when empty)."""
        return self._member(service or self._entry).url

    @property
    def by_address(self) -> str:
        """Return the address of the entry: processes of this machine see who connects."""
        return self.url()

    def tell_apart(self) -> str:
        """Return nothing: they do."""
        return ""

    def services(self) -> Sequence[ServiceState]:
        """Return the state of every service; its only id is its process."""
        return tuple(
            ServiceState(name=name, status=status(member.handle), ids=(str(member.handle.pid),))
            for name, member in self._roster.read().items()
        )

    def log(self, service: str) -> str:
        """Return what a service has written so far, one instance after the other."""
        return "".join(read_log(Path(member.launch.log)) for member in self._instances(service))

    def execute(self, service: str, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run a command in a running service's environment and folder; raises EnvironmentFailure when it hangs."""
        member = self._instances(service)[0]
        wanted = member.launch
        if status(member.handle) not in {"running", "paused"}:
            raise _failure(f"{service} is not running", "service-not-running", service, "start it first")
        program = find_program(
            command[0], wanted.environment["PATH"], service=service, directory=Path(wanted.directory)
        )
        try:
            done = subprocess.run(
                [program, *command[1:]],
                env=dict(wanted.environment),
                cwd=wanted.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failure(f"{command[0]} did not end: {error}", "exec-failed", service, "run it by hand") from error
        return Completed(exit_code=done.returncode, output=done.stdout.decode(errors="replace"))

    def command(self, service: str) -> Sequence[str]:
        """Return the words with which a service's process was started."""
        return self._instances(service)[0].launch.command

    def control(self, verb: Verb, service: str) -> None:
        """Stop, start, pause, unpause, kill or restart a service; it keeps its port. Does not wait until it works."""
        for member in self._instances(service):
            self._control(verb, member)

    def _control(self, verb: Verb, member: Member) -> None:
        if verb in {"pause", "unpause"}:
            (pause if verb == "pause" else unpause)(member.handle)
        if verb == "kill":
            kill(member.handle)
        if verb in {"stop", "restart"}:
            terminate(member.handle, number=member.launch.stop_signal)
        if verb in {"stop", "restart", "kill"}:
            _forget_data(member)
        if verb in {"start", "restart"}:
            self._launch(member.name)

    def _launch(self, service: str) -> None:
        with self._roster.changed() as members:
            member = members[service]
            if status(member.handle) not in {"running", "paused"}:
                members[service] = replace(member, handle=launch(member.launch))

    def inspect(self, service: str) -> Sequence[Mapping[str, object]]:
        """Return nothing: there are no containers."""
        self._member(service)
        return ()

    def memory(self, service: str) -> int:
        """Return how many bytes the processes of a service hold."""
        return self.usage(service).memory_bytes

    def usage(self, service: str) -> Usage:
        """Return what the processes of a service have used and hold."""
        return sum((used(member.handle) for member in self._instances(service)), Usage())

    def state(self) -> Mapping[str, object]:
        """Return what `attach` needs, and the ports, processes and logs for people to read; no secret."""
        members = self._roster.read().values()
        return {
            "driver": self.driver,
            "variant": self.variant,
            "run": self._run,
            "entry": self._entry,
            "url": self.url(),
            "roster": str(self._roster.path),
            "logs": str(self._logs),
            "services": {m.name: {"port": m.port, "pid": m.handle.pid, "log": m.launch.log} for m in members},
        }

    def _instances(self, service: str) -> list[Member]:
        member = self._member(service)
        return [self._member(name) for name in instances_of(member)] or [member]

    def _member(self, service: str) -> Member:
        members = self._roster.read()
        if service not in members:
            raise unknown_service(service, sorted(members))
        return members[service]


def read_log(path: Path) -> str:
    """Return a log; empty for a service that was never started."""
    return path.read_text(errors="replace") if path.is_file() else ""


def _end(member: Member, *, grace_s: float) -> Member:
    """End a service, give back its lease, and return it without; servers are always given their time."""
    patience_s = grace_s if member.kind == "process" else GRACE_S
    terminate(member.handle, number=member.launch.stop_signal, grace_s=patience_s)
    pool = ServerPool.find(Path(member.pool)) if member.lease else None
    if pool and member.kind == "postgres":
        pool.drop_database(member.lease)
    elif pool:
        pool.return_number(int(member.lease))
    return replace(member, lease="")


def _forget_data(member: Member) -> None:
    """Empty a leased Valkey database: one of its own would have lost it with its process."""
    pool = ServerPool.find(Path(member.pool)) if member.lease and member.kind == "valkey" else None
    if pool:
        pool.valkey.flush(int(member.lease))


def _failure(what: str, slug: str, service: str, remedy: str) -> EnvironmentFailure:
    return EnvironmentFailure(what, slug=slug, where=service, remedy=remedy)


def unknown_service(service: str, known: Sequence[str]) -> UsageError:
    """Say that a name is none of the local services."""
    return UsageError(
        f"the local stack has no service {service!r}",
        slug="service-unknown",
        where="[stack.local.services]",
        remedy=f"services: {', '.join(known)}",
    )
