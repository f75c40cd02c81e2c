"""Kill `seatrial run` with SIGKILL at random moments, and print what is left of it.

    python tests/benchmarks/kill_nine.py [--stack local] [--times 10] [--seed 1]

Exits 1 when anything is left 30 s later, or when the record does not parse up to its last whole line.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from seatrial.record import read_events
from seatrial.stack import leftovers

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
LONGEST_S = {"local": 26.0, "compose": 30.0}


def kill_one(stack: str, after_s: float, out: Path) -> tuple[str, float, int]:
    """Kill one run after so many seconds; return its id, the seconds until nothing was left, and its events."""
    command = [sys.executable, "-m", "seatrial", "run", "--stack", stack, "--out", str(out)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    child.kill()
    child.wait()
    began = time.monotonic()
    events = list(read_events(out)) if (out / "events.ndjson").exists() else []
    run = getattr(events[0], "run", "") if events else ""
    while run in leftovers(kept=True) and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.1)
    return run, time.monotonic() - began, len(events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill as often as asked and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="local", choices=list(LONGEST_S))
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    moments = random.Random(chosen.seed)  # noqa: S311 - repeatable on purpose
    bad = 0
    for number in range(chosen.times):
        after_s = moments.uniform(0.5, LONGEST_S[chosen.stack])
        with tempfile.TemporaryDirectory() as folder:
            run, seconds, events = kill_one(chosen.stack, after_s, Path(folder) / "run")
        left = run in leftovers(kept=True)
        bad += left
        state = "LEFT SOMETHING" if left else f"nothing left after {seconds:.1f} s"
        print(f"{number + 1:3}  killed after {after_s:5.1f} s  {events:5} events parse  {state}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
