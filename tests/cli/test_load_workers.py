"""Load from several machines, here processes that share nothing but a port: one ledger, and no worker lost unseen."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seatrial import __version__
from seatrial.core import content
from seatrial.swarm._crew import Left

Begin = Callable[..., subprocess.Popen[str]]
Product = Callable[..., subprocess.CompletedProcess[str]]
Work = Callable[[Path], subprocess.Popen[str]]
WORKERS = 2
LOAD_FILE = """
from pathlib import Path
from gevent.monkey import get_original
from locust import FastHttpUser, task

if Path("slow").exists():
    get_original("time", "sleep")(6)  # for all greenlets, and longer than Locust or a worker waits for a word

class Reader(FastHttpUser):
    lean = True

    @task
    def read(self):
        self.client.get("/a")
"""
PROJECT = """
[stack]
ready = "/"
start_timeout_s = 1
[targets]
allow = ["203.0.113.9:80"]
[load.read]
user = "Reader"
file = "users.py"
rate_per_s = 60
deadline_s = 10
duration_s = { quick = 1.5, full = 20 }
grace_s = 1
# Such a latency lets arrivals begin late: who else runs on this machine is not the affair of these tests.
objectives = { error_ratio = "<= 0", p99 = "<= 20000 ms" }
"""


class Handler(BaseHTTPRequestHandler):
    """Answer at once, anything but / with a status."""

    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        """Answer one request."""
        self.send_response(200 if self.path == "/" else self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class Failing(Handler):
    """Fail at once."""

    status = 500


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """Serve meanwhile, at an address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def address() -> Iterator[str]:
    """Serve until the test ends."""
    with serving(Handler) as there:
        yield there


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Path]:
    """Return the function that lays out a project as another machine has it."""

    def lay_out(name: str, users: str = LOAD_FILE) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "seatrial.toml").write_text(PROJECT)
        (folder / "users.py").write_text(users)
        return folder

    return lay_out


@pytest.fixture
def bind() -> str:
    """Return an address that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def work(begin: Begin, bind: str) -> Iterator[Work]:
    """Return the function that starts a worker in a folder; all are ended, and waited for."""
    with ExitStack() as stack:

        def start(folder: Path) -> subprocess.Popen[str]:
            worker = stack.enter_context(begin("load", "worker", "--master", bind, "--wait", "90s", cwd=folder))
            stack.callback(worker.kill)
            return worker

        yield start


def await_that(child: subprocess.Popen[str], has_come: Callable[[], bool]) -> None:
    """Wait for a moment of a command that still runs."""
    deadline = time.monotonic() + 60
    while not has_come():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told(worker: subprocess.Popen[str]) -> str:
    """Return what a worker says next of a load that is over for it."""
    assert worker.stderr
    return next(line for line in worker.stderr if line.startswith("worker: "))


def words(address: str, bind: str, *more: str, workers: int = WORKERS) -> list[str]:
    """Return the command line of a master."""
    return ["load", address, "--workers", str(workers), "--bind", bind, "--json", *more]


def test_workers_send_one_load(
    product: Product, address: str, bind: str, machine: Callable[..., Path], work: Work
) -> None:
    """They send each arrival once, as asked, and the master counts them as one, however long one loads its users.

    Then they wait for the next load, which ends before its time, as its objective is lost: what was sent is kept.
    """
    home = machine("master")
    folders = [machine(f"worker-{number}") for number in range(WORKERS)]
    (folders[0] / "slow").touch()
    workers = [work(folder) for folder in folders]
    done = product(*words(address, bind, "--wait", "60s"), cwd=home)
    found = json.loads(done.stdout)
    assert (done.returncode, found["valid"]) == (0, True), done.stdout + done.stderr
    assert found["ledger"] == {"due": 90, "started": 90, "dropped": 0, "answered": 90, "failed": 0, "unfinished": 0}
    assert found["generator"]["workers"] == WORKERS
    left = Path(found["directory"], "load", "read")
    assert arrivals(left) == list(range(90))
    stats = json.loads((left / "stats.json").read_text())
    assert sum(kind["count"] for kind in stats["recorded"]) == 90
    assert stats["generator"]["apart_ms"] > 0
    assert not list(left.glob("requests.csv.*"))
    assert all("sent its share;" in told(worker) for worker in workers)
    (folders[0] / "slow").unlink()
    with serving(Failing) as failing:
        ends_before_its_time(product(*words(failing, bind, "full", "--wait", "60s"), cwd=home))


def ends_before_its_time(done: subprocess.CompletedProcess[str]) -> None:
    """Assert that a load whose every request failed was ended, with all that both workers had sent by then."""
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "fail"), done.stdout + done.stderr
    ledger = found["ledger"]
    assert 0 < ledger["due"] < 1200, ledger
    left = Path(found["directory"], "load", "read")
    sent = arrivals(left)
    assert len({*sent}) == len(sent) == ledger["due"]
    assert {arrival % WORKERS for arrival in sent} == {*range(WORKERS)}
    failures = json.loads((left / "stats.json").read_text())["failures"]
    assert failures[0]["cause"] == "HTTP 500"
    assert sum(one["count"] for one in failures) == ledger["failed"] + ledger["unfinished"]


def arrivals(folder: Path) -> list[int]:
    """Return the arrivals of which there are rows."""
    with (folder / "requests.csv").open() as rows:
        return sorted(int(row["arrival"]) for row in csv.DictReader(rows))


def test_a_lost_worker_leaves_nothing_proved(
    begin: Begin, address: str, bind: str, machine: Callable[..., Path], work: Work
) -> None:
    """One of two is killed in the middle: the load is inconclusive at once, and says whom it lacks.

    The other one serves the next master, and stops when that one is lost.
    """
    survivor = work(machine("worker-0"))
    victim = work(machine("worker-1"))
    with begin(*words(address, bind, "full", workers=2), cwd=machine("master")) as master:
        assert master.stderr
        assert any(" s of 20 s" in line for line in master.stderr)
        victim.kill()
        out, _ = master.communicate(timeout=60)
    found = json.loads(out)
    assert (master.returncode, found["verdict"], found["valid"]) == (3, "inconclusive", False)
    doubt = found["scenarios"]["read"]["doubt"]
    assert doubt.endswith("of 2 was lost before it reported")
    assert socket.gethostname() in doubt
    assert "was let go before it had sent its share" in told(survivor)
    stops_without_a_master(begin, words(address, bind, "full", workers=1), machine("next"), survivor)


def stops_without_a_master(begin: Begin, load: list[str], folder: Path, worker: subprocess.Popen[str]) -> None:
    """Assert that a worker sends nothing more for a master that is killed in the middle, who says nothing of it."""
    with begin(*load, cwd=folder) as master:
        assert master.stderr
        assert any(" s of 20 s" in line for line in master.stderr)
        master.kill()
    assert "stopped, as its master said nothing for 5 s" in told(worker)


def test_a_worker_of_another_version(
    product: Product, address: str, bind: str, machine: Callable[..., Path], tmp_path: Path
) -> None:
    """It is sent no plan, and the message has both versions."""
    facts = {"host": "127.0.0.1", "port": int(bind.rpartition(":")[2]), "root": str(tmp_path), "wait_s": 60}
    command = [sys.executable, "-P", "-c", OLD, json.dumps({**facts, "work": str(tmp_path)})]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as worker:
        done = product(*words(address, bind, workers=1), cwd=machine("master"))
        assert worker.wait(30) == Left.SPARE
    assert (done.returncode, "[load-worker-version]" in done.stderr) == (2, True), done.stderr
    assert f"has seatrial 0.0.1, its master {__version__}" in done.stderr


OLD = """
import sys
from seatrial.swarm._inside import _worker

