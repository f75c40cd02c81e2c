"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from seatrial.core import UsageError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read `90`, `90s`, `5m` or `1h` as seconds."""
    del ctx, parameter
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", value)
    if match is None or float(match[1]) == 0:
        raise click.BadParameter(f"{value!r} is no duration; write 90, 90s, 5m or 1h")
    return float(match[1]) * UNITS_S[match[2]]


def per_second(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read `50` or `50/s` as arrivals per second."""
    del ctx, parameter
    if value is None:
        return None
    try:
        rate = float(value.removesuffix("/s"))
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise UsageError(
            f"{value!r} is no rate",
            slug="load-rate-invalid",
            where="--rate",
            remedy="write arrivals per second, above 0: 50 or 50/s",
        )
    return rate


config_option: Decorator = click.option(
    "--config", default="", metavar="FILE", help="The configuration.  [default: the nearest seatrial.toml]"
)
profile_option: Decorator = click.option(
    "--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True, help="How deep to look."
)
run_profile_option: Decorator = click.option(
    "--profile",
    type=click.Choice(["quick", "full", "smoke"]),
    default="quick",
    show_default=True,
    help="How deep to look; smoke changes nothing.",
)

out_option: Decorator = click.option(
    "--out", default="", metavar="DIR", help="The run's directory.  [default: .seatrial/runs/ID]"
)
seed_option: Decorator = click.option("--seed", type=click.IntRange(min=0), help="Repeat the random choices.")
fault_option: Decorator = click.option(
    "--fault", default="", metavar="SLUG|FILE.py", help="Seed a defect, to see that it is found."
)
timeout_option: Decorator = click.option("--timeout", callback=seconds, metavar="T", help="Give up after 90s, 5m, 1h.")
allow_target_option: Decorator = click.option(
    "--allow-target", default="", metavar="HOST:PORT", help="A target that is not loopback (see [targets])."
)
target_option: Decorator = click.option(
    "--stack",
    default="",
    metavar="auto|compose|local|up|URL",
    help="What to start; `up` is the stack that `seatrial up` left running.  [default: auto]",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
address_pool_option: Decorator = click.option(
    "--address-pool", default="", metavar="CIDR", help="For a URL: addresses of this machine to send from."
)


def run_directory(run: str, config: str) -> Path:
    """Return the directory of a run: an id or a directory, or the latest run where none is named or `latest` is.

    Raises UsageError for one that is nowhere.
    """
    directory = run_place(run, config)
    if run and not directory.is_dir():
        raise UsageError(
            f"there is no run {run!r}",
            slug="run-unknown",
            where=str(directory),
            remedy="name a directory, or the id of a run that is in .seatrial/runs",
        )
    return directory


def run_place(run: str, config: str) -> Path:
    """Return where a run has to be, as `run_directory` does, whether or not it is there."""
    directory = Path(run)
    if run and directory.is_dir():
        return directory
    home = config_path(config).resolve().parent / ".seatrial"
    return home / "runs" / run if run not in {"", "latest"} else home / "latest"


def suite_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every command takes that runs one suite alone."""
    for option in (allow_target_option, timeout_option, fault_option, seed_option, out_option):
        command = option(command)
    return command


def one_target(url: str, stack: str, *, command: str) -> str:
    """Return what is to be looked at: the URL, or what --stack names; raises UsageError where both are given."""
    if url and stack:
        raise UsageError(
            f"both a URL and --stack {stack} are given",
            slug="arguments-invalid",
            where=command,
            remedy="give one of them",
        )
    return url or stack or "auto"


def config_path(named: str) -> Path:
    """Return the configuration file that is named, or the nearest; raises UsageError."""
    from seatrial.config import find_config  # noqa: PLC0415 - pydantic takes its time

    return Path(named) if named else find_config(Path.cwd())
