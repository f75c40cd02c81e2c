"""Whatever ends the harness, nothing of its run stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.stack import Watchdog, leftovers, note_undo, run_marks, sweep, work_folder
from seatrial.stack._inside.reaper import living

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
FORGETFUL = (
    "import os,sys; e={k:v for k,v in os.environ.items() if not k.startswith('SEATRIAL')};"
    "os.execve(sys.executable,[sys.executable,'-c','import time; print(\"up\", flush=True); time.sleep(600)'],e)"
)
HARNESS = f"""
import os, subprocess, sys, time
from seatrial.stack import Watchdog, run_marks, work_folder
from seatrial.stack._inside.reaper import LEDGER, note_process
run = sys.argv[1]
work = work_folder(run)
dog = Watchdog(run=run, work=work).start()
env = {{**os.environ, **run_marks(run, keep=len(sys.argv) > 2)}}
children = [
    subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], env=env, stdout=subprocess.PIPE),
    subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], env=env, stdout=subprocess.PIPE, start_new_session=True),
    subprocess.Popen([sys.executable, "-c", {FORGETFUL!r}], env=env, stdout=subprocess.PIPE, start_new_session=True),
]
note_process(children[2].pid, work / LEDGER)
for child in children:
    child.stdout.readline()
(work / "file").write_text("x")
print(*(child.pid for child in children), dog._child.pid, flush=True)
if len(sys.argv) > 2:
    dog.release()
time.sleep(600)
"""


def wait_until_gone(pids: list[int], work: Path | None = None) -> list[object]:
    """Return what is still there after at most 15 s."""
    left: list[object] = []
    for _ in range(300):
        left = [pid for pid in pids if pid in living()]
        left += [work] if work and work.exists() else []
        if not left:
            break
        time.sleep(0.05)
    return left


@pytest.fixture
def run() -> Iterator[str]:
    """Name a run, and remove whatever a failed test left of it."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    sweep(name)


def start_harness(run: str, *arguments: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a harness with three stubborn children; return it, the children's pids and its watchdog's."""
    command = [sys.executable, "-c", HARNESS, run, *arguments]
    harness = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    pids = [int(word) for word in harness.stdout.readline().split()]
    return harness, pids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_the_harness(run: str, number: signal.Signals) -> None:
    """Children that ignore SIGTERM, lead a session or shed their environment go, and so do work folder and watchdog."""
    work = work_folder(run)
    harness, pids = start_harness(run)
    assert all(pid in living() for pid in pids)
    for immune in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pids[3], immune)
    harness.send_signal(number)
    harness.communicate()
    assert wait_until_gone(pids, work) == []


def test_a_released_stack_stays(run: str) -> None:
    """After `release` the harness may die: the processes stay, are kept, and `sweep` still finds them."""
    harness, pids = start_harness(run, "keep")
    assert wait_until_gone(pids[3:]) == []
    harness.kill()
    harness.communicate()
    time.sleep(1.0)
    assert set(pids[:3]) <= living().keys()
    assert run not in leftovers()
    assert run in leftovers(kept=True)
    assert sweep(run).processes == 3
    assert wait_until_gone(pids[:3]) == []
    assert run not in leftovers(kept=True)


def test_leftovers_are_found(run: str) -> None:
    """A process whose owner died is reported; one whose owner lives is not."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    environment = {**os.environ, **run_marks(run, keep=False)}
    orphan = {**environment, "SEATRIAL_OWNER": str(dead.pid)}
    command = [sys.executable, "-c", STUBBORN]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as owned,
        subprocess.Popen(command, env=orphan, stdout=subprocess.PIPE) as child,
    ):
        assert owned.stdout is not None
        assert child.stdout is not None
        owned.stdout.readline()
        child.stdout.readline()
        assert run in leftovers()
        child.kill()
        child.wait()
        assert run not in leftovers()
        assert sweep(run).processes == 1


def test_close_removes_and_is_repeatable(run: str) -> None:
    """`close` kills the run's processes, removes its folder, spares its caller, and may be called again."""
    work = work_folder(run)
    watchdog = Watchdog(run=run, work=work).start()
    marks = {**os.environ, **run_marks(run, keep=False)}
    with subprocess.Popen([sys.executable, "-c", STUBBORN], env=marks) as child:
        watchdog.close()
        assert child.wait(timeout=10) == -signal.SIGKILL
    assert not work.exists()
    watchdog.close()


def test_a_killed_watchdog_is_replaced_at_close(run: str) -> None:
    """When somebody killed the watchdog itself, `close` removes everything in its place."""
    work = work_folder(run)
    watchdog = Watchdog(run=run, work=work).start()
    assert watchdog._child is not None  # noqa: SLF001 - only the test kills it
    watchdog._child.kill()  # noqa: SLF001 - same
    marks = {**os.environ, **run_marks(run, keep=False)}
    with subprocess.Popen([sys.executable, "-c", STUBBORN], env=marks) as child:
        watchdog.close()
        assert child.wait(timeout=10) == -signal.SIGKILL
    assert not work.exists()


def test_the_work_folder_is_short_and_passable(run: str) -> None:
    """A socket's path fits, another user may pass through, and nobody else may write."""
    work = work_folder(run)
    assert len(str(work / "instrumented" / "db" / ".s.PGSQL.65535")) < 100
    assert work.stat().st_mode & 0o777 == 0o711
    assert work.parent.stat().st_mode & 0o777 == 0o711


def test_what_was_noted_is_undone(run: str, tmp_path: Path) -> None:
    """Each command that was written down runs, once, whatever became of the one before it."""
    work, told = work_folder(run), tmp_path / "told"
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    note_undo(["/no/such/program"], work)
    for word in ("a", "b"):
        note_undo([sys.executable, "-c", code, str(told), word], work)
    sweep(run)
    sweep(run)
    assert told.read_text() == "ab"
    assert not work.exists()
