"""The action for GitHub and the job for GitLab: valid by their published schemas, and their steps run for real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from seatrial.core import GateResult, Verdict
from seatrial.record import OWNED, GateJudged, RunFinished, RunStarted
from seatrial.reporting import REPORTERS, write_reports

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
JOB = yaml.safe_load((ROOT / "ci" / "gitlab" / "seatrial.yml").read_text(encoding="utf-8"))["seatrial"]
STEPS = ROOT / "ci" / "github"
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=1, unit="count",
    status=Verdict.FAIL, reason="checks.failed is 1",
)  # fmt: skip
GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in *--jq*) printf '%s' "$FOUND";; *) exit "${REFUSED:-0}";; esac
"""
"""In place of GitHub's client, of which a test has no account: it notes what it was told, and finds comments."""


def step(name: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as GitHub does, with the programs of this environment."""
    path = os.pathsep.join([str(cwd), str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, **environment}
    return subprocess.run(
        [STEPS / name], cwd=cwd, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return the report of a run that failed."""
    started = RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7)
    ended = RunFinished(verdict=Verdict.FAIL, reason="checks.failed is 1", duration_s=1.0)
    folder = tmp_path / "a report"
    folder.mkdir()
    events = (started, GateJudged(gate=GATE), ended)
    (folder / "events.ndjson").write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
    write_reports(folder)
    return folder


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", "action.yml"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("gitlab-ci", "ci/gitlab/seatrial.yml"),
    ],
)
def test_files_for_ci_keep_to_their_schemas(schema: str, file: str) -> None:
    """The schemas are those of SchemaStore, as a package has them: nothing is fetched."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_knows_what_it_names() -> None:
    """Every step that runs a script has it, and every input is used: no expression stands within a shell line."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    scripts = re.findall(r"\$GITHUB_ACTION_PATH/(ci/github/\w+)", text)
    assert sorted(scripts) == sorted(str(file.relative_to(ROOT)) for file in STEPS.iterdir())
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)
    assert set(re.findall(r"inputs\.(\w+)", text)) == set(ACTION["inputs"])
    assert not [step for step in ACTION["runs"]["steps"] if "${{" in step.get("run", "")]


def test_the_exit_code_is_the_jobs_and_all_else_happens_all_the_same() -> None:
    """Nothing stands between the run and the status; what shows and keeps its report runs whatever it ended with."""
    steps = ACTION["runs"]["steps"]
    (number,) = (n for n, each in enumerate(steps) if each.get("name") == "Run the gate")
    assert steps[number]["run"].startswith("exec seatrial run ")
    assert not [each for each in steps if "continue-on-error" in each]
    assert all(str(each["if"]).startswith("always()") for each in steps[number + 1 :])
    assert "allow_failure" not in JOB
    assert JOB["artifacts"]["when"] == "always"


def test_gitlab_reads_files_that_a_run_writes() -> None:
    """Each report that the job hands over is one of a run's."""
    reports = JOB["artifacts"]["reports"]
    files = [reports["junit"], reports["codequality"], reports["coverage_report"]["path"]]
    assert {file.split("/")[1] for file in files} <= set(OWNED)
    assert {"junit.xml", "gl-code-quality-report.json"} <= set(REPORTERS)


def test_the_workflow_uses_the_action() -> None:
    """Our own gate is that of everybody, with the wheel that was built."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    (used,) = (each for each in workflow["jobs"]["gate"]["steps"] if each.get("uses") == "./")
    assert set(used["with"]) <= set(ACTION["inputs"])


def show(report: Path, **more: str) -> tuple[str, str, str]:
    """Run the step that shows a report; return its outputs, the summary of the step and what it printed."""
    output, summary = report.parent / "output", report.parent / "step"
    output.touch()
    summary.touch()
    done = step(
        "show", report.parent, REPORT=report.name, GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(summary), **more
    )
    assert done.returncode == 0, done.stderr
    return output.read_text(), summary.read_text(), done.stdout


def test_a_report_is_shown_with_the_job(report: Path) -> None:
    """Summary, annotations and outputs are those of the run."""
    output, summary, printed = show(report)
    assert output == "keep=yes\nverdict=fail\nexit-code=1\n"
    assert summary == (report / "summary.md").read_text()
    assert printed == (report / "annotations.txt").read_text()
    assert "::error title=gate checks.failed == 0::" in printed


def test_a_report_with_a_secret_is_shown_nowhere(report: Path) -> None:
    """Nothing of one that nobody may see reaches GitHub's files, and so it is not uploaded either."""
    verdict = report / "verdict.json"
    verdict.write_text(verdict.read_text().replace("checks.failed is 1", "a secret [secret-left]"))
    output, summary, printed = show(report)
    assert (output, summary) == ("", "")
    assert printed.startswith("::warning::")
    verdict.unlink()
    assert show(report)[:2] == ("", "")


