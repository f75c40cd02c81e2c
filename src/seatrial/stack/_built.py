"""What a local service is built from, built once and shared by all runs: a copy of its folder, after its commands."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from seatrial.config import LocalService
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._folders import cache_root
from seatrial.stack._programs import version_of

COMPLETE = ".complete"
PACKAGES = frozenset({"node_modules", "__pycache__"})
"""Folders that hold what the commands install: a copy begins without them, as without hidden folders."""

PATIENCE_S = 900.0
SHOWN = 20
Progress = Callable[[str], None]


def ensure_built(  # noqa: PLR0913 - what is built, from what, and for whom
    name: str, service: LocalService, root: Path, *, marks: Mapping[str, str], progress: Progress, keep: bool = True
) -> Path:
    """Return the folder of a service after its `prepare` commands, run when it is the first time.

    `root` is the folder of the local stack. Parallel runs wait for the one that builds. What is not to be kept, such
    as a defective copy that nobody will run again, is built where it is. Raises UsageError (no such folder) or
    EnvironmentFailure (a command failed).
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
        _build(name, service, source, marks)
        return source
    parent = cache_root() / "built"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / build_key(service, source)
    with (parent / f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            progress(f"building {name} (once)")
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder, ignore=_unwanted)
            _build(name, service, folder, marks)
            (folder / COMPLETE).touch()
    return folder


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


def _build(name: str, service: LocalService, folder: Path, marks: Mapping[str, str]) -> None:
    for command in service.prepare:
        if problem := _run(command, folder, {**os.environ, **marks}):
            raise EnvironmentFailure(
                f"cannot build {name}: {' '.join(command)}",
                slug="prepare-failed",
                where=f"[stack.local.services.{name}] prepare",
                remedy="run the command by hand in the service's folder; its last lines say what is wrong",
                details="\n".join(problem.splitlines()[-SHOWN:]),
            )


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command and return its output if it failed, else nothing."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    output = done.stdout.decode(errors="replace").strip()
    return "" if done.returncode == 0 else output or f"{command[0]} ended with {done.returncode}"
