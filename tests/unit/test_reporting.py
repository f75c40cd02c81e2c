"""Reports: rebuilt from events alone, valid by their schema, and honest about what is missing."""

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import (
    CheckResult,
    EnvironmentFailure,
    Exchange,
    Finding,
    GateResult,
    Measurement,
    Outcome,
    Request,
    Response,
    Severity,
    Verdict,
    content,
)
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    ExchangeRecorded,
    GateJudged,
    MeasurementTaken,
    Recorder,
    RunFinished,
    RunStarted,
    StageFinished,
    read_record,
)
from seatrial.reporting import REPORTERS, summarise, verdict_of, write_reports
from seatrial.reporting._summary import CUT, LIMIT_BYTES, LONGEST, bounded

EVIL = "<script>alert(1)</script>"
FINDING = Finding(
    check="a.bad", severity=Severity.HIGH, title=EVIL, cause="c", operation="GET /a|b", evidence=("x-1",), replay="curl"
)
EXCHANGE = Exchange(
    id="x-1",
    operation="GET /a",
    identity="user-1",
    request=Request(method="GET", url="http://h/a", headers=(("a", "b"),)),
    response=Response(status=500, body=EVIL),
    sent_s=1.0,
    received_s=1.5,
)
GATE = GateResult(
    id="checks.failed == 0",
    metric="checks.failed",
    operator="==",
    threshold=0,
    value=1,
    unit="count",
    status=Verdict.FAIL,
    reason="checks.failed is 1, asked was == 0",
)
EVENTS: tuple[AnyEvent, ...] = (
    RunStarted(
        run="r",
        version="1",
        started="now",
        stack="local",
        why_stack="w",
        profile="quick",
        seed=7,
        budget_s={"functional": 40.0},
    ),
    CheckPlanned(check="a.good", title="t", suite="a", severity="high", claim="c"),
    CheckPlanned(check="a.bad", title="t", suite="a", severity="high"),
    CheckPlanned(check="a.lost", title="t", suite="a", severity="high"),
    ExchangeRecorded(exchange=EXCHANGE),
    CheckFinished(result=CheckResult(check="a.good", outcome=Outcome.PASSED)),
    CheckFinished(result=CheckResult(check="a.bad", outcome=Outcome.FAILED, reason=EVIL, findings=(FINDING,))),
    MeasurementTaken(measurement=Measurement(name="coverage.total", value=1 / 3, unit="percent", definition="d")),
    StageFinished(stage="functional", duration_s=1.0),
    StageFinished(stage="report", duration_s=0.25),
    GateJudged(gate=GATE),
    RunFinished(verdict=Verdict.FAIL, reason="checks.failed is 1", duration_s=2.0),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run directory that holds nothing but events."""
    with Recorder(tmp_path) as recorder:
        for event in EVENTS:
            recorder.emit(event)
    return tmp_path


def test_verdict_keeps_to_its_schema(run: Path) -> None:
    """verdict.json is valid by the published schema, unrounded, and names every required field."""
    write_reports(run)
    verdict = json.loads((run / "verdict.json").read_text())
    schema = json.loads((content("reports") / "schema" / "verdict-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(verdict)
    assert verdict["coverage"]["lines_percent"] == 1 / 3
    assert verdict["checks"]["inconclusive"] == 1  # the lost one


def test_reports_are_rebuilt_the_same(run: Path) -> None:
    """Rebuilding gives the same bytes: reports depend on the events and on nothing else."""
    write_reports(run)
    first = {name: (run / name).read_bytes() for name in REPORTERS}
    write_reports(run)
    assert first == {name: (run / name).read_bytes() for name in REPORTERS}


def test_a_run_is_compared_to_another(run: Path, tmp_path: Path) -> None:
    """Only the comment changes when an earlier run is named, and says what it found."""
    write_reports(run)
    first = {name: (run / name).read_bytes() for name in REPORTERS}
    write_reports(run, against=run)
    assert [name for name, text in first.items() if (run / name).read_bytes() != text] == ["comment.md"]
    assert "### Still there: 1" in (run / "comment.md").read_text()
    with pytest.raises(EnvironmentFailure, match="record-missing"):
        write_reports(run, against=tmp_path / "none")


def test_foreign_text_stays_text(run: Path) -> None:
    """What a service answers can neither run in the report nor break a table of the summary."""
    write_reports(run)
    assert EVIL not in (run / "report.html").read_text()
    assert "<script" not in (run / "summary.md").read_text()


def test_no_address_is_given_twice(run: Path) -> None:
    """Findings of one fingerprint are all shown; the address leads to the first of them."""
    record, page = read_record(run), io.StringIO()
    twice = replace(FINDING, title="the same again", severity=Severity.LOW)
    failed = CheckResult(check="a.bad", outcome=Outcome.FAILED, reason="r", findings=(twice, FINDING))
    record.results["a.bad"] = failed
    REPORTERS["report.html"](record, page)
    ids = re.findall(r' id="([^"]+)"', page.getvalue())
    assert len(ids) == len(set(ids))
    assert page.getvalue().index(f'id="finding-{FINDING.fingerprint}"') < page.getvalue().index("the same again")


def test_a_stage_stands_beside_its_budget(run: Path) -> None:
    """The page says of a stage how long it took and how long it may take; one without a budget has none."""
    write_reports(run)
    page = (run / "report.html").read_text()
    rows = re.findall(r'<tr><td>(\w+)</td><td class="number">(.*?)</td><td class="number">(.*?)</td></tr>', page)
    assert ("functional", "1 s", "40 s") in rows
    assert ("report", "0.25 s", "none") in rows


def test_junit_counts(run: Path) -> None:
    """A failed check is a failure, a lost one an error."""
    write_reports(run)
    (suite,) = ET.parse(run / "junit.xml").getroot().iter("testsuite")  # noqa: S314 - we wrote it
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors")}
    assert counts == {"tests": "3", "failures": "1", "errors": "1"}


def test_junit_stays_xml_whatever_a_service_answers(tmp_path: Path) -> None:
    """Terminal escapes and what XML forbids are written out: a parser reads the file, and the text is still known."""
    bad = replace(FINDING, title="\x1b[31mred\x00 \ufffe]]>", replay="\x07")
    result = CheckResult(check="a.bad", outcome=Outcome.FAILED, reason="a bell \x07 & <x>", findings=(bad,))
    with Recorder(tmp_path) as recorder:
        for event in (*EVENTS[:2], CheckFinished(result=result), *EVENTS[2:4]):
            recorder.emit(event)
    write_reports(tmp_path)
    (failure,) = ET.parse(tmp_path / "junit.xml").getroot().iter("failure")  # noqa: S314 - we wrote it
    assert failure.get("message") == r"failed: a bell \x07 & <x>"
    assert failure.text == r"\x1b[31mred\x00 \ufffe]]>" + "\n" + r"\x07"


@given(st.lists(st.text(alphabet="aé\U0001f6a2|", max_size=30), max_size=20), st.integers(40, 400))
def test_a_summary_is_cut_between_lines(lines: list[str], most: int) -> None:
    """A step summary over its limit is dropped whole by GitHub: ours ends before it, with a whole line, and says so."""
    text = bounded(lines, most=most)
    assert len(text.encode()) <= most
    whole = "\n".join(lines) + "\n"
    assert CUT in text or text == whole
    assert whole.startswith(text.partition(CUT)[0])


def test_a_long_line_leaves_room_for_the_others() -> None:
    """One reason without an end takes no more than its line, so what was not verified is still told."""
    first, long, last = bounded(["a", "é" * LIMIT_BYTES, "z" * LONGEST]).splitlines()
    assert (first, last) == ("a", "z" * LONGEST)
    assert len(long) == LONGEST
    assert long.endswith("é...")


def test_run_without_end_is_inconclusive(tmp_path: Path) -> None:
    """Events that stop in the middle of a line give reports that say so."""
    with Recorder(tmp_path) as recorder:
        recorder.emit(EVENTS[0])
    with (tmp_path / "events.ndjson").open("ab") as file:
        file.write(b'{"type":"RunFin')
    record = write_reports(tmp_path)
    facts = verdict_of(record)
    assert (facts["verdict"], facts["exit_code"]) == ("inconclusive", 3)
    assert any("verdict: inconclusive" in line for line in summarise(record))


@pytest.mark.parametrize(("blob", "says"), [("blobs/abc", '<a href="blobs/abc">more of it</a>'), ("", "no more of it")])
def test_a_long_body_is_linked(run: Path, blob: str, says: str) -> None:
    """The page says that a body is cut, how long it was, and where more of it is or that there is no more."""
    record, page = read_record(run), io.StringIO()
    cut = Response(status=200, body="beginning", size=123_456, blob=blob)
    record.exchanges["x-1"] = replace(EXCHANGE, response=cut)
    REPORTERS["report.html"](record, page)
    assert "123456 bytes" in page.getvalue()
    assert says in page.getvalue()


@pytest.mark.parametrize("text", ["5", "null", '"seconds"', '{"seconds": []}', '{"seconds'])
def test_a_load_that_cannot_be_read_costs_no_report(run: Path, text: str) -> None:
    """What another version left, or somebody else, is left out: all other reports are written."""
    (run / "load" / "a").mkdir(parents=True)
    (run / "load" / "a" / "stats.json").write_text(text)
    write_reports(run)
    assert {name for name in REPORTERS if not (run / name).is_file()} == set()


@pytest.mark.parametrize("name", REPORTERS)
def test_each_report_that_cannot_be_written_is_told(run: Path, name: str) -> None:
    """Whichever it is, the error names its file, and no half of it is left."""
    (run / name).mkdir()
    with pytest.raises(EnvironmentFailure) as caught:
        write_reports(run)
    assert (caught.value.slug, caught.value.where) == ("report-unwritable", str(run / name))
    assert not list(run.glob(".*.part"))
    assert read_record(run).finished is not None
