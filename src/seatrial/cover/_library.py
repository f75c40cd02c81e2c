"""The coverage package for the Pythons of the services: pure Python files once, and a compiled tracer for each Python.

our own installation --copied--> cache/lib/<version>/coverage/ <--tracer of each Python and C library-- package index

A Python that lacks its tracer runs the slow one that is part of the pure Python files: nothing is missing then.
"""

from __future__ import annotations

import fcntl
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import metadata, version
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from seatrial.core import Progress
from seatrial.stack import cache_root, uv_environment

HOST = f"{sys.version_info.major}.{sys.version_info.minor}"
IN_IMAGES = ("3.10", "3.11", "3.12", "3.13", "3.14")
IMAGE_LIBRARIES = ("gnu", "musl")
HOST_LIBRARY = str(sysconfig.get_config_var("SOABI")).rpartition("-")[2]
MACHINES = {"arm64": "aarch64", "AMD64": "x86_64"}
LEAST = "7.10"  # with which patch = _exit came
PATIENCE_S = 60.0
AGAIN_S = 3600.0
Tracer = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What is in the share: our version, the first Python that it runs on, and versions for older Pythons."""

    version: str
    oldest: tuple[int, int]
    others: Mapping[str, str]
    notes: tuple[str, ...]


def tracers(pythons: Sequence[str], *, in_images: bool) -> list[Tracer]:
    """Return which tracers services may need: of a Python version, for a C library."""
    if in_images:
        # Both tracers for 3.10 have the same name (musl got its own with 3.11): one has to do.
        return [tracer for tracer in product(pythons or IN_IMAGES, IMAGE_LIBRARIES) if tracer != ("3.10", "musl")]
    return [(python, HOST_LIBRARY) for python in pythons or (HOST,)]


def provide(share: Path, wanted: Iterable[Tracer], *, marks: Mapping[str, str], progress: Progress) -> Library:
    """Put coverage into a share, fetching tracers the first time; what cannot be had is noted."""
    cache = cache_root() / "coverage" / f"{version('coverage')}-{_machine()}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _copy_own(cache)
        missing = [tracer for tracer in wanted if not _is_there(cache, tracer)]
        if missing:
            progress("fetching coverage for the Pythons of the services (once)")
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(partial(_fetch, cache=cache, marks=marks), missing))
        shutil.copytree(cache / "lib", share / "lib", dirs_exist_ok=True)
    _open_up(share / "lib")
    return Library(version=version("coverage"), oldest=_oldest(), others=_others(cache), notes=tuple(_notes(cache)))


def _machine() -> str:
    return MACHINES.get(platform.machine(), platform.machine())


def _oldest() -> tuple[int, int]:
    """Return the first Python that our own coverage runs on."""
    found = re.search(r">=\s*(\d+)\.(\d+)", metadata("coverage")["Requires-Python"])
    return (int(found[1]), int(found[2])) if found else sys.version_info[:2]


def _copy_own(cache: Path) -> None:
    """Begin with our own installation, which needs no index: times are kept, so that its bytecode stays valid."""
    target = cache / "lib" / version("coverage") / "coverage"
    spec = find_spec("coverage")
    if target.exists() or spec is None or spec.origin is None:
        return
    partial_copy = cache / "own.partial"
    shutil.rmtree(partial_copy, ignore_errors=True)
    shutil.copytree(Path(spec.origin).parent, partial_copy, ignore=shutil.ignore_patterns("htmlfiles"))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_copy.rename(target)


def _is_there(cache: Path, tracer: Tracer) -> bool:
    """Return whether a tracer is there, or could not be had a short while ago."""
    python, libc = tracer
    name = f"tracer.cpython-{python.replace('.', '')}-*{libc}.so"
    if list((cache / "lib" / version("coverage") / "coverage").glob(name)):
        return True
    mark = cache / "marks" / f"{python}-{libc}"
    if not mark.exists():
        return False
    return "version" in _read(mark) or time.time() - mark.stat().st_mtime < AGAIN_S


def _fetch(wanted: Tracer, *, cache: Path, marks: Mapping[str, str]) -> None:
    """Install into a folder of its own, and take over what is new."""
    python, libc = wanted
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        problem = _install(Path(folder), python, libc, marks)
        found = {"problem": problem} if problem else {"version": _take(Path(folder), cache / "lib")}
    (cache / "marks").mkdir(exist_ok=True)
    (cache / "marks" / f"{python}-{libc}").write_text(json.dumps(found))


def _install(folder: Path, python: str, libc: str, marks: Mapping[str, str]) -> str:
    """Return what went wrong, empty when nothing did."""
    from uv import find_uv_bin  # noqa: PLC0415 - only needed the first time

    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-config"]
    command += ["--python", sys.executable, "--python-version", python, "--target", str(folder)]
    command += ["--python-platform", f"{_machine()}-unknown-linux-{libc}"]
    command += [f"coverage>={LEAST},<={version('coverage')}"]
    environment = {"UV_HTTP_TIMEOUT": "15", **uv_environment(), **marks}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or f"uv ended with {done.returncode}") if done.returncode else ""


def _take(folder: Path, library: Path) -> str:
    """Move a wheel's files to those of its version and return the version; all wheels of one have the same Python."""
    found = next(folder.glob("coverage-*.dist-info")).name.removeprefix("coverage-").removesuffix(".dist-info")
    target = library / found / "coverage"
    target.mkdir(parents=True, exist_ok=True)
    for file in (folder / "coverage").glob("*.*"):
        if file.is_file() and not (target / file.name).exists():
            file.rename(target / file.name)
    return found


def _others(cache: Path) -> dict[str, str]:
    """Return the versions for Pythons that ours does not run on."""
    found = {mark.name.partition("-")[0]: _read(mark).get("version") for mark in _marks(cache)}
    return {python: other for python, other in found.items() if other and other != version("coverage")}


def _notes(cache: Path) -> Iterable[str]:
    for mark in _marks(cache):
        if problem := _read(mark).get("problem"):
            yield f"{mark.name}: {problem.splitlines()[-1].strip()}"


def _marks(cache: Path) -> list[Path]:
    return sorted((cache / "marks").glob("*"))


def _read(mark: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(mark.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _open_up(folder: Path) -> None:
    """Let any user read what services import."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
