"""`seatrial clean`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import click

from seatrial._interrupts import end_in_order
from seatrial.cli._options import config_path
from seatrial.core import SeatrialError


@click.command(
    "clean", epilog="\b\nExamples:\n  seatrial clean\n  seatrial clean --all    also a stack that `up` or --keep left"
)
@click.option("--all", "kept", is_flag=True, help="Also remove stacks that were kept on purpose.")
def clean_command(kept: bool) -> int:
    """Remove whatever earlier runs left behind: processes, containers, networks, volumes, work folders."""
    from seatrial.stack import leftovers, sweep  # noqa: PLC0415 - heavy

    end_in_order()
    runs = leftovers(kept=kept)
    for run in runs:
        swept = sweep(run)
        click.echo(
            f"{run}: {swept.processes} processes, {swept.containers} containers, "
            f"{swept.networks} networks, {swept.volumes} volumes removed"
        )
    _forget_gone(runs)
    if not runs:
        click.echo("nothing was left behind")
    still = [] if kept else leftovers(kept=True)
    if still:
        click.echo(f"kept on purpose: {', '.join(still)} (seatrial down, or seatrial clean --all)")
    return 0


def forget_gone(root: Path, removed: Sequence[str]) -> None:
    """Forget a project's stack that was removed, or of which nothing runs any more, so that `up` starts one again."""
    from seatrial.campaign import is_gone  # noqa: PLC0415 - heavy
    from seatrial.stack import forget_state, read_state  # noqa: PLC0415 - heavy

    state = read_state(root)
    if state and (state["run"] in removed or is_gone(state)):
        forget_state(root)
        click.echo(f"forgot the stack that was up here: nothing of {state['run']} runs any more")


def _forget_gone(removed: Sequence[str]) -> None:
    # Outside a project there is nothing to forget, and where an engine does not answer nobody knows.
    with contextlib.suppress(SeatrialError):
        forget_gone(config_path("").resolve().parent, removed)
