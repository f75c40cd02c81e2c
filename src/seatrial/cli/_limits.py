"""`seatrial limits`: rate limits from outside, one command a job."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from seatrial._interrupts import end_in_order
from seatrial.cli._options import allow_target_option, config_option, json_option, seconds, seed_option
from seatrial.cli._prove import prove_command
from seatrial.cli._say import say

if TYPE_CHECKING:
    from seatrial.throttle.infer import Person, Task

EXAMPLE = """\b
Examples:
  seatrial limits prove
  seatrial limits discover http://127.0.0.1:8000/items --address-pool 127.20.0.0/16"""
DISCOVER = """\b
Examples:
  seatrial limits discover http://127.0.0.1:8000/items --address-pool 127.20.0.0/16
  seatrial limits discover http://127.0.0.1:8000/items --json \\
      --identity ann@acme='Authorization: Bearer A' --identity bob@acme='Authorization: Bearer B'
  seatrial limits discover http://127.0.0.1:8000/items/7 --path-template '/items/{i}' --race

\b
Exit codes: 0 the policy was inferred, 1 it was and has defects (no limit at all is one), 2 wrong usage,
3 algorithm, quota or window stayed open, or the target does not work, 130 interrupted."""


@click.group("limits", epilog=EXAMPLE)
def limits_command() -> None:
    """Prove or infer rate limits from outside."""


limits_command.add_command(prove_command)


@limits_command.command("discover", epilog=DISCOVER)
@click.argument("url")
@click.option("--method", type=click.Choice(["GET", "HEAD", "POST"]), default="GET", show_default=True)
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Sent by all; twice: two identities.")
@click.option("--identity", "identities", multiple=True, metavar="USER[@ORG]='NAME: VALUE'", help="Somebody to ask as.")
@click.option("--address-pool", default="", metavar="CIDR", help="Addresses of this machine to send from.")
@click.option("--max-requests", type=click.IntRange(min=1), default=5000, show_default=True, help="Never send more.")
@click.option(
    "--max-seconds", callback=seconds, default="180", show_default=True, metavar="T", help="Never go on longer."
)
@click.option("--path-template", default="", metavar="/items/{i}", help="Paths of one route, told apart by a number.")
@click.option("--race", is_flag=True, help="Also ask for four times the quota at once.")
@seed_option
@json_option
@allow_target_option
@config_option
def discover_command(*, as_json: bool, config: str, allow_target: str, **choices: Any) -> int:
    """Infer the policy of an unknown limiter, and print it as a [[limits]] block.

    Neither quota nor window needs to be known. With 12 addresses or identities it takes about two windows.
    """
    from seatrial.throttle.infer import discover  # noqa: PLC0415 - heavy

    end_in_order()
    task = _task(config=config, allow_target=allow_target, **choices)
    found = discover(task)
    if as_json:
        say(json.dumps(found.as_json()))
    else:
        from seatrial.throttle.infer._shown import lines  # noqa: PLC0415 - beside its use

        say("\n".join(lines(task, found)))
    return found.exit_code


def _task(*, url: str, config: str, allow_target: str, **choices: Any) -> Task:
    """Return what is asked for; raises UsageError before anything is sent."""
    from seatrial.stack import check_target  # noqa: PLC0415 - heavy
    from seatrial.throttle.infer import Task  # noqa: PLC0415 - heavy

    parts = urlsplit(url)
    check_target(url.partition("?")[0], committed=_committed(config) if allow_target else (), allow_target=allow_target)
    shared, named = _identities(choices.pop("headers"), choices.pop("identities"))
    template, seed = choices.pop("path_template"), choices.pop("seed")
    _check_template(template)
    return Task(
        url=parts.geturl(),
        method=choices["method"],
        headers=shared,
        people=named,
        address_pool=choices["address_pool"],
        max_requests=choices["max_requests"],
        max_s=choices["max_seconds"],
        template=template,
        race=choices["race"],
        seed=_random_seed() if seed is None else seed,
        progress=lambda line: say(line, err=True),
    )


def _random_seed() -> int:
    """Return a seed that no earlier inference had: a limiter may still remember its addresses."""
    import secrets  # noqa: PLC0415 - beside its use

    return secrets.randbelow(2**32)


def _check_template(template: str) -> None:
    from seatrial.core import UsageError  # noqa: PLC0415 - beside its use

    if template and not (template.startswith("/") and "{i}" in template):
        raise UsageError(
            f"{template!r} is no path with a number in it",
            slug="path-template-invalid",
            where="--path-template",
            remedy=f"write for example --path-template {shlex.quote('/items/{i}')}",
        )


def _committed(config: str) -> Sequence[str]:
    from seatrial.cli._options import config_path  # noqa: PLC0415 - beside its use
    from seatrial.config import load_settings  # noqa: PLC0415 - heavy

    return load_settings(config_path(config)).targets.allow


def _identities(headers: Sequence[str], identities: Sequence[str]) -> tuple[dict[str, str], list[Person]]:
    """Return what everybody sends, and who there is: a header that is given twice makes an identity of each value."""
    from seatrial.throttle.infer import Person, people, read_header  # noqa: PLC0415 - heavy

    pairs = [read_header(text) for text in headers]
    names = [name.lower() for name, _ in pairs]
    shared = {name: value for name, value in pairs if names.count(name.lower()) == 1}
    several = [(name, value) for name, value in pairs if names.count(name.lower()) > 1]
    numbered = [Person(f"identity-{number}", "", {name: value}) for number, (name, value) in enumerate(several, 1)]
    return shared, [*numbered, *people(identities)]
