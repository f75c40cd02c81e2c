"""`seatrial report`."""

from __future__ import annotations

import click

from seatrial.cli._options import config_option, run_directory
from seatrial.cli._say import say


@click.command(
    "report",
    epilog="\b\nExamples:\n  seatrial report\n  seatrial report .seatrial/runs/20260101-120000-abc123\n"
    "  seatrial report report/ --against base-report/",
)
@click.argument("run", default="")
@click.option("--against", default="", metavar="RUN", help="An earlier run: comment.md tells what changed.")
@config_option
def report_command(run: str, against: str, config: str) -> int:
    """Rebuild every report from a run's recorded events (of the latest run, or RUN: an id or a directory)."""
    from seatrial.reporting import summarise, write_reports  # noqa: PLC0415 - heavy

    base = run_directory(against, config) if against else None
    for line in summarise(write_reports(run_directory(run, config), against=base)):
        say(line)
    return 0
