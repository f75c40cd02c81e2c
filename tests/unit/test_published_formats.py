"""Every file that others read keeps to what they published about its format, whatever a service answered."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from anything import EXCHANGES, LINE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import GITHUB_RESULTS, check_codequality, check_junit, check_sarif

from seatrial.core import CheckResult, Exchange, Finding, FindingStatus, Outcome, Severity, Verdict
from seatrial.record import CheckPlanned, Record, RunFailed, RunFinished
from seatrial.reporting import REPORTERS
from seatrial.reporting._sarif import MOST

FINDINGS = st.builds(
    Finding,
    check=st.sampled_from(["a.one", "a.two", "b.unplanned"]),
    severity=st.sampled_from(Severity),
    title=LINE,
    cause=LINE,
    operation=st.text(max_size=20),
    location=st.sampled_from(["", "app/a.py", "app/a b.py:7", "app/a.py:0", "seatrial.toml:x"]),
    evidence=st.lists(st.sampled_from(["x-1", "x-2", "x-lost"]), max_size=2).map(tuple),
    detail=st.text(max_size=20),
    replay=st.text(max_size=20),
    status=st.sampled_from(FindingStatus),
    waiver=st.text(max_size=20),
)
SLUGS = st.sampled_from(["a.one", "a.two", "b.unplanned"])
PASSED = st.builds(CheckResult, check=SLUGS, outcome=st.just(Outcome.PASSED), duration_s=st.floats(0, 1e6))
OTHERS = st.builds(
    CheckResult,
    check=SLUGS,
    outcome=st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.PASSED]),
    reason=LINE,
    findings=st.lists(FINDINGS, max_size=4).map(tuple),
    duration_s=st.floats(0, 1e6),
)
PLANNED = {
    check: CheckPlanned(
        check=check, title="t", suite=check[0], severity="high", cwe=(770, 79), owasp=("API4:2023",), claim="c"
    )
    for check in ("a.one", "a.two", "c.lost")
}
ENDS = st.none() | st.builds(RunFinished, verdict=st.sampled_from(Verdict), reason=LINE, duration_s=st.floats(0, 1e6))
CHECKS: dict[str, Callable[[str], None]] = {
    "junit.xml": check_junit,
    "findings.sarif": check_sarif,
    "gl-code-quality-report.json": check_codequality,
}


def record_of(results: list[CheckResult], exchanges: list[Exchange], finished: RunFinished | None) -> Record:
    """Return a record of these."""
    record = Record(Path(), planned=dict(PLANNED), finished=finished)
    record.results = {result.check: result for result in results}
    record.exchanges = {exchange.id: exchange for exchange in exchanges}
    return record


def written(name: str, record: Record) -> str:
    """Return what a reporter writes."""
    stream = io.StringIO()
    REPORTERS[name](record, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", CHECKS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(results=st.lists(PASSED | OTHERS, max_size=4), exchanges=st.lists(EXCHANGES, max_size=2), finished=ENDS)
def test_a_file_keeps_to_its_format(
    name: str, results: list[CheckResult], exchanges: list[Exchange], finished: RunFinished | None
) -> None:
    """Findings, outcomes and answers may be anything, and whoever reads the file still takes it."""
    CHECKS[name](written(name, record_of(results, exchanges, finished)))


@pytest.mark.parametrize("name", CHECKS)
def test_a_run_that_broke_has_every_file(name: str) -> None:
    """A run of which nothing but its failure is known keeps to the formats too."""
    CHECKS[name](written(name, Record(Path(), failure=RunFailed(reason="it broke", exit_code=3))))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("junit.xml", '<testsuites skipped="1"/>'),
        ("junit.xml", '<testsuite name="a" tests="1" failures="0" errors="0" time="2e-05"/>'),
        ("gl-code-quality-report.json", '[{"description": "d"}]'),
        ("findings.sarif", '{"version": "2.1.0"}'),
    ],
)
def test_what_is_no_such_file_is_seen(name: str, text: str) -> None:
    """The checks of this file can fail."""
    with pytest.raises(Exception, match=r"not allowed|not facet-valid|not accepted|required"):
        CHECKS[name](text)


def test_code_scanning_gets_no_more_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub refuses a whole file with one result too many: the worst are in it, and a note says what is not."""
    assert MOST == GITHUB_RESULTS
    monkeypatch.setattr("seatrial.reporting._sarif.MOST", 3)
    finding = Finding(check="a.one", severity=Severity.LOW, title="t", cause="c")
    many = (*(replace(finding, cause=str(n)) for n in range(4)), replace(finding, severity=Severity.HIGH))
    failed = CheckResult(check="a.one", outcome=Outcome.FAILED, reason="r", findings=many)
    text = written("findings.sarif", record_of([failed], [], None))
    assert [found["level"] for found in json.loads(text)["runs"][0]["results"]] == ["error", "note", "note"]
    assert "2 more findings are in verdict.json" in text


def test_a_step_summary_is_under_a_megabyte() -> None:
    """GitHub drops a summary of more whole: ours ends before, however much was found, and names the report."""
    finding = Finding(check="a.one", severity=Severity.LOW, title="\u20ac" * 3_000, cause="c")
    failed = CheckResult(check="a.one", outcome=Outcome.FAILED, reason="r", findings=(finding,) * 400)
    text = written("summary.md", record_of([failed], [], None))
    assert 500_000 < len(text.encode()) < 1_000_000
    assert text.endswith("(cut: see report.html)\n")
