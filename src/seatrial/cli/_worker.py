"""`seatrial load worker`: send what a master on another machine has to be sent."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from seatrial._interrupts import end_in_order
from seatrial.cli._options import allow_target_option, config_option, config_path, seconds
from seatrial.core import UsageError

EPILOG = """\b
Examples:
  seatrial load worker --master 10.0.0.5
  seatrial load worker --master 10.0.0.5:5557 --wait 10m --allow-target api.example.com:443

\b
Exit codes: 0 it sent its share until no master answered any more, 2 wrong usage or configuration,
3 no master answered at all, none got a whole share, or a load process failed, 130 interrupted."""
WAIT_S = 60.0


@click.command("worker", epilog=EPILOG, short_help="Send a share of what a master elsewhere is asked to send.")
@click.option("--master", required=True, metavar="HOST[:PORT]", help="Where `seatrial load --workers N` listens.")
@click.option("--wait", "wait_s", callback=seconds, metavar="T", help="How long to wait for it.  [default: 60s]")
@allow_target_option
@config_option
def worker_command(*, master: str, wait_s: float | None, allow_target: str, config: str) -> int:
    """Send a share of each scenario that a master on another machine is asked to send, until none answers any more.

    Only this machine's own load files run, and only targets that its own seatrial.toml and --allow-target name. What
    master and workers tell each other, tokens included, is not encrypted: connect them in a trusted network only.
    """
    from seatrial.campaign import read_address  # noqa: PLC0415 - heavy
    from seatrial.swarm import work_for  # noqa: PLC0415 - heavy

    host, port = read_address(master, option="--master", port="5557")
    root, committed = _project(config)
    end_in_order()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what containers are ended by
    count = work_for(
        host, port, root=root, committed=committed, allow_target=allow_target, wait_s=wait_s or WAIT_S,
        progress=lambda line: click.echo(f"worker: {line}", err=True),
    )  # fmt: skip
    click.echo(f"worker: sent its share {count} times; no master answers any more", err=True)
    return 0


def _project(config: str) -> tuple[Path, tuple[str, ...]]:
    """Return where load files are, and the targets that are allowed there; a worker of paths needs no configuration."""
    from seatrial.config import load_settings  # noqa: PLC0415 - heavy

    try:
        path = config_path(config).resolve()
    except UsageError:
        return Path.cwd(), ()
    settings = load_settings(path)
    return settings.root, settings.targets.allow
