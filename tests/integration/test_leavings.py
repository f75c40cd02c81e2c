"""What the other tests believe when nothing is left: here something is, and it is found."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest
from leavings import await_gone, left_of

SLEEPS = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def owner() -> int:
    """Return the number of a process that has ended."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


@pytest.fixture
def orphan(owner: int) -> Iterator[int]:
    """Start a process that carries a dead owner's mark."""
    environment = {**os.environ, "SEATRIAL_OWNER": str(owner)}
    with subprocess.Popen([sys.executable, "-c", SLEEPS], env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


def test_a_process_is_found_by_its_mark(owner: int, orphan: int) -> None:
    """An orphan is left, also when one waits for it to go."""
    (found,) = await_gone(owner, patience_s=0.3)
    assert found.startswith(f"process {orphan}: ")


def test_a_watchdog_is_found_by_its_arguments(owner: int) -> None:
    """The watchdog has no mark, so that it does not end itself: its arguments say whose it is."""
    with subprocess.Popen([sys.executable, "-c", SLEEPS, "/x/reaper.py", str(owner)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = left_of(owner)
        child.kill()
    assert [line.split(":")[0] for line in found] == [f"process {child.pid}"]
    assert left_of(owner) == []


def test_what_an_engine_holds_is_found_by_its_label(owner: int, require: Callable[[str], str]) -> None:
    """A network and a volume that nobody removed are left; those of another owner are not."""
    docker, name, before = require("docker"), f"seatrial-test-{uuid.uuid4().hex[:12]}", left_of(os.getpid())
    for kind in ("network", "volume"):
        label = f"dev.seatrial.owner={owner}"
        subprocess.run([docker, kind, "create", "--label", label, name], check=True, capture_output=True)
    try:
        found = sorted(line.split()[0] for line in left_of(owner))
        others = left_of(os.getpid())
    finally:
        for kind in ("network", "volume"):
            subprocess.run([docker, kind, "rm", name], check=True, capture_output=True)
    assert (found, others) == (["network", "volume"], before)
    assert left_of(owner) == []
