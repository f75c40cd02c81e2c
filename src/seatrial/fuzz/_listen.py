"""The engine's process, seen from the harness: started ahead of its order, listened to, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from typing import IO

import msgspec

from seatrial.core import EnvironmentFailure, Progress
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import (
    Broken,
    Doing,
    Done,
    Gone,
    Learned,
    Lived,
    Message,
    Order,
    Repeated,
    Sent,
    SentAgain,
    Stopped,
)
from seatrial.stack import cache_root

EVERY = 50
OVERTIME_S = 75.0
"""How much longer than its budget the engine may take: the last answer, second looks, and resources' ends."""

COMMAND = (sys.executable, "-W", "ignore", "-m", "seatrial.fuzz._child")
LONGEST = 500
_decoder = msgspec.json.Decoder(Message)


class EngineProcess:
    """One process for one order: it imports its engine, which takes seconds, and waits."""

    def __init__(self, run: str) -> None:
        """Start it; raises EnvironmentFailure when that is impossible."""
        # Its complaints go to a file: a pipe that nobody reads would fill up and stop it.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._child = _start(run, self._errors)
        except EnvironmentFailure:
            self._errors.close()
            raise

    def listen(self, order: Order, progress: Progress) -> Heard:
        """Hand the order over and take in what the engine tells until it ends."""
        heard = Heard()
        overdue = threading.Timer(order.budget_s + OVERTIME_S, self._kill)
        overdue.daemon = True
        try:
            _hand_over(self._child, order)
            overdue.start()
            _take_in(self._child.stdout, heard, progress)
            self._child.wait()
            if self._child.returncode and heard.fatal:
                heard.fatal = f"{heard.fatal}: {self._why(overdue)}"
        finally:
            overdue.cancel()
            self.close()
        return heard

    def _why(self, overdue: threading.Timer) -> str:
        if overdue.finished.is_set():
            return f"it was ended {OVERTIME_S:g} s after its time was up"
        return _last_line(self._errors)

    def close(self) -> None:
        """End the process, whatever it does; safe to call twice."""
        self._kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._errors):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _kill(self) -> None:
        """End the process and its copies."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)


def _start(run: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    # Hypothesis would keep its tables (no examples: that is off) in the current folder, which is the user's.
    environment = {"HYPOTHESIS_STORAGE_DIRECTORY": str(cache_root() / "hypothesis"), **os.environ, "NO_PROXY": "*"}
    environment |= {"SEATRIAL_RUN": run, "SEATRIAL_OWNER": str(os.getpid())}
    environment["PYTHONHASHSEED"] = "0"  # what is drawn from a set goes by its order
    try:
        return subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            process_group=0,  # its copies end with it
        )
    except OSError as error:
        raise EnvironmentFailure(
            f"the engine cannot be started: {error.strerror}",
            slug="contract-engine",
            where=sys.executable,
            remedy="see that this user may start processes",
        ) from error


def _hand_over(child: subprocess.Popen[bytes], order: Order) -> None:
    if child.stdin:
        with contextlib.suppress(BrokenPipeError):  # it ended at once: its errors say why
            child.stdin.write(msgspec.json.encode(order))
            child.stdin.close()


def _take_in(stream: IO[bytes] | None, heard: Heard, progress: Progress) -> None:
    """Take in every line; requests are put in the order of their numbers, in which they came from each part."""
    phase = ""
    for line in stream or ():
        message = _decoder.decode(line)
        _keep(message, heard)
        if isinstance(message, Doing):
            phase = message.phase
            progress(phase)
        elif isinstance(message, Sent) and len(heard.sent) % EVERY == 0:
            progress(f"{phase}: {len(heard.sent)} requests")
    heard.sent.sort(key=lambda sent: sent.number)


def _keep(message: Message, heard: Heard) -> None:
    match message:
        case Sent():
            heard.sent.append(message)
        case Repeated():
            heard.repeated.append(message)
        case Lived():
            heard.lived.append(message)
        case Learned():
            heard.learned.append(message)
        case SentAgain():
            heard.sent_again += 1
        case Gone():
            heard.gone = True
        case Stopped():
            heard.stopped = message.phase
        case Broken():
            heard.broken.append(" ".join(message.message.split())[:LONGEST] or "unknown")
            heard.fatal = message.message if message.fatal else heard.fatal
        case Done():
            heard.fatal = "" if heard.fatal.startswith("the engine ended") else heard.fatal


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
