"""Print the figures that the speed goals ask for; nothing here judges them.

    python tests/benchmarks/speed.py [--times 5] [--stack local] [--stack compose] [--full]

Each figure is measured from outside, as a whole process: minimum, median and maximum in seconds. With `--full` there is
one run of the full profile on each stack, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = [sys.executable, "-m", "seatrial"]


def timed(command: Sequence[str]) -> tuple[float, int]:
    """Run a command and return its seconds and exit code."""
    began = time.perf_counter()
    done = subprocess.run(list(command), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began, done.returncode


def show(name: str, seconds: Sequence[float], note: str = "") -> None:
    """Print one figure."""
    spread = f"min {min(seconds):6.2f}  median {statistics.median(seconds):6.2f}  max {max(seconds):6.2f}"
    print(f"{name:<44} {spread}  n={len(seconds)}  {note}")


def measure_help(times: int) -> None:
    """Measure how long `--help` takes."""
    show("seatrial --help", [timed([*PRODUCT, "--help"])[0] for _ in range(times)])


def measure_runs(stack: str, times: int, profile: str = "quick") -> None:
    """Measure whole runs of a profile, and how long the stack took in each."""
    whole, ready, codes = [], [], []
    for _ in range(times):
        out = Path(tempfile.mkdtemp(prefix="seatrial-speed-"))
        seconds, code = timed([*PRODUCT, "run", "--stack", stack, "--profile", profile, "--out", str(out)])
        whole.append(seconds)
        codes.append(code)
        events = [json.loads(line) for line in (out / "events.ndjson").read_text().splitlines()]
        ready += [e["duration_s"] for e in events if e["type"] == "StackReady" and e["variant"] == "instrumented"]
        shutil.rmtree(out)
    show(f"run --stack {stack} --profile {profile}", whole, f"exit codes {codes}")
    show(f"  of it: {stack} stack ready (instrumented)", ready)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--stack", action="append", choices=["local", "compose"])
    parser.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    measure_help(chosen.times)
    for stack in chosen.stack or ["local"]:
        timed([*PRODUCT, "run", "--stack", stack, "--only", "health"])  # warm: environments, images, caches
        measure_runs(stack, chosen.times)
        if chosen.full:
            measure_runs(stack, 1, "full")


if __name__ == "__main__":
    main()
