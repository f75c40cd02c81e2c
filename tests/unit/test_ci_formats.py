"""What CI systems read of findings: GitHub's annotations, GitLab's code quality report."""

from __future__ import annotations

import io
import json
import re
import urllib.parse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import CheckResult, Finding, FindingStatus, GateResult, Outcome, Severity, Verdict
from seatrial.core.plain import plain
from seatrial.record import Record, RunFailed, RunFinished
from seatrial.reporting import REPORTERS
from seatrial.reporting._annotations import MOST, Annotation
from seatrial.reporting._places import file_and_line

FINDING = Finding(
    check="a.b", severity=Severity.HIGH, title="broken", cause="c", operation="GET /a", location="app/a.py:7"
)
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=1, unit="count",
    status=Verdict.FAIL, reason="checks.failed is 1",
)  # fmt: skip
FINISHED = RunFinished(verdict=Verdict.PASS, reason="all 1 gates hold", duration_s=1.0)
BROKEN = RunFinished(verdict=Verdict.INCONCLUSIVE, reason="it broke", duration_s=1.0)
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:]*,?)*)::(.*)")


def record_of(*findings: Finding, gates: tuple[GateResult, ...] = ()) -> Record:
    """Return a record with one check that found these."""
    record = Record(Path(), finished=FINISHED)
    if findings:
        record.results["a.b"] = CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=findings)
    record.gates = list(gates)
    return record


def written(name: str, record: Record) -> str:
    """Return what a reporter writes."""
    stream = io.StringIO()
    REPORTERS[name](record, stream)
    return stream.getvalue()


def issues(*findings: Finding) -> list[dict[str, Any]]:
    """Return the code quality report of findings."""
    found: list[dict[str, Any]] = json.loads(written("gl-code-quality-report.json", record_of(*findings)))
    return found


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Return a workflow command as GitHub reads it: level, properties, message."""
    match = COMMAND.fullmatch(line)
    assert match, line
    words = dict(pair.split("=", 1) for pair in match[2].split(",") if pair)
    return (
        match[1],
        {name: urllib.parse.unquote(value) for name, value in words.items()},
        urllib.parse.unquote(match[3]),
    )


def test_a_finding_is_shown_at_its_line() -> None:
    """A broken gate comes first, then findings with file and line; what is waived or flaky is not shown."""
    hidden = (
        replace(FINDING, cause=str(status), status=status) for status in (FindingStatus.WAIVED, FindingStatus.FLAKY)
    )
    record = record_of(
        replace(FINDING, severity=Severity.LOW), *hidden, gates=(GATE, replace(GATE, status=Verdict.PASS))
    )
    gate, finding = map(read, written("annotations.txt", record).splitlines())
    assert gate == ("error", {"title": "gate checks.failed == 0"}, "checks.failed is 1")
    assert finding == ("notice", {"file": "app/a.py", "line": "7", "title": "a.b"}, "broken (GET /a)")


def test_what_is_not_decided_warns() -> None:
    """An inconclusive gate is a warning, and one that decides nothing only a notice."""
    gates = (replace(GATE, status=Verdict.INCONCLUSIVE), replace(GATE, informational=True))
    assert [read(line)[0] for line in written("annotations.txt", record_of(gates=gates)).splitlines()] == [
        "warning", "notice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failure": RunFailed(reason="it broke", exit_code=3), "finished": BROKEN}, "it broke"),
        ({"finished": BROKEN}, "it broke"),  # nothing was verified, and no gate minds
        ({"finished": None, "damage": "the record is damaged"}, "the record is damaged"),
        ({"damage": "the record is damaged"}, "the record is damaged"),  # behind the verdict
        ({"finished": None}, "the run ended before its verdict"),
    ],
)
def test_a_broken_run_is_told_first(changes: dict[str, Any], reason: str) -> None:
    """Where all gates pass and the run is no pass all the same, both formats say why, ahead of everything else."""
    record = record_of(FINDING, gates=(replace(GATE, status=Verdict.PASS), replace(GATE, informational=True)))
    for name, value in changes.items():
        setattr(record, name, value)
    run, *others = map(read, written("annotations.txt", record).splitlines())
    assert run == ("error", {"title": "run"}, reason)
    assert [words["title"] for _, words, _ in others] == ["a.b", "gate checks.failed == 0"]
    issue, other = json.loads(written("gl-code-quality-report.json", record))
    assert (issue["description"], issue["severity"], issue["check_name"]) == (reason, "blocker", "run")
    assert issue["location"] == {"path": "seatrial.toml", "lines": {"begin": 1}}
    assert issue["fingerprint"] != other["fingerprint"]


def test_a_gate_speaks_for_itself() -> None:
    """A verdict that a gate explains is not told twice."""
    record = record_of(gates=(GATE,))
    record.finished = RunFinished(verdict=Verdict.FAIL, reason="checks.failed is 1", duration_s=1.0)
    assert [read(line)[1]["title"] for line in written("annotations.txt", record).splitlines()] == [
        "gate checks.failed == 0"
    ]
    assert written("gl-code-quality-report.json", record) == "[]\n"


@given(st.lists(st.sampled_from(Severity), max_size=40))
def test_no_level_has_more_than_a_step_shows(severities: list[Severity]) -> None:
    """GitHub drops the eleventh: the tenth says how many there are besides, and none is lost from the count."""
    findings = tuple(replace(FINDING, severity=each, cause=str(n)) for n, each in enumerate(severities))
    found = [read(line) for line in written("annotations.txt", record_of(*findings)).splitlines()]
    assert max(Counter(level for level, _, _ in found).values(), default=0) <= MOST
    left = [int(number) for _, _, message in found for number in re.findall(r"^and (\d+) more", message)]
    assert len(found) - len(left) + sum(left) == len(findings)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_of_a_service_is_a_command(title: str, message: str) -> None:
    """Whatever a service answers stays in its line, and comes back as people may see it."""
    told = str(Annotation("error", title, message, "a.py", 3))
    assert "\n" not in told
    assert "\r" not in told
    level, words, said = read(told)
    assert (level, words["title"], said) == ("error", plain(title), plain(message))


def test_gitlab_has_what_it_wants() -> None:
    """Each issue has the fields that GitLab requires, a severity that it knows, and a fingerprint that is unique."""
    found = issues(
        *(replace(FINDING, severity=each, cause=each) for each in Severity),
        replace(FINDING, severity=Severity.INFO, cause="low"),
    )
    assert [issue["severity"] for issue in found] == [
        "blocker", "critical", "major", "minor", "info",
    ]  # fmt: skip
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    assert found[0]["location"] == {"path": "app/a.py", "lines": {"begin": 7}}
    assert {"description", "check_name", "fingerprint", "severity", "location"} == {
        key for issue in found for key in issue
    }
    assert issues(replace(FINDING, status=FindingStatus.WAIVED)) == issues() == []


@given(st.text(min_size=1), st.integers(0, 10**6))
def test_every_place_has_a_file_and_a_line(file: str, line: int) -> None:
    """File and line come back; without a line, or without a place, there is a first line all the same."""
    assert file_and_line(f"{file}:{line}") == (file, max(line, 1))
    assert file_and_line("compose.yml") == ("compose.yml", 1)
    assert file_and_line("") == ("seatrial.toml", 1)
