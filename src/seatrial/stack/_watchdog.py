"""A child that outlives the harness, whatever kills it, and removes what the run started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from seatrial.core import EnvironmentFailure
from seatrial.stack._folders import KEEP_FILE
from seatrial.stack._inside import reaper
from seatrial.stack._sweep import sweep

CLOSE_TIMEOUT_S = 90.0
IMMUNE_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True, kw_only=True)
class Watchdog:
    """Watch over one run: when the harness ends in any way, its processes, containers and work folder go.

    Start it before anything else is started. `close` removes everything now; `release` leaves a kept stack alone.
    """

    run: str
    work: Path
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _pipe: int = field(default=-1, init=False)

    def start(self) -> Self:
        """Start the child; raises EnvironmentFailure when that is impossible."""
        reading, self._pipe = os.pipe()
        script = [sys.executable, "-I", reaper.__file__, str(reading), str(os.getpid()), self.run, str(self.work)]
        # A blocked signal stays blocked across exec: the child is immune before its first instruction.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, IMMUNE_TO)
        try:
            self._child = _spawn(script, reading)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(reading)
        return self

    def close(self) -> None:
        """Remove everything of the run and wait until that is done; safe to call twice."""
        if self._child is None:
            return
        if self._end(b"") != 0:
            sweep(self.run)

    def release(self) -> None:
        """Leave everything as it is, marked as kept; safe to call twice."""
        if self._child is not None:
            (self.work / KEEP_FILE).touch()
            self._end(reaper.RELEASE)

    def _end(self, message: bytes) -> int:
        """Tell the child, and return how it ended (not 0: somebody killed it before it had done its work)."""
        child, self._child = self._child, None
        try:
            os.write(self._pipe, message)
        except BrokenPipeError:
            pass
        finally:
            os.close(self._pipe)
        try:
            return child.wait(timeout=CLOSE_TIMEOUT_S) if child else 0
        except subprocess.TimeoutExpired:
            return 1


def _spawn(script: list[str], pipe: int) -> subprocess.Popen[bytes]:
    """Start the child without the mark by which it kills, and without an output that somebody waits to end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
    try:
        return subprocess.Popen(
            script,
            pass_fds=(pipe,),
            env=environment,
            cwd="/",
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot start the watchdog: {error.strerror}",
            slug="watchdog-failed",
            where=sys.executable,
            remedy="see that this Python can start processes (ulimit -u), then run again",
        ) from error
