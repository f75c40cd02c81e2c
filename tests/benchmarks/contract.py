"""Fuzz the reference stack with seatrial and with `schemathesis run`, in turn, and compare speed and findings.

    python tests/benchmarks/contract.py [--times 3] [--examples 10] [--seed 1] [--workers 1 2 4]

Both get the same document, seed, phases, checks and examples for each operation, and a stack without limits. Each is
measured as a whole process, from its start to its end; how many requests it sent the service says, in its metrics. What
is found is compared on a stack with several of the shipped defects at once, by title and path: of a method that no
operation has, each tells in its own way. What either says of the clean stack too is no defect, and is printed.
Ends with 1 where seatrial lacks a finding.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seatrial.campaign import Options, Run, Stacks, load_fault, open_run
from seatrial.config import Settings, load_settings
from seatrial.core import Target
from seatrial.fuzz import run_contract
from seatrial.fuzz._engine import CHECK_NAMES, PHASES
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "support"))

from together import write_together  # noqa: E402 - it lies beside the tests

ANSWERED = re.compile(r"^http_requests_total\{.*\} (\S+)$", re.MULTILINE)
STATUS = re.compile(r" \(status \d+\)$")
UNLIMITED = {"RATE_LIMIT_PER_MINUTE": "10000000", "RATE_LIMIT_TOKEN_PER_MINUTE": "10000000"}
DEFECTS = (
    "contract-crash-on-long-title",
    "contract-cursor-crash",
    "contract-location-forgotten",
    "contract-media-type-of-text",
    "contract-method-without-allow",
    "contract-removed-still-served",
    "contract-time-as-number",
    "contract-undocumented-status",
)
Found = frozenset[tuple[str, str]]
"""What is wrong at which path, in the words of the engine; an empty path is any."""

Fuzz = Callable[[Run, Stack, int, int], Found]


@dataclass(frozen=True, slots=True)
class Round:
    """What came of fuzzing once."""

    requests: float
    took_s: float
    found: Found

    @property
    def rate(self) -> float:
        """Return how many requests were sent in a second."""
        return self.requests / self.took_s


def unlimited(settings: Settings) -> Settings:
    """Return the settings of a stack that limits nobody, and so declares no limits."""
    stack = settings.stack.model_copy(update={"environment": {**settings.stack.environment, **UNLIMITED}})
    return settings.model_copy(update={"stack": stack, "limits": ()})


@contextmanager
def started(*, fault: str = "") -> Iterator[tuple[Run, Stack]]:
    """Start the reference stack from local processes."""
    with tempfile.TemporaryDirectory() as out:
        settings = unlimited(load_settings(ROOT / "seatrial.toml"))
        run = open_run(settings, Options(stack="local", out=f"{out}/run", fault=fault), suites=("contract",))
        stacks = Stacks(run, collector=None)
        try:
            yield run, stacks.get("clean")
        finally:
            stacks.stop_all()
            run.close()


def ours(processes: int | None) -> Fuzz:
    """Return what fuzzes as a run does."""

    def fuzz(run: Run, stack: Stack, examples: int, seed: int) -> Found:
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
        found = [finding for result in evidence.results for finding in result.findings]
        return frozenset((STATUS.sub("", finding.title), path_of(finding.operation)) for finding in found)

    return fuzz


def theirs(workers: int) -> Fuzz:
    """Return what runs the command line of Schemathesis as somebody with credentials."""

    def fuzz(run: Run, stack: Stack, examples: int, seed: int) -> Found:
        (user,) = run.identities.lease(1)
        headers = [word for name, value in user.headers.items() for word in ("--header", f"{name}: {value}")]
        options = {
            "--url": stack.url(), "--seed": seed, "--workers": workers, "--max-examples": examples,
            "--phases": ",".join(PHASES), "--checks": ",".join(CHECK_NAMES), "--request-timeout": 10,
            "--generation-database": "none", "--report-json-path": "told.json",
        }  # fmt: skip
        words = [str(word) for option in options.items() for word in option]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url()}/openapi.json", *headers, *words]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [*command, "--no-shrink", "--continue-on-failure"],
                cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "NO_PROXY": "*"},
            )  # fmt: skip
            file = Path(folder, "told.json")
            if not file.exists():
                raise RuntimeError((done.stdout + done.stderr)[-500:])
            told = json.loads(file.read_text())
        return frozenset((each["title"], path_of(label)) for each in told["failures"] for label in each["operations"])

    return fuzz


def path_of(label: str) -> str:
    """Return the path of an operation; what was found by going from one to another is told of none."""
    return "" if label == "Stateful tests" else label.partition(" ")[2]


def lacks(found: Found, mine: Found) -> Found:
    """Return what was found and is not in `mine`."""
    titles = {title for title, _ in mine}
    return frozenset(each for each in found - mine if each[1] or each[0] not in titles)


def answered(stack: Stack) -> float:
    """Return how many requests the service has answered."""
    with urllib.request.urlopen(f"{stack.url()}/metrics") as answer:  # noqa: S310 - our own
        return sum(map(float, ANSWERED.findall(answer.read().decode())))


def measured(fuzz: Fuzz, run: Run, stack: Stack, examples: int, seed: int) -> Round:
    """Fuzz once."""
    before, began_s = answered(stack), time.monotonic()
    found = fuzz(run, stack, examples, seed)
    took_s = time.monotonic() - began_s
    return Round(answered(stack) - before, took_s, found)


def compare_speed(
    fuzzers: Mapping[str, Fuzz], *, times: int, examples: int, seed: int
) -> tuple[dict[str, float], dict[str, Found]]:
    """Fuzz the clean stack in turn, print each round, and return the medians and what was said of it."""
    rates: dict[str, list[float]] = defaultdict(list)
    alarms: dict[str, Found] = defaultdict(frozenset)
    with started() as (run, stack):
        for number in range(times):
            for name, fuzz in fuzzers.items():
                load = os.getloadavg()[0]
                done = measured(fuzz, run, stack, examples, seed + number)
                rates[name].append(done.rate)
                alarms[name] |= done.found
                print(
                    f"{name:<32} {done.requests:6.0f} requests {done.took_s:6.1f} s {done.rate:6.1f}/s"
                    f"  {len(done.found)} findings, load average before {load:.1f}",
                    flush=True,
                )
    for name, found in rates.items():
        print(f"{name:<32} median {statistics.median(found):6.1f}/s  of {', '.join(f'{rate:.1f}' for rate in found)}")
    for name, said in alarms.items():
        print(f"{name:<32} says of the clean stack: {'; '.join(map(': '.join, sorted(said))) or 'nothing'}")
    return {name: statistics.median(found) for name, found in rates.items()}, alarms


def compare_findings(
    own: Fuzz, others: Mapping[str, Fuzz], alarms: Mapping[str, Found], *, examples: int, seed: int
) -> int:
    """Fuzz a stack with several defects, print what each found, and return how much of the others' seatrial lacks."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_together([load_fault(name) for name in DEFECTS], Path(folder, "faults"))
        with started(fault=str(file)) as (run, stack):
            mine = measured(own, run, stack, examples, seed).found - alarms["seatrial"]
            found = {
                name: measured(fuzz, run, stack, examples, seed).found - alarms[name] for name, fuzz in others.items()
            }
    print(f"\nwith {len(DEFECTS)} defects seatrial finds {len(mine)}")
    for name, theirs_ in found.items():
        print(f"{name} finds {len(theirs_)}, of which seatrial lacks {len(lacks(theirs_, mine))}")
    everybody = {"seatrial": mine, **found}
    for title, path in sorted(mine.union(*found.values())):
        who = [name for name, each in everybody.items() if (title, path) in each]
        by = "all" if len(who) == len(everybody) else ", ".join(who)
        print(f"    {path or 'from one to another'}: {title}: by {by}")
    return sum(len(lacks(theirs_, mine)) for theirs_ in found.values())


def main() -> int:
    """Fuzz in turn, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    chosen = parser.parse_args()
    others = {f"schemathesis run --workers {workers}": theirs(workers) for workers in chosen.workers}
    fuzzers = {"seatrial": ours(None), "seatrial, one process": ours(1), **others}
    rates, alarms = compare_speed(fuzzers, times=chosen.times, examples=chosen.examples, seed=chosen.seed)
    best = max(others, key=rates.__getitem__)
    print(f"seatrial sends {rates['seatrial'] / rates[best]:.2f} times as many a second as {best}")
    lost = compare_findings(fuzzers["seatrial"], others, alarms, examples=chosen.examples, seed=chosen.seed)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
