"""Processes of a stack that end at awkward moments."""

import os
import signal
import sys
from pathlib import Path

import pytest

from seatrial.stack import _processes as processes
from seatrial.stack._processes import Handle, Launch, kill, launch


def test_one_that_ends_while_it_is_looked_for_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is alive before the look and none of those alive after it: a zombie would be left, and Python warn of it."""
    command = (sys.executable, "-S", "-c", "import time; time.sleep(600)")
    wanted = Launch(
        command=command, environment={}, directory="/", log=str(tmp_path / "log"), ledger=str(tmp_path / "l")
    )
    handle = launch(wanted)
    child, look = processes._children[handle.pid], processes.family  # noqa: SLF001 - who is to be waited for

    def end_meanwhile(handle: Handle) -> list[int]:
        os.kill(handle.pid, signal.SIGKILL)
        os.waitid(os.P_PID, handle.pid, os.WEXITED | os.WNOWAIT)
        return look(handle)

    monkeypatch.setattr(processes, "family", end_meanwhile)
    kill(handle)
    assert child.returncode is not None
