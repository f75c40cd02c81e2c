"""A Python environment for a service's own requirements, made once and shared by all runs."""

from __future__ import annotations

import fcntl
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._folders import cache_root
from seatrial.stack._pip_settings import uv_environment

COMPLETE = ".complete"
INCLUDED = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[\s=]+(?P<path>\S+)")
PATIENCE_S = 900.0
SHOWN = 20


def ensure_environment(requirements: Path, *, marks: Mapping[str, str], progress: Callable[[str], None]) -> Path:
    """Return the folder of an environment that holds these requirements, made when it is the first time.

    Never touches the environment that the harness runs in. Parallel runs wait for the one that makes it. `marks` are
    the variables by which the run's processes are found. Raises UsageError (no such file) or EnvironmentFailure.
    """
    parent = cache_root() / "environments"
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / environment_key(requirements)
    with (parent / f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            progress(f"installing {requirements.name} (once)")
            _make(folder, requirements, marks)
            (folder / COMPLETE).touch()
    return folder


def environment_key(requirements: Path) -> str:
    """Name what an environment depends on: requirements, with all that they include, and the Python."""
    content = "\0".join((*_contents(requirements, set()), platform.python_version(), _python()))
    return sha256(content.encode()).hexdigest()[:16]


def _contents(path: Path, seen: set[Path]) -> Iterator[str]:
    if path in seen:
        return
    seen.add(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the requirements: {error}",
            slug="requirements-missing",
            where=str(path),
            remedy="name an existing file in [stack.local.services.NAME] requirements",
        ) from error
    yield text
    for match in filter(None, map(INCLUDED.match, text.splitlines())):
        yield from _contents(path.parent / match["path"], seen)


def _python() -> str:
    """Return the interpreter that ours was made from: an environment must not be based on another."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _make(folder: Path, requirements: Path, marks: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    problem = _make_with_uv(folder, requirements, marks)
    if not problem:
        return
    shutil.rmtree(folder, ignore_errors=True)
    second = _make_with_pip(folder, requirements, marks)
    if second:
        shutil.rmtree(folder, ignore_errors=True)
        raise EnvironmentFailure(
            "cannot install the requirements of a service",
            slug="requirements-failed",
            where=str(requirements),
            remedy="see that a package index is reachable (pip's own settings are used) and that each line is right",
            details="\n".join((*problem.splitlines()[-SHOWN:], *second.splitlines()[-SHOWN:])),
        )


def _make_with_uv(folder: Path, requirements: Path, marks: Mapping[str, str]) -> str:
    """Return what went wrong, empty when nothing did."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - only needed the first time

        program = find_uv_bin()
    except (ImportError, FileNotFoundError) as error:
        return f"uv: {error}"
    environment = {**uv_environment(), **marks}
    environment.pop("VIRTUAL_ENV", None)
    install = [program, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder / "bin/python")]
    return _run([program, "venv", "--quiet", "--python", _python(), str(folder)], environment) or _run(
        [*install, "--requirement", str(requirements)], environment
    )


def _make_with_pip(folder: Path, requirements: Path, marks: Mapping[str, str]) -> str:
    environment = {**uv_environment(), **marks}
    install = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return _run([_python(), "-m", "venv", str(folder)], environment) or _run(
        [*install, "--requirement", str(requirements)], environment
    )


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a command and return its output if it failed, else nothing."""
    try:
        done = subprocess.run(
            command,
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
