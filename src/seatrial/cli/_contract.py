"""`seatrial contract`: what a service promises in its OpenAPI document, one command a job."""

from __future__ import annotations

from typing import Any

import click

from seatrial.cli._options import (
    address_pool_option,
    config_option,
    json_option,
    profile_option,
    suite_options,
    target_option,
)
from seatrial.cli._usual import UsualGroup

EPILOG = """\b
Examples:
  seatrial contract
  seatrial contract http://127.0.0.1:8000 --seed 7
  seatrial contract openapi.yaml --stack http://127.0.0.1:8000
  seatrial contract diff old.json new.json
  seatrial contract accept --stack local
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

DIFF = """\b
Examples:
  seatrial contract diff contracts/openapi.json http://127.0.0.1:8000/openapi.json
  seatrial contract diff v1.yaml v2.yaml --json

\b
Exit codes: 0 nothing breaks, 1 something does or is risky (see [contract] risky), 2 wrong usage or no document,
3 a document cannot be reached, 130 interrupted."""

ACCEPT = """\b
Examples:
  seatrial contract accept
  seatrial contract accept --stack http://127.0.0.1:8000

\b
Exit codes: 0 it is written, 2 wrong usage or configuration, or what is served is no document,
3 the environment failed, 130 interrupted."""


@click.group("contract", cls=UsualGroup, usual="fuzz", epilog=EPILOG)
def contract_command() -> None:
    """Fuzz and judge what the service's OpenAPI document promises.

    `seatrial contract [URL|FILE]` is short for `seatrial contract fuzz [URL|FILE]`.
    """


@contract_command.command("fuzz", epilog=FUZZ, short_help="Fuzz every operation and judge the answers.")
@click.argument("source", required=False, default="", metavar="[URL|FILE]")
@target_option
@profile_option
@click.option("--only", "operations", multiple=True, metavar="'METHOD /path'", help="Fuzz these operations only.")
@suite_options
@address_pool_option
@config_option
def fuzz_command(*, source: str, **choices: Any) -> int:
    """Fuzz every operation of the document, and judge the answers.

    A URL without a path is a service to be asked, which serves its document. A URL with one, or a FILE, is the document
    itself: what is asked is the host of that URL, or the stack.
    """
    from seatrial.cli._fuzzing import fuzz_session  # noqa: PLC0415 - heavy

    return fuzz_session(source, **choices)


@contract_command.command("diff", epilog=DIFF, short_help="Classify every change between two documents.")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@json_option
@config_option
def diff_command(*, old: str, new: str, as_json: bool, config: str) -> int:
    """Classify every change between two documents: breaking, risky or safe for those who keep to OLD.

    Each is a file or a URL. The nearest configuration may decide otherwise about kinds of changes, and waive some.
    """
    from seatrial.cli._diffing import diff_documents  # noqa: PLC0415 - heavy

    return diff_documents(old, new, as_json=as_json, config=config)


@contract_command.command("accept", epilog=ACCEPT, short_help="Take the served document as the new baseline.")
@click.option(
    "--stack",
    default="auto",
    show_default=True,
    metavar="auto|compose|local|up|URL",
    help="Who serves it; `up` is the stack that `seatrial up` left running.",
)
@click.option("--allow-target", default="", metavar="HOST:PORT", help="A target that is not loopback (see [targets]).")
@config_option
def accept_command(*, config: str, stack: str, allow_target: str) -> int:
    """Take the document that the service serves as what was published, and say what changed.

    It is written to the file that [contract] baseline names, sorted and indented, so that a change is a few lines of a
    diff.
    """
    from seatrial.cli._accepting import accept_document  # noqa: PLC0415 - heavy

    return accept_document(config=config, stack=stack, allow_target=allow_target)
