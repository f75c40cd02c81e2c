"""`seatrial load compare` and `calibrate`: two versions under the same load, and what can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from seatrial.cli._options import Decorator, config_option, json_option, out_option, per_second, seconds, seed_option

COMPARE = """\b
Examples:
  seatrial load compare --base main
  seatrial load compare --base v1.4.0 --candidate v1.5.0 --stack local --scenario steady
  seatrial load compare --base shop:1.4 --candidate shop:1.5 --stack compose --json
  seatrial load compare --base http://127.0.0.1:8001 --candidate http://127.0.0.1:8002 --path /items --rate 100/s

\b
Exit codes: 0 the candidate is not slower, 1 it is, or answers worse, 2 wrong usage or configuration,
3 the environment failed or nothing could be told, 130 interrupted."""
CALIBRATE = """\b
Examples:
  seatrial load calibrate
  seatrial load calibrate main --stack local --scenario steady --pairs 36
  seatrial load calibrate http://127.0.0.1:8000 --path /items --rate 100/s

\b
Exit codes: 0 it was measured, 2 wrong usage or configuration, 3 the environment failed or the load could not be sent,
130 interrupted."""
MOST_PAIRS = 200

OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--stack",
        type=click.Choice(["auto", "compose", "local"]),
        default="auto",
        show_default=True,
        help="How both are started.",
    ),
    click.option("--scenario", default="", metavar="NAME", help="The [load.NAME] of each burst.  [default: the first]"),
    click.option(
        "--path", "paths", multiple=True, metavar="/PATH", help="GET this in place of a scenario; repeatable."
    ),
    click.option(
        "--rate", "rate_per_s", callback=per_second, metavar="N/s", help="Arrivals per second, whatever is declared."
    ),
    click.option(
        "--burst",
        "burst_s",
        callback=seconds,
        default="3s",
        show_default=True,
        metavar="T",
        help="How long a burst is.",
    ),
    click.option(
        "--metric",
        type=click.Choice(["p50", "p90", "p95"]),
        default="p95",
        show_default=True,
        help="What decides, from the instant a request was due.",
    ),
    click.option(
        "--allow-target", "allowed", multiple=True, metavar="HOST:PORT", help="A URL that is not loopback; repeatable."
    ),
    click.option("--timeout", "timeout_s", callback=seconds, metavar="T", help="Begin no more pairs after 5m, 1h."),
    seed_option,
    out_option,
    json_option,
    config_option,
)


def pairs_option(default: int, meaning: str) -> Decorator:
    """Return the option that says how many pairs there are."""
    return click.option("--pairs", type=click.IntRange(6, MOST_PAIRS), default=default, show_default=True, help=meaning)


def load_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says how bursts are sent, and to what."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command("compare", epilog=COMPARE, short_help="Tell whether one version is slower than another.")
@click.option("--base", required=True, metavar="REF|IMAGE|URL", help="What it is held against.")
@click.option(
    "--candidate", default=".", metavar="REF|IMAGE|URL|.", help="What is asked about.  [default: the folder as it is]"
)
@pairs_option(36, "Send so many pairs at the most.")
@click.option("--history", default="", metavar="FILE.jsonl", help="Add the figures, and warn of a trend: never a gate.")
@load_options
def compare_command(**choices: Any) -> int:
    """Start two versions side by side and tell whether the candidate is slower than the base.

    Both get the same bursts in turn, in random order. After 6, 10, 16, 24 and 36 pairs one looks: certainly slower by
    2 % and likely by 5 % is a failure, certainly not slower by 9 % is a pass, and neither goes on.
    """
    from seatrial.cli._comparing import compare_versions  # noqa: PLC0415 - heavy

    return compare_versions(**choices)


@click.command("calibrate", epilog=CALIBRATE, short_help="Tell what this machine can tell apart.")
@click.argument("target", default=".", metavar="[REF|IMAGE|URL|.]")
@pairs_option(24, "Measure so many pairs.")
@load_options
def calibrate_command(*, target: str, **choices: Any) -> int:
    """Compare a version with itself, and say how often that would fail, and which change would be found.

    What it says holds for this machine, this load and these bursts.
    """
    from seatrial.cli._comparing import calibrate_here  # noqa: PLC0415 - heavy

    return calibrate_here(target, **choices)
