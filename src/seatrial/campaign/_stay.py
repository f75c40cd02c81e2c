"""A stack that stays up between runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.campaign._options import Options
from seatrial.campaign._run import open_run
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
        stack = Stacks(run, collector=None).get(variant)
        run.key.save(run.work / KEY)
        state = {**stack.state(), "run": run.id, "profile": options.profile, "key": str(run.work / KEY)}
        write_state(settings.root, state)
        run.keep_stack()
    finally:
        run.close()
    return state
