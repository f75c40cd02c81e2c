"""Print how honest the load generator is: against nginx on loopback, beside what the wire says, on one core.

    python tests/benchmarks/load.py [--seconds 4] [--windows 5] [--tries 20] [--records 10000000] [--rows 1000000]

nginx runs on the first processor, the load process on the second one. For each rate several windows are sent: how many
of the due arrivals began within 5 ms, and the medians of service time and latency beside that of the wire (tcpdump:
first packet of a request to first packet of its answer). A window in which something else kept generator or nginx from
its processor for more than 2 % of the time (the kernel tells how long each waited) is listed and left out. Then nginx
is stopped for a second, two processes share a rate, and recorder and reader are measured alone. Ends with 1 for a bound
missed. On a machine that others use, `--first` lets generator and nginx have their processors before everybody else.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import psutil

from seatrial.config import ScenarioSettings
from seatrial.swarm import LoadProcess, nearest_rank, prepare
from seatrial.swarm._histogram import Histogram, merge
from seatrial.swarm._inside._book import Book
from seatrial.swarm._inside._clock import Clock
from seatrial.swarm._inside._recorder import Recorder
from seatrial.swarm._inside._visit import MARK, Judged, Visit
from seatrial.swarm._plan import COLUMNS, Ledger, Plan
from seatrial.swarm._process import Ending, Message
from seatrial.swarm._reading import read_attempt
from seatrial.swarm._rows import Row, visits_of
from seatrial.swarm._statistics import total_of
from seatrial.swarm.traffic import of_paths

RATES = (500.0, 2000.0, 5000.0)
WIRED = (500.0, 2000.0)
SOON_MS, STARTED = 5.0, 0.99
SERVICE_MS, LATENCY_MS = 0.2, 0.4
FREEZE_SHARE = 0.05
FREEZE_PER_S, FREEZE_RUN_S = 500.0, 8.0
WAITED_SHARE = 0.02
RECORDER_US = 10.0
MOST_GROWN = 64 << 20
"""By so many bytes may the harness grow, whatever the number of rows."""

IMPORT_S = 3.0
CONFIGURATION = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 16384; }}
worker_rlimit_nofile 32768;
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=8192; location / {{ default_type application/json;
    return 200 '{{"id":"0123456789","status":"completed","title":"sea trials"}}'; }} }}
}}
"""
missed: list[str] = []


def hold(claim: str, *, holds: bool) -> str:
    """Return whether a bound holds, as a word, and remember what does not."""
    if not holds:
        missed.append(claim)
    return "ok" if holds else "MISSED"


@dataclass(slots=True)
class Nginx:
    """The server, and its worker."""

    port: int
    worker: psutil.Process


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Serve on the first processor until the body ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port))
    with subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", str(file), "-p", str(folder)]) as master:
        try:
            yield Nginx(port, worker_of(master))
        finally:
            master.terminate()


def worker_of(master: subprocess.Popen[bytes]) -> psutil.Process:
    """Return the one worker as soon as there is one."""
    while not (found := psutil.Process(master.pid).children()):
        time.sleep(0.02)
    return found[0]


@dataclass(slots=True)
class Waiting:
    """How long processes were kept waiting for a processor, by what the kernel says."""

    pids: tuple[int, ...]
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)

    def look(self) -> None:
        """Take the figures of those that are there."""
        for pid in self.pids:
            try:
                waited = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            self.first.setdefault(pid, waited)
            self.last[pid] = waited

    @property
    def longest_s(self) -> float:
        """Return how long the one that waited most did."""
        return max(self.last[pid] - self.first[pid] for pid in self.first) / 1e9


@contextmanager
def watched(*pids: int) -> Iterator[Waiting]:
    """Look every 50 ms meanwhile."""
    waiting, done = Waiting(pids), threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            waiting.look()

    waiting.look()
    thread = threading.Thread(target=look)
    thread.start()
    yield waiting
    done.set()
    thread.join()


@dataclass(slots=True)
class Wire:
    """What went over the wire: milliseconds from each request to its answer."""

    file: Path
    times_ms: list[float] = field(default_factory=list)

    def read(self, port: int) -> None:
        """Pair the packets with a payload of each connection, in their order."""
        asked: dict[int, float] = {}
        for at_s, source, target in packets(self.file.read_bytes()):
            if target == port:
                asked.setdefault(source, at_s)
            elif target in asked:
                self.times_ms.append((at_s - asked.pop(target)) * 1000)


def packets(data: bytes) -> Iterator[tuple[float, int, int]]:
    """Yield when each TCP packet with a payload was seen, and its ports."""
    place = 24
    while place + 16 <= len(data):
        seconds, nanoseconds, kept, _ = struct.unpack_from("<4I", data, place)
        frame = data[place + 16 : place + 16 + kept]
        place += 16 + kept
        header = 14 + (frame[14] & 15) * 4
        whole = struct.unpack_from(">H", frame, 16)[0]
        offset = (frame[header + 12] >> 4) * 4
        if whole > header - 14 + offset:
            yield (seconds + nanoseconds / 1e9, *struct.unpack_from(">2H", frame, header))


