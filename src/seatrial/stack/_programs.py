"""Which programs this machine has for local services, and what is left out where one is missing or too old."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from seatrial.config import LocalService, Settings
from seatrial.core import EnvironmentFailure

VERSION = re.compile(r"\d+(?:\.\d+)*")
PATIENCE_S = 20.0


def with_available(settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return settings without the local services that cannot run here, and a sentence about each.

    Raises EnvironmentFailure where another service, or whoever sends requests, needs one of them.
    """
    services = settings.stack.local.services
    absent = {name: reason for name, service in services.items() if (reason := lacking(service))}
    if not absent:
        return settings, ()
    kept = {name: service for name, service in services.items() if name not in absent}
    needed = {settings.stack.entry.partition(":")[0], *(need for service in kept.values() for need in service.needs)}
    for name in sorted(needed & absent.keys()):
        raise EnvironmentFailure(
            f"{name} cannot run here: {absent[name]}",
            slug="program-missing",
            where=f"[stack.local.services.{name}] programs",
            remedy="install it, or use --stack compose",
        )
    local = settings.stack.local.model_copy(update={"services": kept})
    stack = settings.stack.model_copy(update={"local": local})
    return settings.model_copy(update={"stack": stack}), tuple(left_out(name, absent[name]) for name in absent)


def left_out(name: str, reason: str) -> str:
    """Say that a service is not part of a stack, and why."""
    return f"{name} was not started: {reason}"


def lacking(service: LocalService) -> str:
    """Return which program a service lacks here, empty where it has all."""
    for program, least in service.programs.items():
        version = version_of(program)
        if not version:
            return f"there is no {program} on this machine"
        if _numbers(version) < _numbers(least):
            return f"{program} {version} is here, and {least} is needed"
    return ""


@cache
def version_of(program: str) -> str:
    """Return the first number that `PROGRAM --version` prints (`20.20.2`), empty where there is none."""
    path = shutil.which(program)
    if not path:
        return ""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = VERSION.search(done.stdout)
    return found[0] if found and done.returncode == 0 else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
