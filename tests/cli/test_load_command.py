"""`seatrial load` on small real servers: its figures, its one JSON object, and how it ends for what can go wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.core import content

Product = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 60
RATE, SECONDS = ("--rate", "30/s"), ("--duration", "1s")
PROJECT = """
[stack]
ready = "/"
start_timeout_s = 1
[load.calm]
rate_per_s = 20
deadline_s = 10
duration_s = { quick = 1 }
paths = ["/a", "/b"]
# Such a latency lets arrivals begin late: who else runs on this machine is not the affair of these tests.
objectives = { error_ratio = "<= 0", p99 = "<= 20000 ms" }
[load.limited]
rate_per_s = 10
deadline_s = 1
duration_s = { quick = 1 }
paths = ["/limited"]
objectives = { error_ratio = "<= 0.5", p99 = "<= 20000 ms" }
[gate]
rules = ["checks.failed == 0", "checks.inconclusive == 0", "load.limited.p50 <= 1 ms"]
"""


class Handler(BaseHTTPRequestHandler):
    """Answer at once, /limited with 429; note what was asked."""

    protocol_version = "HTTP/1.1"
    seen: list[str] = []  # noqa: RUF012 - the handler of each connection is another instance

    def do_GET(self) -> None:
        """Answer one request."""
        Handler.seen.append(self.path)
        self.send_response(429 if self.path == "/limited" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve until the test ends."""
    Handler.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project with two scenarios, one of which is refused, and a gate on that."""
    (tmp_path / "seatrial.toml").write_text(PROJECT)
    return tmp_path


def object_of(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the one object on standard output, which is as its schema says."""
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    found = json.loads(done.stdout)
    schema = json.loads((content("reports") / "schema" / "load-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    ledger = found["ledger"]
    if found["valid"]:
        assert ledger["due"] == ledger["started"] + ledger["dropped"]
        assert ledger["started"] == ledger["answered"] + ledger["failed"] + ledger["unfinished"]
    return found


def test_paths_need_no_configuration(product: Product, address: str, tmp_path: Path) -> None:
    """One command for a service of which nothing is declared tells rates, ledger, percentiles, errors and refusals."""
    done = product("load", address, "--path", "/a", "--path", "/b", *RATE, *SECONDS, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert "paths: 30/s asked, 30/s achieved, 1 s" in told
    assert "30 due, 30 started, 0 dropped, 30 answered, 0 failed, 0 unfinished" in told
    assert "errors 0 of 30 arrivals" in told
    assert "answers 0 x 429, 0 x none, 30 x 200" in told
    assert told.count("p999") == 2
    assert "verdict: pass" in told
    late = (tmp_path / ".seatrial" / "latest" / "load" / "paths" / "requests-first.csv").exists()
    times = 2 if late else 1  # a busy machine may be late at first, and then all of it is sent again
    expected = ["/a"] * (15 * times + 1) + ["/b"] * 15 * times  # /a once to see it there
    assert sorted(path for path in Handler.seen if path != "/") == expected


def test_the_plan_is_what_is_sent(product: Product, address: str, project: Path) -> None:
    """`--plan` names rate, arrivals, paths and what must hold, and sends nothing."""
    planned = json.loads(product("load", address, "--plan", "--json", "--rate", "15/s", cwd=project).stdout)
    text = product("load", address, "full", "--plan", "--scenario", "limited", cwd=project).stdout
    assert not (project / ".seatrial").exists()
    assert Handler.seen == []
    assert [(one["scenario"], one["arrivals"]) for one in planned["load"]] == [("calm", 15), ("limited", 15)]
    assert planned["load"][0]["objectives"] == {"error_ratio": "<= 0", "p99": "<= 20000"}
    assert "limited: not tested, as it declares no duration for the profile full" in text


def test_a_chosen_scenario_is_one_object(product: Product, address: str, project: Path) -> None:
    """Only what was chosen is sent and gated; totals are that scenario's, exact and per operation and status."""
    done = product("load", address, "--scenario", "calm", "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["exit_code"], found["verdict"], found["valid"]) == (0, 0, "pass", True), done.stderr
    assert (found["asked_per_s"], found["achieved_per_s"], found["ledger"]["due"]) == (20, 20, 20)
    assert {name: group["requests"] for name, group in found["by_operation"].items()} == {"GET /a": 10, "GET /b": 10}
    assert {status: group["requests"] for status, group in found["by_status"].items()} == {"200": 20}
    points = found["latency_ms"]
    assert 0 < points["p50"] <= points["p90"] <= points["p95"] <= points["p99"] <= points["p999"] <= points["max"]
    assert 0 < found["service_ms"]["p50"] <= points["max"]
    assert found["generator"]["workers"] == 1
    assert found["generator"]["cpu_percent"] > 0
    (only,) = found["scenarios"].values()
    assert {**only, **found} == {**found, "doubt": "", "duration_s": 1, "resources": {}}
    assert Path(found["directory"], "load", "calm", "requests.csv").is_file()


def test_processes_share_a_load(product: Product, address: str, project: Path) -> None:
    """Two send what one would have sent, each request once, and are counted as one."""
    done = product("load", address, "--scenario", "calm", "--processes", "2", "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["valid"]) == (0, True), done.stderr
    assert found["generator"]["workers"] == 2
    assert found["ledger"]["answered"] == found["by_status"]["200"]["requests"] == 20
    assert "--processes 2" in found["repeat"]
    assert sorted(path for path in Handler.seen if path != "/") == ["/a"] * 10 + ["/b"] * 10


def test_a_broken_objective_fails(product: Product, address: str, project: Path) -> None:
    """Exit code 1; all scenarios were sent, and the sums are over both."""
    done = product("load", address, "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["verdict"], found["valid"]) == (1, "fail", True), done.stderr
    assert "checks.failed is 1" in found["reason"]
    assert found["ledger"]["due"] == 30
    assert found["asked_per_s"] == 15
    assert found["by_status"]["429"]["requests"] == found["by_status"]["429"]["failed"] == 10
    assert set(found["scenarios"]) == {"calm", "limited"}
    assert found["scenarios"]["limited"]["ledger"]["failed"] == 10


def test_a_target_that_is_not_there_proves_nothing(product: Product, project: Path) -> None:
    """Exit code 3, and still one object: not valid, with the reason, and no number where there is none."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    done = product("load", f"http://127.0.0.1:{port}", "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["verdict"], found["valid"]) == (3, "inconclusive", False)
    assert "[target-unreachable]" in found["reason"]
    assert found["ledger"]["due"] == 0
    assert found["latency_ms"]["p50"] is None


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_target_that_resets_or_answers_half_is_no_pass(product: Product, tmp_path: Path, answer: bytes) -> None:
    """Each ends the connection: nothing answers the first question, or every request fails."""
    with ending(answer) as url:
        done = product("load", url, "--path", "/a", *RATE, *SECONDS, cwd=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == (1 if answer else 3), output
    assert ("not one of 30 requests succeeded" if answer else "[target-unreachable]") in output


def test_a_target_that_hangs_proves_nothing(product: Product, project: Path) -> None:
    """One that takes connections and says nothing is not there either."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = product("load", f"http://127.0.0.1:{silent.getsockname()[1]}", cwd=project)
    output = done.stdout + done.stderr
    assert (done.returncode, "[target-unreachable]" in output) == (3, True), output


def test_a_rate_beyond_the_generator_says_what_it_can_do(product: Product, address: str, tmp_path: Path) -> None:
    """No process sends 20,000 a second: the service is not to blame, and nothing is green."""
    rate = ("--rate", "20000/s", "--duration", "0.2s")
    found = object_of(product("load", address, "--path", "/a", *rate, "--json", cwd=tmp_path))
    assert (found["exit_code"], found["verdict"], found["valid"]) == (3, "inconclusive", False)
    assert "by its processor time it can send" in found["scenarios"]["paths"]["doubt"]


def test_who_need_not_sign_in_sends_without_a_key(product: Product, address: str, project: Path) -> None:
    """Nobody can be authenticated at such a URL: that stops scenarios with users alone."""
    text = (project / "seatrial.toml").read_text() + "[auth]\npublic_key_variable = 'KEY'\n"
    (project / "seatrial.toml").write_text(text)
    assert product("load", address, "--path", "/a", *RATE, *SECONDS, cwd=project).returncode == 0
    (project / "seatrial.toml").write_text(text.replace("rate_per_s = 20", "rate_per_s = 20\nidentities = 2"))
    done = product("load", address, "--scenario", "calm", "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["ledger"]["due"]) == (3, 0)
    assert any("private_key_file" in note for note in found["not_verified"])


@contextlib.contextmanager
def ending(answer: bytes) -> Iterator[str]:
    """Serve what ends each connection after this answer to a request."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.mark.parametrize(
    ("arguments", "slug", "says"),
    [
        (("--scenario", "clam"), "scenario-unknown", "did you mean 'calm'?"),
        (("--rate", "0"), "load-rate-invalid", "above 0"),
        (("--rate", "nan"), "load-rate-invalid", "above 0"),
        (("--duration", "0"), "arguments-invalid", "'0' is no duration"),
        (("--path", "items"), "load-path-invalid", "'items' is no path"),
        (("fast",), "arguments-invalid", "at most one of quick and full"),
        (("--stack", "local"), "arguments-invalid", "both a URL and --stack local"),
        (("--path", "/a", "--rate", "1e12"), "load-too-large", "one process sends up to 5,000/s"),
    ],
)
def test_wrong_usage_sends_nothing(  # noqa: PLR0913, PLR0917 - fixtures and cases
    product: Product, address: str, project: Path, arguments: tuple[str, ...], slug: str, says: str
) -> None:
    """Each is a message with exit code 2, and one object for whoever asked for that."""
    done = product("load", address, *arguments, "--json", cwd=project)
    is_refused(done, slug, says)
    assert "Traceback" not in done.stderr
    assert not {"/a", "/b", "/limited"} & set(Handler.seen)


@pytest.mark.parametrize(
    ("arguments", "slug", "says"),
    [
        (("http://192.0.2.1:80", "--path", "/a"), "target-not-allowed", "--allow-target"),
        (("--path", "/a"), "config-missing", "seatrial.toml"),
        (("http://192.0.2.1:80",), "target-not-allowed", "--allow-target"),
        (("http://127.0.0.1:9", "--scenario", "calm"), "config-missing", "seatrial.toml"),
    ],
)
def test_without_a_configuration(
    product: Product, tmp_path: Path, arguments: tuple[str, ...], slug: str, says: str
) -> None:
    """Nothing leaves this machine, and only a URL without the name of a scenario needs no configuration."""
    is_refused(product("load", *arguments, "--json", cwd=tmp_path), slug, says)


def is_refused(done: subprocess.CompletedProcess[str], slug: str, says: str) -> None:
    """Assert that nothing was sent, and that the message and the one object say why."""
    assert (done.returncode, f"[{slug}]" in done.stderr, says in done.stderr) == (2, True, True), done.stderr
    found = object_of(done)
    assert (found["exit_code"], found["verdict"], found["valid"]) == (2, "inconclusive", False)
    assert (found["ledger"]["due"], f"[{slug}]" in found["reason"]) == (0, True), found["reason"]


def test_an_interrupt_of_what_did_not_begin_is_one_object(begin: Begin, tmp_path: Path) -> None:
    """Ctrl-C while modules are imported, which the interpreter tells: exit code 130."""
    environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    with begin("load", "http://127.0.0.1:9", "--path", "/", "--json", cwd=tmp_path, environment=environment) as child:
        assert child.stderr
        assert any(line.endswith(" _pytest.nodes\n") for line in child.stderr)
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    found = object_of(subprocess.CompletedProcess(child.args, child.returncode, out, err))
    assert (child.returncode, found["exit_code"], found["valid"]) == (130, 130, False)
    assert "[run-interrupted]" in err


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_an_interrupt_leaves_nothing(
    begin: Begin, nothing_left: Callable[[int], None], address: str, project: Path, more: tuple[str, ...]
) -> None:
    """Ctrl-C while load is sent: exit code 130, a message (or one object), and no process."""
    with begin("load", address, "--scenario", "calm", "--duration", "60s", *more, cwd=project) as child:
        progress = child.stderr if more else child.stdout
        assert progress is not None
        while " s of 60 s" not in (line := progress.readline()):
            assert line
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    if more:
        found = object_of(subprocess.CompletedProcess(child.args, child.returncode, out, err))
        assert (found["exit_code"], found["verdict"], found["valid"]) == (130, "inconclusive", False)
    assert child.returncode == 130, out + err
    assert "[run-interrupted]" in out + err
    assert "Traceback" not in out + err
    nothing_left(child.pid)
