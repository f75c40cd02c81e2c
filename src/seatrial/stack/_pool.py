"""One PostgreSQL and one Valkey for many stacks, each with a database of its own: starting servers takes time.

SEATRIAL_POOL=<file> --> lease: a database, a role, a logical database, reached through a relay of the stack's own
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from seatrial.core import EnvironmentFailure
from seatrial.stack._folders import private, work_folder
from seatrial.stack._ports import pick_ports
from seatrial.stack._postgres import Postgres, owned_database, prepare_postgres
from seatrial.stack._processes import Handle, Launch, launch, status, terminate
from seatrial.stack._ready import wait_until
from seatrial.stack._sweep import run_marks
from seatrial.stack._valkey import Valkey, prepare_valkey
from seatrial.stack._watchdog import Watchdog

VARIABLE = "SEATRIAL_POOL"
STATE, TAKEN = "pool.json", "taken.json"
NUMBERS = 1024
START_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseLease:
    """A database of the pool and the role that owns it."""

    name: str
    password: str = field(repr=False)


class ServerPool:
    """Two servers, known by their state file; any process that is told of it may lease from them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handles: list[Handle] = []
        self._watchdog: Watchdog | None = None
        facts = _read(path)
        self.postgres = Postgres(**facts["postgres"])
        self.valkey = Valkey(**facts["valkey"])

    @classmethod
    def start(cls, work: Path | None = None) -> Self:
        """Start both servers under a watchdog, in the given folder or one of their own; raises EnvironmentFailure."""
        run = f"pool-{secrets.token_hex(6)}"
        folder = work or work_folder(run)
        watchdog = Watchdog(run=run, work=folder).start()
        try:
            handles = _start_servers(run, folder)
            pool = cls(folder / STATE)
        except BaseException:
            watchdog.close()
            raise
        pool._handles, pool._watchdog = handles, watchdog
        return pool

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return the pool that SEATRIAL_POOL names; None where there is none, or it is gone."""
        return cls.find(Path(os.environ.get(VARIABLE, "")))

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """Return the pool of a state file; None where there is none."""
        return cls(path) if path.is_file() else None

    def environment(self) -> dict[str, str]:
        """Return what a child process needs to use this pool."""
        return {VARIABLE: str(self.path)}

    def stop(self) -> None:
        """End both servers and remove their folder; safe to call twice; does nothing in a process that only leases."""
        for handle in self._handles:
            terminate(handle, number=2, grace_s=5.0)
        if self._watchdog:
            self._watchdog.close()
        self._handles, self._watchdog = [], None

    def lease_database(self, *, password: str = "") -> DatabaseLease:
        """Create a database with a role that owns it; raises EnvironmentFailure when the server is gone."""
        name = f"seatrial_{secrets.token_hex(6)}"
        lease = DatabaseLease(name=name, password=password or secrets.token_urlsafe(18))
        done = self.postgres.run_sql(*owned_database(lease.name, lease.password))
        if done.returncode != 0:
            raise _gone(self.path, done.stderr)
        return lease

    def drop_database(self, name: str) -> None:
        """Remove a database and its role, whoever is connected."""
        self.postgres.run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")

    def lease_number(self) -> int:
        """Reserve an empty logical database of Valkey; raises EnvironmentFailure when none is free."""
        with self._taken() as taken:
            number = next((number for number in range(1, NUMBERS) if number not in taken), 0)
            taken.add(number)
        if not number or not self.valkey.answers():
            raise _gone(self.path, "no logical database is free")
        self.valkey.flush(number)
        return number

    def return_number(self, number: int) -> None:
        """Empty a logical database and hand it back."""
        self.valkey.flush(number)
        with self._taken() as taken:
            taken.discard(number)

    @contextmanager
    def _taken(self) -> Iterator[set[int]]:
        path = self.path.with_name(TAKEN)
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            taken = set(json.loads(file.read() or "[]"))
            yield taken
            file.seek(0)
            file.truncate()
            json.dump(sorted(taken), file)


def _read(path: Path) -> Mapping[str, dict[str, Any]]:
    try:
        facts: dict[str, dict[str, Any]] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise _gone(path, str(error)) from error
    return facts


def _gone(path: Path, details: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        "the shared servers do not answer",
        slug="pool-gone",
        where=str(path),
        remedy=f"unset {VARIABLE}, or start the pool again",
        details=details,
    )


def _start_servers(run: str, folder: Path) -> list[Handle]:
    ports = pick_ports(2)
    password = secrets.token_urlsafe(18)
    marks = run_marks(run, keep=False)
    postgres = prepare_postgres(folder / "db", port=ports[0], password=password, marks=marks, progress=lambda _: None)
    valkey = prepare_valkey(folder / "redis", port=ports[1], databases=NUMBERS)
    environment = {"PATH": os.environ.get("PATH", os.defpath), **marks}
    handles = [
        _start(server.launch(environment=environment, log=folder / f"{name}.log", work=folder), server.answers)
        for name, server in (("db", postgres), ("redis", valkey))
    ]
    postgres.set_up()
    with open(folder / STATE, "w", opener=private) as file:
        json.dump({"postgres": asdict(postgres), "valkey": asdict(valkey)}, file)
    return handles


def _start(wanted: Launch, answers: Callable[[], bool]) -> Handle:
    handle = launch(wanted)
    if not wait_until(answers, timeout_s=START_S, stop=lambda: status(handle) != "running") and not answers():
        log = Path(wanted.log)
        raise _gone(log, log.read_text(errors="replace")[-2000:])
    return handle
