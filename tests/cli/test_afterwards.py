"""What one does after a run: rebuild its reports, and remove what a harness left that did not end in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.record import EVENTS
from seatrial.reporting import REPORTERS
from seatrial.stack import run_marks, sweep

GOOD = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/").status_code == 200
'''
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
CONFINED = """
import sys, seatrial.stack
found = seatrial.stack.leftovers
seatrial.stack.leftovers = lambda *, kept=False: [run for run in found(kept=kept) if run == sys.argv[1]]
from seatrial.cli import run_command_line
sys.exit(run_command_line(sys.argv[2:]))
"""
"""The product, to which all leftovers but those of one run are unseen: a test removes nothing of anybody else."""
Product = Callable[..., subprocess.CompletedProcess[str]]


def without_reports(run: Path) -> dict[str, bytes]:
    """Remove every report of a run, and return what stood in each."""
    found = {name: (run / name).read_bytes() for name in REPORTERS}
    for name in found:
        (run / name).unlink()
    return found


def test_reports_are_rebuilt_from_a_run(product: Product, lay: Callable[..., Path]) -> None:
    """`report` writes those of the latest run again, byte for byte, and `report RUN` those of the run that it names.

    The second run knows the first, and says so in its reports; both are kept. Of a record that was
    torn at its end what can be read is told, and no verdict.
    """
    project = lay(own=GOOD)
    for _ in range(2):
        assert product("run", "--stack", "local", cwd=project).returncode == 0
    latest = (project / ".seatrial" / "latest").resolve()
    (first,) = (run for run in latest.parent.iterdir() if run != latest)
    for run, words in ((latest, ["report"]), (first, ["report", first.name])):
        before = without_reports(run)
        done = product(*words, cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "verdict: pass" in done.stdout
        assert {name: (run / name).read_bytes() for name in REPORTERS} == before
    kept = (project / ".seatrial" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["run"] for line in kept] == [first.name, latest.name]
    assert "1 | 1 (the same) |" in (latest / "summary.md").read_text()
    assert first.name in (latest / "report.html").read_text()
    with (latest / EVENTS).open("r+b") as file:
        file.truncate((latest / EVENTS).stat().st_size - 7)
    done = product("report", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "passed" in done.stdout
    assert "verdict: inconclusive: the run ended before its verdict" in done.stdout


@pytest.fixture
def run() -> Iterator[str]:
    """Name a run, and remove whatever a failed test left of it."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    sweep(name)


def clean(run: str, *options: str, cwd: Path) -> str:
    """Run `seatrial clean` on what is left of one run, and return what it says."""
    words = [sys.executable, "-c", CONFINED, run, "clean", *options]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("keep", [False, True])
def test_clean_removes_what_a_dead_harness_left(run: str, tmp_path: Path, *, keep: bool) -> None:
    """What was kept on purpose is named and stays, until `--all` asks for it too; afterwards nothing is left."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    marks = {**os.environ, **run_marks(run, keep=keep), "SEATRIAL_OWNER": str(gone.pid)}
    with subprocess.Popen([sys.executable, "-c", SLEEPS], env=marks, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        if keep:
            said = clean(run, cwd=tmp_path)
            assert f"kept on purpose: {run} (seatrial down" in said
            assert child.poll() is None
        said = clean(run, *(["--all"] if keep else []), cwd=tmp_path)
        assert f"{run}: 1 processes, 0 containers, 0 networks, 0 volumes removed" in said
        assert child.wait(timeout=10) < 0
    assert clean(run, "--all", cwd=tmp_path) == "nothing was left behind\n"
