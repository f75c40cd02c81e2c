"""Whatever kills the harness, nothing stays behind, and the record parses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kill_nine.py"
PATIENCE_S = 400


def killed(stack: str, times: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Kill some runs at random moments."""
    command = [sys.executable, str(SCRIPT), "--stack", stack, "--times", str(times), "--seed", str(seed)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_killed_local_runs_leave_nothing() -> None:
    """Kill -9 at two random moments leaves no process and no folder of the run."""
    done = killed("local", 2, seed=7)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("nothing left") == 2


@pytest.mark.usefixtures("engine")
def test_killed_compose_run_leaves_nothing() -> None:
    """Kill -9 leaves no container, network or volume of the run."""
    done = killed("compose", 1, seed=7)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("nothing left") == 1
