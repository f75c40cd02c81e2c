"""Every fault on every driver that carries it, with every suite; goes on where it was stopped.

    python tests/full_matrix.py [--driver local] [--again]

What `make test` leaves out: there a fault runs only the suites that it concerns, beside others to be told from it, and
only a few run on compose. Results are kept in .seatrial/full-matrix.json, by the commit; a line is printed for each
pair, and what was not covered last.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from seatrial.campaign import Fault, fault_files, load_fault
from seatrial.core import Outcome, SeatrialError
from seatrial.stack import check_engine

ROOT = Path(__file__).parents[1]
STATE = ROOT / ".seatrial" / "full-matrix.json"
EXIT_CODES = {Outcome.FAILED: 1, Outcome.INCONCLUSIVE: 3}


def commit() -> str:
    """Return what is checked out; results of another state count no more."""
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def judge(fault: Fault, driver: str) -> str:
    """Run one pair and return what is wrong, empty for nothing."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "seatrial", *what_shows(fault), "--stack", driver, "--fault", fault.slug]
        command += ["--out", out, "--config", fault.configuration]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        verdict = Path(out) / "verdict.json"
        if not verdict.is_file():
            return f"no verdict: {(done.stdout + done.stderr)[-500:]}"
        outcomes = json.loads(verdict.read_text())["outcomes"]
    ended = {result["check"] for result in outcomes if result["outcome"] == fault.ends}
    wanted, code = {fault.trips, *fault.implies}, EXIT_CODES[fault.ends]
    right = ended == wanted and done.returncode == code
    return "" if right else f"{fault.ends}: {sorted(ended)}, wanted {sorted(wanted)}; exit code {done.returncode}"


def what_shows(fault: Fault) -> list[str]:
    """Return the command that runs every suite, or those that still mean something, or the load that shows a fault."""
    if fault.scenarios:
        return ["load", "full", *(word for name in fault.scenarios for word in ("--scenario", name))]
    return ["run", *(word for suite in fault.suites if fault.confined for word in ("--only", suite))]


def main() -> int:
    """Run what is missing and return 1 when a pair is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", action="append", choices=["local", "compose"])
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    chosen = parser.parse_args()
    key = commit()
    known: dict[str, str] = {}
    if STATE.is_file() and not chosen.again:
        known = json.loads(STATE.read_text()).get(key, {})
    missing = []
    drivers = chosen.driver or ["local", "compose"]
    try:
        check_engine()
    except SeatrialError as error:
        missing = [f"compose: {error.what}"] if "compose" in drivers else []
        drivers = [driver for driver in drivers if driver != "compose"]
    STATE.parent.mkdir(exist_ok=True)
    for name in fault_files():
        fault = load_fault(name)
        for driver in drivers:
            pair = f"{driver}/{name}"
            if driver in fault.drivers and pair not in known:
                known[pair] = judge(fault, driver)
                STATE.write_text(json.dumps({key: known}, indent=1))
            if pair in known:
                print(f"{'wrong' if known[pair] else 'right'}  {pair}  {known[pair]}", flush=True)
    for note in missing:
        print(f"not covered: {note}")
    return 1 if any(known.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
