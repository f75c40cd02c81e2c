"""What has to be there before a local service can be started: its folder, its Python environment or its database."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.config import LocalService
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._base import StackPlan
from seatrial.stack._built import ensure_built
from seatrial.stack._environments import ensure_environment
from seatrial.stack._inside import balancer, relay
from seatrial.stack._inside.reaper import LEDGER
from seatrial.stack._pool import ServerPool
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._postgres import owned_database, prepare_postgres
from seatrial.stack._processes import Launch
from seatrial.stack._ready import answers, succeeds
from seatrial.stack._sweep import run_marks
from seatrial.stack._valkey import prepare_valkey
from seatrial.stack._wiring import base_environment, fill, service_environment

Values = Mapping[str, str]
DATABASE = "service"
"""The database of a stack with a server of its own, and the role that owns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A service that can be started once every address is known.

    `launch` is called with the values of all placeholders; `ready` says whether the started service works, `settle` is
    called once when it does. `pool` and `lease` name what has to be given back.
    """

    url: str = field(repr=False)
    launch: Callable[[Values], Launch] = field(repr=False)
    ready: Callable[[Launch], bool]
    settle: Callable[[], None] = lambda: None
    pool: str = ""
    lease: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every preparation needs; `given_up` is set when nobody waits for it any more."""

    plan: StackPlan
    pool: ServerPool | None
    progress: Callable[[str], None]
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def directory(self) -> Path:
        """Return where the project's processes run."""
        return self.plan.root / self.plan.settings.stack.local.directory

    def log(self, name: str) -> Path:
        """Return where a service writes while it runs: a folder that goes with the run."""
        return self.plan.work / f"{name}.log"

    def prepare(self, name: str, service: LocalService, port: int) -> Prepared:
        """Prepare one service; raises UsageError or EnvironmentFailure."""
        if service.kind == "process":
            return self._process(name, service, port)
        if service.kind == "balancer":
            return self._balancer(name, service, port)
        if self.pool:
            try:
                return self._leased(name, service.kind, self.pool, port)
            except EnvironmentFailure as failure:
                self.progress(f"{name}: {failure.what}; starting a server of its own")
        return self._postgres(name, port) if service.kind == "postgres" else self._valkey(name, port)

    def _postgres(self, name: str, port: int) -> Prepared:
        password = self._password() or secrets.token_urlsafe(18)
        marks = run_marks(self.plan.run, keep=self.plan.keep)
        server = prepare_postgres(
            self._fresh(name), port=port, password=secrets.token_urlsafe(18), marks=marks, progress=self.progress
        )
        launch = server.launch(
            environment=base_environment(self.plan),
            log=self.log(name),
            work=self.plan.work,
            database=DATABASE,
            password=password,
        )
        return Prepared(
            url=server.url(database=DATABASE, role=DATABASE, password=password),
            launch=lambda _: launch,
            ready=lambda _: server.answers(),
            settle=lambda: server.set_up(*owned_database(DATABASE, password)),
        )

    def _valkey(self, name: str, port: int) -> Prepared:
        server = prepare_valkey(self._fresh(name), port=port)
        launch = server.launch(environment=base_environment(self.plan), log=self.log(name), work=self.plan.work)
        return Prepared(url=server.url(), launch=lambda _: launch, ready=lambda _: server.answers())

    def _leased(self, name: str, kind: str, pool: ServerPool, port: int) -> Prepared:
        if kind == "valkey":
            number = pool.lease_number()
            url, lease, target, tools = pool.valkey.url(number=number, port=port), str(number), pool.valkey.port, {}
        else:
            held = pool.lease_database(password=self._password())
            url = pool.postgres.url(database=held.name, role=held.name, password=held.password, port=port)
            tools = pool.postgres.client_environment(database=held.name, password=held.password, port=port)
            lease, target = held.name, pool.postgres.port
        launch = self._helper(name, relay.__file__, [str(port), str(target)], tools)
        return Prepared(
            url=url,
            launch=lambda _: launch,
            ready=lambda _: _listens(port),
            pool=str(pool.path),
            lease=lease,
        )

    def _helper(self, name: str, program: str, words: Sequence[str], tools: Mapping[str, str]) -> Launch:
        return Launch(
            command=(sys.executable, "-I", program, *words),
            environment={**base_environment(self.plan), **tools},
            directory=str(self.plan.work),
            log=str(self.log(name)),
            ledger=str(self.plan.work / LEDGER),
        )

    def _balancer(self, name: str, service: LocalService, port: int) -> Prepared:
        def launch(values: Values) -> Launch:
            ports = [values[f"{need}.port"] for need in service.needs]
            return self._helper(name, balancer.__file__, [str(port), *ports], {})

        return Prepared(url=f"http://{LOOPBACK}:{port}", launch=launch, ready=lambda _: _listens(port))

    def _process(self, name: str, service: LocalService, port: int) -> Prepared:
        if not self.directory.is_dir():
            raise UsageError(
                "the folder of the local stack does not exist",
                slug="local-directory-missing",
                where=str(self.directory),
                remedy="name an existing folder in [stack.local] directory",
            )
        marks = run_marks(self.plan.run, keep=False)
        folder = None
        if service.requirements:
            folder = ensure_environment(self.directory / service.requirements, marks=marks, progress=self.progress)
        home = self._home(name, service, marks)
        url = f"http://{LOOPBACK}:{port}"
        return Prepared(
            url=url,
            launch=lambda values: self._launch(name, service, {**values, "port": str(port)}, folder, home),
            ready=lambda launch: _is_ready(service, url, launch),
        )

    def _home(self, name: str, service: LocalService, marks: Mapping[str, str]) -> Path:
        """Return where a service's command runs; a defective copy of the project is built where it is."""
        if not service.source and not service.prepare:
            return self.directory
        ours = self.plan.root == self.plan.settings.root
        return ensure_built(
            name,
            service,
            self.directory,
            marks=marks,
            progress=self.progress,
            keep=ours,
            given_up=self.given_up.is_set,
        )

    def _launch(self, name: str, service: LocalService, values: Values, folder: Path | None, home: Path) -> Launch:
        self.plan.temporary(name).mkdir(parents=True, exist_ok=True)
        environment = service_environment(name, service=service, plan=self.plan, values=values, folder=folder)
        words = [fill(word, values, service=name) for word in service.command]
        return Launch(
            command=(find_program(words[0], environment["PATH"], service=name, directory=home), *words[1:]),
            environment=environment,
            directory=str(home),
            log=str(self.log(name)),
            ledger=str(self.plan.work / LEDGER),
        )

    def _fresh(self, name: str) -> Path:
        """Return a folder that is not there: a second start must not meet the data of the first."""
        folder = self.plan.work / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _password(self) -> str:
        """Return the password that the plan knows, and the record therefore hides."""
        return self.plan.environment.get("POSTGRES_PASSWORD", "")


def find_program(name: str, path: str, *, service: str, directory: Path) -> str:
    """Return the program of a command, its own environment's first; raises UsageError when there is none."""
    found = str(directory / name) if os.sep in name else shutil.which(name, path=path)
    if found is None or not Path(found).exists():
        raise UsageError(
            f"there is no program {name!r}",
            slug="command-missing",
            where=f"[stack.local.services.{service}] command",
            remedy="add the package that brings it to the service's requirements, or correct the name",
        )
    return found


def _is_ready(service: LocalService, url: str, launch: Launch) -> bool:
    """Return whether a process works; one without a probe only has to be alive."""
    if isinstance(service.ready, str):
        return answers(f"{url}{service.ready}")
    if service.ready:
        program = find_program(
            service.ready[0], launch.environment["PATH"], service="ready", directory=Path(launch.directory)
        )
        command = (program, *service.ready[1:])
        return succeeds(command, environment=launch.environment, directory=launch.directory)
    return True


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False
