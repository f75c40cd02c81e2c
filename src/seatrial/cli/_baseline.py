"""`seatrial baseline`: the figures that were accepted, against which gate rules may be."""

from __future__ import annotations

import click

from seatrial.cli._options import config_option, json_option

ACCEPT = """\b
Examples:
  seatrial baseline accept
  seatrial baseline accept 20260101-120000-abc123
  seatrial baseline accept build/seatrial --ratchet"""
SHOW = """\b
Examples:
  seatrial baseline show
  seatrial baseline show 20260101-120000-abc123 --json"""


@click.group("baseline", epilog=f"{ACCEPT}\n  seatrial baseline show")
def baseline_command() -> None:
    """Accept or show the figures that gate rules hold later runs against, such as `coverage.total >= baseline`."""


@baseline_command.command("accept", epilog=ACCEPT)
@click.argument("run", default="")
@click.option("--ratchet", is_flag=True, help="Keep what was better before, of figures that a rule holds against it.")
@config_option
def accept_command(run: str, config: str, *, ratchet: bool) -> int:
    """Take the figures of the latest run (or RUN: an id or a directory) into the baseline, which is to be committed.

    They count for runs of the same profile.
    """
    from seatrial.cli._accepted import accept_figures  # noqa: PLC0415 - heavy

    return accept_figures(run, config, ratchet=ratchet)


@baseline_command.command("show", epilog=SHOW)
@click.argument("run", default="")
@json_option
@config_option
def show_command(run: str, config: str, as_json: bool) -> int:
    """Print the baseline, and how the latest run (or RUN: an id or a directory) differs from it."""
    from seatrial.cli._accepted import show_figures  # noqa: PLC0415 - heavy

    return show_figures(run, config, as_json=as_json)
