"""Everything that seatrial raises on purpose.

SeatrialError                 exit code
 ├── UsageError               2   the caller or the configuration is wrong
 ├── EnvironmentFailure       3   the machine, the engine or the network is wrong
 └── RunInterrupted         130   somebody pressed Ctrl-C or sent SIGTERM
"""

from __future__ import annotations

import traceback
from pathlib import Path


class SeatrialError(Exception):
    """Say what happened, where, and what to do about it.

    `slug` names the section of docs/messages.md that explains the error.
    """

    exit_code = 3

    def __init__(self, what: str, *, slug: str, where: str = "", remedy: str = "", details: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.slug = slug
        self.where = where
        self.remedy = remedy
        self.details = details

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.slug}]"]
        lines += [f"  where: {self.where}"] if self.where else []
        lines += [f"  {line}" for line in self.details.splitlines()]
        lines += [f"  to do: {self.remedy}"] if self.remedy else []
        return "\n".join(lines)


class UsageError(SeatrialError):
    """The caller or the configuration is wrong: nothing was started."""

    exit_code = 2


class EnvironmentFailure(SeatrialError):
    """The machine, the engine or the network is wrong: the product was not judged."""

    exit_code = 3


class RunInterrupted(SeatrialError):
    """Somebody stopped the run."""

    exit_code = 130


def as_ours(error: Exception) -> SeatrialError:
    """Return an error of ours as it is, and one that nobody foresaw as a failure that says where it was raised.

    Of several tasks that failed together, it is the first one's that tells.
    """
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SeatrialError):
        return error
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return EnvironmentFailure(
        f"an error that nobody foresaw: {type(error).__name__}: {error}",
        slug="unforeseen",
        where="".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in last),
        remedy="run again; if it comes again, report it with the run's directory",
    )
