"""Coverage of shards is that of the whole: their load has its lines, and a git base is named once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from measured import CONFIG, LOADED, NEVER, lay_out

LOAD = """
[load.some]
paths = ["/loaded"]
rate_per_s = 10
duration_s = { quick = 0.5 }
[load.some.objectives]
error_ratio = "<= 0"
"""
PATIENCE_S = 120
FILE = "svc/app/answers.py"


def git(folder: Path, *words: str) -> None:
    """Do something in a repository."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def seatrial(project: Path, *words: str) -> str:
    """Run a command of a machine of its own, and return what it said; it ends well."""
    command = [sys.executable, "-m", "seatrial", *words]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(file: Path) -> Any:
    """Return what JSON says."""
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose shards ran, one with load, the other with what is measured, by a git base."""
    root = tmp_path_factory.mktemp("project")
    config = CONFIG.replace('"checks.inconclusive == 0"', '"coverage.patch >= 50 %"') + LOAD
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "commit", "--quiet", "--allow-empty", "--message=begun")
    git(root, "checkout", "--quiet", "-b", "work")
    lay_out(root, config, suites=("test_load.py",))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=written")
    for number in (1, 2):
        words = ["run", "--stack", "local", "--shard", f"{number}/2", "--patch-base", "main"]
        seatrial(root, *words, "--out", f"shard-{number}")
    return root


def test_shards_have_a_git_base_and_lines_of_load(project: Path) -> None:
    """Whoever merges names no base; what load reaches is its own, though the shard with load counts no lines."""
    seatrial(project, "merge", "shard-1", "shard-2", "--out", "merged")
    verdict = read(project / "merged" / "verdict.json")
    gate = next(gate for gate in verdict["gates"] if gate["metric"] == "coverage.patch")
    assert gate["status"] == "pass"
    patch = next(each for each in read(project / "merged/coverage/patch.json")["files"] if each["file"] == FILE)
    assert patch["uncovered"] == NEVER
    assert read(project / "merged/coverage/attribution.json")["files"][FILE][str(LOADED)] == ["load"]


def test_a_base_without_changes_leaves_nothing_to_measure(project: Path) -> None:
    """That is told of all shards together, whatever each said, and fails nothing."""
    git(project, "branch", "begun", "main")
    git(project, "branch", "--force", "main", "work")
    seatrial(project, "merge", "shard-1", "shard-2", "--out", "nothing")
    git(project, "branch", "--force", "main", "begun")
    verdict = read(project / "nothing" / "verdict.json")
    assert {gate["metric"]: gate["status"] for gate in verdict["gates"]} == {
        "checks.failed": "pass",
        "coverage.patch": "nothing-to-measure",
    }


def test_a_git_base_that_is_not_there_is_refused_where_shards_are_merged(project: Path) -> None:
    """Before anything is written; the remedy is about the base."""
    git(project, "branch", "--move", "main", "gone")
    try:
        command = [sys.executable, "-m", "seatrial", "merge", "shard-1", "shard-2", "--out", "refused"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    finally:
        git(project, "branch", "--move", "gone", "main")
    assert (done.returncode, "[patch-base-unknown]" in done.stderr) == (2, True), done.stderr
    assert not (project / "refused").exists()
