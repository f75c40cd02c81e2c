"""The scenarios of the full profile: each holds on a clean stack, and each of their faults fails what it names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial.campaign import fault_files, load_fault

ROOT = Path(__file__).parents[2]
FAULTS = [fault for fault in sorted(fault_files()) if load_fault(fault).scenarios]
ALL = ("limits", "spike", "breakpoint", "jobs", "soak")
PATIENCE_S = 300

pytestmark = [pytest.mark.alone, pytest.mark.long]


def loaded(scenarios: Sequence[str], out: Path, environment: Mapping[str, str], *more: str) -> tuple[int, Any, str]:
    """Return exit code, verdict and output of a full load."""
    chosen = [word for scenario in scenarios for word in ("--scenario", scenario)]
    command = [sys.executable, "-m", "seatrial", "load", "full", "--stack", "local", "--seed", "1", *chosen, *more]
    done = subprocess.run(
        [*command, "--out", str(out)], env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return done.returncode, json.loads((out / "verdict.json").read_text(encoding="utf-8")), done.stdout + done.stderr


def ended(verdict: Any, outcome: str) -> set[str]:
    """Return the checks that ended so."""
    return {result["check"] for result in verdict["outcomes"] if result["outcome"] == outcome}


@pytest.mark.parametrize("scenario", ALL)
def test_a_clean_stack_holds(scenario: str, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Nothing of it fails or stays undecided, and it leaves what is to be looked at."""
    code, verdict, output = loaded([scenario], tmp_path / "run", pool)
    assert (code, ended(verdict, "failed") | ended(verdict, "inconclusive")) == (0, set()), output
    assert f"load.{scenario}-objectives" in ended(verdict, "passed")
    for name in ("stats.json", "seconds.csv", "openmetrics.txt", "requests.csv"):
        assert (tmp_path / "run" / "load" / scenario / name).stat().st_size > 0, name


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_trips_its_checks_alone(fault: str, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Exactly those that it names fail."""
    seeded = load_fault(fault)
    code, verdict, output = loaded(seeded.scenarios, tmp_path / "run", pool, "--fault", fault)
    assert (code, ended(verdict, "failed")) == (1, {seeded.trips, *seeded.implies}), output
    assert ended(verdict, "inconclusive") == set(), output
