"""The reference stack with limits whose windows slide: the clean twin of the fault whose window has edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
CONFIG = Path(__file__).parents[2] / "seatrial.sliding.toml"


def test_windows_that_slide_are_proved(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Nothing is refuted of a log: its quota is exact, and its edges admit no more."""
    arguments = ["--stack", "local", "--seed", "1", "--only", "ratelimit"]
    ended = run_seatrial(arguments, tmp_path / "run", pool, config=CONFIG)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("passed") >= {
        *("ratelimit.quota-exact", "ratelimit.edge-bounded", "ratelimit.window-resets", "ratelimit.headers-truthful"),
        *("ratelimit.refusals-free", "ratelimit.retry-after-honoured"),
    }
