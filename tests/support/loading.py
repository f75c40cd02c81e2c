"""A server that load is sent to, and a bench that sends it: for the tests of load in tests/integration/load."""

import asyncio
import contextlib
import csv
import json
import os
import ssl
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from seatrial.config import ScenarioSettings
from seatrial.core import Evidence, Identity, Target
from seatrial.swarm import LoadProcess, NoPage, find_breakpoint, run_scenario
from seatrial.swarm._plan import Plan
from seatrial.swarm._resources import Sources
from seatrial.swarm.traffic import Traffic

RUN = f"swarm-test-{os.getpid()}"


ROOT = Path(__file__).parents[2]


REASONS = {200: "OK", 202: "Accepted", 302: "Found", 429: "Too Many Requests", 500: "Internal Server Error"}


HALT_S = 0.5
FIRST = 20


PRELUDE = """
from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, constant, task

class Lean(FastHttpUser):
    abstract = True
    lean = True
"""


@dataclass(slots=True)
class Server:
    """An HTTP/1.1 server on a free port; what a path starts with says how it behaves.

    /slow waits 200 ms, /turn 20 ms and for one request at a time, /fail answers 500, /limit 429, /hang never, /freeze
    stops the whole server for a second once, /stall hangs during the first 0.5 s after its first request, /halt from
    then on, /first for the first 20 requests, /to/URL leads to a URL, /reset ends the connection, /part after half an
    answer. Anything else is answered at once, with JSON.
    """

    port: int = 0
    scheme: str = "http"
    seen: list[tuple[str, str]] = field(default_factory=list)
    first_s: float = 0.0
    frozen: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def target(self) -> Target:
        """Return the address to load."""
        return Target(url=f"{self.scheme}://127.0.0.1:{self.port}")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side ends it."""
        try:
            await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.transport.abort()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            await reader.readexactly(int(headers.get("content-length", "0")))
            self.seen.append((path, headers.get("authorization", "")))
            status = await self.behave(path, 202 if method == "POST" else 200)
            body = b'{"id": "a1"}'
            start = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json; charset=utf-8\r\n"
            start += f"Location: {path.removeprefix('/to/')}\r\n" * (status == 302)
            whole = f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body
            if path.startswith(("/reset", "/part")):
                writer.write(whole[:-6] * path.startswith("/part"))
                writer.close()
                return
            writer.write(whole)
            await writer.drain()

    async def behave(self, path: str, status: int) -> int:
        """Do what the path asks for, and return the status."""
        self.first_s = self.first_s or time.monotonic()
        since_s = time.monotonic() - self.first_s
        if path.startswith("/slow"):
            await asyncio.sleep(0.2)
        if path.startswith("/turn"):
            async with self.turn:
                await asyncio.sleep(0.02)
        if path.startswith("/freeze") and since_s > 0.5 and not self.frozen:
            self.frozen = True
            time.sleep(1.0)  # noqa: ASYNC251 - the point: nobody is served meanwhile
        hangs = path.startswith("/stall") if since_s < HALT_S else path.startswith("/halt")
        early = path.startswith("/first") and len(self.seen) <= FIRST
        if hangs or early or path.startswith("/hang"):
            await asyncio.sleep(3600)
        return {"/fail": 500, "/limi": 429, "/to/h": 302, "/to//": 302}.get(path[:5], status)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve in a thread until the body ends."""
    running, ready, loop = Server(scheme="https" if tls else "http"), threading.Event(), asyncio.new_event_loop()

    async def main() -> None:
        async with await asyncio.start_server(running.serve, "127.0.0.1", 0, backlog=1024, ssl=tls) as listening:
            running.port = listening.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()
            handlers = asyncio.all_tasks() - {asyncio.current_task()}
            for task in handlers:
                task.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close in the next turn

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    try:
        assert ready.wait(10)
        yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


