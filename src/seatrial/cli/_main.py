"""The commands, each imported only when it is called: `seatrial --help` must not wait for what it does not need."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from seatrial import __version__
from seatrial._interrupts import INTERRUPTED
from seatrial.cli._say import say
from seatrial.core import SeatrialError, UsageError

COMMANDS = {
    "run": ("_run", "Start the stack, verify it and give a verdict."),
    "up": ("_stay", "Start a stack that stays up between runs."),
    "down": ("_stay", "Stop the stack that `up` started."),
    "status": ("_stay", "Show the services of the stack that is up."),
    "logs": ("_stay", "Show what the services of the stack wrote."),
    "contract": ("_contract", "Fuzz and judge what the OpenAPI document promises."),
    "load": ("_load", "Send load, and judge it by what must hold meanwhile."),
    "limits": ("_limits", "Prove or infer rate limits from outside."),
    "doctor": ("_doctor", "Say what this machine can run, and how to fix what it cannot."),
    "clean": ("_clean", "Remove whatever earlier runs left behind."),
    "replay": ("_replay", "Send a recorded finding again: is it still there?"),
    "baseline": ("_baseline", "Accept or show the figures that gate rules hold runs against."),
    "merge": ("_merge", "Judge the shards of a run as one."),
    "report": ("_report", "Rebuild every report from a run's recorded events."),
    "compare": ("_differences", "Tell what differs between two runs."),
    "checks": ("_checks", "List or explain the checks."),
}

EPILOG = """\b
Examples:
  seatrial run                        verify the stack of ./seatrial.toml
  seatrial run --only ratelimit       only the rate limits
  seatrial run --fault ratelimit-shared-bucket
                                      the same against a defective stack

\b
Exit codes: 0 pass, 1 a gate failed, 2 wrong usage or configuration,
3 the environment failed or the run is inconclusive, 130 interrupted."""


class LazyGroup(click.Group):
    """A group that knows the names and first lines of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or suggest the nearest."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"seatrial.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands from what is known here."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seatrial")
def commands() -> None:
    """Sea trials for services that are deployed with docker compose.

    One command starts the stack, fuzzes its contract, proves its rate limits, loads it, measures what was exercised,
    and ends in one verdict.
    """


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code; no foreseeable problem ends in a traceback."""
    try:
        result = commands.main(list(arguments), prog_name="seatrial", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        wrong = _wrong_words(error)
        say(f"seatrial: {wrong}", err=True)
        return wrong.exit_code
    except SeatrialError as error:
        say(f"seatrial: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("seatrial: interrupted [run-interrupted]\n  to do: run again", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `seatrial ... | head`: nothing to tell whom
        return 3  # nor a verdict
    return result if isinstance(result, int) else 0


def _wrong_words(error: click.ClickException) -> UsageError:
    """Say what click says as everything else here is said."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "seatrial"
    what = error.format_message().rstrip(".")
    return UsageError(what, slug="arguments-invalid", where=command, remedy=f"see {command} --help")
