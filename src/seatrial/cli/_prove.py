"""`seatrial limits prove`: the declared rate limits, claim by claim."""

from __future__ import annotations

from typing import Any

import click

from seatrial.cli._options import address_pool_option, config_option
from seatrial.cli._run import seconds
from seatrial.core import UsageError

EPILOG = """\b
Examples:
  seatrial limits prove
  seatrial limits prove --plan --profile full
  seatrial limits prove --stack local --deep
  seatrial limits prove http://127.0.0.1:8000 --json

\b
Exit codes: 0 every claim that was tried is proved, 1 one is refuted, 2 wrong usage or configuration,
3 the environment failed or something stayed undecided, 130 interrupted."""


@click.command("prove", epilog=EPILOG)
@click.argument("url", required=False, default="")
@click.option(
    "--stack",
    default="",
    metavar="auto|compose|local|up|URL",
    help="What to start; `up` is the stack that `seatrial up` left running.  [default: auto]",
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "full"]),
    help="Which knobs are turned, and how long it may take.  [default: quick; full for a URL; for `up` its own]",
)
@click.option("--plan", is_flag=True, help="Print what would be sent, when, and as whom; send nothing.")
@click.option("--deep", is_flag=True, help="Also what takes two windows, many clients, load, or control of the store.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--out", default="", metavar="DIR", help="The run's directory.  [default: .seatrial/runs/ID]")
@click.option("--seed", type=click.IntRange(min=0), help="Repeat the random choices.")
@click.option("--fault", default="", metavar="SLUG|FILE.py", help="Seed a defect, to see that it is found.")
@click.option("--timeout", callback=seconds, metavar="T", help="Give up after 90s, 5m, 1h.")
@click.option("--allow-target", default="", metavar="HOST:PORT", help="A target that is not loopback (see [targets]).")
@address_pool_option
@config_option
def prove_command(*, url: str, stack: str, profile: str | None, plan: bool, **choices: Any) -> int:
    """Prove or refute what [[limits]] in seatrial.toml declares, on a stack that is started for it or at a URL.

    Every claim ends as PROVED, REFUTED, INCONCLUSIVE or NOT TESTED; what was not tested is said first.
    """
    if url and stack:
        raise UsageError(
            f"both a URL and --stack {stack} are given",
            slug="arguments-invalid",
            where="seatrial limits prove",
            remedy="give one of them",
        )
    choices |= {"stack": url or stack or "auto", "profile": profile}
    if plan:
        from seatrial.cli._schedules import show_schedule  # noqa: PLC0415 - heavy

        return show_schedule(**choices)
    from seatrial.cli._proving import prove_session  # noqa: PLC0415 - heavy

    return prove_session(**choices)
