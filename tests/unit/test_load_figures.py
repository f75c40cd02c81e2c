"""What `seatrial load` tells: exact figures of what was sent, and a line a second while it is."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from accounts import account_of
from hypothesis import given
from hypothesis import strategies as st

from seatrial.cli._loading import lines
from seatrial.config import OPERATION_UNITS, RESOURCE_UNITS, ScenarioSettings
from seatrial.config._settings import OperationMetric, ResourceMetric
from seatrial.core import content
from seatrial.swarm import Sending, check_objectives, figures_sent, read_sent
from seatrial.swarm._objectives import find_broken
from seatrial.swarm._percentile import POINTS
from seatrial.swarm._plan import FAILED, OK, TURNED_AWAY, UNFINISHED, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._report import write_stats
from seatrial.swarm._resources import DEFINITION, SOURCE_OF
from seatrial.swarm._rows import Row
from seatrial.swarm._slope import Interval
from seatrial.swarm._statistics import measure, total_of
from seatrial.swarm._telling import BARS, Teller, bars
from seatrial.swarm._values import measure_limited

SCHEMA = json.loads((content("reports") / "schema" / "load-1.schema.json").read_text())
FIGURES = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["figures"], "$defs": SCHEMA["$defs"]})
PLAN = Plan(
    name="s", url="http://127.0.0.1:9", file="", user="", paths=("/a",), rate_per_s=4.0, duration_s=10.0,
    deadline_s=1.0, spacing="constant", seed=1,
)  # fmt: skip
ANSWERED = Row(
    arrival=0, due_s=0.0, lag_ms=1.0, identity="", operation="GET /a", status=200, media="", outcome=OK,
    latency_ms=3.0, service_ms=2.0, cause="",
)  # fmt: skip


def arrival(number: int, latency_ms: float, *, status: int = 200, outcome: str = OK) -> Row:
    """Return an arrival that sent one request, answered a millisecond after its send at the latest."""
    return replace(
        ANSWERED, arrival=number, latency_ms=latency_ms, service_ms=latency_ms / 2, status=status, outcome=outcome
    )


def sending(rows: Sequence[Row], ledger: Ledger, **more: Any) -> Sending:
    """Return a scenario that sent four arrivals a second for ten seconds."""
    base: dict[str, Any] = {"doubt": "", "cpu_s": 1.0, "wall_s": 10.0, "workers": 1}
    return Sending(
        name="s", asked_per_s=4.0, duration_s=10.0, account=account_of(rows), ledger=ledger, **{**base, **more}
    )


def test_figures_are_exact_and_keep_to_the_schema() -> None:
    """Nearest rank over a thousand unrounded latencies: the last but one per mille is p99.9."""
    rows = [arrival(number, number + 0.25) for number in range(1000)]
    found = figures_sent([sending(rows, Ledger(due=1000, started=1000, answered=1000))])
    FIGURES.validate(found)
    assert found["latency_ms"] == {
        "p50": 499.25, "p90": 899.25, "p95": 949.25, "p99": 989.25, "p999": 998.25, "max": 999.25,
    }  # fmt: skip
    assert found["service_ms"]["max"] == 999.25 / 2
    assert found["achieved_per_s"] == 100
    assert found["generator"] == {"start_lag_ms": {"p50": 1, "p99": 1, "max": 1}, "cpu_percent": 10, "workers": 1}


def test_what_went_wrong_is_counted_where_it_belongs() -> None:
    """A refusal is a status, no answer is 0, and what never began is in the ledger and no request."""
    never = replace(arrival(3, 1000.0, status=0, outcome=TURNED_AWAY), operation="TASK visit")
    rows = [
        arrival(0, 1.0),
        arrival(1, 2.0, status=429, outcome=FAILED),
        arrival(2, 9.0, status=0, outcome=UNFINISHED),
        never,
    ]
    one = sending(rows, Ledger(due=4, started=3, dropped=1, answered=1, failed=1, unfinished=1))
    found = figures_sent([one])
    FIGURES.validate(found)
    assert found["latency_ms"]["max"] == 1000
    assert found["service_ms"]["max"] == 4.5
    assert {status: group["requests"] for status, group in found["by_status"].items()} == {"0": 1, "200": 1, "429": 1}
    assert found["by_operation"]["GET /a"]["statuses"] == {"0": 1, "200": 1, "429": 1}
    told = "\n".join(lines(one))
    assert "errors     3 of 4 arrivals" in told
    assert "1 x 429" in told


@given(st.lists(st.lists(st.floats(0, 1e5), max_size=8), max_size=4))
def test_the_whole_is_the_sum_of_its_scenarios(latencies: list[list[float]]) -> None:
    """Ledgers add up, and percentiles are those of all requests, whichever scenario they were of."""
    sent = [
        sending([arrival(n, ms) for n, ms in enumerate(each)], Ledger(due=len(each), started=len(each)))
        for each in latencies
    ]
    found = figures_sent(sent)
    FIGURES.validate(found)
    everything = sorted(ms for each in latencies for ms in each)
    assert found["ledger"]["due"] == len(everything) == sum(g["requests"] for g in found["by_status"].values())
    assert found["latency_ms"]["max"] == (everything[-1] if everything else None)
    assert found["asked_per_s"] == (4 if latencies else 0)
    assert found["valid"] is bool(latencies)


def test_one_doubtful_scenario_makes_the_whole_invalid() -> None:
    """The figures of a generator that could not keep up are nobody's; one that was killed says nothing of its CPU."""
    fine = sending([arrival(0, 1.0)], Ledger(due=1, started=1, answered=1))
    killed = sending([], Ledger(due=40), doubt="the load process was killed", cpu_s=None, wall_s=None)
    found = figures_sent([fine, killed])
    FIGURES.validate(found)
    assert (found["valid"], found["ledger"]["due"], found["generator"]["cpu_percent"]) == (False, 41, None)
    assert lines(killed)[-1] == "  doubt      the load process was killed"
    assert "latency    nothing" in "\n".join(lines(killed))


