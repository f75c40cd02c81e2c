"""`seatrial compare`: what differs between two runs that are over."""

from __future__ import annotations

import click

from seatrial.cli._options import config_option, json_option

EPILOG = """\b
Examples:
  seatrial compare 20260101-120000-abc123
  seatrial compare base-report/ report/ --out compare.html
  seatrial compare 20260101-120000-abc123 latest --json

\b
Exit codes: 0 whatever differs (gates decide, this does not), 2 wrong usage,
or a run that is nowhere, 3 a directory without the record of a run, or a page
that cannot be written."""


@click.command("compare", epilog=EPILOG, short_help="Tell what differs between two runs.")
@click.argument("base", metavar="A")
@click.argument("candidate", metavar="[B]", default="latest")
@click.option("--out", default="", metavar="FILE.html", help="Write the same as a page.")
@json_option
@config_option
def compare_command(base: str, candidate: str, *, out: str, as_json: bool, config: str) -> int:
    """Tell what is new, fixed or slower in run B (the latest without one) since run A: ids or directories.

    Fixed is only what B looked at again. Two runs at two times are not paired, so that what is slower here is no
    verdict: `seatrial load compare` runs both versions side by side, and can be a gate.
    """
    from seatrial.cli._differing import compare_runs  # noqa: PLC0415 - heavy

    return compare_runs(base, candidate, out=out, as_json=as_json, config=config)
