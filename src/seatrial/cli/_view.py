"""What somebody sees while a run goes on: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import replace
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from seatrial.core import CheckResult, Outcome
from seatrial.core.plain import plain, plain_line
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    CheckStarted,
    ProgressMade,
    RunFailed,
    RunStarted,
    StackReady,
    StageFinished,
    StageStarted,
)

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.BLOCKED: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.NOT_TESTED: "cyan",
}
WIDTH = max(len(outcome) for outcome in Outcome)


class PlainView:
    """One line for each check and each stage, and what one stage is doing, for people who read them later.

    Checks that were not tested for the same reason share a line, before the next stage or at the end.
    """

    def __init__(self, console: Console, *, follows: Collection[str] = ()) -> None:
        self._console = console
        self._follows = follows
        self._lock = threading.Lock()
        self._left: dict[str, list[CheckResult]] = {}
        self._at_s = 0.0

    def handle(self, event: AnyEvent) -> None:
        """Print what an event says, if it says something to a reader."""
        self._at_s = event.at_s
        if isinstance(event, CheckFinished) and event.result.outcome is Outcome.NOT_TESTED:
            with self._lock:
                self._left.setdefault(event.result.reason, []).append(event.result)
            return
        if isinstance(event, (StageStarted, RunFailed)):
            self._print_left()
        line = describe(event)
        if isinstance(event, ProgressMade) and event.stage in self._follows:
            line = Text(plain_line(event.message))
        if line:
            self._print(line)

    def _print(self, line: Text) -> None:
        with self._lock:
            self._console.print(Text(f"{self._at_s:6.1f}s  ").append_text(line), soft_wrap=True)

    def _print_left(self) -> None:
        with self._lock:
            left, self._left = self._left, {}
        for results in left.values():
            self._print(describe_result(replace(results[0], check=", ".join(one.check for one in results))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._print_left()


def describe(event: AnyEvent) -> Text | None:  # noqa: PLR0911 - one flat case per event type
    """Return the line of an event, or None where it is of no interest."""
    match event:
        case RunStarted():
            fault = f", fault {event.fault}" if event.fault else ""
            told = f"run {event.run}: stack {event.stack} ({event.why_stack}), profile {event.profile}{fault}"
            return Text(plain_line(told))
        case StackReady():
            return Text(plain_line(f"{event.variant} stack ready in {event.duration_s:.1f} s: {event.url}"))
        case StageStarted():
            return Text(f"stage {event.stage}", style="bold")
        case StageFinished():
            return Text(f"stage {event.stage} took {event.duration_s:.1f} s", style="dim")
        case CheckFinished():
            return describe_result(event.result)
        case RunFailed():
            return Text(plain(event.reason), style="bold red")
        case _:
            return None


def describe_result(result: CheckResult) -> Text:
    """Return the line of a check."""
    line = Text(f"{result.outcome:<{WIDTH}}", style=STYLES[result.outcome])
    line.append(f"  {result.check}", style="default")
    if result.reason:
        line.append(f": {plain_line(result.reason.splitlines()[0])}", style="dim")
    return line


class LiveView:
    """A table of stages with what each is doing, above it a line for each check that did not pass."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._doing: dict[str, str] = {}
        self._planned = 0
        self._outcomes: dict[str, Outcome] = {}
        self._check = ""
        self._spinner = Spinner("dots")
        self._live = Live(console=console, refresh_per_second=8, get_renderable=self._render, transient=True)

    def handle(self, event: AnyEvent) -> None:
        """Take in an event."""
        with self._lock:
            self._take(event)
        if isinstance(event, (RunStarted, StackReady, RunFailed)) or _worth_a_line(event):
            line = describe(event)
            self._console.print(line or "")

    def _take(self, event: AnyEvent) -> None:
        match event:
            case StageStarted():
                self._began.setdefault(event.stage, time.monotonic())
                self._ended.pop(event.stage, None)
            case StageFinished():
                self._ended[event.stage] = event.duration_s
            case ProgressMade():
                self._began.setdefault(event.stage, time.monotonic())
                self._doing[event.stage] = event.message
            case StackReady():
                self._ended["stack"] = event.duration_s
            case CheckPlanned():
                self._planned += 1
            case CheckStarted():
                self._check = event.check
            case CheckFinished():
                self._outcomes[event.result.check] = event.result.outcome
            case _:
                pass

    def _render(self) -> RenderableType:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            for stage, began in self._began.items():
                ended = self._ended.get(stage)
                mark: RenderableType = Text("done", style="green") if ended is not None else self._spinner
                elapsed = ended if ended is not None else time.monotonic() - began
                doing = "" if ended is not None else self._doing.get(stage, "")
                # A Text: of a mere string the table would take what stands in brackets for its own markup.
                table.add_row(mark, stage, f"{elapsed:.1f} s", Text(plain_line(doing)))
            done = f"{len(self._outcomes)} of {self._planned} checks" if self._planned else "collecting checks"
            return Group(table, Text(f"{done}  {self._check}", style="dim"))

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._live.__exit__(kind, error, tb)


def _worth_a_line(event: AnyEvent) -> bool:
    if isinstance(event, CheckFinished):
        return event.result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.BLOCKED}
    return False


def make_view(*, quiet: bool = False, follows: Collection[str] = ()) -> PlainView | LiveView:
    """Return the live view on a terminal, the plain one in CI, pipes and dumb terminals.

    A `quiet` one leaves standard output alone. The plain one tells what the stages that it `follows` are doing.
    """
    # pytest takes both outputs away while a check runs: the view keeps a way of its own to the same place.
    out = os.fdopen(os.dup((sys.stderr if quiet else sys.stdout).fileno()), "w", encoding="utf-8")
    if is_watched() and not quiet:
        return LiveView(Console(file=out, highlight=False, force_terminal=True))
    return PlainView(Console(file=out, highlight=False), follows=follows)


def is_watched() -> bool:
    """Return whether somebody sits at a terminal that can be redrawn.

    rich takes FORCE_COLOR for a terminal too, which says something about colours only.
    """
    in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    return sys.stdout.isatty() and not in_ci and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
