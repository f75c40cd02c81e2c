"""`seatrial run --only load` at a URL: how it ends for what a service and a generator can do, by its exit code."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Product = Callable[..., subprocess.CompletedProcess[str]]
BEFORE_IT_HANGS = 15
PROJECT = """
[stack]
ready = "/"
[load.s]
rate_per_s = 30
deadline_s = 1
duration_s = {{ quick = 1 }}
# Such a latency lets arrivals begin 200 ms late: what else runs on this machine may cost that, and `Busy` costs more.
objectives = {{ error_ratio = "<= 0.1", p99 = "<= 2000 ms" }}
{traffic}
"""
USERS = """
import os, signal, time
from locust import FastHttpUser, task

class Idle(FastHttpUser):
    @task
    def think(self):
        pass

class Doomed(FastHttpUser):
    abstract = True
    count = 0
    @task
    def go(self):
        self.client.get("/a")
        Doomed.count += 1
        if Doomed.count > 10:
            os.kill(os.getpid(), self.ends)

class Terminated(Doomed):
    ends = signal.SIGTERM

class Interrupted(Doomed):
    ends = signal.SIGINT

class Killed(Doomed):
    ends = signal.SIGKILL

class Busy(FastHttpUser):
    @task
    def go(self):
        self.client.get("/a")
        end = time.perf_counter() + 0.06
        while time.perf_counter() < end:
            pass
"""


class Handler(BaseHTTPRequestHandler):
    """Answer at once; /halt answers some requests and no more."""

    protocol_version = "HTTP/1.1"
    halts = 0
    released = threading.Event()

    def do_GET(self) -> None:
        """Answer one request, or hold it until the end of the test."""
        if self.path == "/halt":
            Handler.halts += 1
            if Handler.halts > BEFORE_IT_HANGS:
                self.released.wait()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve until the test ends."""
    Handler.halts = 0
    Handler.released.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        Handler.released.set()
        server.shutdown()


@pytest.mark.parametrize(
    ("traffic", "code", "verdict", "says"),
    [
        ('paths = ["/a"]', 0, "pass", ""),
        ('paths = ["/halt"]', 1, "fail", "error_ratio is"),
        ('file = "users.py"\nuser = "Terminated"', 3, "inconclusive", "killed by SIGTERM"),
        ('file = "users.py"\nuser = "Interrupted"', 3, "inconclusive", "before it"),
        ('file = "users.py"\nuser = "Killed"', 3, "inconclusive", "killed by SIGKILL"),
        ('file = "users.py"\nuser = "Busy"', 3, "inconclusive", "by its processor time it can send"),
        ('file = "users.py"\nuser = "Idle"', 3, "inconclusive", "not one request was sent"),
    ],
)
def test_how_a_load_ends(  # noqa: PLR0913, PLR0917 - fixtures and cases
    product: Product, address: str, tmp_path: Path, traffic: str, code: int, verdict: str, says: str
) -> None:
    """A good service passes, one that hangs halfway fails; a generator that is ended, or idle, proves nothing."""
    (tmp_path / "seatrial.toml").write_text(PROJECT.format(traffic=traffic))
    (tmp_path / "users.py").write_text(USERS)
    done = product("run", "--stack", address, "--only", "load", "--out", "run", cwd=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["verdict"] == verdict
    assert says in output
