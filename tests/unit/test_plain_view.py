"""What the plain view prints of checks that were not tested, and what reports say of them."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from seatrial.cli._view import LiveView, PlainView
from seatrial.core import CheckResult, Outcome
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckStarted,
    ProgressMade,
    Recorder,
    RunFailed,
    StackReady,
    StageStarted,
    read_record,
)
from seatrial.reporting._verdict import not_verified

WHY = "the profile quick does not send these scenarios, but full does"
LEFT = ("load.soak-objectives", "load.soak-resources")


def finished(check: str, outcome: Outcome, reason: str = "", *, at_s: float = 1.0) -> CheckFinished:
    """Return the event of a check that ended."""
    return CheckFinished(at_s=at_s, result=CheckResult(check=check, outcome=outcome, reason=reason))


EVENTS: tuple[AnyEvent, ...] = (
    finished(LEFT[0], Outcome.NOT_TESTED, WHY),
    finished("load.steady-objectives", Outcome.PASSED, at_s=2.0),
    finished(LEFT[1], Outcome.NOT_TESTED, WHY, at_s=3.0),
    finished("load.own-objectives", Outcome.NOT_TESTED, "another reason", at_s=3.0),
)


def printed(*events: AnyEvent) -> list[str]:
    """Return the lines of a run with these events, without their times."""
    out = io.StringIO()
    with PlainView(Console(file=out, highlight=False)) as view:
        for event in events:
            view.handle(event)
    return [line.partition("s  ")[2] for line in out.getvalue().splitlines()]


def test_one_reason_is_one_line_at_the_end() -> None:
    """With every check that it holds for; what passed stands where it came."""
    assert printed(*EVENTS) == [
        "passed          load.steady-objectives",
        f"not-tested      {', '.join(LEFT)}: {WHY}",
        "not-tested      load.own-objectives: another reason",
    ]


def test_what_was_left_is_told_before_the_next_stage() -> None:
    """And only once."""
    lines = printed(EVENTS[0], StageStarted(at_s=4.0, stage="report"))
    assert lines == [f"not-tested      {LEFT[0]}: {WHY}", "stage report"]


def test_a_report_folds_what_has_one_reason(tmp_path: Path) -> None:
    """No check is left out of it."""
    with Recorder(tmp_path) as recorder:
        for event in EVENTS:
            recorder.emit(event)
    assert not_verified(read_record(tmp_path)) == [
        f"{', '.join(LEFT)}: {WHY}",
        "load.own-objectives: another reason",
    ]


HOSTILE = "[/red]\x1b]0;owned\x07\x9b2J\u202e\rover"
TELL: tuple[AnyEvent, ...] = (
    StageStarted(stage="functional"),
    StackReady(variant="clean", driver="local", url=HOSTILE, duration_s=1.0),
    ProgressMade(stage="functional", message=HOSTILE),
    CheckStarted(check="own.a"),
    finished("own.a", Outcome.FAILED, HOSTILE),
    finished("own.b", Outcome.NOT_TESTED, HOSTILE),
    RunFailed(reason=HOSTILE, exit_code=3),
)


@pytest.mark.parametrize("kind", [PlainView, LiveView])
def test_no_terminal_obeys_a_service(kind: type[PlainView] | type[LiveView]) -> None:
    """What it says is written out, and what looks like markup of the view is none."""
    out = io.StringIO()
    console = Console(file=out, highlight=False, force_terminal=kind is LiveView, color_system=None, width=200)
    view = PlainView(console, follows={"functional"}) if kind is PlainView else LiveView(console)
    with view:
        for event in TELL:
            view.handle(event)
    told = out.getvalue()
    assert "[/red]\\x1b]0;owned\\x07\\x9b2J\\u202e over" in told
    assert not [sign for sign in ("\x1b]", "\x07", "\x9b", "\u202e", "\rover") if sign in told]
