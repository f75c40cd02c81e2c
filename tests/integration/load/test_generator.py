"""Generators that are late, saturated, broken or ended: nothing is judged by what they sent."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from loading import RUN, Bench, Server, crowded, load_processes, outcomes

from seatrial.core import EnvironmentFailure, Target, UsageError
from seatrial.swarm._scenario import make_plan


def test_dropped_arrivals_are_in_the_books(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is turned away is counted where it happens, with a row and a cause, and passes no objective."""
    monkeypatch.setattr("seatrial.swarm._scenario.make_plan", crowded(make_plan))
    evidence = bench.run(server.target, paths=("/slow",), objectives={"error_ratio": "<= 0"})
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    ledger, rows = bench.ledger(), bench.rows()
    fates = Counter(row["outcome"] for row in rows)
    assert fates["turned-away"] == ledger["dropped"] > 20
    assert fates["ok"] == ledger["answered"] == ledger["started"]
    assert {row["cause"] for row in rows if row["outcome"] == "turned-away"} == {"3 arrivals were under way"}


def test_no_host_is_inconclusive(bench: Bench) -> None:
    """Without a host not one request is sent, and nothing passes."""
    evidence = bench.run(Target(url=""), paths=("/a",))
    assert "passed" not in outcomes(evidence)
    assert evidence.measurements == ()


