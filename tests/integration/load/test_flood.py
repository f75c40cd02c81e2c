"""Load that keeps a real server busy while something else is looked at."""

import _thread
import json
import threading
import time

import pytest
from loading import RUN, Bench, Pool, Server, broken, load_processes, outcomes, value

from seatrial.config import ScenarioSettings
from seatrial.core import Evidence, Target, UsageError
from seatrial.swarm import Hammer, make_hammer
from seatrial.swarm._resources import Sources


def hammer(bench: Bench, target: Target, **settings: object) -> Hammer:
    """Return a scenario's load at 200 arrivals a second, 5 of them at a time."""
    chosen = ScenarioSettings.model_validate({"rate_per_s": 1, "duration_s": {"quick": 1}, **settings})
    return make_hammer(
        "s", chosen, target=target, identities=Pool(), rate_per_s=200.0, duration_s=30.0, most_in_flight=5, seed=7,
        run=RUN, work=bench.folder, root=bench.folder, limits=(), environment={},
    )  # fmt: skip


def test_a_hammer_keeps_a_service_busy_until_it_is_left(bench: Bench, server: Server) -> None:
    """It turns away what is due while enough are under way, and ends with its body, long before its time."""
    began_s = time.monotonic()
    with hammer(bench, server.target, paths=("/slow",)) as load:
        assert not load.ended
        told_s = load.last("elapsed_s")  # a second, and what a busy machine adds to it
        assert load.started < load.due <= 200 * told_s + 1
        assert 5 <= load.started <= 5 * (told_s / 0.2 + 1)
    assert load.ended
    assert time.monotonic() - began_s < 25
    assert 5 <= len(server.seen) <= 300, "in all its time it would have sent 750"


def test_a_hammer_with_a_broken_load_file_never_begins(bench: Bench, server: Server) -> None:
    """It raises what the scenario itself would."""
    with pytest.raises(UsageError, match="cannot be imported"), hammer(bench, server.target, **broken(bench)):
        pytest.fail("it began")


def test_ctrl_c_before_a_hammer_began_leaves_nothing(bench: Bench, server: Server) -> None:
    """Nobody leaves what was not entered."""
    load = hammer(bench, server.target, file=bench.write("import time\ntime.sleep(30)"), user="Nobody")
    threading.Timer(0.5, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt), load:
        pytest.fail("it began")
    assert load_processes() == []


def test_health_hammer_uses_the_paths_of_the_scenario(bench: Bench, server: Server) -> None:
    """`Health` asks for the scenario's paths, anonymously, and a 429 there is a finding."""
    evidence = bench.run(server.target, user="Health", paths=("/ready", "/limit"))
    assert {path for path, _ in server.seen} == {"/ready", "/limit"}
    assert outcomes(evidence) == ("passed", "failed", "failed")
    assert evidence.results[2].findings[0].operation == "GET /limit"
    (shown,) = evidence.results[2].findings[0].evidence
    exchange = next(one for one in evidence.exchanges if one.id == shown)
    assert exchange.response is not None
    assert exchange.response.status == 429


def flooded(bench: Bench, server: Server, path: str, *, limit_ms: int, **flood: float) -> Evidence:
    """Return what becomes of twenty requests a second beside a flood of the same."""
    return bench.run(
        server.target, paths=(path,), rate_per_s=20.0, seconds=2.0, deadline_s=10.0,
        objectives={"p50": f"<= {limit_ms} ms"}, flood={"profiles": ("quick",), **flood},
    )  # fmt: skip


@pytest.mark.alone
def test_a_saturated_service_is_judged_by_those_who_come_besides(bench: Bench, server: Server) -> None:
    """One request at a time, for 20 ms: alone each takes that, beside sixteen others all of their time too."""
    alone = bench.run(server.target, paths=("/turn",), rate_per_s=20.0, objectives={"p50": "<= 160 ms"})
    assert outcomes(alone)[1] == "passed", alone.results
    beside = flooded(bench, server, "/turn", limit_ms=160, in_flight=16, rate_per_s=200.0)
    assert outcomes(beside)[:2] == ("passed", "failed"), beside.results
    stats = json.loads((bench.out / "stats.json").read_text())
    assert stats["flood"]["in_flight"] == 16
    assert 0 < stats["flood"]["sent"] < 0.95 * stats["flood"]["due"]
    assert stats["ledger"]["due"] == 40, "those of the flood are none of the load's"


def test_what_a_request_costs_is_of_one_span(bench: Bench, server: Server) -> None:
    """A service that counts each request once tells so beside a flood too, however long the load takes to begin."""
    file = bench.write("""
        import time
        time.sleep(3)
        class Late(Lean):
            @task
            def go(self):
                self.client.get("/turn")
    """)
    evidence = bench.run(
        server.target, sources=Sources(queries=lambda: len(server.seen)), file=file, user="Late", paths=("/turn",),
        rate_per_s=10.0, seconds=3.0, deadline_s=10.0, objectives={"queries_per_request": "<= 1.15"},
        flood={"in_flight": 8, "rate_per_s": 200.0, "profiles": ("quick",)},
    )  # fmt: skip
    assert evidence.results[3].outcome == "passed", evidence.results
    assert value(evidence, "queries_per_request") == pytest.approx(1, abs=0.15)
    assert (bench.out / "locust-flood.log").is_file()
    assert [*bench.folder.glob("*.csv")] == [], "a flood keeps no rows"


def test_a_service_that_takes_whatever_comes_was_not_saturated(bench: Bench, server: Server) -> None:
    """Nothing is shown by it, and it is said what would be."""
    evidence = flooded(bench, server, "/a", limit_ms=5000, in_flight=500, rate_per_s=100.0)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert "the service was not saturated: it took" in evidence.results[0].reason
    assert "raise `rate_per_s` of its flood" in evidence.results[0].reason


def test_a_flood_that_cannot_begin_leaves_nothing_running(bench: Bench, server: Server) -> None:
    """Its load file is broken: that is said, and the processes that wait for it end (`nothing_left`)."""
    with pytest.raises(UsageError, match="cannot be imported"):
        bench.run(
            server.target, processes=2, flood={"in_flight": 4, "profiles": ("quick",)}, user="Nobody",
            file=broken(bench)["file"],
        )  # fmt: skip
    assert server.seen == []


def test_a_flood_is_for_its_profiles(bench: Bench, server: Server) -> None:
    """In others the load goes alone."""
    evidence = bench.run(server.target, paths=("/a",), rate_per_s=20.0, flood={"in_flight": 4})
    assert outcomes(evidence)[1] == "passed"
    assert json.loads((bench.out / "stats.json").read_text())["flood"] is None
    assert len(server.seen) == 20
