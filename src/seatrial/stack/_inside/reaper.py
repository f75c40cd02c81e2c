"""Remove everything that belongs to one run; as a script, wait for the harness to end and then do it.

Standard library only, and nothing of seatrial: the watchdog starts this file by its path, because it must be up within
milliseconds and must still work when the package it came from is half-way through being reinstalled.

    harness --(pipe: "R" = leave everything, end of file = remove)--> watchdog: reap(run, work)
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LEDGER = "processes"
UNDO = "undo"
UNDO_TIMEOUT_S = 30.0
RELEASE = b"R"
RUN_LABEL = "dev.seatrial.run"
DOCKER_TIMEOUT_S = 30.0
ROUNDS = 100
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How many things of a run were removed."""

    processes: int = 0
    containers: int = 0
    networks: int = 0
    volumes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """What /proc/PID/stat says: the parent, the session and the start (clock ticks since boot)."""

    pid: int
    state: str
    parent: int
    session: int
    started: int


def process_facts(pid: int) -> ProcessFacts | None:
    """Read one process; None when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return ProcessFacts(
        pid=pid, state=fields[0], parent=int(fields[1]), session=int(fields[3]), started=int(fields[19])
    )


def living() -> dict[int, ProcessFacts]:
    """Return every process that is not a zombie."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    facts = (process_facts(pid) for pid in pids)
    return {fact.pid: fact for fact in facts if fact is not None and fact.state not in "ZX"}


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with; empty when it is gone or another user's."""
    try:
        raw = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.decode(errors="replace").partition("=") for entry in raw.split(b"\0") if b"=" in entry)
    return {name: value for name, _, value in pairs}


