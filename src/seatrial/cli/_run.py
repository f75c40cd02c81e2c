"""`seatrial run`: the main job."""

from __future__ import annotations

from collections.abc import Sequence

import click

from seatrial.cli._options import (
    address_pool_option,
    allow_target_option,
    config_option,
    fault_option,
    out_option,
    run_profile_option,
    seed_option,
    timeout_option,
)

EPILOG = """\b
Examples:
  seatrial run
  seatrial run --stack local --profile quick --seed 7
  seatrial run --only health ratelimit -n 2
  seatrial run --shard 1/3 --out shard-1
  seatrial run --fault ratelimit-shared-bucket
  seatrial run --stack http://127.0.0.1:8000 --only contract
  seatrial run --stack https://shop.example --allow-target shop.example:443 --profile smoke"""


def number_of_workers(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Let `auto` and whole numbers from 0 pass."""
    del ctx, parameter
    if value and value != "auto" and not value.isdecimal():
        raise click.BadParameter(f"{value!r} is no number of workers; write auto, or a whole number from 0")
    return value


def spread(arguments: Sequence[str]) -> list[str]:
    """Read `--only A B` as `--only A --only B`: the command has no arguments that these words could be."""
    words: list[str] = []
    naming = False
    for word in arguments:
        if word.startswith("-"):
            naming = word.partition("=")[0] == "--only"
        elif naming and words[-1] != "--only":
            words.append("--only")
        words.append(word)
    return words


class RunCommand(click.Command):
    """A command whose `--only` takes several words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        return super().parse_args(ctx, spread(args))


@click.command("run", cls=RunCommand, epilog=EPILOG)
@click.option(
    "--stack",
    default="auto",
    show_default=True,
    metavar="auto|compose|local|up|URL",
    help="What to start; `up` is the stack that `seatrial up` left running.",
)
@run_profile_option
@click.option("--only", multiple=True, metavar="SUITE ...", help="Run these suites only.")
@click.option("--shard", default="", metavar="I/N", help="Run one of N parts; `seatrial merge` judges all.")
@out_option
@seed_option
@fault_option
@click.option("--deep", is_flag=True, help="Of rate limits, also what takes long (see `seatrial limits prove`).")
@click.option("--keep", is_flag=True, help="Leave the stack up afterwards.")
@click.option("--plan", is_flag=True, help="Say what would run, and start nothing.")
@timeout_option
@click.option(
    "-n",
    "workers",
    default="",
    callback=number_of_workers,
    metavar="WORKERS",
    help="Run checks in parallel: a number, or auto.",
)
@allow_target_option
@address_pool_option
@click.option(
    "--patch-base", default="", metavar="REF", help="Of [coverage]: lines changed since then count as the patch."
)
@config_option
def run_command(**choices: object) -> int:
    """Start the stack, verify it and give a verdict.

    Uses Docker compose where an engine answers, else local processes, and says which and why.
    """
    from seatrial.cli._session import run_session, show_plan  # noqa: PLC0415 - heavy

    if choices.pop("plan"):
        return show_plan(**choices)  # type: ignore[arg-type]  # click checked the types
    return run_session(**choices)  # type: ignore[arg-type]  # click checked the types
