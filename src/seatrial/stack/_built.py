"""What a local service is built from, built once and shared by all runs: a copy of its folder, after its commands."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from seatrial.config import LocalService
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._folders import cache_root
from seatrial.stack._programs import version_of

COMPLETE = ".complete"
PACKAGES = frozenset({"node_modules", "__pycache__"})
"""Folders that hold what the commands install: a copy begins without them, as without hidden folders."""

PATIENCE_S = 900.0
POLL_S = 0.1
UNUSED_S = 14 * 86_400
SHOWN = 20
Progress = Callable[[str], None]


def ensure_built(  # noqa: PLR0913 - what is built, from what, and for whom
    name: str,
    service: LocalService,
    root: Path,
    *,
    marks: Mapping[str, str],
    progress: Progress,
    keep: bool = True,
    given_up: Callable[[], bool] = lambda: False,
) -> Path:
    """Return the folder of a service after its `prepare` commands, run when it is the first time.

    `root` is the folder of the local stack. Parallel runs wait for the one that builds. What is not to be kept, such
    as a defective copy that nobody will run again, is built where it is. A build is ended once it is `given_up`.
    Raises UsageError (no such folder) or EnvironmentFailure (a command failed).
    """
    source = root / service.source
    if not source.is_dir():
        raise UsageError(
            "the folder of a service does not exist",
            slug="source-missing",
            where=f"[stack.local.services.{name}] source: {source}",
            remedy="name a folder, relative to [stack.local] directory",
        )
    if not keep:
        progress(f"building {name}")
        _build(name, service, source, marks, given_up)
        return source
    parent = cache_root() / "built"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / build_key(service, source)
    with _locked(folder, lambda: progress(f"waiting for another run that builds {name}"), given_up):
        if not (folder / COMPLETE).exists():
            progress(f"building {name} (once)")
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder, ignore=_unwanted)
            try:
                _build(name, service, folder, marks, given_up)
            except EnvironmentFailure:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        (folder / COMPLETE).touch()  # at each use: what nobody uses goes
    _forget_unused(parent)
    return folder


@contextmanager
def _locked(folder: Path, waiting: Callable[[], None], given_up: Callable[[], bool]) -> Iterator[None]:
    """Keep other runs away from a folder; `waiting` is called where one of them does so."""
    with _lock_of(folder) as lock:
        if not _take(lock):
            waiting()
        while not _take(lock):
            if given_up():
                raise EnvironmentFailure(
                    "a build is waited for no longer", slug="prepare-failed", where=str(folder), remedy="run again"
                )
            time.sleep(POLL_S)
        yield


def _lock_of(folder: Path) -> IO[str]:
    return folder.with_name(f"{folder.name}.lock").open("a")


def _take(lock: IO[str]) -> bool:
    """Take a lock, or find that it is ours already; return whether it is."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_unused(parent: Path) -> None:
    """Remove what no run began with for long: each change of a source makes another build."""
    for folder in filter(Path.is_dir, parent.iterdir()):
        with _lock_of(folder) as lock:
            if _take(lock) and _used_at(folder) < time.time() - UNUSED_S:
                shutil.rmtree(folder, ignore_errors=True)


def _used_at(folder: Path) -> float:
    """Return when a run last began with a build, or when one began that was not ended."""
    mark = folder / COMPLETE
    try:
        return (mark if mark.exists() else folder).stat().st_mtime
    except FileNotFoundError:
        return time.time()


def build_key(service: LocalService, source: Path) -> str:
    """Name what a build depends on: every file of its folder, the commands, and the programs that they use."""
    digest = sha256(repr((service.prepare, [version_of(program) for program in service.programs])).encode())
    for file in _files(source):
        digest.update(f"\0{file.relative_to(source)}\0".encode())
        digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _unwanted(path, folders))
        yield from (Path(path, file) for file in sorted(files))


def _unwanted(path: str, names: Sequence[str]) -> set[str]:
    """Return the folders among the names that are no source."""
    return {name for name in names if (name in PACKAGES or name.startswith(".")) and Path(path, name).is_dir()}


def _build(
    name: str, service: LocalService, folder: Path, marks: Mapping[str, str], given_up: Callable[[], bool]
) -> None:
    for command in service.prepare:
        if problem := _run(command, folder, {**os.environ, **marks}, given_up):
            raise EnvironmentFailure(
                f"cannot build {name}: {' '.join(command)}",
                slug="prepare-failed",
                where=f"[stack.local.services.{name}] prepare",
                remedy="run the command by hand in the service's folder; its last lines say what is wrong",
                details="\n".join(problem.splitlines()[-SHOWN:]),
            )


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str], given_up: Callable[[], bool]) -> str:
    """Run a command and return its output if it failed, else nothing; what it started ends with it."""
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for the harness, which then gives up
        )
    except OSError as error:
        return f"{command[0]}: {error}"
    with child:
        try:
            output = _output(child, given_up)
        except subprocess.TimeoutExpired:
            return f"{command[0]} was ended: it took more than {PATIENCE_S:g} s, or was given up"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    return "" if child.returncode == 0 else output or f"{command[0]} ended with {child.returncode}"


def _output(child: subprocess.Popen[bytes], given_up: Callable[[], bool]) -> str:
    """Wait for a command's end and return what it wrote; raises TimeoutExpired."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return child.communicate(timeout=POLL_S)[0].decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            if given_up() or time.monotonic() > deadline:
                raise