def test_what_a_scenario_left_is_read_back(tmp_path: Path) -> None:
    """What was never sent left nothing; set-up requests are no load."""
    folder = tmp_path / "s"
    folder.mkdir()
    ledger = Ledger(due=1, started=1, answered=1)
    setup = replace(ANSWERED, arrival=-1, latency_ms=99.0)
    cells = [",".join(map(str, asdict(row).values())) for row in (setup, ANSWERED)]
    (folder / "requests.csv").write_text("\n".join(["header", *cells]) + "\n")
    ending = Ending(report={"cpu_s": 0.5, "wall_s": 2.0}, exit_code=0)
    write_stats(
        folder / "stats.json",
        PLAN,
        account=account_of([ANSWERED]),
        ledger=ledger,
        ending=ending,
        results=(),
        doubt="late",
        failures=(),
        given_up=(),
        used={"cpu_ms_per_request": Interval.exact(3.25)},
        looks=(),
        seconds=(),
    )
    (found,) = read_sent(tmp_path, ["other", "s"])
    assert found == Sending(
        name="s", asked_per_s=4.0, duration_s=10.0, ledger=ledger, account=found.account, doubt="late", cpu_s=0.5,
        wall_s=2.0, workers=1, used={"cpu_ms_per_request": 3.25},
    )  # fmt: skip
    assert (found.account.rows, found.account.sent) == (2, 1)
    assert figures_sent([found])["latency_ms"]["max"] == ANSWERED.latency_ms
    assert "  resources  cpu_ms_per_request 3.25 (of the service)" in lines(found)


def tick(elapsed_s: float, p99_ms: float | None = 8.0, **more: int) -> dict[str, float | None]:
    """Return what the load process says once a second, four arrivals a second after the other."""
    started = round(min(elapsed_s, 10) * 4)
    counts = {"failures": 0, "limited": 0, "started": started, "answered": started, "failed": 0}
    p50_ms = None if p99_ms is None else p99_ms / 2
    return {"elapsed_s": elapsed_s, "p50_ms": p50_ms, "p99_ms": p99_ms, **counts, **more}


