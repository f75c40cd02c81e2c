"""What a load leaves to look at: stats.json, its seconds, OpenMetrics text, and its part of report.html."""

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from accounts import account_of, seconds_of
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seatrial.core import CheckResult, Outcome, content
from seatrial.record import Recorder, RunStarted, read_record
from seatrial.reporting import write_reports
from seatrial.reporting._chart import HEIGHT, LEFT, TOP, WIDTH, chart, nice
from seatrial.reporting._load import charts_of
from seatrial.stack import Usage
from seatrial.swarm._failures import Failure
from seatrial.swarm._plan import FAILED, OK, TURNED_AWAY, UNFINISHED, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._report import write_stats
from seatrial.swarm._resources import Sample
from seatrial.swarm._rows import Row
from seatrial.swarm._seconds import looks_of
from seatrial.swarm._slope import Interval

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((content("reports") / "schema" / "load-stats-1.schema.json").read_text(encoding="utf-8"))
)
EVIL = 'GET /<script>alert("1")</script>\n{x="y"}\\'
PLAN = Plan(
    name="s", url="http://127.0.0.1:9", file="", user="", paths=("/a",), rate_per_s=4.0, duration_s=10.0,
    deadline_s=1.0, spacing="constant", seed=1,
)  # fmt: skip
ROW = Row(
    arrival=0, due_s=0.5, lag_ms=1.0, identity="", operation=EVIL, status=200, media="", outcome=OK,
    latency_ms=3.0, service_ms=2.0, cause="",
)  # fmt: skip
NEVER = replace(ROW, arrival=2, due_s=2.5, operation="TASK visit", status=0, outcome=TURNED_AWAY, latency_ms=1000.0)
ROWS = [
    ROW,
    replace(ROW, arrival=1, due_s=1.5, lag_ms=900.0, status=429, outcome=FAILED, latency_ms=7.0, cause=EVIL),
    NEVER,
]
LOOKS = [
    Sample(at_s=at, usage=Usage(cpu_s=at / 4, memory_bytes=5_000_000, descriptors=None), queue=abs(at), queries=9)
    for at in (-1.0, 0.0, 1.0, 2.0)
]
USED = {"cpu_ms_per_request": Interval.exact(250.0), "memory_slope": Interval(value=5.0, low=1.0, high=9.0)}


def write(folder: Path) -> dict[str, Any]:
    """Write what a scenario leaves, and return its statistics."""
    folder.mkdir(parents=True)
    write_stats(
        folder / "stats.json", PLAN, account=account_of(ROWS),
        ledger=Ledger(due=3, started=2, dropped=1, answered=1, failed=1),
        ending=Ending(report={"cpu_s": 0.5, "wall_s": 2.0}, exit_code=0),
        results=[CheckResult(check="load.s-objectives", outcome=Outcome.FAILED, reason="r")], doubt="",
        failures=[Failure(operation="GET /a", status=500, outcome="failed", cause="HTTP 500", count=1)],
        given_up=(("late", Ledger(due=3)),), used=USED, looks=looks_of(LOOKS),
        seconds=seconds_of(ROWS, rejection=429),
    )  # fmt: skip
    found: dict[str, Any] = json.loads((folder / "stats.json").read_text(encoding="utf-8"))
    return found


def test_statistics_keep_to_their_schema(tmp_path: Path) -> None:
    """And the schema refuses what is no such file."""
    stats = write(tmp_path / "s")
    SCHEMA.validate(stats)
    for name in ("ledger", "resources", "seconds"):
        assert not SCHEMA.is_valid({**stats, name: {"due": "3"}}), name
    assert not SCHEMA.is_valid({name: value for name, value in stats.items() if name != "operations"})


def test_a_scenario_is_told_second_by_second(tmp_path: Path) -> None:
    """An arrival that began late began in a later second than the one in which it was due."""
    write(tmp_path / "s")
    with (tmp_path / "s" / "seconds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["due"] for row in rows] == ["1", "1", "1"]
    assert [row["began"] for row in rows] == ["1", "0", "1"]
    assert [row["limited"] for row in rows] == ["0", "1", "0"]
    assert [row["p99_ms"] for row in rows] == ["3.0", "7.0", "1000.0"]
    assert [row["memory_bytes"] for row in rows] == ["5000000"] * 3
    assert [row["cpu_percent"] for row in rows] == ["25.0"] * 3
    assert {row["descriptors"] for row in rows} == {""}


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.floats(0, 5000), st.sampled_from([OK, FAILED, UNFINISHED, TURNED_AWAY])),
        max_size=40,
    )
)
def test_seconds_add_up(arrivals: list[tuple[float, float, str]]) -> None:
    """Nothing is lost between them, and none is left out, however quiet."""
    rows = [
        replace(ROW, arrival=number, due_s=due_s, lag_ms=lag_ms, outcome=outcome)
        for number, (due_s, lag_ms, outcome) in enumerate(sorted(arrivals))
    ]
    seconds = seconds_of(rows, rejection=429)
    assert [second["second"] for second in seconds] == list(range(len(seconds)))
    assert sum(second["due"] for second in seconds) == len(rows)
    assert all(second["answered"] + second["failed"] == second["due"] for second in seconds)
    assert sum(second["began"] for second in seconds) == sum(row.kind.began for row in rows)
    assert sum(second["answered"] for second in seconds) == sum(row.kind.good for row in rows)


