"""`seatrial clean`."""

from __future__ import annotations

import click

from seatrial._interrupts import end_in_order


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
    if not runs:
        click.echo("nothing was left behind")
    still = [] if kept else leftovers(kept=True)
    if still:
        click.echo(f"kept on purpose: {', '.join(still)} (seatrial down, or seatrial clean --all)")
    return 0
