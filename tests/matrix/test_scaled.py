"""The reference stack with several api instances behind one address, on both drivers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
CONFIG = Path(__file__).parents[2] / "seatrial.scale.toml"
SUITES = ("posture", "deployment", "health", "tracing", "security", "ratelimit")
ARGUMENTS = ["--seed", "1", *(word for suite in SUITES for word in ("--only", suite))]


@pytest.mark.beside_one
def test_scaled_local_stack_passes(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Three processes behind a balancer pass, and each of them served requests."""
    ended = run_seatrial(["--stack", "local", *ARGUMENTS], tmp_path / "run", pool, config=CONFIG)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {"ratelimit.quota-exact", "ratelimit.store-down", "ratelimit.batch-counted"}
    assert "ratelimit.window-resets" in ended.checks("passed")
    logs = [(tmp_path / "run" / "logs" / f"api-{n}.log").read_text() for n in (1, 2, 3)]
    assert all('"path": "/api/v1/health"' in log for log in logs)
    assert "security.admin-spoof-ignored" in ended.checks("passed")


@pytest.mark.alone
@pytest.mark.long
def test_three_instances_are_exact_under_load(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """What they count together is exact in one moment, when they have all they can do, and after outages of Redis."""
    arguments = ["--stack", "local", "--seed", "1", "--only", "ratelimit", "--deep"]
    ended = run_seatrial(arguments, tmp_path / "run", pool, config=CONFIG)
    # Whether buckets are kept may stay open: while thousands come, one of 5 s refills faster than a client drains it.
    assert not ended.checks("failed"), ended.output
    assert ended.checks("inconclusive") <= {"ratelimit.buckets-kept"}, ended.output
    deep = {"ratelimit.burst-exact", "ratelimit.load-exact", "ratelimit.store-returns"}
    assert ended.checks("passed") >= deep, ended.output


@pytest.mark.alone
@pytest.mark.usefixtures("engine")
def test_scaled_compose_stack_passes(run_seatrial: Run, tmp_path: Path) -> None:
    """The same holds in containers behind nginx."""
    ended = run_seatrial(["--stack", "compose", *ARGUMENTS], tmp_path / "run", {}, config=CONFIG)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {"deployment.unprivileged", "ratelimit.quota-exact", "ratelimit.store-down"}
    assert ended.checks("passed") >= {"security.admin-spoof-ignored", "ratelimit.anonymous-by-address"}
    assert (tmp_path / "run" / "logs" / "nginx.log").stat().st_size > 0


@pytest.fixture
def refusing() -> Iterator[Path]:
    """Return the same configuration with the other policy, beside it, because its paths are relative."""
    text = CONFIG.read_text(encoding="utf-8").replace('store_down = "open"', 'store_down = "closed"')
    text = text.replace("[stack.environment]", '[stack.environment]\nRATE_LIMIT_STORE_DOWN = "closed"')
    config = CONFIG.with_name(f".seatrial-refusing-{os.getpid()}.toml")
    config.write_text(text, encoding="utf-8")
    yield config
    config.unlink()


@pytest.mark.beside_one
def test_the_other_policy_holds_too(refusing: Path, run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """A stack that refuses while nobody can count, and says so, passes."""
    arguments = ["--stack", "local", "--seed", "1", "--only", "ratelimit"]
    ended = run_seatrial(arguments, tmp_path / "run", pool, config=refusing)
    assert "ratelimit.store-down" in ended.checks("passed"), ended.output
    assert ended.exit_code == 0, ended.output
