"""A stack that stays up between runs: started, written down, and ended by another process.

bring_up --> .seatrial/stack.json, key and secrets in the work folder --> take_down, whatever is left of it by then
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.campaign._options import Options
from seatrial.campaign._run import Run, open_run
from seatrial.campaign._stacks import Stacks
from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.cover import Collector
from seatrial.record import Listener, Secrets
from seatrial.stack import Variant, attach, forget_state, sweep, write_state

KEY = "signing-key.pem"
SECRETS = "secrets.json"
WITHHELD = "withheld: the secrets of this run are not known any more, so what was logged cannot be shown\n"


def bring_up(
    settings: Settings, options: Options, *, variant: Variant, listeners: Sequence[Listener] = ()
) -> Mapping[str, Any]:
    """Start a stack, write down how to find it, leave it running, and return what was written.

    Raises UsageError for an instrumented one where nothing says what to measure.
    """
    collector = _collector(settings) if variant == "instrumented" else None
    run = open_run(settings, options, listeners=listeners)
    try:
        stacks = Stacks(run, collector=collector, variants=(variant,))
        stacks.get(variant)
        state = leave_running(run, stacks)
    finally:
        run.close()
    return state


def _collector(settings: Settings) -> Collector:
    if settings.coverage is None:
        raise UsageError(
            "nothing says what to measure in an instrumented stack",
            slug="coverage-undeclared",
            where="--variant instrumented",
            remedy="declare [coverage] in seatrial.toml, or start the clean variant",
        )
    return Collector(settings.coverage, root=settings.root)


def leave_running(run: Run, stacks: Stacks) -> Mapping[str, Any]:
    """Leave every started variant up, and write down how to find one: `seatrial down` removes them all."""
    stack = stacks.started()
    if stack is None or run.attached:
        return {}
    run.key.save(run.work / KEY)
    run.recorder.secrets.save(run.work / SECRETS)
    files = {"key": str(run.work / KEY), "secrets": str(run.work / SECRETS)}
    state = {**stack.state(), "run": run.id, "profile": run.options.profile, **files}
    write_state(run.settings.root, state)
    run.keep_stack()
    return state


def take_down(root: Path, state: Mapping[str, Any]) -> bool:
    """End a stack that was left running, remove all of it, and forget it; return whether it was still there.

    Raises EnvironmentFailure, and forgets nothing, where it cannot be told: its engine does not answer.
    """
    there = not is_gone(state)
    if there:
        attach(state, redact=_redact(Path(state["secrets"]))).stop()
    sweep(str(state["run"]))
    forget_state(root)
    return there


def is_gone(state: Mapping[str, Any]) -> bool:
    """Return whether nothing runs any more of a stack that was left running, as after a restart of the machine."""
    try:
        attach(state)
    except EnvironmentFailure as error:
        if error.slug != "stack-gone":
            raise
        return True
    return False


def _redact(secrets: Path) -> Callable[[str], str]:
    try:
        return Secrets.load(secrets).redact
    except (OSError, ValueError):
        return lambda _: WITHHELD
