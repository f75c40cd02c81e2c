"""The phase that a run is in, and which processes of the services have arrived in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from seatrial.cover._late import Missed, describe_late, missing

# A process shows every half second that it lives; one that ended without a word is not waited for.
ALIVE_S = 2.0
POLL_S = 0.01

STARTUP = "startup"
"""What a process executes before the first suite, and at its end: importing a module is no request."""


class Phases:
    """Name the suite that lines count for; services without a living process are waited for once."""

    def __init__(self, share: Path, services: Iterable[str]) -> None:
        self._share = share
        self._services = frozenset(services)
        self._silent: frozenset[str] = frozenset()
        self._wanted = ""
        self._missed: list[Missed] = []

    def switch(self, name: str) -> None:
        """Begin a phase."""
        self._wanted = name
        part = self._share / ".phase"
        part.write_text(name, encoding="utf-8")
        part.chmod(0o644)
        part.replace(self._share / "phase")

    def wait(self, timeout_s: float) -> bool:
        """Return whether every living process of every service arrived within so many seconds."""
        arrived = self._await(timeout_s)
        self._missed += missing(self._share / "data", self._wanted)
        return arrived

    def late(self) -> list[dict[str, str | int]]:
        """Return which services lived and had not arrived when a wait was over, as components.json has them."""
        return describe_late(self._missed)

    def _await(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            seen = list(self._living())
            absent = self._services - {service for service, _ in seen}
            if absent <= self._silent and all(phase == self._wanted for _, phase in seen):
                return not absent
            if time.monotonic() > deadline:
                self._silent = absent
                return False
            time.sleep(POLL_S)

    def _living(self) -> Iterator[tuple[str, str]]:
        """Yield service and phase of each process that wrote lately."""
        now = time.time()
        for file in (self._share / "data" / "ack").glob("[!.]*"):
            try:
                if now - file.stat().st_mtime < ALIVE_S:
                    yield file.name.partition("@")[0], file.read_text(encoding="utf-8")
            except FileNotFoundError:
                continue  # it ended just now