def test_a_second_is_told_in_one_line() -> None:
    """Rate asked and achieved, errors, refusals, percentiles of the last second, and bars of the seconds before."""
    said: list[str] = []
    tell = Teller(PLAN, said.append)
    tell(tick(1.0))
    tell(tick(2.0, 16.0, failures=3, limited=2))
    tell(tick(3.0, None))
    tell(tick(11.0, 4.0, answered=38))
    assert said == [
        "s 4/s 1 s of 10 s, 4.0/s began, 0 failures, 0 x 429, p50 4.00 ms, p99 8.00 ms █",
        "s 4/s 2 s of 10 s, 4.0/s began, 3 failures, 2 x 429, p50 8.00 ms, p99 16.00 ms ▅█",
        "s 4/s 3 s of 10 s, 4.0/s began, 0 failures, 0 x 429",
        "s 4/s 10 s of 10 s, 4.0/s began, 0 failures, 0 x 429, p50 2.00 ms, p99 4.00 ms ▅█▃, waiting for 2",
    ]


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_bars_keep_the_order_of_what_they_show(values: list[float]) -> None:
    """One for each value, never lower for a larger one, the highest for the largest unless all are nothing."""
    shown = bars(values)
    assert len(shown) == len(values)
    heights = [BARS.index(sign) for _, sign in sorted(zip(values, shown, strict=True))]
    assert heights == sorted(heights)
    assert shown[values.index(max(values))] == (BARS[-1] if max(values) else BARS[0])


@pytest.mark.parametrize("wrong", [{"valid": "yes"}, {"by_status": {"1": {}}}, {"ledger": {"due": 1}}, {"more": 1}])
def test_the_schema_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
    """A schema that anything keeps to would prove nothing."""
    found = {**figures_sent([sending([arrival(0, 1.0)], Ledger(due=1, started=1, answered=1))]), **wrong}
    closed = jsonschema.Draft202012Validator(
        {"$ref": "#/$defs/figures", "unevaluatedProperties": False, "$defs": SCHEMA["$defs"]}
    )
    assert not closed.is_valid(found)


def test_every_percentile_can_be_an_objective_and_a_gate() -> None:
    """What is measured, what an objective may name and what a gate may compare are one list."""
    assert set(get_args(OperationMetric)) == set(OPERATION_UNITS) == {*POINTS, "error_ratio", "limited_ratio", "rate"}
    assert set(get_args(ResourceMetric)) == set(RESOURCE_UNITS) == set(SOURCE_OF) == set(DEFINITION)
    rows = [arrival(number, number + 0.25) for number in range(1000)]
    whole = measure("s", account_of(rows), Ledger(due=1000, started=1000, answered=1000), duration_s=1)
    measured = {one.name: one for one in [*whole, *measure_limited("s", account_of(rows), 429)]}
    for prefix in ("load.s", "load.s.GET-a"):
        assert all(measured[f"{prefix}.{name}"].unit == unit for name, unit in OPERATION_UNITS.items())
    assert (measured["load.s.p999"].value, measured["load.s.GET-a.p90"].value) == (998.25, 899.25)


@pytest.mark.parametrize(("metric", "holds"), [("p90", 899.25), ("p999", 998.25), ("max", 999.25)])
def test_each_new_percentile_is_judged_unrounded(metric: str, holds: float) -> None:
    """A threshold at the value holds, one just below it does not."""
    account = account_of(arrival(number, number + 0.25) for number in range(1000))
    values = total_of(account, duration_s=1.0).values
    for threshold, broken in ((holds, []), (holds - 0.01, [metric])):
        scenario = ScenarioSettings.model_validate(
            {"rate_per_s": 1.0, "duration_s": {"quick": 1.0}, "objectives": {metric: f"<= {threshold} ms"}}
        )
        assert [one.metric for one in find_broken(check_objectives(scenario), values)] == broken
