"""What a real server does under load: it is slow, freezes, hangs, fails, limits, or is absent."""

import base64
import contextlib
import json
import resource
import socket
import time
from collections import Counter

import pytest
from loading import RUN, Bench, Server, crowded, load_processes, outcomes, value

from seatrial.core import Outcome, Target
from seatrial.swarm import start_ahead
from seatrial.swarm._scenario import make_plan
from seatrial.swarm.traffic import Prepared, Traffic


def test_a_hang_fails_where_there_is_no_room(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that answers nothing has failed also where most arrivals were turned away meanwhile."""
    monkeypatch.setattr("seatrial.swarm._scenario.make_plan", crowded(make_plan))
    evidence = bench.run(server.target, paths=("/hang",))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert evidence.notes == ()
    ledger = bench.ledger()
    assert ledger["started"] == ledger["failed"] < ledger["dropped"]
    assert value(evidence, "error_ratio") == 1


def test_a_hang_fails_where_descriptors_run_out(bench: Bench, server: Server) -> None:
    """With descriptors for sixty at a time, a service that hangs has failed, and is not asked a second time."""
    with contextlib.closing(start_ahead("s", run=RUN, work=bench.folder, root=bench.folder)) as process:
        limit = time.monotonic() + 10
        while not (children := load_processes()) and time.monotonic() < limit:
            time.sleep(0.01)  # after a vfork Linux shows no environment for a moment
        for child in children:
            resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (160, 160))
        evidence = bench.run(server.target, paths=("/hang",), process=process, rate_per_s=100.0, deadline_s=2.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert evidence.notes == ()
    assert bench.ledger()["failed"] == bench.ledger()["started"] == 60
    assert {row["cause"] for row in bench.rows() if row["outcome"] == "turned-away"} == {"60 arrivals were under way"}


def test_paths_alone_need_no_python(bench: Bench, server: Server) -> None:
    """Listed paths are asked for in turn, exactly as often as was due, and everything adds up."""
    evidence = bench.run(server.target, paths=("/a", "/b?x=1"))
    assert outcomes(evidence) == ("passed", "passed", "not-applicable")
    assert Counter(path for path, _ in server.seen) == {"/a": 25, "/b?x=1": 25}
    assert bench.ledger() == {"due": 50, "started": 50, "dropped": 0, "answered": 50, "failed": 0, "unfinished": 0}
    assert value(evidence, "GET-b.status_200") == 25
    assert value(evidence, "rate") == 50


def test_prepared_requests_keep_their_names(bench: Bench, server: Server) -> None:
    """Each is sent as it is, in its turn, and is called by its name, also where no answer came."""
    requests = (
        Prepared(method="POST", path="/a/1?x=2", name="/a/{id}", headers={"Content-Type": "text/plain"}, body="\udcff"),
        Prepared(path="/hang/1", name="/hang/{id}"),
    )
    evidence = bench.run(
        server.target, deadline_s=0.5, rate_per_s=20.0, seconds=1.0, traffic=Traffic(requests=requests)
    )
    assert Counter(row["operation"] for row in bench.rows()) == {"POST /a/{id}": 10, "GET /hang/{id}": 10}
    assert Counter(path for path, _ in server.seen) == {"/a/1?x=2": 10, "/hang/1": 10}
    assert bench.ledger()["answered"] == 10
    assert {one.request.body for one in evidence.exchanges if one.request.method == "POST"} == {"\ufffd"}


def test_shipped_users_rotate_identities(bench: Bench, server: Server) -> None:
    """`Steady` sends its mix as each identity in turn; secrets are in no file and on no command line."""
    evidence = bench.run(server.target, user="Steady", identities=10, rate_per_s=36.0)
    assert outcomes(evidence) == ("passed", "passed", "passed")
    arrivals = {row["arrival"]: row["identity"] for row in bench.rows()}
    assert set(Counter(arrivals.values()).values()) <= {3, 4}
    assert len({token for _, token in server.seen}) == 10
    operations = Counter(row["operation"] for row in bench.rows())
    assert operations == {
        "GET /api/v1/analysis": 16,
        "POST /api/v1/analysis": 12,
        "GET /api/v1/analysis/{id}": 12,
        "GET /api/v1/health": 8,
    }
    written = b"".join(file.read_bytes() for file in bench.folder.rglob("*") if file.is_file())
    assert b"secret-0" not in written
    assert "secret-0" not in repr(evidence)


@pytest.mark.alone
def test_a_freeze_is_seen_by_everybody_who_was_due(bench: Bench, server: Server) -> None:
    """A freeze of one second shows in p50 to max as in truth: those due meanwhile waited, though nobody asked twice."""
    evidence = bench.run(server.target, paths=("/freeze",), seconds=2.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    slow = [float(row["latency_ms"]) for row in bench.rows() if float(row["latency_ms"]) > 100]
    assert 40 <= len(slow) <= 60  # 50 arrivals were due in that second, 45 of them had 100 ms or more to wait
    assert 950 <= value(evidence, "max") < 1500
    assert value(evidence, "p95") > 800
    assert bench.ledger()["started"] == 100


def test_a_scenario_for_another_profile_is_not_tested(bench: Bench, server: Server) -> None:
    """Without a duration for the profile nothing is sent, and every check says so."""
    evidence = bench.run(server.target, paths=("/a",), duration_s={"full": 1.0})
    assert outcomes(evidence) == ("not-tested", "not-tested", "not-tested")
    assert {result.reason for result in evidence.results} == {
        "the profile quick does not send these scenarios, but full does: [load.NAME.duration_s]"
    }
    assert server.seen == []
    assert not bench.out.exists()


@pytest.mark.alone
def test_slow_answers_are_measured_not_awaited(bench: Bench, server: Server) -> None:
    """A server that takes 200 ms gets the asked rate all the same."""
    evidence = bench.run(server.target, paths=("/slow",))
    assert outcomes(evidence)[:2] == ("passed", "passed")
    assert value(evidence, "rate") == 50
    assert 200 <= value(evidence, "p50") < 600


def test_a_hanging_server_fails_at_the_deadline(bench: Bench, server: Server) -> None:
    """Requests without an answer count at the deadline, and none is missing."""
    evidence = bench.run(server.target, paths=("/hang", "/a"))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "error_ratio") == 0.5
    assert value(evidence, "GET-hang.p50") == 1000
    assert bench.ledger()["failed"] == 25
    assert {row["outcome"] for row in bench.rows()} == {"ok", "timeout"}


def test_errors_are_counted_by_status(bench: Bench, server: Server) -> None:
    """A path that answers 500 fails the objective, with the cause and an exchange in the finding."""
    evidence = bench.run(server.target, paths=("/fail", "/a"))
    assert outcomes(evidence)[:2] == ("passed", "failed")
    (finding,) = evidence.results[1].findings
    (example,) = finding.evidence
    assert finding.detail == f"25 x GET /fail: HTTP 500 (for example {example})"
    assert "seatrial run --only load --profile quick --seed 7" in finding.replay
    assert value(evidence, "GET-fail.status_500") == 25
    written = Counter((row["operation"], int(row["status"]), row["media"]) for row in bench.rows())
    assert {(told.operation, told.status, told.media): told.count for told in evidence.tallies} == written
    assert {("GET /fail", 500), ("GET /a", 200)} == {key[:2] for key in written}


def test_a_refused_connection_is_no_quick_answer(bench: Bench) -> None:
    """Nobody listens: every request failed, and a latency objective alone does not hold."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = Target(url=f"http://127.0.0.1:{free.getsockname()[1]}")
        evidence = bench.run(target, paths=("/a",), objectives={"p99": "<= 900 ms"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "p50") == 1000
    assert value(evidence, "status_0") == 50


@pytest.mark.alone
def test_requests_inside_others_have_latencies_of_their_own(bench: Bench, server: Server) -> None:
    """A with-block that sends another request measures both: the outer from the due time, the inner from its start."""
    file = bench.write("""
        class Nested(FastHttpUser):
            @task
            def ask(self):
                with self.client.get("/slow", catch_response=True) as outer:
                    with self.client.get("/a", catch_response=True) as inner:
                        inner.success()
                    outer.success()
    """)
    evidence = bench.run(server.target, user="Nested", file=file)
    assert outcomes(evidence)[:2] == ("passed", "passed")
    assert value(evidence, "GET-slow.p50") >= 200 > value(evidence, "GET-a.p50")
    lags = {row["arrival"]: float(row["lag_ms"]) for row in bench.rows()}
    assert all(
        float(row["latency_ms"]) >= 200 + lags[row["arrival"]] for row in bench.rows() if "slow" in row["operation"]
    )


@pytest.mark.parametrize("guard", ["Exception", "KeyError"])
def test_a_task_that_asks_without_end_is_ended(bench: Bench, server: Server, guard: str) -> None:
    """Each arrival has so many requests and no more; one with more has failed, however good its requests were."""
    file = bench.write(f"""
        class Endless(FastHttpUser):
            @task
            def ask(self):
                while True:
                    try:
                        self.client.get("/a")
                    except {guard}:
                        pass
    """)
    evidence = bench.run(server.target, user="Endless", file=file, rate_per_s=5.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert value(evidence, "error_ratio") == 1
    assert len(server.seen) == 500
    assert "more than 100 requests" in evidence.results[1].findings[0].detail


def test_a_spike_is_sent(bench: Bench, server: Server) -> None:
    """Ten times as many arrivals are due within it as before and after, and all of them are sent."""
    spike = {"times": 10.0, "at_s": 0.5, "for_s": 0.5}
    evidence = bench.run(server.target, paths=("/a",), rate_per_s=20.0, seconds=1.5, spike=spike, deadline_s=5.0)
    due = [float(row["due_s"]) for row in bench.rows()]
    counts = [sum(start <= at < start + 0.5 for at in due) for start in (0.0, 0.5, 1.0)]
    assert [abs(count - wanted) <= 1 for count, wanted in zip(counts, (10, 100, 10), strict=True)] == [True] * 3
    assert len(server.seen) == len(due) == bench.ledger()["answered"]
    assert value(evidence, "rate") == pytest.approx(80, abs=1)


def test_unfinished_arrivals_are_errors(bench: Bench, server: Server) -> None:
    """Arrivals that are still under way when the time is over have failed, however good what they sent was."""
    file = bench.write("""
        import time
        class Slow(FastHttpUser):
            @task
            def ask(self):
                while True:
                    self.client.get("/a")
                    time.sleep(0.2)
    """)
    evidence = bench.run(server.target, user="Slow", file=file, rate_per_s=10.0, objectives={"error_ratio": "<= 0.5"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert bench.ledger()["unfinished"] == 10
    assert value(evidence, "error_ratio") == 1


def test_a_server_that_stops_answering_halfway_fails(bench: Bench, server: Server) -> None:
    """What was answered before does not make up for what hangs afterwards."""
    evidence = bench.run(server.target, paths=("/halt",), objectives={"error_ratio": "<= 0.1"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert 20 <= bench.ledger()["failed"] <= 30


def test_limited_users_are_a_finding(bench: Bench, server: Server) -> None:
    """Users below their quota who get 429 fail never-limited."""
    evidence = bench.run(server.target, paths=("/limit",), identities=5)
    assert outcomes(evidence) == ("passed", "failed", "failed")


def test_histograms_decode(bench: Bench, server: Server) -> None:
    """stats.json carries an HdrHistogram of each operation with all its requests."""
    bench.run(server.target, paths=("/a",))
    (operation,) = json.loads((bench.out / "stats.json").read_text())["operations"]
    assert base64.b64decode(operation["histogram_us"])
    assert operation["requests"] == 50
    assert operation["media_types"] == {"application/json": 50}
    assert Outcome.PASSED in json.loads((bench.out / "stats.json").read_text())["outcomes"].values()
