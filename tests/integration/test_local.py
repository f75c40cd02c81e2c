"""The embedded stack, with a small project of its own: real PostgreSQL, real Valkey, two processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import (
    LocalStack,
    ServerPool,
    ServiceAddition,
    StackPlan,
    attach,
    sweep,
    work_folder,
)
from seatrial.stack._inside.reaper import environment_of, living
from seatrial.stack._ports import pick_ports
from seatrial.stack._ready import answers, wait_until

API = """
import http.server, json, os, signal, socket, subprocess, sys

def asks_redis():
    host, port = os.environ["REDIS_URL"].split("//")[1].split("/")[0].split(":")
    number = os.environ["REDIS_URL"].rpartition("/")[2]
    try:
        with socket.create_connection((host, int(port)), timeout=0.5) as line:
            line.settimeout(0.5)
            line.sendall(f"SELECT {number}\\r\\nINCR seen\\r\\n".encode())
            return line.makefile().readline() == "+OK\\n"
    except OSError:
        return False

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/redis":
            return self.answer(200 if asks_redis() else 503, {})
        self.answer(200, {"environment": dict(os.environ), "cwd": os.getcwd(), "python": sys.prefix,
                          "pid": os.getpid(), "peer": self.client_address[0],
                          "forwarded": self.headers["X-Forwarded-For"]})
    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        print("request", self.path)