@contextmanager
def tapped(port: int, folder: Path) -> Iterator[Wire]:
    """Write down what goes over loopback meanwhile."""
    wire = Wire(folder / "wire.pcap")
    options = ["-i", "lo", "-n", "-s", "80", "-B", "16384", "-U", "--time-stamp-precision", "nano", "-Z", "root"]
    command = ["taskset", "-c", "0", "tcpdump", *options, "-w", str(wire.file), f"tcp port {port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tap:
        assert tap.stderr is not None
        while "listening" not in tap.stderr.readline():
            pass
        yield wire
        time.sleep(0.3)
        tap.send_signal(signal.SIGINT)
    wire.read(port)


def plan(server: Nginx, rate: float, seconds: float, folder: Path, **more: object) -> Plan:
    """Return what a load process is told."""
    base = Plan(
        name="b", url=f"http://127.0.0.1:{server.port}", file="", user="", paths=(), rate_per_s=rate,
        duration_s=seconds, deadline_s=5.0, spacing="constant", seed=7, requests=str(folder / "requests.csv"),
        traffic=of_paths(["/a"]),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def begin(folder: Path, *, core: int) -> LoadProcess:
    """Return a load process on a processor of its own, ready to be told."""
    process = LoadProcess(run="benchmark", cwd=folder, log=folder / "locust.log")
    os.sched_setaffinity(process._child.pid, {core})  # noqa: SLF001 - nobody else needs to know
    time.sleep(IMPORT_S)
    return process


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one window of a rate came to."""

    soon: float
    began: float
    service_ms: float
    latency_ms: float
    wire_ms: float | None
    busy: float
    waited_s: float


@contextmanager
def first(server: Nginx, process: LoadProcess, *, wanted: bool) -> Iterator[None]:
    """Let generator and server have their processors before everybody else meanwhile, if that is wanted."""
    for pid in (server.worker.pid, process._child.pid) if wanted else ():  # noqa: SLF001 - as above
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(10))
    yield
    if wanted:
        os.sched_setscheduler(server.worker.pid, os.SCHED_OTHER, os.sched_param(0))


def window(server: Nginx, rate: float, seconds: float, *, wanted: bool) -> Window:
    """Send one window."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told, process = plan(server, rate, seconds, folder), begin(folder, core=1)
        with watched(process._child.pid, server.worker.pid) as waiting:  # noqa: SLF001 - as above
            if rate in WIRED and shutil.which("tcpdump"):
                with tapped(server.port, folder) as wire, first(server, process, wanted=wanted):
                    ending = process.run(told, lambda _: None)
                return judge(ending, read_rows(Path(told.requests)), waiting, statistics.median(wire.times_ms))
            with first(server, process, wanted=wanted):
                ending = process.run(told, lambda _: None)
        return judge(ending, read_rows(Path(told.requests)), waiting, None)


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a window, which is short."""
    return [row for visit in visits_of(file) for row in visit]


def lags_of(rows: list[Row]) -> list[float]:
    """Return the start lag of each arrival that began."""
    return list({row.arrival: row.lag_ms for row in rows if row.arrival >= 0 and row.kind.began}.values())


def judge(ending: Ending, rows: list[Row], waiting: Waiting, wire_ms: float | None) -> Window:
    """Return the figures of a window."""
    report, lags = ending.report or sys.exit("the load process ended early"), lags_of(rows)
    due = report["ledger"]["due"]
    return Window(
        soon=sum(lag <= SOON_MS for lag in lags) / due,
        began=report["ledger"]["started"] / report["wall_s"],
        service_ms=statistics.median(row.service_ms for row in rows),
        latency_ms=statistics.median(row.latency_ms for row in rows),
        wire_ms=wire_ms,
        busy=report["cpu_s"] / report["wall_s"],
        waited_s=waiting.longest_s,
    )


def measure_rate(server: Nginx, rate: float, args: argparse.Namespace) -> None:
    """Print the windows of a rate, and judge the median of those that the machine let pass."""
    counted: list[Window] = []
    for number in range(1, args.tries + 1):
        found = window(server, rate, args.seconds, wanted=args.first)
        stalled = found.waited_s > WAITED_SHARE * args.seconds
        counted += [] if stalled else [found]
        print(f"{rate:6g}/s {number:2} {shown(found)}{'   left out: the machine stalled' if stalled else ''}")
        if len(counted) == args.windows:
            break
    if len(counted) < args.windows:
        print(
            f"{rate:6g}/s    {hold(f'{rate:g}/s: five windows', holds=False)}: {len(counted)} windows without a stall"
        )
    if counted:
        judge_rate(rate, counted)


def shown(one: Window) -> str:
    """Return a window's figures."""
    wire = "" if one.wire_ms is None else f", wire {one.wire_ms:.3f}"
    return (
        f"{one.soon:8.2%} within {SOON_MS:g} ms, p50 service {one.service_ms:.3f} latency {one.latency_ms:.3f}{wire} ms"
        f", processor {one.busy:4.0%}, waited for it {one.waited_s * 1000:.0f} ms"
    )


def judge_rate(rate: float, counted: list[Window]) -> None:
    """Print the medians of a rate and whether they hold."""
    soon = statistics.median(one.soon for one in counted)
    print(
        f"{rate:6g}/s    began within {SOON_MS:g} ms {soon:.2%}: {hold(f'{rate:g}/s on time', holds=soon >= STARTED)}"
    )
    wired = [one for one in counted if one.wire_ms is not None]
    for kind, bound in (("service", SERVICE_MS), ("latency", LATENCY_MS)):
        if wired:
            more = statistics.median(getattr(one, f"{kind}_ms") - (one.wire_ms or 0.0) for one in wired)
            held = hold(f"{rate:g}/s {kind} beside the wire", holds=abs(more) <= bound)
            print(f"{rate:6g}/s    {kind} p50 {more:+.3f} ms beside the wire's, bound {bound} ms: {held}")


def measure_freeze(server: Nginx, args: argparse.Namespace) -> None:
    """Stop nginx for a second in eight, and compare p95 and p99 with what everybody who was due had to wait."""
    for _ in range(args.tries):
        ordered, frozen_s, waited_s = frozen_run(server, wanted=args.first)
        if waited_s <= WAITED_SHARE * FREEZE_RUN_S:
            judge_freeze(ordered, frozen_s)
            return
        print(f"freeze of {frozen_s:.3f} s: left out, the machine stalled for {waited_s * 1000:.0f} ms")
    print(f"freeze: {hold('a freeze without a stall', holds=False)}")


def frozen_run(server: Nginx, *, wanted: bool) -> tuple[list[float], float, float]:
    """Return the latencies of a run in which nginx was stopped, for how long, and how long the machine stalled."""
    frozen: list[float] = []

    def freeze(tick: Message) -> None:
        if tick["elapsed_s"] >= FREEZE_RUN_S / 2 and not frozen:
            server.worker.suspend()
            began_s = time.monotonic()
            time.sleep(1.0)
            server.worker.resume()
            frozen.append(time.monotonic() - began_s)

    with tempfile.TemporaryDirectory() as name:
        told, process = plan(server, FREEZE_PER_S, FREEZE_RUN_S, Path(name)), begin(Path(name), core=1)
        with watched(process._child.pid, server.worker.pid) as waiting, first(server, process, wanted=wanted):  # noqa: SLF001 - as above
            process.run(told, freeze)
        ordered = sorted(row.latency_ms for row in read_rows(Path(told.requests)))
    return ordered, frozen[0], waiting.longest_s


def judge_freeze(ordered: list[float], frozen_s: float) -> None:
    """Print p95 and p99 beside the truth: of those who were due meanwhile, each waited for what was left."""
    for percent in (95, 99):
        spared = FREEZE_PER_S * FREEZE_RUN_S * (100 - percent) / 100
        truth = 1000 * frozen_s * (1 - spared / (frozen_s * FREEZE_PER_S))
        found = nearest_rank(ordered, percent)
        held = hold(f"freeze p{percent}", holds=abs(found / truth - 1) <= FREEZE_SHARE)
        print(f"freeze of {frozen_s:.3f} s: p{percent} {found:.0f} ms, truth {truth:.0f} ms: {held}")


def measure_scaling(server: Nginx, args: argparse.Namespace) -> None:
    """Let one process, then two with half of the arrivals each, send the same rate; what they counted has to merge."""
    rate = 4000.0
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(count) as pool:
            folders = [Path(name) / str(number) for number in range(count)]
            for folder in folders:
                folder.mkdir()
            started = list(pool.map(lambda folder: begin(folder, core=1 - int(folder.name)), folders))
            told = [
                plan(server, rate, args.seconds, folder, share=(number, count)) for number, folder in enumerate(folders)
            ]
            with ExitStack() as stack:
                for process in started:
                    stack.enter_context(first(server, process, wanted=args.first))
                endings = list(
                    pool.map(lambda pair: pair[0].run(pair[1], lambda _: None), zip(started, told, strict=True))
                )
            report_scaling(rate, told, endings)


def report_scaling(rate: float, told: list[Plan], endings: list[Ending]) -> None:
    """Print what processes did together, and whether ledger and histograms hold all arrivals once."""
    reports = [ending.report or {} for ending in endings]
    total: Counter[str] = Counter()
    for report in reports:
        total.update(report["ledger"])
    lags = sorted(lag for one in told for lag in lags_of(read_rows(Path(one.requests))))
    times = merge(Histogram.decode(kind["latency_us"]) for report in reports for kind in report["recorded"])
    whole = Ledger(**total).adds_up and total["due"] == times.total == round(rate * told[0].duration_s)
    soon = sum(lag <= SOON_MS for lag in lags) / total["due"]
    busy = " + ".join(f"{report['cpu_s'] / report['wall_s']:.0%}" for report in reports)
    held = hold("merged over processes", holds=whole)
    print(f"{len(told)} process(es), {rate:g}/s: {soon:.2%} within {SOON_MS:g} ms, processor {busy}, merged: {held}")


def measure_recorder(records: int) -> None:
    """Print what one request costs the books, and the memory of the recorder after so many."""
    with tempfile.TemporaryFile("w") as file:
        cost_us = 1e6 * book_s(Book(file, Clock(), deadline_s=5.0), 100_000) / 100_000
    print(f"books: {cost_us:.1f} us a request: {hold('recorder', holds=cost_us < RECORDER_US)}")
    counter, process = Recorder(), psutil.Process()
    kinds = [
        Judged(operation=f"GET /{number % 20}", outcome="ok", status=200, latency_ms=1.03**number, service_ms=0.5)
        for number in range(400)
    ]
    sizes = []
    for part in (records // 10, records - records // 10):
        for number in range(part):
            counter.record(kinds[number % 400])
        sizes.append(process.memory_info().rss)
    held = hold("memory", holds=sizes[1] - sizes[0] < 1 << 20)
    print(f"memory after {records // 10:,} records {sizes[0] >> 10:,} KiB, {records:,} {sizes[1] >> 10:,} KiB: {held}")


def book_s(book: Book, count: int) -> float:
    """Return the processor time of so many arrivals with one request each."""
    answer = SimpleNamespace(status_code=200, headers={"content-type": "application/json"}, content=b"{}", request=None)
    began_s = time.process_time()
    for index in range(count):
        visit = Visit(index=index, due_s=index / 1000, began_s=index / 1000)
        visit.make_current()
        sent = visit.send("GET /a", index / 1000)
        sent.answered_s = index / 1000 + 0.001
        book.on_request("GET", "/a", 1.0, answer, None, {MARK: sent})
        book.close(visit, "visit")
    return time.process_time() - began_s


def measure_reader(count: int) -> None:
    """Print how long the harness takes to order, read and judge the rows of a load, and by how much it grows."""
    scenario = ScenarioSettings(paths=("/a",), rate_per_s=5000.0, duration_s={"quick": max(count / 5000, 1.0)})
    order = prepare("s", scenario, profile="quick", root=Path(), limits=(), environment={})
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "requests.csv"
        with file.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(",".join(COLUMNS) + "\n")
            for at in range(count):
                times = (at / 5000, at % 977 / 1000, at * 7919 % 999983 / 10000)
                stream.write(f"{at},{times[0]},{times[1]},user-{at % 100},GET /items/{{id}},200,application/json,ok,")
                stream.write(f"{times[2]},{times[2]},\n")
        before, began_s = peak_bytes(), time.perf_counter()
        account = read_attempt(order, file).account
        p99 = total_of(account, duration_s=order.duration_s).values["p99"]
        grown, took_s = peak_bytes() - before, time.perf_counter() - began_s
    word = hold(f"the harness grows by {grown >> 20} MiB", holds=account.sent == count and grown <= MOST_GROWN)
    print(f"reader: {count:,} rows in {took_s:.1f} s, p99 {p99:g} ms, {grown >> 20} MiB more: {word}")


def peak_bytes() -> int:
    """Return the most that this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def main() -> int:
    """Measure and print; return 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--tries", type=int, default=20, help="windows of a rate at the most, with those left out")
    parser.add_argument("--first", action="store_true", help="before everybody else on this machine")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--rows", type=int, nargs="*", default=(1_000_000, 2_000_000, 5_000_000, 10_000_000))
    parser.add_argument("--rates", type=float, nargs="*", default=RATES)
    args = parser.parse_args()
    if not shutil.which("tcpdump"):
        missed.append("tcpdump is not here: nothing is compared with the wire")
    for count in args.rows:  # first of all, as what a process once took it keeps
        measure_reader(count)
    measure_recorder(args.records)
    with tempfile.TemporaryDirectory() as name, nginx(Path(name)) as server:
        Path(name).chmod(0o755)  # nginx may run as somebody else
        for rate in args.rates:
            measure_rate(server, rate, args)
        measure_freeze(server, args)
        measure_scaling(server, args)
    print("missed: " + "; ".join(missed) if missed else "all bounds hold")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
