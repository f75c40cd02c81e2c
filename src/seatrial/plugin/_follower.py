"""An xdist worker: waits until the controlling process has entered a suite, and hands its events over.

Workers cannot deadlock while they wait: items are handed out in suite order, so whatever has to end before a suite
begins stands before its items in every worker's queue.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from seatrial.campaign import KEY, Entered, Options, declared_people
from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, Outcome, SeatrialError
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.plugin._conductor import FACTS, PHASES, RECORDER
from seatrial.record import RemoteRecorder, Sink, read_record
from seatrial.stack import Stack, attach, folders_of, run_marks

POLL_S = 0.02
PATIENCE_S = 900.0


class Follower:
    """Hold this worker's share of a run that another process conducts."""

    def __init__(self, settings: Settings, options: Options, *, conductor: int, worker: str) -> None:
        self.settings = settings
        self.options = options
        self.problem: SeatrialError | None = None
        self._conductor = conductor
        self._worker = worker
        self._stacks: dict[str, Stack] = {}

    @cached_property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._await_session())
        return facts

    def _await_session(self) -> bytes:
        """Wait until the conductor has opened its run; that may never happen, as it refuses what is wrong."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for folder in folders_of(self._conductor):
                if (folder / FACTS).exists():
                    return (folder / FACTS).read_bytes()
            time.sleep(POLL_S)
        raise _gone(str(self._conductor))

    @property
    def _work(self) -> Path:
        return Path(self._facts["work"])

    @property
    def directory(self) -> Path:
        """Return the run's directory."""
        return Path(self._facts["directory"])

    @property
    def marks(self) -> Mapping[str, str]:
        """Return the variables by which the run's processes are found."""
        return run_marks(self._facts["run"], keep=False)

    @cached_property
    def sink(self) -> Sink:
        """Return the connection to the recorder."""
        return RemoteRecorder(self._work / RECORDER)

    @cached_property
    def identities(self) -> IdentityPool:
        """Return identities that no other worker uses."""
        seed = int(self._facts["seed"])
        return IdentityPool(
            self.settings.auth,
            key=SigningKey.load(self._work / KEY),
            run=self._facts["run"],
            worker=self._worker,
            named=self.settings.identities,
            seed=seed,
            people=declared_people(self.settings, self._keep_secret, check=False),
            addresses=AddressPool(
                "loopback" if self._facts["addresses"] else "none", seed=seed + 1 + int(self._worker.strip("gw") or 0)
            ),
        )

    def _keep_secret(self, name: str, value: str) -> None:
        self.sink.register_secret(name, value)

    def enter(self, suite: str) -> Entered:
        """Wait until the suite may run; raises EnvironmentFailure when it cannot."""
        entered = Entered.from_json(_await_file(self._work / PHASES / f"{suite}.json"))
        if entered.error:
            raise EnvironmentFailure(entered.error.splitlines()[0], slug="suite-not-entered", where=suite)
        if entered.alike:
            self.identities.forgo_addresses(entered.alike)
        return entered

    def stack(self, entered: Entered) -> Stack:
        """Return a handle of the stack that a suite runs on."""
        if entered.variant not in self._stacks:
            self._stacks[entered.variant] = attach(entered.state)
        return self._stacks[entered.variant]

    def outcomes(self, slugs: Iterable[str]) -> Mapping[str, Outcome]:
        """Wait until these checks ended, wherever they run, and return how."""
        wanted, deadline = set(slugs), time.monotonic() + PATIENCE_S
        while wanted:
            results = read_record(Path(self._facts["directory"])).results
            if wanted <= results.keys() or time.monotonic() > deadline:
                return {slug: results[slug].outcome for slug in wanted & results.keys()}
            time.sleep(POLL_S)
        return {}

    @contextlib.contextmanager
    def hold(self, *, exclusive: bool) -> Iterator[None]:
        """Keep a check that disturbs the stack apart from all others, across processes."""
        with (self._work / "stack.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            yield


def _await_file(path: Path) -> bytes:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise _gone(str(path))
        time.sleep(POLL_S)
    return path.read_bytes()


def _gone(where: str) -> EnvironmentFailure:
    return EnvironmentFailure("the controlling process does not answer", slug="conductor-gone", where=where)