def leave(*_):
    print("flushed", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, leave)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("serving", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
WORKER = "import time\nprint('working', flush=True)\ntime.sleep(600)\n"
SERVICES: dict[str, Any] = {
    "db": {"kind": "postgres"},
    "redis": {"kind": "valkey"},
    "api": {
        "command": ("python", "api.py", "{port}"),
        "requirements": "requirements.txt",
        "needs": ("db", "redis"),
        "ready": "/",
        "environment": {"DATABASE_URL": "{db.url}", "REDIS_URL": "{redis.url}"},
    },
    "worker": {"command": ("python", "worker.py"), "requirements": "requirements.txt", "needs": ("db",)},
}


@dataclass
class Bench:
    """Make plans over one project, and remove everything at the end."""

    root: Path
    runs: list[str] = field(default_factory=list)

    def plan(self, services: dict[str, Any] | None = None, **changes: Any) -> StackPlan:
        """Return a plan; keywords replace fields of the plan, `stack` those of the settings."""
        run = f"test-{uuid.uuid4().hex}"
        self.runs.append(run)
        stack = {"entry": "api:8000", "ready": "/", "start_timeout_s": 30.0, **changes.pop("stack", {})}
        stack["local"] = {"directory": "project", "services": SERVICES if services is None else services}
        facts: dict[str, Any] = {
            "settings": Settings.model_validate({"root": self.root, "stack": stack}),
            "profile": "quick",
            "variant": "clean",
            "run": run,
            "work": work_folder(run) / "c",
            "logs": self.root / "logs" / run,
            "root": self.root,
        }
        return StackPlan(**{**facts, **changes})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Lay out the project."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "api.py").write_text(textwrap.dedent(API))
    (project / "worker.py").write_text(WORKER)
    (project / "requirements.txt").write_text("# nothing\n")
    made = Bench(tmp_path)
    yield made
    for run in made.runs:
        sweep(run)


@pytest.fixture(scope="module")
def pool() -> Iterator[ServerPool]:
    """Share two servers among the stacks of this module."""
    servers = ServerPool.start()
    yield servers
    servers.stop()


def silent(_: str) -> None:
    """Take progress and say nothing."""


def fetch(url: str) -> dict[str, Any]:
    """GET a JSON document."""
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - loopback
        document: dict[str, Any] = json.load(response)
        return document


@pytest.fixture
def started(bench: Bench) -> Iterator[LocalStack]:
    """Start the project with servers of its own."""
    stack = LocalStack(bench.plan())
    stack.start(silent)
    yield stack
    stack.stop()


def pids(stack: LocalStack) -> set[int]:
    """Return the first process of every service."""
    return {int(pid) for state in stack.services() for pid in state.ids}


def test_a_stack_starts_answers_and_ends(started: LocalStack) -> None:
    """Every service runs, the entry answers in its own environment, a real database works, and stop ends it all."""
    assert [(state.name, state.status) for state in started.services()] == [
        (name, "running") for name in ("db", "redis", "api", "worker")
    ]
    environment = fetch(started.url())["environment"]
    assert environment["DATABASE_URL"] == started.url("db")
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert fetch(f"{started.url()}/")["python"] != sys.prefix
    assert answers(f"{started.url()}/redis")
    asked = started.execute("db", ["psql", "-Atc", "SELECT 6*7"])
    assert (asked.exit_code, asked.output.strip()) == (0, "42")
    assert all(2**20 < started.memory(state.name) < 2**30 for state in started.services())
    ended = pids(started)
    before = started.services()
    started.stop()
    started.stop()
    assert not ended & living().keys()
    assert {state.name for state in before} == {state.name for state in started.services()}
    assert "flushed" in started.log("api")


def test_the_environment_is_clean_and_layered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the harness leaks in; profile, plan, service, fault and instruments override in that order."""
    monkeypatch.setenv("HARNESS_SECRET", "x")
    layered = {
        **SERVICES,
        "api": {**SERVICES["api"], "environment": {**SERVICES["api"]["environment"], "B": "service"}},
    }
    plan = bench.plan(
        layered,
        environment={"A": "plan", "B": "plan", "C": "plan", "PYTHONPATH": "old"},
        service_environment={"api": {"C": "fault"}},
        additions={"api": ServiceAddition(environment={"PYTHONPATH": "{share}/py", "D": "{share}"})},
        stack={"profile": {"quick": {"environment": {"A": "profile", "E": "profile"}}}},
    )
    stack = LocalStack(plan)
    stack.start(silent)
    seen = fetch(stack.url())["environment"]
    assert Path(seen["TMPDIR"]).is_dir()
    stack.stop()
    assert seen["TMPDIR"] == str(plan.temporary("api"))
    assert plan.temporary("api").is_relative_to(plan.work)
    assert [seen[name] for name in "ABCDE"] == ["plan", "service", "fault", str(plan.share), "profile"]
    assert seen["PYTHONPATH"] == f"{plan.share}/py{os.pathsep}old"
    assert seen["SEATRIAL_RUN"] == plan.run
    assert "HARNESS_SECRET" not in seen


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_dependency_goes_and_comes_back(started: LocalStack, verb: Any) -> None:
    """A stopped or killed server is gone for its clients, and back on the same port after start."""
    url = started.url("redis")
    started.control(verb, "redis")
    assert [state.status for state in started.services() if state.name == "redis"] == ["exited"]
    assert not answers(f"{started.url()}/redis")
    with pytest.raises(EnvironmentFailure, match="service-not-running"):
        started.execute("redis", ["true"])
    started.control("start", "redis")
    assert wait_until(lambda: answers(f"{started.url()}/redis"), timeout_s=10)
    assert started.url("redis") == url


def test_a_paused_database_hangs_until_it_goes_on(started: LocalStack) -> None:
    """Pause stops PostgreSQL and its children; unpause lets them answer again; a killed one recovers."""
    started.control("pause", "db")
    assert {state.name: state.status for state in started.services()}["db"] == "paused"
    with pytest.raises(EnvironmentFailure, match="exec-failed"):
        started.execute("db", ["psql", "-Atc", "SELECT 1"], timeout_s=0.5)
    started.control("unpause", "db")
    assert started.execute("db", ["psql", "-Atc", "SELECT 1"]).output.strip() == "1"
    started.control("kill", "db")
    started.control("start", "db")
    assert wait_until(lambda: started.execute("db", ["psql", "-Atc", "SELECT 1"]).exit_code == 0, timeout_s=15)
    started.control("restart", "api")
    assert wait_until(lambda: answers(f"{started.url()}/"), timeout_s=10)


def test_another_process_controls_it(started: LocalStack) -> None:
    """A handle made from `state()` sees, restarts and stops the same services; the starter sees the change."""
    other = attach(json.loads(json.dumps(started.state())))
    assert other.url() == started.url()
    assert other.log("worker") == "working\n"
    before = pids(started)
    other.control("restart", "worker")
    assert len(before - pids(started)) == 1
    other.stop()
    assert not pids(started) & living().keys()
    with pytest.raises(EnvironmentFailure, match="stack-gone"):
        attach(started.state())


def test_the_state_holds_no_secret(bench: Bench) -> None:
    """The database's password is that of the plan, and not in `state()`."""
    stack = LocalStack(bench.plan(environment={"POSTGRES_PASSWORD": "p'w/1@x"}))
    stack.start(silent)
    shown = json.dumps(stack.state())
    asked = stack.execute("db", ["psql", stack.url("db"), "-Atc", "SELECT 1"])
    stack.stop()
    assert asked.output.strip() == "1"
    assert "p'w" not in shown
    assert "p%27w" not in shown


def test_the_role_owns_its_database_and_is_no_superuser(started: LocalStack) -> None:
    """As where it ships: it may make tables, and row-level security holds for it."""
    asked = (
        "SELECT rolsuper, rolbypassrls, rolcreaterole, pg_get_userbyid(datdba) = current_user"
        " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
    )
    for words in ([], [started.url("db")]):
        found = started.execute("db", ["psql", *words, "-Atc", asked])
        assert found.output.strip() == "f|f|f|t"


def test_a_wrong_password_is_refused(started: LocalStack) -> None:
    """The database wants the run's random password over TCP."""
    wrong = started.url("db").replace("@", "x@", 1)
    assert "password authentication failed" in started.execute("db", ["psql", wrong, "-c", "SELECT 1"]).output


def broken(**change: Any) -> dict[str, Any]:
    """Return the services with a changed api."""
    return {**SERVICES, "api": {**SERVICES["api"], **change}}


@pytest.mark.parametrize(
    ("services", "error", "slug"),
    [
        (broken(command=("python", "-c", "print('no SECRET'); raise SystemExit(3)")), EnvironmentFailure, "exited"),
        (broken(ready="/", command=("python", "worker.py", "{port}")), EnvironmentFailure, "service-unready"),
        (broken(command=("no-such-program",)), UsageError, "command-missing"),
        (broken(requirements="none.txt"), UsageError, "requirements-missing"),
        (broken(environment={"X": "{dbx.url}"}), UsageError, "placeholder-unknown"),
        (broken(needs=("nobody",)), UsageError, "local-services-invalid"),
        (broken(needs=("api",)), UsageError, "local-services-invalid"),
        (broken(command=()), UsageError, "local-services-invalid"),
        ({}, UsageError, "local-services-invalid"),
        ({"web": SERVICES["db"]}, UsageError, "service-unknown"),
    ],
)
def test_a_broken_stack_says_why_and_leaves_nothing(
    bench: Bench, services: dict[str, Any], error: type[Exception], slug: str
) -> None:
    """Each mistake has its message, and whatever was already started is stopped."""
    plan = bench.plan(services, stack={"start_timeout_s": 3.0})
    with pytest.raises(error, match=slug):
        LocalStack(plan).start(silent)
    assert sweep(plan.run).processes == 0


def test_the_last_log_lines_are_shown(bench: Bench) -> None:
    """What the service wrote before it ended is part of the message."""
    stack = LocalStack(bench.plan(broken(command=("python", "-c", "raise SystemExit('BOOM: missing SECRET')"))))
    with pytest.raises(EnvironmentFailure, match="BOOM: missing SECRET"):
        stack.start(silent)


def test_a_worker_that_ends_at_once_is_noticed(bench: Bench) -> None:
    """A process without a probe must at least stay alive while the stack starts."""
    worker = {**SERVICES["worker"], "command": ("python", "-c", "print('bad broker')")}
    services = {**SERVICES, "worker": {**worker, "needs": ()}, "api": {**SERVICES["api"], "needs": ("db", "worker")}}
    with pytest.raises(EnvironmentFailure, match="bad broker"):
        LocalStack(bench.plan(services)).start(silent)


def test_a_taken_fixed_port_is_named(bench: Bench) -> None:
    """A service that insists on a port that somebody has fails with port-taken."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        with pytest.raises(EnvironmentFailure, match="port-taken"):
            LocalStack(bench.plan(broken(command=("python", "api.py", port)))).start(silent)


def test_a_port_taken_meanwhile_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody takes a chosen port before its service does, all ports are chosen again, once."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        said: list[str] = []
        monkeypatch.setattr("seatrial.stack._local_start.pick_ports", taken_once(pick_ports, holder.getsockname()[1]))
        stack = LocalStack(bench.plan())
        stack.start(said.append)
        stack.stop()
    assert any("starting again" in line for line in said)


def taken_once(choose: Callable[[int], list[int]], port: int) -> Callable[[int], list[int]]:
    """Choose a taken port for the first service, the first time."""
    bad = [port]
    return lambda count: [bad.pop() if bad else number for number in choose(count)]


def test_several_servers_are_refused(bench: Bench) -> None:
    """Only processes run several times."""
    with pytest.raises(UsageError, match="replicas-unsupported"):
        LocalStack(bench.plan(replicas={"db": 2})).start(silent)


def test_instances_take_turns_behind_one_address(bench: Bench) -> None:
    """Requests go round over the instances with the client's address, past one that is gone; verbs reach them all."""
    (bench.root / "project/requirements.txt").write_text("")
    stack = LocalStack(bench.plan(replicas={"api": 2}, service_environment={"api": {"C": "fault"}}))
    stack.start(silent)
    seen = [fetch(stack.url()) for _ in range(4)]
    assert len({answer["pid"] for answer in seen}) == 2
    assert {answer["environment"]["C"] for answer in seen} == {"fault"}
    assert {(answer["peer"], answer["forwarded"]) for answer in seen} == {("127.0.0.2", "127.0.0.1")}
    assert stack.log("api").count("serving") == 2
    stack.control("kill", "api-1")
    assert len({fetch(stack.url())["pid"] for _ in range(4)}) == 1
    stack.control("stop", "api")
    assert not answers(f"{stack.url()}/")
    stack.control("start", "api")
    assert wait_until(lambda: answers(f"{stack.url()}/"), timeout_s=10)
    stack.stop()


def test_requirements_are_installed_once_and_apart(bench: Bench) -> None:
    """A service imports what it requires from an environment that is neither the harness's nor made twice."""
    (bench.root / "project/requirements.txt").write_text("idna==3.10\n")
    (bench.root / "project/worker.py").write_text("import idna, time; print(idna.__file__); time.sleep(600)")
    plans = [bench.plan(), bench.plan()]
    stacks = [LocalStack(plan) for plan in plans]
    threads = [threading.Thread(target=stack.start, args=(silent,)) for stack in stacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    limit = time.monotonic() + 30  # a worker is up before it has said anything
    while not all(stack.log("worker") for stack in stacks) and time.monotonic() < limit:
        time.sleep(0.05)
    places = {stack.log("worker").strip() for stack in stacks}
    for stack in stacks:
        stack.stop()
    assert len(places) == 1
    assert not places.pop().startswith(sys.prefix)


def test_requirements_that_do_not_exist_are_explained(bench: Bench) -> None:
    """An impossible requirement is an environment failure that quotes the installer."""
    (bench.root / "project/requirements.txt").write_text("idna==99.99\n")
    with pytest.raises(EnvironmentFailure, match=r"requirements-failed[\s\S]*idna"):
        LocalStack(bench.plan()).start(silent)


def test_two_stacks_share_servers_but_no_data(bench: Bench, pool: ServerPool) -> None:
    """On a pool each stack has a database and a logical database of its own, and gives them back."""
    stacks = [LocalStack(bench.plan(), pool=pool) for _ in range(2)]
    for stack in stacks:
        stack.start(silent)
        stack.execute("db", ["psql", "-c", "CREATE TABLE only_here (id int)"])
        assert answers(f"{stack.url()}/redis")
    databases = {stack.execute("db", ["psql", "-Atc", "SELECT current_database()"]).output for stack in stacks}
    assert len(databases) == 2
    assert len({stack.url("redis").rpartition("/")[2] for stack in stacks}) == 2
    for stack in stacks:
        stack.stop()
    left = pool.postgres.run_sql("SELECT datname FROM pg_database WHERE datname LIKE 'seatrial%'").stdout
    assert "seatrial_" not in left
    assert pool.valkey.command("INFO keyspace").endswith(b"# Keyspace")


def test_a_pooled_server_can_be_taken_away(bench: Bench, pool: ServerPool) -> None:
    """Stopping a leased server hides it from this stack alone."""
    first, second = (LocalStack(bench.plan(), pool=pool) for _ in range(2))
    first.start(silent)
    second.start(silent)
    first.control("stop", "redis")
    assert not answers(f"{first.url()}/redis")
    assert answers(f"{second.url()}/redis")
    first.control("start", "redis")
    assert wait_until(lambda: answers(f"{first.url()}/redis"), timeout_s=10)
    first.stop()
    second.stop()


def shared_memory(pids: set[int]) -> list[str]:
    """Return the System V segments that these processes made."""
    lines = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
    place = lines[0].index("cpid")
    return [line[1] for line in lines[1:] if int(line[place]) in pids]


HARNESS = """
import json, sys, time
from pathlib import Path
from seatrial.config import Settings
from seatrial.stack import LocalStack, StackPlan, Watchdog
facts = json.loads(sys.argv[1])
root, run, work = Path(facts["root"]), facts["run"], Path(facts["work"])
Watchdog(run=run, work=work.parent).start()
settings = Settings.model_validate_json(json.dumps(facts["settings"]))
plan = StackPlan(settings=settings, profile="quick", variant="clean", run=run, work=work, logs=root / "logs", root=root)
stack = LocalStack(plan)
print("begins", flush=True)
stack.start(lambda line: None)
print(*[pid for state in stack.services() for pid in state.ids], flush=True)
time.sleep(600)
"""


def start_harness(plan: StackPlan) -> subprocess.Popen[str]:
    """Start a process that starts the stack, and wait until it begins to."""
    settings = plan.settings.model_dump(mode="json", exclude={"root"})
    facts = {"root": str(plan.root), "run": plan.run, "work": str(plan.work), "settings": settings}
    command = [sys.executable, "-c", HARNESS, json.dumps(facts)]
    harness = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    assert harness.stdout.readline() == "begins\n"
    return harness


def marked(run: str) -> list[int]:
    """Return the processes that carry the mark of a run."""
    return [pid for pid in living() if environment_of(pid).get("SEATRIAL_RUN") == run]


def test_a_killed_harness_leaves_no_stack(bench: Bench) -> None:
    """Kill -9 of the harness ends PostgreSQL, Valkey, services and their children, and frees their shared memory."""
    plan = bench.plan()
    with start_harness(plan) as harness:
        assert harness.stdout is not None
        first = [int(word) for word in harness.stdout.readline().split()]
        everything = {pid for pid, fact in living().items() if pid in first or fact.parent in first}
        assert len(everything) > len(first)
        assert shared_memory(everything)
        harness.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not everything & living().keys(), timeout_s=15)
    assert wait_until(lambda: not plan.work.parent.exists(), timeout_s=15)
    assert not shared_memory(everything)


@pytest.mark.parametrize("moment_s", [0.0, 0.1, 0.25, 0.4, 0.7])
def test_a_harness_killed_while_starting_leaves_nothing(bench: Bench, moment_s: float) -> None:
    """At whatever moment of the start the harness is killed, no process and no folder of the run is left."""
    plan = bench.plan()
    with start_harness(plan) as harness:
        time.sleep(moment_s)
        harness.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not marked(plan.run) and not plan.work.parent.exists(), timeout_s=15)
    time.sleep(0.2)
    assert not marked(plan.run)
    assert not plan.work.parent.exists()
