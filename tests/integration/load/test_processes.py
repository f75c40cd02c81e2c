"""Several processes that send one scenario together."""

import json

import pytest
from loading import RUN, Bench, Server, broken, outcomes

from seatrial.core import UsageError
from seatrial.swarm import LoadProcess
from seatrial.swarm._histogram import Histogram
from seatrial.swarm._plan import Plan
from seatrial.swarm._team import Team
from seatrial.swarm.traffic import of_paths


def test_processes_send_a_scenario_together(bench: Bench, server: Server) -> None:
    """Each arrival is sent by one of them, ledger and times add up, and one file has all requests."""
    evidence = bench.run(server.target, paths=("/a",), processes=2, seconds=2.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert bench.ledger() == {"due": 100, "started": 100, "dropped": 0, "answered": 100, "failed": 0, "unfinished": 0}
    assert sorted(int(row["arrival"]) for row in bench.rows()) == list(range(100))
    stats = json.loads((bench.out / "stats.json").read_text())
    assert stats["generator"]["workers"] == 2
    (kind,) = stats["recorded"]
    assert (kind["operation"], kind["count"]) == ("GET /a", 100)
    assert Histogram.decode(kind["latency_us"]).total == 100
    files = sorted(
        file.name for file in bench.out.iterdir() if file.suffix in {".csv", ".log"} or "requests" in file.name
    )
    assert files == ["locust-2.log", "locust.log", "requests.csv", "seconds.csv"]


@pytest.mark.parametrize(
    ("fate", "said"),
    [("os.kill(os.getpid(), 9)", "killed by SIGKILL"), ("os._exit(0)", "exit code 0 before its report")],
)
def test_one_process_that_is_lost_leaves_nothing_proved(bench: Bench, server: Server, fate: str, said: str) -> None:
    """The others send on, and whatever they measured is not judged."""
    file = bench.write(f"""
        import os
        class Doomed(FastHttpUser):
            count = 0
            @task
            def go(self):
                Doomed.count += 1
                if Doomed.count == 10:
                    try:
                        os.close(os.open("{bench.folder}/once", os.O_CREAT | os.O_EXCL))
                    except FileExistsError:
                        pass
                    else:
                        {fate}
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Doomed", file=file, processes=2)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert said in evidence.results[0].reason
    assert bench.ledger()["due"] == 50


def test_one_process_that_never_gets_ready_holds_all(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None begins without the others, so that a load is either whole or none."""
    monkeypatch.setattr("seatrial.swarm._process.START_TIMEOUT_S", 8.0)
    file = bench.write(f"""
        import os
        class Waits(Lean):
            def on_start(self):
                try:
                    os.close(os.open("{bench.folder}/once", os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    pass
                else:
                    self.client.get("/hang")
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Waits", file=file, processes=2)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "did not end in time" in evidence.results[0].reason
    assert {path for path, _ in server.seen} == {"/hang"}


def test_a_load_can_be_ended_when_one_process_ended_already(bench: Bench, server: Server) -> None:
    """The others end, and the loss is what is told."""
    processes = [LoadProcess(run=RUN, cwd=bench.folder, log=bench.folder / f"{number}.log") for number in range(2)]
    team = Team(processes)

    def end(_: object) -> None:
        processes[1].interrupt()
        team.stop()

    plan = Plan(
        name="s", url=server.target.url, file="", user="", paths=(), traffic=of_paths(["/a"]), rate_per_s=20.0,
        duration_s=30.0, deadline_s=1.0, spacing="constant", seed=7, requests=str(bench.folder / "requests.csv"),
    )  # fmt: skip
    ending = team.run(plan, end)
    assert (ending.report, ending.exit_code) == (None, -9)


def test_processes_with_a_broken_load_file_never_begin(bench: Bench, server: Server) -> None:
    """It is told once, and nobody waits for anybody."""
    with pytest.raises(UsageError, match="cannot be imported"):
        bench.run(server.target, processes=3, user="Nobody", file=broken(bench)["file"])
    assert server.seen == []
