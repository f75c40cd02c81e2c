"""Coverage of real processes, whatever way they start children and end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from seatrial.config import CoverageSettings
from seatrial.core import Evidence, Outcome
from seatrial.cover import Collector

SETTINGS = CoverageSettings(services=("api",), source="svc", packages=("app",))
ANSWERS = """import multiprocessing
import os
import subprocess
import sys


def answer(path):
    return globals()[path.strip("/") or "first"]()


def first():
    return "first"


def second():
    return "second"


def forked():
    if os.fork() == 0:
        value = in_fork()
        os._exit(value)
    return str(os.waitstatus_to_exitcode(os.wait()[1]))


def in_fork():
    return 7


def spawned():
    child = multiprocessing.get_context("spawn").Process(target=in_spawned)
    child.start()
    child.join()
    return str(child.exitcode)


def in_spawned():
    sys.exit(8)


def probed():
    code = "from app.answers import in_probe; in_probe()"
    return str(subprocess.run([sys.executable, "-c", code], check=False).returncode)


def in_probe():
    sys.exit(9)
"""
SERVER = """import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.answers import answer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = answer(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
"""


CREW = """import multiprocessing
import os
import time


def serve(name):
    await_file("go")
    globals()[name]()
    with open("done-" + name, "w"):
        pass
    await_file("end")


def await_file(name):
    while not os.path.exists(name):
        time.sleep(0.01)


def parent():
    return 1


def forked():
    return 2


def spawned():
    return 3


if __name__ == "__main__":
    child = os.fork()
    if child == 0:
        serve("forked")
        os._exit(0)
    multiprocessing.get_context("spawn").Process(target=serve, args=("spawned",)).start()
    print(0, flush=True)
    serve("parent")
    os.waitpid(child, 0)
"""
MEMBERS = ("parent", "forked", "spawned")
"""Processes start as those of Celery's prefork pool do, by a fork, or as workers of uvicorn do, anew."""


def line(text: str) -> str:
    """Return the number of the line of the answers that reads so."""
    return str(ANSWERS.splitlines().index(text) + 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with a small threaded server."""
    package = tmp_path / "svc" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "answers.py").write_text(ANSWERS)
    (package / "serve.py").write_text(SERVER)
    (package / "never.py").write_text("X = 1\nY = 2\n")
    return tmp_path


class Service:
    """A running server."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        assert child.stdout is not None
        self.port = int(child.stdout.readline())

    def get(self, path: str) -> str:
        """Return what it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def end(self, number: int) -> None:
        """Send a signal and wait for the end."""
        self.child.send_signal(number)
        self.child.wait(timeout=20)


def filled(addition: Mapping[str, str], share: Path) -> dict[str, str]:
    """Return the environment of a service."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL", "COV", "PYTHON"))}
    marks = {"SEATRIAL_RUN": "test", "SEATRIAL_OWNER": str(os.getpid())}
    return {**own, **marks, **{name: value.replace("{share}", str(share)) for name, value in addition.items()}}


@contextmanager
def serving(
    collector: Collector, root: Path, *, python: str = sys.executable, module: str = "app.serve"
) -> Iterator[Service]:
    """Start the server with what the collector adds."""
    share = root / "share"
    added = collector.prepare(
        share, service_source=str(root / "svc"), in_images=python != sys.executable, progress=lambda _: None
    )
    with (
        (root / "stderr").open("w") as stderr,
        subprocess.Popen(
            [python, "-m", module],
            env=filled(added["api"].environment, share),
            cwd=root / "svc",
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        ) as child,
    ):
        try:
            yield Service(child)
        finally:
            child.kill()


def lines(evidence: Evidence, root: Path) -> dict[str, list[str]]:
    """Return the phases of each executed line of the answers, once the evidence was found complete."""
    assert {result.outcome for result in evidence.results} == {Outcome.PASSED}, evidence
    assert (root / "stderr").read_text() == ""
    found: dict[str, Any] = json.loads((root / "out" / "attribution.json").read_text())["files"]
    executed: dict[str, list[str]] = found["svc/app/answers.py"]
    return executed


