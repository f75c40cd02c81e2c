"""The one JSON object of a load that ended before there was a run to tell of: nobody who reads it finds nothing."""

from __future__ import annotations

import json
from typing import Any

import click

from seatrial._interrupts import INTERRUPTED, tell_at_end
from seatrial.core import SeatrialError

SCHEMA = "urn:seatrial:load:1"
AS_JSON, PLANNED = "--json", "--plan"
ENDS = (SeatrialError, click.ClickException, KeyboardInterrupt)
"""What ends a command early; whoever calls it writes the message to standard error and has the exit code."""


class LoadCommand(click.Command):
    """A command that with --json prints one object, also where its words or the configuration are wrong."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> click.Context:
        """Read the words of the command line."""
        self._tells = AS_JSON in args and PLANNED not in args
        if self._tells:
            tell_at_end(_line(KeyboardInterrupt()))
        try:
            return super().make_context(info_name, args, *more, **extra)
        except ENDS as error:
            self._tell(error)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Do what was asked for."""
        try:
            return super().invoke(ctx)
        except ENDS as error:
            self._tell(error)
            raise

    def _tell(self, error: BaseException) -> None:
        if self._tells:
            click.echo(_line(error))


def _line(error: BaseException) -> str:
    return json.dumps(_unsent(error))


def _unsent(error: BaseException) -> dict[str, Any]:
    """Return the object of a load that this ended before it began; what was never settled is null or empty."""
    from seatrial.swarm import figures_sent  # noqa: PLC0415 - heavy

    return {
        "schema": SCHEMA,
        "verdict": "inconclusive",
        **_why(error),
        "stack": "",
        "profile": None,
        "seed": None,
        **figures_sent([]),
        "scenarios": {},
        "findings": [],
        "not_verified": [],
        "repeat": "",
        "directory": "",
    }


def _why(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SeatrialError):
        return {"reason": str(error).splitlines()[0], "exit_code": error.exit_code}
    if isinstance(error, click.ClickException):
        return {"reason": f"{error.format_message()} [arguments-invalid]", "exit_code": 2}
    return {"reason": "interrupted [run-interrupted]", "exit_code": INTERRUPTED}
