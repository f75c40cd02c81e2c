"""Processes of a stack, known by pid and start so that any process of the harness can stop, pause or end them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.core import EnvironmentFailure
from seatrial.stack._base import Usage
from seatrial.stack._folders import private
from seatrial.stack._inside.reaper import ProcessFacts, living, note_process, process_facts

if TYPE_CHECKING:
    import psutil

POLL_S = 0.02
LOOKS = 10
GRACE_S = 10.0

# Those that this process started: they must be waited for, and only their parent learns how they ended.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a process is started, again after a restart; `user` is the id of an unprivileged user to run as, or -1."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    directory: str
    log: str
    ledger: str
    stop_signal: int = int(signal.SIGTERM)
    user: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """A process: its pid, and its start (clock ticks since boot), which tells it from a later one of that number."""

    pid: int
    started: int


def launch(wanted: Launch) -> Handle:
    """Start a process in a session of its own, its output appended to its log; raises EnvironmentFailure."""
    switch = {"user": wanted.user, "group": wanted.user, "extra_groups": []} if wanted.user >= 0 else {}
    try:
        Path(wanted.log).parent.mkdir(parents=True, exist_ok=True)
        with open(wanted.log, "ab", opener=private) as log:  # what a service writes may hold secrets
            child = subprocess.Popen(
                list(wanted.command),
                env=dict(wanted.environment),
                cwd=wanted.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **switch,  # type: ignore[call-overload]  # who to run as, or nothing
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentFailure(
            f"cannot start {wanted.command[0]}: {error}",
            slug="service-unstartable",
            where=wanted.directory,
            remedy="see that the program and the folder exist and may be used",
        ) from error
    _children[child.pid] = child
    note_process(child.pid, Path(wanted.ledger))
    facts = process_facts(child.pid)
    return Handle(pid=child.pid, started=facts.started if facts else 0)


def status(handle: Handle) -> str:
    """Return `running`, `paused`, `exited` or `missing` (never started)."""
    if handle.pid <= 0:
        return "missing"
    exit_code(handle)
    facts = process_facts(handle.pid)
    if facts is None or facts.state in "ZX" or facts.started != handle.started:
        return "exited"
    return "paused" if facts.state in "Tt" else "running"


def exit_code(handle: Handle) -> int | None:
    """Return how a process ended; None while it runs, and where another process started it."""
    child = _children.get(handle.pid)
    return child.poll() if child else None


def family(handle: Handle) -> list[int]:
    """Return a process and all that came of it, itself first.

    PostgreSQL's children lead sessions of their own: neither the group nor the session alone would hold them.
    """
    if handle.pid <= 1:
        return []
    alive = living()
    leader = alive.get(handle.pid)
    if leader is not None and leader.started != handle.started:
        return []  # the number went to a stranger, which the kernel allows only once the session is empty
    found = {pid for pid, fact in alive.items() if handle.pid in {pid, fact.session}}
    size = -1
    while size != len(found):
        size = len(found)
        found |= _children_of(alive, found)
    return sorted(found, key=lambda pid: (pid != handle.pid, pid))


def _children_of(alive: Mapping[int, ProcessFacts], parents: set[int]) -> set[int]:
    return {pid for pid, fact in alive.items() if fact.parent in parents}


def used(handle: Handle) -> Usage:
    """Return what a process and its family have used and hold; raises EnvironmentFailure where that cannot be known."""
    import psutil  # noqa: PLC0415 - asked for by few stages

    try:
        for _ in range(LOOKS):
            # One that ends meanwhile hands its time on to its parent, which may have been looked at before.
            with contextlib.suppress(psutil.NoSuchProcess):
                return sum((_used(psutil.Process(pid)) for pid in family(handle)), Usage())
    except psutil.Error as error:
        raise _unknown(handle, str(error)) from error
    raise _unknown(handle, f"at each of {LOOKS} looks, one of its processes ended")


def _unknown(handle: Handle, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"nobody can tell what a service uses: {why}",
        slug="usage-unknown",
        where=f"process {handle.pid}",
        remedy="let the service run as the user who runs seatrial, or leave objectives on what it uses out",
    )


def _used(process: psutil.Process) -> Usage:
    with process.oneshot():
        times = process.cpu_times()
        return Usage(
            cpu_s=times.user + times.system + times.children_user + times.children_system,
            memory_bytes=process.memory_info().rss,
            descriptors=_opened(process),
        )


def _opened(process: psutil.Process) -> int | None:
    """Return how many descriptors a process has open; None where that is another user's to know."""
    import psutil  # noqa: PLC0415 - as above

    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return 0 if process.status() == psutil.STATUS_ZOMBIE else None


def pause(handle: Handle) -> None:
    """Stop a process and its family from running, until `unpause`, and wait until they stand still (1 s at most)."""
    for _ in range(int(1 / POLL_S)):
        members = family(handle)
        _signal_all(members, signal.SIGSTOP)
        if all(_stands_still(pid) for pid in members):
            return
        time.sleep(POLL_S)


def _stands_still(pid: int) -> bool:
    facts = process_facts(pid)
    return facts is None or facts.state in "TtZX"


def unpause(handle: Handle) -> None:
    """Let a paused family run again."""
    _signal_all(family(handle), signal.SIGCONT)


def kill(handle: Handle) -> None:
    """End a process and its family without notice, and wait until they are gone (5 s at most)."""
    for _ in range(int(5 / POLL_S)):
        members = family(handle)
        exit_code(
            handle
        )  # after that look: one that ended during it is no member any more, and nobody else waits for it
        if not members:
            return
        _signal_all(members, signal.SIGKILL)
        time.sleep(POLL_S)


def terminate(handle: Handle, *, number: int, grace_s: float = GRACE_S) -> None:
    """Ask a process to end, as a container engine does (only the first process is asked), and kill what is left."""
    if status(handle) in {"running", "paused"}:
        _signal_all([handle.pid], number)
        unpause(handle)
    deadline = time.monotonic() + grace_s
    while status(handle) in {"running", "paused"} and time.monotonic() < deadline:
        time.sleep(POLL_S)
    kill(handle)


def _signal_all(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
