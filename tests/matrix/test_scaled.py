"""The reference stack with several api instances behind one address, on both drivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
CONFIG = Path(__file__).parents[2] / "seatrial.scale.toml"
SUITES = ("posture", "deployment", "health", "tracing", "security", "ratelimit")
ARGUMENTS = ["--seed", "1", *(word for suite in SUITES for word in ("--only", suite))]


def test_scaled_local_stack_passes(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Three processes behind a balancer pass, and each of them served requests."""
    ended = run_seatrial(["--stack", "local", *ARGUMENTS], tmp_path / "run", pool, config=CONFIG)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {"ratelimit.quota-exact", "ratelimit.store-down", "ratelimit.batch-counted"}
    assert ended.checks("not-tested") >= {"ratelimit.window-resets"}
    logs = [(tmp_path / "run" / "logs" / f"api-{n}.log").read_text() for n in (1, 2, 3)]
    assert all('"path": "/api/v1/health"' in log for log in logs)
    assert "security.admin-spoof-ignored" in ended.checks("passed")


@pytest.mark.usefixtures("engine")
def test_scaled_compose_stack_passes(run_seatrial: Run, tmp_path: Path) -> None:
    """The same holds in containers behind nginx."""
    ended = run_seatrial(["--stack", "compose", *ARGUMENTS], tmp_path / "run", {}, config=CONFIG)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {"deployment.unprivileged", "ratelimit.quota-exact", "ratelimit.store-down"}
    assert (tmp_path / "run" / "logs" / "nginx.log").stat().st_size > 0
