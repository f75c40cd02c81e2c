"""`seatrial limits prove` on the reference stack: the suite alone, on the clean variant, as it was planned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEEP = {
    *("ratelimit.refusals-cheap", "ratelimit.noise-bounded", "ratelimit.burst-exact", "ratelimit.load-exact"),
    *("ratelimit.memory-bounded", "ratelimit.buckets-kept", "ratelimit.store-returns"),
}
NOT_PROMISED = {"ratelimit.store-down", "ratelimit.edge-bounded"}


def ask(*arguments: str, environment: Mapping[str, str]) -> tuple[int, Any]:
    """Run the command and return its exit code and the object that it prints."""
    words = [sys.executable, "-m", "seatrial", "limits", "prove", "--stack", "local", "--json", *arguments]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=200, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.beside_one
def test_the_reference_policy_is_proved_as_planned(pool: Mapping[str, str], tmp_path: Path) -> None:
    """Every claim but the deep ones is proved, in little more than a window, and by the requests that were planned."""
    _, planned = ask("--plan", environment={})
    code, found = ask("--seed", "1", "--out", str(tmp_path / "run"), environment=pool)
    assert (code, found["verdict"]) == (0, "pass"), found
    untested = {row["claim"] for row in found["claims"] if row["verdict"] == "NOT TESTED"}
    assert untested == DEEP | NOT_PROMISED
    assert {row["verdict"] for row in found["claims"]} == {"NOT TESTED", "PROVED"}
    for limit in planned["proof"]:
        cost = found["limits"][limit["name"]]
        assert cost["requests"] == limit["requests"] or cost["repeated"]
        assert cost["seconds"] < limit["window_s"] + 3
    events = [json.loads(line) for line in (tmp_path / "run" / "events.ndjson").read_text().splitlines()]
    assert [event["variant"] for event in events if event["type"] == "StackReady"] == ["clean"]
    assert {event["suite"] for event in events if event["type"] == "CheckPlanned"} == {"ratelimit"}
