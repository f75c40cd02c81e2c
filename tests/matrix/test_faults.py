"""A check is done when a seeded fault proves it: each fault trips exactly the checks that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.campaign import SUITES, fault_files, load_fault

Run = Callable[..., Any]
FAULTS = sorted(fault_files())
ON_LOCAL = [fault for fault in FAULTS if "local" in load_fault(fault).drivers]
ONLY_COMPOSE = [fault for fault in FAULTS if fault not in ON_LOCAL]
ON_COMPOSE = ("ratelimit-wrong-status", "posture-no-restart-policy", "jobs-never-finished", *ONLY_COMPOSE)
"""One in the api, one in the worker, one in the files: the ways into a container. All others: make test-full."""


def arguments(fault: str, driver: str) -> list[str]:
    """Return what runs just the suites that a fault concerns."""
    only = [word for suite in load_fault(fault).suites for word in ("--only", suite)]
    return ["--stack", driver, "--seed", "1", "--fault", fault, *only]


@pytest.mark.parametrize("fault", ON_LOCAL)
def test_fault_trips_its_checks_alone(fault: str, run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """On the local stack a fault fails its own check and those it implies, no other, and the run ends with 1."""
    seeded = load_fault(fault)
    ended = run_seatrial(arguments(fault, "local"), tmp_path / "run", pool)
    assert ended.checks("failed") == {seeded.trips, *seeded.implies}, ended.output
    assert ended.checks("inconclusive") == set(), ended.output
    assert (ended.exit_code, ended.verdict["verdict"], ended.verdict["fault"]) == (1, "fail", fault)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("fault", ON_COMPOSE)
def test_fault_trips_its_checks_on_compose(fault: str, run_seatrial: Run, tmp_path: Path) -> None:
    """The same holds inside containers built from the unchanged Dockerfile."""
    seeded = load_fault(fault)
    ended = run_seatrial(arguments(fault, "compose"), tmp_path / "run", {})
    assert ended.checks("failed") == {seeded.trips, *seeded.implies}, ended.output
    assert ended.exit_code == 1


def test_clean_local_stack_passes(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Without a fault every suite passes on the local stack, and every report is there."""
    ended = run_seatrial(["--stack", "local", "--seed", "1"], tmp_path / "run", pool)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {load_fault(fault).trips for fault in ON_LOCAL}
    for name in ("report.html", "junit.xml", "summary.md", "events.ndjson", "coverage/coverage.xml", "logs/api.log"):
        assert (tmp_path / "run" / name).stat().st_size > 0, name


@pytest.mark.usefixtures("engine")
def test_clean_compose_stack_passes(run_seatrial: Run, tmp_path: Path) -> None:
    """Without a fault every suite passes on compose; only clients without a token cannot be told apart there."""
    ended = run_seatrial(["--stack", "compose", "--seed", "1"], tmp_path / "run", {})
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("not-tested") == {"ratelimit.anonymous-by-address"}
    assert ended.verdict["coverage"]["lines_percent"] > 0


def test_each_suite_has_a_fault() -> None:
    """Every suite that judges the product's behaviour is proved by some fault; the others are named here."""
    proved = {load_fault(fault).trips.split(".")[0] for fault in FAULTS}
    assert set(SUITES) - proved == {"coverage", "load"}
