"""The shipped users who go beyond their quota, on limiters that are honest, generous or not to be relied on."""

import math
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
from seatrial.core import Outcome, Target
from seatrial.swarm import run_scenario
from seatrial.swarm._outcomes import CLAIMS

ROOT = Path(__file__).parents[2]
QUOTA, WINDOW_S = 5, 60


class Limiter(ThreadingHTTPServer):
    """A fixed window for everybody together, from the first request on; what it does wrong is a matter of the test.

    One that forgets begins anew each second, and tells another end then.
    """

    daemon_threads = True
    generous = 0
    forgets = False
    prolongs_s = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.began_s, self.admitted, self.lock = 0.0, 0, threading.Lock()

    def decide(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of the next limited request."""
        with self.lock:
            now = time.time()
            if not self.began_s or (self.forgets and now > self.began_s + 1):
                self.began_s, self.admitted = now, 0
            admits = self.admitted < QUOTA + self.generous
            self.admitted += admits
        ends_s = self.began_s + WINDOW_S
        told = {"X-RateLimit-Limit": str(QUOTA), "X-RateLimit-Reset": str(math.ceil(ends_s))}
        return (200, told) if admits else (429, {**told, "Retry-After": f"{math.ceil(ends_s - now) + self.prolongs_s}"})


class Handler(BaseHTTPRequestHandler):
    """Answer one request after the other."""

    protocol_version = "HTTP/1.1"
    server: Limiter

    def do_GET(self) -> None:
        """Answer one request."""
        status, headers = self.server.decide() if "analysis" in self.path else (200, {})
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def limiter() -> Iterator[Limiter]:
    """Serve until the test ends."""
    with Limiter() as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({}, []),
        ({"generous": 3}, ["error_ratio"]),
        ({"forgets": True}, ["error_ratio"]),
        ({"prolongs_s": 5}, ["error_ratio"]),
    ],
)
def test_a_limiter_is_held_to_its_own_headers(
    wrong: dict[str, Any], found: list[str], limiter: Limiter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is admitted than a window's quota, and whoever waits as told comes neither too early nor too late."""
    monkeypatch.setattr("seatrial.swarm._honesty.LAG_MS", 5000.0)  # a second attempt would meet a quota that is used up
    vars(limiter).update(wrong)
    asked = {
        "user": "Limits", "file": str(ROOT / "load" / "locustfile.py"), "rate_per_s": 20, "beyond_quota": True,
        "duration_s": {"quick": 2}, "objectives": {"error_ratio": "<= 0", "limited_ratio": ">= 0.1"},
        "operations": {"GET /api/v1/analysis (refused)": {"p50": "<= 1000 ms"}},
    }  # fmt: skip
    nobody: Any = SimpleNamespace(lease=lambda *_, **__: [])
    evidence = run_scenario(
        "s", ScenarioSettings.model_validate(asked), target=Target(url=f"http://127.0.0.1:{limiter.server_port}"),
        identities=nobody, profile="quick", seed=7, run=f"limits-{os.getpid()}", work=tmp_path, out=tmp_path / "out",
        root=tmp_path, progress=lambda _line: None, replay="",
    )  # fmt: skip
    results = dict(zip(CLAIMS, evidence.results, strict=True))
    assert [finding.cause for finding in results["objectives"].findings] == found, results["objectives"].reason
    assert results["objectives"].outcome is (Outcome.FAILED if found else Outcome.PASSED)
    assert results["never-limited"].outcome is Outcome.NOT_APPLICABLE
