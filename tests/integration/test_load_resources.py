"""What a real server uses while it is loaded: it works, leaks, or fails, and its figures say so."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from accounts import account_of

from seatrial.campaign._sources import counted, waiting
from seatrial.config import QueueSettings, ScenarioSettings
from seatrial.core import CheckResult, EnvironmentFailure, Evidence, Identities, Outcome, Target, content
from seatrial.stack import Completed, Usage
from seatrial.stack._inside.reaper import process_facts
from seatrial.stack._processes import Handle, used
from seatrial.swarm import Sources, run_scenario
from seatrial.swarm import _resources as resources
from seatrial.swarm._outcomes import CLAIMS
from seatrial.swarm._plan import Ledger
from seatrial.swarm._rows import visits_of

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((content("reports") / "schema" / "load-stats-1.schema.json").read_text(encoding="utf-8"))
)
WORK_MS = 5
SERVER = f"""
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
kept = []

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/work":
            end = time.thread_time() + {WORK_MS / 1000}
            while time.thread_time() < end:
                pass
        if self.path == "/leak":
            kept.append(os.urandom(1) * 200_000)
        if self.path == "/open":
            kept.append(os.open(os.devnull, os.O_RDONLY))
        self.send_response(500 if self.path == "/fail" else 200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Trace-ID", "trace-of" + self.path.replace("/", "-"))
        self.end_headers()

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Target, Handle]]:
    """Return a server that is a process of its own."""
    child = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    facts = process_facts(child.pid)
    assert facts is not None
    yield Target(url=f"http://127.0.0.1:{int(child.stdout.readline())}"), Handle(pid=child.pid, started=facts.started)
    child.kill()
    child.wait()
    child.stdout.close()


def loaded(
    folder: Path, server: tuple[Target, Handle], *, seconds: float = 2.0, sources: Sources | None = None, **more: Any
) -> tuple[Evidence, dict[str, CheckResult]]:
    """Return what came of a scenario named `s`, and its results by claim."""
    target, handle = server
    nobody: Any = SimpleNamespace(lease=lambda *_, **__: [])
    settings = ScenarioSettings.model_validate({"rate_per_s": 40.0, "duration_s": {"quick": seconds}, **more})
    evidence = run_scenario(
        "s", settings, target=target, identities=cast_identities(nobody), profile="quick", seed=7,
        run=f"resources-{os.getpid()}", work=folder, out=folder / "out", root=folder, progress=lambda _line: None,
        sources=sources or Sources(usage=lambda: used(handle)), trace_header="x-trace-id", replay="",
    )  # fmt: skip
    return evidence, dict(zip(CLAIMS, evidence.results, strict=True))


