"""What processes use, as far as it can be known: those that end, are dead already, or are somebody else's."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from seatrial.core import EnvironmentFailure
from seatrial.stack import _processes as processes
from seatrial.stack._inside.reaper import process_facts
from seatrial.stack._processes import LOOKS, Handle, _used, used
from seatrial.swarm import Sources
from seatrial.swarm._resources import Sampler

PARENT = """
import os, sys
child = os.fork()
if not child:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("left", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[Handle]:
    """Return a process with a dead child that it never buries."""
    command = [sys.executable, "-S", "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"left\n"
        facts = process_facts(child.pid)
        assert facts is not None
        yield Handle(pid=child.pid, started=facts.started)
        child.kill()


def refuse(process: psutil.Process) -> Any:
    """Answer as the kernel does about a stranger's process."""
    raise psutil.AccessDenied(process.pid)


def test_what_others_have_open_is_not_known(parent: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and processor time are told to everybody; the dead, whom nobody may ask, have nothing open."""
    assert (used(parent).descriptors or 0) >= 3
    monkeypatch.setattr(psutil.Process, "num_fds", refuse)
    found = used(parent)
    assert found.descriptors is None
    assert found.memory_bytes > 0
    (dead,) = psutil.Process(parent.pid).children()
    assert _used(dead).descriptors == 0


def test_what_cannot_be_known_is_told(parent: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a traceback nor silence: who looks while load is sent has a reason."""
    monkeypatch.setattr(processes, "_used", refuse)
    with pytest.raises(EnvironmentFailure) as caught:
        used(parent)
    assert caught.value.slug == "usage-unknown"
    with Sampler(Sources(usage=lambda: used(parent))) as sampler:
        pass
    assert "nobody can tell what a service uses" in sampler.seen.broken["usage"]
    assert {one.usage for one in sampler.seen.samples} == {None}


def test_one_that_ends_meanwhile_is_looked_at_again(parent: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is its parent's by then; where one ends at every look, nobody knows."""
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    looks = iter([[parent.pid, gone.pid], [parent.pid], *[[gone.pid]] * LOOKS])
    monkeypatch.setattr(processes, "family", lambda _handle: next(looks))
    assert used(parent).memory_bytes == psutil.Process(parent.pid).memory_info().rss
    with pytest.raises(EnvironmentFailure, match=f"at each of {LOOKS} looks"):
        used(parent)
    assert list(looks) == []
