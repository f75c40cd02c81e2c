"""What is declared and cannot be tried from here is not tested, and never passed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
CONFIG = Path(__file__).parents[2] / "seatrial.toml"


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Return the configuration of a stack that administrators of another network reach alone, beside the usual one."""
    text = CONFIG.read_text(encoding="utf-8")
    declared = 'admin_from = ["127.77.0.1", "127.88.8.0/24", "2001:db8:ad::/48"]'
    assert declared in text
    config = CONFIG.with_name(f".seatrial-elsewhere-{os.getpid()}.toml")
    config.write_text(text.replace(declared, 'admin_from = ["10.0.0.0/8"]'), encoding="utf-8")
    yield config
    config.unlink()


def test_administration_that_nobody_asked_has_not_passed(
    elsewhere: Path, run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path
) -> None:
    """Users' requests pass all the same; of administration the verdict says that it was not tested, and why."""
    arguments = ["--stack", "local", "--seed", "1", "--only", "health"]
    ended = run_seatrial(arguments, tmp_path / "run", pool, config=elsewhere)
    assert ended.checks("not-tested") == {"health.administration-answered"}, ended.output
    assert ended.checks("passed") >= {"health.requests-bounded", "health.outage-answered", "health.requests-recover"}
    (told,) = [one for one in ended.verdict["outcomes"] if one["check"] == "health.administration-answered"]
    assert "admin_from has no address of 127.0.0.0/8" in told["reason"]
