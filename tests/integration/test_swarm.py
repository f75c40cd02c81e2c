"""Load on a real server that can be slow, freeze, hang, fail, limit or be absent; and generators that are ended."""

import asyncio
import base64
import contextlib
import csv
import itertools
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from seatrial.config import ScenarioSettings
from seatrial.core import EnvironmentFailure, Evidence, Identity, Outcome, Target, UsageError
from seatrial.swarm import Hammer, LoadProcess, make_hammer, run_scenario, start_ahead
from seatrial.swarm._histogram import Histogram
from seatrial.swarm._plan import Plan
from seatrial.swarm._scenario import make_plan
from seatrial.swarm.traffic import Prepared, Traffic

RUN = f"swarm-test-{os.getpid()}"
ROOT = Path(__file__).parents[2]
REASONS = {200: "OK", 202: "Accepted", 302: "Found", 429: "Too Many Requests", 500: "Internal Server Error"}


HALT_S = 0.5
PRELUDE = """
from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, constant, task

class Lean(FastHttpUser):
    abstract = True
    lean = True
"""


@dataclass(slots=True)
class Server:
    """An HTTP/1.1 server on a free port; what a path starts with says how it behaves.

    /slow waits 200 ms, /fail answers 500, /limit 429, /hang never, /freeze stops the whole server for a second once,
    /stall hangs during the first 0.5 s after its first request, /halt from then on, /to/URL leads to a URL, /reset ends
    the connection, /part after half an answer. Anything else is answered at once, with JSON.
    """

    port: int = 0
    scheme: str = "http"
    seen: list[tuple[str, str]] = field(default_factory=list)
    first_s: float = 0.0
    frozen: bool = False

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
        if path.startswith("/freeze") and since_s > 0.5 and not self.frozen:
            self.frozen = True
            time.sleep(1.0)  # noqa: ASYNC251 - the point: nobody is served meanwhile
        hangs = path.startswith("/stall") if since_s < HALT_S else path.startswith("/halt")
        if hangs or path.startswith("/hang"):
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
    assert ready.wait(10)
    yield running
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """Return the service that is loaded."""
    with serving() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    """Return another service, at an address of its own, which nobody allowed."""
    with serving() as running:
        yield running


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

    def run(
        self, target: Target, *, seconds: float = 1.0, process: LoadProcess | None = None,
        traffic: Traffic | None = None, **settings: object,
    ) -> Evidence:  # fmt: skip
        """Run a scenario named `s`."""
        base: dict[str, object] = {
            **({"traffic": "contract"} if traffic else {}),
            "rate_per_s": 50.0,
            "deadline_s": 1.0,
            "objectives": {"p99": "<= 900 ms", "error_ratio": "<= 0"},
        }
        chosen = ScenarioSettings.model_validate({**base, "duration_s": {"quick": seconds}, **settings})
        return run_scenario(
            "s", chosen, target=target, identities=Pool(), profile="quick", seed=7, run=RUN, work=self.folder,
            out=self.out, root=self.folder, progress=self.said.append,
            process=process, traffic=traffic, replay="seatrial run --only load --profile quick --seed 7",
        )  # fmt: skip

    def rows(self) -> list[dict[str, str]]:
        """Return requests.csv."""
        with (self.out / "requests.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def ledger(self) -> dict[str, int]:
        """Return the ledger of stats.json."""
        ledger: dict[str, int] = json.loads((self.out / "stats.json").read_text())["ledger"]
        return ledger


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a bench in an empty folder."""
    return Bench(tmp_path)


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


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a load process behind."""
    yield
    assert load_processes() == []


def hammer(bench: Bench, target: Target, **settings: object) -> Hammer:
    """Return a scenario's load at 200 arrivals a second, 5 of them at a time."""
    chosen = ScenarioSettings.model_validate({"rate_per_s": 1, "duration_s": {"quick": 1}, **settings})
    return make_hammer(
        "s", chosen, target=target, identities=Pool(), rate_per_s=200.0, duration_s=30.0, most_in_flight=5, seed=7,
        run=RUN, work=bench.folder, root=bench.folder, limits=(), environment={},
    )  # fmt: skip


def test_a_hang_fails_where_there_is_no_room(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that answers nothing has failed also where most arrivals were turned away meanwhile."""
    monkeypatch.setattr("seatrial.swarm._scenario.make_plan", crowded(make_plan))
    evidence = bench.run(server.target, paths=("/hang",))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert evidence.notes == ()
    ledger = bench.ledger()
    assert ledger["started"] == ledger["failed"] < ledger["dropped"]
    assert value(evidence, "error_ratio") == 1


def test_a_hang_fails_where_descriptors_run_out(bench: Bench, server: Server) -> None:
    """With descriptors for sixty at a time, a service that hangs has failed, and is not asked a second time."""
    with contextlib.closing(start_ahead("s", run=RUN, work=bench.folder, root=bench.folder)) as process:
        for child in load_processes():
            resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (160, 160))
        evidence = bench.run(server.target, paths=("/hang",), process=process, rate_per_s=100.0, deadline_s=2.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert evidence.notes == ()
    assert bench.ledger()["failed"] == bench.ledger()["started"] == 60
    assert {row["cause"] for row in bench.rows() if row["outcome"] == "turned-away"} == {"60 arrivals were under way"}


def crowded(make: Callable[..., Plan]) -> Callable[..., Plan]:
    """Return what makes plans with room for 3 arrivals at a time."""
    return lambda *args, **options: replace(make(*args, **options), most_in_flight=3)


def test_a_hammer_keeps_a_service_busy_until_it_is_left(bench: Bench, server: Server) -> None:
    """It turns away what is due while enough are under way, and ends with its body, long before its time."""
    began_s = time.monotonic()
    with hammer(bench, server.target, paths=("/slow",)) as load:
        assert not load.ended
        assert load.due == pytest.approx(200, abs=20)
        assert 5 <= load.started <= 30
    assert load.ended
    assert time.monotonic() - began_s < 25
    assert 5 <= len(server.seen) <= 60


def test_dropped_arrivals_are_in_the_books(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is turned away is counted where it happens, with a row and a cause, and passes no objective."""
    monkeypatch.setattr("seatrial.swarm._scenario.make_plan", crowded(make_plan))
    evidence = bench.run(server.target, paths=("/slow",), objectives={"error_ratio": "<= 0"})
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    ledger, rows = bench.ledger(), bench.rows()
    fates = Counter(row["outcome"] for row in rows)
    assert fates["turned-away"] == ledger["dropped"] > 20
    assert fates["ok"] == ledger["answered"] == ledger["started"]
    assert {row["cause"] for row in rows if row["outcome"] == "turned-away"} == {"3 arrivals were under way"}


def test_a_hammer_with_a_broken_load_file_never_begins(bench: Bench, server: Server) -> None:
    """It raises what the scenario itself would."""
    with pytest.raises(UsageError, match="cannot be imported"), hammer(bench, server.target, **broken(bench)):
        pytest.fail("it began")


def broken(bench: Bench) -> dict[str, str]:
    """Return the settings of a load file that cannot be imported."""
    return {"file": bench.write("raise OSError"), "user": "Nobody"}


# What the service does


def test_paths_alone_need_no_python(bench: Bench, server: Server) -> None:
    """Listed paths are asked for in turn, exactly as often as was due, and everything adds up."""
    evidence = bench.run(server.target, paths=("/a", "/b?x=1"))
    assert outcomes(evidence) == ("passed", "passed", "not-applicable")
    assert Counter(path for path, _ in server.seen) == {"/a": 25, "/b?x=1": 25}
    assert bench.ledger() == {"due": 50, "started": 50, "dropped": 0, "answered": 50, "failed": 0, "unfinished": 0}
    assert value(evidence, "GET-b.status_200") == 25
    assert value(evidence, "rate") == 50


def test_prepared_requests_keep_their_names(bench: Bench, server: Server) -> None:
    """Each is sent as it is, in its turn, and is called by its name, also where no answer came."""
    requests = (
        Prepared(method="POST", path="/a/1?x=2", name="/a/{id}", headers={"Content-Type": "text/plain"}, body="\udcff"),
        Prepared(path="/hang/1", name="/hang/{id}"),
    )
    evidence = bench.run(
        server.target, deadline_s=0.5, rate_per_s=20.0, seconds=1.0, traffic=Traffic(requests=requests)
    )
    assert Counter(row["operation"] for row in bench.rows()) == {"POST /a/{id}": 10, "GET /hang/{id}": 10}
    assert Counter(path for path, _ in server.seen) == {"/a/1?x=2": 10, "/hang/1": 10}
    assert bench.ledger()["answered"] == 10
    assert {one.request.body for one in evidence.exchanges if one.request.method == "POST"} == {"\ufffd"}


def test_shipped_users_rotate_identities(bench: Bench, server: Server) -> None:
    """`Steady` sends its mix as each identity in turn; secrets are in no file and on no command line."""
    evidence = bench.run(server.target, user="Steady", identities=10, rate_per_s=36.0)
    assert outcomes(evidence) == ("passed", "passed", "passed")
    arrivals = {row["arrival"]: row["identity"] for row in bench.rows()}
    assert set(Counter(arrivals.values()).values()) <= {3, 4}
    assert len({token for _, token in server.seen}) == 10
    operations = Counter(row["operation"] for row in bench.rows())
    assert operations == {
        "GET /api/v1/analysis": 16,
        "POST /api/v1/analysis": 12,
        "GET /api/v1/analysis/{id}": 12,
        "GET /api/v1/health": 8,
    }
    written = b"".join(file.read_bytes() for file in bench.folder.rglob("*") if file.is_file())
    assert b"secret-0" not in written
    assert "secret-0" not in repr(evidence)


def test_health_hammer_uses_the_paths_of_the_scenario(bench: Bench, server: Server) -> None:
    """`Health` asks for the scenario's paths, anonymously, and a 429 there is a finding."""
    evidence = bench.run(server.target, user="Health", paths=("/ready", "/limit"))
    assert {path for path, _ in server.seen} == {"/ready", "/limit"}
    assert outcomes(evidence) == ("passed", "failed", "failed")
    assert evidence.results[2].findings[0].operation == "GET /limit"
    (shown,) = evidence.results[2].findings[0].evidence
    exchange = next(one for one in evidence.exchanges if one.id == shown)
    assert exchange.response is not None
    assert exchange.response.status == 429


@pytest.mark.alone
def test_a_freeze_is_seen_by_everybody_who_was_due(bench: Bench, server: Server) -> None:
    """A freeze of one second shows in p50 to max as in truth: those due meanwhile waited, though nobody asked twice."""
    evidence = bench.run(server.target, paths=("/freeze",), seconds=2.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    slow = [float(row["latency_ms"]) for row in bench.rows() if float(row["latency_ms"]) > 100]
    assert 40 <= len(slow) <= 60  # 50 arrivals were due in that second, 45 of them had 100 ms or more to wait
    assert 950 <= value(evidence, "max") < 1500
    assert value(evidence, "p95") > 800
    assert bench.ledger()["started"] == 100


def test_a_scenario_for_another_profile_is_not_tested(bench: Bench, server: Server) -> None:
    """Without a duration for the profile nothing is sent, and every check says so."""
    evidence = bench.run(server.target, paths=("/a",), duration_s={"full": 1.0})
    assert outcomes(evidence) == ("not-tested", "not-tested", "not-tested")
    assert {result.reason for result in evidence.results} == {"[load.s.duration_s] has none for the profile quick"}
    assert server.seen == []
    assert not bench.out.exists()


@pytest.mark.alone
def test_slow_answers_are_measured_not_awaited(bench: Bench, server: Server) -> None:
    """A server that takes 200 ms gets the asked rate all the same."""
    evidence = bench.run(server.target, paths=("/slow",))
    assert outcomes(evidence)[:2] == ("passed", "passed")
    assert value(evidence, "rate") == 50
    assert 200 <= value(evidence, "p50") < 600


def test_a_hanging_server_fails_at_the_deadline(bench: Bench, server: Server) -> None:
    """Requests without an answer count at the deadline, and none is missing."""
    evidence = bench.run(server.target, paths=("/hang", "/a"))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "error_ratio") == 0.5
    assert value(evidence, "GET-hang.p50") == 1000
    assert bench.ledger()["failed"] == 25
    assert {row["outcome"] for row in bench.rows()} == {"ok", "timeout"}


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser", "Lean"])
def test_clients_survive_a_deadline(bench: Bench, server: Server, base: str) -> None:
    """After requests that hung, the same users' connections work again, with either of Locust's clients."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("/stall", headers={{"X-Own": "1"}})
    """)
    evidence = bench.run(
        server.target, user="Own", file=file, identities=2, rate_per_s=40.0, seconds=1.5, deadline_s=0.3,
        objectives={"p50": "<= 300 ms"},
    )  # fmt: skip
    assert outcomes(evidence)[:2] == ("passed", "passed")
    last = [row["outcome"] for row in bench.rows() if float(row["due_s"]) > 0.7]
    assert set(last) == {"ok"}
    assert "timeout" in {row["outcome"] for row in bench.rows()}
    assert {token for _, token in server.seen} == {"bearer secret-00001", "bearer secret-00002"}


def test_errors_are_counted_by_status(bench: Bench, server: Server) -> None:
    """A path that answers 500 fails the objective, with the cause and an exchange in the finding."""
    evidence = bench.run(server.target, paths=("/fail", "/a"))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    (finding,) = evidence.results[1].findings
    assert finding.detail == "25 x GET /fail: HTTP 500"
    assert finding.evidence
    assert "seatrial run --only load --profile quick --seed 7" in finding.replay
    assert value(evidence, "GET-fail.status_500") == 25
    written = Counter((row["operation"], int(row["status"]), row["media"]) for row in bench.rows())
    assert {(told.operation, told.status, told.media): told.count for told in evidence.tallies} == written
    assert {("GET /fail", 500), ("GET /a", 200)} == {key[:2] for key in written}


def test_a_refused_connection_is_no_quick_answer(bench: Bench) -> None:
    """Nobody listens: every request failed, and a latency objective alone does not hold."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = Target(url=f"http://127.0.0.1:{free.getsockname()[1]}")
        evidence = bench.run(target, paths=("/a",), objectives={"p99": "<= 900 ms"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "p50") == 1000
    assert value(evidence, "status_0") == 50


AWAY = ("/to/{other}/a", "{other}/a", "/to/http://nobody@{port}@{address}/a")


@pytest.mark.parametrize(
    ("base", "path"), [*itertools.product(["FastHttpUser", "HttpUser"], AWAY), ("Lean", "{other}/a")]
)
def test_load_never_leaves_its_target(bench: Bench, server: Server, other: Server, base: str, path: str) -> None:
    """Neither an absolute URL nor a redirect takes requests or a token elsewhere, whatever a task makes of it."""
    address = other.target.url.removeprefix("http://")
    url = path.format(other=other.target.url, address=address, port=server.port)
    file = bench.write(f"""
        class Own({base}):
            def on_start(self):
                self.client.get("{url}")
            @task
            def ask(self):
                self.client.get("{url}")
            @task
            def judge(self):
                with self.client.get("{url}", catch_response=True) as answer:
                    answer.success()
    """)
    evidence = bench.run(server.target, user="Own", file=file, identities=2, objectives={"p50": "<= 900 ms"})
    assert other.seen == []
    assert outcomes(evidence)[:2] == ("passed", "failed"), evidence.results[0].reason
    assert bench.ledger()["failed"] == 50
    assert {row["outcome"] for row in bench.rows()} == {"elsewhere"}
    cause = f"not sent, as it leads away from the target: {other.target.url}"
    assert cause in evidence.results[1].findings[0].detail
    assert cause in evidence.notes[-1]


@pytest.mark.alone
def test_requests_inside_others_have_latencies_of_their_own(bench: Bench, server: Server) -> None:
    """A with-block that sends another request measures both: the outer from the due time, the inner from its start."""
    file = bench.write("""
        class Nested(FastHttpUser):
            @task
            def ask(self):
                with self.client.get("/slow", catch_response=True) as outer:
                    with self.client.get("/a", catch_response=True) as inner:
                        inner.success()
                    outer.success()
    """)
    evidence = bench.run(server.target, user="Nested", file=file)
    assert outcomes(evidence)[:2] == ("passed", "passed")
    assert value(evidence, "GET-slow.p50") >= 200 > value(evidence, "GET-a.p50")
    lags = {row["arrival"]: float(row["lag_ms"]) for row in bench.rows()}
    assert all(
        float(row["latency_ms"]) >= 200 + lags[row["arrival"]] for row in bench.rows() if "slow" in row["operation"]
    )


@pytest.mark.parametrize("guard", ["Exception", "KeyError"])
def test_a_task_that_asks_without_end_is_ended(bench: Bench, server: Server, guard: str) -> None:
    """Each arrival has so many requests and no more; one with more has failed, however good its requests were."""
    file = bench.write(f"""
        class Endless(FastHttpUser):
            @task
            def ask(self):
                while True:
                    try:
                        self.client.get("/a")
                    except {guard}:
                        pass
    """)
    evidence = bench.run(server.target, user="Endless", file=file, rate_per_s=5.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "error_ratio") == 1
    assert len(server.seen) == 500
    assert "more than 100 requests" in evidence.results[1].findings[0].detail


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let arrivals begin late, where a test is about something else: who else runs here is not its affair."""
    monkeypatch.setattr("seatrial.swarm._honesty.LAG_MS", 2000.0)


@pytest.mark.usefixtures("unhurried")
def test_a_spike_is_sent(bench: Bench, server: Server) -> None:
    """Ten times as many arrivals are due within it as before and after, and all of them are sent."""
    spike = {"times": 10.0, "at_s": 0.5, "for_s": 0.5}
    evidence = bench.run(server.target, paths=("/a",), rate_per_s=20.0, seconds=1.5, spike=spike, deadline_s=5.0)
    due = [float(row["due_s"]) for row in bench.rows()]
    counts = [sum(start <= at < start + 0.5 for at in due) for start in (0.0, 0.5, 1.0)]
    assert [abs(count - wanted) <= 1 for count, wanted in zip(counts, (10, 100, 10), strict=True)] == [True] * 3
    assert len(server.seen) == len(due) == bench.ledger()["answered"]
    assert value(evidence, "rate") == pytest.approx(80, abs=1)


# Journeys

JOURNEY = """
    class Journey({base}):
        wait_time = constant({think})
        @task
        class Visit(SequentialTaskSet):
            def on_start(self):
                self.user.steps = []
            @task
            def arrive(self):
                self.client.get("/a")
                self.user.steps.append("arrive")
            @task
            def look(self):
                self.client.get("/b")
                {way_out}
                self.user.steps.append("look")
            @task
            def leave(self):
                self.client.get(f"/left/{{'-'.join(self.user.steps)}}", name="/left")
"""


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("base", ["FastHttpUser", "Lean"])
def test_a_journey_is_one_arrival(bench: Bench, server: Server, base: str) -> None:
    """Its steps come in order, once for each arrival; thinking between them is in no latency, and in no deadline."""
    file = bench.write(JOURNEY.format(base=base, think=1.1, way_out=""))
    evidence = bench.run(
        server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=2.0, journey_s=20.0,
        objectives={"error_ratio": "<= 0"},
    )  # fmt: skip
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert bench.ledger() == {"due": 20, "started": 20, "dropped": 0, "answered": 20, "failed": 0, "unfinished": 0}
    assert Counter(path for path, _ in server.seen) == {"/a": 20, "/b": 20, "/left/arrive-look": 20}
    assert value(evidence, "GET-b.p50") < 1100
    assert value(evidence, "GET-left.p50") < 1100


@pytest.mark.usefixtures("unhurried")
def test_a_journey_may_end_itself(bench: Bench, server: Server) -> None:
    """One that interrupts itself has gone as far as it meant to."""
    file = bench.write(JOURNEY.format(base="FastHttpUser", think=0, way_out="self.interrupt()"))
    evidence = bench.run(server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert Counter(path for path, _ in server.seen) == {"/a": 20, "/b": 20}


@pytest.mark.usefixtures("unhurried")
def test_a_journey_has_an_end(bench: Bench, server: Server) -> None:
    """Whoever still thinks when deadline and patience are over has not finished, and the run ends all the same."""
    file = bench.write(JOURNEY.format(base="FastHttpUser", think=30, way_out=""))
    began_s = time.monotonic()
    evidence = bench.run(server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=3.0, journey_s=1.0)
    assert time.monotonic() - began_s < 25
    assert outcomes(evidence)[:2] == ("passed", "failed"), evidence.results
    assert bench.ledger()["unfinished"] == 20
    assert {path for path, _ in server.seen} == {"/a"}


# Several processes


@pytest.mark.usefixtures("unhurried")
def test_processes_send_a_scenario_together(bench: Bench, server: Server) -> None:
    """Each arrival is sent by one of them, ledger and times add up, and one file has all requests."""
    evidence = bench.run(server.target, paths=("/a",), processes=2, seconds=2.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert bench.ledger() == {"due": 100, "started": 100, "dropped": 0, "answered": 100, "failed": 0, "unfinished": 0}
    assert sorted(int(row["arrival"]) for row in bench.rows()) == list(range(100))
    stats = json.loads((bench.out / "stats.json").read_text())
    assert stats["generator"]["workers"] == 2
    (kind,) = stats["recorded"]
    assert (kind["operation"], kind["count"]) == ("GET /a", 100)
    assert Histogram.decode(kind["latency_us"]).total == 100
    files = sorted(
        file.name for file in bench.out.iterdir() if file.suffix in {".csv", ".log"} or "requests" in file.name
    )
    assert files == ["locust-2.log", "locust.log", "requests.csv", "seconds.csv"]


@pytest.mark.parametrize(
    ("fate", "said"),
    [("os.kill(os.getpid(), 9)", "killed by SIGKILL"), ("os._exit(0)", "exit code 0 before its report")],
)
def test_one_process_that_is_lost_leaves_nothing_proved(bench: Bench, server: Server, fate: str, said: str) -> None:
    """The others send on, and whatever they measured is not judged."""
    file = bench.write(f"""
        import os
        class Doomed(FastHttpUser):
            count = 0
            @task
            def go(self):
                Doomed.count += 1
                if Doomed.count == 10:
                    try:
                        os.close(os.open("{bench.folder}/once", os.O_CREAT | os.O_EXCL))
                    except FileExistsError:
                        pass
                    else:
                        {fate}
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Doomed", file=file, processes=2)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert said in evidence.results[0].reason
    assert bench.ledger()["due"] == 50


def test_one_process_that_never_gets_ready_holds_all(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None begins without the others, so that a load is either whole or none."""
    monkeypatch.setattr("seatrial.swarm._process.START_TIMEOUT_S", 8.0)
    file = bench.write(f"""
        import os
        class Waits(Lean):
            def on_start(self):
                try:
                    os.close(os.open("{bench.folder}/once", os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    pass
                else:
                    self.client.get("/hang")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Waits", file=file, processes=2)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "did not end in time" in evidence.results[0].reason
    assert {path for path, _ in server.seen} == {"/hang"}


def test_processes_with_a_broken_load_file_never_begin(bench: Bench, server: Server) -> None:
    """It is told once, and nobody waits for anybody."""
    with pytest.raises(UsageError, match="cannot be imported"):
        bench.run(server.target, processes=3, user="Nobody", file=broken(bench)["file"])
    assert server.seen == []


# The lean client


def test_a_lean_client_takes_what_load_files_say(bench: Bench, server: Server) -> None:
    """JSON, data, headers, names and judging blocks work as with Locust's own clients."""
    file = bench.write("""
        class Own(Lean):
            default_headers = {"X-Kind": "lean"}
            @task
            def ask(self):
                with self.client.post("/made", json={"a": 1}, name="/{what}", catch_response=True) as answer:
                    assert answer.json() == {"id": "a1"} and answer.ok and answer.text and answer.headers
                    if answer.status_code != 202:
                        answer.failure("not accepted")
                with self.client.get("/fail", catch_response=True) as answer:
                    answer.success()
                with self.client.put("/limit", data="x", catch_response=True) as answer:
                    if answer.status_code == 429:
                        answer.failure("limited, as expected")
                with self.client.get("/a", catch_response=True) as answer:
                    raise ValueError("surprise")
    """)
    evidence = bench.run(server.target, user="Own", file=file, identities=2, rate_per_s=10.0)
    assert Counter((row["operation"], row["status"], row["cause"]) for row in bench.rows()) == {
        ("POST /{what}", "202", ""): 10,
        ("GET /fail", "500", ""): 10,
        ("PUT /limit", "429", "limited, as expected"): 10,
        ("GET /a", "200", "ValueError: surprise"): 10,
    }
    assert bench.ledger()["failed"] == 10
    assert {token for _, token in server.seen} == {"bearer secret-00001", "bearer secret-00002"}
    sample = next(one for one in evidence.exchanges if one.operation == "POST /{what}")
    assert sample.request.body == '{"a": 1}'
    assert ("X-Kind", "lean") in sample.request.headers
    assert "secret-0" not in repr(evidence)


def test_a_lean_client_goes_where_the_target_is(bench: Bench, server: Server, other: Server) -> None:
    """Below the target's own path, and nowhere else where a class names another host itself."""
    bench.run(Target(url=f"{server.target.url}/base"), paths=("/items",), rate_per_s=10.0)
    assert {path for path, _ in server.seen} == {"/base/items"}
    file = bench.write(f"""
        class Own(Lean):
            def __init__(self, environment):
                super().__init__(environment)
                self.host = "{other.target.url}"
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Own", file=file, rate_per_s=10.0)
    assert other.seen == []
    assert {(row["operation"], row["outcome"]) for row in bench.rows()} == {("GET /a", "elsewhere")}
    assert "kept from leaving the target" in evidence.notes[-1]


def test_a_lean_client_follows_nothing(bench: Bench, server: Server) -> None:
    """A redirect is an answer as it is; whoever wants it followed is told how."""
    file = bench.write("""
        class Own(Lean):
            @task
            def stay(self):
                self.client.get("/to//b")
            @task
            def follow(self):
                self.client.get("/to//b", allow_redirects=True)
    """)
    bench.run(server.target, user="Own", file=file, rate_per_s=10.0)
    assert Counter((row["operation"], row["status"], row["outcome"]) for row in bench.rows()) == {
        ("GET /to//b", "302", "ok"): 5,
        ("TASK follow", "0", "failed"): 5,
    }
    assert "leave `lean` out" in next(row["cause"] for row in bench.rows() if row["cause"])


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return what a server needs that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    return tls


@pytest.mark.parametrize("base", ["FastHttpUser", "Lean"])
@pytest.mark.parametrize(("line", "ended"), [("pass", "failed"), ("insecure = True", "passed")])
def test_certificates_are_verified(bench: Bench, base: str, line: str, ended: str) -> None:
    """A server that vouches for itself is sent nothing, unless the user class says that it may be."""
    file = bench.write(f"""
        class Own({base}):
            {line}
            @task
            def ask(self):
                self.client.get("/a")
    """)
    with serving(self_signed(bench.folder)) as server:
        evidence = bench.run(server.target, user="Own", file=file, rate_per_s=10.0)
        assert bool(server.seen) == (ended == "passed")
    assert outcomes(evidence)[:2] == ("passed", ended), evidence.results
    assert all("CERTIFICATE_VERIFY_FAILED" in row["cause"] for row in bench.rows() if row["outcome"] != "ok")


def test_unfinished_arrivals_are_errors(bench: Bench, server: Server) -> None:
    """Arrivals that are still under way when the time is over have failed, however good what they sent was."""
    file = bench.write("""
        import time
        class Slow(FastHttpUser):
            @task
            def ask(self):
                while True:
                    self.client.get("/a")
                    time.sleep(0.2)
    """)
    evidence = bench.run(server.target, user="Slow", file=file, rate_per_s=10.0, objectives={"error_ratio": "<= 0.5"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert bench.ledger()["unfinished"] == 10
    assert value(evidence, "error_ratio") == 1


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_redirects_within_the_target_are_followed(bench: Bench, server: Server, base: str) -> None:
    """A redirect to another path, absolute or relative, and an absolute URL of the target lead where they say."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("/to//b")
                self.client.get("/to/{server.target.url}/c")
                self.client.get("{server.target.url}/d")
    """)
    evidence = bench.run(server.target, user="Own", file=file)
    assert outcomes(evidence)[:2] == ("passed", "passed")
    asked = Counter(path for path, _ in server.seen if not path.startswith("/to/"))
    assert asked == {"/b": 50, "/c": 50, "/d": 50}


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser", "Lean"])
@pytest.mark.parametrize("path", ["/reset", "/part"])
def test_a_broken_connection_is_no_quick_answer(bench: Bench, server: Server, base: str, path: str) -> None:
    """A server that ends the connection, or half an answer, has failed and counts at the deadline."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("{path}")
    """)
    evidence = bench.run(server.target, user="Own", file=file, objectives={"p50": "<= 900 ms"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert (bench.ledger()["failed"], value(evidence, "p50")) == (50, 1000)


def test_a_server_that_stops_answering_halfway_fails(bench: Bench, server: Server) -> None:
    """What was answered before does not make up for what hangs afterwards."""
    evidence = bench.run(server.target, paths=("/halt",), objectives={"error_ratio": "<= 0.1"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert 20 <= bench.ledger()["failed"] <= 30


def test_limited_users_are_a_finding(bench: Bench, server: Server) -> None:
    """Users below their quota who get 429 fail never-limited."""
    evidence = bench.run(server.target, paths=("/limit",), identities=5)
    assert outcomes(evidence) == ("passed", "failed", "failed")


# What the generator does


def test_no_host_is_inconclusive(bench: Bench) -> None:
    """Without a host not one request is sent, and nothing passes."""
    evidence = bench.run(Target(url=""), paths=("/a",))
    assert "passed" not in outcomes(evidence)
    assert evidence.measurements == ()


def test_tasks_that_send_nothing_are_inconclusive(bench: Bench, server: Server) -> None:
    """Users that send no request prove nothing."""
    file = bench.write("""
        class Idle(FastHttpUser):
            @task
            def think(self):
                pass
    """)
    evidence = bench.run(server.target, user="Idle", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "not one request" in evidence.results[0].reason


def test_a_saturated_generator_is_inconclusive(bench: Bench, server: Server) -> None:
    """A user that needs more CPU than there is makes its run inconclusive, after a second attempt."""
    file = bench.write("""
        import time
        class Busy(FastHttpUser):
            @task
            def work(self):
                end = time.perf_counter() + 0.06
                while time.perf_counter() < end:
                    pass
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Busy", file=file, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "ms late" in evidence.results[0].reason or "due arrivals were started" in evidence.results[0].reason
    assert "sent again" in evidence.notes[0]
    (first,) = json.loads((bench.out / "stats.json").read_text())["given_up"]
    assert first["reason"] in evidence.notes[0]
    assert first["ledger"]["due"] == 50
    assert len((bench.out / "requests-first.csv").read_text().splitlines()) == 51


@pytest.mark.alone
def test_a_late_generator_fails_no_service(bench: Bench, server: Server) -> None:
    """A generator that is late by more than a tight objective allows makes its run inconclusive, and says so."""
    file = bench.write("""
        import time
        class Busy(FastHttpUser):
            @task
            def work(self):
                self.client.get("/a")
                end = time.perf_counter() + 0.008
                while time.perf_counter() < end:
                    pass
    """)
    evidence = bench.run(server.target, user="Busy", file=file, arrivals="poisson", objectives={"p99": "<= 5 ms"})
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive"), evidence.results
    assert "late" in evidence.results[1].reason


def test_a_generator_that_never_ends_is_killed(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that blocks its whole process is killed when its time is over, and nothing is judged."""
    monkeypatch.setattr("seatrial.swarm._process.END_TIMEOUT_S", 1.0)
    file = bench.write("""
        class Stuck(FastHttpUser):
            @task
            def block(self):
                while True:
                    pass
    """)
    evidence = bench.run(server.target, user="Stuck", file=file, deadline_s=0.5)
    assert outcomes(evidence) == ("inconclusive", "inconclusive", "not-applicable")
    assert "killed" in evidence.results[0].reason


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_killed_generator_is_inconclusive(bench: Bench, server: Server, name: str) -> None:
    """A load process that is ended halfway reports nothing, and nothing is judged by what it left."""
    file = bench.write(f"""
        import os, signal
        class Doomed(FastHttpUser):
            count = 0
            @task
            def go(self):
                Doomed.count += 1
                if Doomed.count > 20:
                    os.kill(os.getpid(), signal.{name})
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Doomed", file=file, identities=2)
    assert outcomes(evidence) == ("inconclusive", "inconclusive", "inconclusive")
    assert "before it" in evidence.results[0].reason
    assert bench.ledger()["due"] == 50


def test_a_user_that_cannot_start_is_inconclusive(bench: Bench, server: Server) -> None:
    """An exception in on_start ends the process before any load; its log says why."""
    file = bench.write("""
        class Lost(FastHttpUser):
            def on_start(self):
                raise RuntimeError("no such login")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Lost", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "no such login" in (bench.out / "locust.log").read_text()


def test_users_that_never_get_ready_are_inconclusive(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that takes for ever means that no load was sent: that is said, and green it is not."""
    monkeypatch.setattr("seatrial.swarm._process.START_TIMEOUT_S", 5.0)
    file = bench.write("""
        class Waits(Lean):
            def on_start(self):
                self.client.get("/hang")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Waits", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "did not end in time" in evidence.results[0].reason
    assert {path for path, _ in server.seen} <= {"/hang"}


def test_what_users_do_first_is_no_load(bench: Bench, server: Server) -> None:
    """Requests of on_start are kept apart, prints go to the log, and a raising task fails its arrival."""
    file = bench.write("""
        class Login(FastHttpUser):
            def on_start(self):
                print("logged in")
                self.client.get("/login")
            @task
            def go(self):
                self.client.get("/a")
                raise ValueError("surprise")
    """)
    evidence = bench.run(server.target, user="Login", file=file)
    assert not any("login" in one.name for one in evidence.measurements)
    assert "logged in" in (bench.out / "locust.log").read_text()
    assert bench.ledger()["failed"] == 50
    assert "TASK go: ValueError: surprise" in evidence.results[1].findings[0].detail
    assert not any("TASK" in one.name for one in evidence.measurements)
    assert next(one.samples for one in evidence.measurements if one.name == "load.s.p99") == 50


def test_what_further_users_do_first_is_no_load_either(bench: Bench, server: Server) -> None:
    """When the pool grows under load, on_start is still no request of the arrival that waits for its user."""
    file = bench.write("""
        class Login(FastHttpUser):
            def on_start(self):
                self.client.get("/login")
            @task
            def go(self):
                self.client.get("/stall")
    """)
    bench.run(server.target, user="Login", file=file)
    logins = [row for row in bench.rows() if row["operation"] == "GET /login"]
    assert {row["arrival"] for row in logins} == {"-1"}
    assert len(logins) > 4 + 50 * 0.25
    assert bench.ledger()["started"] == 50


@pytest.mark.parametrize(
    ("source", "user", "slug", "said"),
    [
        ("import no_such_module_here", "Own", "load-file-broken", "no_such_module_here"),
        ("def broken(:", "Own", "load-file-broken", "SyntaxError"),
        ("raise SystemExit(3)", "Own", "load-file-broken", "SystemExit"),
        ("class Own(FastHttpUser):\n    @task\n    def a(self): pass", "Other", "load-user-missing", "Other"),
        ("class Own(FastHttpUser):\n    pass", "Own", "load-user-unsupported", "no task"),
        (
            "class Set(TaskSet): pass\nclass Own(FastHttpUser):\n    tasks = [Set]",
            "Own",
            "load-user-unsupported",
            "Set",
        ),
    ],
)
def test_load_files_that_cannot_be_used(  # noqa: PLR0913, PLR0917 - fixtures and cases
    bench: Bench, server: Server, source: str, user: str, slug: str, said: str
) -> None:
    """A broken load file, a missing user class or an unsupported one is a usage error that says what and where."""
    file = bench.write(source)
    with pytest.raises(UsageError) as caught:
        bench.run(server.target, user=user, file=file)
    assert (caught.value.slug, caught.value.where) == (slug, file)
    assert said in str(caught.value)


def test_results_that_cannot_be_written(bench: Bench, server: Server) -> None:
    """A folder for the results that cannot be is named before anything starts."""
    bench.out.write_text("a file")
    with pytest.raises(EnvironmentFailure) as caught:
        bench.run(server.target, paths=("/a",))
    assert (caught.value.slug, caught.value.where) == ("load-unwritable", str(bench.out))
    assert server.seen == []


def test_causes_with_any_character_are_kept(bench: Bench, server: Server) -> None:
    """Whatever a user writes into a failure or a name, rows and ledger agree."""
    file = bench.write("""
        class Odd(FastHttpUser):
            @task
            def go(self):
                with self.client.get("/a", name="/a\\n\\u2028,\\x85", catch_response=True) as answer:
                    answer.failure('x\\n\\u2028"\\x0b,\\udc80 ')
    """)
    evidence = bench.run(server.target, user="Odd", file=file)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert {row["operation"] for row in bench.rows()} == {"GET /a ,"}


def test_progress_is_told_every_second(bench: Bench, server: Server) -> None:
    """Whoever watches reads once a second how far it is."""
    bench.run(server.target, paths=("/a",), seconds=2.0)
    (first,) = [line for line in bench.said if "1 s of 2 s" in line]
    assert re.fullmatch(
        r"s 50/s 1 s of 2 s, \d\d\.\d/s began, 0 failures, 0 x 429, p50 [\d.]+ ms, p99 [\d.]+ ms █", first
    )


PARENT = """
import sys
from pathlib import Path
from seatrial.config import ScenarioSettings
from seatrial.core import Target
from seatrial.swarm import Hammer, make_hammer, run_scenario
scenario = ScenarioSettings(rate_per_s=20.0, duration_s={"quick": 60.0}, paths=("/a",))
folder = Path(sys.argv[2])
run_scenario("s", scenario, target=Target(url=sys.argv[1]), identities=None, profile="quick", seed=1, run=sys.argv[3],
             work=folder, out=folder, root=folder, progress=lambda line: print(line, flush=True), replay="")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_generator_ends_with_its_harness(server: Server, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and even SIGKILL of the harness leave no load process behind."""
    command = [sys.executable, "-c", PARENT, server.target.url, str(tmp_path), RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        while "1 s of" not in parent.stdout.readline():
            assert parent.poll() is None
        assert load_processes()
        os.kill(parent.pid, number)
        parent.wait(20)
    limit = time.monotonic() + 10
    while load_processes() and time.monotonic() < limit:
        time.sleep(0.02)


# The shipped load file, as Locust itself runs it


def test_locust_itself_runs_the_load_file(server: Server) -> None:
    """`locust -f load/locustfile.py` works without seatrial, as the user of SEATRIAL_TOKEN."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "--headless", "-u", "4"]
    options = ["-r", "4", "-t", "2s", "--host", server.target.url, "--only-summary", "Steady", "Health"]
    environment = {**os.environ, "SEATRIAL_TOKEN": "from-environment"}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert server.seen
    assert {token for _, token in server.seen} == {"bearer from-environment"}


def test_locust_shows_its_own_page(server: Server) -> None:
    """Its web page is served with the users of the load file, and starts and counts what they send."""
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "--host", server.target.url]
    options = ["--web-host", "127.0.0.1", "--web-port", str(port)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as page:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert "Locust" in patiently(lambda: client.get("/").text)
                assert client.post("/swarm", data={"user_count": 4, "spawn_rate": 4}).json()["success"]
                assert patiently(lambda: client.get("/stats/requests").json()["total_rps"]) > 0
                assert set(client.get("/tasks").json()["per_class"]) == {"Steady", "Health", "Limits", "Jobs"}
        finally:
            page.terminate()
    assert server.seen


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def patiently(ask: Callable[[], Any], *, patience_s: float = 30.0) -> Any:
    """Return what is said once something is, and somebody is there to say it."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if answer := ask():
                return answer
        time.sleep(0.1)
    return pytest.fail("nobody said anything")


def test_histograms_decode(bench: Bench, server: Server) -> None:
    """stats.json carries an HdrHistogram of each operation with all its requests."""
    bench.run(server.target, paths=("/a",))
    (operation,) = json.loads((bench.out / "stats.json").read_text())["operations"]
    assert base64.b64decode(operation["histogram_us"])
    assert operation["requests"] == 50
    assert operation["media_types"] == {"application/json": 50}
    assert Outcome.PASSED in json.loads((bench.out / "stats.json").read_text())["outcomes"].values()
