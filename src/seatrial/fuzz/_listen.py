"""Run the engine's process and take in what it tells."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from seatrial.core import EnvironmentFailure, Progress
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import Broken, Doing, Done, Message, Order, Repeated, Sent, Stopped
from seatrial.stack import cache_root

EVERY = 50
_decoder = msgspec.json.Decoder(Message)


def listen(order: Order, *, run: str, progress: Progress) -> Heard:
    """Run an order in a process of its own; raises EnvironmentFailure when that cannot be started."""
    heard = Heard()
    # Its complaints go to a file: a pipe that nobody reads would fill up and stop it.
    with (
        tempfile.TemporaryDirectory(prefix="seatrial-fuzz-") as folder,
        (Path(folder) / "errors").open("w+b") as errors,
    ):
        child = _start(run, errors)
        try:
            _hand_over(child, order)
            _take_in(child.stdout, heard, progress)
            child.wait()
        finally:
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
        if child.returncode and heard.fatal:
            heard.fatal = f"{heard.fatal}: {_last_line(errors)}"
    return heard


def _start(run: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    # Hypothesis would keep its tables (no examples: that is off) in the current folder, which is the user's.
    environment = {"HYPOTHESIS_STORAGE_DIRECTORY": str(cache_root() / "hypothesis"), **os.environ, "NO_PROXY": "*"}
    environment |= {"SEATRIAL_RUN": run, "SEATRIAL_OWNER": str(os.getpid())}
    try:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "seatrial.fuzz._child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
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
    phase = ""
    for line in stream or ():
        match _decoder.decode(line):
            case Sent() as sent:
                heard.sent.append(sent)
                if len(heard.sent) % EVERY == 0:
                    progress(f"{phase}: {len(heard.sent)} requests")
            case Repeated() as repeated:
                heard.repeated.append(repeated)
            case Doing() as doing:
                phase = doing.phase
                progress(phase)
            case Stopped() as stopped:
                heard.stopped = stopped.phase
            case Broken() as broken:
                heard.broken.append(broken.message.splitlines()[0] if broken.message else "unknown")
                heard.fatal = broken.message if broken.fatal else heard.fatal
            case Done():
                heard.fatal = "" if heard.fatal.startswith("the engine ended") else heard.fatal


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