def test_tasks_that_send_nothing_are_inconclusive(bench: Bench, server: Server) -> None:
    """Users that send no request prove nothing."""
    file = bench.write("""
        class Idle(FastHttpUser):
            @task
            def think(self):
                pass
    """)
    evidence = bench.run(server.target, user="Idle", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "not one request" in evidence.results[0].reason


def test_a_saturated_generator_is_inconclusive(bench: Bench, server: Server) -> None:
    """A user that needs more CPU than there is makes its run inconclusive, after a second attempt."""
    file = bench.write("""
        import time
        class Busy(FastHttpUser):
            @task
            def work(self):
                end = time.perf_counter() + 0.06
                while time.perf_counter() < end:
                    pass
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Busy", file=file, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "ms late" in evidence.results[0].reason or "due arrivals were started" in evidence.results[0].reason
    assert "sent again" in evidence.notes[0]
    (first,) = json.loads((bench.out / "stats.json").read_text())["given_up"]
    assert first["reason"] in evidence.notes[0]
    assert first["ledger"]["due"] == 50
    assert len((bench.out / "requests-first.csv").read_text().splitlines()) == 51


@pytest.mark.alone
def test_a_late_generator_fails_no_service(bench: Bench, server: Server) -> None:
    """A generator that is late by more than a tight objective allows makes its run inconclusive, and says so."""
    file = bench.write("""
        import time
        class Busy(FastHttpUser):
            @task
            def work(self):
                self.client.get("/a")
                end = time.perf_counter() + 0.008
                while time.perf_counter() < end:
                    pass
    """)
    evidence = bench.run(server.target, user="Busy", file=file, arrivals="poisson", objectives={"p99": "<= 5 ms"})
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive"), evidence.results
    assert "late" in evidence.results[1].reason


def test_a_generator_that_never_ends_is_killed(bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that blocks its whole process is killed when its time is over, and nothing is judged."""
    monkeypatch.setattr("seatrial.swarm._process.END_TIMEOUT_S", 1.0)
    file = bench.write("""
        class Stuck(FastHttpUser):
            @task
            def block(self):
                while True:
                    pass
    """)
    evidence = bench.run(server.target, user="Stuck", file=file, deadline_s=0.5)
    assert outcomes(evidence) == ("inconclusive", "inconclusive", "not-applicable")
    assert "killed" in evidence.results[0].reason


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_killed_generator_is_inconclusive(bench: Bench, server: Server, name: str) -> None:
    """A load process that is ended halfway reports nothing, and nothing is judged by what it left."""
    file = bench.write(f"""
        import os, signal
        class Doomed(FastHttpUser):
            count = 0
            @task
            def go(self):
                Doomed.count += 1
                if Doomed.count > 20:
                    os.kill(os.getpid(), signal.{name})
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Doomed", file=file, identities=2)
    assert outcomes(evidence) == ("inconclusive", "inconclusive", "inconclusive")
    assert "before it" in evidence.results[0].reason
    assert bench.ledger()["due"] == 50


def test_a_user_that_cannot_start_is_inconclusive(bench: Bench, server: Server) -> None:
    """An exception in on_start ends the process before any load; its log says why."""
    file = bench.write("""
        class Lost(FastHttpUser):
            def on_start(self):
                raise RuntimeError("no such login")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Lost", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "no such login" in (bench.out / "locust.log").read_text()


def test_users_that_never_get_ready_are_inconclusive(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in that takes for ever means that no load was sent: that is said, and green it is not."""
    monkeypatch.setattr("seatrial.swarm._process.START_TIMEOUT_S", 5.0)
    file = bench.write("""
        class Waits(Lean):
            def on_start(self):
                self.client.get("/hang")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Waits", file=file)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "did not end in time" in evidence.results[0].reason
    assert {path for path, _ in server.seen} <= {"/hang"}


def test_what_users_do_first_is_no_load(bench: Bench, server: Server) -> None:
    """Requests of on_start are kept apart, prints go to the log, and a raising task fails its arrival."""
    file = bench.write("""
        class Login(FastHttpUser):
            def on_start(self):
                print("logged in")
                self.client.get("/login")
            @task
            def go(self):
                self.client.get("/a")
                raise ValueError("surprise")
    """)
    evidence = bench.run(server.target, user="Login", file=file)
    assert not any("login" in one.name for one in evidence.measurements)
    assert "logged in" in (bench.out / "locust.log").read_text()
    assert bench.ledger()["failed"] == 50
    assert "TASK go: ValueError: surprise" in evidence.results[1].findings[0].detail
    assert not any("TASK" in one.name for one in evidence.measurements)
    assert next(one.samples for one in evidence.measurements if one.name == "load.s.p99") == 50


def test_what_further_users_do_first_is_no_load_either(bench: Bench, server: Server) -> None:
    """When the pool grows under load, on_start is still no request of the arrival that waits for its user."""
    file = bench.write("""
        class Login(FastHttpUser):
            def on_start(self):
                self.client.get("/login")
            @task
            def go(self):
                self.client.get("/stall")
    """)
    bench.run(server.target, user="Login", file=file)
    logins = [row for row in bench.rows() if row["operation"] == "GET /login"]
    assert {row["arrival"] for row in logins} == {"-1"}
    assert len(logins) > 4 + 50 * 0.25
    assert bench.ledger()["started"] == 50


@pytest.mark.parametrize(
    ("source", "user", "slug", "said"),
    [
        ("import no_such_module_here", "Own", "load-file-broken", "no_such_module_here"),
        ("def broken(:", "Own", "load-file-broken", "SyntaxError"),
        ("raise SystemExit(3)", "Own", "load-file-broken", "SystemExit"),
        ("class Own(FastHttpUser):\n    @task\n    def a(self): pass", "Other", "load-user-missing", "Other"),
        ("class Own(FastHttpUser):\n    pass", "Own", "load-user-unsupported", "no task"),
        (
            "class Set(TaskSet): pass\nclass Own(FastHttpUser):\n    tasks = [Set]",
            "Own",
            "load-user-unsupported",
            "Set",
        ),
    ],
)
def test_load_files_that_cannot_be_used(  # noqa: PLR0913, PLR0917 - fixtures and cases
    bench: Bench, server: Server, source: str, user: str, slug: str, said: str
) -> None:
    """A broken load file, a missing user class or an unsupported one is a usage error that says what and where."""
    file = bench.write(source)
    with pytest.raises(UsageError) as caught:
        bench.run(server.target, user=user, file=file)
    assert (caught.value.slug, caught.value.where) == (slug, file)
    assert said in str(caught.value)


def test_results_that_cannot_be_written(bench: Bench, server: Server) -> None:
    """A folder for the results that cannot be is named before anything starts."""
    bench.out.write_text("a file")
    with pytest.raises(EnvironmentFailure) as caught:
        bench.run(server.target, paths=("/a",))
    assert (caught.value.slug, caught.value.where) == ("load-unwritable", str(bench.out))
    assert server.seen == []


def test_causes_with_any_character_are_kept(bench: Bench, server: Server) -> None:
    """Whatever a user writes into a failure or a name, rows and ledger agree."""
    file = bench.write("""
        class Odd(FastHttpUser):
            @task
            def go(self):
                with self.client.get("/a", name="/a\\n\\u2028,\\x85", catch_response=True) as answer:
                    answer.failure('x\\n\\u2028"\\x0b,\\udc80 ')
    """)
    evidence = bench.run(server.target, user="Odd", file=file)
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert {row["operation"] for row in bench.rows()} == {"GET /a ,"}


def test_progress_is_told_every_second(bench: Bench, server: Server) -> None:
    """Whoever watches reads once a second how far it is; on a busy machine a second may be told late."""
    bench.run(server.target, paths=("/a",), seconds=2.0)
    first = next(line for line in bench.said if " s of 2 s" in line)
    assert re.fullmatch(
        r"s 50/s [12] s of 2 s, \d\d\.\d/s began, 0 failures, 0 x 429, p50 [\d.]+ ms, p99 [\d.]+ ms █.*", first
    )


PARENT = """
import sys
from pathlib import Path
from seatrial.config import ScenarioSettings
from seatrial.core import Target
from seatrial.swarm import Hammer, make_hammer, run_scenario
scenario = ScenarioSettings(rate_per_s=20.0, duration_s={"quick": 60.0}, paths=("/a",))
folder = Path(sys.argv[2])
run_scenario("s", scenario, target=Target(url=sys.argv[1]), identities=None, profile="quick", seed=1, run=sys.argv[3],
             work=folder, out=folder, root=folder, progress=lambda line: print(line, flush=True), replay="")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_generator_ends_with_its_harness(server: Server, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and even SIGKILL of the harness leave no load process behind."""
    command = [sys.executable, "-c", PARENT, server.target.url, str(tmp_path), RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        while "1 s of" not in parent.stdout.readline():
            assert parent.poll() is None
        assert load_processes()
        os.kill(parent.pid, number)
        parent.wait(20)
    limit = time.monotonic() + 10
    while load_processes() and time.monotonic() < limit:
        time.sleep(0.02)
