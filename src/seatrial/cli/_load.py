"""`seatrial load`: the declared load scenarios alone, or other traffic; two versions under it are `_compare`'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from seatrial.cli._compare import calibrate_command, compare_command
from seatrial.cli._options import (
    config_option,
    json_option,
    one_target,
    per_second,
    seconds,
    suite_options,
    target_option,
)
from seatrial.cli._unsent import LoadCommand
from seatrial.cli._usual import UsualGroup
from seatrial.cli._worker import worker_command
from seatrial.core import UsageError

PROFILES = ("quick", "full")
EPILOG = """\b
Examples:
  seatrial load
  seatrial load http://127.0.0.1:8000
  seatrial load http://127.0.0.1:8000 --path / --rate 100/s --duration 30s
  seatrial load compare --base main
  seatrial load calibrate"""
SEND = """\b
Examples:
  seatrial load
  seatrial load full --stack local --scenario steady
  seatrial load http://127.0.0.1:8000 --path / --path /items --rate 100/s --duration 30s
  seatrial load http://127.0.0.1:8000 --only 'GET /items/{id}'
  seatrial load http://127.0.0.1:8000 --har shop.har --plan
  seatrial load send --scenario steady --json

\b
Exit codes: 0 everything that must hold held, 1 something did not, 2 wrong usage or configuration,
3 the environment failed or the load was not as asked, 130 interrupted."""


def split_words(words: Sequence[str]) -> tuple[str, str]:
    """Return profile and URL, in whichever order they were given; each may be missing."""
    urls = [word for word in words if "://" in word]
    profiles = [word for word in words if word in PROFILES]
    if len(urls) + len(profiles) != len(words) or max(len(urls), len(profiles)) > 1:
        raise UsageError(
            f"not one profile and one URL: {' '.join(words)}",
            slug="arguments-invalid",
            where="seatrial load",
            remedy="write at most one of quick and full, and at most one URL such as http://127.0.0.1:8000",
        )
    return "".join(profiles) or "quick", "".join(urls)


def check_workers(choices: Mapping[str, Any]) -> None:
    """Raise UsageError for what only makes sense with workers, and what does not with them."""
    if choices["workers"] and choices["processes"]:
        what, remedy = "both --workers and --processes are given", "on a machine with several processors start several"
    elif not choices["workers"] and (choices["bind"] or choices["wait_s"]):
        what, remedy = "--bind and --wait are for workers, and none are asked for", "say with --workers how many"
    else:
        return
    raise UsageError(what, slug="arguments-invalid", where="seatrial load", remedy=remedy)


@click.group("load", cls=UsualGroup, usual="send", epilog=EPILOG)
def load_command() -> None:
    """Send load, and judge it by what must hold meanwhile; compare two versions under it.

    `seatrial load [quick|full] [URL]` is short for `seatrial load send [quick|full] [URL]`.
    """


load_command.add_command(compare_command)
load_command.add_command(calibrate_command)
load_command.add_command(worker_command)


@load_command.command(
    "send", cls=LoadCommand, epilog=SEND, short_help="Send load, and judge it by what must hold meanwhile."
)
@click.argument("words", nargs=-1, metavar="[quick|full] [URL]")
@target_option
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this [load.NAME]; repeatable.")
@click.option("--path", "paths", multiple=True, metavar="/PATH", help="GET this in place of scenarios; repeatable.")
@click.option("--contract", is_flag=True, help="Send reads of the OpenAPI document in place of scenarios.")
@click.option("--har", default="", metavar="FILE", help="Send a browser's recording (HAR) in place of scenarios.")
@click.option("--har-host", default="", metavar="HOST", help="Whose requests of the recording, if of several hosts.")
@click.option(
    "--only",
    "operations",
    multiple=True,
    metavar="'METHOD /path'",
    help="Of these two: this alone; repeatable.",
)
@click.option("--writes", is_flag=True, help="Of --contract or --har: also what may change or delete data.")
@click.option(
    "--rate", "rate_per_s", callback=per_second, metavar="N/s", help="Arrivals per second, whatever is declared."
)
@click.option(
    "--duration", "duration_s", callback=seconds, metavar="T", help="How long, whatever is declared: 90s, 5m."
)
@click.option(
    "--processes", type=click.IntRange(1, 64), metavar="N", help="How many processes send it, whatever is declared."
)
@click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N", help="Have N workers on other machines send it (load worker)."
)
@click.option("--bind", default="", metavar="HOST:PORT", help="Where they connect.  [default: 127.0.0.1:5557]")
@click.option("--wait", "wait_s", callback=seconds, metavar="T", help="How long they may take to come.  [default: 60s]")
@click.option("--ui", is_flag=True, help="Show it on Locust's web page meanwhile, on this machine alone.")
@click.option("--plan", is_flag=True, help="Print what would be sent, how often, and as whom; send nothing.")
@json_option
@suite_options
@config_option
def send_command(*, words: tuple[str, ...], stack: str, plan: bool, **choices: Any) -> int:
    """Send load at the rate that was asked for, whatever the service does, and judge it by what must hold meanwhile.

    Latency counts from the instant at which a request was due. A load that could not be sent as asked proves nothing
    and passes nothing. Where a URL is given and no scenario is declared, what its OpenAPI document documents is sent.
    """
    profile, url = split_words(words)
    choices |= {"profile": profile, "stack": one_target(url, stack, command="seatrial load")}
    check_workers(choices)
    if plan:
        from seatrial.cli._load_plan import show_load  # noqa: PLC0415 - heavy

        return show_load(**choices)
    from seatrial.cli._loading import load_session  # noqa: PLC0415 - heavy

    return load_session(**choices)
