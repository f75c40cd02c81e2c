"""`seatrial contract`: what a service promises in its OpenAPI document, one command a job."""

from __future__ import annotations

from typing import Any

import click

from seatrial.cli._options import address_pool_option, config_option, profile_option
from seatrial.cli._run import seconds

EPILOG = """\b
Examples:
  seatrial contract
  seatrial contract http://127.0.0.1:8000 --seed 7
  seatrial contract openapi.yaml --stack http://127.0.0.1:8000
  seatrial contract fuzz --help"""
FUZZ = """\b
Examples:
  seatrial contract fuzz
  seatrial contract fuzz --stack local --profile full
  seatrial contract fuzz http://127.0.0.1:8000 --seed 7
  seatrial contract fuzz http://127.0.0.1:8000/v2/openapi.json
  seatrial contract fuzz openapi.yaml --stack http://127.0.0.1:8000
  seatrial contract fuzz --only 'GET /items/{id}' --only 'POST /items'

\b
Exit codes: 0 every promise that was looked at is kept, 1 one is broken, 2 wrong usage or configuration,
3 the environment failed or something stayed undecided, 130 interrupted."""


class ContractGroup(click.Group):
    """A group whose usual job needs no word: what is no command is an argument or option of `fuzz`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["fuzz", *args])


@click.group("contract", cls=ContractGroup, epilog=EPILOG)
def contract_command() -> None:
    """Fuzz and judge what the service's OpenAPI document promises.

    `seatrial contract [URL|FILE]` is short for `seatrial contract fuzz [URL|FILE]`.
    """


@contract_command.command("fuzz", epilog=FUZZ, short_help="Fuzz every operation and judge the answers.")
@click.argument("source", required=False, default="", metavar="[URL|FILE]")
@click.option(
    "--stack",
    default="",
    metavar="auto|compose|local|up|URL",
    help="What to start; `up` is the stack that `seatrial up` left running.  [default: auto]",
)
@profile_option
@click.option("--only", "operations", multiple=True, metavar="'METHOD /path'", help="Fuzz these operations only.")
@click.option("--out", default="", metavar="DIR", help="The run's directory.  [default: .seatrial/runs/ID]")
@click.option("--seed", type=click.IntRange(min=0), help="Repeat the random choices.")
@click.option("--fault", default="", metavar="SLUG|FILE.py", help="Seed a defect, to see that it is found.")
@click.option("--timeout", callback=seconds, metavar="T", help="Give up after 90s, 5m, 1h.")
@click.option("--allow-target", default="", metavar="HOST:PORT", help="A target that is not loopback (see [targets]).")
@address_pool_option
@config_option
def fuzz_command(*, source: str, **choices: Any) -> int:
    """Fuzz every operation of the document, and judge the answers.

    A URL without a path is a service to be asked, which serves its document. A URL with one, or a FILE, is the document
    itself: what is asked is the host of that URL, or the stack.
    """
    from seatrial.cli._fuzzing import fuzz_session  # noqa: PLC0415 - heavy

    return fuzz_session(source, **choices)
