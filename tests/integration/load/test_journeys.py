"""Arrivals of several steps, and the thinking between them."""

import time
from collections import Counter

import pytest
from loading import Bench, Server, outcomes, value

JOURNEY = """
    class Journey({base}):
        wait_time = constant({think})
        @task
        class Visit(SequentialTaskSet):
            def on_start(self):
                self.user.steps = []
            @task
            def arrive(self):
                self.client.get("/a")
                self.user.steps.append("arrive")
            @task
            def look(self):
                self.client.get("/b")
                {way_out}
                self.user.steps.append("look")
            @task
            def leave(self):
                self.client.get(f"/left/{{'-'.join(self.user.steps)}}", name="/left")
"""


@pytest.mark.parametrize("base", ["FastHttpUser", "Lean"])
def test_a_journey_is_one_arrival(bench: Bench, server: Server, base: str) -> None:
    """Its steps come in order, once for each arrival; thinking between them is in no latency, and in no deadline."""
    file = bench.write(JOURNEY.format(base=base, think=1.1, way_out=""))
    evidence = bench.run(
        server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=2.0, journey_s=20.0,
        objectives={"error_ratio": "<= 0"},
    )  # fmt: skip
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert bench.ledger() == {"due": 20, "started": 20, "dropped": 0, "answered": 20, "failed": 0, "unfinished": 0}
    assert Counter(path for path, _ in server.seen) == {"/a": 20, "/b": 20, "/left/arrive-look": 20}
    assert value(evidence, "GET-b.p50") < 1100
    assert value(evidence, "GET-left.p50") < 1100


def test_a_journey_may_end_itself(bench: Bench, server: Server) -> None:
    """One that interrupts itself has gone as far as it meant to."""
    file = bench.write(JOURNEY.format(base="FastHttpUser", think=0, way_out="self.interrupt()"))
    evidence = bench.run(server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=5.0)
    assert outcomes(evidence)[:2] == ("passed", "passed"), evidence.results
    assert Counter(path for path, _ in server.seen) == {"/a": 20, "/b": 20}


def test_a_journey_has_an_end(bench: Bench, server: Server) -> None:
    """Whoever still thinks when deadline and patience are over has not finished, and the run ends all the same."""
    file = bench.write(JOURNEY.format(base="FastHttpUser", think=30, way_out=""))
    began_s = time.monotonic()
    evidence = bench.run(server.target, user="Journey", file=file, rate_per_s=20.0, deadline_s=3.0, journey_s=1.0)
    assert time.monotonic() - began_s < 25
    assert outcomes(evidence)[:2] == ("passed", "failed"), evidence.results
    assert bench.ledger()["unfinished"] == 20
    assert {path for path, _ in server.seen} == {"/a"}
