"""Several load processes counted as one: their reports, their ticks, and their files."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.core import EnvironmentFailure
from seatrial.swarm import _workers
from seatrial.swarm._histogram import Histogram
from seatrial.swarm._plan import Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._team import SUMS, gather, part_of, sum_of, together

PROPERTY = settings(deadline=None, max_examples=10)
TIMES = st.dictionaries(
    st.tuples(st.sampled_from(["GET /a", "GET /b"]), st.sampled_from([200, 503])),
    st.lists(st.floats(0, 50), min_size=1, max_size=20),
)


def encoded(times: list[float]) -> str:
    """Return times as a process tells them."""
    counted = Histogram()
    for milliseconds in times:
        counted.record(milliseconds)
    return counted.encode()


def report(times: dict[tuple[str, int], list[float]], **facts: object) -> dict[str, Any]:
    """Return what a process says of requests with these times, each an arrival of its own."""
    recorded = [
        {"operation": operation, "status": status, "outcome": "ok", "count": len(found), "latency_us": encoded(found),
         "service_us": encoded([one / 2 for one in found])}
        for (operation, status), found in times.items()
    ]  # fmt: skip
    count = sum(map(len, times.values()))
    ledger = {"due": count, "started": count, "dropped": 0, "answered": count, "failed": 0, "unfinished": 0}
    base = {"ledger": ledger, "rows": count, "samples": [count], "cpu_s": 1.0, "wall_s": 2.0, "locust": "1"}
    return {**base, "recorded": recorded, **facts}


@PROPERTY
@given(st.lists(TIMES, min_size=1, max_size=4))
def test_reports_add_up_exactly(parts: list[dict[tuple[str, int], list[float]]]) -> None:
    """However requests are spread over processes, counts and times are those of one that had sent them all."""
    whole: dict[tuple[str, int], list[float]] = {}
    for part in parts:
        for kind, times in part.items():
            whole.setdefault(kind, []).extend(times)
    one = together([Ending(report=report(part), exit_code=0) for part in parts]).report
    alone = report(whole)
    assert one is not None
    assert Ledger(**one["ledger"]).adds_up
    assert (one["ledger"], one["rows"], one["workers"]) == (alone["ledger"], alone["rows"], len(parts))
    assert [(k["operation"], k["status"], k["count"]) for k in one["recorded"]] == sorted(
        (operation, status, len(times)) for (operation, status), times in whole.items()
    )
    for kind in one["recorded"]:
        times = whole[kind["operation"], kind["status"]]
        assert Histogram.decode(kind["latency_us"]) == Histogram.decode(encoded(times))
        assert Histogram.decode(kind["service_us"]) == Histogram.decode(encoded([half / 2 for half in times]))


def test_the_busiest_process_counts() -> None:
    """One that has no time left is not made up for by one that is idle."""
    times = {("GET /a", 200): [1.0]}
    endings = [Ending(report=report(times, cpu_s=cpu_s), exit_code=0) for cpu_s in (0.2, 1.98)]
    found = together(endings).report
    assert found is not None
    assert found["busiest"] == pytest.approx(0.99)
    assert found["cpu_s"] == pytest.approx(2.18)


GOOD = Ending(report=report({}), exit_code=0)


@pytest.mark.parametrize(
    "lost",
    [
        Ending(report=None, exit_code=-9),
        Ending(report=None, exit_code=0),
        Ending(report=report({}), exit_code=1),
        Ending(report=report({}), exit_code=0, overdue=True),
    ],
)
def test_one_that_is_lost_is_what_is_told(lost: Ending) -> None:
    """Whoever else reported: the ending of the team is that of the process that did not end as it should."""
    bystander = Ending(report=None, exit_code=0)
    assert together([GOOD, lost, GOOD]) == lost
    assert together([bystander, lost, GOOD]) == (lost if lost.exit_code or lost.overdue else bystander)


def test_ticks_are_added_up() -> None:
    """Counts are sums, percentiles those of the slowest, and the time is what all have reached."""
    counts = dict.fromkeys(SUMS, 3)
    ticks = [
        {"elapsed_s": 2.1, "p50_ms": 5.0, "p99_ms": None, "lag_ms": 1.0, "busy": 0.9, **counts},
        {"elapsed_s": 2.0, "p50_ms": 4.0, "p99_ms": None, "lag_ms": 7.0, "busy": 0.1, **counts},
    ]
    worst = {"p50_ms": 5.0, "p99_ms": None, "lag_ms": 7.0, "busy": 0.9}
    assert sum_of(ticks) == {"elapsed_s": 2.0, **worst, **dict.fromkeys(counts, 6)}


def test_requests_end_up_in_one_file(tmp_path: Path) -> None:
    """Each process's whole rows, one header, and no other file: also of the first one, which was killed as well."""
    plan = Plan(
        name="s", url="", file="", user="", paths=(), rate_per_s=1.0, duration_s=1.0, deadline_s=1.0,
        spacing="constant", seed=1, requests=str(tmp_path / "requests.csv"),
    )  # fmt: skip
    for number, text in enumerate(['head\n0,a\n3,"e', "head\n1,b\n4,c", "head\n2,d\n", "hea"]):
        Path(part_of(plan, number)).write_text(text)
    gather(plan, 5)
    assert [file.name for file in tmp_path.iterdir()] == ["requests.csv"]
    assert (tmp_path / "requests.csv").read_text() == "head\n0,a\n1,b\n2,d\n"


CODES = """
import pathlib
left = pathlib.Path("codes")
code, *rest = left.read_text().split()
left.write_text(" ".join(rest))
raise SystemExit(int(code))
"""


@pytest.mark.parametrize(
    ("codes", "sent", "slug"),
    [
        ("0 0 3", 2, ""),
        ("4 0 5 6 7 3", 1, ""),
        ("5 3", 0, "load-worker-idle"),
        ("3", 0, "load-master-missing"),
        ("0 1", 0, "load-worker-process"),
    ],
)
def test_whole_shares_alone_count(
    codes: str, sent: int, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else a load process ended by is told, and is no share that was sent."""
    (tmp_path / "codes").write_text(codes)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_workers, "WORKER", (sys.executable, "-c", CODES))
    lines: list[str] = []
    found, error = 0, ""
    try:
        found = _workers.work_for(
            "h", 1, root=tmp_path, committed=(), allow_target="", wait_s=1, progress=lines.append
        )  # fmt: skip
    except EnvironmentFailure as failure:
        error = failure.slug
    assert (found, error) == (sent, slug)
    assert len(lines) == len([code for code in codes.split() if code not in {"1", "3"}])
