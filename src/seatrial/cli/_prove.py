"""`seatrial limits prove`: the declared rate limits, claim by claim."""

from __future__ import annotations

from typing import Any

import click

from seatrial.cli._options import (
    address_pool_option,
    config_option,
    json_option,
    one_target,
    suite_options,
    target_option,
)

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
@target_option
@click.option(
    "--profile",
    type=click.Choice(["quick", "full"]),
    help="Which knobs are turned, and how long it may take.  [default: quick; full for a URL; for `up` its own]",
)
@click.option("--plan", is_flag=True, help="Print what would be sent, when, and as whom; send nothing.")
@click.option("--deep", is_flag=True, help="Also what takes two windows, many clients, load, or control of the store.")
@json_option
@suite_options
@address_pool_option
@config_option
def prove_command(*, url: str, stack: str, profile: str | None, plan: bool, **choices: Any) -> int:
    """Prove or refute what [[limits]] in seatrial.toml declares, on a stack that is started for it or at a URL.

    Every claim ends as PROVED, REFUTED, INCONCLUSIVE or NOT TESTED; what was not tested is said first.
    """
    choices |= {"stack": one_target(url, stack, command="seatrial limits prove"), "profile": profile}
    if plan:
        from seatrial.cli._schedules import show_schedule  # noqa: PLC0415 - heavy

        return show_schedule(**choices)
    from seatrial.cli._proving import prove_session  # noqa: PLC0415 - heavy

    return prove_session(**choices)
