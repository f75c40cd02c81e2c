"""`seatrial up`, `down`, `status` and `logs`: a stack that stays up between runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial._interrupts import end_in_order
from seatrial.cli._options import allow_target_option, config_option, config_path, profile_option
from seatrial.core import UsageError

if TYPE_CHECKING:
    from seatrial.stack import Variant


def root_of(config: str) -> Path:
    """Return the folder of the configuration."""
    return config_path(config).resolve().parent


def running(root: Path) -> Mapping[str, Any]:
    """Return what is known about the stack that is up; raises UsageError when there is none."""
    from seatrial.stack import read_state  # noqa: PLC0415 - heavy

    state = read_state(root)
    if state is None:
        raise UsageError("no stack is up", slug="stack-not-up", where=str(root), remedy="start one with: seatrial up")
    return state


@click.command("up", epilog="\b\nExample:\n  seatrial up --stack local && pytest suites -k health; seatrial down")
@click.option(
    "--stack", type=click.Choice(["auto", "compose", "local"]), default="auto", show_default=True, help="What to start."
)
@click.option(
    "--variant",
    type=click.Choice(["clean", "instrumented"]),
    default="clean",
    show_default=True,
    help="Instrumented: with coverage switched on, as functional suites meet it.",
)
@profile_option
@allow_target_option
@config_option
def up_command(stack: str, variant: Variant, profile: str, allow_target: str, config: str) -> int:
    """Start a stack that stays up between runs; `pytest suites` and `seatrial run --stack up` use it."""
    from seatrial.campaign import Options, bring_up  # noqa: PLC0415 - heavy
    from seatrial.cli._view import make_view  # noqa: PLC0415 - heavy
    from seatrial.config import load_settings  # noqa: PLC0415 - heavy
    from seatrial.stack import read_state  # noqa: PLC0415 - heavy

    path = config_path(config).resolve()
    if read_state(path.parent):
        raise UsageError("a stack is up already", slug="stack-is-up", where=str(path.parent), remedy="seatrial down")
    options = Options(
        stack=stack,
        profile="full" if profile == "full" else "quick",
        keep=True,
        command="seatrial up",
        allow_target=allow_target,
    )
    end_in_order()
    with make_view() as view:
        state = bring_up(load_settings(path), options, variant=variant, listeners=[view.handle])
    if variant == "instrumented":
        click.echo("note: runs that attach to it collect no coverage: only a run that starts and stops a stack does")
    click.echo(f"up: {state.get('url', '')} (stop it with: seatrial down)")
    return 0


@click.command("down", epilog="\b\nExample:\n  seatrial down")
@config_option
def down_command(config: str) -> int:
    """Stop the stack that `up` started, or remove what is left of it."""
    from seatrial.campaign import take_down  # noqa: PLC0415 - heavy

    root = root_of(config)
    state = running(root)
    end_in_order()
    was_up = take_down(root, state)
    click.echo("down" if was_up else "down: nothing of the stack was running any more")
    return 0


@click.command("status", epilog="\b\nExample:\n  seatrial status")
@config_option
def status_command(config: str) -> int:
    """Show the services of the stack that is up."""
    from seatrial.stack import attach  # noqa: PLC0415 - heavy

    state = running(root_of(config))
    stack = attach(state)
    click.echo(f"{stack.driver} stack at {stack.url()}, profile {state['profile']}, run {state['run']}")
    for service in stack.services():
        click.echo(f"  {service.name:<12} {service.status:<10} {service.health}")
    return 0


@click.command("logs", epilog="\b\nExample:\n  seatrial logs api")
@click.argument("service", default="")
@config_option
def logs_command(service: str, config: str) -> int:
    """Show what the services of the stack wrote (all of them, or SERVICE)."""
    from seatrial.stack import attach  # noqa: PLC0415 - heavy

    stack = attach(running(root_of(config)))
    names = [state.name for state in stack.services()]
    if service and service not in names:
        raise UsageError(
            f"the stack has no service {service!r}",
            slug="service-unknown",
            where="seatrial logs",
            remedy=f"services: {', '.join(names)}",
        )
    for name in [service] if service else names:
        for line in stack.log(name).splitlines():
            click.echo(line if service else f"{name:<10} {line}")
    return 0
