"""Compare a small service with itself and with one that takes 10 % longer, again and again, and print what was said.

    python tests/benchmarks/paired.py [--times 10] [--kind same|slower] [--rate 90] [--burst 2] [--seed 1]
                                      [--record FILE.csv]

Each comparison is a whole one: two processes of their own, warm-up, pairs until a look decides. Exits 1 when one of a
service with itself fails, or one of the slower service does not. With --record, what the bursts of the first six pairs
brought, which are there however it ends, is added to a file from which tests draw.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.campaign import ROLES, Comparison, Task, compare
from seatrial.config import ScenarioSettings, Settings, StackSettings
from seatrial.swarm.compare import LOOKS

SERVICE = Path(__file__).parents[1] / "support" / "timed_service.py"
TAKES_MS = 50.0
KINDS = {"same": 1.0, "slower": 1.1}
WANTED = {"same": ("pass", "inconclusive"), "slower": ("fail",)}
RECORDED = ("p50", "p95")


@contextlib.contextmanager
def service(takes_ms: float) -> Iterator[str]:
    """Run the service, and yield where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, str(SERVICE), str(port), str(takes_ms), "random"]) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def run_once(kind: str, chosen: argparse.Namespace, seed: int) -> Comparison:
    """Start both, compare them, and end both."""
    scenario = ScenarioSettings(
        paths=("/",), rate_per_s=chosen.rate, duration_s={"quick": chosen.burst}, deadline_s=2.0
    )
    settings = Settings(root=Path.cwd(), stack=StackSettings(ready="/ready", start_timeout_s=10.0))
    with (
        tempfile.TemporaryDirectory() as folder,
        service(TAKES_MS) as base,
        service(TAKES_MS * KINDS[kind]) as candidate,
    ):
        task = Task(
            base=base, candidate=candidate, stack="auto", name="paths", scenario=scenario, burst_s=chosen.burst,
            metric="p95", looks=LOOKS, seed=seed, directory=Path(folder) / "run",
        )  # fmt: skip
        return compare(settings, task, tell=lambda line: print(f"  {line}", file=sys.stderr, flush=True))


def record(found: Comparison, kind: str, file: Path) -> None:
    """Add what the bursts of the first pairs brought to a file."""
    is_new = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if is_new:
            writer.writerow(["kind", *(f"{role}_{name}_ms" for role in ROLES for name in RECORDED)])
        for pair in found.pairs[: LOOKS[0]]:
            figures = (pair.bursts[role].latency_ms[name] for role in ROLES for name in RECORDED)
            writer.writerow([kind, *(f"{figure:.3f}" for figure in figures)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare as often as asked and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    parser.add_argument("--rate", type=float, default=90.0)
    parser.add_argument("--burst", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path)
    chosen = parser.parse_args(arguments)
    wrong = 0
    for kind in chosen.kind or KINDS:
        for number in range(chosen.times):
            began = time.monotonic()
            found = run_once(kind, chosen, chosen.seed + number)
            wrong += found.verdict not in WANTED[kind]
            told = f"{found.verdict:12} after {len(found.pairs):2} pairs, {time.monotonic() - began:4.0f} s"
            print(f"{kind:7} {number + 1:2}  {told}  {found.reason}", flush=True)
            if chosen.record:
                record(found, kind, chosen.record)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