def test_openmetrics_are_what_others_read(tmp_path: Path) -> None:
    """The parser of the Prometheus client finds every operation by its whole name, whatever is in that."""
    write(tmp_path / "s")
    text = (tmp_path / "s" / "openmetrics.txt").read_text(encoding="utf-8")
    parse: Any = text_string_to_metric_families
    families = {family.name: family for family in parse(text)}
    arrivals = {sample.labels["fate"]: sample.value for sample in families["seatrial_load_arrivals"].samples}
    assert arrivals == {"due": 3, "started": 2, "dropped": 1, "answered": 1, "failed": 1, "unfinished": 0}
    requests = families["seatrial_load_requests"].samples
    found = {(one.labels["operation"], one.labels["status"]): one.value for one in requests}
    assert found == {(EVIL, "200"): 1, (EVIL, "429"): 1}
    latency = families["seatrial_load_latency_seconds"]
    assert (latency.type, latency.unit) == ("summary", "seconds")
    worst = [one.value for one in latency.samples if one.labels == {**OF, "quantile": "1.0"}]
    assert worst == [0.007]
    (cpu,) = families["seatrial_load_cpu_seconds_per_request"].samples
    assert cpu.value == 0.25


OF = {"scenario": "s", "operation": EVIL}


@pytest.fixture
def page(tmp_path: Path) -> str:
    """Return report.html of a run that sent a load."""
    with Recorder(tmp_path) as recorder:
        recorder.emit(
            RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7)
        )
    write(tmp_path / "load" / "s")
    (tmp_path / "load" / "old").mkdir()
    (tmp_path / "load" / "old" / "stats.json").write_text("{")
    write_reports(tmp_path)
    assert read_record(tmp_path).directory == tmp_path
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_page_draws_a_load(page: str) -> None:
    """Latency, rates, errors and what the service used; a file that cannot be read spoils nothing."""
    section = page[page.index('<h2 id="load">') : page.index('<h2 id="figures">')]
    drawn = re.findall(r'aria-label="([^:"]+):', section)
    assert drawn == [
        "Distribution of latencies", "Latency, from when an arrival was due", "Arrivals each second",
        "Errors each second", "Processor of the service", "Memory of the service", "Jobs that wait",
    ]  # fmt: skip
    assert section.count("<polyline") == 3 + 2 + 2 + 1 + 1 + 1
    assert "1 of 3 arrivals answered well" in section
    assert "1 x 200, 1 x 429" in section
    assert "load.s.memory_slope" in section
    for file in ("stats.json", "seconds.csv", "requests.csv", "openmetrics.txt"):
        assert f'href="load/s/{file}"' in section


def test_foreign_names_stay_text(page: str) -> None:
    """The page has the one script of its own, and gets none from an operation's name."""
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(&#34;1&#34;)" in page


def test_a_gap_is_no_line() -> None:
    """Between values that are not known nothing is drawn; one alone can be seen all the same."""
    drawn = chart("t", "ms", {"a": [(0, 1.0), (1, 2.0), (2, None), (3, 3.0)]}, span_s=4)
    assert drawn is not None
    (line,) = drawn.lines
    assert len(line.pieces) == 2
    assert len(set(line.pieces[1].split())) == 1
    assert chart("t", "ms", {"a": [(0, None)]}, span_s=4) is None


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 1e9)), min_size=1, max_size=30))
def test_nothing_is_drawn_outside(points: Sequence[tuple[float, float | None]]) -> None:
    """Every point lies in the drawing, and the highest tick is no lower than the highest value."""
    drawn = chart("t", "", {"a": points}, span_s=100)
    if drawn is None:
        assert all(value is None for _, value in points)
        return
    for pair in " ".join(drawn.lines[0].pieces).split():
        x, y = map(float, pair.split(","))
        assert LEFT <= x <= LEFT + WIDTH
        assert TOP <= y <= TOP + HEIGHT
    assert float(drawn.up[-1][1].replace(",", "")) >= max(v for _, v in points if v is not None) * (1 - 1e-5)


@given(st.floats(1e-9, 1e12))
def test_ticks_are_round(step: float) -> None:
    """No less than asked, and less than two and a half times as much."""
    found = nice(step)
    assert step * (1 - 1e-6) <= found <= step * 2.5 * (1 + 1e-6)
    assert f"{found:e}"[0] in "125"


def test_a_load_without_looks_is_drawn_without_the_service() -> None:
    """On a URL there are none."""
    stats = {"scenario": {"duration_s": 10.0}, "seconds": seconds_of(ROWS, rejection=429), "resources": {"looks": []}}
    assert [one.title for one in charts_of(stats)][-1] == "Errors each second"
    assert asdict(charts_of(stats)[0])["unit"] == "ms"
