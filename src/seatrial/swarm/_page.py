"""Locust's web page beside a run, seen from the harness: it shows what load processes tell, and says who touched it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from seatrial.core import EnvironmentFailure
from seatrial.swarm._plan import Plan
from seatrial.swarm._process import PYTHON, Message, end_child, say, start_child

COMMAND = (*PYTHON, "seatrial.swarm._inside._page")


class NoPage:
    """Nobody asked for a page: nothing is shown, and nobody interferes."""

    shows = False
    touched = ""

    def begin(self, plan: Plan, end: Callable[[], object]) -> None:
        """Show a load that begins now; `end` ends it where somebody touches the page."""

    def tick(self, tick: Message) -> None:
        """Show how many arrivals are under way."""

    def take(self, figures: Message) -> None:
        """Show what a load process counted since its last message."""

    def end(self) -> None:
        """Show that the load is over."""


class Page(NoPage):
    """Serve the page from entering until leaving, on loopback; `touched` says what somebody did there, if so.

    Whoever stops a load there, changes it, or resets its statistics ends it: it proves nothing any more, nor does any
    that was to follow.
    """

    shows = True

    def __init__(self, *, run: str, cwd: Path, log: Path) -> None:
        """Start it, with a file for its log; raises EnvironmentFailure where it cannot be served."""
        with log.open("wb") as errors:
            self._child = start_child(COMMAND, run, cwd, errors)
        self._lock = threading.RLock()
        self._end: Callable[[], object] | None = None
        assert self._child.stdout is not None  # noqa: S101 - Popen was asked for a pipe
        self.url = _url(self._child, self._child.stdout, log)
        threading.Thread(target=self._listen, args=[self._child.stdout], name="load-page", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End its process."""
        end_child(self._child)

    def begin(self, plan: Plan, end: Callable[[], object]) -> None:
        """Show a load that begins now; `end` ends it where somebody touches the page, or has by now."""
        self._say("begin", host=plan.url, name=f"{plan.name} {plan.rate_per_s:g}/s")
        with self._lock:
            self._end = end
            if self.touched:
                end()

    def tick(self, tick: Message) -> None:
        """Show how many arrivals are under way."""
        self._say("tick", arrivals=tick["started"] - tick["answered"] - tick["failed"])

    def take(self, figures: Message) -> None:
        """Show what a load process counted since its last message."""
        self._say(**figures)

    def end(self) -> None:
        """Show that the load is over."""
        with self._lock:
            self._end = None
        self._say("end")

    def _say(self, kind: str, **facts: object) -> None:
        with self._lock:
            say(self._child, json.dumps({"kind": kind, **facts}).encode() + b"\n")

    def _listen(self, lines: IO[bytes]) -> None:
        for line in lines:
            self._touch(json.loads(line)["how"])

    def _touch(self, how: str) -> None:
        """Take note of the first touch, and end what is being sent."""
        with self._lock:
            self.touched = self.touched or f"somebody {how} on Locust's web page"
            if self._end:
                self._end()


def _url(child: subprocess.Popen[bytes], lines: IO[bytes], log: Path) -> str:
    """Return where the page is; raises EnvironmentFailure where its process ends without saying so."""
    line = lines.readline()
    if line:
        return str(json.loads(line)["url"])
    end_child(child)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise EnvironmentFailure(
        "Locust's web page cannot be served",
        slug="load-page",
        where="--ui",
        details="".join(last),
        remedy="leave --ui out: the load itself needs no page",
    )
