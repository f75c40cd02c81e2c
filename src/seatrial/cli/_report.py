"""`seatrial report`."""

from __future__ import annotations

import click

from seatrial.cli._options import config_option, run_directory


@click.command(
    "report", epilog="\b\nExamples:\n  seatrial report\n  seatrial report .seatrial/runs/20260101-120000-abc123"
)
@click.argument("run", default="")
@config_option
def report_command(run: str, config: str) -> int:
    """Rebuild every report from a run's recorded events (of the latest run, or RUN: an id or a directory)."""
    from seatrial.reporting import summarise, write_reports  # noqa: PLC0415 - heavy

    for line in summarise(write_reports(run_directory(run, config))):
        click.echo(line)
    return 0
