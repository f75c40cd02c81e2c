"""A stack that stays up between runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.campaign._options import Options
from seatrial.campaign._run import Run, open_run
from seatrial.campaign._stacks import Stacks
from seatrial.config import Settings
from seatrial.record import Listener
from seatrial.stack import Variant, write_state

KEY = "signing-key.pem"


def bring_up(
    settings: Settings, options: Options, *, variant: Variant, listeners: Sequence[Listener] = ()
) -> Mapping[str, Any]:
    """Start a stack, write down how to find it, leave it running, and return what was written."""
    run = open_run(settings, options, listeners=listeners)
    try:
        stacks = Stacks(run, collector=None)
        stacks.get(variant)
        state = leave_running(run, stacks)
    finally:
        run.close()
    return state


def leave_running(run: Run, stacks: Stacks) -> Mapping[str, Any]:
    """Leave every started variant up, and write down how to find one: `seatrial down` removes them all."""
    stack = stacks.started()
    if stack is None or run.attached:
        return {}
    run.key.save(run.work / KEY)
    state = {**stack.state(), "run": run.id, "profile": run.options.profile, "key": str(run.work / KEY)}
    write_state(run.settings.root, state)
    run.keep_stack()
    return state
