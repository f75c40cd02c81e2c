"""A record that ends, or is damaged, at any place: what stands before is reported, and there is no verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from published import check_codequality, check_har, check_junit, check_sarif

from seatrial.core import (
    CheckResult,
    Documented,
    Exchange,
    Finding,
    GateResult,
    LimitProof,
    Measurement,
    Outcome,
    Request,
    Response,
    Severity,
    Tally,
    Verdict,
    content,
)
from seatrial.record import (
    EVENTS,
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    CheckStarted,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    GateJudged,
    HistoryRead,
    LimitationNoted,
    LimitProved,
    MeasurementTaken,
    NothingToMeasure,
    PastGate,
    PastRun,
    ProgressMade,
    RunFailed,
    RunFinished,
    RunStarted,
    StackReady,
    StackStopped,
    StageFinished,
    StageStarted,
    read_told,
)
from seatrial.reporting import REPORTERS, verdict_of, write_reports

FINDING = Finding(check="a.b", severity=Severity.HIGH, title="ü", cause="c", evidence=("x-1",), location="a.py:1")
FAILED = CheckResult(check="a.b", outcome=Outcome.FAILED, reason="früher", findings=(FINDING,))
REFUTED = CheckResult(check="ratelimit.quota-exact", outcome=Outcome.FAILED, reason="r")
GATE = GateResult(
    id="g", metric="m", operator="==", threshold=0, value=1, unit="count", status=Verdict.FAIL, reason="r"
)
EXCHANGE = Exchange(
    id="x-1",
    operation="GET /a",
    identity="user-1",
    request=Request(method="GET", url="http://h/a", headers=(("A", "b"),)),
    response=Response(status=500, headers=(("Content-Type", "text/plain"),), body="ü\n"),
    sent_s=1.0,
    received_s=1.5,
)
PAST = PastRun(
    run="q", time="2026-01-01T00:00:00+00:00", project="p", profile="quick", stack="local", asked="a", suites=("a",),
    commit="c", verdict=Verdict.PASS,
    gates=(PastGate(id="g", metric="m", value=0, unit="count", status=Verdict.PASS),),
)  # fmt: skip
STREAM: tuple[AnyEvent, ...] = (
    RunStarted(
        run="r", version="1", started="2026-01-01T00:00:00+00:00", stack="local", why_stack="w", profile="quick",
        seed=7, suites=("a", "ratelimit"),
    ),
    CheckPlanned(check="a.b", title="t", suite="a", severity="high"),
    CheckPlanned(check="a.c", title="t", suite="a", severity="high"),
    StageStarted(stage="functional"),
    StackReady(variant="clean", driver="local", url="http://h", duration_s=1.0, limitations=("l",)),
    ProgressMade(stage="functional", message="m"),
    ContractRead(operations=(Documented(operation="GET /a", answers=(("200", "text/plain"),)),)),
    ExchangeRecorded(exchange=EXCHANGE),
    ExchangesCounted(tallies=(Tally(operation="GET /a", status=200, media="text/plain"),), shown=("x-1",)),
    CheckStarted(check="a.b"),
    CheckFinished(result=FAILED),
    LimitProved(proof=LimitProof(policy="default", quota=3, window_s=1.0, promises={}, results=(REFUTED,))),
    MeasurementTaken(measurement=Measurement(name="coverage.total", value=1 / 3, unit="percent", definition="d")),
    NothingToMeasure(metric="coverage.patch", reason="r"),
    HistoryRead(earlier=(PAST,), commit="d"),
    StageFinished(stage="functional", duration_s=1.0),
    StackStopped(variant="clean"),
    LimitationNoted(note="n"),
    GateJudged(gate=GATE),
    RunFailed(reason="r", exit_code=3),
    RunFinished(verdict=Verdict.PASS, reason="r", duration_s=2.0),
)  # fmt: skip
LINES = [msgspec.json.encode(event) + b"\n" for event in STREAM]
WHOLE = b"".join(LINES)
SCHEMA = json.loads((content("reports") / "schema" / "verdict-1.schema.json").read_text())


def places() -> Iterator[int]:
    """Yield where a stream may end: before and within each line, in its type, in a character, before its end."""
    start = 0
    for line in LINES:
        half = line.find("ü".encode()) + 1  # in the middle of a character; 0 where there is none
        yield from sorted({start + at for at in (0, 1, 12, half, len(line) // 2, len(line) - 1)})
        start += len(line)


def told(folder: Path, stream: bytes) -> dict[str, Any]:
    """Return what is made of a stream."""
    (folder / EVENTS).write_bytes(stream)
    return verdict_of(read_told(folder))


def test_every_kind_of_event_is_cut() -> None:
    """Nothing that a run writes down is left out here."""
    assert {type(event) for event in STREAM} == set(get_args(AnyEvent))


def test_a_stream_may_end_anywhere(tmp_path: Path) -> None:
    """No place makes a verdict of it: what came before is told, and whole lines alone count."""
    for at in places():
        found = told(tmp_path, WHOLE[:at])
        assert (found["verdict"], found["exit_code"]) == ("inconclusive", 3), at
        ended = sum(len(line) for line in LINES[: LINES.index(LINES[10]) + 1]) <= at
        assert [each["reason"] for each in found["outcomes"]] == ["früher"] * ended, at
    assert told(tmp_path, WHOLE)["verdict"] == "pass"


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 4096 + b"\n",  # what a disk holds after power was lost
        b"\xff\xfe\n",
        b"\n",
        b"null\n",
        b'{"type":"OfAnotherVersion","at_s":1.0}\n',
        b'{"type":"CheckFinished","result":{"check":"a.b","outcome":"fine"}}\n',
        LINES[3][:-1],  # two lines in one
        b"[" * 100_000 + b"\n",
    ],
    ids=["zeros", "no UTF-8", "empty", "no object", "unknown", "another form", "two in one", "deep"],
)
@pytest.mark.parametrize("before", [0, 1, 8, len(LINES) - 1])
def test_damage_ends_what_is_believed(tmp_path: Path, damage: bytes, before: int) -> None:
    """The line is named, nothing behind it counts, and whatever came before is told."""
    found = told(tmp_path, b"".join([*LINES[:before], damage, *LINES[before:]]))
    assert (found["verdict"], found["exit_code"]) == ("inconclusive", 3)
    assert f"{EVENTS}:{before + 1}" in found["reason"]
    assert found["run"] == ("r" if before else "")


@pytest.mark.parametrize(
    "stream", [b"", LINES[0][:20], b"\0\n", *(b"".join(LINES[:n]) + LINES[n][:-4] for n in (1, 8, 11, 18))]
)
def test_every_report_is_written_and_valid(tmp_path: Path, stream: bytes) -> None:
    """Who reads them elsewhere learns that there is no verdict, and nothing that looks like one."""
    (tmp_path / EVENTS).write_bytes(stream)
    write_reports(tmp_path)
    texts = {name: (tmp_path / name).read_text(encoding="utf-8") for name in REPORTERS}
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(texts["verdict.json"]))
    check_junit(texts["junit.xml"])
    check_sarif(texts["findings.sarif"])
    check_codequality(texts["gl-code-quality-report.json"])
    check_har(texts["exchanges.har"])
    for name in ("verdict.json", "report.html", "summary.md", "comment.md", "badge.svg"):
        assert "inconclusive" in texts[name], name
    assert texts["annotations.txt"].startswith("::error title=run::")
