"""The load process of a machine that a master elsewhere tells what to send: Locust's worker, for one scenario."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import gevent
import gevent.socket
import locust  # before anything that loads ssl, which it must patch first
import locust.runners
from gevent.event import AsyncResult, Event
from locust.env import Environment
from locust.runners import WorkerRunner

from seatrial import __version__
from seatrial.core import UsageError
from seatrial.swarm._crew import CHUNK, NOBODY, SILENT_S, TOPIC, Left, digest, find_file
from seatrial.swarm._inside._harness import listen
from seatrial.swarm._inside._load import BrokenLoadError, load_user
from seatrial.swarm._inside._swarm import run
from seatrial.swarm._plan import Plan

MOST_LOG = 1 << 16
LOOK_S = 0.5
LOOKS = int(SILENT_S / LOOK_S)
MOST_TIMES = 500
LAST_WORDS = {"broken": Left.REFUSED, "done": Left.SENT}


class Link:
    """What goes to the master, and what comes from it."""

    def __init__(self, runner: WorkerRunner) -> None:
        self._runner = runner
        self._unheard = 0
        self._left = Left.SPARE
        self.plan: AsyncResult[Mapping[str, Any]] = AsyncResult()
        self.go, self.stop = Event(), Event()
        self.end = Event()
        runner.register_message(TOPIC, lambda msg, **_: self._hear(msg.data))
        gevent.spawn(self._watch)

    def send(self, kind: str, **facts: object) -> None:
        """Send one message."""
        self._runner.send_message(TOPIC, {"kind": kind, **facts})
        self._left = LAST_WORDS.get(kind, self._left)

    def _hear(self, said: Mapping[str, Any]) -> None:
        self._unheard = 0
        if said["kind"] == "plan":
            self._left = Left.DISMISSED
            self.plan.set(said)
        elif said["kind"] == "go":
            self.go.set()
        elif said["kind"] == "stop":
            self.stop.set()
        elif said["kind"] == "end":
            os._exit(self._left)  # the master has all that it wants; whatever is under way here is nobody's any more

    def _watch(self) -> None:
        """End with the master, at once: what is sent for nobody would be load that nobody asked for.

        By looks, not by a clock: while a load file is imported nobody looks, and what the master says waits unread.
        """
        while self._unheard < LOOKS:
            self._unheard += 1
            gevent.sleep(LOOK_S)
        os._exit(self._left if self._left in LAST_WORDS.values() else Left.ALONE)


class Told:
    """The channel of a run: rows and log go ahead of the report, so that it is the last word."""

    def __init__(self, link: Link, rows: Path, log: Path) -> None:
        self._link, self._rows, self._log = link, rows, log

    def send(self, kind: str, **facts: object) -> None:
        """Send one message, and all that belongs before it."""
        if kind == "done":
            with self._rows.open("rb") as file:
                self._ship(file)
            if text := self._log.read_text(encoding="utf-8", errors="replace")[-MOST_LOG:]:
                self._link.send("log", text=text)
        self._link.send(kind, **facts)

    def _ship(self, file: BinaryIO) -> None:
        while chunk := file.read(CHUNK):
            self._link.send("rows", rows=zlib.compress(chunk, 1))
            gevent.sleep(0)  # Locust's heartbeat has its turn


def own_plan(said: Mapping[str, Any], work: Path, committed: list[str], allow_target: str) -> Plan:
    """Return the plan as this machine sends it; raises UsageError, BrokenLoadError where it does not."""
    from seatrial.stack import check_target  # noqa: PLC0415 - loads ssl, which gevent had to patch first

    plan = Plan.decode(said["plan"])
    check_target(plan.url, committed=committed, allow_target=allow_target)
    if not plan.named:
        return replace(plan, requests=str(work / "requests.csv"))
    file = find_file(plan.named, Path.cwd())
    if file is None or digest(file) != said["digest"]:
        raise BrokenLoadError(
            f"its {plan.named} is not the master's" if file else f"it has no {plan.named} in its project",
            slug="load-worker-file",
            details="a worker runs its own files only",
        )
    return replace(plan, file=str(file), requests=str(work / "requests.csv"))


def serve(link: Link, facts: Mapping[str, Any]) -> None:
    """Send one scenario's share."""
    work = Path(facts["work"])
    link.send("here", version=__version__)
    said = cast(Mapping[str, Any], link.plan.get())
    try:
        plan = own_plan(said, work, facts["committed"], facts["allow_target"])
        user_class = load_user(plan)
    except UsageError as error:
        remedy = f"on that machine, {error.remedy}"
        link.send("broken", slug=error.slug, what=error.what, details=error.details, remedy=remedy)
    except BrokenLoadError as error:
        remedy = "use the same files on all machines, and files that can be used"
        link.send("broken", slug=error.slug, what=error.what, details=error.details, remedy=remedy)
    else:
        run(plan, user_class, Told(link, Path(plan.requests), work / "locust.log"), link.go, link.stop)
    link.end.wait()


def be_patient(wait_s: float) -> None:
    """Have Locust ask for a master as long: each time from within the last, so that there is an end to how often."""
    locust.runners.CONNECT_TIMEOUT = math.ceil(max(locust.runners.CONNECT_TIMEOUT, wait_s / MOST_TIMES))
    locust.runners.CONNECT_RETRY_COUNT = math.ceil(wait_s / locust.runners.CONNECT_TIMEOUT) + 1


def main() -> int:
    """Return 3 when no master came; where one did, it ends this process."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    facts = json.loads(sys.argv[1])
    os.chdir(facts["root"])
    gevent.spawn(listen, Event(), Event())
    environment = Environment()
    be_patient(facts["wait_s"])
    try:
        with gevent.Timeout(facts["wait_s"]):
            runner = environment.create_worker_runner(facts["host"], facts["port"])
    except (gevent.Timeout, ConnectionError):
        return NOBODY
    serve(Link(runner), facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
