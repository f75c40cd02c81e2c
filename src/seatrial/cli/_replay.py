"""`seatrial replay`: one recorded finding, sent again."""

from __future__ import annotations

from typing import Any

import click

from seatrial.cli._options import config_option

EPILOG = """\b
Examples:
  seatrial replay 3f2a
  seatrial replay 3f2a91c04be7d815 --run .seatrial/runs/20260101-120000-abc123
  seatrial replay 3f2a --stack http://127.0.0.1:8000
  seatrial replay 3f2a --curl | sh

\b
Exit codes: 0 the finding is gone, 1 it is still there, 2 wrong usage or configuration, 3 nothing can be said."""


@click.command("replay", epilog=EPILOG)
@click.argument("finding", metavar="FINDING")
@click.option("--run", default="", metavar="RUN", help="An id or a directory.  [default: the latest run]")
@click.option(
    "--stack", default="", metavar="up|URL", help="Where to send.  [default: the stack that is up, or the run's URL]"
)
@click.option("--curl", is_flag=True, help="Print lines for a shell, with new tokens, and send nothing.")
@click.option("--allow-target", default="", metavar="HOST:PORT", help="A target that is not loopback (see [targets]).")
@config_option
def replay_command(*, finding: str, **choices: Any) -> int:
    """Send the requests of a recorded finding again, and say whether it is still there.

    FINDING is its fingerprint, or how that begins: it stands in every report. Users of the same roles are minted anew,
    and what the answers say is put into the requests that follow. Findings of the suite `contract` can be replayed.
    """
    from seatrial.cli._replaying import replay_session  # noqa: PLC0415 - heavy

    return replay_session(finding, **choices)
