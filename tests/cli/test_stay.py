"""Stacks that stay up: variants, logs without secrets, and the way out when one vanished."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.cli._clean import forget_gone
from seatrial.stack import sweep

GOOD = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/").status_code == 200
'''
UNMEASURED = '''
def test_measured():
    """Lines were counted."""
    raise AssertionError("must not run")
'''
COVERAGE = """
[coverage]
services = ["app"]
source = "."
container_source = "/app"
packages = ["own"]
"""
Lay = Callable[..., Path]
Stay = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stay(begin: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> Any:
    """Return the function that runs a command which may leave a stack up; nothing of one is left in the end."""

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        with begin(*arguments, cwd=cwd) as child:
            out, err = child.communicate(timeout=120)
        return subprocess.CompletedProcess(child.args, child.returncode, out, err)

    yield run
    for file in tmp_path.rglob("stack.json"):
        sweep(json.loads(file.read_text())["run"])


def state_of(project: Path) -> dict[str, Any]:
    """Return what is written down about the stack that is up."""
    state: dict[str, Any] = json.loads((project / ".seatrial" / "stack.json").read_text())
    return state


def restart_machine(state: dict[str, Any]) -> None:
    """Do to a stack what a restart does: its processes and its temporary files are gone, unannounced."""
    for service in state["services"].values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(service["pid"], signal.SIGKILL)
    shutil.rmtree(Path(state["key"]).parent)


def test_a_stack_that_vanished_can_be_taken_down(stay: Stay, lay: Lay) -> None:
    """After a restart of the machine every command says what to do, and doing it works."""
    project = lay(own=GOOD)
    assert stay("up", "--stack", "local", cwd=project).returncode == 0
    restart_machine(state_of(project))
    status = stay("status", cwd=project)
    assert (status.returncode, "[stack-gone]" in status.stderr) == (3, True)
    assert "to do: seatrial down" in status.stderr
    down = stay("down", cwd=project)
    assert down.returncode == 0, down.stderr
    assert "nothing of the stack was running" in down.stdout
    assert stay("up", "--stack", "local", cwd=project).returncode == 0
    assert stay("down", cwd=project).returncode == 0


def test_clean_forgets_a_stack_that_vanished(stay: Stay, lay: Lay) -> None:
    """What `seatrial clean` does for its project: a stack that is up is kept, one that vanished is forgotten."""
    project = lay(own=GOOD)
    assert stay("up", "--stack", "local", cwd=project).returncode == 0
    forget_gone(project, [])
    restart_machine(state_of(project))
    forget_gone(project, [])
    assert not (project / ".seatrial" / "stack.json").exists()


def test_an_instrumented_stack_stays_up(stay: Stay, lay: Lay) -> None:
    """Its services have coverage switched on; a run that attaches says which it is, and that it collects none."""
    project = lay(own=GOOD, coverage=UNMEASURED, more=COVERAGE)
    (project / "own").mkdir()
    (project / "own" / "code.py").write_text("x = 1\n")
    up = stay("up", "--stack", "local", "--variant", "instrumented", cwd=project)
    assert up.returncode == 0, up.stderr
    assert "collect no coverage" in up.stdout
    state = state_of(project)
    assert state["variant"] == "instrumented"
    assert b"SEATRIAL_COVERAGE=app" in Path(f"/proc/{state['services']['app']['pid']}/environ").read_bytes()
    stay("run", "--stack", "up", cwd=project)
    verdict = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    ended = {result["check"]: (result["outcome"], result["reason"]) for result in verdict["outcomes"]}
    assert ended["own.answers"] == ("passed", "")
    assert ended["coverage.measured"][0] == "not-tested"
    assert "left running" in ended["coverage.measured"][1]
    events = (project / ".seatrial" / "latest" / "events.ndjson").read_text()
    assert events.count('"type":"StackReady","at_s"') == 1
    assert '"variant":"instrumented"' in events
    assert stay("down", cwd=project).returncode == 0


def test_an_instrumented_stack_needs_something_to_measure(stay: Stay, lay: Lay) -> None:
    """Without [coverage] it is refused, and nothing is started."""
    project = lay(own=GOOD)
    up = stay("up", "--stack", "local", "--variant", "instrumented", cwd=project)
    assert (up.returncode, "[coverage-undeclared]" in up.stderr) == (2, True)
    assert not (project / ".seatrial").exists()
