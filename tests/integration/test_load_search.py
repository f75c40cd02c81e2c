"""The search for a rate, on a server that serves one request after the other."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.config import ScenarioSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.swarm import find_breakpoint
from seatrial.swarm._outcomes import CLAIMS

EACH_S = 0.025
TRUTH_PER_S = 1 / EACH_S


class Handler(BaseHTTPRequestHandler):
    """Answer each request after so long, and no two at a time."""

    protocol_version = "HTTP/1.1"
    line = threading.Lock()

    def do_GET(self) -> None:
        """Answer one request."""
        with self.line:
            time.sleep(EACH_S)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def target() -> Iterator[Target]:
    """Serve until the test ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield Target(url=f"http://127.0.0.1:{serving.server_port}")
        serving.shutdown()


@pytest.mark.alone
@pytest.mark.long
def test_the_rate_at_which_a_server_breaks_is_found(target: Target, tmp_path: Path) -> None:
    """It is between a rate that held and one that did not, and objectives on it pass, fail, or stay open."""
    evidence = searched(target, tmp_path)
    measured = next(one.value for one in evidence.measurements if one.name == "load.s.breakpoint")
    assert TRUTH_PER_S / 4 <= measured <= TRUTH_PER_S * 1.1
    results = dict(zip(CLAIMS, evidence.results, strict=True))
    assert results["generator-honest"].outcome is Outcome.PASSED
    assert results["objectives"].outcome is Outcome.FAILED, results["objectives"].reason
    assert "breakpoint is between" in results["objectives"].reason
    assert (tmp_path / "out" / "stats.json").is_file()


def searched(target: Target, folder: Path) -> Evidence:
    """Return what came of a search between a quarter of the truth and four times as much."""
    asked = {
        "paths": ("/a",), "rate_per_s": TRUTH_PER_S / 4, "deadline_s": 1.0, "duration_s": {"quick": 2},
        "search": {"times": 16, "within": 1},
        "objectives": {"p95": "<= 300 ms", "breakpoint": f">= {TRUTH_PER_S * 10}/s"},
    }  # fmt: skip
    nobody: Any = SimpleNamespace(lease=lambda *_, **__: [])
    return find_breakpoint(
        "s", ScenarioSettings.model_validate(asked), target=target, identities=nobody, profile="quick", seed=7,
        run=f"search-{os.getpid()}", work=folder, out=folder / "out", root=folder, progress=lambda _line: None,
        replay="",
    )  # fmt: skip
