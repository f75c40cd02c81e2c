"""Kill `seatrial run` with SIGKILL at random moments, and print what is left of it.

    python tests/benchmarks/kill_nine.py [--stack local] [--times 10] [--seed 1]

Looks without the product's own code: for processes, folders, containers, networks and volumes of the killed process.
Exits 1 when anything is left 30 s later, when the record does not parse up to its last whole line, when a run ended
before it was killed, or when no kill met anything that could have been left.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "support"))

from leavings import await_gone, left_of  # noqa: E402 - found by the line above

PATIENCE_S = 30.0
EARLIEST_S = 0.5
SHOWN = 2000
LATEST_S = {"local": 26.0, "compose": 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """One kill: what there was when it struck, what was left in the end, and what the record held.

    `last` is what a run said that ended before.
    """

    alive: bool
    last: str
    had: int
    left: Sequence[str]
    seconds: float
    lines: int
    damage: str

    @property
    def problem(self) -> str:
        """Return what is wrong with it, empty for nothing."""
        if not self.alive:
            return f"ENDED BEFORE IT WAS KILLED: {self.last}"
        return f"LEFT {', '.join(self.left)}" if self.left else self.damage


def kill_one(stack: str, after_s: float, out: Path) -> Killed:
    """Kill one run after so many seconds, and look for what is left of it."""
    command = [sys.executable, "-m", "seatrial", "run", "--stack", stack, "--out", str(out)]
    said = out.with_name("said.txt")
    with said.open("w") as stream:
        child = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream)
    time.sleep(after_s)
    had = left_of(child.pid)
    alive = child.poll() is None
    child.kill()
    child.wait()
    began = time.monotonic()
    left = await_gone(child.pid, patience_s=PATIENCE_S)
    seconds = time.monotonic() - began
    lines, damage = parse(out / "events.ndjson")
    last = said.read_text()[-SHOWN:]
    return Killed(alive=alive, last=last, had=len(had), left=left, seconds=seconds, lines=lines, damage=damage)


def parse(path: Path) -> tuple[int, str]:
    """Return how many whole lines a record has, and what is wrong with the first that is no event."""
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for number, line in enumerate(whole, 1):
        try:
            event = json.loads(line)
        except ValueError as error:
            return number, f"LINE {number} DOES NOT PARSE: {error}"
        if "type" not in event:
            return number, f"LINE {number} IS NO EVENT"
    return len(whole), ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill as often as asked and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="local", choices=list(LATEST_S))
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latest", type=float, metavar="S", help="the latest moment (26 s on local, 30 s on compose)")
    chosen = parser.parse_args(arguments)
    moments = random.Random(chosen.seed)  # noqa: S311 - repeatable on purpose
    kills: list[Killed] = []
    for number in range(1, chosen.times + 1):
        after_s = moments.uniform(EARLIEST_S, chosen.latest or LATEST_S[chosen.stack])
        with tempfile.TemporaryDirectory() as folder:
            killed = kill_one(chosen.stack, after_s, Path(folder) / "run")
        kills.append(killed)
        state = killed.problem or f"nothing left after {killed.seconds:.1f} s"
        print(
            f"{number:3}  killed after {after_s:5.1f} s  had {killed.had:3}  {killed.lines:5} lines  {state}",
            flush=True,
        )
    if not any(killed.had for killed in kills):
        print("no kill met anything: nothing was proved")
    return int(any(killed.problem for killed in kills) or not any(killed.had for killed in kills))


if __name__ == "__main__":
    sys.exit(main())
