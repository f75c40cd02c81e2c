"""The slowest operations: of all loads together, and apart from these of what checks recorded one by one."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import Documented, Exchange, Request, Response
from seatrial.record import AnyEvent, ContractRead, ExchangeRecorded, Record, Recorder, RunStarted, Took, read_told
from seatrial.reporting import REPORTERS
from seatrial.reporting._slowest import slowest_lines, slowest_loaded, slowest_recorded

LOADS = [
    {"scenario": {"name": name}, "operations": [{"operation": operation, "requests": 9, "p50": 1.0, "p95": 2.0,
     "p99": p99, "max": p99, "error_ratio": 0.0} for operation, p99 in rows]}
    for name, rows in {"a": [("GET /fast", 5.0), ("GET /slow|", 50.0)], "b": [("GET /fast", 20.0)]}.items()
]  # fmt: skip


def asked(id_: str, operation: str, took_s: float, status: int = 200) -> ExchangeRecorded:
    """Return an exchange that took so long."""
    response = Response(status=status) if status else None
    request = Request(method="GET", url="http://h/")
    return ExchangeRecorded(exchange=Exchange(id=id_, operation=operation, identity="", request=request,
                                              response=response, sent_s=10.0, received_s=10.0 + took_s))  # fmt: skip


def lay(folder: Path) -> Record:
    """Return what reports read of a run whose checks asked for items, and which sent a load."""
    events: tuple[AnyEvent, ...] = (
        RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7),
        ContractRead(operations=(Documented(operation="GET /items/{id}"), Documented(operation="GET /items/all"))),
        asked("health-1-1", "GET /items/1", 0.010),
        asked("health-1-2", "GET /items/2", 0.500, 0),
        asked("health-1-3", "GET /items/all", 0.020, 503),
        asked("health-1-4", "GET /else", 0.001),
        asked("load-steady-1", "GET /items/1", 9.0),
    )
    with Recorder(folder) as recorder:
        for event in events:
            recorder.emit(event)
    return read_told(folder)


def test_operations_of_all_loads_stand_together() -> None:
    """The highest p99 first, each with its scenario; the summary has the first ones."""
    rows = [(row["scenario"], row["operation"], row["p99"]) for row in slowest_loaded(LOADS)]
    assert rows == [("a", "GET /slow|", 50.0), ("b", "GET /fast", 20.0), ("a", "GET /fast", 5.0)]
    assert list(slowest_lines(LOADS))[5] == "| a | GET /slow\\| | 9 | 1.0 ms | 50.0 ms | 50.0 ms |"
    assert list(slowest_lines([])) == []


def test_what_checks_recorded_stands_apart(tmp_path: Path) -> None:
    """By documented operation, with the slowest of each; examples out of a load are not among them."""
    rows = slowest_recorded(lay(tmp_path))
    assert [(row.operation, row.count, round(row.p50), round(row.max), row.slowest, row.status) for row in rows] == [
        ("GET /items/{id}", 2, 10, 500, "health-1-2", 0),
        ("GET /items/all", 1, 20, 20, "health-1-3", 503),
        ("GET /else", 1, 1, 1, "health-1-4", 200),
    ]


def test_the_page_shows_them(tmp_path: Path) -> None:
    """Folded, where there was no load, too."""
    page = io.StringIO()
    REPORTERS["report.html"](lay(tmp_path), page)
    text = page.getvalue()
    section = text[text.index('<h2 id="slowest">') :]
    assert "3 operations as checks recorded them one by one" in section
    assert re.findall(r"<code>(health-1-\d)</code>: ([^<]+)<", section) == [
        ("health-1-2", "no answer"), ("health-1-3", "503"), ("health-1-4", "200"),
    ]  # fmt: skip


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=150))
def test_percentiles_are_by_nearest_rank(took_ms: list[int]) -> None:
    """So many percent took no longer, and the longest is the slowest that is named."""
    record = Record(Path("/nowhere"))
    record.took["GET /a"] = took = Took()
    for number, each in enumerate(took_ms):
        took.take(each / 1000, id_=f"x-{number}", status=200)
    (row,) = slowest_recorded(record)
    for percent, value in ((50, row.p50), (95, row.p95), (99, row.p99)):
        assert sum(each <= value + 1e-6 for each in took_ms) >= math.ceil(len(took_ms) * percent / 100)
        assert round(value) in took_ms
    assert took_ms[int(row.slowest.removeprefix("x-"))] == max(took_ms) == round(row.max)
