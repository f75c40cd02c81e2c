"""The load process, seen from the harness: started, read, bounded in time, never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.swarm._crew import Crew
from seatrial.swarm._plan import GO, STOP, Plan

PYTHON = (sys.executable, "-P", "-m")
COMMAND = (*PYTHON, "seatrial.swarm._inside")
MASTER = (*PYTHON, "seatrial.swarm._inside._master")
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0
CREW_TIMEOUT_S = 60.0
"""What workers may take longer than a process: to load their users, and to send what they wrote down."""

CHUNK = 1 << 16
Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the process ended: its final report (None: it never came), exit code, and whether we had to kill it.

    `lost` is why it reports nothing, where it is a master that says so itself.
    """

    report: Message | None
    exit_code: int
    overdue: bool = False
    lost: str = ""


@dataclass(slots=True)
class _Reading:
    """What came from the process, cut into messages."""

    descriptor: int
    limit_s: float
    rest: bytes = b""
    overdue: bool = False
    report: Message | None = field(default=None)
    lost: str = ""
    longer_s: float = 0.0

    def messages(self) -> Iterator[Message]:
        """Yield messages until the process closes its end, or the limit is over."""
        while chunk := self._read():
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def _read(self) -> bytes:
        remaining_s = self.limit_s - time.monotonic()
        ready, _, _ = select.select([self.descriptor], [], [], max(remaining_s, 0))
        self.overdue = not ready
        return os.read(self.descriptor, CHUNK) if ready else b""


class LoadProcess:
    """One process for one scenario: it imports Locust, which takes seconds, and waits."""

    def __init__(self, *, run: str, cwd: Path, log: Path, crew: Crew | None = None) -> None:
        """Start it, with a file for its log; with a `crew` it is the master of workers elsewhere.

        Raises EnvironmentFailure when no process can be started.
        """
        command = (*MASTER, crew.encode()) if crew else COMMAND
        with log.open("wb") as errors:
            self._child = start_child(command, run, cwd, errors)
        self._overdue = threading.Timer(END_TIMEOUT_S + (CREW_TIMEOUT_S if crew else 0), self.interrupt)
        self._overdue.daemon = True
        self._stopped = threading.Lock()  # held from then on: several threads may stop it
        self.log = log
        self._longer_s = crew.wait_s + CREW_TIMEOUT_S if crew else 0.0

    def run(
        self,
        plan: Plan,
        on_tick: Callable[[Message], None],
        on_ready: Callable[[], object] = lambda: None,
        on_shown: Callable[[Message], None] = lambda _: None,
    ) -> Ending:
        """Run the scenario and return how it ended; raises UsageError when its load file cannot be used.

        `on_ready` returns when the first arrival may be due, `on_shown` takes what is for Locust's web page.
        """
        try:
            return _converse(self._child, plan, on_tick, on_ready, on_shown=on_shown, longer_s=self._longer_s)
        finally:
            self.close()

    def stop(self) -> None:
        """Let the load end now, and be reported as far as it came; a process that does not is killed; safe twice."""
        if self._stopped.acquire(blocking=False):
            say(self._child, STOP)
            self._overdue.start()

    def interrupt(self) -> None:
        """Kill the process from another thread than the one that runs it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def close(self) -> None:
        """Make sure that the process and its children are gone; safe to call twice."""
        self._overdue.cancel()
        end_child(self._child)


def start_child(command: tuple[str, ...], run: str, cwd: Path, errors: Any) -> subprocess.Popen[bytes]:
    """Start a process of Locust's with a pipe each way; raises EnvironmentFailure when there can be none."""
    # A token or a switch for a Locust that somebody starts by hand is not for this one.
    inherited = {k: v for k, v in os.environ.items() if k != "SEATRIAL_TOKEN" and not k.startswith("LOCUST_SKIP")}
    environment = {**inherited, "SEATRIAL_RUN": run, "SEATRIAL_OWNER": str(os.getpid()), "NO_PROXY": "*"}
    try:
        return subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            start_new_session=True,  # Ctrl-C is for the harness, which then ends this process
        )  # fmt: skip
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot start the load process: {error.strerror}",
            slug="load-process-start",
            where=sys.executable,
            remedy="free memory or processes and run again",
        ) from error


def _converse(  # noqa: PLR0913 - what is listened to
    child: subprocess.Popen[bytes],
    plan: Plan,
    on_tick: Callable[[Message], None],
    on_ready: Callable[[], object],
    *,
    on_shown: Callable[[Message], None],
    longer_s: float,
) -> Ending:
    assert child.stdout is not None  # noqa: S101 - Popen was asked for a pipe
    say(child, plan.encode())
    reading = _Reading(child.stdout.fileno(), time.monotonic() + START_TIMEOUT_S + longer_s, longer_s=longer_s)
    for message in reading.messages():
        if message["kind"] == "ready":
            on_ready()
            say(child, GO)
        _take(message, reading, plan, on_tick, on_shown)
    if not reading.overdue:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_TIMEOUT_S)
    overdue = child.poll() is None
    end_child(child)
    return Ending(report=reading.report, exit_code=child.returncode, overdue=overdue, lost=reading.lost)


def say(child: subprocess.Popen[bytes], line: bytes) -> None:
    """Send a line to a process, if it is still there."""
    assert child.stdin is not None  # noqa: S101 - Popen was asked for a pipe
    # It ended already (and its pipe may be closed, by the thread that read it): what it said about that is read.
    with contextlib.suppress(BrokenPipeError, ValueError):
        child.stdin.write(line)
        child.stdin.flush()


def _take(
    message: Message,
    reading: _Reading,
    plan: Plan,
    on_tick: Callable[[Message], None],
    on_shown: Callable[[Message], None],
) -> None:
    match message["kind"]:
        case "ready":
            reading.limit_s = time.monotonic() + plan.duration_s + plan.patience_s + END_TIMEOUT_S + reading.longer_s
        case "tick":
            on_tick(message)
        case "shown":
            on_shown(message)
        case "done":
            reading.report = message
        case "lost":
            reading.lost = message["reason"]
        case "broken":
            raise UsageError(
                message["what"],
                slug=message["slug"],
                where=message.get("where", plan.file),
                details=message["details"],
                remedy=message.get("remedy", "mend the load file, or name another user class in the scenario"),
            )


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Make sure that the process and its children are gone; safe to call twice."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe and not pipe.closed:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
