"""Print how much longer than its `depends_on` chain a compose stack takes to be ready, images built.

    python tests/benchmarks/compose_ready.py [--times 5]

In turn: the stack as a run starts it, until its handle is there; and the same files by `docker compose up` alone, until
the entry answers. Health checks are asked as often in both, where the production file says every 30 s.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings

ROOT = Path(__file__).parents[2]
READY = "/api/v1/health"
POLL_S = 0.02


def measure() -> tuple[float, float]:
    """Return the seconds of both."""
    with tempfile.TemporaryDirectory() as out:
        run = open_run(load_settings(ROOT / "seatrial.toml"), Options(stack="compose", out=out), suites=("ratelimit",))
        try:
            stacks, began_s = Stacks(run, collector=None), time.monotonic()
            stack: Any = stacks.get("clean")
            ours_s = time.monotonic() - began_s
            stacks.stop_all()
            return ours_s, chain(stack._project)  # noqa: SLF001 - the same files, names and variables
        finally:
            run.close()


def chain(project: Any) -> float:
    """Return the seconds until the entry of a project answers; removes it again."""
    began_s = time.monotonic()
    try:
        project.start()
        url = f"http://127.0.0.1:{project.get_service_port('api', 8000)}{READY}"
        while not answers(url):
            time.sleep(POLL_S)
        return time.monotonic() - began_s
    finally:
        project.remove(kill=True)


def answers(url: str) -> bool:
    """Return whether a service answers with 2xx."""
    try:
        return httpx.get(url, trust_env=False, timeout=1).is_success
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    pairs = [measure() for _ in range(parser.parse_args().times)]
    for number, (ours_s, chain_s) in enumerate(pairs, 1):
        print(f"{number}: ready in {ours_s:.2f} s, its chain alone {chain_s:.2f} s, more by {ours_s - chain_s:.2f} s")
    print(f"median: more by {statistics.median(ours_s - chain_s for ours_s, chain_s in pairs):.2f} s")


if __name__ == "__main__":
    main()
