"""`seatrial doctor`: what this machine can run, and how to fix what it cannot."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli._options import config_option
from seatrial.core import SeatrialError
from seatrial.core.plain import visible

if TYPE_CHECKING:
    from seatrial.config import Settings

Examination = Callable[[Path | None], str]
ENOUGH_BYTES = 2_000_000_000


@click.command("doctor", epilog="\b\nExample:\n  seatrial doctor")
@config_option
def doctor_command(config: str) -> int:
    """Say what this machine can run, and how to fix what it cannot.

    Exits 2 when the configuration is wrong, 3 when no driver works.
    """
    from seatrial.config import find_config  # noqa: PLC0415 - heavy

    path: Path | None = Path(config) if config else None
    with contextlib.suppress(SeatrialError):
        path = path or find_config(Path.cwd())
    works = {name: _report(name, examine, path) for name, examine in EXAMINATIONS.items()}
    used, code = _would_use(path) if path else _could_use([name for name in ("compose", "local") if works[name]])
    click.echo(f"seatrial run would use: {used}")
    return code


def _would_use(path: Path) -> tuple[str, int]:
    """Return what a run of this project would use, and why, or why it could not run, with its exit code."""
    from seatrial.stack import choose_driver  # noqa: PLC0415 - heavy

    try:
        choice = choose_driver("auto", _project(path))
    except SeatrialError as error:
        return f"nothing: {error.what}", error.exit_code
    return f"{choice.driver}: {choice.why}", 0


def _could_use(drivers: Sequence[str]) -> tuple[str, int]:
    """Return what a project could use here, where there is none."""
    if not drivers:
        return "nothing, neither compose nor local works here", 3
    return f"{' or '.join(drivers)}, as a project's seatrial.toml declares; there is none here", 0


def _project(path: Path) -> Settings:
    """Return a project's settings; raises what `seatrial run` would say of its files before it starts anything."""
    from seatrial.config import load_settings  # noqa: PLC0415 - heavy
    from seatrial.gate import check_rules  # noqa: PLC0415 - heavy
    from seatrial.openapi.diff import check_drift  # noqa: PLC0415 - heavy
    from seatrial.stack import compose_model  # noqa: PLC0415 - heavy

    settings = load_settings(path)
    check_rules(settings)
    check_drift(settings)
    if settings.stack.compose:
        compose_model(settings, settings.root)
    return settings


def _report(name: str, examine: Examination, path: Path | None) -> bool:
    try:
        found = examine(path)
    except SeatrialError as error:
        click.echo(f"{click.style('no ', fg='red')}  {name:<14} {visible(error.what)}")
        click.echo(f"     {'':<14} to do: {visible(error.remedy)}")
        return False
    click.echo(f"{click.style('yes', fg='green')}  {name:<14} {found}")
    return True


def _python(_path: Path | None) -> str:
    return sys.version.split()[0]


def _configuration(path: Path | None) -> str:
    from seatrial.config import find_config  # noqa: PLC0415 - heavy

    path = path or find_config(Path.cwd())
    _project(path)
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