def test_threads_children_and_phases_are_recorded(root: Path) -> None:
    """Request threads, forks that leave by os._exit and spawned children all count, each for its phase."""
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root) as service:
        assert service.get("/first") == "first"
        for phase, path, value in (("one", "/second", "second"), ("two", "/forked", "7"), ("three", "/spawned", "8")):
            collector.set_phase(phase)
            assert collector.wait_acknowledged(10)
            assert service.get(path) == value
        assert service.get("/probed") == "9"
        service.end(signal.SIGTERM)
    assert service.child.returncode == -signal.SIGTERM
    evidence = collector.collect(out=root / "out")
    found = lines(evidence, root)
    assert found[line('    return "first"')] == ["startup"]
    assert found[line('    return "second"')] == ["one"]
    assert found[line("    return 7")] == ["two"]
    assert found[line("    sys.exit(8)")] == ["three"]
    assert line("    sys.exit(9)") not in found, "a one-liner was measured"
    values = {found.name: found for found in evidence.measurements}
    assert 80 < values["coverage.total"].value < 100


def await_all(found: Callable[[], list[Path]], count: int) -> None:
    """Wait until there are so many files."""
    deadline = time.monotonic() + 20
    while len(found()) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(found()) == count


def test_every_process_acknowledges_a_phase(root: Path) -> None:
    """A master and its children, forked or started anew, are in a phase once it is said to be acknowledged."""
    (root / "svc/app/crew.py").write_text(CREW)
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root, module="app.crew") as service:
        acks = root / "share/data/ack"
        await_all(lambda: list(acks.glob("[!.]*")), len(MEMBERS))
        collector.set_phase("one")
        assert collector.wait_acknowledged(10)
        assert [path.read_text() for path in acks.glob("[!.]*")] == ["one"] * len(MEMBERS)
        (root / "svc/go").touch()
        await_all(lambda: list((root / "svc").glob("done-*")), len(MEMBERS))
        (root / "svc/end").touch()
        service.child.wait(timeout=20)
    collector.collect(out=root / "out")
    found = json.loads((root / "out/attribution.json").read_text())["files"]["svc/app/crew.py"]
    for number in (1, 2, 3):
        assert found[str(CREW.splitlines().index(f"    return {number}") + 1)] == ["one"]


def test_who_stands_still_while_a_suite_begins_is_told(root: Path) -> None:
    """By name, suite and what it means, once it was heard again: of one that was killed there is nothing to say."""
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root) as service:
        collector.set_phase("one")
        assert collector.wait_acknowledged(10)
        assert service.get("/first") == "first"
        service.child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, service.child.pid, os.WSTOPPED | os.WNOWAIT)
        collector.set_phase("two")
        assert not collector.wait_acknowledged(0.1)
        service.child.send_signal(signal.SIGCONT)
        assert service.get("/second") == "second"
        await_all(lambda: [ack for ack in (root / "share/data/ack").glob("[!.]*") if ack.read_text() == "two"], 1)
        service.end(signal.SIGKILL)
        collector.set_phase("three")
        collector.wait_acknowledged(0.1)
    evidence = collector.collect(out=root / "out")
    lines(evidence, root)
    late = [{"phase": "two", "before": "one", "service": "api", "processes": 1}]
    for name in ("attribution", "components"):
        assert json.loads((root / f"out/{name}.json").read_text())["late"] == late
    assert any(note.startswith("coverage: 1 process of api had not arrived") for note in evidence.notes)


