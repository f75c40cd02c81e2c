"""Fuzz the reference stack with seatrial and with `schemathesis run`, in turn, and compare their requests per second.

    python tests/benchmarks/contract.py [--times 3] [--examples 25] [--seed 1] [--workers 1 2 4]

Both get the same document, seed, phases, checks and examples for each operation, and a stack without limits. Each is
measured as a whole process, from its start to its end; how many requests it sent the service says, in its metrics.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seatrial.campaign import Options, Run, Stacks, open_run
from seatrial.config import Settings, load_settings
from seatrial.core import Target
from seatrial.fuzz import run_contract
from seatrial.fuzz._engine import CHECK_NAMES, PHASES
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
ANSWERED = re.compile(r"^http_requests_total\{.*\} (\S+)$", re.MULTILINE)
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "10000000", "RATE_LIMIT_TOKEN_PER_MINUTE": "10000000"}
Fuzz = Callable[[Run, Stack, int, int], str]


def unlimited(settings: Settings) -> Settings:
    """Return the settings of a stack that limits nobody, and so declares no limits."""
    stack = settings.stack.model_copy(update={"environment": {**settings.stack.environment, **UNLIMITED}})
    return settings.model_copy(update={"stack": stack, "limits": ()})


@contextmanager
def started() -> Iterator[tuple[Run, Stack]]:
    """Start the reference stack from local processes."""
    with tempfile.TemporaryDirectory() as out:
        settings = unlimited(load_settings(ROOT / "seatrial.toml"))
        run = open_run(settings, Options(stack="local", out=f"{out}/run"), suites=("contract",))
        stacks = Stacks(run, collector=None)
        try:
            yield run, stacks.get("clean")
        finally:
            stacks.stop_all()
            run.close()


def ours(processes: int | None) -> Fuzz:
    """Return what fuzzes as a run does."""

    def fuzz(run: Run, stack: Stack, examples: int, seed: int) -> str:
        assert run.settings.contract
        update = {"examples": {"quick": examples}, "processes": processes}
        evidence = run_contract(
            run.settings.contract.model_copy(update=update),
            target=Target(url=stack.url(), variant=stack.variant, by_address=stack.by_address),
            identities=run.identities,
            limits=(),
            environment=run.variables(stack.variant),
            profile="quick",
            seed=seed,
            run=run.id,
            progress=lambda _: None,
        )
        return f"{sum(len(result.findings) for result in evidence.results)} findings"

    return fuzz


def theirs(workers: int) -> Fuzz:
    """Return what runs the command line of Schemathesis as somebody with credentials."""

    def fuzz(run: Run, stack: Stack, examples: int, seed: int) -> str:
        (user,) = run.identities.lease(1)
        headers = [word for name, value in user.headers.items() for word in ("--header", f"{name}: {value}")]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url()}/openapi.json", *headers]
        options = {
            "--seed": seed, "--workers": workers, "--max-examples": examples, "--phases": ",".join(PHASES),
            "--checks": ",".join(CHECK_NAMES), "--generation-database": "none", "--request-timeout": 10,
        }  # fmt: skip
        words = [str(word) for option in options.items() for word in option]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [*command, *words, "--no-shrink", "--continue-on-failure"],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
        return " ".join(done.stdout.splitlines()[-1:] + done.stderr.splitlines()[-1:]).strip(" =")

    return fuzz


def answered(stack: Stack) -> float:
    """Return how many requests the service has answered."""
    with urllib.request.urlopen(f"{stack.url()}/metrics") as answer:  # noqa: S310 - our own
        return sum(map(float, ANSWERED.findall(answer.read().decode())))


def main() -> None:
    """Fuzz in turn, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--examples", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    chosen = parser.parse_args()
    fuzzers = {"seatrial": ours(None), "seatrial, one process": ours(1)}
    fuzzers |= {f"schemathesis run --workers {workers}": theirs(workers) for workers in chosen.workers}
    rates: dict[str, list[float]] = defaultdict(list)
    with started() as (run, stack):
        for number in range(chosen.times):
            for name, fuzz in fuzzers.items():
                before, began_s = answered(stack), time.monotonic()
                told = fuzz(run, stack, chosen.examples, chosen.seed + number)
                took_s = time.monotonic() - began_s
                requests = answered(stack) - before
                rates[name].append(requests / took_s)
                print(
                    f"{name:<32} {requests:6.0f} requests {took_s:6.1f} s {rates[name][-1]:6.1f}/s  {told}", flush=True
                )
    for name, found in rates.items():
        print(f"{name:<32} median {statistics.median(found):6.1f}/s  of {', '.join(f'{rate:.1f}' for rate in found)}")
    best = max(statistics.median(found) for name, found in rates.items() if name.startswith("schemathesis"))
    print(f"seatrial sends {statistics.median(rates['seatrial']) / best:.2f} times as many as schemathesis at its best")


if __name__ == "__main__":
    main()
