"""The command line: one user of the library among others."""

from seatrial.cli._main import commands, run_command_line

__all__ = ["commands", "run_command_line"]