_worker.__version__ = "0.0.1"
sys.exit(_worker.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_ended_leaves_nothing(
    begin: Begin, bind: str, machine: Callable[..., Path], nothing_left: Callable[[int], None], number: int
) -> None:
    """Neither its load process nor what that wrote, which may hold tokens; whoever ended it is told so."""
    folder = machine("worker")
    written = folder / "tmp"
    written.mkdir()
    words = ("load", "worker", "--master", bind)
    with begin(*words, cwd=folder, environment={"TMPDIR": str(written)}) as worker:
        await_that(worker, lambda: any(written.glob("*/locust.log")))
        worker.send_signal(number)
        _, err = worker.communicate(timeout=30)
    assert (worker.returncode, "[run-interrupted]" in err) == (130, True), err
    nothing_left(worker.pid)
    assert not [*written.iterdir()]


def test_a_worker_runs_its_own_files_only(
    product: Product, address: str, bind: str, machine: Callable[..., Path], work: Work
) -> None:
    """No code comes from the master: where its load file is another one, nothing is sent, and the message says so.

    The next master asks for one worker more than there are: its wait is bounded, and the message has the count.
    """
    home = machine("master")
    worker = work(machine("worker", users=LOAD_FILE.replace("/a", "/b")))
    done = product(*words(address, bind, workers=1), cwd=home)
    assert done.returncode == 2, done.stdout
    assert "[load-worker-file]" in done.stderr
    assert "its users.py is not the master's" in done.stderr
    assert "could not send what its master asked for" in told(worker)
    done = product(*words(address, bind, "--wait", "4s", workers=2), cwd=home)
    found = json.loads(done.stdout)
    assert (done.returncode, found["ledger"]["started"]) == (3, 0)
    assert found["scenarios"]["read"]["doubt"] == f"only 1 of 2 workers came to {bind} within 4 s"
    assert "was not needed;" in told(worker)


def test_a_worker_to_which_no_master_comes(product: Product, bind: str, machine: Callable[..., Path]) -> None:
    """It says so when its time is over."""
    alone = product("load", "worker", "--master", bind, "--wait", "1s", cwd=machine("alone"))
    assert (alone.returncode, "[load-master-missing]" in alone.stderr) == (3, True), alone.stderr


WAIT = """
import json, sys
from seatrial.swarm._inside import _worker
import locust.runners

def tell(*_):
    print(locust.runners.CONNECT_TIMEOUT, locust.runners.CONNECT_RETRY_COUNT)
    raise ConnectionError

_worker.Environment.create_worker_runner = tell
sys.exit(_worker.main())
"""


@pytest.mark.parametrize("wait_s", [600, 36_000])
def test_a_worker_waits_as_long_as_it_is_asked(wait_s: int, tmp_path: Path) -> None:
    """Locust itself gives up after five minutes: it is told to ask often enough, each time from within the last."""
    facts = json.dumps({"root": str(tmp_path), "host": "127.0.0.1", "port": 1, "wait_s": wait_s})
    command = [sys.executable, "-P", "-c", WAIT, facts]
    done = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    pause_s, times = map(float, done.stdout.split())
    assert pause_s * times > wait_s
    assert times < sys.getrecursionlimit() - 300
    assert pause_s <= wait_s / 100


FAR = "203.0.113.9:80"


def test_a_worker_keeps_its_own_fence(tmp_path: Path) -> None:
    """Whatever a master asks for: beside loopback, this machine's configuration and command line both allow it."""
    cases: dict[tuple[str, tuple[str, ...], str], str] = {
        ("http://203.0.113.9", (), ""): "target-not-allowed",
        ("http://203.0.113.9", (FAR,), ""): "target-not-allowed",
        ("http://203.0.113.9", (), FAR): "target-not-allowed",
        ("http://203.0.113.9", (FAR,), FAR): "allowed",
        ("http://127.0.0.1:9", (), ""): "allowed",
    }
    facts = json.dumps([[*cases], str(tmp_path)])
    done = subprocess.run([sys.executable, "-P", "-c", ASK, facts], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*cases.values()]


ASK = """
import json, sys
import locust
from pathlib import Path
from seatrial.core import UsageError
from seatrial.swarm._inside._worker import own_plan
from seatrial.swarm._plan import Plan

cases, work = json.loads(sys.argv[1])
for url, committed, allow in cases:
    plan = Plan(name="s", url=url, file="", user="", paths=("/",), rate_per_s=1, duration_s=1, deadline_s=1,
                spacing="constant", seed=1)
    try:
        own_plan({"plan": plan.encode(), "digest": ""}, Path(work), committed, allow)
        print("allowed")
    except UsageError as error:
        print(error.slug)
"""


def test_a_worker_looks_at_files_of_its_project_only(tmp_path: Path) -> None:
    """The master chooses the name and knows the content: of what lies elsewhere it runs nothing, and says no more."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere.py"
    (project / "sub").mkdir(parents=True)
    for file in (elsewhere, project / "users.py"):
        file.write_text("1\n")
    (project / "link.py").symlink_to(elsewhere)
    (project / "same.py").symlink_to("users.py")
    shipped = content("load") / "locustfile.py"
    cases = {
        "users.py": "allowed",
        "sub/../users.py": "allowed",
        "same.py": "allowed",
        str(project / "users.py"): "allowed",
        "../elsewhere.py": "it has no ../elsewhere.py in its project",
        str(elsewhere): f"it has no {elsewhere} in its project",
        "link.py": "it has no link.py in its project",
        "missing.py": "it has no missing.py in its project",
        "load/locustfile.py": "its load/locustfile.py is not the master's",
        "load/../pyproject.toml": "it has no load/../pyproject.toml in its project",
    }
    assert shipped.is_file()
    facts = json.dumps([[*cases], sha256(elsewhere.read_bytes()).hexdigest()])
    command = [sys.executable, "-P", "-c", ASK_FOR, facts]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=project)
    assert dict(zip(cases, done.stdout.splitlines(), strict=True)) == cases


ASK_FOR = """
import json, sys
import locust
from pathlib import Path
from seatrial.swarm._inside._load import BrokenLoadError
from seatrial.swarm._inside._worker import own_plan
from seatrial.swarm._plan import Plan

names, digest = json.loads(sys.argv[1])
for name in names:
    plan = Plan(name="s", url="http://127.0.0.1:9", file="", user="U", named=name, paths=(), rate_per_s=1, duration_s=1,
                deadline_s=1, spacing="constant", seed=1)
    try:
        own_plan({"plan": plan.encode(), "digest": digest}, Path(), [], "")
        print("allowed")
    except BrokenLoadError as error:
        print(error.what)
"""


@pytest.mark.parametrize(
    ("more", "slug"),
    [
        (["--workers", "2", "--processes", "2"], "arguments-invalid"),
        (["--bind", "127.0.0.1:1"], "arguments-invalid"),
        (["--workers", "2", "--bind", "nowhere"], "load-address-invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(
    product: Product, machine: Callable[..., Path], more: list[str], slug: str
) -> None:
    """Before anything starts."""
    done = product("load", "http://127.0.0.1:9", *more, cwd=machine("master"))
    assert (done.returncode, f"[{slug}]" in done.stderr) == (2, True), done.stderr
