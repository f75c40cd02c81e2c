"""`seatrial load --ui`: Locust's web page beside the load, until that is over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

Begin = Callable[..., subprocess.Popen[str]]
PATIENCE_S = 60.0
PROJECT = """
[stack]
ready = "/"
[load.short]
rate_per_s = 20
duration_s = { quick = 1 }
deadline_s = 60
paths = ["/a", "/a", "/gate", "/gate"]
objectives = { error_ratio = "<= 0", p99 = "<= 60000 ms" }
[load.long]
rate_per_s = 20
duration_s = { full = 3600 }
paths = ["/a"]
objectives = { error_ratio = "<= 0" }
[load.next]
rate_per_s = 20
duration_s = { full = 1 }
paths = ["/b"]
objectives = { error_ratio = "<= 0" }
"""


class Handler(BaseHTTPRequestHandler):
    """Answer at once, /gate once that is open; note what was asked."""

    protocol_version = "HTTP/1.1"
    gate = threading.Event()
    seen: set[str] = set()  # noqa: RUF012 - the handler of each connection is another instance

    def do_GET(self) -> None:
        """Answer one request."""
        Handler.seen.add(self.path)
        if self.path == "/gate":
            Handler.gate.wait(PATIENCE_S)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve until the test ends."""
    Handler.seen.clear()
    Handler.gate.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        Handler.gate.set()
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project."""
    (tmp_path / "seatrial.toml").write_text(PROJECT)
    return tmp_path


def page_of(child: subprocess.Popen[str]) -> str:
    """Return where the page is, which standard error says."""
    assert child.stderr
    told = next(line for line in child.stderr if "Locust's web page: " in line)
    return told.split("page: ")[1].strip()


def shown(page: str, seen: Callable[[Any], bool]) -> Any:
    """Return the page's figures once that is to be seen of them."""
    deadline = time.monotonic() + PATIENCE_S
    while not seen(told := httpx.get(f"{page}stats/requests", trust_env=False).json()):
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    return told


def requests(told: Any) -> dict[str, int]:
    """Return how many requests the page shows, by name."""
    return {one["name"]: one["num_requests"] for one in told["stats"]}


def gone(page: str) -> bool:
    """Return whether nobody serves the page any more."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", httpx.URL(page).port or 0)):
        return False
    return True


def test_it_shows_a_load_of_several_processes(
    begin: Begin, nothing_left: Callable[[int], None], address: str, project: Path
) -> None:
    """While it is sent, all of it and what waits; nobody who only looks changes what comes of it."""
    words = ("load", address, "--scenario", "short", "--processes", "2", "--ui", "--json")
    with begin(*words, cwd=project) as child:
        page = page_of(child)
        told = shown(page, lambda told: requests(told).get("/a") == 10 and told["user_count"] == 10)
        assert (requests(told)["Aggregated"], told["state"]) == (10, "running")
        home = httpx.get(page, trust_env=False).text
        assert "<title>Locust" in home
        assert address in home
        Handler.gate.set()
        out, err = child.communicate(timeout=PATIENCE_S)
    assert out.count("\n") == 1, out
    found = json.loads(out)
    assert (child.returncode, found["verdict"], found["valid"]) == (0, "pass", True), out + err
    assert found["ledger"]["answered"] == 20
    assert "--ui" not in found["repeat"]
    nothing_left(child.pid)
    assert gone(page)


def test_whoever_stops_a_load_there_leaves_nothing_proved(begin: Begin, address: str, project: Path) -> None:
    """Also that of workers elsewhere, which the page beside the master shows; no other scenario is sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    words = ("load", address, "full", "--workers", "1", "--bind", bind, "--ui", "--json")
    with (
        begin("load", "worker", "--master", bind, cwd=project) as worker,
        begin(*words, "--scenario", "long", "--scenario", "next", cwd=project) as master,
    ):
        try:
            page = page_of(master)
            shown(page, lambda told: requests(told).get("/a", 0) > 0)
            assert httpx.post(f"{page}stop", trust_env=False).json()["success"]
            out, err = master.communicate(timeout=PATIENCE_S)
        finally:
            worker.kill()
            master.kill()
    found = json.loads(out)
    assert (master.returncode, found["verdict"], found["valid"]) == (3, "inconclusive", False), out + err
    doubts = {name: one["doubt"] for name, one in found["scenarios"].items()}
    assert doubts == dict.fromkeys(["long", "next"], "somebody stopped it on Locust's web page")
    assert found["scenarios"]["long"]["ledger"]["answered"] > 0
    assert "/b" not in Handler.seen


def test_ctrl_c_ends_it_as_well(begin: Begin, nothing_left: Callable[[int], None], address: str, project: Path) -> None:
    """Nothing serves the page any more."""
    with begin("load", address, "full", "--scenario", "long", "--ui", "--json", cwd=project) as child:
        page = page_of(child)
        shown(page, lambda told: told["state"] == "running")
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    assert (child.returncode, json.loads(out)["exit_code"]) == (130, 130), out + err
    nothing_left(child.pid)
    assert gone(page)
