"""`seatrial doctor`: what this machine can run, and how to fix what it cannot."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import click

from seatrial.cli._options import config_option
from seatrial.core import SeatrialError

Examination = Callable[[Path | None], str]
ENOUGH_BYTES = 2_000_000_000


@click.command("doctor", epilog="\b\nExample:\n  seatrial doctor")
@config_option
def doctor_command(config: str) -> int:
    """Say what this machine can run, and how to fix what it cannot; exits 3 when no driver works."""
    from seatrial.config import find_config  # noqa: PLC0415 - heavy

    path: Path | None = Path(config) if config else None
    with contextlib.suppress(SeatrialError):
        path = path or find_config(Path.cwd())
    works = {name: _report(name, examine, path) for name, examine in EXAMINATIONS.items()}
    drivers = [name for name in ("compose", "local") if works[name]]
    click.echo(f"seatrial run would use: {drivers[0] if drivers else 'nothing, neither compose nor local works here'}")
    return 0 if drivers else 3


def _report(name: str, examine: Examination, path: Path | None) -> bool:
    try:
        found = examine(path)
    except SeatrialError as error:
        click.echo(f"{click.style('no ', fg='red')}  {name:<14} {error.what}")
        click.echo(f"     {'':<14} to do: {error.remedy}")
        return False
    click.echo(f"{click.style('yes', fg='green')}  {name:<14} {found}")
    return True


def _python(_path: Path | None) -> str:
    return sys.version.split()[0]


def _configuration(path: Path | None) -> str:
    from seatrial.config import find_config, load_settings  # noqa: PLC0415 - heavy

    path = path or find_config(Path.cwd())
    load_settings(path)
    return f"{path} is valid"


def _compose(_path: Path | None) -> str:
    from seatrial.stack import check_engine  # noqa: PLC0415 - heavy

    check_engine()
    return "a Docker engine with compose answers"


def _local(_path: Path | None) -> str:
    from seatrial.config import LocalService, LocalSettings, Settings, StackSettings  # noqa: PLC0415 - heavy
    from seatrial.stack import require_embedded  # noqa: PLC0415 - heavy

    services = {"db": LocalService(kind="postgres"), "cache": LocalService(kind="valkey")}
    require_embedded(Settings(stack=StackSettings(local=LocalSettings(services=services))))
    return "PostgreSQL and Valkey from wheels"


def _addresses(_path: Path | None) -> str:
    from seatrial.core import EnvironmentFailure  # noqa: PLC0415 - beside its use

    try:
        with socket.socket() as probe:
            probe.bind(("127.77.0.1", 0))
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot send from 127.77.0.1: {error.strerror}",
            slug="addresses-missing",
            remedy="on macOS: sudo ifconfig lo0 alias 127.77.0.1; checks of anonymous clients are not tested otherwise",
        ) from error
    return "every 127.a.b.c can be a client"


def _disk(path: Path | None) -> str:
    from seatrial.core import EnvironmentFailure  # noqa: PLC0415 - beside its use

    folder = path.resolve().parent if path else Path.cwd()
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_BYTES or not os.access(folder, os.W_OK):
        raise EnvironmentFailure(
            f"{folder}: {free // 1_000_000} MB free, writable: {os.access(folder, os.W_OK)}",
            slug="disk-full",
            remedy="free some space, or choose another directory with --out DIR",
        )
    return f"{free // 1_000_000_000} GB free"


def _leftovers(_path: Path | None) -> str:
    from seatrial.core import EnvironmentFailure  # noqa: PLC0415 - beside its use
    from seatrial.stack import leftovers  # noqa: PLC0415 - heavy

    runs = leftovers()
    if runs:
        raise EnvironmentFailure(
            f"{len(runs)} earlier runs left something behind", slug="leftovers", remedy="seatrial clean"
        )
    return "nothing was left behind"


EXAMINATIONS: dict[str, Examination] = {
    "python": _python,
    "configuration": _configuration,
    "compose": _compose,
    "local": _local,
    "addresses": _addresses,
    "disk": _disk,
    "leftovers": _leftovers,
}