def cast_identities(value: Any) -> Identities:
    """Return what stands for a pool of which nobody is asked for."""
    pool: Identities = value
    return pool


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than once a second, so that a short load has a slope."""
    monkeypatch.setattr(resources, "PERIOD_S", 0.05)


@pytest.mark.alone
def test_processor_time_is_that_of_the_service(tmp_path: Path, server: tuple[Target, Handle]) -> None:
    """Each request works for five milliseconds of it, and that is the least that is measured."""
    evidence, results = loaded(
        tmp_path, server, paths=("/work",), objectives={"cpu_ms_per_request": f"<= {WORK_MS * 0.9} ms"}
    )
    measured = {one.name: one for one in evidence.measurements}["load.s.cpu_ms_per_request"]
    SCHEMA.validate(json.loads((tmp_path / "out" / "stats.json").read_text()))
    assert WORK_MS <= measured.value < WORK_MS * 10
    assert measured.unit == "ms"
    assert results["resources"].outcome is Outcome.FAILED, results["resources"].reason
    assert "cpu_ms_per_request is" in results["resources"].findings[0].title


@pytest.mark.alone
@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("path", "metric", "limit"), [("/leak", "memory_slope", 2_000_000), ("/open", "descriptor_slope", 10)]
)
def test_what_is_kept_is_a_slope(
    tmp_path: Path, server: tuple[Target, Handle], path: str, metric: str, limit: int
) -> None:
    """Forty requests a second keep four times what may be kept; those to another path keep nothing."""
    asked: dict[str, Any] = {"objectives": {metric: f"<= {limit}/s"}}
    _, leaking = loaded(tmp_path, server, paths=(path,), **asked)
    assert leaking["resources"].outcome is Outcome.FAILED, leaking["resources"].reason
    _, clean = loaded(tmp_path, server, paths=("/a",), **asked)
    assert clean["resources"].outcome is Outcome.PASSED, clean["resources"].reason


@pytest.mark.alone
@pytest.mark.parametrize("processes", [1, 2])
def test_a_lost_objective_ends_the_load(tmp_path: Path, server: tuple[Target, Handle], processes: int) -> None:
    """Half of it fails: after its grace the load ends, long before its time, and all there is says what failed."""
    began = time.monotonic()
    evidence, results = loaded(
        tmp_path, server, seconds=60.0, grace_s=1.0, paths=("/fail", "/a"), processes=processes,
        objectives={"error_ratio": "<= 0.01"},
    )  # fmt: skip
    assert time.monotonic() - began < 40
    assert results["generator-honest"].outcome is Outcome.NOT_TESTED
    assert results["objectives"].outcome is Outcome.FAILED
    reason = results["objectives"].reason
    assert "error_ratio is" in reason
    stats = json.loads((tmp_path / "out" / "stats.json").read_text())
    assert "ended before its time" in stats["doubt"]
    ledger = stats["ledger"]
    rows = [row for visit in visits_of(tmp_path / "out" / "requests.csv") for row in visit]
    assert 0 < ledger["due"] < stats["planned"] == 60 * 40
    asked = {"metric": "error_ratio", "operator": "<=", "threshold": 0.01, "operation": ""}
    assert stats["objectives"] == [asked]
    assert account_of(rows).agrees(Ledger(**ledger))
    assert evidence.measurements == ()
    told = stats["failures"][0]
    assert (told["operation"], told["status"], told["cause"]) == ("GET /fail", 500, "HTTP 500")
    assert told["count"] == ledger["failed"] > 0
    assert told["trace_id"] == "trace-of-fail"
    assert f"{told['count']} x GET /fail: HTTP 500 (for example {told['example']}, trace id" in reason
    assert told["example"] in {exchange.id for exchange in evidence.exchanges}
    assert told["example"] in results["objectives"].findings[0].evidence


@pytest.mark.alone
def test_a_source_that_breaks_decides_nothing(tmp_path: Path, server: tuple[Target, Handle]) -> None:
    """It says why; the load itself is judged all the same."""

    def gone() -> Usage:
        raise EnvironmentFailure("the service is gone", slug="service-not-running", where="api")

    _, results = loaded(
        tmp_path, server, seconds=1.0, paths=("/a",), sources=Sources(usage=gone),
        objectives={"error_ratio": "<= 0", "cpu_ms_per_request": "<= 100 ms"},
    )  # fmt: skip
    assert results["objectives"].outcome is Outcome.PASSED
    assert results["resources"].outcome is Outcome.INCONCLUSIVE
    assert "the service is gone" in results["resources"].reason


class Metrics(BaseHTTPRequestHandler):
    """Metrics in the text format."""

    text = textwrap.dedent("""\
        # TYPE queries histogram
        queries_count{table="a b"} 3.0
        queries_count{table="c"} 4
        queries_count_total 9
    """)

    def do_GET(self) -> None:
        """Answer one request."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def test_a_counter_is_the_sum_over_its_labels() -> None:
    """One that is not there, or a service that is not, is said to be unknown."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as metrics:
        threading.Thread(target=metrics.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{metrics.server_port}/metrics"
        assert counted(url, "queries_count") == 7
        with pytest.raises(EnvironmentFailure, match="the metrics have no statements"):
            counted(url, "statements")
        metrics.shutdown()
    with pytest.raises(EnvironmentFailure, match="ConnectError"):
        counted(url, "queries_count")


@pytest.mark.parametrize(("said", "code", "count"), [("warning\n17\n", 0, 17), ("none", 0, None), ("17", 1, None)])
def test_a_queue_is_what_its_command_prints(said: str, code: int, count: int | None) -> None:
    """The last line, a whole number; anything else is unknown."""
    stack: Any = SimpleNamespace(execute=lambda *_, **__: Completed(exit_code=code, output=said))
    queue = QueueSettings(service="api", command=("count",))
    if count is not None:
        assert waiting(stack, queue) == count
        return
    with pytest.raises(EnvironmentFailure, match="no number of waiting jobs"):
        waiting(stack, queue)