def boot() -> str:
    """Name this boot of the machine: process ids of another one mean nothing."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def note_process(pid: int, ledger: Path) -> None:
    """Write down a process that leads a session of its own.

    A program that sets its title (PostgreSQL, gunicorn) overwrites its environment, where the run is named.
    """
    facts = process_facts(pid)
    if facts is not None:
        with ledger.open("a") as file:
            file.write(f"{boot()} {pid} {facts.started}\n")


def _noted(work: Path | None) -> Iterator[tuple[int, int]]:
    """Yield (pid, start) of what was written down in this boot."""
    for path in (*work.glob(LEDGER), *work.glob(f"*/{LEDGER}")) if work else ():
        for words in map(str.split, path.read_text().splitlines()):
            if len(words) == 3 and words[0] == boot():  # noqa: PLR2004 - boot, pid, start
                yield int(words[1]), int(words[2])


def _protected(alive: dict[int, ProcessFacts]) -> set[int]:
    """Return this process and its ancestors."""
    found = {0, 1}
    pid = os.getpid()
    while pid not in found:
        found.add(pid)
        pid = alive[pid].parent if pid in alive else 0
    return found


def _noted_members(alive: dict[int, ProcessFacts], noted: dict[int, int]) -> set[int]:
    """Return noted processes and the sessions that they lead or led."""
    leaders = {pid for pid, started in noted.items() if pid not in alive or alive[pid].started == started}
    sessions = {pid for pid, fact in alive.items() if fact.session in leaders and fact.started >= noted[fact.session]}
    return sessions | (leaders & alive.keys())


def _members(run: str, noted: dict[int, int]) -> set[int]:
    """Return the processes of a run: marked, noted, in a session that a noted one leads, and all their children."""
    alive = living()
    safe = _protected(alive)
    found = _noted_members(alive, noted) | {pid for pid in alive if environment_of(pid).get("SEATRIAL_RUN") == run}
    found -= safe
    return found | _children(alive, found) - safe


def _children(alive: dict[int, ProcessFacts], roots: set[int]) -> set[int]:
    """Return every descendant of some processes."""
    found, size = set(roots), -1
    while size != len(found):
        size = len(found)
        found |= {pid for pid, fact in alive.items() if fact.parent in found}
    return found - roots


def kill_processes(run: str, work: Path | None = None) -> int:
    """Kill every process of a run until none is left (5 s at most) and return how many there were."""
    noted = dict(_noted(work))
    seen: set[int] = set()
    for _ in range(ROUNDS):
        members = _members(run, noted)
        if not members:
            break
        for pid in members:
            _kill(pid)
        seen |= members
        time.sleep(PAUSE_S)
    remove_shared_memory(seen.union(noted))
    return len(seen)


def remove_shared_memory(pids: set[int]) -> None:
    """Remove the System V segments that these processes made and nobody uses: they outlive a killed PostgreSQL."""
    try:
        header, *lines = [line.split() for line in (PROC / "sysvipc/shm").read_text().splitlines()]
    except (OSError, ValueError):
        return
    for facts in (dict(zip(header, map(int, line), strict=True)) for line in lines):
        if facts["cpid"] in pids and not facts["nattch"]:
            ctypes.CDLL(None).shmctl(facts["shmid"], 0, None)  # 0 is IPC_RMID


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def docker(*arguments: str) -> list[str] | None:
    """Return the words that docker printed; None when there is no docker or no engine answers."""
    program = shutil.which("docker")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=DOCKER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").split() if done.returncode == 0 else None


def _remove(listing: tuple[str, ...], removal: tuple[str, ...], run: str) -> set[str] | None:
    """Remove one kind of thing by label; None when the engine does not answer."""
    found = docker(*listing, "--filter", f"label={RUN_LABEL}={run}")
    if found:
        docker(*removal, *found)
    return None if found is None else set(found)


def _remove_containers(run: str) -> set[str] | None:
    return _remove(("ps", "-aq", "--no-trunc"), ("rm", "-f", "-v"), run)


def _remove_networks(run: str) -> set[str] | None:
    return _remove(("network", "ls", "-q", "--no-trunc"), ("network", "rm"), run)


def _remove_volumes(run: str) -> set[str] | None:
    return _remove(("volume", "ls", "-q"), ("volume", "rm", "-f"), run)


KINDS: tuple[tuple[str, Callable[[str], set[str] | None]], ...] = (
    ("containers", _remove_containers),
    ("networks", _remove_networks),
    ("volumes", _remove_volumes),
)


def remove_from_engine(run: str, *, again: bool) -> dict[str, int]:
    """Remove containers, networks and volumes of a run, in passes until one finds nothing.

    `again` asks for a second pass in any case: a dying `compose up` may still create something.
    """
    seen: dict[str, set[str]] = {kind: set() for kind, _ in KINDS}
    for attempt in range(10):
        found = {kind: remove(run) for kind, remove in KINDS}
        for kind, names in found.items():
            seen[kind] |= names or set()
        engine_gone = found["containers"] is None
        if engine_gone or (not any(found.values()) and not (again and attempt == 0)):
            break
        time.sleep(0.3)
    return {kind: len(names) for kind, names in seen.items()}


def note_undo(command: list[str], work: Path) -> None:
    """Write down a command that removes what neither a mark nor a label finds; do so before there is anything."""
    with (work / UNDO).open("a") as file:
        file.write(json.dumps(command) + "\n")


def undo(work: Path) -> None:
    """Run every command that was written down; one that cannot do its work changes nothing about the others."""
    file = work / UNDO
    for line in file.read_text().splitlines() if file.is_file() else ():
        with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
            subprocess.run(
                json.loads(line), stdin=subprocess.DEVNULL, capture_output=True, timeout=UNDO_TIMEOUT_S, check=False
            )
    file.unlink(missing_ok=True)


def reap(run: str, work: Path | None = None) -> Sweep:
    """Kill the processes of a run, remove what the engine holds of it, and undo what else was written down."""
    processes = kill_processes(run, work)
    swept = Sweep(processes=processes, **remove_from_engine(run, again=processes > 0))
    if work:
        undo(work)
    return swept


def remove_folder(folder: Path) -> None:
    """Remove a folder, again if something was still being written into it."""
    for _ in range(ROUNDS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(PAUSE_S)


def _wait(pipe: int, owner: int) -> bool:
    """Return whether the harness wants everything left; it may also have died with the pipe open in a fork."""
    while True:
        ready, _, _ = select.select([pipe], [], [], 0.5)
        if ready:
            return os.read(pipe, 1) == RELEASE
        if os.getppid() != owner:
            return False


def main() -> None:
    """Wait, then remove: arguments are the pipe, the harness's pid, the run and its work folder.

    SIGINT, SIGTERM and SIGHUP are blocked since before this program was started.
    """
    pipe, owner, run, work = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    if not _wait(pipe, owner):
        reap(run, work)
        remove_folder(work)


if __name__ == "__main__":
    main()
