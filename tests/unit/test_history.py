"""Earlier runs: what is kept of each, which of them a run is held against, and how reports tell it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import ReportSettings, Settings
from seatrial.core import CheckResult, Finding, GateResult, Measurement, Outcome, Severity, Verdict, content
from seatrial.plugin._history import history_file, keep_run, look_back
from seatrial.record import (
    KEPT,
    AnyEvent,
    CheckFinished,
    GateJudged,
    HistoryRead,
    MeasurementTaken,
    PastGate,
    PastRun,
    Record,
    Recorder,
    RunFailed,
    RunFinished,
    RunStarted,
    append_run,
    read_history,
)
from seatrial.reporting import past_run, write_reports
from seatrial.reporting._trend import EDGE, HEIGHT, WIDTH, sparkline, trend_of

STARTED = RunStarted(
    run="now", version="1", started="2026-11-27T08:00:00+00:00", stack="local", why_stack="w", profile="quick", seed=7,
    command="seatrial run --stack local --profile quick --seed 7 --only a", suites=("a",), project="p",
)  # fmt: skip
GATE = GateResult(
    id="coverage.total >= 80 %", metric="coverage.total", operator=">=", threshold=80, value=87.5, unit="percent",
    status=Verdict.PASS, reason="coverage.total is 87.5 %",
)  # fmt: skip
FOUND = Finding(check="a.bad", severity=Severity.LOW, title="t", cause="c")
BAD = CheckResult(check="a.bad", outcome=Outcome.FAILED, reason="r", findings=(FOUND,))
EVENTS: tuple[AnyEvent, ...] = (
    STARTED,
    CheckFinished(result=BAD),
    MeasurementTaken(measurement=Measurement(name="coverage.total", value=87.5, unit="percent", definition="d")),
    MeasurementTaken(
        measurement=Measurement(name="coverage.components.health", value=90.0, unit="percent", definition="d")
    ),
    GateJudged(gate=GATE),
)
FINISHED = RunFinished(verdict=Verdict.PASS, reason="r", duration_s=2.0)
PAST = PastRun(
    run="before", time="2026-11-26T08:00:00+00:00", project="p", profile="quick", stack="local",
    asked="seatrial run --stack local --profile quick --only a", suites=("a",), commit="c" * 40 + "+",
    verdict=Verdict.FAIL, duration_s=3.0, findings={"high": 2}, checks={"passed": 4, "failed": 1},
    coverage={"total": 85.0, "health": 91.0},
    gates=(PastGate(id="coverage.total >= 90 %", metric="coverage.total", value=85.0, unit="percent",
                    status=Verdict.FAIL),),
)  # fmt: skip
APPEND = """
import sys
from pathlib import Path
import msgspec
from seatrial.record import PastRun, append_run
run = msgspec.json.decode(sys.argv[2], type=PastRun)
for number in range(50):
    append_run(Path(sys.argv[1]), msgspec.structs.replace(run, run=f"{sys.argv[3]}-{number}"), redact=str)
