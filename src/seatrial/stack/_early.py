"""Ask containers' own health checks sooner than the engine does: its turn comes only once an interval."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Self

from docker.models.containers import Container

SHELL = ("/bin/sh", "-c")


class EarlyProbes:
    """The health checks that run now: at most one a container, and none after the `with` block."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for probe in self._running.values():
            probe.kill()
            probe.wait()

    def passed(self, container: Container) -> bool:
        """Return whether a container's health check has passed, and see to it that it is asked until it does."""
        name, command = str(container.id), health_command(container.attrs["Config"])
        probe = self._running.get(name)
        if command and (probe is None or probe.poll()):
            self._running[name] = subprocess.Popen(
                ["docker", "exec", name, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return probe is not None and probe.poll() == 0


def health_command(config: Mapping[str, Any]) -> Sequence[str]:
    """Return the words of a container's health check; empty without one."""
    kind, *words = (config.get("Healthcheck") or {}).get("Test") or ("NONE",)
    if kind == "CMD-SHELL":
        return [*(config.get("Shell") or SHELL), *words]
    return words if kind == "CMD" else ()
