"""`seatrial compare`: two runs that are over, by their ids or folders; whatever differs, it decides nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seatrial.cli import commands
from seatrial.core import CheckResult, Finding, Outcome, SeatrialError, Severity, Verdict
from seatrial.record import EVENTS, CheckFinished, CheckPlanned, Recorder, RunFinished, RunStarted

EVIL = "\x1b[2J<b>broken</b>"
FINDING = Finding(check="a.b", severity=Severity.HIGH, title=EVIL, cause="c", operation="GET /a")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project of which two runs are over, the second of which found something, and is the latest."""
    (tmp_path / "seatrial.toml").write_text("")
    runs = tmp_path / ".seatrial" / "runs"
    for name, findings in (("one", ()), ("two", (FINDING,))):
        write_run(runs / name, *findings)
    (tmp_path / ".seatrial" / "latest").symlink_to("runs/two")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_run(folder: Path, *findings: Finding) -> None:
    """Write the record of a run of one check, which failed where there are findings."""
    folder.mkdir(parents=True)
    outcome, verdict = (Outcome.FAILED, Verdict.FAIL) if findings else (Outcome.PASSED, Verdict.PASS)
    with Recorder(folder) as recorder:
        recorder.emit(
            RunStarted(
                run=folder.name, version="1", started="now", stack="local", why_stack="", profile="quick", seed=1
            )
        )
        recorder.emit(CheckPlanned(check="a.b", title="t", suite="a", severity="high"))
        reason = "it is" if findings else ""
        recorder.emit(CheckFinished(result=CheckResult(check="a.b", outcome=outcome, reason=reason, findings=findings)))
        recorder.emit(RunFinished(verdict=verdict, reason="so it is", duration_s=1.0))


def compare(*words: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(commands, ["compare", *words], standalone_mode=False)


def refused(*words: str) -> SeatrialError:
    """Return why the command refuses."""
    error = compare(*words).exception
    assert isinstance(error, SeatrialError)
    return error


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", [("one",), ("one", "latest"), (".seatrial/runs/one", "two")])
def test_runs_are_named_as_everywhere(words: tuple[str, ...]) -> None:
    """By id or folder, the latest where none is named; a failure is told, and decides nothing."""
    done = compare(*words)
    assert (done.return_value, done.exception) == (0, None)
    lines = done.output.splitlines()
    assert lines[:2] == ["base       one  pass: so it is", "candidate  two  fail: so it is"]
    assert "findings: 1 new" in lines
    assert "  a.b: passed -> failed (it is)" in lines


@pytest.mark.usefixtures("project")
def test_nothing_colours_what_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where rich is told to; and what a service says no terminal obeys."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = compare("one")
    assert "\x1b" not in done.output
    assert "\\x1b[2J<b>broken</b>" in done.output


@pytest.mark.usefixtures("project")
def test_the_other_way_round_it_is_fixed() -> None:
    """As JSON: one object, and nothing else."""
    found = json.loads(compare("two", "one", "--json").output)
    assert found["schema"] == "urn:seatrial:run-compare:1"
    assert [(each["state"], each["title"]) for each in found["findings"]] == [("fixed", EVIL)]


def test_a_page_is_written(project: Path) -> None:
    """What a service says is text in it; nothing else than a page is written over."""
    done = compare("one", "--out", "c.html")
    assert (done.return_value, done.output.splitlines()[-1]) == (0, "page: c.html")
    page = (project / "c.html").read_text()
    assert "&lt;b&gt;broken&lt;/b&gt;" in page
    assert "<b>broken" not in page
    (project / "precious").write_text("x")
    for out in ("precious", "."):
        assert (refused("one", "--out", out).slug, refused("one", "--out", out).exit_code) == ("arguments-invalid", 2)
    assert (project / "precious").read_text() == "x"
    assert refused("one", "--out", "no/such/folder/c.html").slug == "report-unwritable"


def test_what_is_no_run_is_told(project: Path) -> None:
    """What is nowhere is wrong usage; a run that was torn, or is empty, is compared, and said to be so."""
    for named in (("three",), ("three", "one"), ("one", "three")):
        assert (refused(*named).slug, refused(*named).exit_code) == ("run-unknown", 2)
    (project / "empty").mkdir()
    assert (refused("empty").slug, refused("empty").exit_code) == ("record-missing", 3)
    events = project / ".seatrial" / "runs" / "two" / EVENTS
    for text, words in (
        (events.read_text()[:-7], "the run ended before its verdict"),
        ('{"type": "FromTheFuture"}\n', "the record is damaged"),
        ("", "the run ended before its verdict"),
    ):
        events.write_text(text)
        done = compare("one", "two")
        assert (done.return_value, done.exception) == (0, None)
        assert "note:      the candidate is not whole" in done.output
        assert words in done.output
