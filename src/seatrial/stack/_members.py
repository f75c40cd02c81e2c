"""The services of a local stack, in a file that every process of the harness reads and writes."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seatrial.core import EnvironmentFailure
from seatrial.stack._folders import private
from seatrial.stack._processes import Handle, Launch, status

NO_PROCESS = Handle(pid=0, started=0)
NO_LAUNCH = Launch(command=(), environment={}, directory="", log="", ledger="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One service: where it listens, how it is started, its process, and what it leased from which pool."""

    name: str
    kind: str
    port: int
    url: str = field(repr=False)
    needs: tuple[str, ...]
    launch: Launch = NO_LAUNCH
    handle: Handle = NO_PROCESS
    pool: str = ""
    lease: str = ""


class Roster:
    """The members of one stack in a file (mode 0600: environments hold secrets), changed under a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Member]:
        """Return the members by name; raises EnvironmentFailure when the stack is gone."""
        try:
            content = json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise _gone(self.path) from error
        return {name: _member(entry) for name, entry in content.items()}

    def require_running(self) -> None:
        """Raise EnvironmentFailure where no member runs any more."""
        if all(status(member.handle) in {"exited", "missing"} for member in self.read().values()):
            raise _gone(self.path)

    def write(self, members: dict[str, Member]) -> None:
        """Replace the file at once."""
        temporary = self.path.with_suffix(f".{os.getpid()}")
        with open(temporary, "w", opener=private) as file:
            json.dump({name: asdict(member) for name, member in members.items()}, file)
        temporary.replace(self.path)

    @contextmanager
    def changed(self) -> Iterator[dict[str, Member]]:
        """Hold the lock, hand out the members and write them back."""
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            members = self.read() if self.path.exists() else {}
            yield members
            self.write(members)


def _gone(path: Path) -> EnvironmentFailure:
    return EnvironmentFailure(
        "the local stack is gone",
        slug="stack-gone",
        where=str(path),
        remedy="seatrial down, then seatrial up",
    )


def _member(entry: dict[str, Any]) -> Member:
    launch, handle = Launch(**entry.pop("launch")), Handle(**entry.pop("handle"))
    return Member(**{**entry, "needs": tuple(entry["needs"])}, launch=launch, handle=handle)


def in_waves(members: dict[str, Member]) -> list[list[Member]]:
    """Group members so that each stands after all that it needs."""
    waves: list[list[Member]] = []
    placed: set[str] = set()
    while len(placed) < len(members):
        wave = [m for name, m in members.items() if name not in placed and placed.issuperset(m.needs)]
        waves.append(wave or [m for name, m in members.items() if name not in placed])
        placed |= {member.name for member in waves[-1]}
    return waves