@pytest.mark.parametrize(("against", "said"), [("a report", ""), ("none", "::warning::")])
def test_the_comment_tells_what_changed(report: Path, against: str, said: str) -> None:
    """An earlier run is compared; one that is not there is no reason to fail."""
    output, _, printed = show(report, AGAINST=against)
    assert output.startswith("keep=yes")
    assert printed.startswith(said)
    assert ("(before: fail)" in (report / "comment.md").read_text()) is (not said)


@pytest.mark.parametrize(
    ("found", "call"), [("", "POST repos/o/r/issues/7/comments"), ("11\n12", "PATCH repos/o/r/issues/comments/11")]
)
def test_one_comment_is_written_anew(report: Path, found: str, call: str) -> None:
    """Where the pull request has a comment of ours that one is changed; else there is a new one."""
    gh = report.parent / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    calls = report.parent / "calls"
    done = step(
        "comment", report.parent, REPORT=report.name, NUMBER="7", GITHUB_REPOSITORY="o/r", FOUND=found, CALLS=str(calls)
    )
    assert done.returncode == 0, done.stderr
    look, write = calls.read_text().splitlines()
    assert 'startswith("<!-- seatrial -->")' in look
    assert write == f"api --silent --method {call} --field body=@a report/comment.md"


@pytest.mark.parametrize(
    ("package", "code", "said"),
    [
        ("", 0, f"{ROOT}[embedded]"),
        ("dist/*.whl", 0, "/dist/a.whl[embedded]"),
        ("dist", 0, "/dist[embedded]"),  # a bare name would be one of the index
        ("none/*.whl", 2, "has to be one file"),
        ("none", 2, "has to be one file"),
    ],
)
def test_what_is_named_is_installed(tmp_path: Path, package: str, code: int, said: str) -> None:
    """The action's own sources, or the one file that a pattern names; a pattern of none is a mistake."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "a.whl").touch()
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')  # what would be installed, without a minute of it
    python.chmod(0o755)
    done = step("install", tmp_path, PACKAGE=package, REPORT="report")
    assert done.returncode == code, done.stderr
    assert said in done.stdout


def test_an_earlier_verdict_is_not_that_of_a_run_that_never_began(report: Path) -> None:
    """A second run in the same place that is refused has nothing to show: what stands there is the first one's."""
    python = report.parent / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    assert step("install", report.parent, PACKAGE="", REPORT=report.name).returncode == 0
    python.unlink()
    assert show(report)[:2] == ("", "")
    assert (report / "events.ndjson").exists()


@pytest.mark.parametrize("found", ["", "11"])
def test_a_comment_that_may_not_be_written_decides_nothing(report: Path, found: str) -> None:
    """A pull request from a fork has no right to it: the job is warned, and ends as its verdict says."""
    gh = report.parent / "gh"
    gh.write_text(GH)
    gh.chmod(0o755)
    calls = str(report.parent / "calls")
    names = {"NUMBER": "7", "GITHUB_REPOSITORY": "o/r", "CALLS": calls}
    done = step("comment", report.parent, REPORT=report.name, FOUND=found, REFUSED="1", **names)
    assert (done.returncode, done.stdout[:11]) == (0, "::warning::"), done.stderr


@pytest.mark.parametrize(("verdict", "kept"), [("{}", True), ('"[secret-left]"', False), ("", False)])
def test_gitlab_keeps_nothing_that_nobody_looked_through(tmp_path: Path, verdict: str, kept: bool) -> None:
    """A run that was killed before its verdict has not looked for secrets: neither it nor one with a secret stays."""
    folder = tmp_path / "seatrial-report"
    folder.mkdir()
    (folder / "events.ndjson").touch()
    if verdict:
        (folder / "verdict.json").write_text(verdict)
    subprocess.run(["sh", "-ec", JOB["after_script"][0]], cwd=tmp_path, timeout=60, check=True)
    assert folder.exists() is kept