"""


def record_of(*events: AnyEvent) -> Record:
    """Return what is known after these events."""
    record = Record(Path("/nowhere"))
    for event in events:
        record.add(event)
    return record


def keep(path: Path, *runs: PastRun) -> None:
    """Append runs."""
    for run in runs:
        append_run(path, run, redact=str)


def named(*names: str, **more: Any) -> list[PastRun]:
    """Return runs like one, by their names."""
    return [msgspec.structs.replace(PAST, run=name, **more) for name in names]


def told(path: Path) -> list[str]:
    """Return the earlier runs that one like them finds."""
    return [run.run for run in read_history(path, past_run(record_of(*EVENTS))).runs]


def test_a_line_keeps_to_its_schema(tmp_path: Path) -> None:
    """What is kept of a run is valid by the published schema, and says all that later ones are told."""
    path = tmp_path / "deep" / "history.jsonl"
    keep(path, past_run(record_of(*EVENTS, FINISHED)))
    (line,) = map(json.loads, path.read_text().splitlines())
    schema = json.loads((content("reports") / "schema" / "run-history-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(line)
    assert line["asked"] == "seatrial run --stack local --profile quick --only a"
    assert line["gates"] == [
        {"id": GATE.id, "metric": "coverage.total", "value": 87.5, "unit": "percent", "status": "pass",
         "informational": False}
    ]  # fmt: skip
    assert (line["coverage"], line["findings"]) == ({"total": 87.5, "health": 90.0}, {"low": 1})
    assert line["checks"]["failed"] == 1


def test_whatever_a_rule_ends_as_may_be_kept() -> None:
    """The published schemas of the history and of the verdict know every status that a gate may have."""
    for name in ("run-history-1", "verdict-1"):
        schema = json.loads((content("reports") / "schema" / f"{name}.schema.json").read_text())
        assert set(schema["properties"]["gates"]["items"]["properties"]["status"]["enum"]) == {*Verdict}
        assert set(schema["properties"]["verdict"]["enum"]) < {*Verdict}


def test_the_last_runs_are_found(tmp_path: Path) -> None:
    """Of many runs the last thirty are, the oldest first; where there is no file there were none."""
    path = tmp_path / "history.jsonl"
    assert told(path) == []
    names = [str(number) for number in range(KEPT + 3)]
    keep(path, *named(*names))
    assert told(path) == names[3:]


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "full"},
        {"stack": "compose"},
        {"project": "q"},
        {"suites": ("a", "b")},
        {"asked": "seatrial run --stack local --profile quick --only a --deep"},
    ],
)
def test_another_kind_of_run_is_not_compared(tmp_path: Path, other: dict[str, Any]) -> None:
    """A run of another profile, stack, project or selection says nothing about this one."""
    path = tmp_path / "history.jsonl"
    keep(path, *named("other", **other), *named("like"))
    assert told(path) == ["like"]


def test_a_broken_line_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    """Half a line, another format and bytes that are no text cost themselves alone; the half one ends no later line."""
    path = tmp_path / "history.jsonl"
    keep(path, *named("first"))
    with path.open("ab") as file:
        file.write(b'{"schema": "urn:seatrial:history:1"}\n\xff\xfe\n[]\n\n"x"\n' + msgspec.json.encode(PAST)[:40])
    keep(path, *named("last"))
    found = read_history(path, PAST)
    assert [run.run for run in found.runs] == ["first", "last"]
    assert [f"line {number}: " in found.problem for number in (2, 3, 4, 5, 6)] == [True, True, True, False, False]
    assert "and 2 more" in found.problem
    assert str(path) in found.problem


def test_an_unreadable_history_is_told(tmp_path: Path) -> None:
    """A folder in its place ends no run: what is wrong is said."""
    assert "cannot be read: Is a directory" in read_history(tmp_path, PAST).problem


def test_several_append_at_once(tmp_path: Path) -> None:
    """Lines of runs that end at the same moment are all there, and whole."""
    path = tmp_path / "history.jsonl"
    words = [sys.executable, "-c", APPEND, str(path), msgspec.json.encode(PAST).decode()]
    children = [subprocess.Popen([*words, name]) for name in "ab"]
    assert [child.wait(60) for child in children] == [0, 0]
    lines = [json.loads(line)["run"] for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{name}-{number}" for name in "ab" for number in range(50))


def finish(folder: Path, settings: Settings, *events: AnyEvent) -> tuple[Record, bool]:
    """Go through what the end of a run does, and return its record and whether it was kept."""
    record = Record(folder)
    with Recorder(folder) as recorder:
        recorder.subscribe(record.add)
        recorder.register_secret("key", "hush-hush-hush")
        for event in events:
            recorder.emit(event)
        look_back(record, recorder, settings)
        recorder.emit(FINISHED)
        return record, keep_run(record, recorder, settings)


def test_a_run_knows_those_before_it(tmp_path: Path) -> None:
    """The second run has the first in its record, by which reports are rebuilt wherever the directory is taken."""
    settings = Settings(root=tmp_path)
    finish(tmp_path / "1", settings, replace_started("first hush-hush-hush"), *EVENTS[1:])
    record, kept = finish(tmp_path / "2", settings, *EVENTS)
    assert kept
    assert [run.run for run in record.earlier] == ["first {{secret:key}}"]
    assert "hush" not in history_file(settings).read_text()
    moved = (tmp_path / "2").rename(tmp_path / "elsewhere")
    history_file(settings).unlink()
    write_reports(moved)
    assert "| 87.50 % | 87.50 % (the same) |" in (moved / "summary.md").read_text()


def replace_started(run: str) -> RunStarted:
    """Return the start of another run like this one."""
    return msgspec.structs.replace(STARTED, run=run)


def test_a_history_may_be_none_or_elsewhere(tmp_path: Path) -> None:
    """The file is where the settings say; an empty name keeps nothing."""
    for name in ("", "kept/runs.jsonl"):
        settings = Settings(root=tmp_path, report=ReportSettings(history=name))
        record, kept = finish(tmp_path / "run", settings, *EVENTS)
        assert (kept, record.earlier) == (True, ())
    assert len((tmp_path / "kept" / "runs.jsonl").read_text().splitlines()) == 1
    assert not (tmp_path / ".seatrial").exists()


def test_an_interrupted_run_is_not_kept(tmp_path: Path) -> None:
    """Who interrupts a run wants none; one that broke is kept without figures."""
    settings = Settings(root=tmp_path)
    for exit_code in (130, 3):
        finish(tmp_path / "run", settings, *EVENTS, RunFailed(reason="r", exit_code=exit_code))
    (line,) = history_file(settings).read_text().splitlines()
    assert (json.loads(line)["broke"], json.loads(line)["gates"]) == (True, [])


def test_a_history_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """No run is lost over it: it says that later ones will not know of it, and where."""
    (tmp_path / ".seatrial").write_text("no folder")
    record, kept = finish(tmp_path / "run", Settings(root=tmp_path), *EVENTS)
    assert not kept
    assert any("will not know of this one" in note and "history.jsonl" in note for note in record.limitations)
    assert any("cannot be read" in note for note in record.limitations)


def test_the_previous_value_is_that_of_the_last_run_that_has_one() -> None:
    """A run that broke has none; a rule with another threshold, or in another place, is about the same metric."""
    broke = msgspec.structs.replace(PAST, run="broke", broke=True, gates=())
    found = trend_of(GATE, [PAST, broke])
    assert (found.previous, found.run, found.change, found.course) == (85.0, "before", "+2.50", "better")
    assert trend_of(replace(GATE, metric="checks.passed"), [PAST]).previous is None
    assert trend_of(replace(GATE, unit="ms"), [PAST]).previous is None
    unmeasured = trend_of(replace(GATE, value=None), [PAST])
    assert (unmeasured.previous, unmeasured.change, unmeasured.course) == (85.0, "", "")


@pytest.mark.parametrize(
    ("operator", "value", "course"),
    [(">=", 84.0, "worse"), ("<=", 84.0, "better"), ("<", 86.0, "worse"), (">", 86.0, "better"),
     ("==", 86.0, "changed"), ("<=", 85.0, "the same")],
)  # fmt: skip
def test_what_is_better_is_said_by_the_rule(operator: str, value: float, course: str) -> None:
    """More of what must be at least so much is better, less of what must be at most so much."""
    assert trend_of(replace(GATE, operator=operator, value=value), [PAST]).course == course


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=KEPT + 1))
def test_a_sparkline_shows_every_value(values: list[float | None]) -> None:
    """Every known value is a point within the drawing, in order; the highest is on top, and gaps stay gaps."""
    drawn = sparkline(values, "ms")
    known = [(number, value) for number, value in enumerate(values) if value is not None]
    if drawn is None:
        assert len(known) < 2
        return
    points = [tuple(map(float, point.split(","))) for piece in drawn.pieces for point in dict.fromkeys(piece.split())]
    assert len(points) == len(known)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert all(EDGE <= x <= WIDTH - EDGE and EDGE <= y <= HEIGHT - EDGE for x, y in points)
    assert points[-1] == drawn.last
    highest = max(range(len(known)), key=lambda n: known[n][1])
    assert points[highest][1] == min(y for _, y in points)
    gaps = sum(known[n + 1][0] - known[n][0] > 1 for n in range(len(known) - 1))
    assert len(drawn.pieces) == gaps + 1


def test_the_page_tells_earlier_runs(tmp_path: Path) -> None:
    """Each gate has its previous value and a line; the section says of every run what came of it, the newest first."""
    broke = msgspec.structs.replace(PAST, run="broke", broke=True, gates=(), coverage={}, commit="")
    with Recorder(tmp_path) as recorder:
        for event in (*EVENTS, HistoryRead(earlier=(PAST, broke), commit="d" * 40), FINISHED):
            recorder.emit(event)
    write_reports(tmp_path)
    page = (tmp_path / "report.html").read_text()
    gates, section = (re.findall(f'aria-labelledby="{name}".*?</section>', page, re.DOTALL)[0] for name in
                      ("gates", "history"))  # fmt: skip
    assert '<td class="number">87.50 %</td><td class="number">85 %</td>' in gates
    assert 'aria-label="coverage.total: 2 runs, from 85 % to 87.50 %, between 85 % and 87.50 %"' in gates
    assert "+2.50" in gates
    runs = re.findall(r'<th scope="row">(\w+)(?: <b>\(this run\)</b>)?<br>', section)
    assert runs == ["now", "broke", "before"]
    assert re.findall(r'</th><td class="commit"><code>(.*?)</code></td>', section) == [
        "d" * 10,
        "not known",
        "c" * 10 + "+",
    ]
    assert section.count("ended early") == 1
    assert "coverage of health" in section


def test_the_first_run_has_no_history(tmp_path: Path) -> None:
    """Where there is nothing to look back at the page says so at each gate, and has no empty section."""
    with Recorder(tmp_path) as recorder:
        for event in (*EVENTS, FINISHED):
            recorder.emit(event)
    write_reports(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "no earlier run" in page
    assert 'id="history"' not in page
