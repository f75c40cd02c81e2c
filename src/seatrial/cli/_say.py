"""What commands print: text of services among it, which no terminal is to obey."""

from __future__ import annotations

import click

from seatrial.core.plain import visible

LAYOUT = "\t\n"


def say(text: str, *, err: bool = False) -> None:
    """Print a text of any length, with whatever a terminal would obey or hide written out."""
    click.echo(visible(text, layout=LAYOUT), err=err)
