"""A group of commands one of which is the usual job, and needs no word."""

from __future__ import annotations

from typing import Any

import click


class UsualGroup(click.Group):
    """A group of which what is no command is an argument or option of its usual one."""

    def __init__(self, *arguments: Any, usual: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._usual = usual

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [self._usual, *args])
