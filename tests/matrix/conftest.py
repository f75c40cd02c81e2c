"""Whole runs of the product, from outside: one warm pool of servers for all of a worker's runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from seatrial.campaign import fault_files, load_fault
from seatrial.stack import ServerPool

ROOT = Path(__file__).parents[2]
PATIENCE_S, DEEP_S = 300, 900
"""A deep stage alone may take 240 s for each of three limits before the product ends it."""

FEWER_PER_MINUTE = "30"


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that came to its end."""

    exit_code: int
    output: str
    verdict: Mapping[str, Any]

    def checks(self, outcome: str) -> set[str]:
        """Return the checks that ended so."""
        return {result["check"] for result in self.verdict["outcomes"] if result["outcome"] == outcome}


@pytest.fixture(scope="session")
def pool() -> Iterator[Mapping[str, str]]:
    """Start one PostgreSQL and one Valkey; a run leases a database of its own."""
    started = ServerPool.start()
    yield started.environment()
    started.stop()


@pytest.fixture(scope="session")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what makes settings without a worker; those for the limiter prove it with half of its quota too."""

    def write(configuration: str, *, limiter: bool) -> Path:
        root = tmp_path_factory.mktemp("lean")
        for name in ("fixtures", "suites", "contracts", "load"):
            (root / name).symlink_to(ROOT / name)
        settings = tomllib.loads((ROOT / configuration).read_text(encoding="utf-8"))
        stack = settings["stack"]
        if limiter:
            stack["profile"]["quick"]["environment"]["RATE_LIMIT_PER_MINUTE"] = FEWER_PER_MINUTE
        stack["services"].remove("worker")
        del stack["local"]["services"]["worker"], stack["applications"]["worker"]
        (root / configuration).write_text(tomli_w.dumps(settings), encoding="utf-8")
        return root / configuration

    return write


@pytest.fixture
def run_seatrial() -> Callable[..., Ended]:
    """Return a function that runs the product."""
    return _run


def _run(
    arguments: Sequence[str], out: Path, environment: Mapping[str, str], *, config: Path = ROOT / "seatrial.toml"
) -> Ended:
    """Run the product and return how it ended, with its verdict."""
    command = [sys.executable, "-m", "seatrial", "run", *arguments, "--out", str(out)]
    done = subprocess.run(
        [*command, "--config", str(config)],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEEP_S if goes_deep(arguments) else PATIENCE_S,
        check=False,
    )
    output = done.stdout + done.stderr
    verdict = out / "verdict.json"
    assert verdict.is_file(), output
    return Ended(done.returncode, output, json.loads(verdict.read_text()))


def goes_deep(arguments: Sequence[str]) -> bool:
    """Return whether a run has a deep stage, which some of the shipped faults switch on."""
    faults = {value for word, value in pairwise(arguments) if word == "--fault"}
    return "--deep" in arguments or any(load_fault(fault).deep for fault in faults & fault_files().keys())
