"""The load process of a load that workers send: Locust's master, through which they hear and tell what a process does.

harness --stdin: Plan; go-------------> master --plan and share; go; stop; alive--> worker
harness <--stdout: ready, tick, done--- master <--ready, begun, tick, shown, rows, log, done-- worker
"""

from __future__ import annotations

import logging
import os
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gevent
import locust
from gevent.event import Event
from gevent.queue import Empty, Queue
from locust.env import Environment
from locust.exception import RPCError
from locust.runners import HEARTBEAT_LIVENESS, STATE_INIT, STATE_MISSING, MasterRunner

from seatrial import __version__
from seatrial.swarm._crew import CHUNK, MOST_BYTES, TOPIC, Crew, digest
from seatrial.swarm._inside._channel import Channel
from seatrial.swarm._inside._harness import listen, read_plan
from seatrial.swarm._plan import Plan
from seatrial.swarm._team import gather, part_of, report_of, sum_of

POLL_S = 0.25
ALIVE_S = 1.0
START_S = 50.0
"""How long all workers together may take to load their users."""

Said = tuple[str, Mapping[str, Any]]


class SpoiltError(Exception):
    """The load cannot be sent as asked: the message says why, and nothing is judged."""


@dataclass(slots=True)
class Member:
    """A worker: its number among them, and what it told."""

    number: int
    client: str
    ready: bool = False
    begun_s: float = 0.0
    size: int = 0
    tick: Mapping[str, Any] | None = None
    report: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Return how messages call it: its number, and its machine."""
        return f"worker {self.number + 1} ({self.client.rpartition('_')[0]})"


class Master:
    """One attempt at one scenario."""

    def __init__(self, crew: Crew, plan: Plan, channel: Channel, runner: MasterRunner) -> None:
        self._crew, self._plan, self._channel, self._runner = crew, plan, channel, runner
        self._said: Queue[Said] = Queue()
        self._members: dict[str, Member] = {}
        runner.register_message(TOPIC, lambda msg, **_: self._said.put((msg.node_id, msg.data)))

    def run(self, go: Event, stop: Event) -> None:
        """Have the plan sent, and report to the harness; raises SpoiltError."""
        self._assemble()
        self._hand_out()
        self._channel.send("ready")
        go.wait()
        began_s = self._begin()
        gevent.spawn(self._pass_on, stop)
        # Whatever ends late is the workers' own affair, which they tell; this ends only what tells nothing at all.
        limit_s = self._plan.duration_s + self._plan.patience_s + START_S
        self._wait(lambda: all(one.report for one in self._members.values()), limit_s, "reported")
        self._report(began_s)

    def close(self) -> None:
        """Let all workers go: they end what they send, and connect to the next master."""
        self._runner.send_message(TOPIC, {"kind": "end"})
        gevent.sleep(POLL_S)

    def _assemble(self) -> None:
        """Wait for the workers."""
        for _ in self._hearing(self._crew.wait_s):
            if len(self._members) == self._crew.workers:
                return
        there = f"only {len(self._members)} of {self._crew.workers} workers"
        raise SpoiltError(f"{there} came to {self._crew.address} within {self._crew.wait_s:g} s")

    def _hand_out(self) -> None:
        """Give each its share, and wait until all are ready."""
        common = {"kind": "plan", "digest": digest(Path(self._plan.file)) if self._plan.file else ""}
        for one in self._members.values():
            plan = replace(self._plan, share=(one.number, len(self._members)), file="", requests="")
            self._runner.send_message(TOPIC, {**common, "plan": plan.encode()}, one.client)
        self._wait(lambda: all(one.ready for one in self._members.values()), START_S, "got ready")

    def _begin(self) -> float:
        """Let all begin, and return when the first one may have, by this process's clock."""
        now_s = time.perf_counter()
        self._runner.send_message(TOPIC, {"kind": "go"})
        return now_s

    def _pass_on(self, stop: Event) -> None:
        """Let all end before their time when the harness says so; they report what they sent by then."""
        stop.wait()
        self._runner.send_message(TOPIC, {"kind": "stop"})

    def _wait(self, done: Any, seconds: float, what: str) -> None:
        if done():
            return
        for _ in self._hearing(seconds):
            self._look()
            if done():
                return
        raise SpoiltError(f"not every worker {what} within {seconds:g} s")

    def _hearing(self, seconds: float) -> Iterator[None]:
        """Take in what is said, and yield after each message, and now and then."""
        until_s, alive_s = time.perf_counter() + seconds, 0.0
        while (now_s := time.perf_counter()) < until_s:
            if now_s - alive_s >= ALIVE_S:
                alive_s = now_s
                self._runner.send_message(TOPIC, {"kind": "alive"})
            try:
                self._take(*self._said.get(timeout=POLL_S))
            except Empty:  # what it is waited for may have come, or gone, all the same
                yield
            yield

    def _look(self) -> None:
        """Raise SpoiltError where a worker is gone that has not reported.

        Until it is ready, one that is silent may be loading its users, which leaves no time for heartbeats.
        """
        for one in self._members.values():
            client = self._runner.clients.get(one.client)
            if not one.report and (client is None or (one.ready and client.state == STATE_MISSING)):
                raise SpoiltError(f"{one.name} of {len(self._members)} was lost before it reported")

    def _take(self, client: str, said: Mapping[str, Any]) -> None:
        if said["kind"] == "here":
            self._enlist(client, said)
        elif one := self._members.get(client):
            getattr(self, f"_on_{said['kind']}")(one, said)

    def _enlist(self, client: str, said: Mapping[str, Any]) -> None:
        """Take a worker on, as long as some are wanted: others may come for the next scenario."""
        if len(self._members) == self._crew.workers or client in self._members:
            return
        one = self._members[client] = Member(len(self._members), client)
        if said["version"] != __version__:
            what = f"{one.name} has seatrial {said['version']}, its master {__version__}"
            self._break(slug="load-worker-version", what=what, details="", remedy="install the same on all machines")

    def _break(self, **facts: str) -> None:
        """Tell the harness that this cannot be used, and end: workers first, as it kills this process at that word."""
        self.close()
        self._channel.send("broken", where=self._crew.address, **facts)
        os._exit(2)

    def _on_broken(self, one: Member, said: Mapping[str, Any]) -> None:
        facts = {name: said[name] for name in ("slug", "details", "remedy") if name in said}
        self._break(what=f"{one.name}: {said['what']}", **facts)

    def _on_ready(self, one: Member, said: Mapping[str, Any]) -> None:
        """Take note, and count heartbeats from now on: Locust may have missed it meanwhile."""
        del said
        one.ready = True
        if client := self._runner.clients.get(one.client):
            client.state, client.heartbeat = STATE_INIT, HEARTBEAT_LIVENESS

    def _on_begun(self, one: Member, said: Mapping[str, Any]) -> None:
        del said
        one.begun_s = time.perf_counter()

    def _on_tick(self, one: Member, said: Mapping[str, Any]) -> None:
        one.tick = said
        if one.number == 0:
            ticks = [other.tick for other in self._members.values() if other.tick]
            self._channel.send("tick", **sum_of(ticks))

    def _on_shown(self, one: Member, said: Mapping[str, Any]) -> None:
        del one
        self._channel.send(**said)

    def _on_log(self, one: Member, said: Mapping[str, Any]) -> None:
        print(f"{one.name}:\n{said['text']}", file=sys.stderr)  # noqa: T201 - standard error is the log

    def _on_rows(self, one: Member, said: Mapping[str, Any]) -> None:
        rows = zlib.decompressobj().decompress(said["rows"], CHUNK)
        one.size += len(rows)
        if one.size > MOST_BYTES:
            raise SpoiltError(f"{one.name} wrote more than {MOST_BYTES >> 20} MiB of rows")
        with Path(part_of(self._plan, one.number)).open("ab") as file:
            file.write(rows)

    def _on_done(self, one: Member, said: Mapping[str, Any]) -> None:
        one.report = said

    def _report(self, began_s: float) -> None:
        """Put together what all told, as one process would have told it."""
        members = list(self._members.values())
        gather(self._plan, len(members))
        apart_ms = 1000 * (max(one.begun_s for one in members) - began_s)
        report = report_of([one.report for one in members if one.report])
        self._channel.send("done", **report, apart_ms=apart_ms)


def listen_at(crew: Crew) -> MasterRunner:
    """Return Locust's master; raises OSError where it cannot listen."""
    try:
        return Environment().create_master_runner(crew.host, crew.port)
    except (SystemExit, RPCError) as error:
        raise OSError(f"cannot listen on {crew.address}") from error


def main() -> int:
    """Return 0 after a report, or after telling why there is none; 2 when something cannot be used."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    channel = Channel.take_stdout()
    crew, plan, go = Crew.decode(sys.argv[1]), read_plan(), Event()
    stop = Event()
    gevent.spawn(listen, go, stop)
    try:
        runner = listen_at(crew)
    except OSError as error:
        channel.send(
            "broken", slug="load-master-address", what=str(error), details="", where="--bind",
            remedy="name an address of this machine, and a port where no other master listens",
        )  # fmt: skip
        return 2
    master = Master(crew, plan, channel, runner)
    try:
        master.run(go, stop)
    except SpoiltError as error:
        channel.send("lost", reason=str(error), locust=locust.__version__)
    master.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
