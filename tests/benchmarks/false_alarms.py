"""Verify the clean reference stack again and again, with as many seeds, and count false alarms.

    python tests/benchmarks/false_alarms.py [--quick 30] [--full 6] [--stack local] [--seed 1]
    python tests/benchmarks/false_alarms.py --contract [--quick 10] [--full 0]

proves its limits, or fuzzes its contract. Quick runs have windows of 5 s, full ones of 60 s. A false alarm is a claim
that is refuted, or a check that fails: the stack keeps them all. What a run could not decide is counted apart. Ends
with 1 when there is any of either: every run has to be proved.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WRONG = {"REFUTED", "INCONCLUSIVE"}
MEANS = {"passed": "PROVED", "failed": "REFUTED", "inconclusive": "INCONCLUSIVE"}
QUICK, FULL = {False: 30, True: 10}, {False: 6, True: 0}


def prove(stack: str, profile: str, seed: int) -> dict[str, Any]:
    """Prove the limits once, and return what the command printed."""
    with tempfile.TemporaryDirectory() as out:
        words = ["limits", "prove", "--stack", stack, "--profile", profile, "--seed", str(seed), "--json", "--out", out]
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
    if not done.stdout:
        return {"exit_code": done.returncode, "claims": [], "limits": {}, "reason": done.stderr[-500:]}
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def fuzz(stack: str, profile: str, seed: int) -> dict[str, Any]:
    """Fuzz the contract once, and return what came of each check in the words of a proof."""
    with tempfile.TemporaryDirectory() as out:
        words = ["contract", "--stack", stack, "--profile", profile, "--seed", str(seed), "--out", out]
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        verdict = Path(out) / "verdict.json"
        told: dict[str, Any] = (
            json.loads(verdict.read_text()) if verdict.exists() else {"outcomes": [], "measurements": []}
        )
    claims = [
        {"claim": each["check"], "verdict": MEANS.get(each["outcome"], each["outcome"]), "reason": each["reason"]}
        for each in told["outcomes"]
    ]
    cases = next((each["value"] for each in told["measurements"] if each["name"] == "contract.cases"), 0)
    reason = told.get("reason") or done.stderr[-500:]
    return {"exit_code": done.returncode, "claims": claims, "limits": {"": {"requests": cases}}, "reason": reason}


def claims(told: dict[str, Any], verdict: str) -> list[str]:
    """Return the claims that ended so."""
    return [row["claim"] for row in told["claims"] if row["verdict"] == verdict]


def row(profile: str, seed: int, told: dict[str, Any], seconds: float) -> str:
    """Return what came of one run in a line."""
    counts = ", ".join(f"{len(claims(told, word))} {word.lower()}" for word in ("PROVED", "REFUTED", "INCONCLUSIVE"))
    cost = f"{sum(f['requests'] for f in told['limits'].values()):,.0f} requests"
    wrong = [f"{each['claim']} ({each['reason']})" for each in told["claims"] if each["verdict"] in WRONG]
    left = f": {', '.join(wrong) or told['reason']}" if told["exit_code"] else ""
    return f"{profile:<6} seed {seed:<4} exit {told['exit_code']}  {counts}; {cost}, {seconds:.0f} s{left}"


def runs(quick: int, full: int, seed: int) -> Iterator[tuple[str, int]]:
    """Yield profile and seed of every run; no two have the same seed."""
    yield from (("quick", seed + number) for number in range(quick))
    yield from (("full", seed + quick + number) for number in range(full))


def main() -> int:
    """Prove or fuzz, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contract", action="store_true")
    parser.add_argument("--quick", type=int)
    parser.add_argument("--full", type=int)
    parser.add_argument("--stack", default="local", choices=["local", "compose"])
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    done, alarms, undecided, proved = 0, 0, 0, 0
    verify = fuzz if chosen.contract else prove
    quick, full = (
        usual[chosen.contract] if given is None else given
        for given, usual in ((chosen.quick, QUICK), (chosen.full, FULL))
    )
    for profile, seed in runs(quick, full, chosen.seed):
        began_s = time.monotonic()
        told = verify(chosen.stack, profile, seed)
        print(row(profile, seed, told, time.monotonic() - began_s), flush=True)
        done += 1
        alarms += bool(claims(told, "REFUTED"))
        undecided += told["exit_code"] not in {0, 1}
        proved += told["exit_code"] == 0
    print(f"{done} runs: {proved} proved, {alarms} with a false alarm, {undecided} undecided", flush=True)
    return int(proved < done)


if __name__ == "__main__":
    sys.exit(main())