def test_a_killed_service_keeps_what_was_written_down(root: Path) -> None:
    """After SIGKILL everything up to half a second before is there; of a busy service no line is lost."""
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root) as service:
        for _ in range(200):
            service.get("/first")
        service.get("/second")
        time.sleep(1.2)
        service.end(signal.SIGKILL)
    found = lines(collector.collect(out=root / "out"), root)
    assert {line('    return globals()[path.strip("/") or "first"]()'), line('    return "second"')} <= set(found)
    assert line("def in_probe():") in found


def test_writing_down_loses_no_line(root: Path) -> None:
    """Lines executed once, while the thread writes, are in the data as well: thousands of them, at any moment."""
    body = "\n".join(f"    time.sleep(0.0005)\n    x = {number}" for number in range(2000))
    (root / "svc/app/slow.py").write_text(f"import time\n\n\ndef slow():\n{body}\n    return str(x)\n")
    (root / "svc/app/answers.py").write_text(f"from app.slow import slow\n\n\n{ANSWERS}")
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root) as service:
        assert service.get("/slow") == "1999"
        service.end(signal.SIGTERM)
    collector.collect(out=root / "out")
    files = json.loads((root / "out/coverage.json").read_text())["files"]
    assert files["svc/app/slow.py"]["missing_lines"] == []


def test_probes_of_a_service_are_measured_once_a_phase(root: Path) -> None:
    """A health check that is a program of the service counts, without a data file every 300 ms."""
    (root / "svc/app/probe.py").write_text("print('healthy')\n")
    collector = Collector(SETTINGS, root=root)
    share = root / "share"
    added = collector.prepare(share, in_images=False, progress=lambda _: None)["api"].environment
    for phase in ("one", "two"):
        collector.set_phase(phase)
        for _ in range(3):
            command = [sys.executable, "-m", "app.probe"]
            subprocess.run(command, env=filled(added, share), cwd=root / "svc", check=True, capture_output=True)
    assert len(list((share / "data").glob(".coverage.*"))) == 2
    (root / "stderr").touch()
    collector.collect(out=root / "out")
    attribution = json.loads((root / "out/attribution.json").read_text())
    assert attribution["files"]["svc/app/probe.py"]["1"] == ["one", "two"]


def test_a_service_without_its_source_says_so(root: Path) -> None:
    """A wrong container_source is told by the service, in one line on stderr and in the check."""
    collector = Collector(SETTINGS, root=root)
    share = root / "share"
    added = collector.prepare(share, service_source="/nowhere", in_images=False, progress=lambda _: None)
    done = subprocess.run(
        [sys.executable, "-m", "app.never"],
        env=filled(added["api"].environment, share),
        cwd=root / "svc",
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert done.stderr.startswith("seatrial: coverage_hook.py: RuntimeError: none of /nowhere is a folder")
    result = collector.collect(out=root / "out").results[0]
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "none of /nowhere" in result.reason


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13", "3.14"])
def test_services_of_other_pythons_are_measured(
    root: Path, version: str, require: Callable[[str], str], lacks: Callable[[str, str], NoReturn]
) -> None:
    """Images hold another Python than the harness: each gets its own compiled tracer."""
    python = require(f"python{version}")
    collector = Collector(SETTINGS, root=root)
    with serving(collector, root, python=python) as service:
        collector.set_phase("one")
        assert collector.wait_acknowledged(10)
        assert service.get("/forked") == "7"
        service.end(signal.SIGTERM)
    evidence = collector.collect(out=root / "out")
    assert lines(evidence, root)[line("    return 7")] == ["one"]
    foreign = version != f"{sys.version_info.major}.{sys.version_info.minor}"
    assert any(f"ran Python {version}" in note for note in evidence.notes) is foreign
    if slow := [note for note in evidence.notes if f"{version}-gnu: " in note]:
        lacks("tracers", f"Python {version} was measured, but not by its compiled tracer: {slow[0]}")
    processes = [json.loads(path.read_text()) for path in (root / "share/data/processes").iterdir()]
    assert {(process["python"], process["tracer"]) for process in processes} == {(version, "CTracer")}
