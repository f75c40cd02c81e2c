"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

config_option: Decorator = click.option(
    "--config", default="", metavar="FILE", help="The configuration.  [default: the nearest seatrial.toml]"
)
profile_option: Decorator = click.option(
    "--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True, help="How deep to look."
)


address_pool_option: Decorator = click.option(
    "--address-pool", default="", metavar="CIDR", help="For a URL: addresses of this machine to send from."
)


def run_directory(run: str, config: str) -> Path:
    """Return the directory of a run: an id or a directory, or the latest run where none is named."""
    directory = Path(run)
    if run and directory.is_dir():
        return directory
    home = config_path(config).resolve().parent / ".seatrial"
    return home / "runs" / run if run else home / "latest"


def config_path(named: str) -> Path:
    """Return the configuration file that is named, or the nearest; raises UsageError."""
    from seatrial.config import find_config  # noqa: PLC0415 - pydantic takes its time

    return Path(named) if named else find_config(Path.cwd())