class Pool:
    """Identities with numbered secrets."""

    def __init__(self) -> None:
        self.count = 0

    def lease(self, count: int, *, organisation: str = "", fresh: bool = True) -> Sequence[Identity]:
        """Return identities that nobody had before."""
        assert fresh
        return [self._new(organisation) for _ in range(count)]

    def _new(self, organisation: str) -> Identity:
        self.count += 1
        headers = {"Authorization": f"Bearer secret-{self.count:05d}"}
        return Identity(name=f"user-{self.count}", organisation=organisation, headers=headers)

    def again(self, identity: Identity) -> Identity:
        """Return a user with another secret."""
        return replace(identity, headers=self._new(identity.organisation).headers)

    def forged(self, identity: Identity) -> Identity:
        """Return a stranger with a secret that nobody has."""
        return replace(identity, headers={"Authorization": "Bearer nobody's"})

    def lease_anonymous(self, count: int) -> Sequence[Identity]:
        """Return nobody: clients here cannot be told apart."""
        assert count
        return []


@dataclass(slots=True)
class Bench:
    """Runs scenarios in a folder of their own and keeps what they said."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """Return where the results are."""
        return self.folder / "out"

    def write(self, source: str) -> str:
        """Write a load file and return its path."""
        file = self.folder / "users.py"
        file.write_text(PRELUDE + textwrap.dedent(source))
        return str(file)

    def run(  # noqa: PLR0913 - by keyword
        self, target: Target, *, seconds: float = 1.0, process: LoadProcess | None = None,
        traffic: Traffic | None = None, sources: Sources | None = None, page: NoPage | None = None,
        **settings: object,
    ) -> Evidence:  # fmt: skip
        """Run a scenario named `s`."""
        base: dict[str, object] = {
            **({"traffic": "contract"} if traffic else {}),
            "rate_per_s": 50.0,
            "deadline_s": 1.0,
            "objectives": {"p99": "<= 900 ms", "error_ratio": "<= 0"},
        }
        chosen = ScenarioSettings.model_validate({**base, "duration_s": {"quick": seconds}, **settings})
        send = find_breakpoint if chosen.search else run_scenario
        return send(
            "s", chosen, target=target, identities=Pool(), profile="quick", seed=7, run=RUN, work=self.folder,
            out=self.out, root=self.folder, progress=self.said.append,
            process=process, traffic=traffic, sources=sources, page=page,
            replay="seatrial run --only load --profile quick --seed 7",
        )  # fmt: skip

    def rows(self) -> list[dict[str, str]]:
        """Return requests.csv."""
        with (self.out / "requests.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def ledger(self) -> dict[str, int]:
        """Return the ledger of stats.json."""
        ledger: dict[str, int] = json.loads((self.out / "stats.json").read_text())["ledger"]
        return ledger


def outcomes(evidence: Evidence) -> tuple[str, ...]:
    """Return how honest, objectives and never-limited ended."""
    return tuple(result.outcome.value for result in evidence.results)[:3]


def value(evidence: Evidence, name: str) -> float:
    """Return a measurement of the scenario."""
    return next(one.value for one in evidence.measurements if one.name == f"load.s.{name}")


def load_processes() -> list[psutil.Process]:
    """Return the load processes of these tests that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("SEATRIAL_RUN") == RUN and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def crowded(make: Callable[..., Plan]) -> Callable[..., Plan]:
    """Return what makes plans with room for 3 arrivals at a time."""
    return lambda *args, **options: replace(make(*args, **options), most_in_flight=3)


def broken(bench: Bench) -> dict[str, str]:
    """Return the settings of a load file that cannot be imported."""
    return {"file": bench.write("raise OSError"), "user": "Nobody"}


def patiently(ask: Callable[[], Any], *, patience_s: float = 30.0) -> Any:
    """Return what is said once something is, and somebody is there to say it."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if answer := ask():
                return answer
        time.sleep(0.1)
    return pytest.fail("nobody said anything")
